"""Labels: what was measured about a protein or complex beside its motion. One pydantic model a kind.

Labels of a complex with coordinates are in its entry's manifest; labels of sequences without coordinates are in label
sets (:mod:`unfreeze.corpus.label_sets`). Signs and units are those given here, whatever the source has.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["AffinityLabel", "BFactorLabel", "FunctionLabel", "Label", "LocationLabel", "StabilityLabel"]


class _Label(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    source: str
    """Set and row it came from: ``skempi2:4711``."""
    licence: str = "unknown"
    note: str = ""


class AffinityLabel(_Label):
    """Binding of two groups of chains, wild type or mutant.

    Attributes
    ----------
    partners
        Author names of the chains on either side: ``("E", "I")``, ``("HL", "A")``.
    mutations
        Relative to the entry, in the entry's author numbering: ``I:L38G``; empty for the wild type.
    dissociation_constant_M
        None where only a bound or "does not bind" was reported.
    relation
        ``=``, ``<`` or ``>``; ``none`` for no binding seen.
    delta_g_kJ_mol
        RT ln Kd: negative binds.
    delta_delta_g_kJ_mol
        Mutant less wild type: positive weakens binding.
    n_measurements
        How many rows of the source were merged; their spread is in ``spread_kJ_mol``.
    """

    kind: Literal["affinity"] = "affinity"
    partners: tuple[str, str]
    mutations: tuple[str, ...] = ()
    temperature_K: float | None = None
    dissociation_constant_M: float | None = None
    relation: Literal["=", "<", ">", "none"] = "="
    delta_g_kJ_mol: float | None = None
    delta_delta_g_kJ_mol: float | None = None
    n_measurements: int = 1
    spread_kJ_mol: float | None = None
    method: str = ""


class StabilityLabel(_Label):
    """Change of folding stability on mutation.

    Attributes
    ----------
    chain
        Author name of the mutated chain; empty in a set of sequences.
    mutations
        In the numbering of the entry, or of the sequence (from 1) in a set.
    delta_delta_g_kJ_mol
        ΔG of unfolding of the mutant less that of the wild type: negative destabilises.
    delta_tm_K
        Melting temperature of the mutant less that of the wild type: negative destabilises.
    """

    kind: Literal["stability"] = "stability"
    chain: str = ""
    mutations: tuple[str, ...]
    delta_delta_g_kJ_mol: float | None = None
    delta_tm_K: float | None = None
    temperature_K: float | None = None
    pH: float | None = None


class LocationLabel(_Label):
    """Where in the cell a protein is found; several may hold."""

    kind: Literal["location"] = "location"
    locations: tuple[str, ...]
    partition: int | None = None


class FunctionLabel(_Label):
    """What a chain does: Enzyme Commission numbers, as deep as they are known."""

    kind: Literal["function"] = "function"
    chain: str = ""
    ec_numbers: tuple[str, ...]


class BFactorLabel(_Label):
    """What the B-factors in the topology of the entry are worth; the numbers themselves stand there.

    Attributes
    ----------
    meaning
        ``isotropic`` displacement, ``plddt`` (a confidence of a predictor, no displacement at all), or ``constant``.
    mean_A2, spread_A2
        Over heavy atoms of polymers.
    """

    kind: Literal["b_factor"] = "b_factor"
    meaning: Literal["isotropic", "plddt", "constant", "unknown"]
    mean_A2: float
    spread_A2: float
    resolution_A: float | None = None


Label = Annotated[
    AffinityLabel | StabilityLabel | LocationLabel | FunctionLabel | BFactorLabel, Field(discriminator="kind")
]
"""Any of them, told apart by ``kind``."""
