"""OpenMM platforms: which there are, which is fastest here, and on which a run can be repeated bit for bit."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from unfreeze.errors import InputError

if TYPE_CHECKING:
    import openmm

__all__ = ["choose_platform", "is_deterministic", "limit_threads", "platform_names", "platform_properties"]

_FASTEST_FIRST = ("CUDA", "HIP", "OpenCL", "CPU", "Reference")


def platform_names() -> list[str]:
    """Names of the platforms that this installation of OpenMM offers."""
    import openmm

    return [openmm.Platform.getPlatform(number).getName() for number in range(openmm.Platform.getNumPlatforms())]


def choose_platform(name: str = "auto") -> openmm.Platform:
    """The platform of this name, or the fastest that works here for ``auto``.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    import openmm

    there = platform_names()
    wanted = [kind for kind in _FASTEST_FIRST if kind in there] if name == "auto" else [name]
    for kind in wanted:
        if kind in there and (name != "auto" or _works(kind)):
            return openmm.Platform.getPlatformByName(kind)
    raise InputError(f"--platform {name}: OpenMM here has {', '.join(there)}; choose one of these or auto")


def platform_properties(platform: str, *, threads: int = 1, device: int | None = None) -> dict[str, str]:
    """Properties of a context: threads on the CPU, mixed precision and the device on a GPU."""
    if platform == "CPU":
        return {"Threads": str(threads)}
    if platform in ("CUDA", "HIP", "OpenCL"):
        chosen = {} if device is None else {"DeviceIndex": str(device)}
        return {"Precision": "mixed", **chosen}
    return {}


def limit_threads(platform: str, threads: int) -> None:
    """Hold down the threads of this process that do not go by the properties of a context.

    OpenMM's particle-mesh Ewald on the CPU takes as many threads as ``OPENMM_CPU_THREADS`` says when it is first used,
    whatever the context's property says; with two, forces differ in the last bits from run to run.
    """
    if platform == "CPU":
        os.environ["OPENMM_CPU_THREADS"] = str(threads)


def is_deterministic(platform: str, threads: int) -> bool:
    """Whether the same start gives the same trajectory to the last bit: measured on Reference and one CPU thread."""
    return platform == "Reference" or (platform == "CPU" and threads == 1)


def _works(platform: str) -> bool:
    """A driver may be missing although the plug-in is there: try one particle."""
    import openmm

    system = openmm.System()
    system.addParticle(1.0)
    try:
        openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName(platform))
    except openmm.OpenMMException:
        return False
    return True
