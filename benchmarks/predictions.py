"""How long `unfreeze predict` takes, reading and page included: scans of a complex and of a fold.

    python -m benchmarks.predictions COMPLEX.pdb --between A:B [--json OUT]

Each line is one command in a process of its own, as a user would type it, with its time on the clock and peak memory.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.common import console, save
from benchmarks.speed import run_command

__all__ = ["main"]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("structure", type=Path)
    parser.add_argument("--between", required=True)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    source, between = str(arguments.structure.absolute()), arguments.between
    interface = ["predict", "affinity", source, "--between", between, "--scan", "interface"]
    cases = {
        "free energy of binding": ["predict", "affinity", source, "--between", between],
        "interface to alanine": [*interface, "--to", "ALA"],
        "interface, all 19": interface,
        "whole complex, affinity, to five": [*interface[:-1], "all", "--to", "ADKLS"],
        "whole complex, stability, all 19": ["predict", "stability", source],
    }
    table = Table(title=arguments.structure.name)
    for name in ("what", "predictions", "seconds", "a thousand, s", "peak memory, GB"):
        table.add_column(name, justify="left" if name == "what" else "right")
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as room:
        for name, command in cases.items():
            folder = Path(room) / name.replace(" ", "-").replace(",", "")
            measured = run_command([*command, "-o", str(folder)], Path(room))
            record = json.loads((folder / "prediction.json").read_text(encoding="utf-8"))
            n = len(record.get("effects", ()))
            kept = ("seconds", "processor_seconds", "peak_gigabytes")
            results[name] = {"predictions": n, **{key: measured[key] for key in kept}}
            seconds, memory = measured["seconds"], measured["peak_gigabytes"]
            thousand = f"{1000 * seconds / n:.1f}" if n >= 100 else "–"
            table.add_row(name, f"{n:,}", f"{seconds:.1f}", thousand, f"{memory:.2f}")
    console().print(table)
    save(arguments.json, "predictions", {"structure": arguments.structure.name, "cases": results})


if __name__ == "__main__":
    main()
