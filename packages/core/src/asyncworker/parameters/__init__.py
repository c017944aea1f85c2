"""What the parameters of a handler are filled with, worked out once at decoration."""
