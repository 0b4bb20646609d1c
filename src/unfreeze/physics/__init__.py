"""Springs, the harmonic ensemble and covalent geometry. Knows molecules as arrays; reads and writes no files."""
