"""What `import unfreeze` promises, in every order of imports, and that the project's files agree with each other."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from itertools import permutations
from pathlib import Path

import pytest

import unfreeze
from unfreeze.cli.info import CORE, OPTIONAL_PARTS

ROOT = Path(__file__).parents[1]

IMPORTS = (
    "import unfreeze; assert callable(unfreeze.sample)",
    "from unfreeze import sample; assert callable(sample)",
    "import unfreeze.sample.generate; assert callable(unfreeze.sample)",
    "from unfreeze.sample.generate import sample_ensemble",
    "from unfreeze import load, Complex, Ensemble, InputError, UnfreezeError",
)


@pytest.mark.parametrize("first", range(len(IMPORTS)))
def test_sample_is_the_verb_and_the_package_in_any_order(first: int) -> None:
    orders = [order for order in permutations(range(len(IMPORTS)), 3) if order[0] == first]
    # One process for all orders that begin alike: modules are forgotten in between.
    script = "import sys\n"
    for order in orders:
        script += "for name in [n for n in sys.modules if n.split('.')[0] == 'unfreeze']: del sys.modules[name]\n"
        script += "".join(f"{IMPORTS[index]}\n" for index in order)
        script += "import unfreeze, unfreeze.sample.generate\n"
        script += "from unfreeze import sample\n"
        script += "assert unfreeze.sample is sample is sys.modules['unfreeze.sample']\n"
        script += "import inspect\n"
        script += "assert 'timescale_ns' in inspect.signature(unfreeze.sample).parameters\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_nothing_heavy() -> None:
    script = "import sys, unfreeze, unfreeze.cli.main; print(*sorted({n.split('.')[0] for n in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "scipy", "gemmi", "mdtraj", "requests", "jinja2", "pydantic", "pandas"} & set(loaded)


def test_every_public_name_can_be_had() -> None:
    for name in unfreeze.__all__:
        assert getattr(unfreeze, name) is not None
    assert set(unfreeze.__all__) <= set(dir(unfreeze))
    with pytest.raises(AttributeError, match="no attribute 'thaw'"):
        _ = unfreeze.thaw  # type: ignore[attr-defined]


def test_info_offers_the_extras_that_the_project_has() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: set(wants) for name, wants in project["optional-dependencies"].items()}
    for name in ("test", "lint", "docs", "dev"):
        extras.pop(name)
    assert {name: set(packages) for name, (packages, _purpose) in OPTIONAL_PARTS.items()} == {
        name: {want.split(">")[0] for want in wants} for name, wants in extras.items()
    }
    assert set(CORE) <= {want.split(">")[0] for want in project["dependencies"]}


def test_what_the_package_imports_is_what_it_depends_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    imported: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    # ipymolstar is never imported: the report takes the viewer's file out of it.
    wanted = {want.split(">")[0].lower() for want in project["dependencies"]} - {"ipymolstar"}
    wanted = {"yaml" if name == "pyyaml" else name for name in wanted}
    optional = {package.replace("-", "_") for packages, _purpose in OPTIONAL_PARTS.values() for package in packages}
    assert imported - set(sys.stdlib_module_names) - {"unfreeze"} - optional == wanted


def test_constraints_pin_every_package_that_make_installs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower() for line in lines if not line.startswith("#")}
    wanted = [*project["dependencies"]]
    for extra in ("test", "lint", "docs"):
        wanted += project["optional-dependencies"][extra]
    assert {want.split(">")[0].lower() for want in wanted} <= pinned


def test_the_version_stands_in_one_way_everywhere() -> None:
    assert f"version: {unfreeze.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
