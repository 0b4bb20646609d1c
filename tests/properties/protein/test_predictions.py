from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.properties.function import combined, predict_function
from unfreeze.properties.location import predict_location
from unfreeze.properties.modalities.function import (
    consistent,
    encode_terms,
    level,
    terms_of,
    vocabulary,
)
from unfreeze.properties.modalities.location import LOCATIONS, encode_locations
from unfreeze.properties.protein.calibration import cross_fitted, fit_logistic, fit_temperature
from unfreeze.properties.protein.descriptors import N_DESCRIPTORS
from unfreeze.properties.protein.encoder import EncoderShape, initial_parameters
from unfreeze.properties.protein.folds import balanced_folds
from unfreeze.properties.protein.letters import AMINO_ACIDS
from unfreeze.properties.protein.model import Calibration, ProteinModel
from unfreeze.properties.protein.neighbours import Reference
from unfreeze.properties.protein.outside import limits_of
from unfreeze.properties.protein.profile import fit_profile, profile_vectors
from unfreeze.properties.protein.weights import load_protein_model, quantised, save_protein_model

TERMS = ("1", "1.1", "1.1.1", "2")
LYSOZYME = (
    "KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKKIVSDGNGMNAWVAWRNRCK"
    "GTDVQAWIRGCRL"
)


@pytest.fixture(scope="module")
def model() -> ProteinModel:
    random = np.random.default_rng(0)
    shape = EncoderShape(width=8, n_queries=2, pooled=64, n_descriptors=N_DESCRIPTORS, letter=4)
    members = []
    for seed in range(2):
        member = initial_parameters(shape, {"location": 10, "function": len(TERMS)}, seed)
        centre, scale = np.zeros(N_DESCRIPTORS, np.float32), np.ones(N_DESCRIPTORS, np.float32)
        members.append({**member, "centre": centre, "scale": scale})
    chains = []
    for size in range(50, 210, 4):  # of compositions about that of lysozyme
        shares = random.dirichlet([400 * LYSOZYME.count(one) / len(LYSOZYME) + 1 for one in AMINO_ACIDS])
        chains.append("".join(random.choice(list(AMINO_ACIDS), size, p=shares)))
    reference = Reference(("LYSO-A", "XXXX-A"), (LYSOZYME, chains[0]), (terms_of(["3.2.1.17"]), terms_of(["1.1.1.-"])))
    every = (*TERMS, "3", "3.2", "3.2.1", "3.2.1.17")
    scores = np.stack([reference.scores(one) for one in reference.sequences])
    vectors = profile_vectors(scores, reference.lengths, reference.lengths)
    return ProteinModel(
        members=tuple(members),
        terms=TERMS,
        longest=48,
        location=Calibration(1.2, (0.5,) * 10),
        function=Calibration(1.0, (0.6,) * 8),
        confidence={places: np.array([-4.0, 1.0, 4.0, 2.0]) for places in (1, 2, 3, 4)},
        network_share=0.5,
        reference=reference,
        profile=fit_profile(vectors, encode_terms(reference.terms, every), every),
        limits=limits_of([*chains, LYSOZYME]),
        card={"name": "test"},
    )


def test_terms() -> None:
    assert terms_of(["2.7.7.48", "3.2.-.-"]) == {"2", "2.7", "2.7.7", "2.7.7.48", "3", "3.2"}
    assert [level(term) for term in ("2", "2.7", "2.7.7.48")] == [1, 2, 4]
    rows = [terms_of(["1.1.1.1"]), terms_of(["1.1.1.2"]), terms_of(["2.-.-.-"])]
    assert vocabulary(rows, least=2) == ("1", "1.1", "1.1.1")
    assert encode_terms(rows, ("1", "2")).tolist() == [[True, False], [True, False], [False, True]]


def test_no_term_is_likelier_than_what_it_is_part_of() -> None:
    found = consistent(np.array([[0.3, 0.9, 0.8, 0.5]]), TERMS)
    assert found.tolist() == [[0.3, 0.3, 0.3, 0.5]]


def test_locations_are_known_by_name() -> None:
    assert encode_locations(["Nucleus"]).tolist() == [name == "Nucleus" for name in LOCATIONS]
    with pytest.raises(InputError, match="'Moon'"):
        encode_locations(["Moon"])


def test_three_witnesses() -> None:
    half, none = np.array([0.5]), np.array([0.0])
    assert combined(half, half, none, 1.0) == pytest.approx([0.75])
    assert combined(half, none, none, 0.8) == pytest.approx([0.4])
    certain, likely = np.array([1.0, 0.0]), np.array([0.8, 0.0])
    assert combined(certain, certain[::-1], certain, 1.0) == pytest.approx([1.0, 0.0])
    assert combined(certain * 0, certain[::-1], likely, 1.0) == pytest.approx([0.8, 1 - 0.8**8])


def test_profile_tells_what_alike_chains_have() -> None:
    scores = np.array([[400, 120, 20], [120, 400, 20], [20, 20, 400]])
    lengths = np.array([100, 100, 100])
    vectors = profile_vectors(scores, lengths, lengths)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0)
    truth = np.array([[True, False], [True, False], [False, True]])
    profile = fit_profile(vectors, truth, ("1", "2"))
    asked = profile_vectors(np.array([[110, 130, 10], [0, 0, 0]]), np.array([100, 100]), lengths)
    found = profile.predict(asked)
    assert found[0, 0] > 0.7 > 0.3 > found[0, 1]
    assert found[1] == pytest.approx(truth.mean(0))


def test_location_is_predicted(model: ProteinModel) -> None:
    found = predict_location(LYSOZYME, model=model)
    assert found.task == "location"
    assert tuple(found.probabilities) == LOCATIONS
    assert all(0 < value < 1 for value in found.probabilities.values())
    assert found.chosen
    assert found == predict_location(LYSOZYME.lower() + "*", model=model)


def test_where_nothing_reaches_its_threshold_the_nearest_is_chosen(model: ProteinModel) -> None:
    strict = replace(model, location=Calibration(1.0, (1.0,) * 10))
    found = predict_location(LYSOZYME, model=strict)
    assert len(found.chosen) == 1
    assert "comes nearest" in found.notes[0]


def test_the_neighbour_tells_the_function(model: ProteinModel) -> None:
    found = predict_function(LYSOZYME, model=model)
    assert {"3", "3.2", "3.2.1", "3.2.1.17"} <= set(found.chosen)
    assert any("LYSO-A (100% identical" in note for note in found.notes)
    assert any("enzymes only" in note for note in found.notes)
    assert set(found.probabilities) == set(found.threshold) == {*TERMS, "3", "3.2", "3.2.1", "3.2.1.17"}


def test_without_a_neighbour_it_is_said(model: ProteinModel) -> None:
    found = predict_function("MSTNPKPQRKTKRNTNRRPQDVKFPGGGQIVGGVYLLPRRGPRLGVRATRKTSERSQPRGRRQPIPKARR", model=model)
    assert any("No enzyme of known function is clearly alike" in note for note in found.notes)


@pytest.mark.parametrize(
    ("sequence", "why"),
    [("MKT", "3 residues"), (LYSOZYME[:90] + "X" * 30, "30 of its 120 letters"), ("AQ" * 100, "composition")],
)
def test_what_is_outside_is_said(model: ProteinModel, sequence: str, why: str) -> None:
    for predict in (predict_location, predict_function):
        assert why in predict(sequence, model=model).outside


def test_a_natural_chain_is_inside(model: ProteinModel) -> None:
    assert predict_location(LYSOZYME, model=model).outside == ""


@pytest.mark.parametrize("wrong", ["", "MK T-", "1234", "MKT>x"])
def test_what_is_no_sequence_is_refused(model: ProteinModel, wrong: str) -> None:
    for predict in (predict_location, predict_function):
        with pytest.raises(InputError):
            predict(wrong, model=model)


def test_weights_are_read_as_they_were_written(model: ProteinModel, tmp_path: Path) -> None:
    path = save_protein_model(tmp_path / "a.safetensors", model)
    again = load_protein_model(path)
    assert save_protein_model(tmp_path / "b.safetensors", model).read_bytes() == path.read_bytes()
    assert again.terms == model.terms
    assert again.reference.sequences == model.reference.sequences
    assert again.reference.terms == model.reference.terms
    assert again.limits == model.limits
    found, expected = (one.logits([LYSOZYME], "location") for one in (again, model))
    assert found == pytest.approx(expected, abs=0.05)


def test_eight_bits_are_enough() -> None:
    weight = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    numbers, scale = quantised(weight)
    assert numbers.dtype == np.int8
    assert np.abs(numbers * scale - weight).max() <= scale.max() / 2 + 1e-6


def test_damaged_and_foreign_files_are_refused_by_name(model: ProteinModel, tmp_path: Path) -> None:
    path = save_protein_model(tmp_path / "good.safetensors", model)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])

    def changed(**items: object) -> bytes:
        inner = json.loads(header["__metadata__"]["unfreeze"]) | items
        text = json.dumps({**header, "__metadata__": {"unfreeze": json.dumps(inner)}}).encode()
        return len(text).to_bytes(8, "little") + text + content[8 + length :]

    cases = {
        b"": "not a safetensors",
        b"PK\x03\x04" + content[4:]: "not a safetensors",
        content[: length // 2]: "damaged",
        content[:-100]: "damaged",
        changed(schema="unfreeze-weights/9"): "schema",
        changed(kind="motion"): "kind 'motion'",
        changed(descriptors_version=0): "version",
        changed(longest=10**9): "longest",
        changed(terms=["<script>", "1", "1.1", "2"]): "terms",
        changed(location={"temperature": -1, "thresholds": [0.5] * 10}): "calibration",
        changed(network_share=7): "network_share",
        changed(reference=[["a", "1"]]): "reference",
        changed(shape={}): "shape|structure",
    }
    for wrong, what in cases.items():
        bad = tmp_path / "bad.safetensors"
        bad.write_bytes(wrong)
        with pytest.raises(InputError, match=what) as raised:
            load_protein_model(bad)
        assert "bad.safetensors" in str(raised.value)
    with pytest.raises(InputError, match="no such file"):
        load_protein_model(tmp_path / "absent.safetensors")


def test_a_model_that_does_not_hold_together_is_not_written(model: ProteinModel, tmp_path: Path) -> None:
    broken = {**model.members[0], "centre": np.full(N_DESCRIPTORS, np.nan, dtype=np.float32)}
    with pytest.raises(ValueError, match="not finite"):
        save_protein_model(tmp_path / "a.safetensors", replace(model, members=(broken,)))
    with pytest.raises(ValueError, match="parameters"):
        save_protein_model(tmp_path / "a.safetensors", replace(model, members=(model.members[0], {})))


def test_temperature_is_found_again() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (4000, 3))
    truth = random.random(logits.shape) < 1 / (1 + np.exp(-logits))
    assert fit_temperature(truth, logits * 2.5) == pytest.approx(2.5, rel=0.1)


def test_a_fold_is_judged_by_thresholds_of_the_others() -> None:
    random = np.random.default_rng(0)
    first = random.random(300) < 0.4
    truth = np.column_stack([first, ~first])
    logits, folds = np.where(truth, 1.0, -1.0) + random.normal(0, 0.1, truth.shape), np.arange(300) % 3
    _, chosen = cross_fitted(truth, logits, folds)
    changed = truth.copy()
    changed[folds == 0] = ~changed[folds == 0]  # labels of a fold do not touch its own decisions
    _, again = cross_fitted(changed, logits, folds)
    assert (chosen[folds == 0] == truth[folds == 0]).all()
    assert np.array_equal(again[folds == 0], chosen[folds == 0])


def test_logistic_coefficients_are_found_again() -> None:
    random = np.random.default_rng(0)
    features = np.column_stack([np.ones(5000), random.normal(size=5000)])
    happened = random.random(5000) < 1 / (1 + np.exp(-(features @ [-1.0, 2.0])))
    assert fit_logistic(features, happened) == pytest.approx([-1.0, 2.0], abs=0.15)


def test_folds_keep_clusters_together() -> None:
    clusters = np.array([0] * 10 + [1] * 5 + [2] * 5 + [3] * 4 + [4] * 3 + [5] * 3)
    folds = balanced_folds(clusters, 3)
    assert all(len(set(folds[clusters == one])) == 1 for one in range(6))
    assert np.bincount(folds).tolist() == [10, 11, 9] or np.bincount(folds).max() <= 11


def test_the_shipped_model_answers() -> None:
    found = predict_location(LYSOZYME_WITH_SIGNAL)
    assert found.chosen == ("Extracellular",)
    assert found.outside == ""
    assert predict_function(LYSOZYME).chosen[:3] == ("3", "3.2", "3.2.1")


LYSOZYME_WITH_SIGNAL = "MRSLLILVLCFLPLAALG" + LYSOZYME
