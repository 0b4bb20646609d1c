"""Docking Benchmark 5.5: bound complexes, and their partners unbound and bound.

The layout is a folder of ``1ACB_r_b.pdb``, ``_l_b``, ``_r_u``, ``_l_u``: receptor and ligand, bound and unbound. Every
complex becomes three entries: the bound complex in all its atoms, and each partner with the parts ``unbound`` and
``bound`` in the atoms that both have. Names and difficulty come from the benchmark's spreadsheet where it is there.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from unfreeze.corpus.importers.shared.spreadsheet import read_first_sheet
from unfreeze.corpus.importing.source import Candidate, FrameStream, Part
from unfreeze.corpus.importing.streams import ArrayStream
from unfreeze.corpus.schema import Source
from unfreeze.corpus.static.b_factors import label_b_factors
from unfreeze.corpus.static.parts import state_parts, whole_part
from unfreeze.corpus.static.states import match_states, superposed_rmsd_nm
from unfreeze.corpus.static.structures import read_structure, static_conditions
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.merge import merge_complexes

__all__ = ["IMPORTER", "Docking55Importer"]

_PARTS = ("r_b", "l_b", "r_u", "l_u")
_PARTNERS = {"r": "receptor", "l": "ligand"}
_LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits
_LEAST_SHARE = 0.8  # of the unbound partner's polymer atoms must be in the bound one
_LEAST_IDENTITY = 0.9  # unbound forms are often of another species
_SAME_NM = 1e-3
_LICENCE = "CC0-1.0"
_COLUMNS = {"A": "complex", "B": "category", "C": "receptor", "E": "ligand", "G": "I-RMSD (Å)"}


class Docking55Importer:
    """Docking Benchmark 5.5."""

    name = "docking55"
    summary = "Docking Benchmark 5.5: bound complexes, and their partners unbound and bound, with B-factors"
    licence = _LICENCE
    citation = (
        "Vreven et al. 2015, J. Mol. Biol. 427, 3031, doi:10.1016/j.jmb.2015.07.016; "
        "Guest et al. 2021, Structure 29, 606, doi:10.1016/j.str.2021.01.005"
    )
    options: Mapping[str, str] = {
        "partners": "both (default): unbound and bound in one entry; unbound: the unbound form in all its atoms",
        "table": "the benchmark's spreadsheet (.xlsx), where it is not beside the structures",
    }

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """Three candidates a complex.

        Raises
        ------
        InputError
            If there is no complex.
        """
        source = Path(source)
        partners = options.get("partners", "both")
        if partners not in ("both", "unbound"):
            raise InputError(f"--set partners={partners}: both or unbound was expected.")
        found: dict[str, dict[str, Path]] = {}
        for part in _PARTS:
            for path in sorted(source.rglob(f"*_{part}.pdb")):
                found.setdefault(path.name.removesuffix(f"_{part}.pdb"), {})[part] = path
        if not found:
            raise InputError(
                f"{source}: no complexes; files such as 1AVX_r_u.pdb, 1AVX_l_u.pdb, 1AVX_r_b.pdb and 1AVX_l_b.pdb "
                "were expected there."
            )
        facts = _facts(source, options)
        for name in sorted(found):
            files = found[name]
            missing = [f"{name}_{part}.pdb" for part in _PARTS if part not in files]
            about = facts.get(name, {})
            if "r_b" in files and "l_b" in files:
                yield self._bound(name, files, about)
            else:
                yield Candidate(f"db55-{name}", refusal=f"there is no {' and no '.join(missing)}")
            for side, partner in _PARTNERS.items():
                if f"{side}_u" in files:
                    yield self._partner(name, side, files, about, both=partners == "both")
                else:
                    yield Candidate(f"db55-{name}-{partner}", refusal=f"there is no {name}_{side}_u.pdb")

    def _source(self, identifier: str) -> Source:
        return Source(
            dataset="docking55",
            identifier=identifier,
            licence=_LICENCE,
            citation=self.citation,
            url="https://zlab.umassmed.edu/benchmark/",
        )

    def _bound(self, name: str, files: Mapping[str, Path], about: Mapping[str, str]) -> Candidate:
        paths = (files["r_b"], files["l_b"])
        try:
            molecule, groups = _merged(paths)
            label = label_b_factors(molecule, source=f"docking55:{name}", licence=_LICENCE)
            conditions = static_conditions(read_structure(paths[0]))
        except InputError as error:
            return Candidate(f"db55-{name}", refusal=str(error))
        part = Part("bound", conditions, self._source(name), paths, partial(_bound_stream, paths))
        notes = [f"Receptor: chains {', '.join(groups[0])}; ligand: chains {', '.join(groups[1])}."]
        notes.append(f"Its partners alone are the entries db55-{name}-receptor and db55-{name}-ligand.")
        if about:
            notes.append("In the benchmark: " + ", ".join(f"{key} {value}" for key, value in about.items()) + ".")
        return Candidate(
            f"db55-{name}", (part,), labels=(label,) if label else (), notes=tuple(notes), title=f"{name}, bound"
        )

    def _partner(
        self, name: str, side: str, files: Mapping[str, Path], about: Mapping[str, str], *, both: bool
    ) -> Candidate:
        partner = _PARTNERS[side]
        identifier = f"db55-{name}-{partner}"
        paths = {"unbound": files[f"{side}_u"]}
        notes = [f"The {partner} of the complex db55-{name}."]
        try:
            unbound = read_structure(paths["unbound"])
            if both and f"{side}_b" in files:
                bound = files[f"{side}_b"]
                if reason := _apart(unbound.complex, read_structure(bound).complex):
                    notes.append(f"The bound form is not a part of this entry: {reason}.")
                else:
                    paths["bound"] = bound
            sources = {state: self._source(path.stem) for state, path in paths.items()}
            if len(paths) == 1:
                parts: tuple[Part, ...] = (whole_part("unbound", paths["unbound"], sources["unbound"]),)
            else:
                parts = state_parts(paths, sources, least_identity=_LEAST_IDENTITY)
        except InputError as error:
            return Candidate(identifier, refusal=str(error))
        label = unbound.b_factors(f"docking55:{paths['unbound'].stem}", _LICENCE)
        title = " ".join(filter(None, (f"{partner} of {name}", about.get(partner, ""))))
        return Candidate(identifier, parts, labels=(label,) if label else (), notes=tuple(notes), title=title)


def _apart(unbound: Complex, bound: Complex) -> str:
    """Why two forms do not go into one entry; empty if they do."""
    match = match_states(unbound, bound, least_identity=_LEAST_IDENTITY)
    if match is None:
        return "no chain of it corresponds"
    if match.share < _LEAST_SHARE:
        return f"it has {match.share:.0%} of the atoms only"
    first, second = unbound.coordinates_nm[match.reference], bound.coordinates_nm[match.state]
    if superposed_rmsd_nm(first, second) < _SAME_NM:
        return "its coordinates are the same"
    return ""


def _merged(paths: tuple[Path, Path]) -> tuple[Complex, tuple[list[str], list[str]]]:
    """Both partners as one complex, and the names of their chains; a name that both have is given anew."""
    parts = [read_structure(path).complex for path in paths]
    taken: list[str] = [str(name) for name in parts[0].chain_name]
    first = list(taken)
    for name in (str(name) for name in parts[1].chain_name):
        own = [str(other) for other in parts[1].chain_name]
        free = (letter for letter in _LETTERS if letter not in taken and letter not in own)
        taken.append(name if name not in taken else next(free, f"C{len(taken)}"))
    return merge_complexes(parts, taken, f"{paths[0].name}, {paths[1].name}"), (first, taken[len(first) :])


def _bound_stream(paths: tuple[Path, Path]) -> FrameStream:
    molecule, (_, ligand) = _merged(paths)
    notes = tuple(f"{path.name}: {note}" for path in paths for note in read_structure(path).notes)
    own = [str(name) for name in read_structure(paths[1]).complex.chain_name]
    renamed = [f"{old} is {new} here" for old, new in zip(own, ligand, strict=True) if old != new]
    if renamed:
        notes = (f"Chains of {paths[1].name} are called otherwise: {', '.join(renamed)}.", *notes)
    return ArrayStream(molecule, molecule.coordinates_nm[None], notes=notes)


def _facts(source: Path, options: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What the spreadsheet says of each complex: its category, the PDB ids of its partners, difficulty, I-RMSD."""
    tables = [Path(options["table"]).expanduser()] if "table" in options else sorted(source.rglob("*BM5*.xlsx"))
    facts: dict[str, dict[str, str]] = {}
    for table in tables[:1]:
        difficulty = ""
        for row in read_first_sheet(table):
            name = row.get("A", "")
            if set(row) == {"A"}:
                difficulty = name.partition("(")[0].strip()
            elif len(name) > 5 and name[4] == "_":
                known = {title: _short(row[column]) for column, title in _COLUMNS.items() if column in row}
                facts[name[:4].upper()] = known | ({"difficulty": difficulty} if difficulty else {})
    return facts


def _short(text: str) -> str:
    """A number of a spreadsheet without the digits that nobody wrote."""
    return f"{float(text):.4g}" if re.fullmatch(r"[0-9]+\.[0-9]{5,}", text) else text


IMPORTER = Docking55Importer()
