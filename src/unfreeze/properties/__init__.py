"""What motion is for: affinity, stability, location and function of proteins, with their uncertainty and reasons."""
