"""Looking at every frame on its way into a corpus: numbers that are none, torn molecules, hands, copies; with mends.

Counts are kept over all blocks; what cannot be mended raises `InputError` with the frame and the atom.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.importing.mend import Mender
from unfreeze.corpus.importing.molecule import TORN_SLACK_NM, Expected
from unfreeze.errors import InputError

__all__ = ["FrameWatch"]

_LARGEST_NM = 1e4
_MOST_ALIKE = 25  # frames in a row
_JUMP_NM = 3.0
_LEAST_BONDS = 10
_STRETCH = 0.15  # of bonds on the average; heat makes a hundredth of that
_INVERTED_SHARE = 1e-3
_MIRROR_SHARE = 0.5
_CIS_SHARE = 0.2
_NAMED = 6


class FrameWatch:
    """Looks at frames in order, and mends them.

    Parameters
    ----------
    expected
        What frames must look like.
    name
        What messages call the trajectory.
    is_dynamics
        False for sets of structures: their frames have no order, and faults of geometry are counted, not refused.
    factor, box_factor
        What coordinates and boxes are multiplied by first.
    first_frame, stride
        Number of the first frame in the source, and every which is taken; for messages.

    Attributes
    ----------
    n_frames
        Looked at so far.
    """

    def __init__(
        self,
        expected: Expected,
        name: str,
        *,
        is_dynamics: bool = True,
        factor: float = 1.0,
        box_factor: float = 1.0,
        first_frame: int = 0,
        stride: int = 1,
    ) -> None:
        self._expected = expected
        self._name = name
        self._is_dynamics = is_dynamics
        self._factor = np.float32(factor)
        self._box_factor = np.float32(box_factor)
        self._first, self._stride = first_frame, stride
        self._mender = Mender(expected)
        self._longest = expected.length_nm + np.float32(TORN_SLACK_NM)
        self._squares = float((expected.length_nm.astype(np.float64) ** 2).sum())
        self._previous = np.full((expected.complex.n_atoms, 3), np.nan, dtype=np.float32)
        self._apart: NDArray[np.float32] | None = None
        self._inverted = np.zeros(len(expected.centres), dtype=np.int64)
        self._first_inverted = np.full(len(expected.centres), -1, dtype=np.int64)
        self._cis = np.zeros(len(expected.omegas), dtype=np.int64)
        self._n_alike = self._run = self._longest_run = 0
        self._n_torn = 0
        self._farthest = np.zeros(len(expected.joined))
        self.n_frames = 0

    def look_at(
        self, frames: NDArray[np.float32], box_nm: NDArray[np.float32] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Look at a block, [n, n_atoms, 3], with its boxes, [n, 3, 3]: the same in nm, mended.

        Raises
        ------
        InputError
            If a frame cannot be taken.
        """
        if self._factor != 1:
            frames = frames * self._factor
        if box_nm is not None and self._box_factor != 1:
            box_nm = box_nm * self._box_factor
        if not (frames.flags.writeable and frames.flags.c_contiguous):
            frames = np.array(frames, order="C")
        n, expected = len(frames), self._expected
        wrong, torn, same, apart, stretch = self._loop(frames)
        if (wrong >= 0).any():
            self._refuse_number(frames, wrong)
        self._count_alike(same)
        # Before anything is moved: the next block is compared with what was read.
        last = frames[-1].copy()
        cut = np.flatnonzero(torn >= 0)
        if len(cut):
            self._mend_torn(frames, box_nm, cut, torn, apart, stretch)
        self._check_stretch(stretch)
        if len(expected.joined) and self._is_dynamics:
            if box_nm is not None:
                apart = self._mender.bring_together(frames, box_nm)
            self._check_jumps(apart, has_box=box_nm is not None)
        if len(expected.joined):
            self._farthest = np.maximum(self._farthest, apart.max(axis=0, initial=0.0))
        self._previous = last
        self.n_frames += n
        return frames, box_nm

    def close(self) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
        """Measures over all frames, what was mended, and remarks.

        Raises
        ------
        InputError
            If too many frames have a wrong hand or wrong peptide bonds.
        """
        expected, complex = self._expected, self._expected.complex
        quality: dict[str, Any] = {"frames_checked": self.n_frames}
        notes: list[str] = []
        self.check_hands(final=True)
        changed = expected.sign != expected.expected_sign
        if changed.any():
            residues = self._residues(expected.centres[changed, 0])
            quality["other_hand_than_L"] = residues
            notes.append(f"In the reference already, {', '.join(residues[:_NAMED])} are not of the usual hand (L).")
        if len(self._inverted):
            quality["frames_with_inverted_centre"] = int(self._inverted.max())
        if len(expected.omegas) and self.n_frames:
            share = self._cis / self.n_frames
            quality["cis_peptides_in_reference"] = int(expected.is_cis.sum())
            quality["new_cis_share"] = round(float(share.mean()), 6)
            if share.mean() > _CIS_SHARE and self._is_dynamics and self.n_frames > 1:
                raise InputError(
                    f"{self._name}: {100 * share.mean():.0f} % of peptide bonds are cis that are trans in the "
                    "topology: the structure is broken, or the atoms are not in the order of the topology."
                )
            new = np.flatnonzero(share > 0.01)
            if len(new):
                names = [complex.residue_label(int(complex.residue_index[expected.omegas[at, 2]])) for at in new]
                quality["new_cis"] = dict(zip(names[:20], np.round(share[new], 4).tolist(), strict=False))
                notes.append(f"Peptide bonds before {', '.join(names[:_NAMED])} become cis.")
        if self._n_alike:
            quality["frames_like_the_one_before"] = self._n_alike
            if self._is_dynamics:
                notes.append(f"{self._n_alike} frames equal the frame before.")
        if self._n_torn:
            quality["frames_with_long_bonds"] = self._n_torn
            notes.append(f"{self._n_torn} frames have bonds that are far too long.")
        far = (self._farthest > expected.distance_nm + 2.0) & ~expected.is_small
        if far.any() and self._is_dynamics:
            quality["farthest_apart_nm"] = round(float(self._farthest[far].max()), 3)
            notes.append(
                f"Molecules come apart, to {self._farthest[far].max():.1f} nm between the sides that face each other."
            )
        quality["frames_made_whole"] = self._mender.n_made_whole
        quality["frames_brought_together"] = self._mender.n_brought_together
        return quality, self._mender.sentences(self.n_frames), tuple(notes)

    def check_hands(self, *, final: bool = False) -> None:
        """Refuse mirror images, and at the end centres that change their hand.

        Raises
        ------
        InputError
            Naming residues.
        """
        expected, n = self._expected, max(self.n_frames, 1)
        if len(self._inverted) == 0:
            return
        mirrored = self._inverted > n / 2
        if mirrored.mean() > _MIRROR_SHARE and len(mirrored) > 1:
            raise InputError(
                f"{self._name}: {int(mirrored.sum())} of {len(mirrored)} stereocentres have the other hand than in the "
                "topology: the frames are a mirror image (an axis turned round, or two axes exchanged). Write the "
                "trajectory again."
            )
        own = expected.sign != expected.expected_sign
        if own.mean() > _MIRROR_SHARE and len(own) > 1:
            raise InputError(
                f"{self._name}: {int(own.sum())} of {len(own)} amino acids are D in the topology where their names are "
                "those of L: it is a mirror image. Write topology and trajectory again, or name D-amino acids so."
            )
        if not final or not self._is_dynamics:
            return
        wrong = np.flatnonzero(self._inverted > max(1.0, _INVERTED_SHARE * n))
        if n == 1 or len(wrong) == 0:
            wrong = np.flatnonzero(self._inverted >= n) if n <= 2 else wrong
        if len(wrong):
            names = self._residues(expected.centres[wrong, 0])
            frame = self._number(int(self._first_inverted[wrong[0]]))
            raise InputError(
                f"{self._name}: {', '.join(names[:_NAMED])}{' and others' if len(names) > _NAMED else ''} have the "
                f"other hand than in the topology in up to {int(self._inverted[wrong].max()):,} of {n:,} frames (first "
                f"in frame {frame}): a stereocentre does not turn over in a simulation. Leave these frames out, or "
                "give the topology that the simulation began from."
            )

    def _loop(self, frames: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
        from unfreeze.corpus.importing.frame_kernels import look_at_frames

        expected, n = self._expected, len(frames)
        wrong, torn = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
        same = np.zeros(n, dtype=bool)
        apart = np.zeros((n, len(expected.joined)), dtype=np.float32)
        first = np.full(len(expected.centres), -1, dtype=np.int64)
        squares = np.zeros(n)
        look_at_frames(
            frames, self._previous, _LARGEST_NM, expected.bonds, self._longest, expected.centres, expected.sign,
            expected.omegas, expected.is_cis, expected.anchors, wrong, torn, same, self._inverted, first, self._cis,
            apart, squares,
        )  # fmt: skip
        new = (first >= 0) & (self._first_inverted < 0)
        self._first_inverted[new] = self.n_frames + first[new]
        stretch = np.sqrt(squares / self._squares) if len(expected.bonds) >= _LEAST_BONDS else np.ones(n)
        return wrong, torn, same, apart, np.where((wrong < 0) & (torn < 0), stretch, 1.0)

    def _mend_torn(
        self,
        frames: NDArray[np.float32],
        box_nm: NDArray[np.float32] | None,
        cut: NDArray[np.int64],
        torn: NDArray[np.int64],
        apart: NDArray[np.float32],
        stretch: NDArray[np.float64],
    ) -> None:
        """Make frames whole, look at them again, and refuse those that are torn still."""
        if not self._is_dynamics:
            self._n_torn += len(cut)
            return
        still = cut[0], torn[cut[0]]
        if box_nm is not None:
            self._mender.make_whole(frames, box_nm, cut)
            previous, self._previous = self._previous, np.full_like(self._previous, np.nan)
            again = np.ascontiguousarray(frames[cut])
            _, left, _, apart[cut], stretch[cut] = self._loop(again)
            self._previous = previous
            if (left < 0).all():
                return
            at = int(np.argmax(left >= 0))
            still = cut[at], left[at]
        frame, bond = (int(value) for value in still)
        one, other = self._expected.bonds[bond]
        length = float(np.linalg.norm(frames[frame, one] - frames[frame, other]))
        label = self._expected.complex.atom_label
        why = (
            "and the file has no periodic box to make the molecule whole with"
            if box_nm is None
            else "and the periodic box does not make the molecule whole (a box of another frame, or turned frames)"
        )
        raise InputError(
            f"{self._name}: frame {self._number(frame + self.n_frames)}: {label(int(one))} and {label(int(other))} are "
            f"bound and {length:.2f} nm apart, {why}. Make molecules whole first (gmx trjconv -pbc mol, or unwrap and "
            "image with MDAnalysis or cpptraj)."
        )

    def _check_jumps(self, apart: NDArray[np.float32], *, has_box: bool) -> None:
        """Refuse molecules that jump between images when there is no box to tell the image by."""
        before = apart[:1] if self._apart is None else self._apart[None]
        jumps = np.abs(np.diff(np.concatenate([before, apart]), axis=0))
        self._apart = apart[-1].copy()
        jumps[:, self._expected.is_small] = 0
        if has_box or not (jumps > _JUMP_NM).any():
            return
        frame, row = (int(value) for value in np.argwhere(jumps > _JUMP_NM)[0])
        one, other = self._expected.joined[row]
        names = [self._chain(int(at)) for at in (one, other)]
        raise InputError(
            f"{self._name}: frame {self._number(self.n_frames + frame)}: the distance of {names[0]} and {names[1]} "
            f"changes by {jumps[frame, row]:.1f} nm from the frame before: periodic images, and the file has no box to "
            "bring them together with. Make the complex whole first (gmx trjconv -pbc cluster)."
        )

    def _check_stretch(self, stretch: NDArray[np.float64]) -> None:
        """Refuse frames of another scale, in which no single bond is torn."""
        wrong = np.flatnonzero(np.abs(stretch - 1) > _STRETCH)
        if len(wrong) == 0 or not self._is_dynamics:
            return
        at = int(wrong[0])
        much = f"{100 * abs(stretch[at] - 1):.0f} % too {'long' if stretch[at] > 1 else 'short'}"
        raise InputError(
            f"{self._name}: frame {self._number(self.n_frames + at)}: all bonds together are {much} ({len(wrong)} such "
            "frames near this one): the frame is damaged, or the simulation blew up. Leave these frames out and write "
            "the trajectory again."
        )

    def _count_alike(self, same: NDArray[np.bool_]) -> None:
        self._n_alike += int(same.sum())
        if not self._is_dynamics or not same.any():
            self._run = 0 if len(same) and not same[-1] else self._run
            return
        for at, is_same in enumerate(same.tolist()):
            self._run = self._run + 1 if is_same else 0
            if self._run >= _MOST_ALIKE:
                frame = self._number(self.n_frames + at - self._run)
                raise InputError(
                    f"{self._name}: from frame {frame} on {self._run + 1} frames are the same to the last digit: the "
                    "program that wrote them was stuck. Leave them out and write the trajectory again."
                )

    def _refuse_number(self, frames: NDArray[np.float32], wrong: NDArray[np.int64]) -> None:
        frame = int(np.argmax(wrong >= 0))
        atom = int(wrong[frame])
        values = ", ".join(f"{value:g}" for value in frames[frame, atom])
        raise InputError(
            f"{self._name}: frame {self._number(self.n_frames + frame)}: atom "
            f"{self._expected.complex.atom_label(atom)} has the coordinates ({values}) nm; finite numbers below "
            f"{_LARGEST_NM:g} nm were expected ({int((wrong >= 0).sum())} such frames near this one). Leave out "
            "these frames or write the file again."
        )

    def _number(self, frame: int) -> str:
        """Number of a frame in the source, from 1."""
        return f"{self._first + frame * self._stride + 1:,}"

    def _residues(self, atoms: NDArray[np.integer]) -> list[str]:
        complex = self._expected.complex
        return [complex.residue_label(int(row)) for row in np.unique(complex.residue_index[atoms])]

    def _chain(self, molecule: int) -> str:
        complex = self._expected.complex
        atom = int(np.argmax(self._expected.molecule == molecule))
        return f"the molecule of {complex.residue_label(int(complex.residue_index[atom]))}"
