"""Whole proteins: one vector a chain from its sequence, from which location and function are decoded."""
