"""Folds and lists for training on mutation effects; the files in ``splits/`` were made with this.

    python recipes/properties/make_splits.py TABLES CORPUS skempi_v2.csv recipes/properties/splits

TABLES is the folder of ``build_tables.py``. All sequences are compared with all, locally: three minutes.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from unfreeze.corpus import Corpus
from unfreeze.errors import InputError
from unfreeze.properties.tables import EffectTables, load_tables
from unfreeze.properties.tables.folds import Folds, deal, key_of, linked
from unfreeze.properties.tables.interface_groups import (
    PEPTIDE,
    ComplexSequences,
    complex_sequences,
    homologous_interfaces,
    mutated_sites,
    shared_sites,
)
from unfreeze.properties.tables.local_alignment import alike_pairs

COMMAND = "python recipes/properties/make_splits.py TABLES CORPUS skempi_v2.csv recipes/properties/splits"
N_FOLDS = 5
IDENTITY, EXPECTED, LEAST_COLUMNS = 0.25, 1e-4, 30
TYPES = ("Pr/PI", "AB/AG", "TCR/pMHC")
TRAINING = ("S8754", "megascale_val", "M1261", "S4346")
TESTS = {"S669": ("S669",), "S571": ("S571",), "S669_S571": ("S669", "S571")}
ALIKE = (
    f"Two proteins are alike if their best local alignment (BLOSUM62, gaps 11 + 1) is {IDENTITY:.0%} identical or more "
    f"over {LEAST_COLUMNS} residues or more and is expected by chance at most {EXPECTED:g} times a pair; all pairs "
    "were aligned."
)


def main(arguments: list[str] | None = None) -> int:
    """Compare, deal, write, and tell what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, what in (("tables", "folder of build_tables.py"), ("corpus", "the tables were made of"),
                       ("skempi", "skempi_v2.csv"), ("out", "folder to write to")):  # fmt: skip
        parser.add_argument(name, type=Path, help=what)
    given = parser.parse_args(arguments)
    try:
        tables = load_tables(given.tables / "mutation_effects.jsonl")
        found = make(tables, Corpus.open(given.corpus), *hold_outs(given.skempi))
        given.out.mkdir(parents=True, exist_ok=True)
        for name, folds in found.items():
            folds.save(given.out / f"{name}.json")
            print(name, dict(folds.facts))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def make(
    tables: EffectTables, corpus: Corpus, partners: dict[str, set[str]], types: dict[str, set[str]]
) -> dict[str, Folds]:
    """All the folds.

    Parameters
    ----------
    tables, corpus
        Rows, and the structures of the complexes.
    partners
        PDB ids that SKEMPI holds out together with a PDB id.
    types
        PDB ids of its types.
    """
    complexes: dict[str, ComplexSequences] = {}
    sites = {}
    for row in (*tables.of("affinity"), *tables.absolute):
        key = key_of(row)
        if key not in complexes:
            molecule = corpus.entry(row.entry).complex
            complexes[key] = complex_sequences(molecule, row.partners or ("", ""))
            mutations = [one for other in tables.of("affinity") if key_of(other) == key for one in other.mutations]
            sites[key] = mutated_sites(molecule, mutations)
    proteins: dict[str, str] = {key_of(row): row.sequence for row in tables.mutations if row.sequence}
    chains = (letters for one in complexes.values() for letters in one.chains if letters.isupper())
    sequences = sorted({*proteins.values(), *chains})
    rows = alike_pairs(sequences, identity=IDENTITY, expected=EXPECTED, least_columns=LEAST_COLUMNS)
    near: dict[str, set[str]] = {letters: {letters} for letters in sequences}
    for a, b in rows.tolist():
        near[sequences[a]].add(sequences[b])
        near[sequences[b]].add(sequences[a])
    pairs = [(sequences[a], sequences[b]) for a, b in rows.tolist()]

    weights = Counter(key_of(row) for row in tables.mutations)
    by_pdb: dict[str, list[str]] = {}
    for key in complexes:
        by_pdb.setdefault(_pdb(key), []).append(key)
    same = [pair for keys in by_pdb.values() for pair in combinations(keys, 2)]
    held = [(a, b) for pdb, others in partners.items() for other in others
            for a in by_pdb.get(pdb, ()) for b in by_pdb.get(other, ())]  # fmt: skip
    by_interface = [*same, *held, *homologous_interfaces(complexes, pairs)]
    strict = [*by_interface, *shared_sites(sites)]
    together = (
        "Kept together: entries of one PDB id; complexes with homologous interfaces (both partners alike, chains that "
        f"touch; chains of less than {PEPTIDE} residues are all alike); complexes that SKEMPI 2 lists in each other's "
        "Hold_out_proteins by PDB id"
    )
    affinity = _folds(
        "affinity",
        f"{together}; complexes that share a mutation in the same nine residues of sequence. The lists are the types "
        "of SKEMPI 2 and what must go from training when one is held out. " + ALIKE,
        list(complexes), strict, weights,
    )  # fmt: skip
    interface = _folds(
        "affinity_by_interface",
        f"{together}. The same mutations of one inhibitor against unlike proteases are in several folds: affinity.json "
        "does not part them. " + ALIKE,
        list(complexes), by_interface, weights,
    )  # fmt: skip
    groups = dict(zip(complexes, linked(list(complexes), strict), strict=True))
    lists: dict[str, tuple[str, ...]] = {}
    for name, pdbs in types.items():
        members = [key for key in complexes if _pdb(key) in pdbs]
        touched = {groups[key] for key in members}
        lists[name] = tuple(members)
        lists[f"{name} alike"] = tuple(key for key in complexes if groups[key] in touched and key not in members)
    affinity = Folds(affinity.name, affinity.description, COMMAND, affinity.parts, affinity.facts, lists)
    by_complex = _folds(
        "affinity_by_complex",
        "Kept together: entries of one PDB id only, as in published complex-wise splits; homologues are in several "
        "folds. For comparison with others, not for choosing a model.",
        list(complexes), same, weights,
    )  # fmt: skip

    training = [key for key in proteins if key.partition(":")[0] in TRAINING]
    alike = [(a, b) for a, b in combinations(training, 2) if proteins[b] in near[proteins[a]]]
    stability = _folds(
        "stability", "Kept together: alike proteins (single linkage). " + ALIKE, training, alike, weights
    )
    found = {one.name: one for one in (affinity, interface, by_complex, stability)}
    for name, datasets in TESTS.items():
        found[f"test_{name}"] = _test(name, datasets, proteins, complexes, near, weights)
    found["joint"] = _joint(affinity, stability, proteins, complexes, near)
    return found


def hold_outs(path: Path) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """PDB ids to be held out with every PDB id, and PDB ids of every type, of ``skempi_v2.csv``."""
    partners: dict[str, set[str]] = {}
    types: dict[str, set[str]] = {name: set() for name in TYPES}
    try:
        with path.open(encoding="utf-8") as text:
            for row in csv.DictReader(text, delimiter=";"):
                pdb = row["#Pdb"][:4].upper()
                named = [one.strip() for one in row["Hold_out_proteins"].split(",")]
                partners.setdefault(pdb, set()).update(one[:4].upper() for one in named if one and one not in types)
                for one in named:
                    if one in types:
                        types[one].add(pdb)
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not the table of SKEMPI 2, with Hold_out_proteins ({error}).") from None
    return partners, types


def _pdb(key: str) -> str:
    return key.partition(":")[2][:4]


def _folds(
    name: str, description: str, keys: Sequence[str], pairs: Iterable[tuple[str, str]], weights: Counter[str]
) -> Folds:
    groups = linked(keys, pairs)
    sizes: Counter[int] = Counter()
    for key, group in zip(keys, groups, strict=True):
        sizes[group] += weights[key]
    part = deal(sizes, N_FOLDS)
    parts = {
        f"fold{n}": tuple(sorted(key for key, group in zip(keys, groups, strict=True) if part[group] == n))
        for n in range(N_FOLDS)
    }
    facts = {
        "groups": len(sizes),
        "rows of the largest groups": [n for _, n in sizes.most_common(5)],
        "rows": {one: sum(weights[key] for key in inside) for one, inside in parts.items()},
    }
    return Folds(name, description, COMMAND, parts, facts)


def _test(
    name: str,
    datasets: Sequence[str],
    proteins: dict[str, str],
    complexes: dict[str, ComplexSequences],
    near: dict[str, set[str]],
    weights: Counter[str],
) -> Folds:
    test = [key for key in proteins if key.partition(":")[0] in datasets]
    taken = {other for key in test for other in near[proteins[key]]}
    others = [key for key in proteins if key.partition(":")[0] in TRAINING]
    parts = {
        "test": tuple(sorted(test)),
        "alike": tuple(sorted(key for key in others if proteins[key] in taken)),
        "train": tuple(sorted(key for key in others if proteins[key] not in taken)),
    }
    facts = {
        f"{part}: {dataset}": {"proteins": len(keys), "rows": sum(weights[key] for key in keys)}
        for part, inside in parts.items()
        for dataset in (*datasets, *TRAINING)
        if (keys := [key for key in inside if key.partition(":")[0] == dataset])
    }
    chains = tuple(key for key, one in complexes.items() if taken & set(one.chains))
    return Folds(
        f"test_{name}",
        f"Training without every protein alike to one of {' and '.join(datasets)} (part alike); the list "
        "affinity_alike are complexes with a chain alike to one. " + ALIKE,
        COMMAND, parts, facts, {"affinity_alike": chains},
    )  # fmt: skip


def _joint(
    affinity: Folds,
    stability: Folds,
    proteins: dict[str, str],
    complexes: dict[str, ComplexSequences],
    near: dict[str, set[str]],
) -> Folds:
    lists: dict[str, tuple[str, ...]] = {}
    for fold, keys in affinity.parts.items():
        taken = {other for key in keys for one in complexes[key].chains for other in near.get(one, ())}
        alike = tuple(key for part in stability.parts.values() for key in part if proteins[key] in taken)
        lists[f"affinity {fold}"] = alike
    for fold, keys in stability.parts.items():
        taken = {other for key in keys for other in near[proteins[key]]}
        lists[f"stability {fold}"] = tuple(key for key, one in complexes.items() if taken & set(one.chains))
    return Folds(
        "joint",
        "What must go from joint training: proteins of stability and melting alike to a chain of the complexes of an "
        "affinity fold that is held out, and complexes with a chain alike to a protein of a stability fold. " + ALIKE,
        COMMAND, {}, {name: len(keys) for name, keys in lists.items()}, lists,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
