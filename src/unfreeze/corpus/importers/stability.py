"""Changes of folding stability on mutation (ΔΔG, ΔTm): label sets of sequences, and labels of structures by PDB id.

A folder of tables and, at any depth or in the folder given, structures ``1A43.pdb``. The sign of every table is
established from its numbers; a table whose sign cannot be told is refused. Mutations are found in a structure by
aligning the table's sequence with the chain's, and the residue found must be the wild type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from unfreeze.corpus.importers.shared.stability_rows import (
    Layout,
    StabilityRow,
    layout_of,
    merged_labels,
    read_pairs,
    read_rows,
)
from unfreeze.corpus.importers.shared.stability_sign import SignEvidence, SignRow, sign_of_table
from unfreeze.corpus.importing.source import Candidate
from unfreeze.corpus.label_import import LabelTable, LeftOut
from unfreeze.corpus.label_sets import LabelRow
from unfreeze.corpus.labels import Label
from unfreeze.corpus.mutations import AMINO_ACIDS, Mutation, differences
from unfreeze.corpus.schema import Source
from unfreeze.corpus.static.parts import whole_part
from unfreeze.corpus.static.structures import read_structure
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.similarity.sequences import align, chain_sequences

__all__ = ["IMPORTER", "StabilityImporter"]

_ENDINGS = (".csv", ".csv.xz", ".csv.gz")
_LEAST_IDENTITY = 0.9  # of the table's sequence and the chain's, for a position to be believed
_SSYM = "ssym"
_NO_VALUES = "no measured values in it: its columns are others' predictions"
_TELLS_SIGN = "; its direct and reverse mutations tell the sign of the other tables"
_SIGNS = {"negative": 1, "positive": -1}


@dataclass(frozen=True)
class _Table:
    path: Path
    name: str
    layout: Layout
    rows: tuple[StabilityRow, ...]
    faults: tuple[tuple[int, str], ...]
    evidence: SignEvidence

    @property
    def refusal(self) -> str | None:
        if self.layout == "pairs":
            return _NO_VALUES + (_TELLS_SIGN if _SSYM in self.name.lower() else "")
        if not self.evidence.sign:
            found = "; ".join(self.evidence.words) or "there are too few rows"
            return (
                f"whether negative numbers destabilise cannot be told ({found}). Say it with --set "
                "destabilising=negative or destabilising=positive."
            )
        return None

    @property
    def note(self) -> str:
        which = {1: "Negative numbers destabilise, as here", -1: "Positive numbers destabilise: signs were turned"}
        return f"{which.get(self.evidence.sign, 'Sign not established')} ({'; '.join(self.evidence.words)})."


class StabilityImporter:
    """Tables of ΔΔG and ΔTm."""

    name = "stability"
    summary = "changes of folding stability on mutation (S669, S8754, M1261, S4346, S571, mega-scale), with structures"
    licence = "MIT"
    citation = (
        "Xu, Liu & Gong 2023, GeoStab, doi:10.1101/2023.05.28.542668; Umerenkov et al. 2023, PROSTATA, Bioinformatics "
        "39, btad671; Tsuboyama et al. 2023, Nature 620, 434"
    )
    options: Mapping[str, str] = {
        "structures": "folder of the PDB files, where they are not beside the tables",
        "destabilising": "negative or positive: the sign of destabilising values, where the numbers do not tell",
        "licence": "of the labels; MIT by default",
    }

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """One candidate a structure; with a table that names it, its labels.

        Raises
        ------
        InputError
            If there are no tables.
        """
        tables = _tables(Path(source), options)
        folder = Path(options.get("structures", source)).expanduser()
        folder = folder.parent if folder.is_file() else folder
        structures = {path.stem.upper(): path for path in sorted(folder.rglob("*.pdb")) if len(path.stem) == 4}
        by_entry: dict[str, list[tuple[_Table, StabilityRow]]] = {}
        for table in tables:
            for row in table.rows if table.refusal is None else ():
                if row.is_pdb and not row.is_reverse:
                    by_entry.setdefault(row.entry, []).append((table, row))
        for entry in sorted(by_entry.keys() | structures.keys()):
            yield self._candidate(entry, by_entry.get(entry, []), structures.get(entry), options)

    def label_tables(self, source: Path, options: Mapping[str, str]) -> Iterator[LabelTable]:
        """One label set a table, of sequences.

        Raises
        ------
        InputError
            If there are no tables.
        """
        licence = options.get("licence", self.licence)
        for table in _tables(Path(source), options):
            yield LabelTable(
                name=f"stability-{table.name}",
                dataset=f"stability-{table.name}",
                paths=(table.path,),
                rows=lambda left_out, table=table: _label_rows(table, left_out, licence),
                licence=licence,
                citation=self.citation,
                notes=(table.note,),
                refusal=table.refusal,
            )

    def _candidate(
        self,
        entry: str,
        rows: list[tuple[_Table, StabilityRow]],
        path: Path | None,
        options: Mapping[str, str],
    ) -> Candidate:
        identifier = f"stability-{entry}"
        if path is None:
            names = ", ".join(dict.fromkeys(table.name for table, _ in rows))
            return Candidate(identifier, refusal=f"there is no {entry}.pdb for {len(rows)} rows of {names}")
        try:
            structure = read_structure(path)
        except InputError as error:
            return Candidate(identifier, refusal=str(error))
        places = _Places(structure.complex)
        left_out = LeftOut()
        located: dict[tuple[str, int, str], list[tuple[StabilityRow, tuple[str, ...]]]] = {}
        for table, row in rows:
            chain, mutations, fault = places.find(row)
            if fault:
                left_out.add(fault, f"{table.name} line {row.line}, {row.chain or '-'}:{row.written}")
            else:
                located.setdefault((table.name, table.evidence.sign, chain), []).append((row, mutations))
        labels: list[Label] = []
        b_factors = structure.b_factors(f"pdb:{entry}", "CC0-1.0")
        if b_factors:
            labels.append(b_factors)
        licence = options.get("licence", self.licence)
        for (name, sign, chain), known in located.items():
            labels += merged_labels(known, source=f"stability-{name}", licence=licence, sign=sign, chain=chain)
        source = Source(
            dataset="stability", identifier=entry, licence="CC0-1.0", url=f"https://www.rcsb.org/structure/{entry}"
        )
        name = "deposited" if structure.n_models == 1 else "models"
        return Candidate(
            identifier,
            (whole_part(name, path, source),),
            labels=tuple(labels),
            notes=left_out.sentences("rows of stability"),
            title=structure.complex.source.title,
        )


class _Places:
    """Where the positions of sequences are in a structure."""

    def __init__(self, molecule: Complex) -> None:
        self._molecule = molecule
        self._chains = {chain.chain: chain for chain in chain_sequences(molecule)}
        self._aligned: dict[tuple[str, str], tuple[float, dict[int, int]]] = {}

    def find(self, row: StabilityRow) -> tuple[str, tuple[str, ...], str]:
        """Chain, mutations in author numbering with the chain, and what is wrong (empty for nothing)."""
        if row.chain and row.chain not in self._chains:
            return "", (), "the structure has no such chain"
        try:
            changed = differences(row.wild_type, row.mutant)
        except InputError:
            return "", (), "insertions or deletions"
        if not changed:
            return "", (), "the mutant is the wild type"
        best, best_identity = "", 0.0
        for chain in [row.chain] if row.chain else list(self._chains):
            identity, _ = self._align(row.wild_type, chain)
            if identity > best_identity:
                best, best_identity = chain, identity
        if best_identity < _LEAST_IDENTITY:
            return "", (), "the chain has another sequence"
        _, places = self._align(row.wild_type, best)
        molecule, chain = self._molecule, self._chains[best]
        found = []
        for one in changed:
            place = places.get(one.number - 1)
            if place is None:
                return "", (), "the mutated residue has no coordinates"
            if chain.letters[place] != one.wild_type:
                return "", (), "the structure has another residue"
            residue = int(chain.residues[place])
            code = str(molecule.residue_insertion_code[residue])
            number = int(molecule.residue_number[residue])
            found.append(str(Mutation(best, number, code, one.wild_type, one.mutant)))
        if any(letter not in AMINO_ACIDS for one in changed for letter in (one.wild_type, one.mutant)):
            return "", (), "a letter that is no amino acid"
        return best, tuple(found), ""

    def _align(self, sequence: str, chain: str) -> tuple[float, dict[int, int]]:
        """Identity over what stands opposite each other, and the place in the chain of every place in the sequence."""
        if (sequence, chain) not in self._aligned:
            letters = self._chains[chain].letters
            found = align(sequence, letters)
            pairs = dict(zip(found.first.tolist(), found.second.tolist(), strict=True))
            same = sum(sequence[a] == letters[b] for a, b in pairs.items())
            self._aligned[sequence, chain] = same / max(len(pairs), 1), pairs
        return self._aligned[sequence, chain]


def _label_rows(table: _Table, left_out: LeftOut, licence: str) -> Iterator[LabelRow]:
    """One row a wild-type sequence, with all its mutants."""
    for line, reason in table.faults:
        left_out.add(reason, f"line {line}")
    groups: dict[str, list[tuple[StabilityRow, tuple[str, ...]]]] = {}
    for row in table.rows:
        if row.is_reverse:
            left_out.add("the reverse of another row, not measured", f"line {row.line}")
            continue
        try:
            changed = differences(row.wild_type, row.mutant)
        except InputError:
            left_out.add("insertions or deletions", f"line {row.line}")
            continue
        letters = {letter for one in changed for letter in (one.wild_type, one.mutant)}
        if not changed or not letters <= set(AMINO_ACIDS) or not (row.wild_type.isascii() and row.wild_type.isalpha()):
            left_out.add("no mutation between its sequences, or letters that are no amino acids", f"line {row.line}")
            continue
        groups.setdefault(row.wild_type, []).append((row, tuple(map(str, changed))))
    used: dict[str, int] = {}
    for sequence, rows in groups.items():
        first = rows[0][0]
        name = "_".join(filter(None, (first.entry, first.chain)))
        used[name] = used.get(name, 0) + 1
        name = name if used[name] == 1 else f"{name}-{used[name]}"
        labels = merged_labels(rows, source=f"stability-{table.name}", licence=licence, sign=table.evidence.sign)
        yield LabelRow(identifier=name, sequence=sequence, labels=tuple(labels))


def _tables(source: Path, options: Mapping[str, str]) -> tuple[_Table, ...]:
    inside = [source] if source.is_file() else sorted(source.glob("*"))
    files = [path for path in inside if path.name.endswith(_ENDINGS) and path.is_file()]
    given = options.get("destabilising", "")
    if given and given not in _SIGNS:
        raise InputError(f"--set destabilising={given}: negative or positive was expected.")
    stamps = tuple((path, path.stat().st_mtime_ns) for path in files)
    return _read_tables(source, stamps, given)


@lru_cache(maxsize=2)
def _read_tables(source: Path, stamps: tuple[tuple[Path, int], ...], given: str) -> tuple[_Table, ...]:
    found_layouts: dict[Path, Layout] = {path: layout_of(path) for path, _ in stamps}
    layouts: dict[Path, Layout] = {path: layout for path, layout in found_layouts.items() if layout}
    if not layouts:
        raise InputError(
            f"{source}: no table of stability changes; columns name, wt_seq, mut_seq and ddG or dTm were expected, or "
            "wt_seq, mut_seq, ddg and pdb_id."
        )
    direct: set[str] = set()
    reverse: set[str] = set()
    for path in (path for path, layout in layouts.items() if layout == "pairs" and _SSYM in path.name.lower()):
        found = read_pairs(path)
        direct |= found[0]
        reverse |= found[1]
    return tuple(_read_table(path, layout, direct, reverse, given) for path, layout in layouts.items())


def _read_table(path: Path, layout: Layout, direct: set[str], reverse: set[str], given: str) -> _Table:
    read = list(read_rows(path, layout))
    rows = tuple(item for item in read if isinstance(item, StabilityRow))
    faults = tuple(item for item in read if not isinstance(item, StabilityRow))
    signs = [SignRow(row.key, (row.wild_type, row.mutant), row.value, row.is_reverse) for row in rows]
    evidence = sign_of_table(signs, direct, reverse)
    if given and not evidence.sign:
        sign = 1 if _SIGNS[given] == 1 else -1
        evidence = SignEvidence(sign, (*evidence.words, f"{given} destabilises: said by the user"))
    elif given and evidence.sign != _SIGNS[given]:
        words = (*evidence.words, f"but the user said that {given} destabilises")
        evidence = SignEvidence(0, words)
    return _Table(path, path.name.partition(".")[0], layout, rows, faults, evidence)


IMPORTER = StabilityImporter()
