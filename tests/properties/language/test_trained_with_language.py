"""Mutation effects with language as one more modality: from tables through training to a prediction."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from unfreeze.cli.main import app
from unfreeze.corpus import Corpus
from unfreeze.corpus.mutations import Mutation
from unfreeze.errors import InputError
from unfreeze.properties import trunk
from unfreeze.properties.effect_model import EffectModel, ErrorLaw, load_effect_model, save_effect_model
from unfreeze.properties.language.embeddings import LanguageModel
from unfreeze.properties.language.identity import LanguageIdentity
from unfreeze.properties.modalities import mutation
from unfreeze.properties.sites import columns_of_sequence, columns_of_structure
from unfreeze.properties.stability import predict_stability
from unfreeze.properties.tables import EffectTables, MutationRow
from unfreeze.properties.tables.saved import save_tables
from unfreeze.properties.training.examples import read_examples
from unfreeze.properties.training.fit import FitSettings, fit_effects, predict

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQ"
LAWS = {task: ErrorLaw(4.0, 0.1, 0.5, 1e9) for task in mutation.TASKS}
FEW = FitSettings(width=8, native_steps=2, native_batch=8, steps=8, batch=4)


def _rows() -> tuple[MutationRow, ...]:
    """Binding and folding of small things."""
    rows = [
        MutationRow("affinity", 4.0, (Mutation.read("A:A2G"),), "c", "skempi2", "s:1", "pair", ("A", "B")),
        MutationRow("affinity", -1.0, (Mutation.read("B:A8W"),), "c", "skempi2", "s:2", "pair", ("A", "B")),
    ]
    for task in ("stability", "melting"):
        for k, letter in enumerate(SEQUENCE[:6], start=1):
            one = Mutation.read(f"{letter}{k}G")
            rows.append(MutationRow(task, float(-k), (one,), "p", "S1", f"t:{k}", sequence=SEQUENCE, positions=(k,)))
    return tuple(rows)


@pytest.fixture
def corpus(tmp_path: Path, make) -> Corpus:
    found = Corpus.create(tmp_path / "corpus")
    pair = make.merge(make.peptide(6), make.moved(make.peptide(6), (0.0, 1.0, 0.0)), chains=["A", "B"])
    with found.new_entry("pair", pair):
        pass
    return found


def test_columns_carry_the_vectors_of_their_residues(pretended: LanguageModel, make) -> None:
    molecule = make.merge(make.peptide(6), make.moved(make.peptide(5), (0.0, 2.0, 0.0)), chains=["A", "B"])
    sites = np.array([1, 7, 10])
    found = columns_of_structure(molecule, sites, with_motion=False, reader=pretended)
    one, other = pretended.residues(["AAAAAA", "AAAAA"])
    np.testing.assert_array_equal(found.language, [one[1], other[1], other[4]])
    assert found.has_language.all()
    alone = columns_of_sequence(SEQUENCE, np.array([3]), pretended)
    np.testing.assert_array_equal(alone.language[0], pretended.residues([SEQUENCE])[0][3])
    assert columns_of_structure(molecule, sites, with_motion=False).language.shape == (3, 0)


def test_masked_the_modality_adds_nothing(pretended: LanguageModel) -> None:
    columns = trunk.as_numpy(columns_of_sequence(SEQUENCE, np.arange(5), pretended))
    parameters = trunk.initial_parameters(8, 0, 4)
    with_, without = (trunk.encode(parameters, columns, given) for given in (("sequence", "language"), ("sequence",)))
    assert np.abs(with_ - without).max() > 1e-3
    columns["has_language"][:] = 0.0
    np.testing.assert_array_equal(trunk.encode(parameters, columns, ("sequence", "language")), without)
    # and all that is not of the language model begins the same with it and without
    plain = trunk.initial_parameters(8, 0)
    assert all(np.array_equal(parameters[name], one) for name, one in plain.items())
    assert set(parameters) - set(plain) == {name for name in parameters if name.startswith("language.")}
    assert {name: one.shape for name, one in parameters.items()} == trunk.parameter_shapes(8, 4)


def test_what_is_learned_reads_the_vectors(pretended: LanguageModel, corpus: Corpus, tmp_path: Path) -> None:
    given = ("sequence", "structure", "language")
    plain = read_examples(_rows(), corpus, tmp_path / "work", with_motion=False)
    examples = read_examples(_rows(), corpus, tmp_path / "work", with_motion=False, reader=pretended)
    assert examples.sites.has_language.all() and plain.sites.language.shape[1] == 0
    rows = np.arange(len(examples.rows))
    found = fit_effects(examples, rows, FEW, 0, given)
    assert float(found["language.spread"].min()) > 0.1
    first = torch.as_tensor(trunk.initial_parameters(8, 0, 4)["language.in.weight"])
    assert not torch.equal(found["language.in.weight"], first)
    stability = np.array([k for k in rows if examples.rows[k].task == "stability"])
    with_, without = (predict(found, examples, stability, "stability", one) for one in (given, given[:2]))
    assert np.abs(with_ - without).max() > 1e-3
    # without the modality, training is what it was
    assert not any(name.startswith("language.") for name in fit_effects(plain, rows, FEW, 0, given[:2]))


def test_weights_know_their_language_model(pretended: LanguageModel, make, tmp_path: Path) -> None:
    given = ("sequence", "structure", "language")
    members = tuple(trunk.initial_parameters(8, seed, 4) for seed in range(2))
    made = EffectModel(members, given, LAWS, language=pretended.identity)
    path = save_effect_model(tmp_path / "weights.safetensors", made)
    asked = [[Mutation("A", 3, "", "A", "W")]]
    molecule = make.peptide(30)
    with pytest.raises(InputError, match="trained with the language model pretended"):
        predict_stability(molecule, asked, model=load_effect_model(path), with_reasons=False)
    other = LanguageModel(LanguageIdentity("other", "cd" * 32, 5), 40, pretended._load, tmp_path)
    with pytest.raises(InputError, match=r"4 numbers a residue.*other has 5"):
        load_effect_model(path, other)
    with pytest.raises(InputError, match=r"properties\.safetensors: trained without a language model"):
        load_effect_model(None, pretended)
    found = load_effect_model(path, pretended)
    assert found.language == pretended.identity and found.given == given
    (effect,) = predict_stability(molecule, asked, model=found, with_reasons=False).effects
    moved = tuple({**one, "language.mean": one["language.mean"] + 1.0} for one in members)
    shifted = replace(found, members=moved)
    (changed,) = predict_stability(molecule, asked, model=shifted, with_reasons=False).effects
    assert effect.delta_delta_g_kJ_mol != changed.delta_delta_g_kJ_mol


def _recipe(name: str) -> ModuleType:
    path = Path(__file__).parents[3] / "recipes" / "properties" / f"{name}.py"
    if not path.is_file():
        pytest.skip("the recipes are not in a source distribution")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_from_tables_to_a_prediction(
    tiny_esm: Path, corpus: Corpus, make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unfreeze.structure.write import write_cif

    monkeypatch.setenv("UNFREEZE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    work, tables, weights = tmp_path / "work", tmp_path / "tables.jsonl", tmp_path / "weights.safetensors"
    save_tables(tables, EffectTables(_rows()))
    train, finish = _recipe("train_mutations"), _recipe("finish_mutations")
    monkeypatch.setattr(train, "SETTINGS", FEW)
    chosen = ["--given", "sequence,structure,language", "--language-model", str(tiny_esm)]
    where = [str(tables), str(corpus.path), str(tmp_path), str(work)]
    monkeypatch.setattr(sys, "argv", ["train", *where, "--run", "all", "--seeds", "2", "--as-shipped", *chosen])
    train.main()
    written = sorted(path.name for path in work.glob("effects-*"))
    assert len(written) == 2 and written[0].startswith("effects-all-ssl-")
    (predictions,) = work.glob("predictions-all-shipped-ssl-*.csv")
    # what was held out is made up; affinity is read as told in use, where `combine_affinity.py` was run
    runs = {"affinity-fold0": ("affinity",), "stability-fold0": ("stability", "melting"), "test_S669": ("stability",)}
    for run, tasks in runs.items():
        lines = [
            f"{task},g{k % 3},{measured},{measured + one} {measured + other}"
            for task in tasks
            for k, (measured, one, other) in enumerate(np.random.default_rng(0).normal(0.0, 5.0, (40, 3)))
        ]
        for kind in ("shipped", "bounded"):
            name = predictions.name.replace("-all-", f"-{run}-").replace("shipped", kind)
            predictions.with_name(name).write_text("\n".join(["task,group,measured,members", *lines]))
    monkeypatch.setattr(sys, "argv", ["finish", str(work), str(weights), *chosen])
    finish.main()

    structure = tmp_path / "peptide.cif"
    write_cif(structure, make.peptide(25))
    asked = ["predict", "stability", str(structure), "--mutations", "A:A3W", "--no-report", "--no-reasons", "--force"]
    asked += ["--model", str(weights)]
    refused = CliRunner().invoke(app, [*asked, "-o", "out"])
    assert refused.exit_code == 2 and "tiny_esm2 (16 numbers a residue); give its folder" in refused.stderr
    missing = CliRunner().invoke(app, [*asked, "-o", "out", "--language-model", "nowhere"])
    assert missing.exit_code == 2 and "nowhere: no such folder" in missing.stderr
    done = CliRunner().invoke(app, [*asked, "-o", "out", "--language-model", str(tiny_esm)])
    assert done.exit_code == 0, done.stderr
    record = json.loads((tmp_path / "out" / "prediction.json").read_text(encoding="utf-8"))
    assert record["language_model"]["width"] == 16 and record["language_model"]["name"] == "tiny_esm2"
    assert np.isfinite(record["effects"][0]["delta_delta_g_kJ_mol"])
    assert len(list((tmp_path / "cache" / "language-1").rglob("*.npy"))) == 3  # two sequences trained on, one asked
