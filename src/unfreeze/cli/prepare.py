"""`unfreeze prepare`: a structure or a sequence in, a structure that can be simulated out, with every change told."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from unfreeze.cli.errors import ErrorReporter, refuse
from unfreeze.cli.options import parse_chains
from unfreeze.cli.progress import Stages

if TYPE_CHECKING:
    from unfreeze.structure.prepare.preparation import Prepared
    from unfreeze.structure.prepare.settings import PreparationSettings

__all__ = ["prepare"]

_SMALLER = "Prepare some of the chains (--chains)."
_MOST_LINES = 40
_MOST_WATER_NM = 5.0


def prepare(
    context: typer.Context,
    structure: Annotated[
        str | None,
        typer.Argument(
            metavar="INPUT", help="A PDB or mmCIF file (also .gz), or a PDB id such as 1hvr.", show_default=False
        ),
    ] = None,
    sequence: Annotated[
        str | None,
        typer.Option(metavar="LETTERS", help="Build peptides instead, such as GYDPETGTWG; chains separated by ':'."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Folder to make.", show_default="INPUT-prepared"),
    ] = None,
    chains: Annotated[str | None, typer.Option(help="Chains to keep, such as A,B.", show_default="all")] = None,
    assembly: Annotated[
        str | None, typer.Option(help="Biological assembly to build, such as 1.", show_default="as deposited")
    ] = None,
    model: Annotated[int, typer.Option("--model-number", min=1, help="Model to take from a file with several.")] = 1,
    mutate: Annotated[
        list[str] | None, typer.Option("--mutate", metavar="A:K15A", help="Mutate a residue; again for more.")
    ] = None,
    pH: Annotated[float, typer.Option("--ph", min=0.0, max=14.0, help="Protonation, by model compounds.")] = 7.0,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="A:57=HIP", help="State of a residue (HID, HIE, HIP, ASH, GLH, LYN, CYM)."),
    ] = None,
    disulfides: Annotated[
        str, typer.Option(metavar="WHICH", help="auto (by distance), none, or pairs such as A:5-A:55,A:14-A:38.")
    ] = "auto",
    termini: Annotated[
        Literal["auto", "charged", "capped"],
        typer.Option(help="Ends of chains: auto charges true ends and caps those at which residues are missing."),
    ] = "auto",
    build_gaps: Annotated[
        int, typer.Option(min=0, max=30, metavar="N", help="Build gaps of up to N residues of known sequence.")
    ] = 8,
    gap_ends: Annotated[
        Literal["capped", "charged"], typer.Option(help="Ends at gaps that stay open: ACE and NME, or charged.")
    ] = "capped",
    nonstandard: Annotated[
        Literal["replace", "refuse"],
        typer.Option(help="Modified residues: by their parents (MSE by MET), or not at all."),
    ] = "replace",
    ligands: Annotated[
        Literal["refuse", "drop"], typer.Option(help="Ligands and glycans without a force field.")
    ] = "refuse",
    force_field_file: Annotated[
        list[str] | None,
        typer.Option(
            "--force-field-file", metavar="XML", help="OpenMM force field of ligands, which are kept; again for more."
        ),
    ] = None,
    ions: Annotated[Literal["drop", "keep"], typer.Option(help="Monoatomic ions.")] = "drop",
    keep_waters: Annotated[
        str, typer.Option(metavar="WHICH", help="none, all, or those within so many nm of two chains, such as 0.5.")
    ] = "none",
    conformation: Annotated[
        Literal["extended", "helix"], typer.Option(help="Backbone of what --sequence builds.")
    ] = "extended",
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="The same seed gives the same coordinates.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary for programs, and nothing else.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a prepared folder that is there.")] = False,
) -> None:
    """Make a structure ready for simulation: missing atoms, gaps, ends, disulfides, hydrogens; every change is told."""
    with ErrorReporter(debug=context.obj["debug"], smaller=_SMALLER):
        if (structure is None) == (sequence is None):
            what = "give INPUT or --sequence" if structure is None else "give INPUT or --sequence, not both"
            raise typer.BadParameter(what)
        waters, distance_nm = _parse_waters(keep_waters)
        from unfreeze.structure.prepare.settings import PreparationSettings

        kept_chains = parse_chains(chains)
        settings = PreparationSettings(
            chains=None if kept_chains is None else tuple(kept_chains),
            assembly=assembly,
            model=model,
            mutations=_split(mutate),
            nonstandard=nonstandard,
            ligands=ligands,
            ions=ions,
            force_field_files=tuple(force_field_file or ()),
            keep_waters=waters,
            water_distance_nm=distance_nm,
            build_gaps=build_gaps,
            gap_ends=gap_ends,
            termini=termini,
            disulfides=_parse_disulfides(disulfides),
            pH=pH,
            states=_split(state),
            conformation=conformation,
            seed=seed,
        )
        from unfreeze.structure.prepare.folder import check_prepared_directory

        folder = output or Path(_default_folder(structure, sequence))
        check_prepared_directory(folder.absolute(), force=force)
        with Stages(show=not as_json) as stages:
            stages("Preparing")
            prepared = _prepare(structure, sequence, settings)
            prepared.report["command"] = shlex.join(["unfreeze", *sys.argv[1:]])
            stages("Writing")
            from unfreeze.structure.prepare.folder import write_prepared_directory

            files = write_prepared_directory(folder.absolute(), prepared, force=force)
        if as_json:
            print(json.dumps(_summary(prepared, folder, files, stages.seconds), indent=1, ensure_ascii=False))
        else:
            _print(prepared, folder, files)


def _prepare(structure: str | None, sequence: str | None, settings: PreparationSettings) -> Prepared:
    from unfreeze.structure.prepare.preparation import prepare, prepare_sequence

    if sequence is not None:
        return prepare_sequence(sequence, settings)
    assert structure is not None
    return prepare(structure, settings)


def _default_folder(structure: str | None, sequence: str | None) -> str:
    if structure is None:
        return f"{(sequence or '').replace(':', '-')[:40]}-prepared"
    name = Path(structure).name
    while name.lower().endswith((".gz", ".cif", ".mmcif", ".pdb", ".ent")):
        name = name[: name.rindex(".")]
    return f"{name or 'structure'}-prepared"


def _split(texts: Sequence[str] | None) -> tuple[str, ...]:
    """Options that may be given again, or with commas between."""
    return tuple(part.strip() for text in texts or () for part in text.split(",") if part.strip())


def _parse_disulfides(text: str) -> Literal["auto", "none"] | tuple[str, ...]:
    word = text.strip().lower()
    if word == "auto":
        return "auto"
    return "none" if word == "none" else _split([text])


def _parse_waters(text: str) -> tuple[Literal["none", "interface", "all"], float]:
    """``none``, ``all``, or a distance in nm for those near two chains."""
    word = text.strip().lower()
    if word == "none":
        return "none", 0.5
    if word == "all":
        return "all", 0.5
    try:
        distance_nm = float(word.removesuffix("nm"))
    except ValueError:
        distance_nm = math.nan
    if not 0.0 < distance_nm <= _MOST_WATER_NM:
        raise refuse("--keep-waters", text, f"none, all, or a distance in nm up to {_MOST_WATER_NM:g}, such as 0.5")
    return "interface", distance_nm


def _summary(prepared: Prepared, folder: Path, files: dict[str, Path], seconds: dict[str, float]) -> dict[str, Any]:
    keys = ("input", "counts", "changes", "summary", "warnings")
    return {
        "directory": str(folder),
        "files": {role: str(folder / path.name) for role, path in files.items()},
        **{key: prepared.report[key] for key in keys},
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
    }


def _print(prepared: Prepared, folder: Path, files: dict[str, Path]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    out = Console(highlight=False, soft_wrap=True)
    counts, changes = prepared.report["counts"], prepared.report["changes"]
    more = "".join(f", {counts[key]} {key}" for key in ("waters", "ions") if counts[key])
    plural = "s" if counts["chains"] != 1 else ""
    out.print(
        f"[bold]{counts['atoms']:,} atoms[/] ({counts['hydrogens']:,} hydrogens) of {counts['residues']:,} residues in "
        f"{counts['chains']} chain{plural}{more}, net charge {counts['net_charge_e']:+d} e"
    )
    if changes:
        table = Table(box=box.SIMPLE_HEAD, show_edge=False)
        table.add_column("change", no_wrap=True)
        table.add_column("what was done", overflow="fold")
        for change in changes[:_MOST_LINES]:
            table.add_row(change["kind"], escape(change["text"]))
        if len(changes) > _MOST_LINES:
            table.add_row("...", f"{len(changes) - _MOST_LINES} more in {files['report'].name}")
        Console(highlight=False).print(table)
    notes = Console(stderr=True, highlight=False, soft_wrap=True)
    for warning in prepared.report["warnings"]:
        notes.print(f"[yellow]Note:[/] {escape(warning)}")
    for role, path in files.items():
        out.print(f"  {role:<9} {folder / path.name}", markup=False)
