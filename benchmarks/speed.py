"""Whole commands as a user has them: wall seconds and peak memory, each in a fresh process.

    python -m benchmarks.speed [FILES...] [--cases demo,help,thousand,sizes] [--sizes 1000,2500,5000,10000] [--json OUT]

Cases: `help` is `unfreeze --help`; `demo` is the example structure, 250 frames; `thousand` is a complex of about
1,000 residues, 100 frames, with the report; `sizes` are assemblies of packed copies of the example structure, 20
frames without the report and, for the largest, with it. FILES are sampled with 100 frames and the report.
Memory is the largest resident set of the process or any it started. Nothing is needed but the package itself.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.common import console, save, structure_files
from benchmarks.lattice import packed_copies
from unfreeze.structure.read import read_complex
from unfreeze.structure.write import write_cif

__all__ = ["main", "run_command"]

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "data" / "1hvr.cif"
CASES = ("help", "demo", "thousand", "sizes")
# seconds and gigabytes
TARGETS = {
    "help": (0.5, None),
    "demo with report": (15.0, 1.5),
    "1,000 residues": (20.0, 2.0),
    "10,000 residues": (150.0, 6.0),
}
_BYTES_A_UNIT = 1 if sys.platform == "darwin" else 1024


def run_command(arguments: list[str], folder: Path) -> dict[str, Any]:
    """Run `unfreeze ARGUMENTS` in a new process: exit code, seconds, peak memory and what it printed."""
    program = Path(sysconfig.get_path("scripts")) / "unfreeze"
    command = [str(program)] if program.exists() else [sys.executable, "-m", "unfreeze"]
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        start = time.perf_counter()
        process = subprocess.Popen([*command, *arguments], stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "exit_code": process.returncode,
        "seconds": seconds,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak_gigabytes": usage.ru_maxrss * _BYTES_A_UNIT / 1e9,
        "stdout": out.read_text(encoding="utf-8", errors="replace"),
        "stderr": err.read_text(encoding="utf-8", errors="replace"),
    }


def time_sample(name: str, structure: Path, n_frames: int, folder: Path, *, report: bool) -> dict[str, Any]:
    """Time `unfreeze sample` on a file, and keep what its summary says about size, stages and checks."""
    target = folder / "ensemble"
    arguments = ["sample", str(structure), "-n", str(n_frames), "-o", str(target), "--force", "--json"]
    result = run_command([*arguments, "--report" if report else "--no-report"], folder)
    row: dict[str, Any] = {"case": name, "n_frames": n_frames, "report": report}
    row |= {key: result[key] for key in ("exit_code", "seconds", "processor_seconds", "peak_gigabytes")}
    if result["exit_code"]:
        return row | {"error": result["stderr"][-2000:]}
    summary = json.loads(result["stdout"])
    row |= {
        "n_residues": summary["n_residues"],
        "n_atoms": summary["n_atoms"],
        "stages_seconds": summary["seconds"],
        "checks": {key: value for key, value in summary["checks"].items() if key != "input"},
    }
    if report:
        row["report_megabytes"] = (target / "report.html").stat().st_size / 1e6
    return row


def time_help(folder: Path, n_times: int = 5) -> dict[str, Any]:
    """Median time of `unfreeze --help`; the first run, which may compile, is not counted."""
    runs = [run_command(["--help"], folder) for _ in range(n_times + 1)][1:]
    return {
        "case": "help",
        "exit_code": max(run["exit_code"] for run in runs),
        "seconds": float(np.median([run["seconds"] for run in runs])),
        "processor_seconds": float(np.median([run["processor_seconds"] for run in runs])),
        "peak_gigabytes": max(run["peak_gigabytes"] for run in runs),
    }


def write_assembly(n_residues: int, folder: Path) -> Path:
    """Write about this many residues as packed copies of the example structure."""
    unit = read_complex(EXAMPLE)
    path = folder / f"assembly-{n_residues}.cif"
    write_cif(path, packed_copies(unit, max(1, round(n_residues / unit.n_residues))))
    return path


def exponent(rows: list[dict[str, Any]], value: str) -> float | None:
    """Slope of log time against log size over the assemblies."""
    chosen = [row for row in rows if row.get("series") and row["exit_code"] == 0]
    if len(chosen) < 2:
        return None
    sizes = np.log([row["n_residues"] for row in chosen])
    return float(np.polyfit(sizes, np.log([row[value] for row in chosen]), 1)[0])


def measure(cases: list[str], sizes: list[int], files: list[Path], folder: Path, say: Any) -> list[dict[str, Any]]:
    """One row a timing; `say` is told of each as it comes."""
    rows: list[dict[str, Any]] = []

    def add(row: dict[str, Any]) -> None:
        rows.append(row)
        say(row)

    if "help" in cases:
        add(time_help(folder))
    if "demo" in cases:
        add(time_sample("demo", EXAMPLE, 250, folder, report=False))
        add(time_sample("demo with report", EXAMPLE, 250, folder, report=True))
    if "thousand" in cases:
        add(time_sample("1,000 residues", write_assembly(1000, folder), 100, folder, report=True))
    if "sizes" in cases:
        for size in sizes:
            path = write_assembly(size, folder)
            add(time_sample(f"assembly of {size:,}", path, 20, folder, report=False) | {"series": True})
            if size == max(sizes):
                add(time_sample(f"{size:,} residues", path, 20, folder, report=True))
    for file in files:
        add(time_sample(file.name, file, 100, folder, report=True))
    return rows


def _said(row: dict[str, Any]) -> list[str]:
    seconds, gigabytes = TARGETS.get(row["case"], (None, None))
    wanted = ", ".join(
        text for text in (f"< {seconds:g} s" if seconds else "", f"< {gigabytes:g} GB" if gigabytes else "") if text
    )
    met = row["exit_code"] == 0 and not (
        (seconds and row["seconds"] >= seconds) or (gigabytes and row["peak_gigabytes"] >= gigabytes)
    )
    verdict = ("met" if met else "MISSED") if wanted else ("" if met else "FAILED")
    return [
        row["case"],
        f"{row['n_residues']:,}" if "n_residues" in row else "",
        str(row.get("n_frames", "")),
        f"{row['seconds']:.2f}",
        f"{row['processor_seconds']:.2f}",
        f"{row['peak_gigabytes']:.2f}",
        f"{row['report_megabytes']:.1f}" if "report_megabytes" in row else "",
        wanted,
        verdict,
    ]


def main() -> None:
    """Read the command line, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--cases", default=",".join(CASES), help="comma-separated; empty for files only")
    parser.add_argument("--sizes", default="1000,2500,5000,10000", help="residues of the assemblies")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cases = [case for case in arguments.cases.split(",") if case]
    if unknown := [case for case in cases if case not in CASES]:
        parser.error(f"no case {unknown[0]!r}; there are {', '.join(CASES)}")
    sizes = sorted(int(size) for size in arguments.sizes.split(","))
    out = console()

    def say(row: dict[str, Any]) -> None:
        out.print(f"[dim]{row['case']}: {row['seconds']:.1f} s[/]")
        if "error" in row:
            out.print(row["error"], markup=False)

    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(cases, sizes, structure_files(arguments.files), Path(scratch), say)
    table = Table("case", title="Whole commands, each in a fresh process")
    for heading in ("residues", "frames", "seconds", "processor s", "peak GB", "page MB"):
        table.add_column(heading, justify="right")
    table.add_column("target")
    table.add_column("")
    for row in rows:
        table.add_row(*_said(row))
    out.print(table)
    exponents = {key: exponent(rows, key) for key in ("seconds", "processor_seconds")}
    if exponents["seconds"] is not None:
        out.print(f"Time grows as residues^{exponents['seconds']:.2f} (wall), ^{exponents['processor_seconds']:.2f}")
    for row in rows:
        if "stages_seconds" in row:
            stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in row["stages_seconds"].items())
            out.print(f"[dim]{row['case']}{' + report' if row['report'] else ''}: {stages}[/]")
    save(arguments.json, "speed", {"rows": rows, "exponents_of_size": exponents, "targets_s_and_GB": TARGETS})


if __name__ == "__main__":
    main()
