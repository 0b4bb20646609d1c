"""Groups to parts: the shares asked for, as nearly as groups that must stay whole allow, and the same for one seed.

Large groups are placed first. Among the parts where a group still fits, one is drawn in proportion to the room that is
left, so that validation and test get groups of many sizes and not the crumbs only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError

__all__ = ["assign_groups", "check_fractions"]

_TOLERANCE = 1.05  # a part may be filled to this share of what was asked for


def check_fractions(fractions: Mapping[str, float]) -> dict[str, float]:
    """Shares that add up to one.

    Raises
    ------
    InputError
        If there is none, or one is not positive.
    """
    if not fractions:
        raise InputError("no parts: name them with their shares, such as train=0.8 validation=0.1 test=0.1.")
    for name, share in fractions.items():
        if not (np.isfinite(share) and share > 0.0):
            raise InputError(f"the share of {name!r} is {share}; a number above 0 was expected.")
        if not name or not name.isprintable() or any(letter in name for letter in "/\\="):
            raise InputError(f"{name!r} cannot be the name of a part: a short word was expected.")
    total = sum(fractions.values())
    return {name: share / total for name, share in fractions.items()}


def assign_groups(
    weights: Sequence[float] | NDArray[np.float64],
    names: Sequence[str],
    fractions: Mapping[str, float],
    *,
    rng: np.random.Generator,
    held: Mapping[int, str] | None = None,
) -> list[str]:
    """The part of every group.

    Parameters
    ----------
    weights : [n_groups]
        How much every group counts.
    names
        Of every group, something that tells it from the others, whatever their order: the first of its identifiers.
    fractions
        Share of every part; they add up to one.
    rng
        Draws.
    held
        Groups of which the part is given.

    Returns
    -------
    list of str
        One part a group.
    """
    weights = np.asarray(weights, dtype=np.float64)
    held = held or {}
    parts = list(dict.fromkeys([*fractions, *held.values()]))
    target = np.array([fractions.get(part, 0.0) for part in parts]) * weights.sum()
    filled = np.zeros(len(parts))
    chosen = [""] * len(weights)
    for group, part in held.items():
        chosen[group] = part
        filled[parts.index(part)] += weights[group]
    free = [group for group in range(len(weights)) if group not in held]
    by_name = sorted(free, key=lambda group: names[group])
    draws = dict(zip(by_name, rng.random(len(by_name)), strict=True))
    order = sorted(free, key=lambda group: (-weights[group], draws[group], names[group]))
    open_ = np.array([part in fractions for part in parts])
    for group in order:
        room = np.where(open_, target - filled, -np.inf)
        fits = open_ & (room > 0.0) & (filled + weights[group] <= _TOLERANCE * target)
        if fits.any():
            share = np.where(fits, room, 0.0)
            at = int(np.searchsorted(np.cumsum(share) / share.sum(), rng.random(), side="right"))
            at = min(at, int(np.flatnonzero(fits)[-1]))
        else:
            at = int(np.argmax(room))
        chosen[group] = parts[at]
        filled[at] += weights[group]
    return chosen
