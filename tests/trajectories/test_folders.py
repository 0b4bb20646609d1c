"""What a folder of trajectories holds."""

from __future__ import annotations

import shutil
from pathlib import Path

from unfreeze.trajectories.folders import look_into

SEED = Path(__file__).parents[2] / "corpora" / "seed"


def test_warmer_replicas_of_an_exchange_are_not_replicas_of_the_coldest(tmp_path: Path) -> None:
    shutil.copy(SEED / "1KNE.pdb", tmp_path / "topology.pdb")
    for name in ("trajectory", "trajectory-344.61K", "trajectory-400K"):
        shutil.copy(SEED / "1KNE.xtc", tmp_path / f"{name}.xtc")
    found = look_into(tmp_path)
    assert [path.name for path in found.trajectories] == ["trajectory.xtc"]
    assert "2 trajectories of higher temperatures" in found.notes[0]
    # by names that say nothing of temperatures they are replicas
    (tmp_path / "trajectory.xtc").rename(tmp_path / "run1.xtc")
    assert len(look_into(tmp_path).trajectories) == 3
