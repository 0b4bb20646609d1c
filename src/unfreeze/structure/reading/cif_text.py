"""Parse mmCIF text into an :class:`AtomTable` and a header, through gemmi's CIF parser.

The atom table is taken column by column, so that nothing is merged or reordered on the way; gemmi then reads
entities, assemblies and connections from the rest. Choosing models, alternates and residues is not done here.
"""

from __future__ import annotations

import re

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.elements import infer_element, is_element
from unfreeze.structure.reading.atom_table import AtomTable, Header, check_coordinates

__all__ = ["looks_like_cif", "parse_cif"]

_ROW = "atom_site row"
_LARGEST_INTEGER = 2**53


def looks_like_cif(data: bytes) -> bool:
    """Whether the text has a CIF data block."""
    return re.search(rb"^\s*data_\S", data[: 1 << 20], re.MULTILINE | re.IGNORECASE) is not None


def parse_cif(name: str, data: bytes) -> tuple[AtomTable, Header]:
    """All atoms and the header of an mmCIF file.

    Parameters
    ----------
    name
        File name for messages.
    data
        The text.

    Raises
    ------
    InputError
        If the text is not CIF, has no atoms with Cartesian coordinates, or a value cannot be understood.
    """
    try:
        document = gemmi.cif.read_string(data.decode("utf-8", errors="replace"))
        blocks = [block for block in document if len(block.find_mmcif_category("_atom_site.")) > 0]
    except Exception as error:  # gemmi raises ValueError, RuntimeError and others
        raise InputError(f"{name}: not valid mmCIF: {_where(error)}. Fetch or export the file again.") from None
    notes: list[str] = []
    if not blocks:
        raise InputError(f"{name}: {_what_it_is(document)}; atoms in the category _atom_site were expected.")
    if len(blocks) > 1:
        notes.append(f"The file has {len(blocks)} data blocks with atoms; the first, {blocks[0].name}, was read.")
    block = blocks[0]
    columns = _Columns(name, block)
    table, model_names = _atoms(name, columns, notes)
    check_coordinates(name, table, _ROW)
    return table, _header(block, model_names, notes)


def _where(error: Exception) -> str:
    """Gemmi's message with its ``string:12:5(123)`` said as a line."""
    text = " ".join(str(error).split())[:200]
    return re.sub(r"^string:(\d+):(\d+)\(\d+\)", r"line \1, column \2", text)


def _what_it_is(document: gemmi.cif.Document) -> str:
    for block in document:
        if block.find_value("_refln.index_h") or block.find_loop("_refln.index_h"):
            return "holds reflections, not a structure"
        if block.find_loop("_chem_comp_atom.atom_id"):
            return "describes a chemical component, not a structure"
        if block.find_loop("_atom_site_fract_x"):
            return "is a small-molecule CIF with fractional coordinates"
    return "has no atoms"


class _Columns:
    """Text columns of the atom table, unquoted, empty where the file has ``.`` or ``?``."""

    def __init__(self, name: str, block: gemmi.cif.Block) -> None:
        self.name = name
        self.table = block.find_mmcif_category("_atom_site.")
        self.tags = {str(tag).split(".", 1)[1].lower(): at for at, tag in enumerate(self.table.tags)}
        self.n_rows = len(self.table)

    def text(self, *tags: str) -> NDArray[np.str_]:
        """The first of these columns that the file has and that is not empty, else empty texts."""
        for tag in tags:
            if tag.lower() in self.tags:
                values = np.array(list(self.table.column(self.tags[tag.lower()])), dtype=np.str_)
                values = self._unquote(values)
                if (values != "").any():
                    return values
        return np.zeros(self.n_rows, dtype="U1")

    @staticmethod
    def _unquote(values: NDArray[np.str_]) -> NDArray[np.str_]:
        first = values.astype("U1")
        special = np.isin(first, list("'\";.?"))
        if not special.any():
            return values
        out = values.copy()
        quoted, inverse = np.unique(values[special], return_inverse=True)
        out[special] = np.array([gemmi.cif.as_string(str(value)) for value in quoted])[inverse]
        return out

    def filled(self, tag: str, other: str) -> NDArray[np.str_]:
        """A column with its empty rows taken from another."""
        values, spare = self.text(tag), self.text(other)
        return np.where(values == "", spare, values)

    def numbers(self, tag: str, default: float | None = None, whole: bool = False) -> NDArray[np.float64]:
        """A column of numbers; empty ones become `default`, or are an error if there is none."""
        values = self.text(tag)
        missing = values == ""
        if missing.any() and default is not None:
            values = np.where(missing, str(default), values)
        try:
            numbers = values.astype(np.float64)
        except ValueError:
            numbers = np.array([_number(str(value)) for value in values])
        wrong = ~np.isfinite(numbers) | (np.abs(numbers) > _LARGEST_INTEGER)
        if whole:
            with np.errstate(invalid="ignore"):
                wrong |= numbers != np.trunc(numbers)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            atom = "/".join(str(self.text(*tags)[row]) for tags in _ATOM_TAGS)
            kind = "whole number" if whole else "number"
            raise InputError(
                f"{self.name}: {_ROW} {row + 1} (atom {atom}): {tag} is {values[row] or 'missing'!r}; "
                f"a finite {kind} was expected. Repair the file or remove the atom."
            )
        return numbers


_ATOM_TAGS = (
    ("auth_asym_id", "label_asym_id"),
    ("auth_comp_id", "label_comp_id"),
    ("auth_seq_id", "label_seq_id"),
    ("label_atom_id", "auth_atom_id"),
)


def _number(text: str) -> float:
    """A CIF number, perhaps with a standard uncertainty as in ``1.234(5)``; NaN if it is none."""
    try:
        return float(re.sub(r"\(\d+\)$", "", text))
    except ValueError:
        return np.nan


def _lenient(columns: _Columns, tag: str, default: float, notes: list[str]) -> NDArray[np.float64]:
    try:
        return columns.numbers(tag, default)
    except InputError:
        values = np.array([_number(str(value)) for value in columns.text(tag)])
        notes.append(f"Some values of {tag} are not numbers and were taken as {default:g}.")
        return np.where(np.isfinite(values) & (np.abs(values) < _LARGEST_INTEGER), values, default)


def _atoms(name: str, columns: _Columns, notes: list[str]) -> tuple[AtomTable, tuple[str, ...]]:
    for tag in ("cartn_x", "cartn_y", "cartn_z"):
        if tag not in columns.tags:
            raise InputError(f"{name}: _atom_site has no column {tag.capitalize()}; Cartesian coordinates are needed.")
    atom_name = columns.filled("label_atom_id", "auth_atom_id")
    residue_name = columns.filled("auth_comp_id", "label_comp_id")
    chain = columns.filled("auth_asym_id", "label_asym_id")
    if (chain == "").any():
        notes.append("Atoms without a chain name were put in a chain called X.")
        chain = np.where(chain == "", "X", chain)
    label_number = columns.numbers("label_seq_id", 0, whole=True).astype(np.int64)
    if "auth_seq_id" in columns.tags and (columns.text("auth_seq_id") != "").any():
        number = columns.numbers("auth_seq_id", 0, whole=True).astype(np.int64)
    else:
        number = label_number
    models, first, model = np.unique(columns.text("pdbx_PDB_model_num"), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    table = AtomTable(
        row=np.arange(1, columns.n_rows + 1),
        model=rank[model],
        position=np.stack([columns.numbers(f"Cartn_{axis}") for axis in "xyz"], axis=1),
        chain=chain,
        number=number,
        insertion_code=columns.text("pdbx_PDB_ins_code"),
        residue_name=residue_name,
        atom_name=atom_name,
        altloc=columns.text("label_alt_id"),
        element=_elements(columns.text("type_symbol"), atom_name, residue_name),
        label_chain=columns.text("label_asym_id"),
        label_number=label_number,
        entity=columns.text("label_entity_id"),
        occupancy=_lenient(columns, "occupancy", 1.0, notes),
        b_factor=_lenient(columns, "B_iso_or_equiv", 0.0, notes),
        charge=_lenient(columns, "pdbx_formal_charge", 0, notes).astype(np.int64),
        hetero=columns.text("group_PDB") == "HETATM",
    )
    return table, tuple(str(value) or "1" for value in models[order])


def _elements(
    symbols: NDArray[np.str_], atom_name: NDArray[np.str_], residue_name: NDArray[np.str_]
) -> NDArray[np.str_]:
    values, inverse = np.unique(symbols, return_inverse=True)
    known = np.array([str(value).strip().upper() if is_element(str(value)) else "" for value in values])
    element = known[inverse].astype("U2")
    for row in np.flatnonzero(element == ""):
        name = str(atom_name[row])
        element[row] = infer_element(name if len(name) > 3 else " " + name, str(residue_name[row]))
    return element


def _header(block: gemmi.cif.Block, model_names: tuple[str, ...], notes: list[str]) -> Header:
    try:
        for category in ("_atom_site.", "_atom_site_anisotrop."):
            block.find_mmcif_category(category).erase()
        structure = gemmi.make_structure_from_block(block)
    except Exception as error:  # gemmi raises RuntimeError, ValueError and others
        text = " ".join(str(error).split())[:200]
        notes.append(f"The header could not be read ({text}); title, sequence and assemblies are not known.")
        structure = gemmi.Structure()
    sequences = {}
    for entity in structure.entities:
        if entity.full_sequence:
            sequences[entity.name] = tuple(gemmi.Entity.first_mon(item) for item in entity.full_sequence)
    polymers = frozenset(item.name for item in structure.entities if item.entity_type == gemmi.EntityType.Polymer)
    return Header(structure, sequences, True, len(model_names), model_names, _ROW, polymers, tuple(notes))
