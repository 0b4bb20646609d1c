"""`unfreeze corpus` from end to end, with real molecular dynamics: adding, importing, damage, splits, export."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import mdtraj
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from unfreeze.cli.main import app
from unfreeze.corpus import Corpus

SEED = Path(__file__).parents[2] / "corpora" / "seed"
PHYSICS = ("--temperature", "300", "--force-field", "ff14SB", "--solvent", "obc2")


def corpus(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["corpus", *map(str, arguments)])


def peptides(folder: Path, *names: str) -> Path:
    """A folder with some of the seed's trajectories."""
    folder.mkdir()
    for name in names:
        shutil.copy(SEED / f"{name}.pdb", folder)
        shutil.copy(SEED / f"{name}.xtc", folder)
    return folder


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of five peptides; tests that change it copy it."""
    folder = tmp_path_factory.mktemp("corpus")
    source = peptides(folder / "md", "AAAAAA", "GSGSGS", "KLVFFAE", "DAEFRHD", "GYDPETGTWG")
    result = corpus("import", folder / "made", "generic", source, *PHYSICS, "--set", "time_step=1ps",
                    "--set", "licence=CC0-1.0")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "5 taken (1,000 frames" in result.stdout
    return folder / "made"


@pytest.fixture
def own(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "own"))


def test_frames_are_those_of_the_files(filled: Path) -> None:
    view = Corpus.open(filled).entry("GYDPETGTWG").trajectory("GYDPETGTWG")
    read = mdtraj.load(SEED / "GYDPETGTWG.xtc", top=SEED / "GYDPETGTWG.pdb")
    assert np.abs(view.frames(slice(None), centred=False) - read.xyz).max() < 6e-4
    assert view.times_ps is not None and np.allclose(np.diff(view.times_ps), 1.0)


def test_list_and_show(filled: Path) -> None:
    listed = json.loads(corpus("list", filled, "--json").stdout)
    assert [entry["identifier"] for entry in listed["entries"]] == [
        "AAAAAA", "DAEFRHD", "GSGSGS", "GYDPETGTWG", "KLVFFAE",
    ]  # fmt: skip
    assert {entry["n_frames"] for entry in listed["entries"]} == {200}
    assert "300 K, amber14, implicit:obc2" in corpus("list", filled).stdout
    shown = json.loads(corpus("show", filled, "GSGSGS", "--json").stdout)
    assert shown["sequences"] == ["GSGSGS"] and shown["trajectories"][0]["time_step_ps"] == 1.0
    assert "GSGSGS" in corpus("show", filled, "GSGSGS").stdout
    assert json.loads(corpus("show", filled, "--json").stdout)["n_entries"] == 5
    missing = corpus("show", filled, "nothing")
    assert missing.exit_code == 2 and "no entry 'nothing'" in missing.stderr


def test_adding_one_s_own(tmp_path: Path) -> None:
    files = ("--topology", SEED / "GG-AA.pdb", "--trajectory", SEED / "GG-AA.xtc")
    unknown = corpus("add", tmp_path / "c", *files)
    assert unknown.exit_code == 2 and "--temperature" in unknown.stdout
    dry = corpus("add", tmp_path / "d", *files, *PHYSICS, "--dry-run")
    assert dry.exit_code == 0 and "1 would be taken" in dry.stdout and not (tmp_path / "d").exists()
    added = corpus("add", tmp_path / "c", *files, *PHYSICS, "--time-step", "1ps", "--name", "dimer")
    assert added.exit_code == 0, added.output
    again = corpus("add", tmp_path / "c", *files, *PHYSICS, "--time-step", "1ps", "--name", "dimer")
    assert again.exit_code == 0 and "1 skipped" in again.stdout
    wrong = corpus(
        "add", tmp_path / "c", "--topology", SEED / "AAAAAA.pdb", "--trajectory", SEED / "GG-AA.xtc", *PHYSICS
    )
    assert wrong.exit_code == 2 and "do not belong together" in wrong.stdout
    assert Corpus.open(tmp_path / "c").identifiers == ("dimer",)


def test_several_trajectories_are_replicas(tmp_path: Path) -> None:
    read = mdtraj.load(SEED / "AAAAAA.xtc", top=SEED / "AAAAAA.pdb")
    read[:100].save(tmp_path / "r1.xtc")
    read[100:].save(tmp_path / "r2.xtc")
    result = corpus("add", tmp_path / "c", "--topology", SEED / "AAAAAA.pdb", "--trajectory", tmp_path / "r1.xtc",
                    tmp_path / "r2.xtc", *PHYSICS)  # fmt: skip
    assert result.exit_code == 0, result.output
    entry = Corpus.open(tmp_path / "c").entry("AAAAAA")
    assert {name: entry.trajectory(name).n_frames for name in entry.trajectories} == {"r1": 100, "r2": 100}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "c"], "give at least one"),
        (["add", "c", "--trajectory", "none.xtc"], "none.xtc: no such file"),
        (["import", "c", "nothing", "."], "no importer is called 'nothing'"),
        (["import", "c", "atlas", "nowhere"], "nowhere: no such file or folder"),
        (["import", "c", "atlas", ".", "--set", "x"], "expected NAME=VALUE"),
        (["import", "c", "atlas", ".", "--set", "x=1"], "no option 'x'"),
        (["list", "nowhere"], "no corpus"),
        (["verify", "nowhere"], "no corpus"),
        (["verify", "https://example.org/c"], "verified where it lies"),
        (["split"], "give a corpus"),
        (["split", "nowhere"], "no corpus"),
        (["split", "--check", "nowhere.fasta"], "nowhere.fasta"),
        (["fetch", "nothing"], "there is no set 'nothing'"),
        (["fetch", "atlas", "--ids", "16pk_A", "--max-size", "much"], "expected a size"),
        (["export", "nowhere", "-o", "x"], "no corpus"),
        (["export", "nowhere", "-o", "x", "--format", "docx"], "expected xtc, mdcath or zarr"),
        (["create", "c", "--private", "a/b"], "cannot be an alias"),
    ],
)
def test_what_can_be_mistyped(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = corpus(*arguments)
    said = " ".join((result.output + result.stderr).replace("│", " ").split())
    assert result.exit_code == 2 and words in said, said
    assert "Traceback" not in said


def test_damage_is_found_and_repaired(own: Path) -> None:
    assert corpus("verify", own).exit_code == 0
    shard = next((own / "entries" / "KLVFFAE" / "shards").glob("*coordinates*"))
    data = bytearray(shard.read_bytes())
    data[100] ^= 0x7F
    data[200] ^= 0x7F
    shard.write_bytes(data)
    found = corpus("verify", own)
    assert found.exit_code == 1 and str(shard.relative_to(own)) in found.stdout
    mended = corpus("repair", own)
    assert mended.exit_code == 0 and "frames lost" in mended.stdout
    assert corpus("verify", own).exit_code == 0
    assert [one.identifier for one in Corpus.open(own).index if one.n_frames == 200] == [
        "AAAAAA", "DAEFRHD", "GSGSGS", "GYDPETGTWG",
    ]  # fmt: skip


def test_splits(own: Path, tmp_path: Path) -> None:
    made = corpus("split", own, "--fractions", "train=0.6,test=0.4", "--json")
    assert made.exit_code == 0, made.output
    parts = json.loads(made.stdout)["parts"]
    assert sorted(parts["train"] + parts["test"]) == list(Corpus.open(own).identifiers)
    assert corpus("split", own).exit_code == 2  # there is one of this name
    assert "train" in corpus("split", own, "--show").stdout
    exported = corpus("export", own, "-o", tmp_path / "out", "--split", "split")
    assert exported.exit_code == 0, exported.output
    assert {path.parent.parent.name for path in (tmp_path / "out").rglob("*.xtc")} == {"train", "test"}
    path = own / "splits" / "split.json"
    path.write_text(path.read_text().replace("GSGSGS", "GSGSGT"))
    edited = corpus("split", own, "--show")
    assert edited.exit_code == 2 and "split.json" in edited.stderr


def test_statistics_and_their_page(filled: Path, tmp_path: Path) -> None:
    result = corpus("stats", filled, "--report", tmp_path / "stats.html")
    assert result.exit_code == 0, result.output
    assert "300 K, amber14, implicit:obc2" in result.stdout and "CC0-1.0" in result.stdout
    assert "<html" in (tmp_path / "stats.html").read_text(encoding="utf-8")
    assert json.loads(corpus("stats", filled, "--json", "--no-motion").stdout)["totals"]["frames"] == 1000


def test_leaks_of_a_split_made_elsewhere(tmp_path: Path) -> None:
    letters = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQVKVKALPD"
    (tmp_path / "train.fasta").write_text(f">a\n{letters}\n>b\n{'GSTPAN' * 10}\n")
    (tmp_path / "test.fasta").write_text(f">c\n{letters[5:]}\n")
    result = corpus("split", "--check", tmp_path / "train.fasta", "--check", tmp_path / "test.fasta", "--json")
    assert result.exit_code == 1
    (leak,) = json.loads(result.stdout)["leaks"]
    assert sorted(leak["names"]) == ["a", "c"] and leak["identity"] == 1.0
    (tmp_path / "test.fasta").write_text(">c\nWWHHCCMMYYFFWWHHCCMMYYFFWWHHCCMMYYFF\n")
    assert corpus("split", "--check", tmp_path / "train.fasta", "--check", tmp_path / "test.fasta").exit_code == 0


def test_a_private_corpus_is_named_by_its_alias(tmp_path: Path) -> None:
    result = corpus("add", tmp_path / "secret-target", "--topology", SEED / "AAAAAA.pdb", "--trajectory",
                    SEED / "AAAAAA.xtc", *PHYSICS, "--private", "client-7")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert corpus("export", tmp_path / "secret-target", "-o", tmp_path / "out").exit_code == 0
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert written and all("AAAAAA" not in path.name and "secret" not in path.name for path in written)
    texts = "".join(path.read_bytes().decode("latin-1") for path in written)
    assert "client-7" in texts and "secret-target" not in texts and "AAAAAA.xtc" not in texts


def test_importers_are_listed() -> None:
    names = {one["name"] for one in json.loads(corpus("sets", "--json").stdout)}
    assert {"generic", "atlas", "mdcath", "misato", "static", "skempi"} <= names
    assert "--set time_step=" in corpus("sets", "generic").stdout


def test_killed_and_given_again(tmp_path: Path) -> None:
    read = mdtraj.load(SEED / "GYDPETGTWG.xtc", top=SEED / "GYDPETGTWG.pdb")
    mdtraj.join([read] * 150).save(tmp_path / "long.xtc")  # copies are no fault while frames differ from the last
    command = [sys.executable, "-m", "unfreeze", "corpus", "add", str(tmp_path / "c"), "--topology",
               str(SEED / "GYDPETGTWG.pdb"), "--trajectory", str(tmp_path / "long.xtc"), "--time-step", "1ps",
               *PHYSICS]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    entries = tmp_path / "c" / "entries"
    until = time.monotonic() + 60
    while not list(entries.glob("*/shards/*")) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    result = corpus(*command[4:])
    assert result.exit_code == 0, result.output
    view = Corpus.open(tmp_path / "c").entry("GYDPETGTWG").trajectory("long")
    assert view.n_frames == 30_000 and view.record.is_complete
    assert np.abs(view.frames([0, 29_999], centred=False) - read.xyz[[0, 199]]).max() < 6e-4
    assert corpus("verify", tmp_path / "c").exit_code == 0
