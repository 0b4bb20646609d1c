"""The modalities *affinity*, *stability* and *melting*: what exchanging one residue for another does, as energies.

The exchange of amino acid w for m at a site with hidden numbers h is worth

    d(h; w, m) = e(h, m) − e(h, w) + r(h, m, c_m) − r(h, w, c_w)

with e an energy of each amino acid in these surroundings (a share of it is the logarithm of how often nature puts it
there, learned from structures alone) and r what its best rotamers meet there (columns c of `properties.mutants`). So d
is zero for w = m, and its reverse the negative, whatever was learned. Stability is d of the folded protein; affinity is
d in the complex less d in the free partner, which is zero where both see the same (the thermodynamic cycle; Dourado &
Flores 2014, Proteins 82, 2681). Several mutations are added up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.network import Array, linear, silu
from unfreeze.properties.modalities.sequence import LETTERS
from unfreeze.properties.mutants.columns import COLUMNS

__all__ = [
    "MELTING_POWER",
    "READ",
    "SCALE",
    "TASKS",
    "exchange",
    "initial_shares",
    "layers",
    "melting_factor",
    "native_logits",
]

TASKS = ("affinity", "stability", "melting")
SCALE = 6.0
"""kJ/mol (or K) that an output of 1 stands for."""
MELTING_POWER = 0.75
"""How fast changes of the melting temperature shrink with the length of the chain."""
READ = {
    "affinity": ("sequence", "structure", "language"),
    "stability": ("sequence", "structure", "dynamics", "language"),
    "melting": ("sequence", "structure", "dynamics", "language"),
}
"""Modalities that each task reads in use, of those that the weights were trained with.

Affinity does without dynamics: a free partner moves more everywhere, so that no site of it would be the same as in the
complex, and an effect far from the interface not zero. Held-out complexes are predicted as well without
(docs/experiments/mutation-effects.md).
"""
_SIGN = {"affinity": -1.0, "stability": 1.0, "melting": 1.0}  # of what is good for the fold
_FIRST_SHARE = 0.3
_TYPICAL_LENGTH, _LENGTHS = 100.0, (40.0, 1000.0)
_N_COLUMNS = len(COLUMNS)
_SMALL = 0.3


def layers(width: int) -> Iterator[tuple[str, int, int, float]]:
    """Name, numbers in, numbers out and scale of the first weights of every linear map."""
    yield "native", width, len(LETTERS), 1.0
    yield "shared.0", width, width, 1.0
    yield "shared.1", width, len(LETTERS), 0.3 * _SMALL
    for task in TASKS:
        yield f"{task}.site.0", width, width, 1.0
        yield f"{task}.site.1", width, len(LETTERS), 0.1
        yield f"{task}.rotamer.columns", _N_COLUMNS, width, 1.0
        yield f"{task}.rotamer.site", width, width, 0.5
        yield f"{task}.rotamer.letter", len(LETTERS), width, _SMALL * np.sqrt(len(LETTERS))
        yield f"{task}.rotamer.out", width, 1, _SMALL
        yield f"{task}.rotamer.straight", _N_COLUMNS, 1, 0.0


def initial_shares() -> dict[str, NDArray[np.float32]]:
    """Parameters that are no linear maps: shares of nature's log-odds, mean and spread of the columns."""
    shares = {f"{task}.native_share": np.array([_FIRST_SHARE * _SIGN[task]], dtype=np.float32) for task in TASKS}
    constants = {"columns.mean": np.zeros(_N_COLUMNS), "columns.spread": np.ones(_N_COLUMNS)}
    return shares | {name: values.astype(np.float32) for name, values in constants.items()}


def native_logits(parameters: Mapping[str, Array], hidden: Array) -> Array:
    """How well every amino acid suits the surroundings, up to a constant: [n_sites, 20]."""
    return linear(parameters, "native", hidden)


def melting_factor(n_residues: NDArray[np.integer], power: float) -> NDArray[np.float64]:
    """What changes of the melting temperature are multiplied by: (100 / length)^power.

    The enthalpy of unfolding grows with the chain (Robertson & Murphy 1997, Chem. Rev. 97, 1251), so that the same
    change of free energy moves the melting temperature of a long one less.

    Parameters
    ----------
    n_residues
        Of the mutated chains.
    power
        0 for no such factor.
    """
    return (_TYPICAL_LENGTH / np.clip(n_residues, *_LENGTHS)) ** power


def exchange(
    parameters: Mapping[str, Array],
    task: str,
    hidden: Array,
    wild: tuple[Array, Array],
    mutant: tuple[Array, Array],
    has_columns: Array,
) -> Array:
    """What exchanging residues is worth, site by site.

    Parameters
    ----------
    parameters
        Weights by name.
    task
        One of :data:`TASKS`.
    hidden : [n, width]
        Of the trunk.
    wild, mutant
        One-hot kinds [n, 20] and columns [n, n_columns] (`properties.mutants.columns`) of either amino acid.
    has_columns : [n]
        1 where the columns are known, else 0.

    Returns
    -------
    [n]
        In units of :data:`SCALE`, of the sign of the task's labels.
    """
    energies = linear(parameters, "shared.1", silu(linear(parameters, "shared.0", hidden)))
    energies = energies + linear(parameters, f"{task}.site.1", silu(linear(parameters, f"{task}.site.0", hidden)))
    energies = energies + parameters[f"{task}.native_share"] * native_logits(parameters, hidden)
    given = []
    for letters, columns in (wild, mutant):
        normal = (columns - parameters["columns.mean"]) / parameters["columns.spread"]
        given.append((letters, normal.clip(-5.0, 5.0)))
    worth = (energies * (mutant[0] - wild[0])).sum(-1)
    # without columns nothing may come of their constants either
    built = _rotamers(parameters, task, hidden, *given[1]) - _rotamers(parameters, task, hidden, *given[0])
    return worth + has_columns * built


def _rotamers(parameters: Mapping[str, Array], task: str, hidden: Array, letters: Array, columns: Array) -> Array:
    name = f"{task}.rotamer"
    inner = linear(parameters, f"{name}.columns", columns) + linear(parameters, f"{name}.site", hidden)
    inner = silu(inner + linear(parameters, f"{name}.letter", letters))
    return (linear(parameters, f"{name}.out", inner) + linear(parameters, f"{name}.straight", columns))[:, 0]
