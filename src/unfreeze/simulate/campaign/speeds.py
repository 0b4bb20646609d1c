"""Speeds that were measured, kept in a campaign's folder by system, machine and platform."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unfreeze.files.atomic import write_json
from unfreeze.simulate.campaign.processes import free_cores, host_name
from unfreeze.simulate.campaign.tasks import BuildOrder

__all__ = ["Speed", "Speeds", "machine_name"]


@dataclass(frozen=True)
class Speed:
    """What was measured of a system.

    Attributes
    ----------
    n_atoms, n_saved
        Particles, and atoms that the trajectory keeps.
    steps_per_s
        Of one worker while all others work, too; None where only the size is known.
    """

    n_atoms: int
    n_saved: int
    steps_per_s: float | None


class Speeds:
    """The measurements of a campaign's folder.

    Parameters
    ----------
    path
        The file; it need not be there, and one that cannot be read is as good as none.
    platform, n_workers
        What they were measured with.
    """

    def __init__(self, path: Path, platform: str, n_workers: int) -> None:
        self._path = path
        self._key = f"{machine_name()}, {platform}, {n_workers} workers"
        self._known: dict[str, dict[str, Any]] = {}
        with suppress(OSError, ValueError):
            found = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(found, dict):
                self._known = found

    def get(self, order: BuildOrder) -> Speed | None:
        """What is known of a system here."""
        with suppress(KeyError, TypeError):
            entry = self._known[self._name(order)]
            return Speed(entry["n_atoms"], entry["n_saved"], entry["steps_per_s"].get(self._key))
        return None

    def put(self, order: BuildOrder, speed: Speed) -> None:
        """Keep a measurement."""
        entry = self._known.setdefault(self._name(order), {"steps_per_s": {}})
        entry |= {"n_atoms": speed.n_atoms, "n_saved": speed.n_saved}
        if speed.steps_per_s is not None:
            entry["steps_per_s"][self._key] = round(speed.steps_per_s, 3)
        write_json(self._path, self._known)

    def _name(self, order: BuildOrder) -> str:
        return f"{order.id} {order.simulation.save.atoms}"


def machine_name() -> str:
    """Name of this machine, its processor and how many of its cores may be used."""
    processor = ""
    with suppress(OSError, IndexError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        processor = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    return f"{host_name()}, {processor or 'processor unknown'}, {len(free_cores())} cores"
