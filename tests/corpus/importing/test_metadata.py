"""``metadata.yaml``: read with its line in every refusal, and the closest value counts."""

from __future__ import annotations

import pytest

from unfreeze.corpus.importing.metadata import Facts, read_metadata
from unfreeze.errors import InputError

GOOD = """\
dataset: gpcrmd
force_field: CHARMM36m
temperature_K: 310
solvent: tip3p
time_step_ps: 200
licence: CC-BY-4.0
systems:
  - name: 6KQI
    topology: 6KQI/top.pdb
    trajectories: [6KQI/r1.xtc, 6KQI/r2.xtc]
    notes: a membrane was left out
  - name: 4IB4
    temperature_K: 300
    trajectories:
      - {files: [a.dcd, b.dcd], name: R1}
      - {file: c.dcd, force_field: ff19SB}
"""


def test_the_closest_value_counts(tmp_path) -> None:
    path = tmp_path / "metadata.yaml"
    path.write_text(GOOD)
    facts, (first, second) = read_metadata(path)
    conditions = facts.under(first.facts).conditions()
    assert (conditions.force_field, conditions.solvent) == ("charmm36m", "explicit:tip3p")
    assert conditions.temperature_K == 310 and facts.number("time_step_ps") == 200
    assert first.notes == ("a membrane was left out",) and first.facts.text("topology") == "6KQI/top.pdb"
    joined, other = second.trajectories
    assert joined.files == ("a.dcd", "b.dcd") and joined.name == "R1"
    conditions = facts.under(second.facts).under(other.facts).conditions()
    assert (conditions.force_field, conditions.temperature_K) == ("amber19", 300.0)
    assert facts.source("x").licence == "CC-BY-4.0" and Facts().source("x").licence == "unknown"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("forcefield: x", "line 1, forcefield: 'forcefield' is not known here.*Did you mean force_field"),
        ("force_field: [a, b]", "one force field was expected, not 2"),
        ("temperature_K: warm", "a number between 0 and 5000"),
        ("temperature_K: -3", "a number between"),
        ("systems: 7", "a list of systems"),
        ("systems: [{force_field: x}]", "no name"),
        ("systems: [{name: a}, {name: a}]", "two systems are called 'a'"),
        ("systems: [{name: a, trajectories: [../../x.xtc]}]", "not a file below"),
        ("systems: [{name: a, trajectories: [/etc/x.xtc]}]", "not a file below"),
        ("topology: ../x.pdb", "not a file below"),
        ("topology: 'C:\\x.pdb'", "not a file below"),
        ("systems: [{name: a, trajectories: [{name: R1}]}]", "'file:' or 'files:'"),
        ("- a", "names and values"),
        ("a: &x 1\nb: *x", "aliases"),
        ("!!python/object/apply:os.system [ls]", "not YAML as it is read here"),
    ],
)
def test_what_is_refused(tmp_path, text, words) -> None:
    path = tmp_path / "metadata.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_metadata(path)
