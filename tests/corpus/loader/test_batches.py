"""Batches: every row points where it says, nothing of one sample reaches another, and what is not known is NaN."""

from __future__ import annotations

import numpy as np
import pytest

from unfreeze.corpus.loader.batches import Batch
from unfreeze.corpus.loader.choice import Choice
from unfreeze.corpus.loader.crops import Crop
from unfreeze.corpus.loader.dense import padded
from unfreeze.corpus.loader.draws import Frames
from unfreeze.corpus.loader.loader import Loader
from unfreeze.corpus.loader.plan import BatchSize
from unfreeze.corpus.loader.vocabulary import ATOM_NAMES, KINDS, RESIDUE_NAMES
from unfreeze.corpus.store import Corpus
from unfreeze.structure.complex import Complex

SETTINGS = {
    "seed": 3,
    "choice": Choice(kinds=None),
    "frames": Frames(3),
    "crop": Crop(25),
    "batch": BatchSize(residues=80),
    "columns": ("forces", "energies", "box"),
    "n_draws": 64,
    "workers": 0,
}


@pytest.fixture(scope="module")
def batches(corpus: Corpus) -> list[Batch]:
    return list(Loader(corpus, **SETTINGS))


def test_rows_point_where_they_say(corpus: Corpus, complexes: dict[str, Complex], batches: list[Batch]) -> None:
    assert {sample.identifier for batch in batches for sample in batch.samples} == set("abcde")
    for batch in batches:
        for k, sample in enumerate(batch.samples):
            molecule = complexes[sample.identifier]
            atoms = slice(*batch.atom_offsets[k : k + 2])
            residues = slice(*batch.residue_offsets[k : k + 2])
            own, rows = batch.residue_row[residues], batch.atom_row[atoms]
            assert (batch.residue_sample[residues] == k).all()
            # whole residues, all their atoms, in order
            np.testing.assert_array_equal(rows, np.flatnonzero(np.isin(molecule.residue_index, own)))
            np.testing.assert_array_equal(own[batch.atom_residue[atoms] - residues.start], molecule.residue_index[rows])
            known = [ATOM_NAMES[code] for code in batch.atom_name[atoms]]
            is_ion = molecule.residue_kind[molecule.residue_index[rows]] == "ion"
            assert known == np.where(is_ion, "other", molecule.atom_name[rows]).tolist()
            assert [KINDS[code] for code in batch.residue_kind[residues]] == molecule.residue_kind[own].tolist()
            assert {RESIDUE_NAMES[code] for code in batch.residue_name[residues]} <= {"ALA", "other"}
            anchors = batch.residue_atom[residues]
            for residue, anchor in zip(own, anchors, strict=True):
                if molecule.residue_kind[residue] == "protein":
                    assert molecule.atom_name[batch.atom_row[anchor]] == "CA"
                    assert own[batch.atom_residue[anchor] - residues.start] == residue
                else:
                    assert anchor == -1
            assert len(np.unique(batch.residue_chain[residues])) == len(np.unique(molecule.chain_index[own]))
        chain_sample = np.unique(np.stack([batch.residue_chain, batch.residue_sample]), axis=1)
        assert len(np.unique(batch.residue_chain)) == chain_sample.shape[1]


def test_distances_are_those_of_the_store(corpus: Corpus, batches: list[Batch]) -> None:
    rng = np.random.default_rng(0)
    for batch in batches[:6]:
        for k, sample in enumerate(batch.samples):
            entry = corpus.entry(sample.identifier)
            atoms = slice(*batch.atom_offsets[k : k + 2])
            rows = batch.atom_row[atoms]
            stored = entry.trajectory(sample.trajectory).frames(batch.rows[:, k])[:, rows]
            one, two = rng.choice(len(rows), (2, 20))
            for found, expected in (
                (batch.frames_nm[:, atoms], stored),
                (batch.reference_nm[atoms], entry.complex.coordinates_nm[rows]),
            ):
                distances = np.linalg.norm(found[..., one, :] - found[..., two, :], axis=-1)
                wanted = np.linalg.norm(expected[..., one, :] - expected[..., two, :], axis=-1)
                np.testing.assert_allclose(distances, wanted, atol=2e-5)
            anchors = batch.residue_atom[batch.residue_sample == k]
            anchors = anchors[anchors >= 0]
            np.testing.assert_allclose(batch.frames_nm[:, anchors].mean(axis=1), 0.0, atol=1e-5)
            np.testing.assert_allclose(batch.reference_nm[anchors].mean(axis=0), 0.0, atol=1e-5)


def test_links_are_bonds_within_a_sample(batches: list[Batch]) -> None:
    for batch in batches:
        lengths = np.linalg.norm(np.diff(batch.reference_nm[batch.links], axis=1)[:, 0], axis=-1)
        np.testing.assert_allclose(lengths, 0.1329, atol=1e-3)
        samples = batch.residue_sample[batch.atom_residue[batch.links]]
        np.testing.assert_array_equal(samples[:, 0], samples[:, 1])


def test_what_is_not_known_is_nan(batches: list[Batch]) -> None:
    for batch in batches:
        assert batch.forces_kJ_mol_nm is not None and batch.energies_kJ_mol is not None and batch.box_nm is not None
        assert np.isnan(batch.box_nm).all() and batch.box_nm.shape == (3, len(batch), 3, 3)
        for k, sample in enumerate(batch.samples):
            atoms = slice(*batch.atom_offsets[k : k + 2])
            has = sample.identifier == "a"
            assert np.isfinite(batch.forces_kJ_mol_nm[:, atoms]).all() == has
            assert np.isfinite(batch.energies_kJ_mol[:, k]).all() == has
            if has:
                np.testing.assert_array_equal(batch.energies_kJ_mol[:, k], 2.0 * batch.rows[:, k])
                np.testing.assert_array_equal(batch.frame_weights[:, k], batch.rows[:, k] + 1.0)
            else:
                assert (batch.frame_weights[:, k] == 1.0).all()
            is_static = sample.identifier == "d"
            assert np.isfinite(batch.atom_b_factor_A2[atoms]).all() == is_static
            assert np.isnan(batch.times_ps[:, k]).all() == is_static
            assert len(sample.labels) == is_static
            assert batch.temperature_K[k] == (320.0 if sample.trajectory == "R2" else 300.0)
            assert np.isnan([batch.pH[k], batch.ionic_strength_M[k], batch.pressure_bar[k]]).all()
            if not is_static:
                np.testing.assert_array_equal(batch.times_ps[:, k], 10.0 * batch.rows[:, k])


def test_dense_form_holds_the_same(batches: list[Batch]) -> None:
    batch = batches[0]
    dense = padded(batch)
    assert dense["atom_mask"].sum() == len(batch.atom_name)
    np.testing.assert_array_equal(dense["frames_nm"][:, dense["atom_mask"]], batch.frames_nm)
    np.testing.assert_array_equal(dense["residue_name"][dense["residue_mask"]], batch.residue_name)
    assert not dense["reference_nm"][~dense["atom_mask"]].any()
    for k in range(len(batch)):
        atoms, residues = slice(*batch.atom_offsets[k : k + 2]), slice(*batch.residue_offsets[k : k + 2])
        n_residues = residues.stop - residues.start
        anchors = dense["residue_atom"][k]
        assert (anchors[n_residues:] == -1).all()
        found = anchors[:n_residues]
        expected = batch.residue_atom[residues]
        np.testing.assert_array_equal(found[found >= 0], expected[expected >= 0] - atoms.start)
        assert dense["atom_residue"][k][: atoms.stop - atoms.start].max() == n_residues - 1
        assert dense["residue_chain"][k].min() == 0
    assert "links" not in dense and dense["temperature_K"].shape == (len(batch),)


def test_batches_become_tensors(batches: list[Batch]) -> None:
    torch = pytest.importorskip("torch")
    batch = batches[0].to_torch()
    assert batch["frames_nm"].dtype == torch.float32 and batch["links"].dtype == torch.int64
    assert set(batch.tensors) == set(batches[0].arrays())
    for name, array in batches[0].arrays().items():
        tensor = batch[name].numpy()
        assert tensor.dtype == (np.float32 if array.dtype == np.float64 else array.dtype)
        np.testing.assert_array_equal(tensor, array.astype(tensor.dtype))
    assert len(batch) == len(batches[0]) and batch.place == batches[0].place
    assert batch.to("cpu")["rows"].device.type == "cpu"
    assert "frames_nm" in batch and "nothing" not in batch
