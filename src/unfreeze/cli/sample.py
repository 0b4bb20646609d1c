"""`unfreeze sample`: a structure in, its thermal ensemble out."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from unfreeze.cli.errors import ErrorReporter
from unfreeze.cli.options import parse_chains, parse_temperature, parse_timescale
from unfreeze.cli.progress import Stages
from unfreeze.errors import InputError

if TYPE_CHECKING:
    from unfreeze.structure.ensemble import Ensemble

__all__ = ["sample"]

_ENDINGS = (".gz", ".cif", ".mmcif", ".pdb", ".ent")


def sample(
    context: typer.Context,
    structure: Annotated[
        str, typer.Argument(metavar="INPUT", help="A PDB or mmCIF file (also .gz), or a PDB id such as 1hvr.")
    ],
    n_frames: Annotated[int, typer.Option("-n", "--frames", min=1, max=1_000_000, help="Number of frames.")] = 250,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder to make.", show_default="INPUT-ensemble")
    ] = None,
    chains: Annotated[str | None, typer.Option(help="Chains to keep, such as A,B.", show_default="all")] = None,
    assembly: Annotated[
        str | None, typer.Option(help="Biological assembly to build, such as 1.", show_default="as deposited")
    ] = None,
    model_number: Annotated[
        int, typer.Option("--model-number", min=1, help="Model to take from a file with several.")
    ] = 1,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="harmonic|FILE",
            help="Untrained springs, or a file of weights.",
            show_default="the trained model of this installation",
        ),
    ] = None,
    temperature: Annotated[float, typer.Option(metavar="K", help="Temperature in K.")] = 300.0,
    timescale: Annotated[
        str,
        typer.Option(metavar="TIME", help="Observation time, such as 50ps, 100ns, 1us: slower motion is not seen."),
    ] = "100ns",
    around: Annotated[
        str | None,
        typer.Option(
            metavar="FRAMES",
            help="Draw about the average of these: an ensemble folder, or a trajectory of the same complex.",
            show_default="about INPUT",
        ),
    ] = None,
    around_topology: Annotated[
        str | None, typer.Option("--around-topology", metavar="FILE", help="Structure file of FRAMES.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same frames.")] = 0,
    format: Annotated[Literal["xtc", "pdb", "cif"], typer.Option(help="Format of the frames.")] = "xtc",
    with_report: Annotated[bool, typer.Option("--report/--no-report", help="Make report.html.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary for programs, and nothing else.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an ensemble folder that is there.")] = False,
) -> None:
    """Draw the thermal ensemble of a structure into a folder: frames, topology, record and a page to look at."""
    with ErrorReporter(debug=context.obj["debug"]):
        if around_topology is not None and around is None:
            raise typer.BadParameter("goes with --around", param_hint="--around-topology")
        chosen_chains = parse_chains(chains)
        temperature_K, timescale_ns = parse_temperature(temperature), parse_timescale(timescale)
        target = (output or Path(f"{_stem(structure)}-ensemble")).absolute()

        from unfreeze.structure.ensemble import check_output_directory

        check_output_directory(target, force=force)
        _check_writable(target)
        with Stages(show=not as_json) as stages:
            stages("Reading")
            from unfreeze.structure.load import load

            molecule = load(structure, chains=chosen_chains, assembly=assembly, model=model_number)
            from unfreeze.sample.centre import average_of
            from unfreeze.sample.generate import sample_ensemble

            average = None if around is None else average_of(molecule, around, topology=around_topology)
            ensemble = sample_ensemble(
                molecule,
                model,
                n_frames=n_frames,
                temperature_K=temperature_K,
                timescale_ns=timescale_ns,
                seed=seed,
                around=average,
                progress=stages,
            )
            ensemble.record["command"] = shlex.join(["unfreeze", *sys.argv[1:]])
            _write(ensemble, target, format=format, with_report=with_report, force=force, stages=stages)
        summary = _summary(ensemble, output or Path(target.name), with_report, stages.seconds)
        if as_json:
            print(json.dumps(summary, indent=1, ensure_ascii=False))
        else:
            _print(summary)


def _stem(structure: str) -> str:
    name = Path(structure).name
    while name.lower().endswith(_ENDINGS):
        name = name[: name.rindex(".")]
    return name or "unfreeze"


def _check_writable(target: Path) -> None:
    """Refuse a place where no folder can be made, before the work and not after it."""
    nearest = next(folder for folder in target.parents if folder.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{target}: cannot be made, {nearest} cannot be written to; choose another -o")


def _write(ensemble: Ensemble, target: Path, *, format: str, with_report: bool, force: bool, stages: Stages) -> None:
    """Make the folder beside its place, report and all, and rename it at the end: it is whole or absent."""
    from unfreeze.structure.ensemble import check_output_directory, replace_directory

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        room = tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent, ignore_cleanup_errors=True)
    except OSError as error:
        raise InputError(f"{target}: cannot be made ({error.strerror}); choose another -o") from error
    with room:
        building = Path(room.name) / target.name
        stages("Writing")
        ensemble.save(building, format=format)
        if with_report:
            stages("Report")
            from unfreeze.report.page import write_report

            write_report(building)
        check_output_directory(target, force=force)
        replace_directory(building, target)


def _summary(ensemble: Ensemble, folder: Path, with_report: bool, seconds: dict[str, float]) -> dict[str, Any]:
    record = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
    return {
        "directory": str(folder),
        "report": str(folder / "report.html") if with_report else None,
        "files": {role: str(folder / entry["name"]) for role, entry in record["files"].items()},
        "n_frames": ensemble.n_frames,
        "n_atoms": ensemble.complex.n_atoms,
        "n_residues": ensemble.complex.n_residues,
        "chains": [str(name) for name in ensemble.complex.chain_name],
        **{key: record.get(key) for key in ("input", "conditions", "model", "seed", "checks", "warnings")},
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }


def _print(summary: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape

    out = Console(highlight=False, soft_wrap=True)
    conditions, checks = summary["conditions"] or {}, summary["checks"] or {}
    chains = summary["chains"]
    out.print(
        f"[bold]{summary['n_frames']} frames[/] of {summary['n_residues']:,} residues in {len(chains)} "
        f"chain{'s' if len(chains) != 1 else ''} ({summary['n_atoms']:,} atoms), "
        f"{conditions.get('temperature_K', 0):g} K, seen for {conditions.get('timescale_ns', 0):g} ns, "
        f"seed {summary['seed']}, in {sum(summary['seconds'].values()):.1f} s"
    )
    if "frames_valid_share" in checks:
        out.print(
            f"Valid frames {100 * checks['frames_valid_share']:.1f} %; "
            f"{checks.get('n_frames_replaced', 0)} of {checks.get('n_frames_drawn', 0)} drawn were replaced"
        )
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    for warning in summary["warnings"] or []:
        notes.print(f"[yellow]Note:[/] {escape(warning)}")
    for role, path in summary["files"].items():
        out.print(f"  {role:<12} {path}", markup=False)
    out.print(f"  {'record':<12} {Path(summary['directory']) / 'ensemble.json'}", markup=False)
    if summary["report"]:
        out.print(f"  {'report':<12} {summary['report']}", markup=False)
