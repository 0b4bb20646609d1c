"""Which atoms springs join and how stiffly; that their energy is what the harmonic ensemble believes it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from unfreeze.physics.harmonic import HarmonicEnsemble
from unfreeze.physics.springs import SpringConstants, find_springs
from unfreeze.structure.blocks import partition
from unfreeze.structure.geometry import rotation_matrices

ODD = (
    "one atom",
    "two ions",
    "lone ligand",
    "one residue",
    "two residues",
    "single-residue chains",
    "far apart",
    "ions around a protein",
    "CA only",
    "disulfides",
    "two traces far apart",
    "DNA",
)


def odd(make, name):
    """Inputs that are unlike a globular protein."""
    helix = make.peptide(12, -62, -42)
    trace = make.read("pdb1ubi_ca.pdb") if "CA" in name or "trace" in name else helix
    far = np.random.default_rng(1).uniform(-6.0, 6.0, (5, 3))
    if name == "DNA":
        complex_ = make.read("pdb3mht.pdb")
        return complex_.take_residues(complex_.residue_kind == "nucleic")
    return {
        "one atom": lambda: make.ions([[0.0, 0.0, 0.0]]),
        "two ions": lambda: make.ions([[0.0, 0.0, 0.0], [1.0, 2.0, 0.0]]),
        "lone ligand": lambda: make.alkane(24),
        "one residue": lambda: make.peptide(1),
        "two residues": lambda: make.peptide(2),
        "single-residue chains": lambda: make.merge(
            *(make.moved(make.peptide(1), [0.6 * k, 0.3 * k, 0.0]) for k in range(4)), chains=list("ABCD")
        ),
        "far apart": lambda: make.merge(helix, make.moved(helix, [5.0, 1.0, 0.0]), chains=["A", "B"]),
        "ions around a protein": lambda: make.merge(helix, make.ions(far)),
        "CA only": lambda: trace,
        "disulfides": lambda: make.read("pdb1ejg.pdb"),
        "two traces far apart": lambda: make.merge(trace, make.moved(trace, [7.0, 0.0, 0.0]), chains=["A", "B"]),
    }[name]()


def _built(molecule, **options):
    blocks = partition(molecule)
    springs = find_springs(molecule, blocks)
    return blocks, springs, HarmonicEnsemble.build(molecule, blocks, springs, **options)


def _lengths(points, atoms):
    return np.linalg.norm(points[..., atoms[:, 0], :] - points[..., atoms[:, 1], :], axis=-1)


@pytest.mark.parametrize("name", ODD)
def test_springs_join_all_blocks_into_one(make, name):
    molecule = odd(make, name)
    blocks, springs, _ = _built(molecule)
    assert springs.n_contact + springs.n_chain + springs.n_bridge == len(springs.atoms) == len(springs.stiffness)
    assert np.isfinite(springs.stiffness).all() and (springs.stiffness > 0.0).all()
    ends = blocks.atom_block[springs.atoms].reshape(-1, 2)
    assert (ends[:, 0] != ends[:, 1]).all()
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(blocks.n_blocks,) * 2)
    assert connected_components(graph, directed=False)[0] == 1
    # without the bridges it falls apart exactly where bridges were needed
    ends = ends[: springs.n_contact + springs.n_chain]
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(blocks.n_blocks,) * 2)
    assert (connected_components(graph, directed=False)[0] > 1) == (springs.n_bridge > 0)


def test_bridges_are_needed_only_where_nothing_touches(make):
    def bridged(name):
        return find_springs(molecule := odd(make, name), partition(molecule)).n_bridge > 0

    assert all(bridged(name) for name in ("two ions", "far apart", "ions around a protein", "two traces far apart"))
    assert not any(bridged(name) for name in ("one atom", "lone ligand", "CA only", "disulfides", "DNA"))


@pytest.mark.parametrize("name", ODD)
def test_the_energy_is_that_of_the_springs(make, name):
    """½ qᵀHq of small true rigid motions against the springs' own ½ Σ k (r − r₀)², computed atom by atom."""
    molecule = odd(make, name)
    blocks, springs, ensemble = _built(molecule, stiffness_scale=1.7)
    generator = np.random.default_rng(3)
    q = 1e-6 * generator.normal(size=(20, blocks.n_blocks, 6))
    arms = molecule.coordinates_nm - blocks.centre_nm[blocks.atom_block]
    turns = rotation_matrices(q[..., 3:])[:, blocks.atom_block]
    moved = np.matmul(turns, arms[None, :, :, None])[..., 0]
    moved += (blocks.centre_nm + q[..., :3])[:, blocks.atom_block]
    stretch = _lengths(moved, springs.atoms) - _lengths(molecule.coordinates_nm, springs.atoms)
    brute = 0.5 * 1.7 * (springs.stiffness * stretch**2).sum(axis=1) + 0.5 * (ensemble.tether * q**2).sum(axis=(1, 2))
    # single atoms, which nothing can turn, get a stiffness of their own: leave their rotations out
    single = np.bincount(blocks.atom_block)[np.arange(blocks.n_blocks)] == 1
    brute -= 0.5 * (ensemble.tether[single, 3:] * q[:, single, 3:] ** 2).sum(axis=(1, 2))
    q[:, single, 3:] = 0.0
    flat = q.reshape(len(q), -1)
    harmonic = 0.5 * np.einsum("fi,fi->f", flat, (ensemble.precision @ flat.T).T)
    if blocks.n_blocks == 1 or name in ("two ions", "lone ligand"):
        # what no spring turns at all has a stiffness of its own, so H may only be larger
        assert (harmonic >= brute * (1 - 1e-3)).all()
    else:
        assert np.abs(harmonic / brute - 1.0).max() < 1e-3


@pytest.mark.parametrize("name", ODD)
def test_the_matrix_is_symmetric_and_positive_definite(make, name):
    molecule = odd(make, name)
    *_, ensemble = _built(molecule)
    matrix = ensemble.precision.toarray()
    assert matrix.shape == (6 * ensemble.n_blocks,) * 2
    scale = np.abs(matrix).max()
    assert np.abs(matrix - matrix.T).max() < 1e-12 * scale
    np.linalg.cholesky(matrix)


@pytest.mark.parametrize("name", ("far apart", "disulfides", "two residues", "single-residue chains"))
@pytest.mark.parametrize("axis", range(6))
def test_moving_the_whole_costs_only_the_tethers(make, name, axis):
    molecule = odd(make, name)
    blocks, _, ensemble = _built(molecule, translation_tether=2.0, rotation_tether=5.0)
    whole = np.zeros(6)
    whole[axis] = 1.0
    q = np.empty((blocks.n_blocks, 6))
    q[:, :3] = whole[:3] + np.cross(whole[3:], blocks.centre_nm)
    q[:, 3:] = whole[3:]
    energy = 0.5 * q.ravel() @ (ensemble.precision @ q.ravel())
    tethers = 0.5 * (2.0 * (q[:, :3] ** 2).sum() + 5.0 * (q[:, 3:] ** 2).sum())
    typical = 0.5 * ensemble.precision.diagonal() @ q.ravel() ** 2
    assert abs(energy - tethers) < 1e-9 * typical + 1e-6 * tethers


def test_two_molecules_that_touch_nothing_are_braced_on_all_six_sides(make):
    """Springs alone, without tethers: only the motions of the whole cost nothing."""
    *_, ensemble = _built(odd(make, "far apart"))
    matrix = ensemble.precision.toarray() - np.diag(ensemble.tether.ravel())
    values = np.linalg.eigvalsh(matrix)
    assert np.abs(values[:6]).max() < 1e-6
    assert values[6] > 1e-3


def test_contact_springs_are_all_close_pairs_with_the_stated_stiffness(make):
    molecule = make.peptide(12, -62, -42)
    blocks = partition(molecule)
    constants = SpringConstants(cutoff_nm=0.7, contact=5.0)
    springs = find_springs(molecule, blocks, constants)
    points = molecule.coordinates_nm
    expected = {}
    for i in range(molecule.n_atoms):
        for j in range(i + 1, molecule.n_atoms):
            r = float(np.linalg.norm(points[i] - points[j]))
            if r < 0.7 and blocks.atom_block[i] != blocks.atom_block[j]:
                expected[i, j] = 5.0 * (0.4 / max(r, 0.3)) ** 2 * (constants.close_factor if r < 0.4 else 1.0)
    found = springs.atoms[: springs.n_contact]
    stiffness = springs.stiffness[: springs.n_contact]
    assert {tuple(pair) for pair in found.tolist()} == set(expected)
    assert np.allclose(stiffness, [expected[tuple(pair)] for pair in found.tolist()])


def test_every_bond_between_blocks_is_held_stiffly(make):
    molecule = make.read("pdb1ejg.pdb")
    blocks = partition(molecule)
    constants = SpringConstants()
    springs = find_springs(molecule, blocks, constants)
    chain = slice(springs.n_contact, springs.n_contact + springs.n_chain)
    held = {
        tuple(sorted(pair))
        for pair, k in zip(springs.atoms[chain].tolist(), springs.stiffness[chain].tolist(), strict=True)
        if k == constants.chain
    }
    assert {tuple(sorted(pair)) for pair in blocks.links.tolist()} <= held
    # angles at a disulfide: CB of the one to SG of the other
    named = {molecule.atom_label(i): i for i in range(molecule.n_atoms)}
    pair = (named["A:CYS3/CB"], named["A:CYS40/SG"])
    angle = (np.sort(springs.atoms[chain], axis=1) == np.sort(pair)).all(axis=1)
    assert springs.stiffness[chain][angle].sum() == pytest.approx(0.5 * constants.chain)


def test_a_trace_is_held_at_every_step_and_not_across_a_break(make):
    trace = make.read("pdb1ubi_ca.pdb")
    broken = trace.take_residues(np.r_[0:30, 33:76])
    constants = SpringConstants()
    for molecule, n_bonds in ((trace, 75), (broken, 71)):
        springs = find_springs(molecule, partition(molecule), constants)
        assert springs.n_chain == n_bonds
        chain = springs.atoms[springs.n_contact : springs.n_contact + springs.n_chain]
        assert (_lengths(molecule.coordinates_nm, chain) < 0.42).all()


def test_two_atoms_on_one_spot_make_no_spring(make):
    stacked = make.merge(make.ions([[0.0, 0.0, 0.0]]), make.ions([[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]], chain="J"))
    _, springs, ensemble = _built(stacked)
    assert np.isfinite(ensemble.precision.toarray()).all()
    assert np.isfinite(springs.stiffness).all()


@given(st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_springs_do_not_depend_on_how_the_molecule_lies(make, seed):
    molecule = make.peptide(8, -62, -42)
    generator = np.random.default_rng(seed)
    turn = rotation_matrices(generator.normal(size=3) * 2.0)
    turned = molecule.with_coordinates(molecule.coordinates_nm @ turn.T + generator.normal(size=3) * 10.0)
    one, two = (find_springs(each, partition(each)) for each in (molecule, turned))
    assert np.array_equal(one.atoms, two.atoms)
    assert np.allclose(one.stiffness, two.stiffness, rtol=1e-6)
