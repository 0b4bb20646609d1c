"""Chains, residues and atoms of an ensemble matched to those of its reference, and both superposed."""

from __future__ import annotations

from unfreeze.evaluate.matching.align import align_pair
from unfreeze.evaluate.matching.equivalent import relabel_equivalent_atoms
from unfreeze.evaluate.matching.match import Matching, match

__all__ = ["Matching", "align_pair", "match", "relabel_equivalent_atoms"]
