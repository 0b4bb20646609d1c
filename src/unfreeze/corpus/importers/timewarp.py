"""Timewarp's peptides: pairs of ``SEQ-traj-state0.pdb`` and ``SEQ-traj-arrays.npz``, with energies and forces.

Frames were saved after 1, 10, 100... steps of every long interval, so they are not evenly spaced and every frame keeps
its time. Sets before December 2021 were made with another force field, which only the name of the folder tells. Some
files miss their pair.

Source: Klein et al., NeurIPS 2023 (arXiv:2302.01170); ``npzreporter.py`` and ``md.py`` of its repository.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.importers.registry import check_options
from unfreeze.corpus.importers.shared.folders import files_below
from unfreeze.corpus.importers.shared.options import ATOMS, atoms_of, chosen
from unfreeze.corpus.importing.source import Candidate, FrameBlock, FrameStream, Part
from unfreeze.corpus.schema import Conditions, Source
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex

if TYPE_CHECKING:
    from unfreeze.corpus.importers.shared.npz import Npz

__all__ = ["IMPORTER", "Timewarp"]

_CITATION = "Klein, Foong, Fjelde et al. Timewarp. NeurIPS 2023 (arXiv:2302.01170)"
_URL = "https://huggingface.co/datasets/microsoft/timewarp"
_STATE, _ARRAYS = "-traj-state0.pdb", "-traj-arrays.npz"
_NEW = ("amber14", "implicit:obc1", "OpenMM, Langevin middle integrator, 0.5 fs, no constraints")
_OLD = ("amber99sb-ildn", "implicit:obc1", "OpenMM, Langevin integrator, 0.5 fs, no constraints")
_SETS = (  # beginnings of names of folders, lower-case; the longer first where one begins another
    *((name, _NEW) for name in ("2aa", "4aa", "ad-3", "ad3", "t1b-peptides")),
    *((name, _OLD) for name in ("t1-peptides", "hp-1400", "hp-4000", "alanine-dipeptide", "ad-1", "ad-2")),
)
_ENERGIES = ("potential", "kinetic")


class Timewarp:
    """The importer of Timewarp's peptides."""

    name = "timewarp"
    summary = "di- and tetrapeptides at 310 K in implicit solvent, with forces and energies, unevenly spaced (NPZ)"
    licence = "MIT"
    citation = _CITATION
    options: Mapping[str, str] = {
        **ATOMS,
        "ids": "peptides to take, separated by commas, such as ACQK",
    }

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """Every peptide of a folder, its trajectories of several sets and parts together.

        Raises
        ------
        InputError
            If there is no file of Timewarp.
        """
        check_options(self, options, source)
        atoms_of(options)
        pairs: defaultdict[str, defaultdict[Path, dict[str, Path]]] = defaultdict(lambda: defaultdict(dict))
        for path in files_below(source, (_STATE, _ARRAYS)):
            for end in (_STATE, _ARRAYS):
                if path.name.endswith(end) and path.name != end:
                    pairs[path.name.removesuffix(end)][path.parent][end] = path
        if not pairs:
            raise InputError(f"{source}: no SEQ{_STATE} with SEQ{_ARRAYS} in it, which is Timewarp's layout.")
        wanted = chosen(options, "ids")
        for name in sorted(pairs):
            if wanted is None or name in wanted:
                yield _candidate(name, pairs[name], source, options)


IMPORTER = Timewarp()


def _candidate(
    name: str, folders: Mapping[Path, Mapping[str, Path]], source: Path, options: Mapping[str, str]
) -> Candidate:
    parts = tuple(_part(name, folder, files, source, options) for folder, files in folders.items())
    strange = [str(folder) for folder in folders if _physics(folder) is None]
    notes = tuple(
        f"{folder} is called as none of Timewarp's sets (2AA-…, 4AA-…, AD-3, T1-peptides…), so the force field is not "
        "known: sets before December 2021 have another."
        for folder in strange
    )
    return Candidate(f"timewarp-{name}", parts, notes=notes, title=f"Peptide {name}")


def _part(name: str, folder: Path, files: Mapping[str, Path], source: Path, options: Mapping[str, str]) -> Part:
    known = _physics(folder)
    conditions = Conditions(temperature_K=310.0)
    if known:
        conditions = Conditions(force_field=known[0], solvent=known[1], temperature_K=310.0, method=known[2])
    missing = [f"{name}{end}" for end in (_STATE, _ARRAYS) if end not in files]
    refusal = None
    if missing:
        refusal = f"{folder}: {missing[0]} is missing, the other of the pair is there. Download it or leave {name} out."
    place = folder.relative_to(source).parts or (folder.resolve().name,)
    if len(place) == 1 and place[0] in ("train", "val", "test"):
        place = (folder.resolve().parent.name, *place)
    return Part(
        name="/".join(place),
        conditions=conditions,
        source=Source(
            dataset="timewarp",
            identifier="/".join((*place, name)),
            licence="MIT",
            citation=_CITATION,
            url=_URL,
        ),
        paths=tuple(files[end] for end in (_ARRAYS, _STATE) if end in files),
        open=partial(_open, files.get(_STATE, folder), files.get(_ARRAYS, folder), atoms_of(options)),
        refusal=refusal,
    )


def _physics(folder: Path) -> tuple[str, str, str] | None:
    for part in reversed(folder.resolve().parts):
        for name, physics in _SETS:
            if part.lower().startswith(name):
                return physics
    return None


def _open(state: Path, arrays: Path, atoms: str) -> FrameStream:
    from unfreeze.corpus.importers.shared.npz import Npz
    from unfreeze.corpus.importers.shared.topology import topology_of_pdb
    from unfreeze.structure.reading.files import read_content

    topology, table = topology_of_pdb(str(state), read_content(state).data, atoms=atoms)
    with ExitStack() as stack:
        npz = stack.enter_context(Npz(arrays))
        n_frames = _check(npz, len(table))
        times = npz.small("time").astype(np.float64)
        steps = npz.small("step").astype(np.int64) if "step" in npz else None
        energies = npz.small("energies").astype(np.float64) if "energies" in npz else None
        notes = list(topology.complex.source.notes)
        has_forces = "forces" in npz
        if not has_forces:
            notes.append("There are no forces in the file.")
        elif atoms == "heavy":
            notes.append("Forces on hydrogens were left out with them, not added to the atoms they are bound to.")
        stack.pop_all()
    keep = None if np.array_equal(topology.rows, np.arange(len(table))) else topology.rows
    return _Stream(npz, topology.complex, keep, n_frames, times, steps, energies, has_forces, tuple(notes))


def _check(npz: Npz, n_atoms: int) -> int:
    """Number of frames; every array must have as many, and those of atoms as many atoms as the structure."""
    shape = npz.header("positions").shape
    if len(shape) != 3 or shape[1:] != (n_atoms, 3) or shape[0] == 0:
        raise InputError(
            f"{npz.path}: positions has the shape {shape}; (frames, {n_atoms}, 3) was expected for the {n_atoms} atoms "
            "of the structure. The two files are not of one peptide."
        )
    expected = {"time": (shape[0],), "step": (shape[0],), "energies": (shape[0], 2), "forces": shape}
    for name, want in expected.items():
        if (name in npz or name == "time") and npz.header(name).shape != want:
            raise InputError(
                f"{npz.path}: {name} has the shape {npz.header(name).shape}; {want} was expected beside positions of "
                f"shape {shape}. Download the file again."
            )
    for name in expected:
        if name in npz and npz.header(name).dtype.kind not in "fiu":
            raise InputError(f"{npz.path}: {name} holds {npz.header(name).dtype}; numbers were expected.")
    return shape[0]


class _Stream:
    """Frames of an NPZ archive, positions and forces side by side."""

    def __init__(
        self,
        npz: Npz,
        molecule: Complex,
        rows: NDArray[np.int64] | None,
        n_frames: int,
        times_ps: NDArray[np.float64],
        steps: NDArray[np.int64] | None,
        energies: NDArray[np.float64] | None,
        has_forces: bool,
        notes: tuple[str, ...],
    ) -> None:
        self.complex = molecule
        self.n_frames: int | None = n_frames
        self.times_ps, self.steps, self.notes = times_ps, steps, notes
        self.energy_terms = _ENERGIES if energies is not None else ()
        self._npz, self._rows, self._energies, self._has_forces = npz, rows, energies, has_forces

    def blocks(self, first: int = 0, stride: int = 1, *, most_bytes: int = 2**25) -> Iterator[FrameBlock]:
        """Frames ``first``, ``first + stride``... in blocks."""
        header = self._npz.header("positions")
        most = max(1, most_bytes // (header.row_bytes * (2 if self._has_forces else 1)))
        forces = self._npz.rows("forces", first, most) if self._has_forces else None
        at = first
        for positions in self._npz.rows("positions", first, most):
            acting = next(forces) if forces is not None else None
            picked = np.arange(-(at - first) % stride, len(positions), stride)
            frames = at + picked
            at += len(positions)
            if len(picked):
                yield FrameBlock(
                    coordinates_nm=self._chosen(positions, picked),
                    times_ps=self.times_ps[frames],
                    forces_kJ_mol_nm=None if acting is None else self._chosen(acting, picked),
                    energies_kJ_mol=None if self._energies is None else self._energies[frames],
                )

    def _chosen(self, values: NDArray[np.floating], picked: NDArray[np.int64]) -> NDArray[np.float32]:
        values = values if len(picked) == len(values) else values[picked]
        return np.ascontiguousarray(values if self._rows is None else values[:, self._rows], dtype=np.float32)

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._npz.close()
