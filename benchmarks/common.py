"""What every benchmark needs: the machine and versions it ran on, and a place for its result."""

from __future__ import annotations

import json
import math
import os
import platform
import shlex
import sys
import tarfile
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console

__all__ = ["console", "save", "structure_files", "unpacked"]

_PACKAGES = ("unfreeze", "numpy", "scipy", "gemmi", "mdtraj", "prody", "openmm", "pdbfixer")
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
_ENDINGS = (".pdb", ".cif", ".ent", ".mmcif", ".pdb.gz", ".cif.gz", ".ent.gz", ".mmcif.gz")


def save(path: Path | None, benchmark: str, results: dict[str, Any]) -> None:
    """Write results with their circumstances as JSON; nothing when there is no path."""
    if path is None:
        return
    record = {
        "benchmark": benchmark,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "command": shlex.join(["python", "-m", f"benchmarks.{benchmark}", *map(_without_folder, sys.argv[1:])]),
        "machine": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "threads_of_linear_algebra": os.environ.get("OMP_NUM_THREADS", "not limited"),
        },
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        **results,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_finite(record), indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    """The same with null for numbers that are not finite, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def structure_files(paths: list[Path]) -> list[Path]:
    """The structure files among files and in folders, in order of name."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (file for file in path.rglob("*") if file.is_file() and file.name.lower().endswith(_ENDINGS))
            found += sorted(file for file in inside if not file.name.startswith("."))
        else:
            found.append(path)
    return found


def unpacked(paths: list[Path], scratch: Path) -> list[Path]:
    """The same paths, archives replaced by folders of what they hold."""
    result = []
    for path in paths:
        if path.name.endswith(_ARCHIVES):
            folder = scratch / path.name.partition(".")[0]
            with tarfile.open(path) as archive:
                archive.extractall(folder, filter="data")
            path = folder
        result.append(path)
    return result


def _without_folder(argument: str) -> str:
    """An absolute path says nothing to others but the last name."""
    return Path(argument).name if Path(argument).is_absolute() else argument


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def console() -> Console:
    """A console whose tables are not squeezed when the output goes to a file."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=150)
