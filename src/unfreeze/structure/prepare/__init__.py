"""From a deposited or predicted structure, or a sequence, to one that can be simulated; every change is reported."""
