"""Write PDB text, one or several models, and say what the format cannot hold.

The format has fixed columns: 99,999 atoms, residue numbers of four digits, chain names of one letter. What does
not fit is refused, never cut; :mod:`unfreeze.structure.writing.write_cif` has no such limits.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path
from unfreeze.structure.complex import Complex
from unfreeze.structure.reading.pdb_text import split_residue_and_chain

__all__ = ["pdb_obstacle", "write_pdb"]

_MOST_SERIALS = 99_999
_MOST_MODELS = 9_999


def write_pdb(
    path: str | os.PathLike[str], complex: Complex, coordinates_nm: NDArray[np.floating] | None = None
) -> None:
    """Write a PDB file.

    Bonds between residues that are not neighbours in their chain are written as SSBOND and LINK records.

    Parameters
    ----------
    path
        File to write.
    complex
        Names, numbers and links.
    coordinates_nm : [n_atoms, 3] or [n_frames, n_atoms, 3], optional
        Coordinates in nm, several frames as models; by default those of the complex.

    Raises
    ------
    InputError
        If the format cannot hold the complex or the file cannot be written.
    """
    frames = frames_of(path, complex, coordinates_nm)
    obstacle = pdb_obstacle(complex, frames)
    if obstacle:
        raise InputError(f"{path}: {obstacle} The PDB format cannot hold this; write mmCIF (.cif) instead.")
    before, after = _atom_text(complex)
    with atomic_path(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as handle:
        handle.writelines(_header(complex))
        for number, frame in enumerate(frames, start=1):
            if len(frames) > 1:
                handle.write(f"MODEL     {number:4d}\n")
            rows = np.round(frame * 10, 3).tolist()
            for start, (x, y, z), end in zip(before, rows, after, strict=True):
                handle.write("%s%8.3f%8.3f%8.3f%s" % (start, x, y, z, end))  # noqa: UP031  twice as fast as format
            if len(frames) > 1:
                handle.write("ENDMDL\n")
        handle.write("END\n")


def frames_of(
    path: str | os.PathLike[str], complex: Complex, coordinates_nm: NDArray[np.floating] | None
) -> NDArray[np.float64]:
    """Coordinates to write as [n_frames, n_atoms, 3], checked.

    Raises
    ------
    InputError
        If the shape does not fit the complex or a value is not finite.
    """
    frames = np.asarray(complex.coordinates_nm if coordinates_nm is None else coordinates_nm, dtype=np.float64)
    frames = frames[None] if frames.ndim == 2 else frames
    if frames.ndim != 3 or frames.shape[1:] != (complex.n_atoms, 3) or len(frames) == 0:
        raise InputError(
            f"{path}: coordinates of the shape [n_frames, {complex.n_atoms}, 3] were expected, not {frames.shape}."
        )
    if not np.isfinite(frames).all():
        frame, atom, _ = np.argwhere(~np.isfinite(frames))[0]
        raise InputError(f"{path}: atom {complex.atom_label(int(atom))} of frame {frame} has no finite coordinates.")
    return frames


def pdb_obstacle(complex: Complex, frames: NDArray[np.float64]) -> str:
    """Why the PDB format cannot hold this, as a sentence; empty if it can.

    Parameters
    ----------
    complex
        What is to be written.
    frames : [n_frames, n_atoms, 3]
        Coordinates in nm.
    """
    n_serials = complex.n_atoms + complex.n_chains
    if n_serials > _MOST_SERIALS:
        return f"It has {complex.n_atoms:,} atoms, more than {_MOST_SERIALS:,} with the ends of its chains."
    if len(frames) > _MOST_MODELS:
        return f"There are {len(frames):,} models, more than {_MOST_MODELS:,}."
    limits = (
        ("chain name", complex.chain_name, 1),
        ("atom name", complex.atom_name, 4),
        ("alternate location", complex.atom_altloc, 1),
        ("insertion code", complex.residue_insertion_code, 1),
        ("element", complex.element, 2),
        ("residue name", complex.residue_name, 4),
    )
    for word, values, width in limits:
        for value in np.unique(values).tolist():
            if len(value) > width or not value.isascii() or not (value.isprintable() and " " not in value):
                return f"The {word} {value!r} is longer than {width} or not plain."
    if (complex.chain_name == "").any() or (complex.atom_name == "").any():
        return "A chain or an atom has no name."
    if np.char.isdigit(complex.residue_insertion_code.astype(np.str_)).any():
        return "An insertion code is a digit."
    chains = complex.chain_name[complex.chain_index]
    for name, chain in set(zip(complex.residue_name.tolist(), chains.tolist(), strict=True)):
        if split_residue_and_chain(f"{name:>3}".ljust(4) + chain) != (name, chain):
            return f"The residue name {name!r} does not fit beside the chain name {chain!r}."
    if complex.n_residues and not (complex.residue_number.min() >= -999 and complex.residue_number.max() <= 9999):
        return "A residue number lies outside -999 to 9999."
    if frames.size and not (frames.min() * 10 >= -999.9994 and frames.max() * 10 <= 9999.9994):
        return "A coordinate lies outside -999.999 to 9999.999 Å."
    for word, values in (("B-factor", complex.atom_b_factor), ("occupancy", complex.atom_occupancy)):
        if len(values) and not (values.min() >= -99.994 and values.max() <= 999.994):
            return f"A {word} lies outside -99.99 to 999.99."
    if len(complex.atom_charge) and np.abs(complex.atom_charge).max() > 9:
        return "A charge is larger than 9."
    return ""


def _atom_text(complex: Complex) -> tuple[list[str], list[str]]:
    """What stands before and after the coordinates of every atom, TER lines included."""
    columns = zip(
        complex.atom_name.tolist(),
        complex.element.tolist(),
        complex.atom_altloc.tolist(),
        complex.atom_occupancy.tolist(),
        complex.atom_b_factor.tolist(),
        complex.atom_charge.tolist(),
        complex.residue_index.tolist(),
        strict=True,
    )
    chains = complex.chain_name[complex.chain_index].tolist()
    residues = [
        f"{name:>3}".ljust(4) + f"{chain}{number:4d}{code:1}"
        for name, chain, number, code in zip(
            complex.residue_name.tolist(),
            chains,
            complex.residue_number.tolist(),
            complex.residue_insertion_code.tolist(),
            strict=True,
        )
    ]
    hetero = complex.residue_hetero.tolist()
    ends = _last_polymer_atoms(complex)
    before, after = [], []
    serial = 0
    for atom, (name, element, altloc, occupancy, b_factor, charge, residue) in enumerate(columns):
        serial += 1
        padded = f"{name:4}" if len(name) == 4 or len(element) == 2 else f" {name:3}"
        record = "HETATM" if hetero[residue] else "ATOM  "
        sign = f"{abs(charge)}{'+' if charge > 0 else '-'}" if charge else "  "
        before.append(f"{record}{serial:5d} {padded}{altloc:1}{residues[residue]}   ")
        line = f"{occupancy:6.2f}{b_factor:6.2f}          {element:>2}{sign}\n"
        if atom in ends:
            serial += 1
            line += f"TER   {serial:5d}      {residues[residue]}\n"
        after.append(line)
    return before, after


def _last_polymer_atoms(complex: Complex) -> set[int]:
    """The last atom of the last protein or nucleic residue of every chain."""
    polymer = np.flatnonzero(np.isin(complex.residue_kind, ["protein", "nucleic"]))
    if len(polymer) == 0:
        return set()
    chain = complex.chain_index[polymer]
    last = polymer[np.append(chain[1:] != chain[:-1], True)]
    return set((complex.residue_start[last + 1] - 1).tolist())


def unobvious_links(complex: Complex) -> NDArray[np.int64]:
    """Links that a reader would not expect from the order of residues and short distances: [n, 2]."""
    first, second = complex.links[:, 0], complex.links[:, 1]
    one, other = complex.residue_index[first], complex.residue_index[second]
    names = complex.atom_name[first], complex.atom_name[second]
    peptide = (names[0] == "C") & (names[1] == "N")
    ester = (names[0] == "O3'") & (names[1] == "P")
    length = np.linalg.norm(complex.coordinates_nm[first] - complex.coordinates_nm[second], axis=1)
    obvious = (peptide | ester) & (other == one + 1) & (complex.chain_index[one] == complex.chain_index[other])
    obvious &= np.isin(complex.residue_kind[one], ["protein", "nucleic"]) & (length < 0.19)
    return complex.links[~obvious]


def is_disulfide(complex: Complex, link: NDArray[np.int64]) -> bool:
    """Whether both atoms of a link are sulfur of cysteines."""
    return bool((complex.atom_name[link] == "SG").all() and (complex.element[link] == "S").all())


def _header(complex: Complex) -> list[str]:
    lines = []
    title = " ".join(complex.source.title.encode("ascii", "replace").decode().split())
    for part in range(0, min(len(title), 700), 70):
        number = part // 70 + 1
        lines.append(f"TITLE   {number if number > 1 else '':>2}{' ' if number > 1 else ''}{title[part : part + 70]}\n")
    n_bridges = 0
    bridges, links = [], []
    for link in unobvious_links(complex):
        length = float(np.linalg.norm(np.subtract(*complex.coordinates_nm[link])) * 10)
        if is_disulfide(complex, link) and (complex.residue_name[complex.residue_index[link]] == "CYS").all():
            n_bridges += 1
            one, other = (_address(complex, int(atom)) for atom in link)
            bridges.append(
                f"SSBOND {n_bridges % 1000:3d} {one[0]} {one[1]}   {other[0]} {other[1]}"
                f"{'':23}  1555   1555 {min(length, 99.99):5.2f}\n"
            )
        else:
            one, other = (_link_atom(complex, int(atom)) for atom in link)
            links.append(f"LINK        {one}{'':15}{other}    1555   1555 {min(length, 99.99):5.2f}\n")
    return [*lines, *bridges, *links]


def _address(complex: Complex, atom: int) -> tuple[str, str]:
    residue = int(complex.residue_index[atom])
    chain = complex.chain_name[complex.chain_index[residue]]
    number, code = complex.residue_number[residue], complex.residue_insertion_code[residue]
    return f"{complex.residue_name[residue]:>3} {chain}", f"{number:4d}{code:1}"


def _link_atom(complex: Complex, atom: int) -> str:
    name, element = str(complex.atom_name[atom]), str(complex.element[atom])
    padded = f"{name:4}" if len(name) == 4 or len(element) == 2 else f" {name:3}"
    place, number = _address(complex, atom)
    return f"{padded}{complex.atom_altloc[atom]:1}{place}{number}"
