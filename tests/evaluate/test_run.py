"""Many targets: side by side, one failure at a time, and going on where the last run stopped.

What is scored here are text files with a number in them, by a protocol of one metric: the machinery is what is tried.
The worker processes import it from a module that is written to disk, as they would a user's.
"""

from __future__ import annotations

import csv
import importlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from unfreeze.errors import InputError
from unfreeze.evaluate import protocols
from unfreeze.evaluate.result import TargetResult
from unfreeze.evaluate.run import Evaluation, evaluate_targets
from unfreeze.evaluate.store import ResultStore
from unfreeze.evaluate.targets import read_targets

TOY = """
import os, signal, sys, time
from pathlib import Path
from unfreeze.errors import InputError
from unfreeze.evaluate.metric import Estimate, Metric
from unfreeze.evaluate.protocol import Aggregate, Outcome, Protocol
from unfreeze.evaluate.result import TargetResult

VALUE = Metric("value", "Value", lambda *_: None, unit="Å", better="lower")
TOY = Protocol("toy", "1", "A toy", (VALUE,), (Aggregate.median(VALUE),), lambda *_: Outcome({}))


def score(task):
    path = Path(task.ensemble.trajectories[0])
    with open(path.parent / "scored.log", "a") as log:
        log.write(f"{task.target} {task.generator} {os.environ['OMP_NUM_THREADS']}\\n")
    if not path.exists():
        return {"error": f"{path.name}: there is no such file"}
    text = path.read_text()
    if text == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if text == "exit":
        os._exit(7)
    if text == "wait":
        while not (path.parent / "go").exists():
            time.sleep(0.01)
        text = "0"
    estimates = {"value": Estimate(float(text), floor=0.5)}
    files = {"ensemble": {"files": [str(path)]}, "reference": {"files": []}}
    result = TargetResult(task.target, task.generator, TOY.describe(), estimates=estimates, inputs=files)
    return {"result": result.to_dict()}
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "toy_protocol.py").write_text(TOY, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "modules")
    monkeypatch.setitem(protocols.PROTOCOLS, "toy", ("toy_protocol", "TOY"))
    monkeypatch.delitem(importlib.import_module("sys").modules, "toy_protocol", raising=False)
    return importlib.import_module("toy_protocol")


@pytest.fixture
def evaluate(toy: ModuleType, tmp_path: Path) -> Callable[..., Evaluation]:
    (tmp_path / "targets.yaml").write_text(
        'protocol: toy\nreference: "md-{target}"\nensembles: {ours: "ours-{target}", theirs: "theirs-{target}"}\n'
        "targets: [a, b, c]\n",
        encoding="utf-8",
    )
    for index, target in enumerate("abc"):
        (tmp_path / f"ours-{target}").write_text(f"{index}.5", encoding="utf-8")
        (tmp_path / f"theirs-{target}").write_text(f"{index}", encoding="utf-8")

    def evaluate(jobs: int = 2, **more: Any) -> Evaluation:
        targets = read_targets(tmp_path / "targets.yaml")
        return evaluate_targets(targets, tmp_path / "out", jobs=jobs, score=toy.score, **more)

    return evaluate


def scored(tmp_path: Path) -> list[str]:
    """Which tasks have been worked on since the last look."""
    log = tmp_path / "scored.log"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return sorted(line.rsplit(" ", 1)[0] for line in lines)


def test_the_folder_is_the_contract(evaluate: Callable[..., Evaluation], tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    found = evaluate(
        command="unfreeze evaluate ...", progress=lambda r, done, total: told.append((r.status, done, total))
    )
    out = tmp_path / "out"
    written = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} - {".lock"}
    assert written == {
        *("evaluation.json", "scores.csv", "summary.csv", "summary.md"),
        *(f"results/{generator}/{target}.json" for generator in ("ours", "theirs") for target in "abc"),
    }
    document = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    assert document == found.document
    assert document["schema"] == "unfreeze-evaluation-set/1"
    assert document["command"] == "unfreeze evaluate ..."
    assert document["protocol"] == {"name": "toy", "version": "1", "settings": {}, "title": "A toy"}
    assert document["metrics"] == [
        {"name": "value", "title": "Value", "unit": "Å", "better": "lower", "perfect": None, "group": ""}
    ]
    assert (document["generators"], document["targets"]) == (["ours", "theirs"], ["a", "b", "c"])
    assert document["summary"]["ours"]["value"] == {
        **{"value": 1.5, "low": 0.5, "high": 2.5, "floor": 0.5, "baseline": None, "n": 3, "n_missing": 0}
    }
    (pair,) = document["pairs"]
    assert (pair["first"], pair["second"], pair["difference"], pair["n"]) == ("ours", "theirs", 0.5, 3)
    assert document["failed"] == []
    assert told == [("ok", count, 6) for count in range(1, 7)]
    assert [result["value"] for result in found.results] == [0.5, 0.0, 1.5, 1.0, 2.5, 2.0]
    kept = json.loads((out / "results" / "ours" / "b.json").read_text(encoding="utf-8"))
    assert TargetResult.from_dict(kept) == found.results[2]
    with open(out / "scores.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0] == {
        **{"generator": "ours", "target": "a", "metric": "value", "value": "0.5", "low": "", "high": ""},
        **{"floor": "0.5", "baseline": "", "reference": "", "unit": "Å", "reason": ""},
    }
    assert len(rows) == 6


def test_a_second_run_works_on_what_has_changed_and_nothing_else(
    evaluate: Callable[..., Evaluation], tmp_path: Path
) -> None:
    first = evaluate()
    assert len(scored(tmp_path)) == 6
    stamp = (tmp_path / "out" / "results" / "ours" / "a.json").stat().st_mtime_ns

    second = evaluate()
    assert scored(tmp_path) == []
    assert (second.n_kept, second.results) == (6, first.results)
    assert (tmp_path / "out" / "results" / "ours" / "a.json").stat().st_mtime_ns == stamp

    (tmp_path / "ours-b").write_text("7.25", encoding="utf-8")  # another file
    assert evaluate().document["summary"]["ours"]["value"]["value"] == 2.5
    assert scored(tmp_path) == ["b ours"]

    (tmp_path / "out" / "results" / "theirs" / "c.json").write_text('{"cut o', encoding="utf-8")  # a damaged result
    evaluate()
    assert scored(tmp_path) == ["c theirs"]

    text = (tmp_path / "targets.yaml").read_text(encoding="utf-8")
    (tmp_path / "targets.yaml").write_text(text.replace("[a, b, c]", "[a, b]"), encoding="utf-8")  # fewer targets
    assert evaluate().document["targets"] == ["a", "b"]
    assert scored(tmp_path) == []

    (tmp_path / "targets.yaml").write_text(text + "n_bootstrap: 10\n", encoding="utf-8")  # other settings
    evaluate()
    assert len(scored(tmp_path)) == 6
    evaluate(again=True)
    assert len(scored(tmp_path)) == 6


def test_a_new_version_of_the_protocol_scores_again(
    evaluate: Callable[..., Evaluation], toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate()
    scored(tmp_path)
    from dataclasses import replace

    monkeypatch.setattr(toy, "TOY", replace(toy.TOY, version="2"))
    evaluate()
    assert len(scored(tmp_path)) == 6


def test_a_file_that_was_read_beside_the_given_one_counts_too(tmp_path: Path) -> None:
    (tmp_path / "topology.pdb").write_text("ATOM", encoding="utf-8")
    result = TargetResult("t", "g", {}, inputs={"ensemble": {"files": [str(tmp_path / "topology.pdb")]}})
    store = ResultStore(tmp_path / "out")
    store.put(result, "key")
    assert store.take("g", "t", "key") == result
    assert store.take("g", "t", "other key") is None
    (tmp_path / "topology.pdb").write_text("HETATM", encoding="utf-8")
    assert store.take("g", "t", "key") is None


def test_a_killed_process_costs_one_target(evaluate: Callable[..., Evaluation], tmp_path: Path) -> None:
    (tmp_path / "ours-a").write_text("killed", encoding="utf-8")
    (tmp_path / "theirs-b").write_text("exit", encoding="utf-8")
    (tmp_path / "theirs-c").unlink()
    found = evaluate(jobs=2)
    assert {(result.target, result.generator): result.error for result in found.failed} == {
        ("a", "ours"): "the process died (SIGKILL); out of memory? Try fewer --jobs or fewer frames",
        ("b", "theirs"): "the process died (exit code 7); out of memory? Try fewer --jobs or fewer frames",
        ("c", "theirs"): "theirs-c: there is no such file",
    }
    assert [row["target"] for row in found.document["failed"]] == ["a", "b", "c"]
    assert found.document["summary"]["ours"]["value"]["n_missing"] == 1
    assert len(scored(tmp_path)) == 6
    with open(tmp_path / "out" / "scores.csv", encoding="utf-8", newline="") as stream:
        reasons = [row["reason"] for row in csv.DictReader(stream) if not row["value"]]
    assert len(reasons) == 3
    assert "failed: theirs-c: there is no such file" in reasons

    for name in ("ours-a", "theirs-b", "theirs-c"):  # mended: what failed is tried again, and nothing else
        (tmp_path / name).write_text("3", encoding="utf-8")
    assert evaluate().failed == ()
    assert scored(tmp_path) == ["a ours", "b theirs", "c theirs"]


def test_what_failed_is_tried_again_even_unchanged(evaluate: Callable[..., Evaluation], tmp_path: Path) -> None:
    (tmp_path / "ours-a").unlink()
    evaluate()
    scored(tmp_path)
    assert len(evaluate().failed) == 1
    assert scored(tmp_path) == ["a ours"]


def test_an_interruption_keeps_what_is_done(evaluate: Callable[..., Evaluation], tmp_path: Path) -> None:
    (tmp_path / "ours-c").write_text("wait", encoding="utf-8")

    def stop(_result: TargetResult, done: int, _total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(jobs=1, progress=stop)
    assert len(list((tmp_path / "out" / "results").rglob("*.json"))) == 4
    assert not (tmp_path / "out" / "evaluation.json").exists()
    scored(tmp_path)
    (tmp_path / "go").touch()
    assert evaluate(jobs=1).n_kept == 4
    assert scored(tmp_path) == ["c ours", "c theirs"]


def test_threads_are_shared_between_processes(
    evaluate: Callable[..., Evaluation], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unfreeze.evaluate.run.n_cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    evaluate(jobs=2)
    lines = (tmp_path / "scored.log").read_text(encoding="utf-8").split("\n")[:-1]
    assert {line.rsplit(" ", 1)[1] for line in lines} == {"4"}
    assert "OMP_NUM_THREADS" not in os.environ


def test_a_folder_of_other_things_is_refused(evaluate: Callable[..., Evaluation], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("words", encoding="utf-8")
    with pytest.raises(InputError, match=r"not an evaluation folder \(it holds 'thesis.tex'\)"):
        evaluate()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["thesis.tex"]
    assert scored(tmp_path) == []


def test_a_second_run_at_the_same_time_is_refused(evaluate: Callable[..., Evaluation], tmp_path: Path) -> None:
    with ResultStore(tmp_path / "out").locked(), pytest.raises(InputError, match="another `unfreeze evaluate`"):
        evaluate()


def test_numbers_that_are_not_finite_are_null_on_disk(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    store.put(TargetResult("t", "g", {}, arrays={"series": [1.0, float("nan"), float("inf")]}), "key")
    document = json.loads(store.path("g", "t").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert document["arrays"]["series"] == [1.0, None, None]
