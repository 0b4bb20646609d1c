"""The dense form of a batch, for networks that take arrays with masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.loader.batches import Batch

__all__ = ["padded"]


def padded(batch: Batch) -> dict[str, NDArray[Any]]:
    """The dense form: every sample as long as the longest, with masks.

    Returns
    -------
    dict
        ``atom_mask`` bool [S, A'], ``residue_mask`` bool [S, R'], and the arrays of the batch: those of atoms as
        [S, A', ...], those of residues as [S, R', ...], frames and forces as [K, S, A', 3]. ``atom_residue``,
        ``residue_atom`` and ``residue_chain`` count within the sample. Empty places hold 0, and -1 in
        ``residue_atom``. Offsets, links and features of pairs are left out.
    """
    atom_mask, residue_mask = _mask(batch.atom_offsets), _mask(batch.residue_offsets)
    first_atom, first_residue = batch.atom_offsets[:-1], batch.residue_offsets[:-1]
    sample_of_atom = batch.residue_sample[batch.atom_residue]
    chain_of_first = batch.residue_chain[first_residue]
    anchor = batch.residue_atom
    local = {
        "atom_residue": batch.atom_residue - first_residue[sample_of_atom],
        "residue_atom": np.where(anchor >= 0, anchor - first_atom[batch.residue_sample], -1),
        "residue_chain": batch.residue_chain - chain_of_first[batch.residue_sample],
    }
    left_out = ("atom_offsets", "residue_offsets", "links")
    result: dict[str, NDArray[Any]] = {"atom_mask": atom_mask, "residue_mask": residue_mask}
    for name, value in (batch.arrays() | local).items():
        if name in left_out or "_pairs_" in name:
            continue
        if name in ("frames_nm", "forces_kJ_mol_nm"):
            dense = np.zeros((len(value), *atom_mask.shape, 3), dtype=value.dtype)
            dense[:, atom_mask] = value
        elif name.startswith("atom_") or name == "reference_nm":
            dense = _dense(value, atom_mask)
        elif name.startswith("residue_"):
            dense = _dense(value, residue_mask, -1 if name == "residue_atom" else 0)
        else:
            dense = value
        result[name] = dense
    return result


def _dense(value: NDArray[Any], mask: NDArray[np.bool_], empty: int = 0) -> NDArray[Any]:
    dense = np.full((*mask.shape, *value.shape[1:]), empty, dtype=value.dtype)
    dense[mask] = value
    return dense


def _mask(offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    counts = np.diff(offsets)
    return np.arange(counts.max()) < counts[:, None]
