"""What HTTP routes take and answer, told to documents, and documents told to browsers."""
