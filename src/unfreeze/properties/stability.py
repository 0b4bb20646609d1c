"""What mutations do to the stability of a fold: ΔΔG of unfolding and ΔTm, from a structure or a sequence alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.effect_model import EffectModel, load_effect_model
from unfreeze.properties.effect_prediction import Surrounding, outside_of, summed
from unfreeze.properties.effects import MutationEffect, StabilityPrediction
from unfreeze.properties.exchange_table import shipped_table
from unfreeze.properties.mutants.explain import WildType, explain
from unfreeze.structure.complex import Complex

__all__ = ["predict_stability"]

_FEWEST_RESIDUES = 20


def predict_stability(
    molecule_or_sequence: Complex | str,
    mutations: Sequence[Sequence[Mutation]],
    *,
    chains: Sequence[str] | None = None,
    model: EffectModel | str | Path | None = None,
    with_reasons: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> StabilityPrediction:
    """Predict changes of stability.

    Parameters
    ----------
    molecule_or_sequence
        The folded protein, with all that it touches, or one letter a residue.
    mutations
        Each one or several at once, checked against the source.
    chains
        Chains of the structure to look at; all when None.
    model
        A model or its file; the shipped one when None.
    with_reasons
        Whether to build the mutants and say why (structures only; seconds each).
    progress
        Called with a stage and the share of it that is done.

    Returns
    -------
    StabilityPrediction
        ΔΔG of unfolding, mutant − wild type, kJ/mol (negative destabilises); ΔTm in K.

    Raises
    ------
    InputError
        If a residue is not whole, or the weights cannot be read.
    """
    say = progress or (lambda stage, share: None)
    chosen = model if isinstance(model, EffectModel) else load_effect_model(model)
    source = molecule_or_sequence
    if isinstance(source, Complex) and chains is not None:
        source = source.take_atoms(np.isin(source.chain_name[source.atom_chain_index], list(chains)))
    say("Predicting effects", 0.0)
    place = Surrounding(chosen, source, [one for together in mutations for one in together], "stability")
    rows = [[place.row(one) for one in together] for together in mutations]
    values, laws = {task: place.exchange(task) for task in ("stability", "melting")}, chosen.errors
    if isinstance(source, str) and "language" not in chosen.given:
        table = shipped_table()
        values = {task: table.mixed(task, one, place.mutations, len(source)) for task, one in values.items()}
        laws = table.errors
    found = {task: summed(one, rows) for task, one in values.items()}
    errors = {task: laws[task].error(*found[task]) for task in found}
    short = "" if _size(source) >= _FEWEST_RESIDUES else f"fewer than {_FEWEST_RESIDUES} residues, hardly a fold"
    wild = WildType(source) if with_reasons and isinstance(source, Complex) else None
    effects = []
    for k, together in enumerate(mutations):
        if wild is not None:
            say("Finding reasons", k / len(mutations))
        spread = float(found["stability"][1][k])
        effects.append(
            MutationEffect(
                mutations=tuple(together),
                delta_delta_g_kJ_mol=float(found["stability"][0][k]),
                error_kJ_mol=float(errors["stability"][k]),
                delta_tm_K=float(found["melting"][0][k]),
                error_tm_K=float(errors["melting"][k]),
                outside=short
                or outside_of(
                    together,
                    spread=spread,
                    largest_spread=laws["stability"].largest_spread,
                    foreign=any(place.foreign(one) for one in together),
                ),
                reasons=explain(wild.molecule, together, wild=wild) if wild is not None else None,
            )
        )
    kind = "structure" if isinstance(source, Complex) else "sequence"
    notes = () if kind == "structure" else ("From the sequence alone, which says much less than a structure would.",)
    return StabilityPrediction(kind, tuple(effects), notes)


def _size(source: Complex | str) -> int:
    return len(source) if isinstance(source, str) else int((source.residue_kind == "protein").sum())
