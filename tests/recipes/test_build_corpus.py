from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

_RECIPE = Path(__file__).parents[2] / "recipes" / "data" / "build_corpus.py"
_SEED = Path(__file__).parents[2] / "corpora" / "seed"


@pytest.fixture(scope="module")
def recipe() -> ModuleType:
    if not _RECIPE.is_file():
        pytest.skip("the recipes are not in a source distribution")
    spec = importlib.util.spec_from_file_location("build_corpus", _RECIPE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _pdb(residues: list[tuple[int, float]], chain: str = " ") -> str:
    """Residues of N, CA and C along a line: their numbers, and where each begins in Å."""
    lines = []
    for number, start in residues:
        for name, at in (("N", 0.0), ("CA", 1.45), ("C", 2.5)):
            lines.append(
                f"ATOM  {len(lines) + 1:5d}  {name:<3} ALA {chain}{number:4d}    {start + at:8.3f}{0:8.3f}{0:8.3f}"
                f"  1.00  0.00           {name[0]}"
            )
    return "\n".join([*lines, "TER", "END"]) + "\n"


def _chains(text: str) -> str:
    return "".join(line[21] for line in text.splitlines() if line.startswith("ATOM"))[::3]


def test_chains_written_as_one_are_separated(recipe: ModuleType) -> None:
    text, n_breaks = recipe.separate_chains(_pdb([(7, 0.0), (8, 3.8), (1, 50.0), (2, 53.8), (1, 100.0)]))
    assert (_chains(text), n_breaks) == ("AABBC", 2)


@pytest.mark.parametrize(
    "residues",
    [
        pytest.param([(1, 0.0), (2, 3.8), (3, 7.6)], id="whole"),
        pytest.param([(1, 0.0), (2, 3.8), (27, 50.0)], id="a loop is missing"),
        pytest.param([(8, 0.0), (1, 3.8), (2, 7.6)], id="numbers fall where there is a bond"),
    ],
)
def test_what_is_one_chain_stays_as_it_is(recipe: ModuleType, residues: list[tuple[int, float]]) -> None:
    text = _pdb(residues)
    assert recipe.separate_chains(text) == (text, 0)


def test_names_that_are_there_are_not_given_again(recipe: ModuleType) -> None:
    text, n_breaks = recipe.separate_chains(
        _pdb([(5, 0.0), (1, 50.0)], "B").replace("TER\nEND\n", "") + _pdb([(1, 90.0)], "A")
    )
    assert (_chains(text), n_breaks) == ("BCA", 1)


def test_trajectories_are_spread_over_folds_and_a_second_run_changes_nothing(
    recipe: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from unfreeze.corpus import Corpus
    from unfreeze.corpus.split import Split

    source = tmp_path / "md"
    source.mkdir()
    for name in ("DAEFRHD", "KLVFFAE", "GYDPETGTWG", "AAAAAA"):
        for ending in ("pdb", "xtc"):
            (source / f"{name}.{ending}").write_bytes((_SEED / f"{name}.{ending}").read_bytes())
    arguments = [str(tmp_path / "corpus"), "--md", str(source), "--folds", "2"]
    assert recipe.main(arguments) == 2  # nothing says the conditions
    assert "--md-facts" in capsys.readouterr().err
    arguments += ["--md-facts", str(_SEED / "metadata.yaml")]
    assert recipe.main(arguments) == 0
    first = Split.load(Corpus.open(tmp_path / "corpus"), "folds")
    assert [len(first.entries_of(part)) for part in ("fold0", "fold1")] == [2, 2]
    assert recipe.main(arguments) == 0
    assert "4 skipped" in capsys.readouterr().out
    assert Split.load(Corpus.open(tmp_path / "corpus"), "folds").parts == first.parts
