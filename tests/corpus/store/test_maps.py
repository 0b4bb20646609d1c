"""Maps are few, and a file that is too short never ends the program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unfreeze.corpus.store import Corpus, DamagedCorpusError
from unfreeze.corpus.store import trajectory_writer as writer_module
from unfreeze.corpus.store.maps import close_maps, open_map

_PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))
from unfreeze.corpus.store import Corpus
view = Corpus.open(sys.argv[1]).entry("pep").trajectory("R1")
assert len(view.record.shards) == 150
whole = view.frames()
for i in list(range(150)) * 2:
    assert (view.frame(i) == whole[i]).all()
print("fine")
"""


def test_more_shards_than_files_may_be_open(
    corpus: Corpus, peptide: Any, record: Any, frames: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "SHARD_BYTES", 1)
    with corpus.new_entry("pep", peptide) as entry:
        entry.begin_trajectory(record()).append(frames(peptide, 150))
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(corpus.path)], capture_output=True, text=True, check=False
    )
    assert run.stdout == "fine\n", run.stderr


def test_sizes_are_checked_before_mapping(tmp_path: Path) -> None:
    path = tmp_path / "a.i16"
    np.arange(12, dtype="<i2").tofile(path)
    assert open_map(str(path), "x", "<i2", (4, 3))[2, 1] == 7
    assert open_map(str(path), "x", "<i2", (4, 3)) is open_map(str(path), "x", "<i2", (4, 3))
    for shape in ((5, 3), (3, 3)):
        with pytest.raises(DamagedCorpusError, match="24 bytes"):
            open_map(str(path), "x", "<i2", shape)
    with pytest.raises(DamagedCorpusError, match="No such file"):
        open_map(str(tmp_path / "b"), "x", "<i2", (4, 3))
    with pytest.raises(ValueError, match="read-only"):
        open_map(str(path), "x", "<i2", (4, 3))[0, 0] = 1
    close_maps()


def test_a_view_outlives_a_repair_by_another_process(corpus: Corpus, peptide: Any, record: Any, frames: Any) -> None:
    """Files are replaced or moved, never changed in place, so what is mapped stays as it was."""
    with corpus.new_entry("pep", peptide) as entry:
        entry.begin_trajectory(record()).append(frames(peptide, 10))
    view = corpus.entry("pep").trajectory("R1")
    before = view.frame(3)
    with corpus.edit_entry("pep") as entry:
        entry.drop_trajectory("R1")
    assert np.array_equal(view.frame(3), before)
    close_maps()
    with pytest.raises(DamagedCorpusError, match="verify"):
        view.frame(3)
