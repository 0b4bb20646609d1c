"""One model of a structure file as a :class:`Complex`: from bytes by way of the table of atoms, and what it lacks.

Shared by all that reads structure files; what of a file is wanted is decided there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

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

__all__ = ["Copies", "build_model", "parse_structure", "with_missing"]

_COARSE_SHARE = 0.9  # of polymer residues with one atom, above which a model counts as coarse


@dataclass(frozen=True, eq=False)
class Copies:
    """Rows of the selection that became atoms, and the assembly made of them.

    Attributes
    ----------
    selected : int64 [n_atoms]
    assembly
        None if none was built.
    """

    selected: NDArray[np.int64]
    assembly: Assembly | None = None


def parse_structure(path: str | os.PathLike[str]) -> tuple[FileContent, AtomTable, Header]:
    """All atoms and the header of a PDB or mmCIF file, told apart by its content.

    Raises
    ------
    InputError
        If it is neither, or damaged.
    """
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


def build_model(
    content: FileContent,
    table: AtomTable,
    header: Header,
    model: int,
    assembly: str | None,
    options: dict[str, bool],
) -> tuple[Complex, Selection, Copies]:
    """The complex of one model, from 1, what was selected for it, and what became of that.

    Raises
    ------
    InputError
        If there is no such model or assembly, or nothing but water.
    """
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
    return complex, selection, Copies(selected, built)


def _info(structure: gemmi.Structure, tag: str) -> str:
    return structure.info[tag] if tag in structure.info else ""  # noqa: SIM401  gemmi's map has no get


def with_missing(complex: Complex, header: Header, copies: Copies) -> Complex:
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
