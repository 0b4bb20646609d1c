"""Read every structure in folders and archives and tell how many could be read, how fast, and why not.

Usage: ``python benchmarks/parsing.py FILES_FOLDERS_OR_ARCHIVES... [--json OUT]``
"""

from __future__ import annotations

import argparse
import collections
import json
import tarfile
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from unfreeze.errors import InputError
from unfreeze.structure.read import read_complex

__all__ = ["main", "measure"]

ENDINGS = (".pdb", ".cif", ".ent", ".mmcif", ".pdb.gz", ".cif.gz", ".ent.gz", ".mmcif.gz")
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
MAX_MEMBER_BYTES = 500_000_000


def structures(paths: list[Path], scratch: Path) -> Iterator[tuple[str, Path]]:
    """Group and path of every structure; members of archives are put into a scratch file one at a time."""
    for path in paths:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if _is_structure(file.name) and file.is_file():
                    yield path.name, file
        elif path.name.endswith(ARCHIVES):
            with tarfile.open(path) as archive:
                for member in archive:
                    name = Path(member.name).name
                    handle = archive.extractfile(member) if member.isfile() and _is_structure(name) else None
                    if handle is None or member.size > MAX_MEMBER_BYTES:
                        continue
                    file = scratch / name
                    file.write_bytes(handle.read())
                    yield path.name, file
                    file.unlink()
        else:
            yield "files", path


def _is_structure(name: str) -> bool:
    return name.lower().endswith(ENDINGS) and not name.startswith(".")


def measure(paths: list[Path]) -> dict[str, dict]:
    """Results by folder or archive."""
    groups: dict[str, dict] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for group, file in structures(paths, Path(scratch)):
            lists = {name: [] for name in ("ms", "atoms", "links", "notes")}
            result = groups.setdefault(group, {"files": 0, "read": 0, "crashed": {}, "refused": {}, **lists})
            result["files"] += 1
            start = time.perf_counter()
            try:
                complex = read_complex(file)
            except InputError as error:
                result["refused"][file.name] = str(error)
                continue
            except Exception:
                result["crashed"][file.name] = traceback.format_exc(limit=-1)
                continue
            result["ms"].append((time.perf_counter() - start) * 1e3)
            result["read"] += 1
            result["atoms"].append(complex.n_atoms)
            polymer = np.isin(complex.residue_kind, ["protein", "nucleic"])
            result["links"].append([len(complex.links), int(polymer.sum()), complex.n_chains])
            for note in complex.source.notes:
                result["notes"].append(" ".join(word for word in note.split() if word.isalpha()))
    for result in groups.values():
        result["notes"] = dict(collections.Counter(result["notes"]).most_common(12))
        times, atoms, links = result.pop("ms"), result.pop("atoms"), np.array(result.pop("links")).reshape(-1, 3)
        if times:
            result.update(
                median_ms=round(float(np.median(times)), 2),
                max_ms=round(max(times), 2),
                n_atoms=int(np.sum(atoms)),
                largest_n_atoms=int(max(atoms)),
                n_links=int(links[:, 0].sum()),
                n_polymer_residues=int(links[:, 1].sum()),
                n_chains=int(links[:, 2].sum()),
            )
    return groups


def main() -> None:
    """Read the command line, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    groups = measure(arguments.paths)
    print(f"{'':28}{'files':>7}{'read':>7}{'refused':>9}{'crashed':>9}{'median ms':>11}{'max ms':>9}{'atoms':>12}")
    for name, result in groups.items():
        print(
            f"{name[:27]:28}{result['files']:7}{result['read']:7}{len(result['refused']):9}{len(result['crashed']):9}"
            f"{result.get('median_ms', 0):11.1f}{result.get('max_ms', 0):9.1f}{result.get('n_atoms', 0):12,}"
        )
    for name, result in groups.items():
        for kind in ("refused", "crashed"):
            for file, reason in result[kind].items():
                print(f"{kind} {name}/{file}: {reason}")
    if arguments.json:
        arguments.json.write_text(json.dumps(groups, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
