"""What preparing a structure is asked to do: a pydantic model, as the command line and `campaign.yaml` spell it.

Together with the structure it decides the result to the last digit. Nothing here imports OpenMM.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["PreparationSettings"]


class PreparationSettings(BaseModel):
    """How a structure is made ready for simulation.

    Attributes
    ----------
    chains, assembly, model
        Author names of the chains to keep (all by default), the biological assembly to build (the coordinates as
        they are by default), and the model of a file with several.
    mutations
        Such as ``A:K15A`` or ``A:MSE5MET``, with an insertion code ``H:T100aA``: chain, residue found, number,
        residue wanted.
    nonstandard
        Modified residues are replaced by the standard ones that they derive from (``MSE`` by ``MET``), or refused.
        D-amino acids are refused in any case; mutate them.
    ligands
        What becomes of ligands, glycans and cofactors without a template in `force_field_files`; remains of the
        crystallisation (glycerol, sulphate) are dropped in any case.
    ions
        Whether monoatomic ions are kept.
    force_field_files
        OpenMM force-field XML files with templates for ligands, which are then kept.
    keep_waters, water_distance_nm
        Waters within the distance of two chains (or of a chain and a kept ligand) are kept with ``interface``.
    build_gaps
        Missing stretches within a chain are built up to this many residues, where the sequence is known.
    gap_ends
        Ends at gaps that are not built: capped with ACE and NME, or charged like true ends.
    termini
        Ends of the chains: ``auto`` charges those at which the sequence ends, and caps those at which residues are
        missing.
    disulfides
        ``auto`` by distance, ``none``, or pairs such as ``A:5-A:55``.
    pH
        Side chains take the state of the model compound at this pH.
    states
        States of single residues, such as ``A:57=HIP``.
    conformation
        Backbone of peptides that are made from a sequence.
    seed
        Seed of whatever is random.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    chains: tuple[str, ...] | None = None
    assembly: str | None = None
    model: Annotated[int, Field(ge=1)] = 1
    mutations: tuple[str, ...] = ()
    nonstandard: Literal["replace", "refuse"] = "replace"
    ligands: Literal["refuse", "drop"] = "refuse"
    ions: Literal["drop", "keep"] = "drop"
    force_field_files: tuple[str, ...] = ()
    keep_waters: Literal["none", "interface", "all"] = "none"
    water_distance_nm: Annotated[float, Field(gt=0.0, le=5.0)] = 0.5
    build_gaps: Annotated[int, Field(ge=0, le=30)] = 8
    gap_ends: Literal["capped", "charged"] = "capped"
    termini: Literal["auto", "charged", "capped"] = "auto"
    disulfides: Literal["auto", "none"] | tuple[str, ...] = "auto"
    pH: Annotated[float, Field(ge=0.0, le=14.0)] = 7.0
    states: tuple[str, ...] = ()
    conformation: Literal["extended", "helix"] = "extended"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
