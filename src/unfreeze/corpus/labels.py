"""Labels: what was measured about a protein or complex beside its motion. One pydantic model a kind.

Labels of a complex with coordinates are in its entry's manifest; labels of sequences without coordinates are in label
sets (:mod:`unfreeze.corpus.label_sets`). Signs and units are those given here, whatever the source has.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "LABEL_KINDS",
    "AffinityLabel",
    "BFactorLabel",
    "FunctionLabel",
    "Label",
    "LocationLabel",
    "MutationText",
    "StabilityLabel",
]

MutationText = Annotated[str, Field(pattern=r"^([^:\s]{1,16}:)?[A-Z]-?[0-9]{1,6}[A-Za-z]?[A-Z]$")]
"""``I:L38G``: chain, wild type, author number and insertion code, mutant; without the chain in sets of sequences."""

EcNumber = Annotated[str, Field(pattern=r"^[1-7](\.([0-9]{1,4}|n[0-9]{1,4}|-)){3}$")]

LABEL_KINDS = ("affinity", "stability", "location", "function", "b_factor")
"""Values of ``kind``."""


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
        Of a bound (``<``, ``>``) it is a bound of the same kind.
    delta_delta_g_kJ_mol
        Mutant less wild type, each pair as measured together: positive weakens binding. With ``<`` and ``>`` a bound;
        None where the wild type itself is only bounded.
    n_measurements
        How many measurements of the source under the same conditions were merged, by the mean of ΔG.
    spread_kJ_mol
        Standard deviation of ΔΔG (of ΔG for the wild type) over them; None for one.
    """

    kind: Literal["affinity"] = "affinity"
    partners: tuple[str, str]
    mutations: tuple[MutationText, ...] = ()
    temperature_K: Annotated[float, Field(gt=0)] | None = None
    dissociation_constant_M: Annotated[float, Field(gt=0)] | None = None
    relation: Literal["=", "<", ">", "none"] = "="
    delta_g_kJ_mol: float | None = None
    delta_delta_g_kJ_mol: float | None = None
    n_measurements: Annotated[int, Field(ge=1)] = 1
    spread_kJ_mol: Annotated[float, Field(ge=0)] | None = None
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
    n_measurements
        How many rows of the source with the same mutations and conditions were merged, by the mean.
    spread
        Their standard deviation, in kJ/mol or K as the value; None for one.
    """

    kind: Literal["stability"] = "stability"
    chain: str = ""
    mutations: Annotated[tuple[MutationText, ...], Field(min_length=1)]
    delta_delta_g_kJ_mol: float | None = None
    delta_tm_K: float | None = None
    temperature_K: Annotated[float, Field(gt=0)] | None = None
    pH: Annotated[float, Field(ge=-2, le=16)] | None = None
    n_measurements: Annotated[int, Field(ge=1)] = 1
    spread: Annotated[float, Field(ge=0)] | None = None


class LocationLabel(_Label):
    """Where in the cell a protein is found; several may hold.

    Attributes
    ----------
    locations
        As the source names them.
    partition
        Part of the source's own split, to compare with what others report; None where it has none.
    """

    kind: Literal["location"] = "location"
    locations: Annotated[tuple[str, ...], Field(min_length=1)]
    partition: int | None = None


class FunctionLabel(_Label):
    """What a chain does: Enzyme Commission numbers, as deep as they are known.

    Attributes
    ----------
    chain
        Author name of the chain; empty in a set of sequences of one chain each.
    ec_numbers
        Four places each, ``-`` for what is not known: ``3.2.2.-``.
    partition
        Name of the part of the source's own split (``train``, ``test``); empty where it has none.
    """

    kind: Literal["function"] = "function"
    chain: str = ""
    ec_numbers: Annotated[tuple[EcNumber, ...], Field(min_length=1)]
    partition: str = ""


class BFactorLabel(_Label):
    """What the B-factors in the topology of the entry are worth; the numbers themselves stand there.

    Attributes
    ----------
    meaning
        ``isotropic`` displacement (8π²/3 times the mean square displacement, with errors of the model in it),
        ``plddt`` (a confidence of a predictor, no displacement at all), ``constant``, or ``unknown`` (of NMR models,
        of what translation, libration and screw motion left over, of numbers out of range). The reason is in ``note``.
    mean_A2, spread_A2
        Mean and standard deviation over heavy atoms of polymers, in Å² (in points for ``plddt``).
    per_residue
        Whether all atoms of a residue have one value.
    resolution_A
        Of the diffraction or the map.
    """

    kind: Literal["b_factor"] = "b_factor"
    meaning: Literal["isotropic", "plddt", "constant", "unknown"]
    mean_A2: float
    spread_A2: Annotated[float, Field(ge=0)]
    per_residue: bool = False
    resolution_A: Annotated[float, Field(gt=0)] | None = None


Label = Annotated[
    AffinityLabel | StabilityLabel | LocationLabel | FunctionLabel | BFactorLabel, Field(discriminator="kind")
]
"""Any of them, told apart by ``kind``."""
