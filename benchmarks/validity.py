"""Sample many structures and count what is wrong with the frames that come out.

    python -m benchmarks.validity FILES_FOLDERS_OR_ARCHIVES... [--frames 50] [--limit 40] [--lines FILE] [--json OUT]

Of a folder with more than --limit structures, that many are taken, spread over the sizes of the files; the seed of
the choice is fixed. Every structure is counted twice: by the package's own checker, which also decided which frames
to keep, and by the short independent count in this file. With --lines every result is written as it comes, and what
the file already has is not sampled again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from scipy.spatial import KDTree

from benchmarks.common import console, save, structure_files, unpacked
from unfreeze.errors import UnfreezeError
from unfreeze.sample.generate import sample_ensemble
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex

__all__ = ["count_faults", "main", "sample_and_check"]

CHOICE_SEED = 0
TARGET_SHARE = 0.999
# The limits of structure/validity.py: C-N of a peptide, consecutive CA (trans or cis), and the closest that atoms
PEPTIDE_NM, PEPTIDE_TOLERANCE_NM = 0.1329, 0.010
CA_NM, CA_TOLERANCE_NM = (0.380, 0.295), 0.020
CLASH_NM = 0.22
ROUNDING_NM = 1e-6
_METALS = "LI NA K MG CA MN FE CO NI CU ZN CD HG SR BA PT AU AG PB CS RB AL GD YB SM U MO W V".split()


def choose(paths: list[Path], limit: int) -> list[Path]:
    """At most `limit` structures of every folder, one of each stretch of the list by size of file."""
    generator = np.random.default_rng(CHOICE_SEED)
    chosen: list[Path] = []
    for path in paths:
        files = structure_files([path])
        if len(files) > limit:
            files.sort(key=lambda file: (file.stat().st_size, file.name))
            files = [files[int(generator.choice(part))] for part in np.array_split(np.arange(len(files)), limit)]
        chosen += files
    return chosen


class FaultCounter:
    """Counts faults of frames from names and coordinates alone, with nothing of the package's checker."""

    def __init__(self, molecule: Complex) -> None:
        points = molecule.coordinates_nm
        protein = molecule.residue_kind == "protein"
        alpha, carbon, nitrogen, beta = (molecule.atom_of_residue(name) for name in ("CA", "C", "N", "CB"))
        first = np.flatnonzero((np.diff(molecule.chain_index) == 0) & protein[:-1] & protein[1:])
        first = first[(carbon[first] >= 0) & (nitrogen[first + 1] >= 0)]
        gap = np.linalg.norm(points[carbon[first]] - points[nitrogen[first + 1]], axis=1)
        first = first[gap < 0.2]
        self.peptide = np.stack([carbon[first], nitrogen[first + 1]], axis=1)
        first = first[(alpha[first] >= 0) & (alpha[first + 1] >= 0)]
        self.consecutive = np.stack([alpha[first], alpha[first + 1]], axis=1)
        centre = np.stack([alpha, nitrogen, carbon, beta], axis=1)[protein]
        self.centre = centre[(centre >= 0).all(axis=1)]
        # pairs of one residue, and of residues that a bond joins, are left to the package's checker
        self.molecule = molecule
        joined = np.sort(molecule.residue_index[molecule.links], axis=1).reshape(-1, 2)
        self.joined = np.unique(joined[:, 0] * molecule.n_residues + joined[:, 1])
        self.metal = (
            np.isin(molecule.element, _METALS)
            & np.isin(molecule.residue_kind, ["ion", "ligand"])[molecule.residue_index]
        )
        self.own = self.count(points)

    def count(self, frame: NDArray[np.floating]) -> dict[str, int]:
        """Faults of one frame [n_atoms, 3]: bad peptide bonds, bad consecutive CA, inverted centres, clashes."""
        points = np.asarray(frame, dtype=np.float64)

        def lengths(pairs: NDArray[np.int64]) -> NDArray[np.float64]:
            return np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)

        span = lengths(self.consecutive)
        off = np.min([np.abs(span - ideal) for ideal in CA_NM], axis=0) if len(span) else span
        arms = points[self.centre[:, 1:]] - points[self.centre[:, :1]]
        hand = np.einsum("ci,ci->c", np.cross(arms[:, 0], arms[:, 1]), arms[:, 2])
        return {
            "peptide_bonds": int(
                (np.abs(lengths(self.peptide) - PEPTIDE_NM) > PEPTIDE_TOLERANCE_NM + ROUNDING_NM).sum()
            ),
            "consecutive_ca": int((off > CA_TOLERANCE_NM + ROUNDING_NM).sum()),
            # N, C and CB seen from CA turn the left way round in L amino acids
            "inverted_centres": int((hand < 0).sum()),
            "clashes": self._clashes(points),
        }

    def _clashes(self, points: NDArray[np.float64]) -> int:
        pairs = KDTree(points).query_pairs(CLASH_NM, output_type="ndarray")
        residue = np.sort(self.molecule.residue_index[pairs], axis=1).reshape(-1, 2)
        keep = residue[:, 0] != residue[:, 1]
        keep &= ~np.isin(residue[:, 0] * self.molecule.n_residues + residue[:, 1], self.joined)
        keep &= ~self.metal[pairs].any(axis=1)
        return int(keep.sum())


def count_faults(molecule: Complex, frames_nm: NDArray[np.floating]) -> dict[str, Any]:
    """Faults of frames by the independent count.

    Parameters
    ----------
    molecule
        The input.
    frames_nm
        [n_frames, n_atoms, 3], nm.
    """
    counter = FaultCounter(molecule)
    counts = [counter.count(frame) for frame in frames_nm]
    return {
        "n_peptide_bonds": len(counter.peptide),
        "n_consecutive_ca": len(counter.consecutive),
        "n_centres": len(counter.centre),
        "input": counter.own,
        # valid, but no motion at all
        "n_frames_that_are_the_input": int((np.abs(frames_nm - molecule.coordinates_nm).max(axis=(1, 2)) < 1e-4).sum()),
        "totals": {key: sum(count[key] for count in counts) for key in counter.own},
        "most_clashes_in_a_frame": max((count["clashes"] for count in counts), default=0),
    }


def sample_and_check(path: Path, n_frames: int, seed: int) -> dict[str, Any]:
    """Sample one structure; its row of the table, or why there is none."""
    row: dict[str, Any] = {"name": path.name, "folder": path.parent.name, "n_frames": n_frames, "seed": seed}
    try:
        molecule = read_complex(path)
        row |= {"n_residues": molecule.n_residues, "n_atoms": molecule.n_atoms}
        start = time.perf_counter()
        ensemble = sample_ensemble(molecule, n_frames=n_frames, seed=seed)
        row["seconds"] = time.perf_counter() - start
    except UnfreezeError as error:
        return row | {"refused": str(error)}
    except Exception:
        return row | {"crashed": traceback.format_exc(limit=-4)}
    row |= {"checks": ensemble.record["checks"], "warnings": ensemble.record["warnings"]}
    return row | {"counted": count_faults(molecule, ensemble.coordinates_nm)}


def totals(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Over all frames of all structures, by the independent count; replaced and damped by the record."""
    rows = [row for row in rows if "counted" in row]
    result: dict[str, Any] = {"n_structures": len(rows), "n_frames": sum(row["n_frames"] for row in rows)}
    for key in ("peptide_bonds", "consecutive_ca"):
        number = sum(row["counted"][f"n_{key}"] * row["n_frames"] for row in rows)
        bad = sum(row["counted"]["totals"][key] for row in rows)
        own = sum(row["counted"]["input"][key] * row["n_frames"] for row in rows)
        result[f"{key}_valid_share"] = 1.0 - bad / number if number else 1.0
        result[f"{key}_valid_share_of_inputs"] = 1.0 - own / number if number else 1.0
    for key in ("inverted_centres", "clashes"):
        result[f"n_{key}"] = sum(row["counted"]["totals"][key] for row in rows)
        result[f"n_{key}_of_inputs"] = sum(row["counted"]["input"][key] * row["n_frames"] for row in rows)
    result["n_structures_with_more_clashes_than_input"] = sum(
        row["counted"]["most_clashes_in_a_frame"] > row["counted"]["input"]["clashes"] for row in rows
    )
    for key in ("n_frames_drawn", "n_frames_replaced", "n_frames_damped"):
        result[key] = sum(row["checks"][key] for row in rows)
    for key in ("n_new_clashes", "n_inverted_centres", "n_new_cis_peptides", "n_nonplanar_groups"):
        result[f"checker_{key}"] = sum(row["checks"][key] for row in rows)
    result["n_frames_that_are_the_input"] = sum(row["counted"]["n_frames_that_are_the_input"] for row in rows)
    result["worst_frames_valid_share"] = min((row["checks"]["frames_valid_share"] for row in rows), default=1.0)
    result["seconds"] = sum(row["seconds"] for row in rows)
    return result


def _share(row: dict[str, Any], key: str) -> str:
    number = row["counted"][f"n_{key}"] * row["n_frames"]
    return f"{100 * (1 - row['counted']['totals'][key] / number):.3f}" if number else "–"


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("structure", title="Faults of sampled frames (those of the input in brackets, a frame)")
    for heading in (
        *("residues", "seconds", "peptide %", "Cα–Cα %", "inverted", "clashes", "valid frames %"),
        *("replaced", "damped"),
    ):
        table.add_column(heading, justify="right")
    for row in sorted(rows, key=lambda row: row.get("n_residues", 0)):
        if "counted" not in row:
            table.add_row(row["name"], str(row.get("n_residues", "")), "REFUSED" if "refused" in row else "CRASHED")
            continue
        counted, checks = row["counted"], row["checks"]
        table.add_row(
            row["name"],
            f"{row['n_residues']:,}",
            f"{row['seconds']:.1f}",
            f"{_share(row, 'peptide_bonds')} ({counted['input']['peptide_bonds']})",
            f"{_share(row, 'consecutive_ca')} ({counted['input']['consecutive_ca']})",
            f"{counted['totals']['inverted_centres'] / row['n_frames']:g} ({counted['input']['inverted_centres']})",
            f"{counted['totals']['clashes'] / row['n_frames']:.4g} ({counted['input']['clashes']})",
            f"{100 * checks['frames_valid_share']:.1f}",
            str(checks["n_frames_replaced"]),
            str(checks["n_frames_damped"]),
        )
    return table


def _known(path: Path | None) -> dict[tuple, dict[str, Any]]:
    if path is None or not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    return {(row["folder"], row["name"], row["n_frames"], row["seed"]): row for row in rows}


def main() -> None:
    """Read the command line, sample, print the table and the totals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--limit", type=int, default=40, help="structures of a folder at most")
    parser.add_argument("--seed", type=int, default=0, help="seed of the frames")
    parser.add_argument("--lines", type=Path, help="results as they come; makes the command resumable")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    out = console()
    known = _known(arguments.lines)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for path in choose(unpacked(arguments.paths, Path(scratch)), arguments.limit):
            row = known.get((path.parent.name, path.name, arguments.frames, arguments.seed))
            if row is None:
                row = sample_and_check(path, arguments.frames, arguments.seed)
                if arguments.lines:
                    arguments.lines.parent.mkdir(parents=True, exist_ok=True)
                    with arguments.lines.open("a", encoding="utf-8") as handle:
                        handle.write(json.dumps(row, ensure_ascii=False) + "\n")
            rows.append(row)
    out.print(_table(rows))
    for row in rows:
        if "counted" not in row:
            out.print(f"{row['name']}: {row.get('refused') or row.get('crashed')}", markup=False)
    summary = totals(rows)
    met = {
        f"peptide bonds ≥ {TARGET_SHARE:.1%}": summary["peptide_bonds_valid_share"] >= TARGET_SHARE,
        f"consecutive Cα ≥ {TARGET_SHARE:.1%}": summary["consecutive_ca_valid_share"] >= TARGET_SHARE,
        "inverted centres no more than in the input": summary["n_inverted_centres"]
        <= summary["n_inverted_centres_of_inputs"],
        "no structure with a frame of more clashes than the input": summary["n_structures_with_more_clashes_than_input"]
        == 0,
        "no frame is the input itself": summary["n_frames_that_are_the_input"] == 0,
        "no structure refused or crashed": summary["n_structures"] == len(rows),
    }
    out.print_json(json.dumps(summary))
    for text, good in met.items():
        out.print(f"{'met   ' if good else 'MISSED'} {text}")
    save(arguments.json, "validity", {"totals": summary, "targets_met": met, "rows": rows})


if __name__ == "__main__":
    main()
