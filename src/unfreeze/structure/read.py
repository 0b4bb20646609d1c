"""Read PDB and mmCIF files, plain or gzip, into a :class:`Complex`.

Everything a file can get wrong ends as an :class:`InputError` that says where, and everything that reading
changes or finds is told in :attr:`Complex.source`. Trajectories are read elsewhere, with a :class:`Topology`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.polymers import is_water
from unfreeze.structure.complex import Complex, Source
from unfreeze.structure.reading.assembly import Assembly, build_assembly
from unfreeze.structure.reading.atom_table import AtomTable, Header
from unfreeze.structure.reading.build import Selection, build_complex, select_atoms
from unfreeze.structure.reading.cif_text import looks_like_cif, parse_cif
from unfreeze.structure.reading.files import FileContent, read_content
from unfreeze.structure.reading.missing import missing_atoms, missing_residues
from unfreeze.structure.reading.pdb_text import looks_like_pdb, parse_pdb

__all__ = ["Topology", "read_complex", "read_models", "read_topology", "topology_of_table"]


@dataclass(frozen=True, eq=False)
class Topology:
    """A complex and where its atoms stand in a file that lists more: in trajectories every atom has its row.

    Attributes
    ----------
    complex
        Heavy atoms, without waters.
    rows : int64 [complex.n_atoms]
        Row of every atom of the complex among the atoms of the file.
    is_water, is_hydrogen : bool [n_atoms_in_file]
        Which atoms of the file (of its first model) belong to waters, and which are hydrogens.
    """

    complex: Complex
    rows: NDArray[np.int64]
    is_water: NDArray[np.bool_]
    is_hydrogen: NDArray[np.bool_]

    @property
    def n_atoms_in_file(self) -> int:
        """Number of atoms in the file, waters and hydrogens included."""
        return len(self.is_water)


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


def read_topology(path: str | os.PathLike[str]) -> Topology:
    """Read the first model of a structure file as the topology of trajectories.

    Parameters
    ----------
    path
        A PDB or mmCIF file, plain or gzip.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    content, table, header = _parse(path)
    table = table.take(table.model == 0)
    options = {"keep_hydrogens": False, "keep_waters": False}
    complex, selection, copies = _one_model(content, table, header, 1, None, options)
    return _topology(table, _with_missing(complex, header, copies), selection, copies.selected)


def topology_of_table(table: AtomTable, source: Source) -> Topology:
    """A topology from atoms that another reader lists; the same is dropped, chosen and found as in a PDB file.

    Parameters
    ----------
    table
        Atoms of one model. A ``label_number`` that differs keeps residues apart that share a number.
    source
        Name, checksum, title and notes.

    Raises
    ------
    InputError
        If there is nothing but water and hydrogens, or atoms lie on top of each other.
    """
    header = Header(gemmi.Structure(), {}, False, 1, ("1",), "atom")
    selection = select_atoms(source.name, table, keep_hydrogens=False, keep_waters=False)
    plain = replace(selection, table=selection.table.changed(label_number=np.zeros_like(selection.table.label_number)))
    source = replace(source, n_waters_dropped=selection.n_waters, n_hydrogens_dropped=selection.n_hydrogens)
    complex, selected = build_complex(source, plain, header)
    notes = tuple(dict.fromkeys([*source.notes, *selection.notes]))
    complex = replace(complex, source=replace(complex.source, notes=notes))
    return _topology(table, _with_missing(complex, header, _Copies(selected, None)), selection, selected)


def _topology(table: AtomTable, complex: Complex, selection: Selection, selected: NDArray[np.int64]) -> Topology:
    rows = np.searchsorted(table.row, selection.table.row[selected]).astype(np.int64)
    names, inverse = np.unique(table.residue_name, return_inverse=True)
    water = np.array([is_water(str(name)) for name in names], dtype=bool)[inverse]
    return Topology(complex, rows, water, np.isin(table.element, ["H", "D"]))


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
        If a file cannot be read or is of another molecule, or no atom is common to all models.
    """
    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    content, table, header = _parse(paths[0])
    options = {"keep_hydrogens": keep_hydrogens, "keep_waters": keep_waters}
    complex, selection, copies = _one_model(content, table, header, model, assembly, options)
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
    return _with_missing(complex, header, copies), frames


_SAME_SHARE = 0.5  # of the residues must be the same for two files to be of one molecule


def _models_of(
    name: str, table: AtomTable, header: Header, others: Sequence[str | os.PathLike[str]]
) -> Iterator[tuple[str, AtomTable]]:
    """Every model with the name of its file, one file after the other."""
    yield from ((name, table.take(table.model == at)) for at in range(header.n_models))
    for path in others:
        _, table, header = _parse(path)
        yield from ((str(path), table.take(table.model == at)) for at in range(header.n_models))


def _check_same_molecule(name: str, reference_name: str, table: AtomTable, reference: AtomTable) -> None:
    residues = [
        set(
            zip(
                *(getattr(one, column).tolist() for column in ("chain", "number", "insertion_code", "residue_name")),
                strict=True,
            )
        )
        for one in (table, reference)
    ]
    n_common, n_most = len(residues[0] & residues[1]), max(map(len, residues))
    if n_common < _SAME_SHARE * n_most:
        raise InputError(
            f"{name}: {n_common} of {n_most} residues are those of {reference_name} (chain, number and name), so the "
            "two are not models of one molecule. Give the models of one molecule only, numbered alike."
        )


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


def _atom_keys(table: AtomTable, *, with_labels: bool) -> list[tuple]:
    """One key an atom; atoms that share all names are numbered. Labels may differ between files of one molecule."""
    names = [
        "chain",
        "number",
        "insertion_code",
        "residue_name",
        "atom_name",
        *(["label_chain"] if with_labels else []),
    ]
    keys = list(zip(*(getattr(table, name).tolist() for name in names), strict=True))
    seen: dict[tuple, int] = {}
    numbered = []
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        numbered.append((*key, seen[key]))
    return numbered
