"""SKEMPI 2: structures of complexes with their B-factors, and affinities of their mutants as labels.

A folder with ``skempi_v2.csv`` and, at any depth, ``PDBID.pdb``. Chains of the partners and every mutated residue are
checked against the structure; a row that does not fit is left out and named. Rows whose mutant unfolds say nothing
about binding and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from unfreeze.corpus.importers.shared.affinities import Affinity, Measurement, affinity_labels
from unfreeze.corpus.importing.source import Candidate
from unfreeze.corpus.label_import import LeftOut
from unfreeze.corpus.mutations import Mutation, NumberedResidues
from unfreeze.corpus.schema import Source
from unfreeze.corpus.static.parts import whole_part
from unfreeze.corpus.static.structures import read_structure
from unfreeze.corpus.tables import number, read_table
from unfreeze.errors import InputError

__all__ = ["IMPORTER", "SkempiImporter"]

_TABLE = "skempi_v2.csv"
_PDB, _MUTATIONS = "#Pdb", "Mutation(s)_PDB"
_MUTANT, _WILD_TYPE = "Affinity_mut (M)", "Affinity_wt (M)"
_COLUMNS = (_PDB, _MUTATIONS, _MUTANT, _WILD_TYPE, "Temperature", "Reference", "Method", "Notes")
_GROUPS = re.compile(r"([0-9A-Za-z]{4})_([0-9A-Za-z]+)_([0-9A-Za-z]+)")
_AFFINITY = re.compile(r"([<>~]?)\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)")
_TEMPERATURE = re.compile(r"([0-9.]+)\s*(\(assumed\))?")
_UNFOLDED = "the mutant does not fold, which says nothing about binding"


class SkempiImporter:
    """SKEMPI 2."""

    name = "skempi"
    summary = "SKEMPI 2: structures of protein-protein complexes with B-factors and affinities on mutation"
    licence = "CC-BY-4.0"
    citation = (
        "Jankauskaitė, Jiménez-García, Dapkūnas, Fernández-Recio & Moal 2019, Bioinformatics 35, 462, "
        "doi:10.1093/bioinformatics/bty635"
    )
    options: Mapping[str, str] = {
        "structures": "folder of the PDB files, where they are not beside the table",
        "licence": "of the affinities; CC-BY-4.0 by default (coordinates are CC0)",
    }

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """One candidate a structure of the table.

        Raises
        ------
        InputError
            If there is no table, or no structure of it.
        """
        table = _find_table(Path(source))
        rows: dict[str, list[tuple[int, dict[str, str]]]] = {}
        for line, row in read_table(table, columns=_COLUMNS, delimiter=";"):
            rows.setdefault(row[_PDB][:4].upper(), []).append((line, row))
        folder = Path(options.get("structures", table.parent)).expanduser()
        structures = {path.stem.upper(): path for path in sorted(folder.rglob("*.pdb"))}
        if not rows.keys() & structures.keys():
            raise InputError(
                f"{folder}: none of the {len(rows)} structures of {table.name} is there (such as "
                f"{min(rows, default='-')}.pdb). Unpack them beside the table, or give --set structures=FOLDER."
            )
        for identifier in sorted(rows):
            yield self._candidate(identifier, rows[identifier], structures.get(identifier), table, options)

    def _candidate(
        self,
        identifier: str,
        rows: list[tuple[int, dict[str, str]]],
        path: Path | None,
        table: Path,
        options: Mapping[str, str],
    ) -> Candidate:
        name = f"skempi-{identifier}"
        if path is None:
            return Candidate(name, refusal=f"there is no {identifier}.pdb for the {len(rows)} rows of {table.name}")
        try:
            structure = read_structure(path)
        except InputError as error:
            return Candidate(name, refusal=str(error))
        residues = NumberedResidues(structure.complex)
        left_out = LeftOut()
        measurements = []
        for line, row in rows:
            try:
                measurements.append(_measurement(line, row, residues, table))
            except _RowError as error:
                left_out.add(error.reason, f"line {line}: {error.example}")
        licence = options.get("licence", self.licence)
        b_factors = structure.b_factors(f"skempi2:{path.name}", "CC0-1.0")
        labels = affinity_labels(measurements, source="skempi2", licence=licence)
        coordinates = Source(
            dataset="skempi2",
            identifier=identifier,
            licence="CC0-1.0",
            citation=self.citation,
            url="https://life.bsc.es/pid/skempi2",
        )
        first = rows[0][1]
        return Candidate(
            identifier=name,
            parts=(whole_part("deposited", path, coordinates),),
            labels=((b_factors,) if b_factors else ()) + labels,
            notes=left_out.sentences("rows of affinities"),
            title=" and ".join(" ".join(first.get(key, "").split()) for key in ("Protein 1", "Protein 2")),
        )


class _RowError(Exception):
    """Why a row is left out, and what in it."""

    def __init__(self, reason: str, example: str) -> None:
        super().__init__(reason)
        self.reason, self.example = reason, example


def _find_table(source: Path) -> Path:
    if source.is_file():
        return source
    found = sorted(path for path in source.rglob("skempi_v2.csv*") if path.is_file())
    if not found:
        raise InputError(
            f"{source}: no {_TABLE} in it; the folder of SKEMPI 2, with its table and PDB files, was expected."
        )
    return found[0]


def _measurement(line: int, row: Mapping[str, str], residues: NumberedResidues, table: Path) -> Measurement:
    groups = _GROUPS.fullmatch(row[_PDB].strip())
    if groups is None:
        raise _RowError("the complex is not written as 1CSE_E_I", row[_PDB][:30])
    partners = (groups[2], groups[3])
    for chain in "".join(partners):
        if chain not in residues.chains:
            raise _RowError("a chain of the partners is not in the structure", f"{row[_PDB]} {chain}")
    try:
        mutations = tuple(sorted(Mutation.read_skempi(text) for text in row[_MUTATIONS].split(",")))
    except InputError as error:
        raise _RowError("a mutation that cannot be read", str(error)) from None
    for mutation in mutations:
        if mutation.chain not in "".join(partners):
            raise _RowError("a mutation in a chain of neither partner", str(mutation))
        if fault := residues.fault(mutation):
            raise _RowError("the structure has another residue", fault)
    mutant, wild_type = (_affinity(row[column]) for column in (_MUTANT, _WILD_TYPE))
    if wild_type.relation == "none":
        raise _RowError("the wild type does not bind", row[_WILD_TYPE])
    temperature, assumed = _temperature(row["Temperature"], table, line)
    notes = ("the source assumes the temperature",) if assumed else ()
    notes += ("no temperature in the source, so no free energies",) if temperature is None else ()
    return Measurement(
        row=str(line),
        partners=partners,
        mutations=mutations,
        mutant=mutant,
        wild_type=wild_type,
        temperature_K=temperature,
        reference=row["Reference"].strip(),
        method=row["Method"].strip(),
        notes=notes,
    )


def _affinity(text: str) -> Affinity:
    """Read ``5.26E-11``, ``>1E-04``, ``<1E-12``, ``~1E-03``, ``n.b`` (no binding) or ``unf`` (unfolded)."""
    text = text.strip()
    if text.lower().startswith("unf"):
        raise _RowError(_UNFOLDED, text)
    if re.fullmatch(r"n\.?b\.?", text, re.IGNORECASE):
        return Affinity(None, "none", "no binding seen")
    found = _AFFINITY.fullmatch(text)
    value = float(found[2]) if found and found[2].count(".") < 2 and found[2] != "." else 0.0
    if found is None or not 1e-20 < value < 1e3:
        raise _RowError("an affinity that is no molar constant", text[:30])
    if found[1] == "~":
        return Affinity(value, "=", "approximate")
    return Affinity(value, {"<": "<", ">": ">"}.get(found[1], "="))  # type: ignore[arg-type]


def _temperature(text: str, table: Path, line: int) -> tuple[float | None, bool]:
    text = text.strip()
    if not text:
        return None, False
    found = _TEMPERATURE.fullmatch(text)
    value = number(found[1], table, line, "Temperature") if found else None
    if found is None or value is None or not 250.0 < value < 400.0:
        raise _RowError("a temperature that is none in K", text[:30])
    return value, bool(found[2])


IMPORTER = SkempiImporter()
