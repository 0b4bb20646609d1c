"""Every documented fault of coordinates, put into real MD: refused with its place, or mended to what it was before."""

from __future__ import annotations

import numpy as np
import pytest

BOX = np.array([[6.0, 0, 0], [0, 6.5, 0], [0, 0, 7.0]])
TRICLINIC = np.array([[7.0, 0, 0], [0, 7.0, 0], [3.5, 3.5, 4.95]])


def _stored(corpus, name="R1"):
    view = corpus.entry("entry").trajectory(name)
    return view.frames(slice(None), centred=False)


def _wrapped(frames, box):
    """Every atom in the cell by itself."""
    fraction = frames.astype(np.float64) @ np.linalg.inv(box)
    return ((fraction - np.floor(fraction)) @ box).astype(np.float32)


def _same_shape(one, other) -> float:
    """Largest difference of frames after each is moved to the same first atom."""
    return float(np.abs((one - one[:, :1]) - (other - other[:, :1])).max())


def test_what_is_whole_is_taken_as_it_is(md, parts, take, corpus) -> None:
    one = md("GYDPETGTWG")
    result = take(parts.of_frames(one.complex, one.frames))
    assert result.status == "taken" and result.n_frames == 200 and not result.mended
    assert np.abs(_stored(corpus) - one.frames).max() <= 0.00051
    assert corpus.entry("entry").manifest.trajectories[0].conditions == parts.known


@pytest.mark.parametrize(("factor", "words"), [(10.0, "divided by 10"), (0.1, "multiplied by 10")])
def test_units_are_mended(md, parts, take, corpus, factor, words) -> None:
    one = md("GYDPETGTWG")
    boxes = np.broadcast_to(BOX * factor, (200, 3, 3))
    result = take(parts.of_frames(one.complex, one.frames * np.float32(factor), box_nm=boxes))
    assert result.status == "mended" and words in result.mended[0]
    assert np.abs(_stored(corpus) - one.frames).max() <= 0.00052
    box = corpus.entry("entry").trajectory("R1").column("box")(slice(0, 1))
    assert np.allclose(box, BOX, atol=1e-4)


def test_units_that_nothing_explains_are_refused(md, parts, take) -> None:
    one = md("GYDPETGTWG")
    assert "bonds are 3" in take(parts.of_frames(one.complex, one.frames * np.float32(3))).reason
    mixed = one.frames[:, np.random.default_rng(0).permutation(one.complex.n_atoms)]
    assert "not those of the topology in its order" in take(parts.of_frames(one.complex, mixed)).reason


def test_a_topology_in_another_unit_is_refused(md, parts, take) -> None:
    one = md("GYDPETGTWG")
    shrunk = one.complex.with_coordinates(one.complex.coordinates_nm / 10)
    assert "the bonds of the topology are 0.1 times" in take(parts.of_frames(shrunk, one.frames)).reason


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_numbers_that_are_none(md, parts, take, corpus, value) -> None:
    one = md("GYDPETGTWG")
    frames = one.frames.copy()
    frames[150, 12, 1] = value
    result = take(parts.of_frames(one.complex, frames))
    assert result.status == "refused"
    assert f"frame 151: atom {one.complex.atom_label(12)}" in result.reason
    assert "entry" not in corpus  # nothing half is left behind


@pytest.mark.parametrize("box", [BOX, TRICLINIC])
def test_torn_molecules_are_made_whole(md, parts, take, corpus, box) -> None:
    one = md("GYDPETGTWG")
    frames = one.frames - one.frames.min(axis=(0, 1)) + np.float32(5.3)
    torn = _wrapped(frames, box)
    assert _same_shape(torn, frames) > 3
    result = take(parts.of_frames(one.complex, torn, box_nm=np.broadcast_to(box, (200, 3, 3))))
    assert result.status == "mended" and "made whole" in result.mended[0]
    assert _same_shape(_stored(corpus), frames) < 0.0012


def test_a_torn_topology_is_made_whole_as_well(md, parts, take, corpus) -> None:
    one = md("GYDPETGTWG")
    frames = one.frames - one.frames.min(axis=(0, 1)) + np.float32(5.3)
    torn = _wrapped(frames, BOX)
    reference = one.complex.with_coordinates(torn[0])
    result = take(parts.of_frames(reference, torn, box_nm=np.broadcast_to(BOX, (200, 3, 3))))
    assert result.status == "mended" and "topology was torn" in result.mended[0]
    assert _same_shape(_stored(corpus), frames) < 0.0012
    kept = corpus.entry("entry").complex
    assert _same_shape(kept.coordinates_nm[None], frames[:1]) < 0.001
    assert len(kept.links) == len(one.complex.links)


def test_torn_molecules_without_a_box_are_refused(md, parts, take) -> None:
    one = md("GYDPETGTWG")
    frames = one.frames.copy()
    frames[60, 40:] += np.float32([6.0, 0, 0])
    reason = take(parts.of_frames(one.complex, frames)).reason
    assert "frame 61" in reason and "no periodic box" in reason
    wrong_box = np.broadcast_to(np.diag([4.1, 4.1, 4.1]), (200, 3, 3))
    assert "does not make the molecule whole" in take(parts.of_frames(one.complex, frames, box_nm=wrong_box)).reason


@pytest.mark.parametrize("box", [3 * BOX, 3 * TRICLINIC])
def test_chains_in_other_images_are_brought_together(md, parts, take, corpus, box) -> None:
    two = md("1KNE")
    frames = two.frames.copy()
    second = two.complex.atom_chain_index == 1
    frames[5:, second] += np.float32(box[0])
    frames[9:, second] -= np.float32(box[1] + box[2])
    result = take(parts.of_frames(two.complex, frames, box_nm=np.broadcast_to(box, (20, 3, 3))))
    assert result.status == "mended" and "brought together in 15 of 20" in result.mended[0]
    assert _same_shape(_stored(corpus), two.frames) < 0.0012


def test_chains_that_jump_without_a_box_are_refused(md, parts, take) -> None:
    two = md("1KNE")
    frames = two.frames.copy()
    frames[7, two.complex.atom_chain_index == 1] += np.float32([18.0, 0, 0])
    reason = take(parts.of_frames(two.complex, frames)).reason
    assert "frame 8" in reason and "periodic images" in reason


def test_mirror_images_are_refused(md, parts, take) -> None:
    one = md("GYDPETGTWG")
    mirrored = one.frames * np.float32([1, 1, -1])
    assert "mirror image" in take(parts.of_frames(one.complex, mirrored)).reason
    both = one.complex.with_coordinates(one.complex.coordinates_nm * [1, 1, -1])
    assert "mirror image" in take(parts.of_frames(both, mirrored)).reason


def _swap_hand(frames, complex, residue):
    """The Cα of a residue through the plane of its neighbours."""
    names = [int(complex.atom_of_residue(name)[residue]) for name in ("CA", "N", "C", "CB")]
    alpha, *others = (frames[:, at].astype(np.float64) for at in names)
    normal = np.cross(others[1] - others[0], others[2] - others[0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    height = np.einsum("fi,fi->f", alpha - others[0], normal)
    moved = frames.copy()
    moved[:, names[0]] = (alpha - 2 * height[:, None] * normal).astype(np.float32)
    return moved


def test_a_swapped_stereocentre_is_refused_by_name(md, parts, take) -> None:
    one = md("GYDPETGTWG")
    frames = np.concatenate([one.frames[:120], _swap_hand(one.frames[120:], one.complex, 2)])
    reason = take(parts.of_frames(one.complex, frames)).reason
    assert one.complex.residue_label(2) in reason and "other hand" in reason and "frame 121" in reason


def test_a_d_residue_of_the_reference_is_said(md, parts, take) -> None:
    one = md("GYDPETGTWG")
    frames = _swap_hand(one.frames, one.complex, 2)
    reference = one.complex.with_coordinates(frames[0])
    result = take(parts.of_frames(reference, frames))
    assert result.status == "taken"
    assert result.quality["other_hand_than_L"] == [one.complex.residue_label(2)]


def test_a_stuck_writer_is_refused_and_single_copies_are_counted(md, parts, take) -> None:
    one = md("GYDPETGTWG")
    rows = np.minimum(np.arange(200), 140)
    reason = take(parts.of_frames(one.complex, one.frames[rows])).reason
    assert "from frame 141 on" in reason and "stuck" in reason
    rows = np.delete(np.arange(200), 50)
    result = take(parts.of_frames(one.complex, np.insert(one.frames, 50, one.frames[50], axis=0)))
    assert result.quality["frames_like_the_one_before"] == 1


def test_static_ensembles_are_looked_at_for_geometry_only(md, parts, take) -> None:
    from unfreeze.corpus.schema import Conditions

    one = md("GYDPETGTWG")
    frames = np.repeat(one.frames[:2], 30, axis=0)  # no order, so copies in a row mean nothing
    result = take(parts.of_frames(one.complex, frames, conditions=Conditions(kind="static", method="NMR")))
    assert result.status == "taken" and result.n_frames == 60
    bad = frames.copy()
    bad[3, 3, 0] = np.nan
    assert take(parts.of_frames(one.complex, bad, "R2", conditions=Conditions(kind="static"))).status == "refused"


def test_ions_may_come_and_go(md, make, parts, take) -> None:
    """A loose ion that jumps is no reason to refuse a trajectory without a box."""
    one = md("GYDPETGTWG")
    with_ion = make.merge(one.complex, make.ions([[3.0, 3.0, 3.0]]))
    ion = np.zeros((200, 1, 3), dtype=np.float32)
    ion[100:] = 9.0
    result = take(parts.of_frames(with_ion, np.concatenate([one.frames, ion], axis=1)))
    assert result.status == "taken"


@pytest.mark.parametrize(("factor", "words"), [(1.3, "too long"), (0.8, "too short")])
def test_a_frame_of_another_scale_is_refused(md, parts, take, factor, words) -> None:
    one = md("GYDPETGTWG")
    frames = one.frames.copy()
    frames[150] *= np.float32(factor)
    reason = take(parts.of_frames(one.complex, frames)).reason
    assert "frame 151" in reason and words in reason
