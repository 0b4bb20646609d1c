"""Modalities: what may be given or asked of a protein; one file each, with how it is encoded or decoded."""
