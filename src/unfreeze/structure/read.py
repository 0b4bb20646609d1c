"""Read PDB and mmCIF files, plain or gzip, into a :class:`Complex`.

Everything a file can get wrong ends as an :class:`InputError` that says where, and everything that reading
changes or finds is told in :attr:`Complex.source`. Trajectories are read elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex, Source
from unfreeze.structure.reading.assembly import Assembly, build_assembly
from unfreeze.structure.reading.atom_table import AtomTable, Header
from unfreeze.structure.reading.build import Selection, build_complex, select_atoms
from unfreeze.structure.reading.cif_text import looks_like_cif, parse_cif
from unfreeze.structure.reading.files import FileContent, read_content
from unfreeze.structure.reading.missing import missing_atoms, missing_residues
from unfreeze.structure.reading.pdb_text import looks_like_pdb, parse_pdb

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
    content, table, header = _parse(path)
    options = {"keep_hydrogens": keep_hydrogens, "keep_waters": keep_waters}
    complex, _, copies = _one_model(content, table, header, model, assembly, options)
    if chains is not None:
        complex = complex.take_chains(chains)
    return _with_missing(complex, header, copies)


def read_models(
    path: str | os.PathLike[str],
    *,
    model: int = 1,
    assembly: str | None = None,
    chains: Sequence[str] | None = None,
    keep_hydrogens: bool = False,
    keep_waters: bool = False,
) -> tuple[Complex, NDArray[np.float64]]:
    """Read all models of a structure file, such as an NMR ensemble.

    Parameters
    ----------
    path, assembly, chains, keep_hydrogens, keep_waters
        As for :func:`read_complex`.
    model
        The model that gives names, numbers and links.

    Returns
    -------
    complex : Complex
        The model, with the atoms that all models have.
    coordinates_nm : float64 [n_models, n_atoms, 3]
        Coordinates of these atoms in every model.

    Raises
    ------
    InputError
        If the file cannot be read, or no atom is common to all models.
    """
    content, table, header = _parse(path)
    options = {"keep_hydrogens": keep_hydrogens, "keep_waters": keep_waters}
    complex, selection, copies = _one_model(content, table, header, model, assembly, options)
    rows = copies.selected
    reference = table.take(table.model == model - 1)
    places = np.searchsorted(reference.row, selection.table.row[rows])
    keys = _atom_keys(selection.table.take(rows))
    frames = np.full((header.n_models, len(rows), 3), np.nan)
    for at in range(header.n_models):
        other = table.take(table.model == at)
        if _same_records(reference, other):
            frames[at] = other.position[places] / 10
            continue
        chosen = select_atoms(content.name, other, keep_hydrogens=keep_hydrogens, keep_waters=keep_waters).table
        where = {key: row for row, key in enumerate(_atom_keys(chosen))}
        found = np.array([where.get(key, -1) for key in keys])
        frames[at, found >= 0] = chosen.position[found[found >= 0]] / 10
    if copies.assembly is not None:
        frames = np.stack([copies.assembly.apply(frame) for frame in frames])
    common = np.asarray(np.isfinite(frames).all(axis=(0, 2)))
    if not common.any():
        raise InputError(f"{content.name}: no atom is common to all {header.n_models} models. Read them one by one.")
    if not common.all():
        note = f"{(~common).sum()} atoms are not in every model and were left out."
        complex = replace(complex, source=replace(complex.source, notes=(*complex.source.notes, note)))
    complex, frames = complex.take_atoms(common), frames[:, common]
    if chains is not None:
        kept = np.flatnonzero(np.isin(complex.chain_name, list(chains))[complex.atom_chain_index])
        complex, frames = complex.take_chains(chains), frames[:, kept]
    return _with_missing(complex, header, copies), frames


_COARSE_SHARE = 0.9  # of polymer residues with one atom, above which a model counts as coarse


class _Copies:
    """Rows of the selection that became atoms, and the assembly made of them."""

    def __init__(self, selected: NDArray[np.int64], assembly: Assembly | None) -> None:
        self.selected = selected
        self.assembly = assembly


def _parse(path: str | os.PathLike[str]) -> tuple[FileContent, AtomTable, Header]:
    content = read_content(path)
    # A PDB file may contain "data_" in a remark and an mmCIF file "ATOM" in its table: the first decides.
    if looks_like_cif(content.data) and content.data.lstrip()[:6] not in (b"HEADER", b"ATOM  ", b"REMARK"):
        parsed = parse_cif(content.name, content.data)
    elif looks_like_pdb(content.data):
        parsed = parse_pdb(content.name, content.data)
    else:
        start = content.data.lstrip()[:40].splitlines()[0].decode("latin-1")
        raise InputError(
            f"{content.name} is neither a PDB nor an mmCIF file (it begins with {start!r}); "
            "other formats are not read. Convert it to mmCIF."
        )
    return content, *parsed


def _one_model(
    content: FileContent,
    table: AtomTable,
    header: Header,
    model: int,
    assembly: str | None,
    options: dict[str, bool],
) -> tuple[Complex, Selection, _Copies]:
    if not 1 <= model <= header.n_models:
        raise InputError(
            f"{content.name}: no model {model}; it has {header.n_models}, counted from 1. Choose one of these."
        )
    selection = select_atoms(content.name, table.take(table.model == model - 1), **options)
    structure = header.structure
    source = Source(
        name=content.name,
        sha256=content.sha256,
        title=" ".join(_info(structure, "_struct.title").split()),
        n_models=header.n_models,
        model=model,
        n_waters_dropped=selection.n_waters,
        n_alternates_dropped=selection.n_alternates,
        n_hydrogens_dropped=selection.n_hydrogens,
    )
    complex, selected = build_complex(source, selection, header)
    notes = [*header.notes, *selection.notes]
    if structure.resolution > 0:
        notes.append(f"Resolution {structure.resolution:.2f} Å.")
    if header.model_names[model - 1] != str(model):
        notes.append(f"Model {model} of the file is called {header.model_names[model - 1]} in it.")
    built = None
    if assembly is not None:
        built = build_assembly(complex, structure, assembly, notes)
        complex = built.complex
    complex = replace(complex, source=replace(complex.source, notes=tuple(dict.fromkeys(notes))))
    return complex, selection, _Copies(selected, built)


def _info(structure: gemmi.Structure, tag: str) -> str:
    return structure.info[tag] if tag in structure.info else ""  # noqa: SIM401  gemmi's map has no get


def _with_missing(complex: Complex, header: Header, copies: _Copies) -> Complex:
    """The complex with what it lacks written into its source."""
    notes = list(complex.source.notes)
    sequences = dict(header.sequences)
    if copies.assembly is not None and not header.uses_entities:
        original = copies.assembly.copy_of
        sequences = {new: header.sequences[old] for new, old in original.items() if old in header.sequences}
    residues = missing_residues(complex, sequences, header.uses_entities, notes)
    atoms = missing_atoms(complex)
    polymer = np.isin(complex.residue_kind, ["protein", "nucleic"])
    if polymer.any() and (np.bincount(complex.residue_index)[polymer] == 1).mean() > _COARSE_SHARE:
        notes.append("The polymers have one atom a residue only.")
    source = replace(complex.source, missing_residues=residues, missing_atoms=atoms, notes=tuple(notes))
    return replace(complex, source=source)


def _same_records(one: AtomTable, other: AtomTable) -> bool:
    """Whether two models list the same atoms in the same order, so that rows correspond."""
    names = ("chain", "number", "insertion_code", "residue_name", "atom_name", "altloc", "element", "occupancy")
    return len(one) == len(other) and all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def _atom_keys(table: AtomTable) -> list[tuple]:
    columns = (table.chain, table.label_chain, table.number, table.insertion_code, table.residue_name, table.atom_name)
    keys = list(zip(*(column.tolist() for column in columns), strict=True))
    seen: dict[tuple, int] = {}
    numbered = []
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        numbered.append((*key, seen[key]))
    return numbered
