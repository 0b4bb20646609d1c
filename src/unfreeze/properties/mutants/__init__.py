"""Mutants of complexes: their structure, their contacts, and how stiff their surroundings are.

What a mutation does is told from a structure in which one side chain was exchanged and everything else stays where it
is, except side chains that would be in its way.
"""

from unfreeze.properties.mutants.build import MutantBuilder, build_mutant

__all__ = ["MutantBuilder", "build_mutant"]
