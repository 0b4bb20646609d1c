"""Docking Benchmark 5.5: ensembles of unbound partners against the bound form, for protocol `bound-from-unbound`.

The benchmark (Vreven et al. 2015, J. Mol. Biol. 427, 3031; Guest et al. 2021, Structure 29, 606) has four files a
complex: receptor and ligand (``r``, ``l``), unbound and bound (``u``, ``b``), all superposed on the bound complex. Here
they become, for every complex, one unbound structure, one bound structure and an ensemble sampled from the former.
"""

from __future__ import annotations

import json
import os
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from unfreeze.errors import InputError
from unfreeze.files.atomic import atomic_path
from unfreeze.sample.generate import sample_ensemble
from unfreeze.structure.complex import Complex
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.merge import merge_complexes
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import write_cif, write_pdb

__all__ = ["GENERATOR", "find_db55", "merge_db55", "prepare_db55"]

GENERATOR = "harmonic"
"""Name of our own ensembles in the tables."""

_PARTS = ("r_u", "l_u", "r_b", "l_b")
_PARTNERS = ("receptor", "ligand")
_LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class _Made:
    """What became of one complex: its error, or nothing."""

    name: str
    error: str = ""


def prepare_db55(
    structures_directory: str | os.PathLike[str],
    output_directory: str | os.PathLike[str],
    *,
    ids: Sequence[str] | None = None,
    n_frames: int = 100,
    timescale_ns: float = 100.0,
    seed: int = 0,
    sample: bool = True,
    ensembles: Mapping[str, str] | None = None,
    n_threads: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write structures, ensembles and a list of targets for ``unfreeze evaluate --targets``.

    What is there already and was made from the same files with the same settings is kept, so that the same call goes
    on where it was stopped. A complex that fails is left out and named in ``failed.json``.

    Parameters
    ----------
    structures_directory
        The unpacked benchmark: a folder with files such as ``1AVX_r_u.pdb``, at any depth.
    output_directory
        Folder to write to: ``ID/unbound.pdb`` (or ``.cif``), ``ID/bound.cif``, ``ID/harmonic`` and ``targets.yaml``.
    ids
        Complexes, such as ``1AVX``; all when None.
    n_frames, timescale_ns, seed, n_threads
        As for :func:`unfreeze.sample.generate.sample_ensemble`.
    sample
        Whether to sample ensembles here; False where only others' are scored.
    ensembles
        Others' ensembles: generator to path, with ``{target}`` for the id.
    progress
        Called with what is being done and the share of complexes that are done.

    Returns
    -------
    Path
        ``targets.yaml``.

    Raises
    ------
    InputError
        If there is no benchmark there, an id is not in it, there is nothing to score, or every complex fails.
    """
    if not sample and not ensembles:
        raise InputError("nothing to score: sample ensembles, or name folders of others' ensembles")
    folder = Path(output_directory)
    found = find_db55(structures_directory)
    chosen = _chosen(found, ids, structures_directory)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for done, name in enumerate(chosen):
        if progress is not None:
            progress(f"Preparing {name}", done / len(chosen))
        try:
            unbound = _write_structures(name, found[name], folder / name)
            if sample:
                _sample(unbound, folder / name / GENERATOR, n_frames, timescale_ns, seed, n_threads)
            made.append(_Made(name))
        except Exception as error:  # of hundreds of complexes one that cannot be done must not take the rest with it
            text = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            made.append(_Made(name, text))
    failed = {item.name: item.error for item in made if item.error}
    _write_text(folder / "failed.json", json.dumps(failed, indent=1, ensure_ascii=False))
    ready = [item.name for item in made if not item.error]
    if not ready:
        name, error = next(iter(failed.items()))
        raise InputError(f"{structures_directory}: none of {len(failed)} complexes could be prepared; {name}: {error}")
    return _write_targets(folder, ready, sample, ensembles or {})


def find_db55(directory: str | os.PathLike[str]) -> dict[str, dict[str, Path]]:
    """The complexes of an unpacked benchmark.

    Parameters
    ----------
    directory
        Folder that holds the files, at any depth.

    Returns
    -------
    dict
        By id, the files ``r_u``, ``l_u``, ``r_b`` and ``l_b``; those that lack one are left out.

    Raises
    ------
    InputError
        If there are none.
    """
    root = Path(directory)
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; unpack the structures of Docking Benchmark 5.5 and name the folder")
    found = {}
    for path in sorted(root.rglob("*_r_u.pdb")):
        name = path.name.removesuffix("_r_u.pdb")
        files = {part: path.with_name(f"{name}_{part}.pdb") for part in _PARTS}
        if all(file.is_file() for file in files.values()):
            found[name] = files
    if not found:
        raise InputError(
            f"{root}: no complexes; files such as 1AVX_r_u.pdb, 1AVX_l_u.pdb, 1AVX_r_b.pdb and 1AVX_l_b.pdb were "
            "expected there"
        )
    return found


def merge_db55(files: Mapping[str, Path]) -> tuple[Complex, Complex]:
    """One complex of the benchmark as it is to be scored.

    Parameters
    ----------
    files
        Its four files.

    Returns
    -------
    unbound : Complex
        Both unbound partners in their places; chains are called A, B, C … in order, the receptor's first.
    bound : Complex
        The bound form; chains are called ``receptor_A``, ``ligand_B`` … after the partner and their own name, by which
        the protocol knows the partners.
    """
    parts = {part: read_complex(path) for part, path in files.items()}
    unbound = [parts["r_u"], parts["l_u"]]
    n_chains = sum(part.n_chains for part in unbound)
    letters = [_LETTERS[at] if n_chains <= len(_LETTERS) else f"C{at}" for at in range(n_chains)]
    bound = [parts["r_b"], parts["l_b"]]
    names = [f"{partner}_{chain}" for partner, part in zip(_PARTNERS, bound, strict=True) for chain in part.chain_name]
    return merge_complexes(unbound, letters, "unbound"), merge_complexes(bound, names, "bound")


def _chosen(found: Mapping[str, Any], ids: Sequence[str] | None, directory: str | os.PathLike[str]) -> list[str]:
    if ids is None:
        return list(found)
    wanted = list(dict.fromkeys(ids))
    unknown = [name for name in wanted if name not in found]
    if unknown or not wanted:
        raise InputError(
            f"{directory}: no complex {', '.join(unknown) or 'named'}; it has {len(found)}, such as "
            f"{', '.join(list(found)[:5])}"
        )
    return wanted


def _write_structures(name: str, files: Mapping[str, Path], folder: Path) -> Path:
    """Write both forms unless they are there, made from the same files; the path of the unbound one."""
    stamp = {part: sha256(path.read_bytes()).hexdigest() for part, path in files.items()}
    record = folder / "structures.json"
    try:
        document = json.loads(record.read_text(encoding="utf-8"))
        unbound = folder / document["unbound"]
        if document["sources"] == stamp and unbound.is_file() and (folder / "bound.cif").is_file():
            return unbound
    except (OSError, ValueError, KeyError, TypeError):
        pass  # absent or of another kind: written anew
    folder.mkdir(parents=True, exist_ok=True)
    molecule, bound = merge_db55(files)
    write_cif(folder / "bound.cif", bound)
    unbound = folder / "unbound.pdb"
    try:
        write_pdb(unbound, molecule)
    except InputError:  # the format cannot hold it
        unbound = folder / "unbound.cif"
        write_cif(unbound, molecule)
    _write_text(record, json.dumps({"complex": name, "unbound": unbound.name, "sources": stamp}, indent=1))
    return unbound


def _sample(unbound: Path, folder: Path, n_frames: int, timescale_ns: float, seed: int, n_threads: int | None) -> None:
    """Sample an ensemble unless the one that is there is the same."""
    molecule = read_complex(unbound)
    try:
        record = Ensemble.load(folder).record
        same = (record["input"]["sha256"], record["seed"], record["n_frames"], record["conditions"]["timescale_ns"])
        if same == (molecule.source.sha256, seed, n_frames, timescale_ns):
            return
    except (InputError, KeyError, TypeError):
        pass  # absent or damaged: sampled anew
    ensemble = sample_ensemble(
        molecule, GENERATOR, n_frames=n_frames, timescale_ns=timescale_ns, seed=seed, n_threads=n_threads
    )
    ensemble.save(folder, force=True)


def _write_targets(folder: Path, names: Sequence[str], sample: bool, ensembles: Mapping[str, str]) -> Path:
    import yaml

    sources: dict[str, str] = {generator: os.path.abspath(path) for generator, path in ensembles.items()}
    if sample:
        sources = {GENERATOR: f"{{target}}/{GENERATOR}", **sources}
    document: dict[str, Any] = {"protocol": "bound-from-unbound"}
    document["targets"] = [
        {
            "name": name,
            "reference": f"{name}/bound.cif",
            "ensembles": {generator: path.replace("{target}", name) for generator, path in sources.items()},
        }
        for name in names
    ]
    path = folder / "targets.yaml"
    _write_text(path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    return path


def _write_text(path: Path, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
