"""What was delivered, and no handler was given yet."""
