"""Which frames are sound: bonds, chain continuity, chirality, cis peptides, clashes and planarity, frame by frame.

:class:`FrameChecker` is prepared once from the input and then checks any number of frames of it. What was wrong in the
input already is counted but does not fail a frame. Nothing is repaired here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import KDTree

from unfreeze.structure.chemistry.covalent import (
    ideal_bonds,
    ideal_centres,
    ideal_planes,
    metal_atoms,
    peptide_links,
    signed_volumes,
)
from unfreeze.structure.complex import Complex
from unfreeze.structure.frame_validity import FrameValidity
from unfreeze.structure.geometry import torsion_angles

__all__ = ["FrameChecker", "FrameValidity"]

AtomPairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Frame, first atom and second atom of some pairs: [n_pairs] each."""

PEPTIDE_BOND_NM, PEPTIDE_TOLERANCE_NM = 0.1329, 0.010
CA_TRANS_NM, CA_CIS_NM, CA_TOLERANCE_NM = 0.380, 0.295, 0.020
BOND_SIGMAS = 5.0
CLASH_NM = 0.22
RING_CONTACT_NM = 0.25
"""Atoms of one residue that are this close in the input sit across a small ring or cage and are no clash."""
PLANE_TOLERANCE_NM, PLANE_SLACK_NM = 0.010, 0.005
MAX_CA_TRACE_NM = 0.42
ROUNDING_NM = 1e-6
MAX_PAIRS_PER_ATOM = 50
ATOMS_PER_CHUNK = 2_000_000


class FrameChecker:
    """Checks frames of one complex; prepared once from its input coordinates.

    Peptide C-N within 0.1329 ± 0.010 nm; consecutive Cα within 0.02 nm of 0.38 (trans) or 0.295 nm (cis); bond lengths
    within 5 σ of ideal (of the input's own, σ 0.004 nm, where there is no table); amino acids L, other stereocentres
    as in the input; no new cis peptide except before proline; no new pair of heavy atoms under 0.22 nm; planar groups
    within 0.010 nm RMS of their plane, or within 0.005 nm of the input's own. Chain breaks of the input are not
    bridged. Contacts between a metal and N, O, S, Se or a halogen are coordination, never clashes.

    Parameters
    ----------
    system
        The input complex; every atom of a frame in its order.

    Attributes
    ----------
    input_validity : FrameValidity
        The input checked as one frame, every fault counted as new (own cis peptides and clashes too).
    """

    def __init__(self, system: Complex) -> None:
        self._system = system
        self._n_atoms = system.n_atoms
        self._peptides = peptide_links(system)
        self._omega, self._may_be_cis = _omega_atoms(system, self._peptides)
        self._ca_pairs, self._ca_omega = _ca_pairs(system, self._omega)
        bonds = ideal_bonds(system)
        self._bonds = bonds.atoms[bonds.checked]
        self._bond_length = bonds.length_nm[bonds.checked]
        self._bond_limit = BOND_SIGMAS * bonds.sigma_nm[bonds.checked] + ROUNDING_NM
        self._centres = ideal_centres(system, bonds)
        self._planes = ideal_planes(system)
        self._heavy = np.flatnonzero(~np.isin(system.element, ["H", "D"]))
        self._metal = metal_atoms(system)
        self._donor = np.isin(system.element, ["N", "O", "S", "SE", "F", "CL", "BR", "I"])
        self._excluded = _pairs_up_to_1_3(bonds.atoms, system.n_atoms)

        start = np.asarray(system.coordinates_nm, dtype=np.float64)[None]
        n_planes = sum(len(group) for group in self._planes)
        self._plane_limit = np.full(n_planes, PLANE_TOLERANCE_NM)
        self._own: dict[str, NDArray[np.bool_]] = {}
        self.input_validity = self._check(start)
        self._own = {name: faults[0] for name, faults in self._item_faults(start).items()}
        self._plane_limit = np.maximum(PLANE_TOLERANCE_NM, self._out_of_plane(start)[0] + PLANE_SLACK_NM)
        self._own["nonplanar_groups"] = np.zeros(n_planes, dtype=bool)
        self._excluded = np.union1d(self._excluded, self._close_in_input(system))

    def check(self, coordinates_nm: NDArray[np.floating]) -> FrameValidity:
        """Check frames.

        Parameters
        ----------
        coordinates_nm : float [n_frames, n_atoms, 3]
            Coordinates in nm. A frame with a coordinate that is not finite fails in everything.

        Returns
        -------
        FrameValidity
            One row a frame.

        Raises
        ------
        ValueError
            If the shape does not fit the complex.
        """
        frames = np.asarray(coordinates_nm)
        if frames.ndim != 3 or frames.shape[1:] != (self._n_atoms, 3):
            raise ValueError(f"coordinates_nm has shape {frames.shape}, expected (n_frames, {self._n_atoms}, 3)")
        step = max(1, ATOMS_PER_CHUNK // max(1, self._n_atoms))
        starts = range(0, max(1, len(frames)), step)
        return FrameValidity.concatenate([self._check(frames[k : k + step].astype(np.float64)) for k in starts])

    def clashing_pairs(self, coordinates_nm: NDArray[np.floating], distance_nm: float = CLASH_NM) -> AtomPairs:
        """Pairs of atoms closer than a distance that are new to these frames.

        Parameters
        ----------
        coordinates_nm : float [n_frames, n_atoms, 3]
            Finite coordinates in nm.
        distance_nm
            Pairs closer than this count.

        Returns
        -------
        tuple of int64 [n_pairs]
            Frame, first atom and second atom of every pair, in order of frame.
        """
        if len(self._heavy) == 0:
            none = np.zeros(0, dtype=np.int64)
            return none, none, none
        frame, first, second = self._clashes(np.asarray(coordinates_nm, dtype=np.float64), distance_nm)
        order = np.lexsort((second, first, frame))
        return frame[order], first[order], second[order]

    def describe(self, coordinates_nm: NDArray[np.floating]) -> list[str]:
        """Say in words what is wrong with one frame, faults of the input included.

        Parameters
        ----------
        coordinates_nm : float [n_atoms, 3]
            Coordinates in nm.

        Returns
        -------
        list of str
            One text a fault, with the atoms it is about, e.g. ``A:GLY12/C-A:SER13/N is 0.151 nm long``.
        """
        frame = np.asarray(coordinates_nm, dtype=np.float64)[None]
        faults = {name: np.flatnonzero(faulty[0]) for name, faulty in self._item_faults(frame).items()}
        label = self._system.atom_label
        said = []
        for name, pairs in (
            ("bad_peptide_bonds", self._peptides),
            ("bad_consecutive_ca", self._ca_pairs),
            ("bad_bond_lengths", self._bonds),
        ):
            rows = pairs[faults[name]]
            verb = "apart" if name == "bad_consecutive_ca" else "long"
            for (first, second), length in zip(rows.tolist(), _distances(frame, rows)[0].tolist(), strict=True):
                said.append(f"{label(first)}-{label(second)} is {length:.3f} nm {verb}")
        centres = self._centres.atoms[faults["inverted_centres"], 0]
        said += [f"{label(atom)} has the wrong hand" for atom in centres.tolist()]
        omegas = self._omega[faults["new_cis_peptides"]]
        said += [f"{label(row[1])}-{label(row[2])} is a cis peptide bond" for row in omegas.tolist()]
        planes = [group for groups in self._planes for group in groups.tolist()]
        said += [f"the plane around {label(planes[row][0])} is bent" for row in faults["nonplanar_groups"].tolist()]
        _, first, second = self.clashing_pairs(frame)
        gaps = _distances(frame, np.stack([first, second], axis=1))[0].tolist()
        for a, b, gap in zip(first.tolist(), second.tolist(), gaps, strict=True):
            said.append(f"{label(a)} and {label(b)} are {gap:.3f} nm apart, not bonded")
        return said

    def _check(self, frames: NDArray[np.float64]) -> FrameValidity:
        finite = np.asarray(np.isfinite(frames).all(axis=(1, 2)))
        frames = np.where(finite[:, None, None], frames, 0.0)
        faults = self._item_faults(frames)
        own_cis = self._own.get("new_cis_peptides")
        if own_cis is not None:
            faults["new_cis_peptides"] &= ~own_cis
        for name in faults:
            faults[name][~finite] = True
        counts = {name: faulty.sum(axis=1) for name, faulty in faults.items()}
        new_faults = sum(
            ((faulty & ~self._own[name]) if name in self._own else faulty).sum(axis=1)
            for name, faulty in faults.items()
        )
        suspect = finite & (2 * counts["bad_bond_lengths"] > faults["bad_bond_lengths"].shape[1])
        clashes = self._count_clashes(frames, finite, suspect)
        return FrameValidity(
            **counts,
            new_clashes=clashes,
            new_faults=new_faults + clashes + ~finite,
            n_peptide_bonds=len(self._peptides),
            n_consecutive_ca=len(self._ca_pairs),
            n_bonds=len(self._bonds),
            n_centres=len(self._centres.sign),
            n_planar_groups=len(self._plane_limit),
        )

    def _item_faults(self, frames: NDArray[np.float64]) -> dict[str, NDArray[np.bool_]]:
        """Every item of every check that is at fault: [n_frames, n_items] each."""
        cis = np.abs(torsion_angles(*(frames[:, self._omega[:, k]] for k in range(4)))) < np.pi / 2
        ca = _distances(frames, self._ca_pairs)
        with_omega = self._ca_omega >= 0
        is_cis = np.abs(ca - CA_CIS_NM) < np.abs(ca - CA_TRANS_NM)
        is_cis[:, with_omega] = cis[:, self._ca_omega[with_omega]]
        ca_limit = CA_TOLERANCE_NM + ROUNDING_NM
        peptide = np.abs(_distances(frames, self._peptides) - PEPTIDE_BOND_NM)
        volume = signed_volumes(frames, self._centres.atoms)
        return {
            "bad_peptide_bonds": peptide > PEPTIDE_TOLERANCE_NM + ROUNDING_NM,
            "bad_consecutive_ca": np.abs(ca - np.where(is_cis, CA_CIS_NM, CA_TRANS_NM)) > ca_limit,
            "bad_bond_lengths": np.abs(_distances(frames, self._bonds) - self._bond_length) > self._bond_limit,
            "inverted_centres": volume * self._centres.sign <= 0,
            "new_cis_peptides": cis & ~self._may_be_cis,
            "nonplanar_groups": self._out_of_plane(frames) > self._plane_limit + ROUNDING_NM,
        }

    def _out_of_plane(self, frames: NDArray[np.float64]) -> NDArray[np.float64]:
        """RMS distance of every planar group from its best plane in nm: [n_frames, n_groups]."""
        parts = [np.zeros((len(frames), 0))]
        for group in self._planes:
            points = frames[:, group]
            points = points - points.mean(axis=2, keepdims=True)
            spread = np.linalg.eigvalsh(np.einsum("fgki,fgkj->fgij", points, points) / group.shape[1])
            parts.append(np.sqrt(np.maximum(spread[..., 0], 0.0)))
        return np.concatenate(parts, axis=1)

    def _close_pairs(self, frames: NDArray[np.float64], cutoff_nm: float) -> AtomPairs:
        """Frame and atoms of all heavy-atom pairs under a distance, in one tree: frames lie side by side in x."""
        points = frames[:, self._heavy]
        low, high = points[..., 0].min(axis=1), points[..., 0].max(axis=1)
        place = np.concatenate([[0.0], np.cumsum(high - low + 1.0)[:-1]])
        points[..., 0] += (place - low)[:, None]
        tree = KDTree(points.reshape(-1, 3), balanced_tree=False, compact_nodes=False)
        pairs = tree.query_pairs(cutoff_nm, output_type="ndarray").reshape(-1, 2)
        frame = pairs[:, 0] // len(self._heavy)
        atoms = self._heavy[pairs - (frame * len(self._heavy))[:, None]]
        return frame, atoms.min(axis=1), atoms.max(axis=1)

    def _count_clashes(
        self, frames: NDArray[np.float64], whole: NDArray[np.bool_], suspect: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        count = np.zeros(len(frames), dtype=np.int64)
        if len(self._heavy) == 0:
            return count
        # a collapsed frame has up to n² pairs: count those without listing them
        for row in np.flatnonzero(suspect).tolist():
            tree = KDTree(frames[row, self._heavy])
            n_close = (int(tree.count_neighbors(tree, CLASH_NM)) - len(self._heavy)) // 2
            if n_close > MAX_PAIRS_PER_ATOM * len(self._heavy):
                whole = whole & (np.arange(len(frames)) != row)
                count[row] = max(1, n_close - len(self._excluded))
        if whole.any():
            frame, _, _ = self._clashes(frames[whole], CLASH_NM)
            count[whole] = np.bincount(frame, minlength=int(whole.sum()))
        return count

    def _clashes(self, frames: NDArray[np.float64], distance_nm: float) -> AtomPairs:
        """Close pairs that are neither bonded, nor coordination, nor so in the input."""
        frame, first, second = self._close_pairs(frames, distance_nm)
        clash = ~_contains(self._excluded, first * np.int64(self._n_atoms) + second)
        clash &= ~(self._metal[first] & self._donor[second]) & ~(self._donor[first] & self._metal[second])
        return frame[clash], first[clash], second[clash]

    def _close_in_input(self, system: Complex) -> NDArray[np.int64]:
        if len(self._heavy) == 0:
            return np.zeros(0, dtype=np.int64)
        _, first, second = self._close_pairs(system.coordinates_nm[None], RING_CONTACT_NM)
        distance = np.linalg.norm(system.coordinates_nm[first] - system.coordinates_nm[second], axis=1)
        same = system.residue_index[first] == system.residue_index[second]
        keep = same | (distance < CLASH_NM)
        return first[keep] * np.int64(self._n_atoms) + second[keep]


def _omega_atoms(system: Complex, peptides: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """CA, C, N, CA of the peptide bonds that have them, [n, 4], and whether proline follows, [n]."""
    alpha = system.atom_of_residue("CA")
    residues = system.residue_index[peptides]
    omega = np.stack([alpha[residues[:, 0]], peptides[:, 0], peptides[:, 1], alpha[residues[:, 1]]], axis=1)
    proline = system.residue_parent_name[residues[:, 1]] == "PRO"
    whole = (omega >= 0).all(axis=1)
    return omega[whole], proline[whole]


def _ca_pairs(system: Complex, omega: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Consecutive CA, [n, 2], and the row of their omega, [n], -1 for a CA trace without C and N."""
    alpha, carbon, nitrogen = (system.atom_of_residue(name) for name in ("CA", "C", "N"))
    first = np.flatnonzero((np.diff(system.chain_index) == 0) & (alpha[:-1] >= 0) & (alpha[1:] >= 0))
    protein = system.residue_kind == "protein"
    first = first[protein[first] & protein[first + 1]]
    first = first[(carbon[first] < 0) | (nitrogen[first + 1] < 0)]
    trace = np.stack([alpha[first], alpha[first + 1]], axis=1)
    gap = np.linalg.norm(system.coordinates_nm[trace[:, 0]] - system.coordinates_nm[trace[:, 1]], axis=1)
    trace = trace[gap < MAX_CA_TRACE_NM]
    pairs = np.concatenate([omega[:, [0, 3]], trace])
    return pairs, np.concatenate([np.arange(len(omega)), np.full(len(trace), -1)])


def _pairs_up_to_1_3(bonds: NDArray[np.int64], n_atoms: int) -> NDArray[np.int64]:
    """Sorted keys i * n_atoms + j, i < j, of the atoms that are bonded or share a neighbour."""
    ones = np.ones(2 * len(bonds), dtype=np.int32)
    both = np.concatenate([bonds, bonds[:, ::-1]])
    graph = sparse.csr_array((ones, (both[:, 0], both[:, 1])), shape=(n_atoms, n_atoms))
    pairs = (graph + graph @ graph).tocoo()
    upper = pairs.row < pairs.col
    return np.unique(pairs.row[upper].astype(np.int64) * n_atoms + pairs.col[upper].astype(np.int64))


def _contains(sorted_keys: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    if len(sorted_keys) == 0:
        return np.zeros(len(keys), dtype=bool)
    place = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return sorted_keys[place] == keys


def _distances(frames: NDArray[np.float64], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    difference = frames[:, pairs[:, 0]] - frames[:, pairs[:, 1]]
    return np.sqrt(np.einsum("fpi,fpi->fp", difference, difference))
