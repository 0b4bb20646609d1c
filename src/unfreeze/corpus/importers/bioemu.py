"""The MD that BioEmu was trained on: a folder a system with ``dataset.json``, ``topology.pdb`` and ``trajs/*.xtc``.

The conditions stand in the JSON file, and for some trajectories in one of their own, since systems mix force fields;
so every trajectory carries its own. Clocks are given as they are: the release has files that restart theirs, and files
that count nanoseconds in fields of picoseconds (the mutants) or a thousandfold too much (filtered octapeptides). The
driver holds them against ``save_traj_ns``.

Source: Lewis et al., Science 389, eadv9817 (2025), supplement S1.4 and S1.5; the layout from the released archives.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from unfreeze.corpus.conditions import force_field_name
from unfreeze.corpus.importers.registry import check_options
from unfreeze.corpus.importers.shared.folders import files_below, read_json_object
from unfreeze.corpus.importers.shared.options import ATOMS, atoms_of, chosen
from unfreeze.corpus.importing.source import Candidate, FrameStream, Part
from unfreeze.corpus.schema import Conditions, Source
from unfreeze.errors import InputError

__all__ = ["IMPORTER", "BioEmu"]

_CITATION = "Lewis et al. Scalable emulation of protein equilibrium ensembles. Science 389, eadv9817 (2025)"
_URL = "https://github.com/microsoft/bioemu"
_LICENCE = "CDLA-Permissive-2.0"
# Solvent, pressure and salt by the name of the force field in the files; the supplement gives no water for MegaSim.
_SETUPS: dict[str, tuple[str, str, float | None, float | None]] = {
    "amber ff99sb-ildn": ("amber99sb-ildn", "explicit:tip3p", 1.0, 0.1),
    "amber ff99sb-disp": ("a99sb-disp", "explicit", None, None),
    "amber ff14sb": ("amber14", "explicit", None, None),
}
_METHOD = "OpenMM, 4 fs, hydrogen mass 4 amu"


class BioEmu:
    """The importer of the MD release of BioEmu."""

    name = "bioemu"
    summary = "octapeptides, CATH domains and stability mutants, 10 ns a frame (dataset.json, PDB and XTC a system)"
    licence = _LICENCE
    citation = _CITATION
    options: Mapping[str, str] = {**ATOMS, "ids": "systems to take, separated by commas, such as cath1_1b43A02"}

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """Every system in a folder, whether it is one system, an unpacked archive or the folder of all.

        Raises
        ------
        InputError
            If there is none.
        """
        check_options(self, options, source)
        atoms_of(options)
        found = files_below(source, ("dataset.json", "topology.pdb"), deepest=4)
        folders = sorted({path.parent for path in found if path.name in ("dataset.json", "topology.pdb")})
        if not any((folder / "dataset.json").is_file() for folder in folders):
            raise InputError(f"{source}: no SYSTEM/dataset.json in it, which is the layout of BioEmu's release.")
        wanted = chosen(options, "ids")
        for folder in folders:
            if wanted is None or folder.name in wanted:
                yield _candidate(folder, atoms_of(options))


IMPORTER = BioEmu()


def _candidate(folder: Path, atoms: str) -> Candidate:
    name = folder.name
    topology = folder / "topology.pdb"
    try:
        if not topology.is_file():
            raise InputError(f"{folder}: topology.pdb is missing. Unpack the archive again.")
        if not (folder / "dataset.json").is_file():
            raise InputError(f"{folder}: dataset.json is missing, so its conditions are not known. Unpack it again.")
        whole = read_json_object(folder / "dataset.json")
        trajectories = [path for path in files_below(folder, (".xtc",), deepest=1) if path.parent.name == "trajs"]
    except InputError as error:
        return Candidate(name, refusal=str(error))
    if not trajectories:
        return Candidate(name, refusal=f"{folder}: the release has no trajectory of this system (trajs/*.xtc).")
    parts = tuple(_part(folder, path, whole, atoms) for path in trajectories)
    own = {_own_json(path).name for path in trajectories}
    lonely = [path.name for path in files_below(folder, (".json",), deepest=1) if path.parent.name == "trajs"]
    notes = [f"trajs/{one} belongs to no trajectory that is there." for one in lonely if one not in own]
    fields = {part.conditions.force_field for part in parts if part.refusal is None}
    if len(fields) > 1:
        notes.append(f"The trajectories are of {len(fields)} force fields: {', '.join(sorted(map(str, fields)))}.")
    return Candidate(name, parts, notes=tuple(notes), title=f"BioEmu MD {folder.parent.name}/{name}")


def _stem(trajectory: Path) -> str:
    return trajectory.name.removesuffix(".xtc").removesuffix(".cmprsd")


def _own_json(trajectory: Path) -> Path:
    return trajectory.with_name(f"{_stem(trajectory)}.json")


def _part(folder: Path, trajectory: Path, whole: Mapping[str, Any], atoms: str) -> Part:
    refusal, conditions, time_step_ps = None, Conditions(), None
    values, own = dict(whole), _own_json(trajectory)
    where = folder / "dataset.json"
    paths = [trajectory, folder / "topology.pdb", where]
    try:
        if own.is_file():
            values |= {name: value for name, value in read_json_object(own).items() if value is not None}
            where = own
            paths.append(own)
        conditions, time_step_ps = _conditions(values, where)
    except InputError as error:
        refusal = str(error)
    return Part(
        name=re.sub(r"[^\w.+-]", "_", _stem(trajectory), flags=re.ASCII),
        conditions=conditions,
        source=Source(
            dataset="bioemu",
            identifier=f"{folder.parent.name}/{folder.name}/{_stem(trajectory)}",
            licence=_LICENCE,
            citation=_CITATION,
            url=_URL,
        ),
        paths=tuple(paths),
        open=partial(_open, folder / "topology.pdb", trajectory, atoms),
        time_step_ps=time_step_ps,
        refusal=refusal,
    )


def _conditions(values: Mapping[str, Any], where: Path) -> tuple[Conditions, float]:
    """Conditions and the time between frames as the JSON files state them."""
    name, temperature, step = (values.get(key) for key in ("force_field", "temperature_K", "save_traj_ns"))
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"{where}: force_field is {name!r}; the name of a force field was expected.")
    for key, value, most in (("temperature_K", temperature, 5000), ("save_traj_ns", step, 1e6)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < most:
            raise InputError(f"{where}: {key} is {value!r}; a positive number was expected.")
    assert isinstance(temperature, int | float) and isinstance(step, int | float) and math.isfinite(step)
    key = " ".join(name.lower().split())
    known = _SETUPS.get(key, (force_field_name(name), "explicit", None, None))
    force_field, solvent, pressure, salt = known
    return (
        Conditions(
            force_field=force_field,
            solvent=solvent,
            temperature_K=float(temperature),
            pressure_bar=pressure,
            ionic_strength_M=salt,
            method=f"{_METHOD}, {'NPT' if pressure else 'NVT'}" if key in _SETUPS else _METHOD,
        ),
        1e3 * float(step),
    )


def _open(topology: Path, trajectory: Path, atoms: str) -> FrameStream:
    from unfreeze.corpus.importing.streams import FileStream

    return FileStream(topology, [trajectory], atoms=atoms)
