"""The log of a training: a JSON object a line, which a resumed run cuts back to where it goes on from; TensorBoard."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unfreeze.errors import InputError
from unfreeze.files.atomic import plain, write_atomically

__all__ = ["RunLog", "TensorBoardLog", "read_log"]


class RunLog:
    """``log.jsonl``. Every line has a ``kind`` (step, validation, note), the ``member`` and the ``total`` step.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: Any = None

    def cut_back(self, member: int, total: int) -> None:
        """Forget what is beyond a step of a member: it will be done, and logged, again."""
        self.close()
        kept = [line for line in read_log(self._path) if (line["member"], line["total"]) <= (member, total)]
        write_atomically(self._path, "".join(_line(line) for line in kept))

    def write(self, line: Mapping[str, Any]) -> None:
        """Add a line."""
        if self._stream is None:
            self._stream = open(self._path, "a", encoding="utf-8")  # noqa: SIM115
        self._stream.write(_line(line))

    def flush(self) -> None:
        """Bring the lines to the disk."""
        if self._stream is not None:
            self._stream.flush()
            os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Flush and close."""
        if self._stream is not None:
            self.flush()
            self._stream.close()
            self._stream = None


class TensorBoardLog:
    """The same numbers for TensorBoard.

    Parameters
    ----------
    folder
        Where event files go.

    Raises
    ------
    InputError
        If tensorboard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError:
            raise InputError("--tensorboard needs tensorboard: pip install 'unfreeze[tensorboard]'") from None
        self._writer = SummaryWriter(str(folder))

    def write(self, line: Mapping[str, Any]) -> None:
        """Add the numbers of a line of the log."""
        for name, value in _numbers(line):
            self._writer.add_scalar(f"member {line['member']}/{name}", value, line["total"])

    def close(self) -> None:
        """Flush and close."""
        self._writer.close()


def read_log(path: Path) -> list[dict[str, Any]]:
    """Lines of a log that are whole; what a killed process left half-written is left out."""
    if not path.exists():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and {"kind", "member", "total"} <= line.keys():
            lines.append(line)
    return lines


def _line(line: Mapping[str, Any]) -> str:
    return json.dumps(plain(dict(line)), ensure_ascii=False, allow_nan=False) + "\n"


def _numbers(line: Mapping[str, Any]) -> list[tuple[str, float]]:
    if line["kind"] == "step":
        single = [(name, line[name]) for name in ("loss", "learning_rate", "gradient_norm", "seconds")]
        return [*single, *((f"losses/{name}", value) for name, value in line["losses"].items())]
    if line["kind"] == "validation":
        return [(f"validation/{name}", row["model"]) for name, row in line["scores"].items()]
    return []
