"""What the packages are published as: their versions, their public API, whether they may go out."""
