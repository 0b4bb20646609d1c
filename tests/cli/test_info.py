"""`unfreeze info` and what stands before the verbs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import unfreeze
from unfreeze.cli import info
from unfreeze.cli.main import app


def test_json_has_versions_devices_and_parts() -> None:
    facts = json.loads(CliRunner().invoke(app, ["info", "--json"]).stdout)
    assert facts["unfreeze"] == unfreeze.__version__
    assert facts["packages"]["numpy"] == np.__version__
    assert facts["devices"][0].startswith("CPU, ")
    assert set(facts["optional"]) == set(info.OPTIONAL_PARTS)


def test_a_missing_part_comes_with_the_command_that_adds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(info.OPTIONAL_PARTS, "openmm", (("no-such-distribution",), "force fields"))
    monkeypatch.setitem(info.OPTIONAL_PARTS, "train", (("numpy",), "training"))
    optional = json.loads(CliRunner().invoke(app, ["info", "--json"]).stdout)["optional"]
    assert optional["openmm"]["add_with"].endswith("-m pip install 'unfreeze[openmm]'")
    assert optional["train"]["add_with"] is None
    shown = CliRunner().invoke(app, ["info"]).stdout
    assert "-m pip install 'unfreeze[openmm]'" in shown
    assert "-m pip install 'unfreeze[train]'" not in shown


def test_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"unfreeze {unfreeze.__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["sample", "-h"], ["evaluate", "-h"], ["report", "--help"], ["info", "--help"]]
)
def test_help(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert "Usage" in done.stdout
