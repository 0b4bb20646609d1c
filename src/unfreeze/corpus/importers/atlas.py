"""ATLAS: a folder (or unpacked zip) a chain, with a PDB file and three XTC trajectories of 100 ns.

The archives ``protein`` (10 ps a frame) and ``analysis`` (1,001 frames, 100 ps) hold the same runs, so the finer one is
taken where both are there. The frames of either are superposed: what a wrong superposition did cannot be seen any more,
and the boxes no longer fit.

Source: Vander Meersche et al., Nucleic Acids Res. 52, D384 (2024), and the site's own description of the files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from unfreeze.corpus.importers.registry import check_options
from unfreeze.corpus.importers.shared.folders import files_below
from unfreeze.corpus.importers.shared.options import ATOMS, atoms_of, chosen
from unfreeze.corpus.importing.source import Candidate, FrameStream, Part
from unfreeze.corpus.schema import Conditions, Source
from unfreeze.errors import InputError

__all__ = ["IMPORTER", "Atlas"]

_CITATION = "Vander Meersche, Cretin, Gheeraert, Gelly, Galochkina. ATLAS. Nucleic Acids Res. 52, D384 (2024)"
_URL = "https://www.dsimb.inserm.fr/ATLAS"
_NAME = r"(?P<id>[0-9][0-9A-Za-z]{3}_[0-9A-Za-z]{1,4}|[0-9A-Za-z]{4,10}_[0-9A-Za-z]{1,4})"
_PROTEIN = re.compile(rf"{_NAME}_prod_R(?P<run>\d+)_fit\.xtc", re.ASCII)
_ANALYSIS = re.compile(rf"{_NAME}_R(?P<run>\d+)\.xtc", re.ASCII)
_STEPS_PS = {"protein": 10.0, "analysis": 100.0}
_SUPERPOSED = "The frames were superposed by those who made the set, so their boxes no longer fit and were left out."
_CONDITIONS = Conditions(
    force_field="charmm36m",
    solvent="explicit:tip3p",
    temperature_K=300.0,
    pressure_bar=1.0,
    ionic_strength_M=0.15,
    method="GROMACS, Nosé–Hoover thermostat, Parrinello–Rahman barostat, 2 fs",
)


class Atlas:
    """The importer of ATLAS."""

    name = "atlas"
    summary = "1,390 and more protein chains, 3 × 100 ns, 10 or 100 ps a frame (PDB and XTC a chain)"
    licence = "CC-BY-NC-4.0"
    citation = _CITATION
    options: Mapping[str, str] = {
        **ATOMS,
        "ids": "chains to take, separated by commas, such as 16pk_A",
        "archive": "protein (10 ps) or analysis (100 ps), where both are there; protein by default",
    }

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """Every chain in a folder or its subfolders.

        Raises
        ------
        InputError
            If there is no file of ATLAS.
        """
        check_options(self, options, source)
        archive = options.get("archive", "protein")
        if archive not in _STEPS_PS:
            raise InputError(f"archive={archive!r}: protein or analysis was expected.")
        atoms_of(options)
        chains = _chains(source)
        if not chains:
            raise InputError(
                f"{source}: no file of ATLAS in it; ID.pdb with ID_prod_R1_fit.xtc (archive protein) or ID_R1.xtc "
                "(archive analysis) was expected. Unpack the zip files that the site gives."
            )
        wanted = chosen(options, "ids")
        for name in sorted(chains):
            if wanted is None or name in wanted:
                yield _candidate(name, chains[name], archive, atoms_of(options))


IMPORTER = Atlas()


@dataclass
class _Files:
    """What there is of one chain: topologies by folder, and trajectories by archive and run."""

    topologies: dict[Path, Path] = field(default_factory=dict)
    runs: dict[str, dict[int, Path]] = field(default_factory=lambda: {"protein": {}, "analysis": {}})


def _chains(source: Path) -> dict[str, _Files]:
    found: defaultdict[str, _Files] = defaultdict(_Files)
    paths = files_below(source, (".pdb", ".xtc"))
    for path in paths:
        for archive, pattern in (("protein", _PROTEIN), ("analysis", _ANALYSIS)):
            match = pattern.fullmatch(path.name)
            if match:
                found[match["id"]].runs[archive].setdefault(int(match["run"]), path)
                break
    for path in paths:
        if path.suffix == ".pdb" and re.fullmatch(_NAME, path.stem, re.ASCII):
            found[path.stem].topologies[path.parent] = path
    return dict(found)


def _candidate(name: str, files: _Files, archive: str, atoms: str) -> Candidate:
    other = "analysis" if archive == "protein" else "protein"
    runs = {run: (other, path) for run, path in files.runs[other].items()}
    runs |= {run: (archive, path) for run, path in files.runs[archive].items()}
    notes = []
    twice = sorted(files.runs["protein"].keys() & files.runs["analysis"].keys())
    if twice:
        notes.append(
            f"Runs {', '.join(map(str, twice))} are there from both archives; those of the archive {archive} were "
            "taken."
        )
    refusal = None
    if not runs:
        refusal = f"{name}: there is {name}.pdb and no trajectory of it. Download the archive again."
    elif not files.topologies:
        refusal = f"{name}: there are trajectories and no {name}.pdb. Unpack it from the same archive."
    if runs and sorted(runs) != [1, 2, 3]:
        notes.append(f"The set has runs 1, 2 and 3; there are {', '.join(map(str, sorted(runs)))}.")
    parts = () if refusal else tuple(_part(name, run, *runs[run], files, atoms) for run in sorted(runs))
    return Candidate(name, parts, notes=tuple(notes), title=f"ATLAS {name}", refusal=refusal)


def _part(name: str, run: int, archive: str, trajectory: Path, files: _Files, atoms: str) -> Part:
    beside = files.topologies.get(trajectory.parent)
    topology = beside or next(iter(files.topologies.values()))
    return Part(
        name=f"R{run}",
        conditions=_CONDITIONS,
        source=Source(
            dataset="atlas",
            identifier=f"{name}/{archive}/R{run}",
            licence="CC-BY-NC-4.0",
            citation=_CITATION,
            url=f"{_URL}/database/ATLAS/{name}/{name}.html",
        ),
        paths=(trajectory, topology),
        open=partial(_open, topology, trajectory, atoms),
        time_step_ps=_STEPS_PS[archive],
    )


def _open(topology: Path, trajectory: Path, atoms: str) -> FrameStream:
    from unfreeze.corpus.importers.shared.streams import WithoutBox
    from unfreeze.corpus.importing.streams import FileStream

    return WithoutBox(FileStream(topology, [trajectory], atoms=atoms), _SUPERPOSED)
