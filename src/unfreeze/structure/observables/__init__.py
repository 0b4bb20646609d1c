"""What is measured on frames: fluctuations, correlations, interfaces, buried area."""
