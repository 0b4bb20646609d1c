"""Options that the verbs of `unfreeze predict` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "AsJson",
    "Assembly",
    "Chains",
    "Force",
    "Known",
    "LanguageModel",
    "Model",
    "ModelNumber",
    "Mutations",
    "Output",
    "Reasons",
    "Scan",
    "To",
    "WithReport",
]

Mutations = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TEXT|FILE",
        help="Such as A:K15A, A:K15A+B:D35A (at once) or A:K15* (all 19); or a file with one a row. Again for more.",
        show_default=False,
    ),
]
To = Annotated[
    str | None, typer.Option(metavar="AA", help="Mutate to these only, such as ALA or AVL.", show_default="all 20")
]
Scan = Annotated[str | None, typer.Option(metavar="interface|chain:A|all", help="Mutate every residue there.")]
Known = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="CSV of measured values: mutations and ddg_kJ_mol, kd_nM, tm_C … (the unit in the name).",
        show_default=False,
    ),
]
Model = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A file of weights.", show_default="the model of this installation"),
]
LanguageModel = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER", help="ESM-2, for a file of weights that was trained with it (extra plm).", show_default=False
    ),
]
Reasons = Annotated[
    bool, typer.Option("--reasons/--no-reasons", help="Build listed mutants and say why (at most 20 of them).")
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Folder to make.", show_default="INPUT-TASK, such as x-affinity")
]
Chains = Annotated[str | None, typer.Option(help="Chains to keep, such as A,B.", show_default="all")]
Assembly = Annotated[
    str | None, typer.Option(help="Biological assembly to build, such as 1.", show_default="as deposited")
]
ModelNumber = Annotated[int, typer.Option("--model-number", min=1, help="Model to take from a file with several.")]
WithReport = Annotated[bool, typer.Option("--report/--no-report", help="Make report.html.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print a summary for programs, and nothing else.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a folder of predictions that is there.")]
