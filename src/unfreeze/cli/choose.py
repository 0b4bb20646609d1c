"""`unfreeze simulate choose`: which systems to simulate next, and why."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unfreeze.cli.errors import ErrorReporter
from unfreeze.cli.progress import Counter

if TYPE_CHECKING:
    from unfreeze.simulate.choose.ranking import Choice

__all__ = ["choose"]

_MOST_LEFT_OUT = 10


def choose(
    context: typer.Context,
    candidates: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CANDIDATE",
            help="Structures, folders of them, PDB ids, or text files that list these.",
            show_default=False,
        ),
    ] = None,
    have: Annotated[
        list[str] | None,
        typer.Option("--have", metavar="DIR", help="Campaign, run or folder of trajectories; give it again for more."),
    ] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, metavar="N", help="How many to choose.")] = 10,
    identity: Annotated[
        float, typer.Option(min=0.21, max=1.0, metavar="X", help="Sequences are alike from this identity.")
    ] = 0.4,
    cost_exponent: Annotated[
        float,
        typer.Option(min=0.0, max=2.0, metavar="X", help="How much size counts: 0 not at all, 1 worth an atom."),
    ] = 1.0,
    max_atoms: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Leave out candidates with more atoms.", show_default="all")
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="YAML", help="Write what is new as a campaign.")
    ] = None,
    length: Annotated[str, typer.Option(metavar="TIME", help="Length of each simulation in --write.")] = "10ns",
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary for programs, and nothing else.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --write.")] = False,
) -> None:
    """Say which systems to simulate next: what is not covered, and what has not settled. A heuristic.

    Sequences and interfaces are clustered, interfaces by both partners. What covers new clusters for few atoms comes
    first; systems in --have whose replicas or halves disagree are suggested again.

    Example:  unfreeze simulate choose structures/ --have campaign/ --count 5 --write next.yaml
    """
    with ErrorReporter(debug=context.obj["debug"], smaller="Give fewer candidates, or --max-atoms.") as reporter:
        reporter.kept = "nothing was written."
        if not candidates and not have:
            raise typer.BadParameter("give candidates, or with --have what could be extended")
        from unfreeze.errors import InputError
        from unfreeze.simulate.campaign.units import parse_time_ps
        from unfreeze.simulate.choose.covered import read_covered
        from unfreeze.simulate.choose.fragment import write_fragment
        from unfreeze.simulate.choose.profile import read_candidates
        from unfreeze.simulate.choose.ranking import ChoiceSettings, choose_next

        try:
            parse_time_ps(length)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--length") from None
        with Counter("Reading", show=not as_json) as counter:
            profiles, left_out = read_candidates(candidates or [], counter)
        covered, unread = read_covered(have or [])
        left_out |= unread
        if max_atoms is not None:
            large = [one for one in profiles if one.n_atoms > max_atoms]
            left_out |= {one.source: f"about {one.n_atoms:,} atoms, more than --max-atoms" for one in large}
            profiles = [one for one in profiles if one.n_atoms <= max_atoms]
            if candidates and not profiles:
                raise InputError(f"no candidate has at most {max_atoms:,} atoms; raise --max-atoms")
        settings = ChoiceSettings(identity=identity, cost_exponent=cost_exponent)
        choice = choose_next(profiles, covered, count=count, settings=settings)
        if write is not None:
            write_fragment(write, choice, length=length, force=force)
        if as_json:
            document = {**asdict(choice), "settings": settings.model_dump(), "left_out": left_out}
            print(
                json.dumps({**document, "written": None if write is None else str(write)}, ensure_ascii=False, indent=1)
            )
        else:
            _show(choice, left_out, write)


def _show(choice: Choice, left_out: dict[str, str], write: Path | None) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    out = Console(highlight=False)
    out = out if out.is_terminal else Console(highlight=False, width=150)
    table = Table("", "", "system", box=None, pad_edge=False)
    table.add_column("atoms", justify="right")
    table.add_column("score", justify="right")
    table.add_column("why")
    for rank, one in enumerate(choice.suggestions, start=1):
        name = one.name if one.action == "new" else f"{one.name} in {one.source}"
        table.add_row(str(rank), one.action, escape(name), f"{one.n_atoms:,}", f"{one.score:.2f}", escape(one.reason))
    out.print(table)
    for label, counts in choice.coverage.items():
        line = f"{label}: {counts['covered']} of {counts['all']} covered, {counts['with suggestions']} with these"
        out.print(line, markup=False)
    out.print(f"{choice.note} Clusters: {choice.method}.", markup=False)
    if write is not None:
        out.print(f"Written: {write}", markup=False)
    if left_out:
        print(f"Left out {len(left_out)}:", file=sys.stderr)
        for source, reason in list(left_out.items())[:_MOST_LEFT_OUT]:
            print(f"  {source}: {reason.removeprefix(source).removeprefix(': ')}", file=sys.stderr)
        if len(left_out) > _MOST_LEFT_OUT:
            print(f"  and {len(left_out) - _MOST_LEFT_OUT} more (--json lists all)", file=sys.stderr)
