"""`sample_ensemble`: exactly the frames asked for, each of them checked, and the record of how they were made.

Frames are made in batches by a few threads. A draw that fails its checks is eased around its faults; if that does not
do, the frame is drawn again, and after several whole draws with smaller displacements. Each is counted.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from unfreeze.errors import InputError, UnfreezeError
from unfreeze.model.motion_model import MotionModel
from unfreeze.physics.springs import SpringConstants
from unfreeze.sample.centre import Average, centre_of
from unfreeze.sample.learned import choose_model, learn
from unfreeze.sample.record import make_record
from unfreeze.sample.sampler import ATTEMPTS, HarmonicSampler
from unfreeze.sample.side_chains import SideChainDraws
from unfreeze.structure.complex import Complex
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.frame_validity import FrameValidity

__all__ = ["sample_ensemble"]

_ATOMS_A_BATCH = 200_000  # atoms times frames that one thread works on at a time; bounds memory
_MAX_FRAMES_A_BATCH = 20
_TEMPERATURES_K = (1.0, 1000.0)
_TIMESCALES_NS = (1e-3, 1e6)

Progress = Callable[[str, float], None]
_Made = tuple[NDArray[np.float32], FrameValidity, NDArray[np.bool_], NDArray[np.int64]]


def sample_ensemble(
    molecule: Complex,
    model: MotionModel | str | Path | None = None,
    *,
    n_frames: int = 250,
    temperature_K: float = 300.0,
    timescale_ns: float = 100.0,
    seed: int = 0,
    around: Average | None = None,
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
    model
        A trained model, a file of weights, or ``"harmonic"`` for the untrained springs. When None, the model that
        comes with the package; where there is none, the untrained springs, and a warning in the record says so.
    n_frames
        Number of frames, exactly.
    temperature_K
        Temperature.
    timescale_ns
        Observation time: slower motion is not in the ensemble.
    seed
        The same seed gives the same frames, whatever the number of threads or the size of a batch, and the first
        frames of a longer ensemble are those of a shorter one.
    around
        An average of frames that are known (:func:`unfreeze.sample.centre.average_of`), which the ensemble has its
        middle at; the complex itself when None. Springs are those of the complex either way.
    constants
        Constants of the untrained springs; the calibrated ones when None. A trained model has its own.
    progress
        Called with a stage and the share of it that is done.
    n_threads
        Threads; as many as there are processors, at most eight, when None.
    frames_a_batch
        Frames a thread makes at a time; chosen by size when None.

    Raises
    ------
    InputError
        If a number is out of range, the complex is empty, or a file of weights cannot be used.
    """
    optional = {"number of threads": n_threads, "number of frames a batch": frames_a_batch}
    extra = [(name, value, 1) for name, value in optional.items() if value is not None]
    _check_arguments(molecule, n_frames, temperature_K, timescale_ns, seed, extra)
    chosen, notes = choose_model(model, molecule)
    if chosen is not None and constants is not None:
        raise InputError("spring constants go with the model 'harmonic' only; leave them out, or choose that model")
    say = progress or (lambda stage, share: None)
    threads = n_threads or min(os.cpu_count() or 1, 8)
    fair = max(1, n_frames // (4 * threads))  # so that no thread waits long for another at the end
    batch = frames_a_batch or int(np.clip(min(_ATOMS_A_BATCH // molecule.n_atoms, fair), 2, _MAX_FRAMES_A_BATCH))
    # every thread is its own worker: the linear algebra below must not start more
    with threadpool_limits(limits=1):
        say("Building the springs", 0.0)
        learned = None
        if chosen is None:
            sampler = HarmonicSampler.build(
                molecule, temperature_K=temperature_K, timescale_ns=timescale_ns, constants=constants
            )
        else:
            learned = learn(
                molecule,
                chosen,
                temperature_K=temperature_K,
                timescale_ns=timescale_ns,
                n_threads=threads,
                progress=say,
            )
            matched = learned.matched
            side_chains = None
            if chosen.flow is not None:
                side_chains = SideChainDraws.of(
                    molecule,
                    learned.base.blocks,
                    learned.graph,
                    chosen.flow,
                    temperature_K=temperature_K,
                    timescale_ns=timescale_ns,
                )
            sampler = HarmonicSampler.of(molecule, learned.base.blocks, matched.springs, matched.ensemble, side_chains)
        if around is not None:
            sampler = replace(sampler, centre=centre_of(molecule, sampler.blocks, around))
        frames, validity, attempts, eased, n_turned = _draw_all(sampler, n_frames, seed, batch, threads, say)
    checks = {
        "n_frames_drawn": int(n_frames + attempts.sum()),
        "n_frames_replaced": int((attempts > 0).sum()),
        "n_frames_damped": int((np.array(ATTEMPTS)[attempts] < 1.0).sum()),
        "n_frames_eased": int(eased.sum()),
        "n_frames_still": int((np.array(ATTEMPTS)[attempts] == 0.0).sum()),
        "side_chains_drawn_share": None,
        **validity.summary(),
        "input": sampler.checker.input_validity.summary(),
    }
    if sampler.side_chains is not None:
        checks["side_chains_drawn_share"] = float(n_turned.mean()) / len(sampler.side_chains.side_chains)
    record = make_record(
        sampler,
        learned,
        temperature_K=temperature_K,
        timescale_ns=timescale_ns,
        seed=seed,
        constants=constants or SpringConstants(),
        checks=checks,
        notes=notes,
    )
    return Ensemble(molecule, frames, None, record, None if learned is None else learned.fluctuations())


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
) -> tuple[NDArray[np.float32], FrameValidity, NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Frames, their validity, the attempt of each, whether it was eased, side chains drawn; in order of number."""
    frames = np.empty((n_frames, sampler.molecule.n_atoms, 3), dtype=np.float32)
    attempts = np.zeros(n_frames, dtype=np.int64)
    eased = np.zeros(n_frames, dtype=bool)
    n_turned = np.zeros(n_frames, dtype=np.int64)
    kept: list[FrameValidity] = []
    kept_numbers: list[NDArray[np.int64]] = []
    missing = np.arange(n_frames)
    for attempt in range(len(ATTEMPTS)):
        parts = [missing[k : k + batch] for k in range(0, len(missing), batch)]
        failed: list[NDArray[np.int64]] = []
        done = 0
        say("Drawing frames" if attempt == 0 else "Replacing frames that fail", 0.0)
        with ThreadPoolExecutor(max_workers=n_threads) as pool:
            waiting: dict[Future[_Made], NDArray[np.int64]] = {
                pool.submit(sampler.frames, part, seed=seed, attempt=attempt): part for part in parts
            }
            try:
                while waiting:
                    finished, _ = wait(waiting, return_when=FIRST_COMPLETED, timeout=0.2)
                    for future in finished:
                        part = waiting.pop(future)
                        made, validity, was_eased, turned = future.result()
                        good = np.flatnonzero(validity.passes)
                        frames[part[good]] = made[good]
                        attempts[part[good]] = attempt
                        eased[part[good]] = was_eased[good]
                        n_turned[part[good]] = turned[good]
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
    return frames, FrameValidity.concatenate(kept).take(order), attempts, eased, n_turned
