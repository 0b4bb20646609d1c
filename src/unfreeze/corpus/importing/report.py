"""What an import did or would do: every part taken, mended, refused or skipped, with reasons, as data and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["ImportProgress", "ImportReport", "PartResult", "Status"]

Status = Literal["taken", "mended", "refused", "skipped", "stopped"]


@dataclass(frozen=True)
class PartResult:
    """What became of one trajectory, or of a whole candidate that was refused.

    Attributes
    ----------
    entry
        Identifier of the entry, or of the candidate where there is no entry.
    trajectory
        Empty for a candidate as a whole.
    status
        ``taken`` as it is, ``mended`` and taken, ``refused``, ``skipped`` because it is there already, or ``stopped``
        half-way.
    reason
        Why it was refused or skipped.
    n_frames, n_atoms
        That were or would be taken; None where it is not known.
    n_bytes
        On disk, estimated in a dry run.
    mended, notes
        What was put right, and what is worth knowing.
    quality
        Measures of the checks.
    """

    entry: str
    trajectory: str
    status: Status
    reason: str = ""
    n_frames: int | None = None
    n_atoms: int | None = None
    n_bytes: int | None = None
    mended: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    quality: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportProgress:
    """How far an import is.

    Attributes
    ----------
    entry, trajectory
        What is being read.
    n_done, n_frames
        Frames of it; the latter None where it is not known.
    n_parts
        Parts that are done with.
    """

    entry: str
    trajectory: str
    n_done: int
    n_frames: int | None
    n_parts: int


@dataclass
class ImportReport:
    """What an import did.

    Attributes
    ----------
    importer
        Its name.
    is_dry_run
        Whether nothing was written.
    started
        Time in UTC.
    seconds
        How long it took.
    settings
        What was asked for.
    results
        One an item, in order.
    was_stopped
        Whether it was ended early; the same import goes on where it stopped.
    path
        Name of the report's file in the corpus, or empty.
    """

    importer: str = ""
    is_dry_run: bool = False
    started: str = ""
    seconds: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)
    results: list[PartResult] = field(default_factory=list)
    was_stopped: bool = False
    path: str = ""

    def of(self, *statuses: Status) -> list[PartResult]:
        """Results of these statuses."""
        return [result for result in self.results if result.status in statuses]

    @property
    def taken(self) -> list[PartResult]:
        """What is or would be in the corpus, mended or not."""
        return self.of("taken", "mended")

    @property
    def mended(self) -> list[PartResult]:
        """What was put right."""
        return self.of("mended")

    @property
    def refused(self) -> list[PartResult]:
        """What was refused."""
        return self.of("refused")

    @property
    def skipped(self) -> list[PartResult]:
        """What is there already."""
        return self.of("skipped")

    @property
    def n_frames(self) -> int:
        """Frames that were or would be taken."""
        return sum(result.n_frames or 0 for result in self.taken)

    @property
    def n_bytes(self) -> int:
        """On disk."""
        return sum(result.n_bytes or 0 for result in self.taken)

    def counts(self) -> dict[str, int]:
        """How many results of every status."""
        words: tuple[Status, ...] = ("taken", "mended", "refused", "skipped", "stopped")
        return {word: len(self.of(word)) for word in words}

    def sentence(self) -> str:
        """All in one sentence."""
        verb = "would be " if self.is_dry_run else ""
        parts = [f"{n} {verb}{word}" for word, n in self.counts().items() if n]
        size = f" ({self.n_frames:,} frames, {self.n_bytes / 1e6:,.1f} MB)" if self.taken else ""
        return (", ".join(parts) or "nothing was found") + size

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "counts": self.counts(), "n_frames": self.n_frames, "n_bytes": self.n_bytes}

    def reasons(self, most: int = 20) -> Iterable[tuple[str, str]]:
        """What was refused and why, at most so many."""
        for result in self.refused[:most]:
            yield "/".join(filter(None, (result.entry, result.trajectory))), result.reason
