"""Learned elasticity: springs made stiffer or softer until the ensemble moves as much as the network predicts.

The network predicts the RMSF of every block. Each spring's stiffness is multiplied by exp(−(s_a + s_b)), with one
softness s a block, and the softnesses are found by iteration so that the Gaussian ensemble has the predicted RMSF.
The result is an elastic network like the untrained one: its covariance is positive by construction, rigid motions
stay free, correlations follow from the springs, and drawing from it costs the same. Matching marginal variances by
scaling the precision is iterative proportional fitting (Speed & Kiiveri 1986, Ann. Stat. 14, 138) in the
parameters that a network of springs has.

Amplitudes are estimated from draws. What is matched is the ratio to the untrained ensemble, drawn with the same
random numbers: the errors of the two estimates are nearly the same and cancel.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.base_motion import BaseMotion
from unfreeze.physics.harmonic import HarmonicEnsemble
from unfreeze.physics.springs import SpringConstants, Springs

__all__ = ["MAX_SOFTNESS", "MatchedElasticity", "match_amplitudes"]

MAX_SOFTNESS = 2.5  # |s|; a spring changes by at most e^5
# of the last error; above 1 because a spring is shared by two blocks. A step too far is not kept.
_STEP = 1.3
_MATCHING_DRAWS = 128
_DRAWS_A_CHUNK = 16  # one thread's work; each chunk has random numbers of its own
_SEED = 21
_CLOSE_ENOUGH = 0.02  # no more corrections below this error of log RMSF


@dataclass(frozen=True, eq=False)
class MatchedElasticity:
    """Springs whose ensemble has the RMSF asked for, as nearly as springs can.

    Attributes
    ----------
    springs
        The springs with their new stiffness.
    softness : float64 [n_blocks]
        s of every block: a spring between a and b was multiplied by exp(−(s_a + s_b)).
    ensemble
        The harmonic ensemble of these springs.
    rms_log_error
        Root-mean-square of log(RMSF / asked) over the blocks that were asked for.
    """

    springs: Springs
    softness: NDArray[np.float64]
    ensemble: HarmonicEnsemble
    rms_log_error: float


def match_amplitudes(
    base: BaseMotion,
    rmsf_nm: NDArray[np.floating],
    *,
    wanted: NDArray[np.bool_] | None = None,
    temperature_K: float = 300.0,
    log_factors: NDArray[np.floating] | None = None,
    constants: SpringConstants | None = None,
    initial_softness: float = 0.0,
    n_iterations: int = 5,
    n_threads: int = 1,
) -> MatchedElasticity:
    """Find springs whose ensemble fluctuates as asked.

    Parameters
    ----------
    base
        The complex with its untrained network.
    rmsf_nm
        [n_blocks], RMSF asked of every block's atom at this temperature, nm. It is taken relative to
        ``base.rmsf_nm``, so that the sampling error of that one is not matched.
    wanted
        [n_blocks], blocks that are asked for; the others follow the mean of those they touch. All when None.
    temperature_K
        Temperature of the ensemble.
    log_factors
        [n_springs], logarithms of factors on single springs beforehand; none when None.
    constants
        Spring constants of the untrained network; the calibrated ones when None.
    initial_softness
        Softness of all blocks to begin with; what touches nothing that is asked for keeps it.
    n_iterations
        Most times that the springs are corrected after the first guess; fewer where that hits.
    n_threads
        Threads that draw; the result does not depend on it.
    """
    constants = constants or SpringConstants()
    blocks = base.blocks
    wanted = np.ones(blocks.n_blocks, dtype=bool) if wanted is None else np.asarray(wanted)
    ends = blocks.atom_block[base.springs.atoms]
    bonded = _covalent(base.springs, constants)
    stiffness = base.springs.stiffness if log_factors is None else base.springs.stiffness * np.exp(log_factors)
    log_asked = np.log(np.maximum(np.asarray(rmsf_nm, dtype=np.float64), 1e-4) / base.rmsf_nm)
    softness = np.full(blocks.n_blocks, initial_softness)
    log_now = softness + 0.5 * np.log(temperature_K / 300.0)
    best: MatchedElasticity | None = None
    with ThreadPoolExecutor(max_workers=n_threads) as pool:
        log_base = _log_amplitude(base, base.ensemble, pool)
        for iteration in range(n_iterations + 1):
            if iteration or log_factors is None:
                error = np.where(wanted, log_asked - log_now, 0.0)
                softness = np.clip(softness + _STEP * _spread(error, wanted, ends), -MAX_SOFTNESS, MAX_SOFTNESS)
            factor = np.exp(-(softness[ends[:, 0]] + softness[ends[:, 1]]))
            factor[bonded] = 1.0  # covalent geometry is not a matter of amplitude
            springs = replace(base.springs, stiffness=stiffness * factor)
            ensemble = _tethered(base, springs, softness, constants, temperature_K)
            log_now = _log_amplitude(base, ensemble, pool) - log_base
            left = float(np.sqrt(np.mean((log_asked - log_now)[wanted] ** 2))) if wanted.any() else 0.0
            if best is None or left < best.rms_log_error:
                best = MatchedElasticity(springs, softness, ensemble, left)
            if left < _CLOSE_ENOUGH:
                break
    assert best is not None
    return best


def _log_amplitude(base: BaseMotion, ensemble: HarmonicEnsemble, pool: ThreadPoolExecutor) -> NDArray[np.float64]:
    """Logarithm of the RMSF of every block's atom in a fixed series of draws: [n_blocks], of nm."""
    ensemble.prepare()
    arm = base.points_nm - base.blocks.centre_nm

    def squares(chunk: int) -> NDArray[np.float64]:
        noise = np.random.default_rng([_SEED, chunk]).standard_normal((ensemble.n_noise, _DRAWS_A_CHUNK))
        drawn = ensemble.draw(noise)
        return ((drawn[..., :3] + np.cross(drawn[..., 3:], arm)) ** 2).sum(axis=(0, 2))

    # summed in the order of the chunks, whichever is ready first
    total = sum(pool.map(squares, range(_MATCHING_DRAWS // _DRAWS_A_CHUNK)), np.zeros(base.blocks.n_blocks))
    return 0.5 * np.log(np.maximum(total, 1e-12) / _MATCHING_DRAWS)


def _covalent(springs: Springs, constants: SpringConstants) -> NDArray[np.bool_]:
    """Springs that hold bonds, angles and peptide planes: [n_springs]; they keep their stiffness."""
    chain = np.zeros(len(springs.atoms), dtype=bool)
    chain[springs.n_contact : springs.n_contact + springs.n_chain] = True
    # the soft ones among the chain springs resist torsions, which is a matter of amplitude
    return chain & (springs.stiffness > 10.0 * constants.torsion)


def _spread(error: NDArray[np.float64], wanted: NDArray[np.bool_], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Errors of blocks that are not asked for are the mean of those they touch, zero where they touch none."""
    if wanted.all():
        return error
    total, count = np.zeros(len(error)), np.zeros(len(error))
    for one, other in (ends.T, ends[:, ::-1].T):
        known = wanted[other]
        total += np.bincount(one[known], error[other[known]], minlength=len(error))
        count += np.bincount(one[known], minlength=len(error))
    return np.where(wanted, error, total / np.maximum(count, 1.0))


def _tethered(
    base: BaseMotion, springs: Springs, softness: NDArray[np.float64], constants: SpringConstants, temperature_K: float
) -> HarmonicEnsemble:
    """The ensemble of the springs, with tethers scaled like them."""
    ensemble = HarmonicEnsemble.build(
        base.molecule,
        base.blocks,
        springs,
        temperature_K=temperature_K,
        translation_tether=constants.translation_tether,
        rotation_tether=constants.rotation_tether,
    )
    return replace(ensemble, tether=ensemble.tether * np.exp(-2.0 * softness)[:, None])
