"""What a child process computes for those who look: each view takes arguments as JSON has them and returns JSON as bytes."""
