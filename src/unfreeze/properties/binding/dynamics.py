"""What the motion of the partners, bound and free, says of their binding.

Fluctuations are those of the motion model, of the complex and of each partner alone. The entropy is that of the
harmonic ensemble whose springs the model's amplitudes have softened: with the springs across the interface (H_b) and
with those cut (H_a, H_c of the partners alone), the ratio of configuration integrals is exactly

    ln Q = −½ [ln det' H_b − ln det' H_a − ln det' H_c],

where det' fixes the rigid motion of one partner (of both where they are apart) by a linear gauge F q = 0: adding FᵀF to
H does it, and costs six solves by the matrix determinant lemma. Q factors into the six relative rigid motions of the
partners, ½ ln det C with C their covariance in the bound state, and what their inner motion loses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import SuperLU, splu

from unfreeze.model.base_motion import BaseMotion
from unfreeze.model.elasticity import MAX_SOFTNESS
from unfreeze.model.features import block_graph
from unfreeze.model.motion_model import MotionModel
from unfreeze.physics.harmonic import GAS_CONSTANT, HarmonicEnsemble, rigid_motions
from unfreeze.physics.springs import SpringConstants, Springs, find_springs
from unfreeze.properties.binding.partners import PartnerPair
from unfreeze.structure.blocks import Blocks, partition

__all__ = ["PairMotion", "binding_entropy", "dynamics_features"]

_CONTACT_NM = 0.5
_TEMPERATURE_K = 300.0
_COVALENT = 10.0  # chain springs that much stiffer than those of torsions hold covalent geometry


@dataclass(frozen=True, eq=False)
class PairMotion:
    """Motion of two partners, bound and free.

    Attributes
    ----------
    bound, free : float64 [n_residues]
        Logarithm of the RMSF (nm) that the motion model predicts in the complex and of the partner alone.
    base : float64 [n_residues]
        The same of the untrained springs of the complex.
    contacts : int64 [n_contacts, 2]
        Pairs of residues of different partners with atoms within 0.5 nm.
    correlation, spread_nm : float64 [n_contacts]
        Of these pairs in the untrained ensemble: cross-correlation, and standard deviation of their distance.
    """

    bound: NDArray[np.float64]
    free: NDArray[np.float64]
    base: NDArray[np.float64]
    contacts: NDArray[np.int64]
    correlation: NDArray[np.float64]
    spread_nm: NDArray[np.float64]

    @classmethod
    def of(cls, pair: PartnerPair, model: MotionModel) -> PairMotion:
        """Predict, for the complex and for each partner alone."""
        base = BaseMotion.of(pair.molecule)
        bound = _log_rmsf(base, model)
        free = np.empty_like(bound)
        for side in (0, 1):
            free[pair.side == side] = _log_rmsf(BaseMotion.of(pair.apart(side)), model)
        contacts = pair.residue_pairs(_CONTACT_NM)
        return cls(
            bound, free, np.log(base.rmsf_nm), contacts, base.correlations(contacts), base.distance_spreads_nm(contacts)
        )


def dynamics_features(pair: PartnerPair, motion: PairMotion) -> dict[str, float]:
    """Fluctuations of the interface bound and free, entropies of binding, correlations across.

    Entropies are −ln Q, dimensionless (times RT they are free energies): positive opposes binding. Amplitudes are
    logarithms of nm.
    """
    bound, free = motion.bound, motion.free
    interface = np.unique(motion.contacts)
    rest = np.setdiff1d(np.arange(len(bound)), interface)
    found: dict[str, float] = {}
    for name, value in (("bound", bound), ("free", free), ("change", bound - free)):
        found[f"rmsf_{name}_mean"] = float(value[interface].mean())
        found[f"rmsf_{name}_spread"] = float(value[interface].std())
        found[f"rmsf_{name}_rest"] = float(value[rest].mean()) if len(rest) else found[f"rmsf_{name}_mean"]
    freedom = sorted(float(free[interface[pair.side[interface] == side]].mean()) for side in (0, 1))
    found["rmsf_free_least"], found["rmsf_free_most"] = freedom
    found["freezing"] = float((bound - free)[interface].sum())
    found["correlation_mean"] = float(motion.correlation.mean())
    found["contact_spread_nm"] = float(np.median(motion.spread_nm))
    found["loose_contacts"] = float((motion.spread_nm > 0.1).mean())
    softness = np.clip(bound - motion.base, -MAX_SOFTNESS, MAX_SOFTNESS)
    return found | binding_entropy(pair, softness)


def _log_rmsf(base: BaseMotion, model: MotionModel) -> NDArray[np.float64]:
    return np.log(np.maximum(model.predict(block_graph(base)).rmsf_nm, 1e-4))


def binding_entropy(pair: PartnerPair, softness: NDArray[np.float64]) -> dict[str, float]:
    """−ln Q of binding, whole and in parts.

    Parameters
    ----------
    pair
        The partners; every residue is a rigid block.
    softness : float64 [n_residues]
        Springs that are not covalent are multiplied by exp(−(s_a + s_b)).

    Returns
    -------
    dict of str to float
        ``entropy_total``, ``entropy_rigid`` (relative motion of the partners, nm and rad), ``entropy_inner`` (the
        difference), ``entropy_turn`` (rotations alone), and ``stiffness_across``, the logarithm of the summed
        stiffness of springs across (kJ/mol/nm²).
    """
    blocks = partition(pair.molecule)
    springs = _softened(find_springs(pair.molecule, blocks), blocks, softness)
    ends = pair.side[blocks.atom_block[springs.atoms]]
    across = ends[:, 0] != ends[:, 1]
    bound, free = (_factor(pair, blocks, springs, chosen) for chosen in (np.ones(len(across), dtype=bool), ~across))
    middle = pair.molecule.coordinates_nm[np.unique(springs.atoms[across])].mean(axis=0)
    fits = [_fit(blocks, np.flatnonzero(pair.side == one), middle) for one in (0, 1)]
    thermal = GAS_CONSTANT * _TEMPERATURE_K
    total = _log_det(bound) + _log_spread(bound, fits[0])
    total -= _log_det(free) + sum(_log_spread(free, fit) for fit in fits)
    # [kJ/mol]^-6 of the six motions that are bound only: in units of RT
    total -= 6.0 * np.log(thermal)
    relative = fits[1] - fits[0]
    covariance = thermal * (relative @ bound.solve(np.ascontiguousarray(relative.T)))
    rigid, turn = (-0.5 * np.linalg.slogdet(part)[1] for part in (covariance, covariance[3:, 3:]))
    return {
        "entropy_total": 0.5 * float(total),
        "entropy_rigid": float(rigid),
        "entropy_inner": 0.5 * float(total) - float(rigid),
        "entropy_turn": float(turn),
        "stiffness_across": float(np.log(springs.stiffness[across].sum())),
    }


def _softened(springs: Springs, blocks: Blocks, softness: NDArray[np.float64]) -> Springs:
    ends = blocks.atom_block[springs.atoms]
    factor = np.exp(-(softness[ends[:, 0]] + softness[ends[:, 1]]))
    chain = slice(springs.n_contact, springs.n_contact + springs.n_chain)
    covalent = springs.stiffness[chain] > _COVALENT * SpringConstants().torsion
    factor[chain] = np.where(covalent, 1.0, factor[chain])
    return replace(springs, stiffness=springs.stiffness * factor)


def _factor(pair: PartnerPair, blocks: Blocks, springs: Springs, chosen: NDArray[np.bool_]) -> SuperLU:
    kept = replace(springs, atoms=springs.atoms[chosen], stiffness=springs.stiffness[chosen])
    ensemble = HarmonicEnsemble.build(pair.molecule, blocks, kept)
    return splu(ensemble.precision, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def _fit(blocks: Blocks, chosen: NDArray[np.int64], middle_nm: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rigid motion about a point that fits displacements of some blocks best: [6, 6 n_blocks]."""
    centres = blocks.centre_nm[chosen]
    motions = rigid_motions(centres)
    # about the mean of the centres; moved to the point: t' = t + ω × (middle − mean)
    fit = np.linalg.pinv(motions)
    x, y, z = middle_nm - centres.mean(axis=0)
    fit[:3] += np.array([[0.0, z, -y], [-z, 0.0, x], [y, -x, 0.0]]) @ fit[3:]
    found = np.zeros((6, blocks.n_blocks, 6))
    found[:, chosen, :3] = fit.reshape(6, len(chosen), 3)
    return found.reshape(6, -1)


def _log_det(factor: SuperLU) -> float:
    return float(np.log(np.abs(factor.U.diagonal())).sum() + np.log(np.abs(factor.L.diagonal())).sum())


def _log_spread(factor: SuperLU, fit: NDArray[np.float64]) -> float:
    return float(np.linalg.slogdet(fit @ factor.solve(np.ascontiguousarray(fit.T)))[1])
