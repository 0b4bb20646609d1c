"""Read PDB and mmCIF files, plain or gzip, into a :class:`Complex`.

Everything a file can get wrong ends as an :class:`InputError` that says where, and everything that reading
changes or finds is told in :attr:`Complex.source`. Trajectories are read elsewhere.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.reading.atom_table import AtomTable, Header
from unfreeze.structure.reading.build import select_atoms
from unfreeze.structure.reading.one_model import build_model, parse_structure, with_missing

__all__ = ["read_complex", "read_models"]


def read_complex(
    path: str | os.PathLike[str],
    *,
    model: int = 1,
    assembly: str | None = None,
    chains: Sequence[str] | None = None,
    keep_hydrogens: bool = False,
    keep_waters: bool = False,
) -> Complex:
    """Read one model of a structure file.

    Parameters
    ----------
    path
        A PDB or mmCIF file, plain or gzip, told apart by its content.
    model
        Which model, counted from 1 in the order of the file.
    assembly
        Name of a biological assembly to build, such as ``"1"``; by default the coordinates as they are.
    chains
        Author names of the chains to keep, after the assembly was built; by default all.
    keep_hydrogens, keep_waters
        Whether to keep hydrogens (deuterium too) and waters (as residues of the kind ``ligand``).

    Returns
    -------
    Complex
        Coordinates in nm. What was dropped, changed or is missing is in its ``source``.

    Raises
    ------
    InputError
        If the file cannot be read or lacks what was asked for.
    """
    content, table, header = parse_structure(path)
    options = {"keep_hydrogens": keep_hydrogens, "keep_waters": keep_waters}
    complex, _, copies = build_model(content, table, header, model, assembly, options)
    if chains is not None:
        complex = complex.take_chains(chains)
    return with_missing(complex, header, copies)


def read_models(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    model: int = 1,
    assembly: str | None = None,
    chains: Sequence[str] | None = None,
    keep_hydrogens: bool = False,
    keep_waters: bool = False,
) -> tuple[Complex, NDArray[np.float64]]:
    """Read all models of a structure file, such as an NMR ensemble, or of several files.

    Parameters
    ----------
    path
        A file, or several with models of the same molecule, whatever the order of their atoms.
    assembly, chains, keep_hydrogens, keep_waters
        As for :func:`read_complex`.
    model
        The model (of the first file) that gives names, numbers and links.

    Returns
    -------
    complex : Complex
        The model, with the atoms that all models have.
    coordinates_nm : float64 [n_models, n_atoms, 3]
        Coordinates of these atoms in every model.

    Raises
    ------
    InputError
        If a file cannot be read or is of another molecule, a model lacks more than a tenth of the atoms (and ten), or
        none is common to all models.
    """
    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    content, table, header = parse_structure(paths[0])
    options = {"keep_hydrogens": keep_hydrogens, "keep_waters": keep_waters}
    complex, selection, copies = build_model(content, table, header, model, assembly, options)
    rows = copies.selected
    reference = table.take(table.model == model - 1)
    places = np.searchsorted(reference.row, selection.table.row[rows])
    one_file = len(paths) == 1
    keys = _atom_keys(selection.table.take(rows), with_labels=one_file)
    read: list[NDArray[np.float64]] = []
    for name, other in _models_of(content.name, table, header, paths[1:]):
        if _same_records(reference, other):
            read.append(other.position[places] / 10)
            continue
        chosen = select_atoms(name, other, keep_hydrogens=keep_hydrogens, keep_waters=keep_waters).table
        if name != content.name:
            _check_same_molecule(name, content.name, chosen, selection.table)
        where = {key: row for row, key in enumerate(_atom_keys(chosen, with_labels=one_file))}
        found = np.array([where.get(key, -1) for key in keys])
        frame = np.full((len(rows), 3), np.nan)
        frame[found >= 0] = chosen.position[found[found >= 0]] / 10
        n_lacking = int((found < 0).sum())
        if n_lacking > max(_LACKING_ATOMS, _LACKING_SHARE * len(rows)):
            which = f"model {len(read) + 1}" if one_file else name
            raise InputError(
                f"{content.name}: {which} lacks {n_lacking} of the {len(rows)} atoms of model {model}; models of one "
                "molecule were expected. The file may be cut short: write it again, or leave that model out."
            )
        read.append(frame)
    frames = np.stack(read)
    if copies.assembly is not None:
        frames = np.stack([copies.assembly.apply(frame) for frame in frames])
    common = np.asarray(np.isfinite(frames).all(axis=(0, 2)))
    if not common.any():
        raise InputError(f"{content.name}: no atom is common to all {len(frames)} models. Read them one by one.")
    if not common.all():
        note = f"{(~common).sum()} atoms are not in every model and were left out."
        complex = replace(complex, source=replace(complex.source, notes=(*complex.source.notes, note)))
    complex, frames = complex.take_atoms(common), frames[:, common]
    if chains is not None:
        kept = np.flatnonzero(np.isin(complex.chain_name, list(chains))[complex.atom_chain_index])
        complex, frames = complex.take_chains(chains), frames[:, kept]
    return with_missing(complex, header, copies), frames


_RESIDUE = ("chain", "number", "insertion_code", "residue_name")
_LACKING_SHARE = 0.1  # of the atoms, or so many of a small molecule, may be absent from a model
_LACKING_ATOMS = 10
_SAME_SHARE = 0.5  # of the residues must be the same for two files to be of one molecule


def _models_of(
    name: str, table: AtomTable, header: Header, others: Sequence[str | os.PathLike[str]]
) -> Iterator[tuple[str, AtomTable]]:
    """Every model with the name of its file, one file after the other."""
    yield from ((name, one) for one in _split(table, header.n_models))
    for path in others:
        _, table, header = parse_structure(path)
        yield from ((str(path), one) for one in _split(table, header.n_models))


def _split(table: AtomTable, n_models: int) -> Iterator[AtomTable]:
    # A mask over all atoms for each of hundreds of models would take seconds.
    order = np.argsort(table.model, kind="stable")
    bounds = np.searchsorted(table.model[order], np.arange(n_models + 1))
    yield from (table.take(order[begin:end]) for begin, end in itertools.pairwise(bounds))


def _rows(table: AtomTable, columns: Sequence[str]) -> list[tuple]:
    return list(zip(*(getattr(table, column).tolist() for column in columns), strict=True))


def _check_same_molecule(name: str, reference_name: str, table: AtomTable, reference: AtomTable) -> None:
    residues = [set(_rows(one, _RESIDUE)) for one in (table, reference)]
    n_common, n_most = len(residues[0] & residues[1]), max(map(len, residues))
    if n_common < _SAME_SHARE * n_most:
        raise InputError(
            f"{name}: {n_common} of {n_most} residues are those of {reference_name} (chain, number and name), so the "
            "two are not models of one molecule. Give the models of one molecule only, numbered alike."
        )


def _same_records(one: AtomTable, other: AtomTable) -> bool:
    """Whether two models list the same atoms in the same order, so that rows correspond."""
    names = ("chain", "number", "insertion_code", "residue_name", "atom_name", "altloc", "element", "occupancy")
    return len(one) == len(other) and all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def _atom_keys(table: AtomTable, *, with_labels: bool) -> list[tuple]:
    """One key an atom; atoms that share all names are numbered. Labels may differ between files of one molecule."""
    keys = _rows(table, (*_RESIDUE, "atom_name", *(["label_chain"] if with_labels else [])))
    seen: dict[tuple, int] = {}
    numbered = []
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        numbered.append((*key, seen[key]))
    return numbered
