"""Who runs here: the identity of a process that no reboot, container or reused number can counterfeit, and its cores.

A core is taken by a lock on a small file in the machine's folder for temporary files, so that two campaigns do not pin
their workers to the same one.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

__all__ = ["THREAD_VARIABLES", "ProcessIdentity", "free_cores", "host_name", "pin_to_free_core", "visible_devices"]

THREAD_VARIABLES = (
    *("OPENMM_CPU_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS"),
)


@dataclass(frozen=True)
class ProcessIdentity:
    """A process among all that ever ran.

    Attributes
    ----------
    host
        Machine, its last start, and the space of process numbers (containers have their own).
    pid
        Number of the process.
    started
        When it started, in the words of the operating system; a number that is used again has another time.
    """

    host: str
    pid: int
    started: str

    @classmethod
    def own(cls) -> ProcessIdentity:
        """The process that asks."""
        return cls(_host(), os.getpid(), _started(os.getpid()) or "")

    @property
    def is_here(self) -> bool:
        """Whether it runs, or ran, where this process can look for it."""
        return self.host == _host()

    @property
    def is_known_dead(self) -> bool:
        """Whether it ran here and does so no more; False where this cannot be known."""
        return self.is_here and _started(self.pid) != self.started


def host_name() -> str:
    """The name of this machine."""
    return socket.gethostname()


def free_cores() -> list[int]:
    """Numbers of the cores that this process may use; where the system does not tell, as many as there are."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def pin_to_free_core() -> int | None:
    """Bind this process to a core that no other worker on this machine holds, until it ends.

    Returns
    -------
    int or None
        The core, or None where processes cannot be bound or every core is held.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    owner = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"unfreeze-cores-{owner}"
    with suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        for core in free_cores():
            lock = FileLock(folder / f"{core}.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            _HELD.append(lock)
            os.sched_setaffinity(0, {core})
            return core
    return None


_HELD: list[FileLock] = []


@cache
def _host() -> str:
    parts = [host_name()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8])
    with suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def _started(pid: int) -> str | None:
    """When a process started; None if there is none (one that is dead and waits for its parent counts as none)."""
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or None


def visible_devices() -> tuple[int, ...]:
    """Numbers of the NVIDIA GPUs that this process may use, as OpenMM counts them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return tuple(range(len([part for part in chosen.split(",") if part.strip()])))
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(range(sum(line.startswith("GPU ") for line in listed.stdout.splitlines())))
