"""What is measured: one file for each peer, with a function for each job that it can do."""
