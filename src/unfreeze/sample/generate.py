"""`sample_ensemble`: exactly the frames asked for, each of them checked, and the record of how they were made.

Frames are made in batches by a few threads. A draw that fails its checks is eased around its faults; if that does not
do, the frame is drawn again, and after several whole draws with smaller displacements. Each is counted.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from unfreeze import __version__
from unfreeze.errors import InputError, UnfreezeError
from unfreeze.physics.springs import SpringConstants
from unfreeze.physics.timescale import REFERENCE_TIME_NS, TIME_EXPONENT, stiffness_scale
from unfreeze.sample.sampler import ATTEMPTS, HarmonicSampler
from unfreeze.structure.complex import Complex
from unfreeze.structure.ensemble import ENSEMBLE_SCHEMA, Ensemble
from unfreeze.structure.frame_validity import FrameValidity

__all__ = ["sample_ensemble"]

_ATOMS_A_BATCH = 200_000  # atoms times frames that one thread works on at a time; bounds memory
_MAX_FRAMES_A_BATCH = 20
_TEMPERATURES_K = (1.0, 1000.0)
_TIMESCALES_NS = (1e-3, 1e6)

Progress = Callable[[str, float], None]


def sample_ensemble(
    molecule: Complex,
    *,
    n_frames: int = 250,
    temperature_K: float = 300.0,
    timescale_ns: float = 100.0,
    seed: int = 0,
    constants: SpringConstants | None = None,
    progress: Progress | None = None,
    n_threads: int | None = None,
    frames_a_batch: int | None = None,
) -> Ensemble:
    """Draw the thermal ensemble of a complex.

    Parameters
    ----------
    molecule
        The complex; its coordinates are the reference structure.
    n_frames
        Number of frames, exactly.
    temperature_K
        Temperature.
    timescale_ns
        Observation time: slower motion is not in the ensemble.
    seed
        The same seed gives the same frames, whatever the number of threads or the size of a batch, and the first
        frames of a longer ensemble are those of a shorter one.
    constants
        Spring constants; the calibrated ones when None.
    progress
        Called with a stage and the share of it that is done.
    n_threads
        Threads; as many as there are processors, at most eight, when None.
    frames_a_batch
        Frames a thread makes at a time; chosen by size when None.

    Raises
    ------
    InputError
        If a number is out of range or the complex is empty.
    """
    optional = {"number of threads": n_threads, "number of frames a batch": frames_a_batch}
    extra = [(name, value, 1) for name, value in optional.items() if value is not None]
    _check_arguments(molecule, n_frames, temperature_K, timescale_ns, seed, extra)
    say = progress or (lambda stage, share: None)
    threads = n_threads or min(os.cpu_count() or 1, 8)
    fair = max(1, n_frames // (4 * threads))  # so that no thread waits long for another at the end
    batch = frames_a_batch or int(np.clip(min(_ATOMS_A_BATCH // molecule.n_atoms, fair), 2, _MAX_FRAMES_A_BATCH))
    # every thread is its own worker: the linear algebra below must not start more
    with threadpool_limits(limits=1):
        say("Building the springs", 0.0)
        sampler = HarmonicSampler.build(
            molecule, temperature_K=temperature_K, timescale_ns=timescale_ns, constants=constants
        )
        frames, validity, attempts, eased = _draw_all(sampler, n_frames, seed, batch, threads, say)
    checks = {
        "n_frames_drawn": int(n_frames + attempts.sum()),
        "n_frames_replaced": int((attempts > 0).sum()),
        "n_frames_damped": int((np.array(ATTEMPTS)[attempts] < 1.0).sum()),
        "n_frames_eased": int(eased.sum()),
        "n_frames_still": int((np.array(ATTEMPTS)[attempts] == 0.0).sum()),
        **validity.summary(),
        "input": sampler.checker.input_validity.summary(),
    }
    record = _record(sampler, temperature_K, timescale_ns, seed, constants or SpringConstants(), checks)
    return Ensemble(molecule, frames, None, record)


def _check_arguments(
    molecule: Complex,
    n_frames: int,
    temperature_K: float,
    timescale_ns: float,
    seed: int,
    extra: list[tuple[str, int, int]],
) -> None:
    if molecule.n_atoms == 0:
        raise InputError("the complex has no atoms; nothing can be sampled")
    if not np.isfinite(molecule.coordinates_nm).all():
        raise InputError("the complex has coordinates that are not finite numbers; nothing can be sampled")
    for name, count, least in (("number of frames", n_frames, 1), ("seed", seed, 0), *extra):
        if not isinstance(count, (int, np.integer)) or count < least:
            raise InputError(f"the {name} is {count}, expected a whole number of {least} or more")
    for name, value, (low, high) in (
        ("temperature (K)", temperature_K, _TEMPERATURES_K),
        ("timescale (ns)", timescale_ns, _TIMESCALES_NS),
    ):
        if not low <= value <= high:
            raise InputError(f"the {name} is {value:g}, expected {low:g} to {high:g}")


def _draw_all(
    sampler: HarmonicSampler, n_frames: int, seed: int, batch: int, n_threads: int, say: Progress
) -> tuple[NDArray[np.float32], FrameValidity, NDArray[np.int64], NDArray[np.bool_]]:
    """Frames, their validity, the attempt that each took and whether it was eased, in order of number."""
    frames = np.empty((n_frames, sampler.molecule.n_atoms, 3), dtype=np.float32)
    attempts = np.zeros(n_frames, dtype=np.int64)
    eased = np.zeros(n_frames, dtype=bool)
    kept: list[FrameValidity] = []
    kept_numbers: list[NDArray[np.int64]] = []
    missing = np.arange(n_frames)
    for attempt in range(len(ATTEMPTS)):
        parts = [missing[k : k + batch] for k in range(0, len(missing), batch)]
        failed: list[NDArray[np.int64]] = []
        done = 0
        say("Drawing frames" if attempt == 0 else "Replacing frames that fail", 0.0)
        with ThreadPoolExecutor(max_workers=n_threads) as pool:
            waiting: dict[Future[tuple[NDArray[np.float32], FrameValidity, NDArray[np.bool_]]], NDArray[np.int64]] = {
                pool.submit(sampler.frames, part, seed=seed, attempt=attempt): part for part in parts
            }
            try:
                while waiting:
                    finished, _ = wait(waiting, return_when=FIRST_COMPLETED, timeout=0.2)
                    for future in finished:
                        part = waiting.pop(future)
                        made, validity, was_eased = future.result()
                        good = np.flatnonzero(validity.passes)
                        frames[part[good]] = made[good]
                        attempts[part[good]] = attempt
                        eased[part[good]] = was_eased[good]
                        kept.append(validity.take(good))
                        kept_numbers.append(part[good])
                        failed.append(part[~validity.passes])
                        done += len(part)
                        say("Drawing frames" if attempt == 0 else "Replacing frames that fail", done / len(missing))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        missing = np.sort(np.concatenate(failed))
        if len(missing) == 0:
            break
    if len(missing):
        # the last attempt is the reference structure itself, which has no fault that is not its own
        raise UnfreezeError(f"{len(missing)} of {n_frames} frames could not be made valid, which should not happen")
    order = np.argsort(np.concatenate(kept_numbers))
    return frames, FrameValidity.concatenate(kept).take(order), attempts, eased


def _record(
    sampler: HarmonicSampler,
    temperature_K: float,
    timescale_ns: float,
    seed: int,
    constants: SpringConstants,
    checks: dict[str, Any],
) -> dict[str, Any]:
    molecule = sampler.molecule
    source = asdict(molecule.source)
    return {
        "schema": ENSEMBLE_SCHEMA,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "unfreeze_version": __version__,
        "versions": {"python": platform.python_version(), **_versions("numpy", "scipy", "gemmi", "mdtraj")},
        "input": {
            **source,
            "chains": [str(name) for name in molecule.chain_name],
            "n_residues": molecule.n_residues,
            "n_atoms": molecule.n_atoms,
        },
        "conditions": {
            "temperature_K": float(temperature_K),
            "timescale_ns": float(timescale_ns),
            "force_field": None,
            "solvent": "implicit in the springs",
        },
        "model": {
            "name": "harmonic",
            "parameters": {
                **asdict(constants),
                "stiffness_scale": stiffness_scale(timescale_ns),
                "time_exponent": TIME_EXPONENT,
                "reference_time_ns": REFERENCE_TIME_NS,
                "n_blocks": sampler.blocks.n_blocks,
                "n_springs": len(sampler.springs.atoms),
                "n_bridge_springs": sampler.springs.n_bridge,
            },
        },
        "seed": int(seed),
        "checks": checks,
        "warnings": _warnings(sampler, temperature_K, timescale_ns, checks),
    }


def _versions(*names: str) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a package put on the path by hand has no metadata
            found[name] = "unknown"
    return found


def _warnings(sampler: HarmonicSampler, temperature_K: float, timescale_ns: float, checks: dict[str, Any]) -> list[str]:
    said = []
    source = sampler.molecule.source
    if source.missing_residues:
        named = ", ".join(source.missing_residues[:6]) + (" …" if len(source.missing_residues) > 6 else "")
        said.append(
            f"{len(source.missing_residues)} residues are absent from the input ({named}); chain ends at a gap "
            "move as if they were free."
        )
    if source.missing_atoms:
        named = "; ".join(source.missing_atoms[:4]) + (" …" if len(source.missing_atoms) > 4 else "")
        said.append(f"{len(source.missing_atoms)} residues lack heavy atoms ({named}).")
    if sampler.springs.n_bridge:
        said.append(
            "Some parts of the input touch nothing else and are held by a few weak springs; how they move against "
            "the rest is a guess."
        )
    if checks["n_frames_still"]:
        said.append(
            f"{checks['n_frames_still']} frames are the input itself and do not move: every draw failed the checks, "
            "probably because of a fault in the input; repair it, or do not take these frames for motion."
        )
    damped = checks["n_frames_damped"] - checks["n_frames_still"]
    if damped:
        said.append(
            f"{damped} frames were drawn with smaller displacements because whole ones failed the "
            "checks repeatedly; their motion is too small."
        )
    if not 250.0 <= temperature_K <= 400.0:
        said.append(f"{temperature_K:g} K is outside 250 to 400 K; a harmonic model does not unfold or freeze.")
    if not 0.1 <= timescale_ns <= 10_000.0:
        said.append(
            f"{timescale_ns:g} ns is outside 0.1 ns to 10 µs, the range in which the amplitude was calibrated or "
            "is close to it."
        )
    return said
