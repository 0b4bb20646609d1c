"""What chains do: Enzyme Commission numbers of PDB chains (nrPDB-EC), as a label set.

The layout is that of the DeepFRI repository: ``*_annot.tsv`` has the list of all numbers, then a chain a line;
``*_sequences.fasta`` the sequences, and ``*_test.csv`` the chains of the test part with the identity to the training
part that each stays below. Chains without a sequence are left out. There are no coordinates in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from unfreeze.corpus.importing.source import Candidate
from unfreeze.corpus.label_import import LabelTable, LeftOut
from unfreeze.corpus.label_sets import LabelRow
from unfreeze.corpus.labels import FunctionLabel
from unfreeze.corpus.tables import open_text, read_fasta, read_table
from unfreeze.errors import InputError

__all__ = ["IMPORTER", "FunctionImporter"]

_CHAIN = re.compile(r"[0-9A-Za-z]{4}-[0-9A-Za-z]{1,4}")
_SEQUENCE = re.compile(r"[A-Z]{1,100000}")
_MOST_LINE = 2**20


class FunctionImporter:
    """Labels of enzymatic function."""

    name = "function"
    summary = "Enzyme Commission numbers of PDB chains (nrPDB-EC), a label set without coordinates"
    licence = "BSD-3-Clause"
    citation = "Gligorijević et al. 2021, Nat. Commun. 12, 3168, doi:10.1038/s41467-021-23303-9"
    options: Mapping[str, str] = {"set": "name of the label set, nrpdb-ec by default"}

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """None: there are no coordinates."""
        return iter(())

    def label_tables(self, source: Path, options: Mapping[str, str]) -> Iterator[LabelTable]:
        """The annotation of a folder, with all its sequence files.

        Raises
        ------
        InputError
            If there is no annotation or no sequences.
        """
        source = Path(source)
        folder = source.parent if source.is_file() else source
        annotations = [source] if source.is_file() else _find(folder, r"_annot\.tsv")
        sequences = _find(folder, r"_sequences?\.fasta")
        if len(annotations) != 1 or not sequences:
            raise InputError(
                f"{source}: one file *_annot.tsv (found {len(annotations)}) and files *_sequences.fasta (found "
                f"{len(sequences)}) were expected, plain or as .gz or .xz."
            )
        parts = [path for name in ("train", "valid", "test") for path in _find(folder, rf"_{name}\.(csv|txt)")]
        yield LabelTable(
            name=options.get("set", "nrpdb-ec"),
            dataset="nrpdb-ec",
            paths=(annotations[0], *sequences, *parts),
            rows=lambda left_out: self._rows(annotations[0], sequences, parts, left_out),
            licence=self.licence,
            citation=self.citation,
            url="https://github.com/flatironinstitute/DeepFRI",
        )

    def _rows(
        self, annotation: Path, sequences: list[Path], parts: list[Path], left_out: LeftOut
    ) -> Iterator[LabelRow]:  # fmt: skip
        part_of = {chain: (name, note) for path in parts for name, chain, note in _chains_of_part(path)}
        known = _annotation(annotation, left_out)
        given: set[str] = set()
        for path in sequences:
            for header, letters in read_fasta(path):
                chain = header.split()[0] if header.split() else ""
                letters = letters.upper()
                if chain in given:
                    left_out.add("a chain that was there before", chain)
                elif not _SEQUENCE.fullmatch(letters):
                    left_out.add("a sequence with other signs than letters", chain)
                elif chain not in known:
                    left_out.add("a sequence without a number in the annotation", chain)
                else:
                    given.add(chain)
                    part, note = part_of.get(chain, ("", ""))
                    try:
                        label = FunctionLabel(
                            source=f"nrpdb-ec:{chain}",
                            licence=self.licence,
                            chain=chain.partition("-")[2],
                            ec_numbers=known[chain],
                            partition=part,
                            note=note,
                        )
                    except ValidationError:
                        left_out.add("not an Enzyme Commission number", f"{chain} {','.join(known[chain])[:60]}")
                        continue
                    yield LabelRow(identifier=chain, sequence=letters, labels=(label,))
        for chain in sorted(known.keys() - given):
            left_out.add("a chain of the annotation without a sequence", chain)


def _annotation(path: Path, left_out: LeftOut) -> dict[str, tuple[str, ...]]:
    """Numbers of every chain."""
    known: dict[str, tuple[str, ...]] = {}
    inside = False
    with open_text(path) as text:
        for line in iter(lambda: text.readline(_MOST_LINE), ""):
            if line.startswith("###"):
                inside = "PDB-chain" in line
                continue
            fields = line.rstrip("\r\n").split("\t")
            if not inside or not line.strip():
                continue
            if len(fields) < 2 or not _CHAIN.fullmatch(fields[0]) or not fields[1].strip():
                left_out.add("a line of the annotation that is no chain with numbers", line[:40].strip())
                continue
            known[fields[0]] = tuple(dict.fromkeys(item.strip() for item in fields[1].split(",") if item.strip()))
    if not known:
        raise InputError(f"{path}: no line '### PDB-chain...' with chains after it; not an annotation of nrPDB.")
    return known


def _chains_of_part(path: Path) -> Iterator[tuple[str, str, str]]:
    """Name of the part, each of its chains, and the identity to the training part that it stays below."""
    name = re.sub(r"\.(csv|txt)(\.gz|\.xz)?$", "", path.name).rpartition("_")[2]
    if ".csv" in path.name:
        for _, row in read_table(path, columns=("PDB-chain",)):
            below = next((bin for bin, holds in row.items() if bin.startswith("<") and holds.strip() == "1"), "")
            note = f"identity to the training part {below}" if below else ""
            yield name, row["PDB-chain"].strip(), note
        return
    with open_text(path) as text:
        for line in iter(lambda: text.readline(_MOST_LINE), ""):
            yield name, line.strip(), ""


def _find(folder: Path, ending: str) -> list[Path]:
    pattern = re.compile(ending + r"(\.gz|\.xz)?", re.IGNORECASE)
    return sorted(path for path in folder.rglob("*") if path.is_file() and re.search(pattern.pattern + "$", path.name))


IMPORTER = FunctionImporter()
