"""Routes that take nothing for a while: what has them do so, and until when."""
