"""What a prediction says: effects of mutations with their errors and reasons, affinities, classes of a protein.

Only types, so that what predicts and what prints or draws need to know nothing of each other. Two signs are used, each
as its field writes it: a ΔΔG of *binding* is mutant − wild type of the free energy of binding, so positive weakens; a
ΔΔG of *stability* is mutant − wild type of the free energy of unfolding, so negative destabilises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from unfreeze.corpus.mutations import Mutation

__all__ = [
    "AffinityPrediction",
    "ClassPrediction",
    "Contact",
    "MutationEffect",
    "Reasons",
    "StabilityPrediction",
]


@dataclass(frozen=True)
class Contact:
    """A contact of the side chain of a mutated residue.

    Attributes
    ----------
    residue
        The other residue, such as ``B:ASP35``.
    kind
        ``hydrogen bond``, ``salt bridge``, ``hydrophobic``, ``aromatic``, ``clash`` or ``disulfide``.
    across
        Whether it crosses the interface that was asked about.
    """

    residue: str
    kind: str
    across: bool


@dataclass(frozen=True)
class Reasons:
    """Why a mutation does what it does, from the structures and the motion of wild type and mutant.

    Attributes
    ----------
    lost, gained
        Contacts of the wild type only, and of the mutant only.
    buried_area_change_nm2
        Change of the buried area of the interface (affinity) or of the residue (stability).
    rmsf_change
        Relative change of the predicted RMSF of the residue, mutant / wild type − 1.
    entropy_change_kJ_mol
        −TΔS of the springs, mutant − wild type, of binding or of folding.
    words
        Plain sentences, the most important first.
    """

    lost: tuple[Contact, ...]
    gained: tuple[Contact, ...]
    buried_area_change_nm2: float
    rmsf_change: float
    entropy_change_kJ_mol: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class MutationEffect:
    """What one mutation does, or several made at once.

    Attributes
    ----------
    mutations
        The residues exchanged.
    delta_delta_g_kJ_mol
        Mutant − wild type: of binding (positive weakens) or of unfolding (negative destabilises).
    error_kJ_mol
        Calibrated standard deviation of its error.
    delta_tm_K, error_tm_K
        Change of the melting temperature and its error; stability only.
    outside
        A plain sentence where this is outside what the model knows; else empty.
    reasons
        Why; None where nobody asked.
    """

    mutations: tuple[Mutation, ...]
    delta_delta_g_kJ_mol: float
    error_kJ_mol: float
    delta_tm_K: float | None = None
    error_tm_K: float | None = None
    outside: str = ""
    reasons: Reasons | None = None


@dataclass(frozen=True)
class AffinityPrediction:
    """How strongly two partners bind, and what mutations do to it.

    Attributes
    ----------
    partners
        Chain names of the two sides, such as ``("HL", "A")`` or ``("H,L", "A")``.
    delta_g_kJ_mol, error_kJ_mol
        Free energy of binding (negative binds) and the standard deviation of its error; None where there is none.
    outside
        A plain sentence where the complex is outside what the model knows; else empty.
    temperature_K
        Temperature that the free energy holds for.
    effects
        One per mutation that was asked for, in that order.
    notes
        Sentences that a person should read.
    """

    partners: tuple[str, str]
    delta_g_kJ_mol: float | None
    error_kJ_mol: float | None
    outside: str
    temperature_K: float
    effects: tuple[MutationEffect, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class StabilityPrediction:
    """What mutations do to the stability of a protein.

    Attributes
    ----------
    source
        Whether a structure was there, or a sequence alone.
    effects
        One per mutation that was asked for, in that order.
    notes
        Sentences that a person should read.
    """

    source: Literal["structure", "sequence"]
    effects: tuple[MutationEffect, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassPrediction:
    """Which classes a protein belongs to: where it is in a cell, or what it catalyses.

    Attributes
    ----------
    task
        ``location`` or ``function``.
    probabilities
        Calibrated probability of every class.
    chosen
        The classes above their thresholds, the most probable first.
    threshold
        Threshold of every class.
    outside
        A plain sentence where the protein is outside what the model knows; else empty.
    notes
        Sentences that a person should read.
    """

    task: str
    probabilities: Mapping[str, float]
    chosen: tuple[str, ...]
    threshold: Mapping[str, float]
    outside: str = ""
    notes: tuple[str, ...] = ()
