"""Molecular dynamics with OpenMM: systems, protocols, an engine that survives being killed, campaigns."""
