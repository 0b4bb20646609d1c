"""Static structures: PDB and mmCIF files as entries, NMR models as frames, and several files of one sequence as states.

Anyone's files, deposited or predicted. What the B-factors are worth is said in a label. Files of one sequence with
nearly the same atoms become one entry with a part a file, in the atoms that all of them have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from unfreeze.corpus.importing.source import Candidate
from unfreeze.corpus.schema import Source
from unfreeze.corpus.static.gather import Group, gather_states
from unfreeze.corpus.static.parts import state_parts, whole_part
from unfreeze.corpus.static.structures import read_structure
from unfreeze.errors import InputError
from unfreeze.trajectories.folders import natural_key

__all__ = ["IMPORTER", "StaticImporter"]

_ENDINGS = tuple(end + zipped for end in (".pdb", ".ent", ".cif", ".mmcif") for zipped in ("", ".gz"))
_YES_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True)
class _Settings:
    dataset: str
    licence: str
    keep_hydrogens: bool
    gather: bool


class StaticImporter:
    """PDB and mmCIF files."""

    name = "static"
    summary = (
        "PDB and mmCIF files: X-ray and cryo-EM structures with B-factors, NMR models, several states of one sequence"
    )
    licence = "unknown"
    citation = ""
    options: Mapping[str, str] = {
        "gather": "yes (default) or no: put files of one sequence into one entry, a part each",
        "dataset": "name of the set, static by default",
        "licence": "of the coordinates; CC0-1.0 for entries of the PDB",
        "atoms": "heavy (default) or all",
    }

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """One candidate a file, or a group of files of one sequence.

        Raises
        ------
        InputError
            If there is no structure file.
        """
        settings = _Settings(
            options.get("dataset", "static"),
            options.get("licence", self.licence),
            _choice(options, "atoms", "heavy", {"heavy": False, "all": True}),
            _choice(options, "gather", "yes", _YES_NO),
        )
        paths = _structure_files(Path(source))
        names = _names(paths)
        if not settings.gather:
            for path in paths:
                yield self._single(path, names[path], settings)
            return
        for group in gather_states(paths, keep_hydrogens=settings.keep_hydrogens):
            if group.fault:
                yield Candidate(names[group.paths[0]], refusal=group.fault)
            elif len(group.paths) == 1:
                yield self._single(group.paths[0], names[group.paths[0]], settings)
            else:
                yield self._states(group, names, settings)

    def _single(self, path: Path, name: str, settings: _Settings) -> Candidate:
        try:
            structure = read_structure(path, keep_hydrogens=settings.keep_hydrogens)
        except InputError as error:
            return Candidate(name, refusal=str(error))
        label = structure.b_factors(f"{settings.dataset}:{path.name}", settings.licence)
        name_of_part = "deposited" if structure.n_models == 1 else "models"
        part = whole_part(name_of_part, path, _source(path, settings), keep_hydrogens=settings.keep_hydrogens)
        title = structure.complex.source.title
        return Candidate(name, (part,), labels=(label,) if label else (), title=title)

    def _states(self, group: Group, names: Mapping[Path, str], settings: _Settings) -> Candidate:
        first = group.paths[0]
        parts = state_parts(
            {names[path]: path for path in group.paths},
            {names[path]: _source(path, settings) for path in group.paths},
            keep_hydrogens=settings.keep_hydrogens,
        )
        structure = read_structure(first, keep_hydrogens=settings.keep_hydrogens)
        label = structure.b_factors(f"{settings.dataset}:{first.name}", settings.licence)
        notes = (
            f"{len(group.paths)} files of one sequence, in the polymer atoms that all have; "
            f"names, numbers and B-factors are those of {first.name}.",
        )
        title = structure.complex.source.title
        return Candidate(names[first], parts, labels=(label,) if label else (), notes=notes, title=title)


def _source(path: Path, settings: _Settings) -> Source:
    return Source(dataset=settings.dataset, identifier=_stem(path), licence=settings.licence)


def _structure_files(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise InputError(f"{source}: no such file or folder.")
    found = [path for path in source.rglob("*") if path.name.lower().endswith(_ENDINGS) and path.is_file()]
    found = sorted((path for path in found if not path.name.startswith(".")), key=natural_key)
    if not found:
        raise InputError(
            f"{source}: no structure files in it; names ending in {', '.join(_ENDINGS[::2])} were expected."
        )
    return found


def _stem(path: Path) -> str:
    name = path.name.removesuffix(".gz").removesuffix(".GZ")
    return name.rpartition(".")[0] or name


def _names(paths: list[Path]) -> dict[Path, str]:
    """A name a file: its stem, after the folder's where two files have one."""
    stems = {path: _stem(path) for path in paths}
    counts = Counter(stems.values())
    return {path: f"{path.parent.name}-{stem}" if counts[stem] > 1 else stem for path, stem in stems.items()}


def _choice(options: Mapping[str, str], name: str, default: str, values: Mapping[str, bool]) -> bool:
    text = options.get(name, default).lower()
    if text not in values:
        raise InputError(f"--set {name}={text}: one of {', '.join(values)} was expected.")
    return values[text]


IMPORTER = StaticImporter()
