"""Trajectory files as people have them: formats, topologies, readers block by block, and clocks not to be trusted."""
