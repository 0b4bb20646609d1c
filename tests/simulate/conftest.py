"""A molecule that is simulated in milliseconds: alanine dipeptide."""

from __future__ import annotations

import pytest

from unfreeze.structure.complex import Complex
from unfreeze.structure.prepare.preparation import prepare_sequence
from unfreeze.structure.prepare.settings import PreparationSettings


@pytest.fixture(scope="session")
def alanine_dipeptide() -> Complex:
    """ACE-ALA-NME with all hydrogens."""
    return prepare_sequence("A", PreparationSettings(termini="capped")).complex
