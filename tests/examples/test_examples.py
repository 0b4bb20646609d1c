"""The examples run, as they are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

import unfreeze

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_example_structure_is_the_dimer_with_its_inhibitor() -> None:
    protease = unfreeze.load(EXAMPLES / "data" / "1hvr.cif")
    assert (protease.residue_kind == "protein").sum() == 198
    assert list(protease.residue_name[protease.residue_kind == "ligand"]) == ["XK2"]
    assert "H" not in protease.element


def test_the_script_prints_what_moves_and_saves(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "hiv_protease.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("fluctuates by") == 5
    assert (tmp_path / "hiv_protease-ensemble" / "ensemble.json").is_file()


@pytest.mark.slow
def test_an_ensemble_is_scored_beside_floor_and_baseline(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "evaluate.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    lines = [line.partition(": ") for line in done.stdout.splitlines()]
    assert [name for name, *_ in lines] == ["rmsf_ca_r", "rmsf_ca_mean_A", "rmwd_A", "interface_contact_mae"]
    for *_, numbers in lines:
        value, low, high, *beside = map(float, re.findall(r"-?\d+\.\d+", numbers))
        assert low <= value <= high
        assert len(beside) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_notebook_runs() -> None:
    notebook = nbformat.read(EXAMPLES / "hiv_protease.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "commit the notebook without outputs"
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(EXAMPLES)}}
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert outputs
    assert not any(output.output_type == "error" for output in outputs)
