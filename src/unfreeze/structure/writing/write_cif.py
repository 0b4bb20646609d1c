"""Write mmCIF text, one or several models, without the limits of the PDB format.

Author and label numbering, entities, sequences as far as they are modelled, and bonds between residues that are
not neighbours are written. Label numbering that a complex lacks is made up, because readers depend on it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

import gemmi
import numpy as np
from numpy.typing import NDArray

from unfreeze.files.atomic import atomic_path
from unfreeze.structure.complex import Complex
from unfreeze.structure.writing.write_pdb import frames_of, is_disulfide, unobvious_links

__all__ = ["write_cif"]

_ATOM_TAGS = (
    *("group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id", "label_asym_id"),
    *("label_entity_id", "label_seq_id", "pdbx_PDB_ins_code", "occupancy", "B_iso_or_equiv", "pdbx_formal_charge"),
    *("auth_seq_id", "auth_comp_id", "auth_asym_id", "auth_atom_id"),
    *("Cartn_x", "Cartn_y", "Cartn_z", "pdbx_PDB_model_num"),
)


def write_cif(
    path: str | os.PathLike[str], complex: Complex, coordinates_nm: NDArray[np.floating] | None = None
) -> None:
    """Write an mmCIF file.

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
        If the coordinates do not fit or the file cannot be written.
    """
    frames = frames_of(path, complex, coordinates_nm)
    label_chain, entity, label_number = _labels(complex)
    block = re.sub(r"[^A-Za-z0-9_.-]", "_", complex.source.name.split(".")[0]) or "complex"
    quoted = _Quoted()
    before = _atom_text(complex, label_chain, entity, label_number, quoted)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as handle:
        handle.write(f"data_{block}\n#\n_entry.id {block}\n")
        if complex.source.title:
            handle.write(f"_struct.entry_id {block}\n_struct.title {quoted[complex.source.title]}\n")
        handle.writelines(_entities(complex, entity, label_number, quoted))
        handle.writelines(_links(complex, label_chain, label_number, quoted))
        handle.write("#\nloop_\n")
        handle.writelines(f"_atom_site.{tag}\n" for tag in _ATOM_TAGS)
        serial = 0
        for number, frame in enumerate(frames, start=1):
            rows = np.round(frame * 10, 4).tolist()
            for (group, rest), (x, y, z) in zip(before, rows, strict=True):
                serial += 1
                handle.write("%s %d %s %.4f %.4f %.4f %d\n" % (group, serial, rest, x, y, z, number))  # noqa: UP031
        handle.write("#\n")


class _Quoted(dict[str, str]):
    """CIF form of texts, remembered."""

    def __missing__(self, text: str) -> str:
        value = gemmi.cif.quote(text) if text else "."
        if text in (".", "?"):
            value = f"'{text}'"
        if value.startswith(";"):
            value = f"\n{value}\n"
        self[text] = value
        return value


def _labels(complex: Complex) -> tuple[list[str], list[str], list[int]]:
    """Label chain, entity and label number of every residue, made up where the complex has none.

    Polymer residues of a chain share a label chain and an entity and are numbered; every other residue is a
    chain of its own.
    """
    label = complex.residue_label_chain.tolist()
    entity = complex.residue_entity.tolist()
    number = complex.residue_label_number.tolist()
    polymer = np.isin(complex.residue_kind, ["protein", "nucleic"]).tolist()
    chains = complex.chain_name[complex.chain_index].tolist()
    taken, used = set(label), set(entity)
    names: dict[tuple, str] = {}
    entities: dict[tuple, str] = {}
    sequences: dict[str, list[str]] = {}
    for chain, residue, in_polymer in zip(chains, complex.residue_name.tolist(), polymer, strict=True):
        if in_polymer:
            sequences.setdefault(chain, []).append(residue)
    polymer_entity = {chain: ("polymer", " ".join(names)) for chain, names in sequences.items()}
    counts: dict[str, int] = {}
    for row, chain in enumerate(chains):
        if not label[row]:
            key = (chain,) if polymer[row] else (chain, row)
            if key not in names:
                names[key] = _free(chain if polymer[row] else f"{chain}x{row + 1}", taken)
            label[row] = names[key]
            if polymer[row] and not number[row]:
                counts[chain] = counts.get(chain, 0) + 1
                number[row] = counts[chain]
        if not entity[row]:
            what = polymer_entity[chain] if polymer[row] else (str(complex.residue_name[row]),)
            if what not in entities:
                entities[what] = _free(str(len(entities) + 1), used)
            entity[row] = entities[what]
    return label, entity, number


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "x"
    taken.add(name)
    return name


def _atom_text(
    complex: Complex, label_chain: list[str], entity: list[str], label_number: list[int], quoted: _Quoted
) -> list[tuple[str, str]]:
    """Record name, and all columns between the serial number and the coordinates, of every atom."""
    residues = []
    for row in range(complex.n_residues):
        name = quoted[str(complex.residue_name[row])]
        chain = quoted[str(complex.chain_name[complex.chain_index[row]])]
        code = complex.residue_insertion_code[row]
        label = f"{name} {quoted[label_chain[row]]} {quoted[entity[row]]} {label_number[row] or '.'}"
        residues.append(
            (
                "HETATM" if complex.residue_hetero[row] else "ATOM",
                f"{label} {quoted[str(code)] if code else '?'}",
                f"{complex.residue_number[row]} {name} {chain}",
            )
        )
    lines = []
    columns = zip(
        complex.element.tolist(),
        complex.atom_name.tolist(),
        complex.atom_altloc.tolist(),
        complex.atom_occupancy.tolist(),
        complex.atom_b_factor.tolist(),
        complex.atom_charge.tolist(),
        complex.residue_index.tolist(),
        strict=True,
    )
    for element, atom, altloc, occupancy, b_factor, charge, residue in columns:
        group, label, author = residues[residue]
        name = quoted[atom]
        lines.append(
            (
                group,
                f"{quoted[element]} {name} {quoted[altloc]} {label} {occupancy:.10g} {b_factor:.10g} "
                f"{charge if charge else '?'} {author} {name}",
            )
        )
    return lines


def _loop(category: str, tags: Iterable[str], rows: Iterable[str]) -> list[str]:
    lines = [f"{row}\n" for row in rows]
    return ["#\nloop_\n", *(f"_{category}.{tag}\n" for tag in tags), *lines] if lines else []


def _entities(complex: Complex, entity: list[str], label_number: list[int], quoted: _Quoted) -> list[str]:
    polymer = np.isin(complex.residue_kind, ["protein", "nucleic"]).tolist()
    kinds = {name: "non-polymer" for name in entity}
    kinds.update({name: "polymer" for row, name in enumerate(entity) if polymer[row]})
    monomers: dict[str, dict[int, str]] = {}
    for row, name in enumerate(entity):
        if label_number[row] > 0 and kinds[name] == "polymer":
            monomers.setdefault(name, {}).setdefault(label_number[row], str(complex.residue_name[row]))
    lines = _loop("entity", ("id", "type"), (f"{quoted[name]} {kind}" for name, kind in kinds.items()))
    # A sequence with unknown places would be read as a shorter one.
    complete = {name: places for name, places in monomers.items() if len(places) == max(places)}
    rows = [
        f"{quoted[name]} {number} {quoted[residue]} n"
        for name, places in complete.items()
        for number, residue in sorted(places.items())
    ]
    return lines + _loop("entity_poly_seq", ("entity_id", "num", "mon_id", "hetero"), rows)


def _links(complex: Complex, label_chain: list[str], label_number: list[int], quoted: _Quoted) -> list[str]:
    tags = ["id", "conn_type_id"]
    for side in ("ptnr1", "ptnr2"):
        tags += [f"{side}_label_asym_id", f"{side}_label_comp_id", f"{side}_label_seq_id", f"{side}_label_atom_id"]
        tags += [f"{side}_auth_asym_id", f"{side}_auth_comp_id", f"{side}_auth_seq_id", f"pdbx_{side}_PDB_ins_code"]
        tags += [f"{side}_symmetry"]
    rows = []
    for number, link in enumerate(unobvious_links(complex), start=1):
        kind = "disulf" if is_disulfide(complex, link) else "covale"
        parts = [f"{kind}{number}", kind]
        for atom in link.tolist():
            row = int(complex.residue_index[atom])
            name = quoted[str(complex.residue_name[row])]
            code = str(complex.residue_insertion_code[row])
            parts += [
                quoted[label_chain[row]],
                name,
                str(label_number[row] or "."),
                quoted[str(complex.atom_name[atom])],
            ]
            parts += [quoted[str(complex.chain_name[complex.chain_index[row]])], name, str(complex.residue_number[row])]
            parts += [quoted[code] if code else "?", "1_555"]
        rows.append(" ".join(parts))
    return _loop("struct_conn", tags, rows)
