"""A commit: what one finished segment of a simulation left behind, as the manifest lists it.

A manifest is a JSON file with its own checksum. Reading one refuses whatever is not exactly as it was written, so that
a damaged manifest is noticed and never half believed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from unfreeze.errors import UnfreezeError
from unfreeze.files.atomic import plain

__all__ = ["Column", "Commit", "DamagedManifestError", "Manifest", "sha256"]

SCHEMA = "unfreeze-run-1"


class DamagedManifestError(UnfreezeError):
    """The manifest is absent, cut short or changed."""


@dataclass(frozen=True)
class Column:
    """One array of frames: its type and the shape of one frame.

    Attributes
    ----------
    dtype
        Little-endian numpy type, such as ``<f4``.
    shape
        Shape of one frame.
    """

    dtype: str
    shape: tuple[int, ...]

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return int(np.dtype(self.dtype).itemsize * np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class Commit:
    """One finished segment.

    Attributes
    ----------
    number
        Counted from 0.
    stage
        ``minimise``, ``heat``, ... or ``production``.
    n_frames
        Frames in the store after it.
    time_ps
        Production time after it.
    n_steps, step_fs
        Integration steps of the segment and their length; shorter than asked for after a blow-up.
    sha256
        Checksum of the bytes that it added to every column.
    files
        Names and checksums of checkpoint and portable state at its end; they are deleted when two commits older.
    quality
        Verdict, reasons and measures.
    n_retries
        How often the segment had to be done again.
    wall_s
        Seconds that it took.
    """

    number: int
    stage: str
    n_frames: int
    time_ps: float
    n_steps: int
    step_fs: float
    sha256: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    quality: dict[str, Any] = field(default_factory=dict)
    n_retries: int = 0
    wall_s: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether its frames may be used."""
        return self.quality.get("verdict", "pass") == "pass"


@dataclass(frozen=True)
class Manifest:
    """All commits of a run and the shape of its columns."""

    columns: dict[str, Column]
    commits: tuple[Commit, ...] = ()
    events: tuple[dict[str, Any], ...] = ()

    @property
    def n_frames(self) -> int:
        """Committed frames."""
        return self.commits[-1].n_frames if self.commits else 0

    def to_text(self) -> str:
        """JSON with a checksum over its content."""
        body = json.dumps(
            plain(
                {
                    "columns": {name: asdict(column) for name, column in self.columns.items()},
                    "commits": [asdict(commit) for commit in self.commits],
                    "events": list(self.events),
                }
            ),
            ensure_ascii=False,
            allow_nan=False,
        )
        return f'{{"schema": "{SCHEMA}", "sha256": "{sha256(body.encode())}",\n"content": {body}}}\n'

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """Read a manifest.

        Raises
        ------
        DamagedManifestError
            If it is absent, of another version, or not as it was written.
        """
        try:
            text = path.read_text(encoding="utf-8")
            head, _, rest = text.partition("\n")
            body = rest.removeprefix('"content": ').removesuffix("}\n")
            opening = json.loads(head.rstrip(",") + "}")
            if opening["schema"] != SCHEMA:
                raise DamagedManifestError(f"{path}: schema {opening['schema']!r}, expected {SCHEMA!r}")
            if sha256(body.encode()) != opening["sha256"]:
                raise DamagedManifestError(f"{path}: its checksum does not fit; it was changed or damaged")
            content = json.loads(body)
            columns = {name: Column(c["dtype"], tuple(c["shape"])) for name, c in content["columns"].items()}
            known = {item.name for item in fields(Commit)}
            commits = tuple(Commit(**{k: v for k, v in c.items() if k in known}) for c in content["commits"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedManifestError(f"{path}: cannot be read as a manifest ({error})") from None
        return cls(columns, commits, tuple(content["events"]))


def sha256(data: bytes | memoryview | Iterable[bytes]) -> str:
    """Hexadecimal SHA-256."""
    if isinstance(data, bytes | memoryview):
        return hashlib.sha256(data).hexdigest()
    total = hashlib.sha256()
    for piece in data:
        total.update(piece)
    return total.hexdigest()
