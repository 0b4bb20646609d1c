"""How strongly two partners bind, and what mutations do to that: effects in the complex less those in free partners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from unfreeze.corpus.mutations import Mutation
from unfreeze.properties.binding import predict_delta_g
from unfreeze.properties.effect_model import EffectModel, load_effect_model
from unfreeze.properties.effect_prediction import Surrounding, outside_of, summed
from unfreeze.properties.effects import AffinityPrediction, MutationEffect
from unfreeze.properties.electrostatics import TYPICAL_DELTA_G, bounded, charge_effects
from unfreeze.properties.mutants.explain import WildType, explain
from unfreeze.properties.places import chains_of, partner_atoms
from unfreeze.structure.complex import Complex
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["predict_affinity"]


def predict_affinity(
    molecule: Complex,
    partners: tuple[str, str],
    mutations: Sequence[Sequence[Mutation]],
    *,
    temperature_K: float = 298.15,
    measured_delta_g_kJ_mol: float | None = None,
    model: EffectModel | str | Path | None = None,
    with_reasons: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> AffinityPrediction:
    """Predict the free energy of binding and its changes.

    Parameters
    ----------
    molecule
        The complex; what is of neither partner is left out.
    partners
        Chains of either side: ``("HL", "A")``.
    mutations
        Each one or several at once, of residues of the partners, checked against the structure.
    temperature_K
        Of the free energy of the wild type. Effects are those near room temperature, at which they were measured.
    measured_delta_g_kJ_mol
        Free energy of binding of the wild type, if it was measured: no mutation loses more, and effects are told
        better with it (r 0.58 to 0.61 on complexes held out). Without, the predicted one is taken.
    model
        A model of effects or its file; the shipped one when None.
    with_reasons
        Whether to build the mutants and say why (seconds each).
    progress
        Called with a stage and the share of it that is done.

    Returns
    -------
    AffinityPrediction
        ΔΔG of binding, mutant − wild type, kJ/mol (positive weakens).

    Raises
    ------
    InputError
        If a residue is not whole, or weights cannot be read.
    """
    say = progress or (lambda stage, share: None)
    # a file that was named is read even where nothing is asked of it, so that a wrong one is never said to be used
    chosen = load_effect_model(model) if isinstance(model, (str, Path)) else model
    bound = partner_atoms(molecule, partners, "bound")
    say("Predicting binding", 0.0)
    delta_g, error, outside = predict_delta_g(bound, partners, temperature_K=temperature_K)
    known = bool(np.isfinite(error))
    effects: tuple[MutationEffect, ...] = ()
    if mutations:
        most = delta_g if known else TYPICAL_DELTA_G
        if measured_delta_g_kJ_mol is not None:
            most = measured_delta_g_kJ_mol
        effects = _effects(chosen or load_effect_model(), bound, partners, mutations, most, with_reasons, say)
    return AffinityPrediction(
        partners=partners,
        delta_g_kJ_mol=delta_g if known else None,
        error_kJ_mol=error if known else None,
        outside=outside,
        temperature_K=temperature_K,
        effects=effects,
        notes=_copies(bound, mutations),
    )


def _copies(bound: Complex, mutations: Sequence[Sequence[Mutation]]) -> tuple[str, ...]:
    """A note where a mutated chain has a copy that was left as it is: in the cell both come from one gene."""
    letters = {one.chain: one.letters for one in chain_sequences(bound)}
    for together in mutations:
        for one in together:
            own = letters.get(one.chain, "")
            copies = [name for name, other in letters.items() if name != one.chain and own and other == own]
            mutated = {other.chain for other in together if other.number == one.number and other.mutant == one.mutant}
            if left := [name for name in copies if name not in mutated]:
                place = f"{one.wild_type}{one.number}{one.insertion_code}{one.mutant}"
                every = "+".join(f"{name}:{place}" for name in (one.chain, *left))
                return (
                    f"Chain {one.chain} has the same sequence as {', '.join(left)}: a mutation of the gene changes "
                    f"them all, and was asked for in one; for all write {every}.",
                )
    return ()


def _effects(
    model: EffectModel,
    bound: Complex,
    partners: tuple[str, str],
    mutations: Sequence[Sequence[Mutation]],
    delta_g_kJ_mol: float,
    with_reasons: bool,
    say: Callable[[str, float], None],
) -> tuple[MutationEffect, ...]:
    say("Predicting effects", 0.0)
    place = Surrounding(model, bound, [one for together in mutations for one in together], "affinity")
    values = place.exchange("affinity")
    for part, names in zip(("first", "second"), partners, strict=True):
        own = [one for one in place.mutations if one.chain in chains_of(bound, names)]
        if own:
            say("Predicting effects", 0.4)
            free = Surrounding(model, partner_atoms(bound, partners, part), own, "affinity")
            values[:, [place.row(one) for one in own]] -= free.exchange("affinity")
    values += charge_effects(bound, partners, place.mutations)
    mean, spread = summed(values, [[place.row(one) for one in together] for together in mutations])
    mean = bounded(mean, delta_g_kJ_mol)
    law = model.errors["affinity"]
    errors = law.error(mean, spread)
    wild = WildType(bound, partners) if with_reasons else None
    effects = []
    for k, together in enumerate(mutations):
        if wild is not None:
            say("Finding reasons", k / len(mutations))
        reasons = explain(bound, together, partners=partners, wild=wild) if wild is not None else None
        foreign = any(place.foreign(one) for one in together)
        why = outside_of(together, spread=float(spread[k]), largest_spread=law.largest_spread, foreign=foreign)
        effects.append(MutationEffect(tuple(together), float(mean[k]), float(errors[k]), outside=why, reasons=reasons))
    return tuple(effects)
