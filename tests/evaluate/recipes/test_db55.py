"""The recipe for Docking Benchmark 5.5, on a benchmark of one complex made here."""

from __future__ import annotations

import json

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.evaluate.metrics.interface_recovery import partners
from unfreeze.evaluate.recipes.db55 import find_db55, merge_db55, prepare_db55
from unfreeze.evaluate.targets import read_targets
from unfreeze.structure.ensemble import Ensemble
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import write_pdb


@pytest.fixture(scope="module")
def benchmark(make, tmp_path_factory):
    """1HVR cut into two partners, both called A; the unbound ligand is turned about an axis and renumbered."""
    folder = tmp_path_factory.mktemp("benchmark") / "structures"
    folder.mkdir()
    whole = make.read("1hvr")
    receptor, ligand = whole.take_chains(["A"]), make.merge(whole.take_chains(["B"]), chains=["A"])
    for name in ("1AAA", "2BBB"):
        for part, molecule in (("r_b", receptor), ("l_b", ligand), ("r_u", receptor)):
            write_pdb(folder / f"{name}_{part}.pdb", molecule)
        write_pdb(folder / f"{name}_l_u.pdb", make.moved(ligand, [0.0, 0.05, 0.1]))
    (folder / "2BBB_l_u.pdb").write_text("nothing of use\n")
    (folder / "3CCC_r_u.pdb").write_text("alone\n")
    return folder.parent


def test_partners_are_merged_and_named(benchmark):
    found = find_db55(benchmark)
    assert list(found) == ["1AAA", "2BBB"]
    unbound, bound = merge_db55(found["1AAA"])
    assert unbound.chain_name.tolist() == ["A", "B"]
    assert bound.chain_name.tolist() == ["receptor_A", "ligand_A"]
    assert partners(bound) == ["receptor", "ligand"]
    shift = unbound.coordinates_nm - bound.coordinates_nm
    moved = unbound.atom_chain_index == 1
    assert np.allclose(shift[~moved], 0.0) and np.allclose(shift[moved], [0.0, 0.05, 0.1], atol=1e-3)


def test_a_failure_does_not_take_the_rest_and_nothing_is_made_twice(benchmark, tmp_path):
    others = tmp_path / "others"
    path = prepare_db55(
        benchmark, tmp_path / "out", n_frames=3, n_threads=1, ensembles={"theirs": str(others / "{target}.pdb")}
    )  # fmt: skip
    failed = json.loads((tmp_path / "out" / "failed.json").read_text())
    assert list(failed) == ["2BBB"] and "2BBB_l_u.pdb" in failed["2BBB"]
    targets = read_targets(path)
    assert targets.settings.protocol == "bound-from-unbound"
    assert (targets.targets, targets.generators) == (("1AAA",), ("harmonic", "theirs"))
    assert targets.tasks[1].ensemble.trajectories == (str(others / "1AAA.pdb"),)
    ensemble = Ensemble.load(tmp_path / "out" / "1AAA" / "harmonic")
    unbound = read_complex(tmp_path / "out" / "1AAA" / "unbound.pdb")
    assert ensemble.n_frames == 3
    assert np.allclose(ensemble.complex.coordinates_nm, unbound.coordinates_nm, atol=1e-4)
    stamps = {p: p.stat().st_mtime_ns for p in sorted((tmp_path / "out" / "1AAA").rglob("*")) if p.is_file()}
    prepare_db55(benchmark, tmp_path / "out", ids=["1AAA"], n_frames=3, n_threads=1)
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps
    prepare_db55(benchmark, tmp_path / "out", ids=["1AAA"], n_frames=4, n_threads=1)
    assert Ensemble.load(tmp_path / "out" / "1AAA" / "harmonic").n_frames == 4


def test_the_targets_can_be_scored(benchmark, tmp_path):
    from unfreeze.evaluate.comparison import compare

    path = prepare_db55(benchmark, tmp_path, ids=["1AAA"], n_frames=6, n_threads=1)
    (task,) = read_targets(path).tasks
    result = compare(
        task.ensemble.trajectories[0], task.reference.trajectories[0], task.settings.protocol, n_bootstrap=0
    )  # fmt: skip
    # the partner was moved by 1.1 Å, of which superposing the two equal halves of the interface leaves half
    assert result["irmsd_input_A"] == pytest.approx(0.56, abs=0.03)
    assert result["irmsd_best_A"] is not None and result["irmsd_best_A"] < 3.0


def test_wrong_folders_and_names_are_refused(benchmark, tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        prepare_db55(tmp_path / "absent", tmp_path / "out")
    with pytest.raises(InputError, match="no complexes"):
        prepare_db55(tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="no complex 9ZZZ; it has 2, such as 1AAA"):
        prepare_db55(benchmark, tmp_path / "out", ids=["9ZZZ"])
    with pytest.raises(InputError, match="nothing to score"):
        prepare_db55(benchmark, tmp_path / "out", sample=False)
    with pytest.raises(InputError, match="none of 1 complexes could be prepared; 2BBB"):
        prepare_db55(benchmark, tmp_path / "out", ids=["2BBB"])
