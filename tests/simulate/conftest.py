"""Molecules that are simulated in milliseconds, and a protein."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from unfreeze.structure.complex import Complex
from unfreeze.structure.prepare.preparation import prepare, prepare_sequence
from unfreeze.structure.prepare.settings import PreparationSettings


@pytest.fixture(scope="session")
def alanine_dipeptide() -> Complex:
    """ACE-ALA-NME with all hydrogens."""
    return prepare_sequence("A", PreparationSettings(termini="capped")).complex


@pytest.fixture(scope="session")
def charged_peptide() -> Complex:
    """KAEK with charged ends: charges of both signs, +1 together."""
    return prepare_sequence("KAEK").complex


@pytest.fixture(scope="session")
def ubiquitin(make: SimpleNamespace) -> Complex:
    """1UBI, 1,231 atoms."""
    return prepare(make.read("pdb1ubi.pdb")).complex
