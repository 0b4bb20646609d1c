"""The folder of a campaign: its copy of the settings and inputs, systems, runs, ledger, logs and page.

``campaign.yaml`` and ``inputs/`` say what is asked for, ``runs/`` what has been done, ``verdicts/`` what was given up;
the ledger is an index of these and can be made again.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout
from pydantic import BaseModel

from unfreeze.errors import InputError
from unfreeze.files.atomic import write_atomically
from unfreeze.simulate.campaign.inputs import Input, copy_file, file_checksum, find_input
from unfreeze.simulate.campaign.settings import Campaign, SystemSpec, read_campaign
from unfreeze.simulate.campaign.tasks import Task, tasks_of
from unfreeze.simulate.campaign.units import parse_time_ps, time_in_words

__all__ = ["CampaignDirectory"]

_OURS = ("campaign.yaml", "inputs", "systems", "runs", "verdicts", "log", "speeds.json", "report.html", "ledger.sqlite")
_LOCK_SECONDS = 600.0


@dataclass(frozen=True)
class CampaignDirectory:
    """Where a campaign lives.

    Attributes
    ----------
    root
        The folder.
    """

    root: Path

    @property
    def campaign_file(self) -> Path:
        """The campaign's own copy of its settings."""
        return self.root / "campaign.yaml"

    @property
    def ledger_file(self) -> Path:
        """The index of what is done."""
        return self.root / "ledger.sqlite"

    @property
    def log(self) -> Path:
        """What the workers had to say, a file a task."""
        return self.root / "log"

    @property
    def exists(self) -> bool:
        """Whether there is a campaign."""
        return self.campaign_file.is_file()

    def run(self, task: str) -> Path:
        """Folder of a run."""
        return self.root / "runs" / task

    def system(self, system: str) -> Path:
        """Folder of a molecular system."""
        return self.root / "systems" / system

    def verdict(self, task: str) -> Path:
        """File that says why a task was given up."""
        return self.root / "verdicts" / f"{task}.json"

    def check(self) -> None:
        """Refuse a folder that holds anything else, and a place where none can be made or written to.

        Raises
        ------
        InputError
            If so.
        """
        folder = self.root
        if folder.exists():
            names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else [""]
            strange = [name for name in names if not name.startswith((".", "ledger.sqlite")) and name not in _OURS]
            if strange:
                what = f"it holds {strange[0]!r}" if strange[0] else "it is a file"
                raise InputError(f"{folder}: is not the folder of a campaign ({what}); choose another -o")
        nearest = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            raise InputError(f"{folder}: {nearest} cannot be written to; choose another -o")

    def require(self) -> None:
        """Refuse a folder without a campaign.

        Raises
        ------
        InputError
            If there is none.
        """
        if not self.exists:
            raise InputError(
                f"{self.root}: no campaign is here (no campaign.yaml); start one with `unfreeze simulate run`, or give "
                "the folder of one"
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other commands from changing what the campaign is; workers go on.

        Raises
        ------
        InputError
            If the folder cannot be written to, or another command does not come to an end.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / ".lock")
            lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout:
            raise InputError(f"{self.root}: another command has been changing this campaign for long; end it") from None
        except OSError as error:
            raise InputError(f"{self.root}: cannot be written to ({error.strerror}); choose another -o") from error
        try:
            yield
        finally:
            lock.release()

    def tasks(self) -> list[Task]:
        """The tasks of the campaign that is here.

        Raises
        ------
        InputError
            If there is none, or its files have been changed.
        """
        self.require()
        campaign = self._own_campaign()
        return _relative(self.root, tasks_of(_with_inputs(campaign), seed=campaign.seed, folder=self.root))

    def resolve(self, campaign: Campaign) -> list[Task]:
        """The tasks of a campaign that need not be here yet, with whole paths; nothing is written."""
        known, folder = self._known(), campaign.folder.absolute()
        return tasks_of(_with_inputs(replace(campaign, folder=folder), known), seed=campaign.seed, folder=folder)

    def establish(self, campaign: Campaign, given_up: Mapping[str, Any]) -> list[Task]:
        """Make this the folder of a campaign, or make the campaign that is here longer or larger.

        Parameters
        ----------
        campaign
            What is asked for.
        given_up
            Ids of tasks that may be missing from it.

        Returns
        -------
        list of Task
            Paths relative to the folder.

        Raises
        ------
        InputError
            If another campaign is here: one with a run that `campaign` does not ask for.
        """
        systems = list(_with_inputs(campaign, self._known()))
        wanted = tasks_of(systems, seed=campaign.seed, folder=campaign.folder)
        if self.exists:
            self._check_same(wanted, given_up)
        own = [self._copied(spec, source, campaign.folder) for spec, source in systems]
        write_atomically(self.campaign_file, _to_yaml(own, campaign.seed))
        tasks = self.tasks()
        if {task.id for task in tasks} != {task.id for task in wanted}:
            raise AssertionError("the campaign's copy of its settings does not mean the same")
        return tasks

    def _own_campaign(self) -> Campaign:
        try:
            return read_campaign(self.campaign_file)
        except InputError as error:
            raise InputError(
                f"{error}. This is the campaign's own copy: move it away and give the command that started the "
                "campaign again; the runs that are there are kept and go on."
            ) from None

    def _known(self) -> dict[str, Path]:
        """PDB ids whose files are here."""
        from unfreeze.structure.fetch import is_pdb_id

        if not self.exists:
            return {}
        specs = self._own_campaign().systems
        return {
            spec.source.lower(): self.root / spec.structure
            for spec in specs
            if spec.structure is not None and is_pdb_id(spec.source) and (self.root / spec.structure).is_file()
        }

    def _check_same(self, wanted: list[Task], given_up: Mapping[str, Any]) -> None:
        ids = {task.id for task in wanted}
        missing = [
            task
            for task in self.tasks()
            if task.id not in ids and task.id not in given_up and self.run(task.id).exists()
        ]
        if not missing:
            return
        first = missing[0]
        same_name = next((task for task in wanted if task.label == first.label), None)
        why = "is not asked for any more" if same_name is None else f"differs: {_difference(first, same_name)}"
        raise InputError(
            f"{self.root}: holds another campaign: its run {first.label} ({first.id}) {why}. Choose another -o, or go "
            f"on with what is there by `unfreeze simulate resume {shlex.quote(str(self.root))}`. A campaign may become "
            "longer or larger, not another."
        )

    def _copied(self, spec: SystemSpec, source: Input, folder: Path) -> SystemSpec:
        """The same with its files in ``inputs/``, and paths relative to the campaign's folder."""
        structure = spec.structure
        if source.path is not None:
            copy_file(source.path, self.root / "inputs" / source.copy_name)
            structure = f"inputs/{source.copy_name}"
        molecular = self._files_copied(spec.simulation.system.force_field_files, folder)
        simulation = spec.simulation.model_copy(
            update={"system": spec.simulation.system.model_copy(update={"force_field_files": molecular})}
        )
        preparation = spec.preparation.model_copy(
            update={"force_field_files": self._files_copied(spec.preparation.force_field_files, folder)}
        )
        return replace(
            spec,
            structure=structure,
            simulation=simulation,
            preparation=preparation,
            sha256=None if source.path is None else source.sha256,
        )

    def _files_copied(self, names: tuple[str, ...], folder: Path) -> tuple[str, ...]:
        copies = []
        for name in names:
            path = folder / Path(name).expanduser()
            if path.is_file():
                copy = f"inputs/{file_checksum(path)[:16]}.xml"  # by content: a run knows its settings by their words
                copy_file(path, self.root / copy)
                name = copy
            copies.append(name)
        return tuple(copies)


def _with_inputs(campaign: Campaign, known: Mapping[str, Path] | None = None) -> Iterator[tuple[SystemSpec, Input]]:
    for spec in campaign.systems:
        yield spec, find_input(spec, campaign.folder, known)


def _relative(root: Path, tasks: list[Task]) -> list[Task]:
    """Tasks with paths relative to the campaign's folder, which may be moved."""

    def path(text: str) -> str:
        return os.path.relpath(text, root) if text else ""

    return [replace(task, build=replace(task.build, path=path(task.build.path))) for task in tasks]


def _to_yaml(systems: list[SystemSpec], seed: int) -> str:
    first = systems[0]
    common = {
        "simulation": first.simulation.model_dump(mode="json"),
        "preparation": first.preparation.model_dump(mode="json"),
        "length": _length(first.length_ps),
        "replicas": first.replicas,
    }
    entries = []
    for spec in systems:
        entry: dict[str, Any] = {"name": spec.name}
        entry |= {"sequence": spec.sequence} if spec.structure is None else {"structure": spec.structure}
        entry |= {"source": spec.source} | ({} if spec.sha256 is None else {"sha256": spec.sha256})
        own = {
            "simulation": spec.simulation.model_dump(mode="json"),
            "preparation": spec.preparation.model_dump(mode="json"),
            "length": _length(spec.length_ps),
            "replicas": spec.replicas,
        }
        entries.append(entry | {key: value for key, value in own.items() if value != common[key]})
    head = (
        "# Written by unfreeze simulate, with all settings that hold. To change the campaign, give its command again.\n"
    )
    document = {**common, "seed": seed, "systems": entries}
    return head + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _length(length_ps: float) -> str:
    text = time_in_words(length_ps).replace(" ", "")
    return text if parse_time_ps(text) == length_ps else f"{length_ps!r}ps"


def _difference(there: Task, wanted: Task) -> str:
    """Words for the first of all settings in which two tasks differ."""
    pairs: tuple[tuple[str, Any, Any], ...] = (
        ("the structure", there.build.kind, wanted.build.kind),
        ("the sequence", there.build.sequence, wanted.build.sequence),
        ("simulation", there.build.simulation, wanted.build.simulation),
        ("preparation", there.build.preparation, wanted.build.preparation),
        ("seed", there.build.seed, wanted.build.seed),
    )
    for name, one, other in pairs:
        if one == other:
            continue
        if isinstance(one, BaseModel) and isinstance(other, BaseModel):
            key, mine, yours = _first_difference(one.model_dump(mode="json"), other.model_dump(mode="json"))
            return f"{name}.{key} is {mine!r} there and {yours!r} in what you ask for"
        return f"{name} is {one!r} there and {other!r} in what you ask for"
    return "its structure has another content"


def _first_difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, Any, Any]:
    for key in one:
        if one[key] == other.get(key):
            continue
        if isinstance(one[key], Mapping) and isinstance(other.get(key), Mapping):
            inner, mine, yours = _first_difference(one[key], other[key])
            return f"{key}.{inner}", mine, yours
        return key, one[key], other.get(key)
    return "", None, None
