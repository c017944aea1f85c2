"""What became of an app since a document of it was written, and whether that breaks anybody."""
