"""`export`: a corpus, or some of its entries, into a folder that other programs can read, whole or not at all.

Everything is made in a folder beside the destination, entry by entry, and renamed at the end; a second call of the same
export goes on after the last whole entry. What names others may see is for :mod:`unfreeze.corpus.privacy`, the formats
have modules of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock
from filelock import Timeout as LockTimeout

from unfreeze.corpus.export.formats import EntryJob
from unfreeze.corpus.licences import LicenceReport, report_licences
from unfreeze.corpus.privacy import PublicView
from unfreeze.corpus.store import Corpus, Entry
from unfreeze.errors import InputError
from unfreeze.files.atomic import sync_directory, write_atomically, write_json
from unfreeze.files.download import checksum

__all__ = ["FORMATS", "ExportProgress", "ExportReport", "export"]

FORMATS: dict[str, str] = {
    "xtc": "folders with a PDB or mmCIF topology, XTC trajectories, and records in JSON and YAML",
    "mdcath": "HDF5 files in the layout of mdCATH (proteins, known temperatures)",
    "zarr": "zarr groups",
}
"""Names of the formats, and what they are."""

Format = Literal["xtc", "mdcath", "zarr"]


@dataclass(frozen=True)
class ExportProgress:
    """How far an export has come."""

    n_entries: int
    n_entries_total: int
    last: str


@dataclass
class ExportReport:
    """What was exported.

    Attributes
    ----------
    destination
        The folder.
    entries
        Names as in the export.
    left_out
        Names of entries that the format cannot hold, with the reason.
    n_frames, n_bytes
        Of all.
    licences
        What may be done with the data.
    """

    destination: Path
    entries: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    n_frames: int = 0
    n_bytes: int = 0
    licences: LicenceReport = field(default_factory=lambda: report_licences(()))


def export(
    corpus: Corpus,
    destination: str | os.PathLike[str],
    *,
    format: Format = "xtc",
    entries: Sequence[str] | None = None,
    split: Mapping[str, Sequence[str]] | None = None,
    stride: int = 1,
    on_progress: Callable[[ExportProgress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> ExportReport:
    """Write a corpus for other programs.

    Parameters
    ----------
    corpus
        What to write. A private one is named by its alias only.
    destination
        A folder that is not there yet, or is empty.
    format
        One of :data:`FORMATS`.
    entries
        Identifiers of entries, as the corpus itself has them; all by default.
    split
        Parts by name, each a list of identifiers: every part becomes a folder. Entries in none are left out.
    stride
        Every which frame is written.
    on_progress
        Told after every entry.
    should_stop
        Asked before every entry; True ends the export, and the same call goes on there.

    Returns
    -------
    ExportReport
        What was written, what was not and why, and what the licences ask.

    Raises
    ------
    InputError
        If the destination is in use, an entry is not there, nothing could be written, or the export was stopped.
    """
    target = Path(destination)
    if format not in FORMATS:
        raise InputError(f"{format!r} is no format to export to; there are {', '.join(FORMATS)}.")
    if stride < 1:
        raise InputError(f"stride {stride}: expected 1 or more.")
    places = _places(corpus, entries, split)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: is there already. Choose a new folder; an export is never written into another.")
    work = target.with_name(f".{target.name}.exporting")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{work}.lock", timeout=0):
            try:
                return _Export(corpus, target, work, format, places, stride).run(on_progress, should_stop)
            finally:
                Path(f"{work}.lock").unlink(missing_ok=True)
    except LockTimeout:
        raise InputError(f"{target}: another export to it is under way.") from None
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror or error}).") from None


def _places(corpus: Corpus, entries: Sequence[str] | None, split: Mapping[str, Sequence[str]] | None) -> dict[str, str]:
    """The folder that each wanted entry goes to; empty without a split."""
    wanted = list(dict.fromkeys(corpus.identifiers if entries is None else entries))
    for identifier in wanted:
        corpus.summary(identifier)
    if split is not None:
        part_of: dict[str, str] = {}
        for part, members in split.items():
            if part != Path(part).name or part in ("", ".", ".."):
                raise InputError(f"{part!r} cannot be the name of a folder; name the part of the split otherwise.")
            for identifier in members:
                if part_of.setdefault(identifier, part) != part:
                    raise InputError(f"{identifier} is in the parts {part_of[identifier]} and {part} of the split.")
        wanted = [identifier for identifier in wanted if identifier in part_of]
        places = {identifier: part_of[identifier] for identifier in wanted}
    else:
        places = dict.fromkeys(wanted, "")
    if not places:
        raise InputError(f"{corpus.path}: there is nothing to export; the corpus, or what was chosen of it, is empty.")
    return places


class _Export:
    def __init__(
        self, corpus: Corpus, target: Path, work: Path, format: Format, places: dict[str, str], stride: int
    ) -> None:
        self.corpus = corpus
        self.public = PublicView(corpus)
        self.target = target
        self.work = work
        self.format = format
        self.places = places
        self.stride = stride
        self.sources: list[tuple[str, str]] = []
        self.citations: dict[str, str] = {}
        self.files: dict[str, dict[str, Any]] = {}
        self.write: Callable[[EntryJob, Path], list[str]] = import_module(
            f"unfreeze.corpus.export.{format}"
        ).write_entry

    def run(
        self, on_progress: Callable[[ExportProgress], None] | None, should_stop: Callable[[], bool] | None
    ) -> ExportReport:
        report = ExportReport(self.target)
        done = self._resume()
        journal = self.work / ".journal"
        for number, (identifier, part) in enumerate(self.places.items(), 1):
            if should_stop and should_stop():
                raise InputError(
                    f"{self.target}: stopped after {number - 1} of {len(self.places)} entries; the same command goes "
                    f"on there."
                )
            entry = self.corpus.entry(identifier)
            seal = _seal(entry, self.public.entry_name(identifier))
            line = done.get(identifier)
            if line is not None and (line["seal"] != seal or line["reason"]):
                self._drop(line)
                line = None
            if line is None:
                line = {"identifier": identifier, "seal": seal, **self._write(entry, part)}
                with journal.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(line) + "\n")
                    stream.flush()
                    os.fsync(stream.fileno())
            self._count(report, entry, line)
            if on_progress:
                on_progress(ExportProgress(number, len(self.places), self.public.entry_name(identifier)))
        if not report.entries:
            reasons = "; ".join(list(report.left_out.values())[:3])
            shutil.rmtree(self.work)
            raise InputError(f"{self.target}: nothing could be exported. {reasons}")
        self._finish(report)
        return report

    def _resume(self) -> dict[str, dict[str, Any]]:
        """What an earlier call of the same export has made; a fresh folder if there is none."""
        settings = json.dumps(
            {"corpus": self.corpus.record.model_dump(), "format": self.format, "stride": self.stride}, sort_keys=True
        )
        state = self.work / ".settings"
        if not state.is_file() or state.read_text(encoding="utf-8") != settings:
            shutil.rmtree(self.work, ignore_errors=True)
            self.work.mkdir()
            write_atomically(state, settings)
            return {}
        shutil.rmtree(self.work / ".entry", ignore_errors=True)
        journal = self.work / ".journal"
        done: dict[str, dict[str, Any]] = {}
        if not journal.is_file():
            return done
        text = journal.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            write_atomically(journal, whole)
        for row in map(json.loads, whole.splitlines()):
            done[row["identifier"]] = row
        # an entry that now belongs elsewhere, or not at all, is made again or removed
        return {name: row for name, row in done.items() if self.places.get(name) == row["part"] or self._drop(row)}

    def _drop(self, line: dict[str, Any]) -> bool:
        for name in line["made"]:
            _remove(self.work / line["part"] / name)
        return False

    def _write(self, entry: Entry, part: str) -> dict[str, Any]:
        """Write one entry, and say what was made."""
        beside, place = self.work / ".entry", self.work / part
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        place.mkdir(exist_ok=True)
        try:
            job = EntryJob.of(entry, self.public, self.stride)
            if not job.trajectories and self.format == "mdcath":
                raise InputError(f"{job.name}: has no trajectories.")
            self._check_shards(entry, job.name)
            made = self.write(job, beside)
        except InputError as error:
            return {"part": part, "made": [], "files": {}, "n_frames": 0, "reason": str(error)}
        files = {}
        for path in sorted(beside.rglob("*")):
            if path.is_file():
                name = "/".join(filter(None, (part, path.relative_to(beside).as_posix())))
                files[name] = {"bytes": path.stat().st_size, "sha256": checksum(path)["sha256"]}
                with path.open("rb") as stream:
                    os.fsync(stream.fileno())
        for name in made:
            _remove(place / name)
            os.replace(beside / name, place / name)
        sync_directory(place)
        n_frames = sum(trajectory.n_frames for trajectory in job.trajectories)
        return {"part": part, "made": made, "files": files, "n_frames": n_frames, "reason": ""}

    def _check_shards(self, entry: Entry, name: str) -> None:
        """Damaged data are not passed on."""
        for record in entry.manifest.trajectories:
            for file, digest in (column for shard in record.shards for column in shard.columns.values()):
                path = self.corpus.files.local(f"entries/{entry.identifier}/shards/{file}", digest)
                if not path.is_file() or checksum(path)["sha256"] != digest:
                    raise InputError(f"{name}: the file {file} is damaged or absent; run `unfreeze corpus verify`.")

    def _count(self, report: ExportReport, entry: Entry, line: dict[str, Any]) -> None:
        name = self.public.entry_name(entry.identifier)
        if line["reason"]:
            report.left_out[name] = line["reason"]
            return
        report.entries.append(name)
        report.n_frames += line["n_frames"]
        report.n_bytes += sum(file["bytes"] for file in line["files"].values())
        self.files |= line["files"]
        for record in entry.manifest.trajectories:
            source = record.source
            self.sources.append((self.public.licence(source.licence), self.public.dataset(source.dataset)))
            citation = self.public.trajectory(record, "")["source"].get("citation")
            if citation:
                self.citations.setdefault(citation, self.public.dataset(source.dataset))
        for label in entry.manifest.labels:
            origin = label.source.partition(":")[0]
            self.sources.append((self.public.licence(label.licence), self.public.dataset(origin)))

    def _finish(self, report: ExportReport) -> None:
        report.licences = report_licences(self.sources)
        document = {
            "schema_version": 1,
            "corpus": self.public.name,
            "description": self.public.description,
            "private": self.public.is_private,
            "format": self.format,
            "stride": self.stride,
            "n_entries": len(report.entries),
            "n_frames": report.n_frames,
            "entries": {
                self.public.entry_name(identifier): part
                for identifier, part in self.places.items()
                if self.public.entry_name(identifier) not in report.left_out
            },
            "left_out": report.left_out,
            "licences": {
                "datasets": dict(report.licences.datasets),
                "may_pass_on": report.licences.may_pass_on,
                "may_combine": report.licences.may_combine,
                "commercial": report.licences.commercial,
                "findings": list(report.licences.findings),
            },
            "citations": self.citations,
            "files": self.files,
        }
        write_json(self.work / "export.json", document)
        write_atomically(self.work / "LICENCES.txt", _licence_text(report.licences, self.citations))
        for name in (".journal", ".settings"):
            (self.work / name).unlink(missing_ok=True)
        shutil.rmtree(self.work / ".entry", ignore_errors=True)
        if self.target.is_dir():
            self.target.rmdir()  # it is empty
        os.replace(self.work, self.target)
        sync_directory(self.target.parent)


def _seal(entry: Entry, name: str) -> str:
    """What changes whenever the entry or its name in the export does."""
    return hashlib.sha256(f"{name}\n{entry.manifest.model_dump_json()}".encode()).hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _licence_text(report: LicenceReport, citations: Mapping[str, str]) -> str:
    lines = ["Licences of the data in this folder, each for its own part:", ""]
    lines += [f"  {name}: {', '.join(datasets)}" for name, datasets in report.datasets.items()]
    lines += ["", "What they ask (no legal advice):", ""]
    lines += [f"  - {finding}" for finding in report.findings]
    if citations:
        lines += ["", "What to cite:", "", *(f"  - {dataset}: {citation}" for citation, dataset in citations.items())]
    return "\n".join(lines) + "\n"
