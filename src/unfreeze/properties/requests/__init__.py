"""What people ask for, made certain: mutations, scans, partners and sequences, each checked before any work begins.

Everything that cannot be predicted is refused here by name: with the file and its row, the chain and the residue, what
was found, and what to do.
"""

from unfreeze.properties.requests.mutations import MAX_REQUESTS, Requested, read_mutations
from unfreeze.properties.requests.partners import INTERFACE_NM, Partners, find_partners
from unfreeze.properties.requests.residues import MutableResidues, Site
from unfreeze.properties.requests.scans import amino_acids_of, scan
from unfreeze.properties.requests.sequences import NamedSequence, read_fasta, read_sequence

__all__ = [
    "INTERFACE_NM",
    "MAX_REQUESTS",
    "MutableResidues",
    "NamedSequence",
    "Partners",
    "Requested",
    "Site",
    "amino_acids_of",
    "find_partners",
    "read_fasta",
    "read_mutations",
    "read_sequence",
    "scan",
]
