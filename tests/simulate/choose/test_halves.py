import numpy as np
import pytest

from unfreeze.simulate.choose.halves import disagreement

N_FRAMES, SIGMA_NM = 200, 0.03


@pytest.fixture
def peptide(make):
    return make.peptide(40)


def noisy(molecule, seed, n_frames=N_FRAMES, sigma=SIGMA_NM):
    generator = np.random.default_rng(seed)
    return molecule.coordinates_nm + generator.normal(0.0, sigma, (n_frames, molecule.n_atoms, 3))


def test_independent_draws_agree_and_more_so_the_more_there_are(peptide):
    values = [disagreement(peptide, [noisy(peptide, 1, 2 * n)]) for n in (20, 200)]
    assert all(one is not None and one.parts == "two halves" for one in values)
    few, many = values
    assert few is not None and many is not None
    # The variance between the means of two halves of n independent frames is 1 / (n - 1) of that within, over two.
    assert many.between == pytest.approx(1 / 400, rel=0.3)
    assert few.between > 5 * many.between
    assert many.value < 0.1


def test_a_step_between_the_halves_is_their_share_of_the_variance(peptide):
    frames = noisy(peptide, 2)
    atoms = peptide.representative_atoms()
    step = 0.2
    frames[N_FRAMES // 2 :, atoms[-1]] += [step, 0.0, 0.0]
    found = disagreement(peptide, [frames])
    assert found is not None
    between, within = step**2 / 4, 3 * SIGMA_NM**2 * len(atoms)
    # Superposition spreads the step over all atoms and takes a little of it away.
    assert found.between == pytest.approx(between / (between + within), rel=0.25)


def test_fluctuations_that_differ_threefold(peptide):
    found = disagreement(peptide, [noisy(peptide, 3), noisy(peptide, 4, sigma=3 * SIGMA_NM)])
    assert found is not None
    assert found.fluctuations == pytest.approx(0.5, abs=0.03)  # (3 - 1) / (3 + 1)
    assert found.value == found.fluctuations
    assert found.reason == "fluctuations of 2 replicas differ by 50%"


def test_an_interface_that_opens_in_one_replica(make, peptide):
    pair = make.merge(peptide, make.moved(peptide, (0.0, 0.5, 0.0)), chains=["A", "B"])
    closed = noisy(pair, 5, sigma=0.01)
    opened = closed + np.where(pair.atom_chain_index == 1, 1.5, 0.0)[:, None] * np.array([0.0, 1.0, 0.0])
    found = disagreement(pair, [closed, opened])
    assert found is not None
    assert found.contacts > 0.95
    same = disagreement(pair, [closed, closed])
    assert same is not None and same.value == pytest.approx(0.0, abs=1e-12)


def test_too_little_says_nothing(peptide, make):
    assert disagreement(peptide, []) is None
    assert disagreement(peptide, [noisy(peptide, 6, 19)]) is None
    assert disagreement(peptide, [noisy(peptide, 6, 20)]) is not None
    assert disagreement(peptide, [noisy(peptide, 6, 20), noisy(peptide, 6, 5)]) is not None
    tiny = make.peptide(2)
    assert disagreement(tiny, [noisy(tiny, 7)]) is None


def test_whole_rotations_do_not_count(peptide):
    from unfreeze.structure.geometry import rotation_matrices

    frames = noisy(peptide, 8)
    turns = rotation_matrices(np.random.default_rng(9).normal(0.0, 1.0, (N_FRAMES, 3)))
    turned = np.einsum("fij,faj->fai", turns, frames) + 3.0
    straight, found = disagreement(peptide, [frames]), disagreement(peptide, [turned])
    assert straight is not None and found is not None
    assert found.between == pytest.approx(straight.between, abs=1e-3)
