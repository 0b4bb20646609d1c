"""Build the training corpus: structures with B-factors, trajectories, and a split into folds that do not leak.

Sources are local folders (SKEMPI 2.0, Docking Benchmark 5.5, structures with measured stabilities, any folder of
structure files), PDB entries fetched by id, one's own trajectories, and the trajectories in ``corpora/seed``. Killed
and given again, it goes on. Training is not done here.

    python recipes/data/build_corpus.py CORPUS --ids recipes/data/pdb_ids.txt --trajectories corpora/seed
    python recipes/data/build_corpus.py CORPUS --skempi FOLDER --docking FOLDER --stability FOLDER --md FOLDER ...
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus import Corpus, run_import
from unfreeze.corpus.importers.registry import check_options, importer
from unfreeze.corpus.importing.metadata import FILE_NAME
from unfreeze.corpus.label_import import LabelImporter, import_labels
from unfreeze.corpus.split import Split, make_split, split_names
from unfreeze.corpus.store import EntrySummary
from unfreeze.errors import InputError
from unfreeze.files.atomic import write_atomically
from unfreeze.structure.fetch import fetch_structure

__all__ = ["fetch_all", "import_set", "main", "make_folds", "prepare_trajectories", "separate_chains"]

_FAR_CN_NM, _FAR_CA_NM = 0.2, 0.45
_CHAIN_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ATOMS = ("ATOM  ", "HETATM")
_AT_ONCE = 4
_GIVE_UP_AFTER = 5  # entries in a row that cannot be fetched: then it is the connection
_MOST_SHOWN = 10


class _Residue(NamedTuple):
    """A residue of a PDB file: the line of its first atom, and its atoms' places in nm."""

    chain: str
    number: int
    line: int
    atoms: dict[str, NDArray[np.float64]]


def import_set(corpus: Corpus, name: str, source: Path, options: Mapping[str, str]) -> list[str]:
    """Import a source into the corpus, and say what came of it.

    Parameters
    ----------
    corpus
        Where to.
    name
        Of the importer, as in ``unfreeze corpus sets``.
    source
        Its folder.
    options
        As ``--set`` of ``unfreeze corpus import`` has them.

    Returns
    -------
    list of str
        Names of the entries that the source has in the corpus, taken now or before.
    """
    chosen = importer(name)
    check_options(chosen, options, source)
    if isinstance(chosen, LabelImporter):
        labels = import_labels(corpus, chosen, source, options)
        print(f"{name}: {len(labels.taken)} label sets taken, {len(labels.skipped)} were there")
    report = run_import(corpus, chosen.candidates(source, options), importer=name)
    print(f"{name}: {report.sentence()}", flush=True)
    for number, (entry, reason) in enumerate(report.reasons(_MOST_SHOWN)):
        print(f"  refused {entry}: {reason}")
        if number == _MOST_SHOWN - 1:
            print(f"  all reasons are in {corpus.path / report.path}")
    return list(dict.fromkeys(one.entry for one in report.results if one.status != "refused"))


def fetch_all(identifiers: Sequence[str], folder: Path) -> Path:
    """Fetch PDB entries that are not there yet; entries that cannot be had are told and left out.

    Parameters
    ----------
    identifiers
        PDB ids.
    folder
        Where downloads are kept.

    Returns
    -------
    Path
        The folder of the files.

    Raises
    ------
    InputError
        If the first few all fail.
    """

    def fetch(identifier: str) -> str:
        try:
            fetch_structure(identifier, cache_directory=folder)
        except InputError as error:
            return str(error)
        return ""

    faults: dict[str, str] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for number, fault in enumerate(pool.map(fetch, identifiers), start=1):
            if fault:
                faults[identifiers[number - 1]] = fault
            if len(faults) == number == _GIVE_UP_AFTER:
                pool.shutdown(cancel_futures=True)
                raise InputError(f"the first {number} PDB entries could not be fetched; the last: {fault}")
    print(f"fetched: {len(identifiers) - len(faults):,} of {len(identifiers):,} PDB entries are in {folder}")
    for identifier, fault in faults.items():
        print(f"  without {identifier}: {fault}")
    return folder / "structures"


def separate_chains(text: str) -> tuple[str, int]:
    """Give the chains of a PDB file names of their own where several were written as one.

    A new chain begins where neither a peptide bond nor a step from Cα to Cα is possible and the number of the residue
    falls. A gap in rising numbers is a loop that was not modelled, and stays within its chain.

    Parameters
    ----------
    text
        A PDB file of one model.

    Returns
    -------
    text : str
        The same atoms in the same order.
    n_breaks : int
        Chains that were begun anew; 0 if the text is as it was.
    """
    lines = text.splitlines()
    residues = _residues(lines)
    begins = {
        after.line
        for before, after in pairwise(residues)
        if before.chain == after.chain
        and after.number <= before.number
        and _far(before.atoms.get("C"), after.atoms.get("N"), _FAR_CN_NM)
        and _far(before.atoms.get("CA"), after.atoms.get("CA"), _FAR_CA_NM)
    }
    if not begins:
        return text, 0
    taken = {residue.chain for residue in residues}
    free = (letter for letter in _CHAIN_LETTERS if letter not in taken)
    now = {chain: chain if chain.strip() else next(free) for chain in sorted(taken)}
    made: list[str] = []
    for place, line in enumerate(lines):
        if line.startswith(_ATOMS):
            if place in begins:
                made.append("TER")
                now[line[21]] = next(free)
            made.append(line[:21] + now[line[21]] + line[22:])
        elif not line.startswith("CONECT"):
            made.append("TER" if line.startswith("TER") else line)
    return "\n".join(made) + "\n", len(begins)


def prepare_trajectories(source: Path, folder: Path, facts: Path | None) -> Path:
    """Copy a folder of trajectories, with chains separated and ``metadata.yaml`` beside them.

    Parameters
    ----------
    source
        Topologies and trajectories.
    folder
        Where the copy goes; what is there and the same is left.
    facts
        What the files do not say; None for the ``metadata.yaml`` of `source`.

    Returns
    -------
    Path
        The folder of the copy.

    Raises
    ------
    InputError
        If nothing says the conditions.
    """
    facts = facts or source / FILE_NAME
    if not facts.is_file():
        raise InputError(f"{facts}: no such file. Write force field and temperature into it, or give --md-facts FILE.")
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(path for path in source.iterdir() if path.is_file() and path.name != FILE_NAME):
        target = folder / path.name
        if path.suffix.lower() == ".pdb":
            text, n_breaks = separate_chains(path.read_text(encoding="utf-8"))
            if n_breaks:
                print(f"{path.name}: {n_breaks + 1} chains had been written as one")
            if not target.is_file() or target.read_text(encoding="utf-8") != text:
                write_atomically(target, text)
        elif not target.is_file() or target.stat().st_size != path.stat().st_size:
            shutil.copyfile(path, target)
    write_atomically(folder / FILE_NAME, facts.read_text(encoding="utf-8"))
    return folder


def make_folds(corpus: Corpus, spread: Iterable[str], *, n_folds: int, identity: float, seed: int, name: str) -> Split:
    """Split a corpus into folds by clusters of sequences, with some entries spread evenly over the folds.

    Parameters
    ----------
    corpus
        What to split.
    spread
        Entries to be held out in turn. Groups of alike entries that have some are dealt to the folds from the largest
        to the smallest and back, so that every fold gets its share of them.
    n_folds
        Parts, called ``fold0`` and so on.
    identity
        Sequences are alike from this identity.
    seed
        Of the draws for all other groups.
    name
        Of the split.

    Returns
    -------
    Split
        Not yet kept with the corpus.
    """
    folds = [f"fold{number}" for number in range(n_folds)]
    shares = dict.fromkeys(folds, 1.0 / n_folds)
    found = make_split(corpus, fractions=shares, identity=identity, seed=seed, name=name)
    members: dict[int, list[str]] = defaultdict(list)
    for entry in sorted(spread):
        members[found.groups[entry]].append(entry)
    if not members:
        return found
    size = Counter(found.groups.values())
    fixed: dict[str, list[str]] = {fold: [] for fold in folds}
    there_and_back = [*folds, *reversed(folds)]
    for number, group in enumerate(sorted(members, key=lambda group: (-size[group], members[group]))):
        fixed[there_and_back[number % len(there_and_back)]] += members[group]
    return make_split(corpus, fractions=shares, identity=identity, seed=seed, fixed=fixed, name=name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the corpus that the command line asks for."""
    chosen = _parser().parse_args(arguments)
    try:
        _build(chosen)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _build(chosen: argparse.Namespace) -> None:
    place: Path = chosen.corpus
    work: Path = chosen.work or place.with_name(f"{place.name}-work")
    corpus = Corpus.open(place) if (place / "corpus.json").is_file() else Corpus.create(place)
    for name, folders, option in (
        ("skempi", chosen.skempi, "structures"),
        ("docking55", chosen.docking, "table"),
        ("stability", chosen.stability, "structures"),
    ):
        if folders:
            if len(folders) > 2:
                raise InputError(f"{name}: one folder or two were expected, not {len(folders)}.")
            options = {option: str(folders[1])} if len(folders) > 1 else {}
            if name == "docking55":
                options["partners"] = "unbound"  # in all their atoms, with B-factors of their own
            import_set(corpus, name, folders[0], options)
    plain = {"gather": "no", "licence": chosen.licence}
    for folder in chosen.structures:
        import_set(corpus, "static", folder, {**plain, "dataset": folder.name})
    if chosen.ids:
        lines = chosen.ids.read_text(encoding="utf-8").splitlines()
        wanted = list(dict.fromkeys(line.strip() for line in lines if line.strip() and not line.startswith("#")))
        fetched = fetch_all(wanted, work)
        import_set(corpus, "static", fetched, {**plain, "licence": "CC0-1.0", "dataset": "pdb"})
    for folder in chosen.trajectories:
        import_set(corpus, "generic", folder, {})
    spread: list[str] = []
    for folder in chosen.md:
        spread += import_set(corpus, "generic", prepare_trajectories(folder, work / folder.name, chosen.md_facts), {})
    corpus.refresh()
    if chosen.replace or chosen.split not in split_names(corpus):
        split = make_folds(
            corpus, spread, n_folds=chosen.folds, identity=chosen.identity, seed=chosen.seed, name=chosen.split
        )
        split.save(corpus, overwrite=True)
    else:
        split = Split.load(corpus, chosen.split)
        if split.unassigned:
            print(f"{len(split.unassigned):,} entries came later than the split {split.name}: give --replace")
    _tell(corpus, split, spread)


def _tell(corpus: Corpus, split: Split, spread: Sequence[str]) -> None:
    """Print what every part has."""
    print(split.assertion())
    for note in split.notes:
        print(f"  {note}")
    for part in split.parts:
        names = split.entries_of(part)
        kinds = Counter(_kind(corpus.summary(name)) for name in names)
        said = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items()))
        print(f"{part}: {len(names):,} entries: {said}")
        held = [name for name in names if name in set(spread)]
        if held:
            print(f"  {' '.join(held)}")


def _kind(summary: EntrySummary) -> str:
    first = summary.trajectories[0]
    if first.conditions.kind == "md":
        return f"md of {first.dataset}"
    return "structures" if first.n_frames == 1 else "sets of models"


def _residues(lines: Sequence[str]) -> list[_Residue]:
    found: list[_Residue] = []
    last = ""
    for place, line in enumerate(lines):
        if not line.startswith(_ATOMS):
            continue
        if line[17:27] != last:
            last = line[17:27]
            found.append(_Residue(line[21], int(line[22:26]), place, {}))
        point = np.array([float(line[at : at + 8]) for at in (30, 38, 46)]) / 10.0
        found[-1].atoms.setdefault(line[12:16].strip(), point)
    return found


def _far(one: NDArray[np.float64] | None, other: NDArray[np.float64] | None, least_nm: float) -> bool:
    return one is not None and other is not None and float(np.linalg.norm(one - other)) > least_nm


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("corpus", type=Path, help="folder of the corpus; made where there is none")
    sets = parser.add_argument_group("sources")
    sets.add_argument(
        "--skempi", type=Path, nargs="+", metavar="FOLDER", help="SKEMPI 2.0's table, and its structures if elsewhere"
    )
    sets.add_argument(
        "--docking", type=Path, nargs="+", metavar="FOLDER", help="Docking Benchmark 5.5, and its table if elsewhere"
    )
    sets.add_argument(
        "--stability", type=Path, nargs="+", metavar="FOLDER", help="tables of stabilities, and structures if elsewhere"
    )
    sets.add_argument(
        "--structures", type=Path, action="append", default=[], metavar="FOLDER", help="any PDB and mmCIF files"
    )
    sets.add_argument("--licence", default="unknown", help="of the coordinates of --structures")
    sets.add_argument("--ids", type=Path, metavar="FILE", help="PDB ids to fetch, one a line")
    sets.add_argument(
        "--trajectories", type=Path, action="append", default=[], metavar="FOLDER",
        help="trajectories that go wherever alike entries do, such as corpora/seed",
    )  # fmt: skip
    sets.add_argument(
        "--md",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="trajectories to spread over the folds",
    )
    sets.add_argument("--md-facts", type=Path, metavar="FILE", help="metadata.yaml for --md, if not in its folder")
    sets.add_argument("--work", type=Path, metavar="FOLDER", help="for downloads and copies; CORPUS-work by default")
    split = parser.add_argument_group("split")
    split.add_argument("--split", default="folds", metavar="NAME", help="its name")
    split.add_argument("--folds", type=int, default=5, metavar="N", help="how many")
    split.add_argument("--identity", type=float, default=0.3, metavar="X", help="from which sequences are alike")
    split.add_argument("--seed", type=int, default=0, help="another seed, another split")
    split.add_argument("--replace", action="store_true", help="make the split anew")
    return parser


if __name__ == "__main__":
    sys.exit(main())
