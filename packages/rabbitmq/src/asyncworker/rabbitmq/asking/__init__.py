"""Questions and their answers: what is published with a way back, and what comes back."""
