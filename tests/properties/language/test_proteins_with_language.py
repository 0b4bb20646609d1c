"""Whole proteins with what a language model says of them: training, weights, prediction."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from unfreeze.cli.main import app
from unfreeze.errors import InputError
from unfreeze.properties.language.embeddings import LanguageModel
from unfreeze.properties.location import predict_location
from unfreeze.properties.modalities.location import LOCATIONS
from unfreeze.properties.protein.descriptors import describe
from unfreeze.properties.protein.letters import letter_codes
from unfreeze.properties.protein.model import ProteinModel, logits_of, summaries, used_parameters
from unfreeze.properties.protein.training import ProteinSettings, TrainingRows, train_proteins
from unfreeze.properties.protein.weights import load_protein_model, save_protein_model

CHAIN = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPDAQFEVVHSLAKWKRQ"


@pytest.fixture
def trained(pretended: LanguageModel) -> ProteinModel:
    """The shipped model with one network of few steps that reads the pretended language model."""
    shipped = load_protein_model()
    random = np.random.default_rng(0)
    chains = ["".join(random.choice(list("ACDEFGHIKLMNPQRSTVWY"), 60)) for _ in range(12)]
    codes = [letter_codes(chain) for chain in chains]
    said = summaries(pretended, chains)
    rows = TrainingRows(
        codes,
        np.stack([describe(one) for one in codes]),
        {
            "location": (random.random((12, len(LOCATIONS))) < 0.3).astype(np.float32),
            "function": np.zeros((12, len(shipped.terms)), dtype=np.float32),
        },
        {"location": np.ones(12, dtype=bool), "function": np.zeros(12, dtype=bool)},
        said,
    )
    settings = ProteinSettings(width=8, n_queries=2, pooled=16, n_descriptor_epochs=3, chains=4)
    member = train_proteins(rows, settings)
    assert member["language.weight"].shape == (said.shape[1], 16) and said.shape[1] == 12
    with_, without = (
        logits_of(member, codes, rows.descriptors, "location", 0, with_letters=False, said=one) for one in (said, None)
    )
    assert np.abs(with_ - without).max() > 1e-3
    return replace(shipped, members=(used_parameters(member, False),), language=pretended.identity, reader=pretended)


def test_weights_of_proteins_know_their_language_model(
    trained: ProteinModel, pretended: LanguageModel, tmp_path: Path
) -> None:
    path = save_protein_model(tmp_path / "weights.safetensors", trained)
    with pytest.raises(InputError, match="the weights: trained with the language model pretended"):
        predict_location(CHAIN, model=load_protein_model(path))
    with pytest.raises(InputError, match=r"properties-protein\.safetensors: trained without a language model"):
        load_protein_model(None, pretended)
    found = load_protein_model(path, pretended)
    assert found.language == pretended.identity
    probabilities = predict_location(CHAIN, model=found).probabilities
    assert probabilities == pytest.approx(predict_location(CHAIN, model=trained).probabilities, abs=0.02)


def test_location_with_a_language_model(
    trained: ProteinModel, pretended: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_protein_model(tmp_path / "weights.safetensors", trained)
    module = "unfreeze.properties.language.embeddings.open_language_model"
    monkeypatch.setattr(module, lambda folder: pretended)
    monkeypatch.chdir(tmp_path)
    asked = ["predict", "location", CHAIN, "--model", str(path), "--no-report", "-o", "out"]
    refused = CliRunner().invoke(app, asked)
    assert refused.exit_code == 2 and "give its folder with --language-model" in refused.stderr
    done = CliRunner().invoke(app, [*asked, "--language-model", "somewhere"])
    assert done.exit_code == 0, done.stderr
    record = json.loads((tmp_path / "out" / "prediction.json").read_text(encoding="utf-8"))
    assert record["language_model"]["name"] == "pretended"
