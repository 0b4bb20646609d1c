"""Parse the fixed columns of PDB text into an :class:`AtomTable`, and the header records through gemmi.

Atoms are cut out of the text as whole numpy columns, so that a file of 100,000 atoms takes a fraction of a
second, their order is kept and every complaint can name its line. Choosing models, alternates and residues is
not done here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.structure.chemistry.elements import infer_element, is_element
from unfreeze.structure.chemistry.polymers import known_component
from unfreeze.structure.reading.atom_table import AtomTable, Header, check_coordinates
from unfreeze.structure.reading.unmarked_models import unmarked_models

__all__ = ["looks_like_pdb", "parse_pdb", "split_residue_and_chain"]

_WIDTH = 80
_LINES_AT_ONCE = 8192  # few enough that the index of every letter stays in the cache
_ORTHOGONAL = (30, 54)
_RECORDS = (b"ATOM", b"HETATM", b"HEADER", b"CRYST1", b"REMARK", b"MODEL", b"SEQRES", b"TITLE", b"COMPND", b"USER")


def looks_like_pdb(data: bytes) -> bool:
    """Whether any line begins with a record name of the PDB format."""
    return any(data[: len(word)] == word or b"\n" + word in data for word in _RECORDS)


def parse_pdb(name: str, data: bytes) -> tuple[AtomTable, Header]:
    """All atoms and the header of a PDB file.

    Parameters
    ----------
    name
        File name for messages.
    data
        The text.

    Raises
    ------
    InputError
        If a line cannot be understood, or there are no atoms.
    """
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    text = np.frombuffer(data + b"\n" + b" " * _WIDTH, dtype=np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts
    record = _upper(_columns(text, starts, lengths, 0, 6))
    words = record.view("S6").ravel()
    hetero = words == b"HETATM"
    is_atom = hetero | ((record[:, :4].copy().view("S4").ravel() == b"ATOM") & np.isin(record[:, 4], _SERIAL_START))
    atoms = np.flatnonzero(is_atom)
    if len(atoms) == 0:
        raise InputError(f"{name} has no ATOM or HETATM record; a PDB or mmCIF file with coordinates was expected.")
    short = lengths[atoms] < _ORTHOGONAL[1]
    if short.any():
        line = int(atoms[short][0])
        raise InputError(
            f"{name}: line {line + 1} ends at column {lengths[line]}; an atom record reaches at least column "
            f"{_ORTHOGONAL[1]}. The file may be cut short: fetch or export it again."
        )
    columns = _columns(text, starts[atoms], lengths[atoms], 0, _WIDTH)
    notes: list[str] = []
    table = _atoms(name, columns, atoms + 1, hetero[atoms], notes)
    check_coordinates(name, table, "line")
    model, names = _models(table, words, atoms, text, starts, lengths, notes)
    table = table.changed(model=model)
    header, sequences = _header(data, starts, lengths, is_atom, words, notes)
    return table, Header(header, sequences, False, len(names), names, "line", notes=tuple(notes))


_SERIAL_START = np.frombuffer(b" 0123456789", dtype=np.uint8)


def _columns(text: NDArray[np.uint8], starts: NDArray, lengths: NDArray, first: int, end: int) -> NDArray[np.uint8]:
    """Columns `first` to `end` of the lines, blank beyond a line's end: [n_lines, end - first]."""
    out = np.empty((len(starts), end - first), dtype=np.uint8)
    last = len(text) - 1
    column = np.arange(first, end)
    for begin in range(0, len(starts), _LINES_AT_ONCE):
        rows = slice(begin, begin + _LINES_AT_ONCE)
        letters = text[np.minimum(starts[rows, None] + column, last)]
        out[rows] = np.where(lengths[rows, None] > column, letters, ord(" "))
    out[out == ord("\t")] = ord(" ")
    return out


def _upper(columns: NDArray[np.uint8]) -> NDArray[np.uint8]:
    lower = (columns >= ord("a")) & (columns <= ord("z"))
    return np.ascontiguousarray(np.where(lower, columns - 32, columns).astype(np.uint8))


def _unique(columns: NDArray[np.uint8]) -> tuple[list[str], NDArray[np.int64]]:
    """Different texts of a field of up to eight columns (not stripped) and which one each row has."""
    packed = np.zeros((len(columns), 8), dtype=np.uint8)
    packed[:, : columns.shape[1]] = columns
    values, inverse = np.unique(packed.view(np.uint64).ravel(), return_inverse=True)
    width = columns.shape[1]
    return [value.tobytes()[:width].decode("latin-1") for value in values], inverse


def _mapped(columns: NDArray[np.uint8], convert: Callable[[str], object], dtype: type = np.str_) -> NDArray:
    values, inverse = _unique(columns)
    return np.array([convert(value) for value in values], dtype=dtype)[inverse]


def _atoms(
    name: str, columns: NDArray[np.uint8], lines: NDArray[np.int64], hetero: NDArray[np.bool_], notes: list[str]
) -> AtomTable:
    position = np.stack(
        [
            _coordinate(name, columns[:, start : start + 8], lines, "xyz"[axis])
            for axis, start in enumerate((30, 38, 46))
        ],
        axis=1,
    )
    pairs, inverse = _unique(columns[:, 17:22])
    plain = {pair[3:].strip() for pair in pairs if pair[3] != " " and len(split_residue_and_chain(pair)[1]) > 1}
    split = [split_residue_and_chain(pair, plain) for pair in pairs]
    residue_name = np.array([residue for residue, _ in split], dtype=np.str_)[inverse]
    chain = np.array([chain for _, chain in split], dtype=np.str_)[inverse]
    chain = _name_blank_chains(chain, _mapped(columns[:, 72:76], str.strip), notes)
    number, insertion_code = _numbers(name, columns, lines)
    n_atoms = len(columns)
    return AtomTable(
        row=lines,
        model=np.zeros(n_atoms, dtype=np.int64),
        position=position,
        chain=chain,
        number=number,
        insertion_code=insertion_code,
        residue_name=residue_name,
        atom_name=_mapped(columns[:, 12:16], lambda value: "".join(value.split())),
        altloc=_mapped(columns[:, 16:17], str.strip),
        element=_elements(columns, residue_name),
        label_chain=np.zeros(n_atoms, dtype="U1"),
        label_number=np.zeros(n_atoms, dtype=np.int64),
        entity=np.zeros(n_atoms, dtype="U1"),
        occupancy=_optional(columns[:, 54:60], lines, 1.0, "occupancy", notes),
        b_factor=_optional(columns[:, 60:66], lines, 0.0, "B-factor", notes),
        charge=_mapped(columns[:, 78:80], _charge, np.int64),
        hetero=hetero,
    )


def _coordinate(name: str, columns: NDArray[np.uint8], lines: NDArray[np.int64], axis: str) -> NDArray[np.float64]:
    texts = np.ascontiguousarray(columns).view("S8").ravel()
    try:
        return texts.astype(np.float64)
    except ValueError:
        for text, line in zip(texts, lines, strict=True):
            try:
                float(text)
            except ValueError:
                raise InputError(
                    f"{name}: line {line}: the {axis} coordinate is {text.decode('latin-1').strip()!r}; a number in "
                    "columns 31-54 (three fields of eight) was expected. Repair or export the file again, as mmCIF "
                    "if the structure is too large for PDB."
                ) from None
        raise


def _optional(
    columns: NDArray[np.uint8], lines: NDArray[np.int64], default: float, word: str, notes: list[str]
) -> NDArray[np.float64]:
    values, inverse = _unique(columns)
    numbers = np.full(len(values), default)
    for at, value in enumerate(values):
        try:
            numbers[at] = float(value) if value.strip() else default
            if not np.isfinite(numbers[at]):
                raise ValueError
        except ValueError:
            line = lines[np.flatnonzero(inverse == at)[0]]
            numbers[at] = default
            notes.append(f"Line {line}: the {word} {value.strip()!r} is not a number and was taken as {default:g}.")
    return numbers[inverse]


def _numbers(
    name: str, columns: NDArray[np.uint8], lines: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.str_]]:
    values, inverse = _unique(columns[:, 22:27])
    numbers = np.zeros(len(values), dtype=np.int64)
    codes = [""] * len(values)
    for at, value in enumerate(values):
        try:
            # Programs with more than 9,999 residues run into the insertion code's column.
            if value[4].isdigit() and value[:4].strip():
                numbers[at] = int(value)
            else:
                numbers[at], codes[at] = _wide_number(value[:4]), value[4].strip()
        except ValueError:
            line = lines[np.flatnonzero(inverse == at)[0]]
            raise InputError(
                f"{name}: line {line}: the residue number is {value.strip()!r}; a whole number in columns 23-26 "
                "was expected. Number the residues or export the file again, as mmCIF if there are too many."
            ) from None
    return numbers[inverse], np.array(codes, dtype=np.str_)[inverse]


def _wide_number(text: str) -> int:
    """Residue number of four columns: decimal, hybrid-36 (A000, then a000 upwards) or hexadecimal."""
    text = text.strip()
    if len(text) == 4 and text[0].isalpha() and text.isascii() and text.isalnum():
        if text == text.upper():
            return int(text, 36) - 10 * 36**3 + 10_000
        if text == text.lower():
            return int(text, 36) + 16 * 36**3 + 10_000
    if text[:1].isdigit() and text.isalnum() and not text.isdigit():
        return int(text, 16)  # VMD and others count on in hexadecimal
    return int(text)


def _charge(text: str) -> int:
    text = text.strip()
    if len(text) == 2 and text[0].isdigit() and text[1] in "+-":
        return int(text[1] + text[0])
    if len(text) == 2 and text[1].isdigit() and text[0] in "+-":
        return int(text)
    return 0


def split_residue_and_chain(text: str, long_chains: Collection[str] = ()) -> tuple[str, str]:
    """Residue and chain name in columns 18-22.

    Column 21 is blank in the standard. Files use it as the fourth letter of a residue name (``TIP3``) or, as
    gemmi and others write, as the first of a chain name of two letters.

    Parameters
    ----------
    text
        The five columns.
    long_chains
        Chain names of two letters that the file is known to have, which decide when both readings make sense.
    """
    three, fourth, last = text[:3].strip(), text[3].strip(), text[4].strip()
    if not fourth:
        return three, last
    if last and known_component(three) and (not known_component(three + fourth) or fourth + last in long_chains):
        return three, fourth + last
    return three + fourth, last


def _name_blank_chains(chain: NDArray[np.str_], segment: NDArray[np.str_], notes: list[str]) -> NDArray[np.str_]:
    """Give chains without a name a free letter, one for each segment name if the file has those."""
    blank = chain == ""
    if not blank.any():
        return chain
    taken = set(chain.tolist())
    letters = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    named = chain.astype(object)
    given: list[str] = []
    found, first = np.unique(segment[blank], return_index=True)
    for name in found[np.argsort(first)]:
        letter = next((letter for letter in letters if letter not in taken), f"Z{len(taken)}")
        taken.add(letter)
        named[blank & (segment == name)] = letter
        given.append(f"{letter} (segment {name})" if name else letter)
    notes.append(f"The file has atoms without a chain name; their chain was called {', '.join(given)}.")
    return named.astype(np.str_)


def _elements(columns: NDArray[np.uint8], residue_name: NDArray[np.str_]) -> NDArray[np.str_]:
    element = _mapped(columns[:, 76:78], lambda value: value.strip().upper() if is_element(value) else "")
    unknown = np.flatnonzero(element == "")
    if len(unknown) == 0:
        return element
    names, which = _unique(columns[unknown, 12:16])
    residues, where = np.unique(residue_name[unknown], return_inverse=True)
    keys, inverse = np.unique(which * len(residues) + where, return_inverse=True)
    inferred = [infer_element(names[key // len(residues)], str(residues[key % len(residues)])) for key in keys]
    element = element.astype("U2")
    element[unknown] = np.array(inferred, dtype="U2")[inverse]
    return element


def _models(
    table: AtomTable,
    words: NDArray[np.bytes_],
    atoms: NDArray[np.int64],
    text: NDArray[np.uint8],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    notes: list[str],
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Model of every atom, from MODEL and ENDMDL lines, or from END lines between equal sets of atoms."""
    opens = np.char.strip(words) == b"MODEL"
    closes = words == b"ENDMDL"
    block = np.cumsum(opens | closes)[atoms]
    present, model = np.unique(block, return_inverse=True)
    if opens.any():
        lines = np.flatnonzero(opens | closes)
        names = []
        for at, value in enumerate(present):
            line = lines[value - 1] if value > 0 else -1
            is_open = line >= 0 and opens[line]
            label = bytes(text[starts[line] + 6 : starts[line] + lengths[line]]) if is_open else b""
            names.append(label.decode("latin-1").strip() or str(at + 1))
        return model, tuple(names)
    if len(present) > 1:
        return model, tuple(str(at + 1) for at in range(len(present)))
    ended, part = np.unique(np.cumsum(np.char.strip(words) == b"END")[atoms], return_inverse=True)
    if len(ended) > 1:
        if _same_atoms(table, part):
            return part, tuple(str(at + 1) for at in range(len(ended)))
        notes.append("Atoms follow an END record; they were read as parts of one structure.")
    unmarked = unmarked_models(table)
    if unmarked is not None:
        n_models = int(unmarked.max()) + 1
        notes.append(f"The file lists the structure {n_models} times without MODEL records; these were read as models.")
        return unmarked, tuple(str(at + 1) for at in range(n_models))
    return model, ("1",)


def _same_atoms(table: AtomTable, part: NDArray[np.int64]) -> bool:
    sizes = np.bincount(part)
    if (sizes != sizes[0]).any():
        return False
    columns = (table.atom_name, table.residue_name, table.number, table.chain)
    return all((column.reshape(len(sizes), -1) == column[: sizes[0]]).all() for column in columns)


def _header(
    data: bytes,
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    is_atom: NDArray[np.bool_],
    words: NDArray[np.bytes_],
    notes: list[str],
) -> tuple[gemmi.Structure, dict[str, tuple[str, ...]]]:
    skipped = is_atom | np.isin(
        words, [b"ANISOU", b"SIGATM", b"SIGUIJ", b"CONECT", b"TER   ", b"TER", b"MODEL ", b"ENDMDL", b"END   ", b"END"]
    )
    kept = np.flatnonzero(~skipped)
    lines = [data[starts[at] : starts[at] + min(int(lengths[at]), 200)] for at in kept]
    try:
        structure = gemmi.read_pdb_string(b"\n".join(lines).decode("latin-1"))
    except Exception as error:  # gemmi raises RuntimeError, ValueError and others
        text = " ".join(str(error).split())[:200]
        notes.append(f"The header could not be read ({text}); title, sequence and assemblies are not known.")
        return gemmi.Structure(), {}
    sequences = {}
    for entity in structure.entities:
        if entity.full_sequence:
            sequences[entity.name] = tuple(gemmi.Entity.first_mon(item) for item in entity.full_sequence)
    return structure, sequences
