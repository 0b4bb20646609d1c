"""The targets file: what it may say, and what a person is told when it says something else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unfreeze.errors import InputError
from unfreeze.evaluate.targets import read_targets
from unfreeze.files.yaml_file import MAX_BYTES

PATTERN = """
protocol: alphaflow
floor: false
stride: 10
reference: md/{target}
ensembles:
  alphaflow: pred/{target}.pdb
  boltz: {trajectories: ["b/{target}.xtc"], topology: "b/{target}.pdb", stride: 2}
targets: [6o2v_A, 7abc_B]
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "targets.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_pattern_serves_for_every_target(write, tmp_path: Path) -> None:
    found = read_targets(write(PATTERN))
    assert found.targets == ("6o2v_A", "7abc_B")
    assert found.generators == ("alphaflow", "boltz")
    assert (found.settings.protocol, found.settings.floor, found.settings.stride) == ("alphaflow", False, 10)
    assert found.settings.baseline is True
    last = found.tasks[-1]
    assert (last.target, last.generator) == ("7abc_B", "boltz")
    assert last.reference.trajectories == (str(tmp_path / "md" / "7abc_B"),)
    assert last.ensemble.trajectories == (str(tmp_path / "b" / "7abc_B.xtc"),)
    assert last.ensemble.topology == str(tmp_path / "b" / "7abc_B.pdb")
    assert (last.ensemble.stride, last.reference.stride) == (2, None)


def test_targets_may_name_their_own_files(write, tmp_path: Path) -> None:
    found = read_targets(
        write("""
ensembles: {ours: "ours/{target}"}
targets:
  - name: one
    reference: [r1.xtc, r2.xtc]
  - name: two
    reference: {trajectories: /far/md.xtc, topology: top.pdb, replicas: separate}
    ensembles: {theirs: two.pdb}
""")
    )
    assert [(task.target, task.generator) for task in found.tasks] == [
        ("one", "ours"),
        ("two", "ours"),
        ("two", "theirs"),
    ]
    assert found.tasks[0].reference.trajectories == (str(tmp_path / "r1.xtc"), str(tmp_path / "r2.xtc"))
    assert found.tasks[1].reference.trajectories == ("/far/md.xtc",)
    assert found.tasks[1].reference.replicas == "separate"


def test_targets_from_a_list(write, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("# the test set\n6o2v_A\n\n7abc_B  # small\n", encoding="utf-8")
    found = read_targets(write('reference: "md/{target}"\nensembles: {x: "x/{target}"}\ntargets_file: names.txt\n'))
    assert found.targets == ("6o2v_A", "7abc_B")
    (tmp_path / "names.txt").write_text("6o2v_A\n../up\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"names\.txt, line 2: '\.\./up' cannot name a file"):
        read_targets(tmp_path / "targets.yaml")


HEAD = 'reference: "md/{target}"\nensembles: {x: "x/{target}"}\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "target: [a]\n", r"line 3, target: unknown key 'target'; known are: protocol, .*targets_file"),
        (HEAD + "targets:\n  - name: a\n    ensembels: {}\n", r"line 5, targets\.1\.ensembels: unknown .*ensembles"),
        (HEAD + "targets: [a, 1234]\n", r"line 3, targets\.2: expected a name \(a number or a date: in quotes\)"),
        (HEAD + "targets: [a, b, a]\n", r"targets\.3: the target 'a' is there twice"),
        (HEAD + "targets: ['../../etc/passwd']\n", r"'\.\./\.\./etc/passwd' cannot name a file"),
        (HEAD + "targets: ['a/b']\n", "cannot name a file"),
        (HEAD + "targets: ['']\n", "cannot name a file"),
        (HEAD + "targets: [..]\n", "cannot name a file"),
        (HEAD + "targets: a\n", r"line 3, targets"),
        (HEAD + "targets: []\n", "no targets; list their names"),
        (HEAD, "no targets; list their names"),
        ("", "expected a mapping with some of the keys protocol"),
        ("- a\n- b\n", "expected a mapping"),
        (HEAD + "targets: [a]\nn_bootstrap: -1\n", r"line 4, n_bootstrap: .*greater than or equal to 0, found -1"),
        (HEAD + "targets: [a]\nn_bootstrap: many\n", r"line 4, n_bootstrap: .*valid integer, found 'many'"),
        (HEAD + "targets: [a]\nfloor: 3\n", r"line 4, floor: .*valid boolean, found 3"),
        (HEAD + "targets: [a]\nprotocol: 3\n", "line 4, protocol: expected text, found 3; put it in quotes"),
        (HEAD + "targets: [a]\ntargets: [b]\n", "line 4: .*the key 'targets' is there twice"),
        ("reference: md\nensembles: {x: y}\ntargets: [a, b]\n", r"line 1, reference: 'md' serves for 2 targets"),
        ('reference: "md/{target}"\ntargets: [a]\n', "line 2, targets.1: the target 'a' has no 'ensembles'"),
        ('ensembles: {x: "x/{target}"}\ntargets: [a]\n', "the target 'a' has no 'reference'"),
        ('reference: {topology: a.pdb}\nensembles: {x: y}\ntargets: [a]\n', r"line 1, reference\.trajectories: Field"),
        ("reference: []\nensembles: {x: y}\ntargets: [a]\n", r"line 1, reference\.trajectories: .*at least 1 item"),
        ("a: &a [1]\nb: *a\n", "line 2: .*aliases"),
        ("a: [1\nb: 2\n", "line 2: not YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", "line 1: not YAML"),
        ("\x00", "not YAML"),
        ("1: 2\n", "the key '1' is not text"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("a: 2020-13-45\n", "not YAML as it is read here: month must be"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(write, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_targets(write(text))
    assert "targets.yaml" in str(caught.value)


_words = st.sampled_from(
    ["targets", "reference", "ensembles", "name", "trajectories", "topology", "stride", "seed", "{target}", "a", "../b"]
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | _values.map(yaml.safe_dump))
def test_any_other_file_is_refused_and_never_fails(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    try:
        found = read_targets(path)
    except InputError as error:
        assert "any.yaml" in str(error)
    else:
        assert found.tasks
        assert all("/" not in task.target + task.generator for task in found.tasks)


def test_files_that_cannot_be_a_list_of_targets(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.yaml: cannot be read \(No such file"):
        read_targets(tmp_path / "absent.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match="byte 0 is not UTF-8"):
        read_targets(tmp_path / "binary.yaml")
    with open(tmp_path / "large.yaml", "wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match="larger than 16 MiB"):
        read_targets(tmp_path / "large.yaml")
