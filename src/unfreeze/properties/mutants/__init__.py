"""Mutants of complexes: their structure, their contacts, and how stiff their surroundings are.

What a mutation does is told from a structure in which one side chain was exchanged and everything else stays where it
is, except side chains that would be in its way.
"""

from unfreeze.properties.mutants.build import MutantBuilder, build_mutant
from unfreeze.properties.mutants.columns import COLUMNS, mutation_contacts
from unfreeze.properties.mutants.contacts import lost_and_gained, side_chain_contacts
from unfreeze.properties.mutants.explain import WildType, explain
from unfreeze.properties.mutants.stiffness import Stiffness

__all__ = [
    "COLUMNS",
    "MutantBuilder",
    "Stiffness",
    "WildType",
    "build_mutant",
    "explain",
    "lost_and_gained",
    "mutation_contacts",
    "side_chain_contacts",
]
