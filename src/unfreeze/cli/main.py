"""The `unfreeze` command: its verbs, and the options that stand before a verb."""

from __future__ import annotations

from typing import Annotated

import typer

import unfreeze
from unfreeze.cli.corpus import corpus
from unfreeze.cli.evaluate import evaluate
from unfreeze.cli.info import info
from unfreeze.cli.predict import predict
from unfreeze.cli.prepare import prepare
from unfreeze.cli.report import report
from unfreeze.cli.sample import sample
from unfreeze.cli.simulate import simulate
from unfreeze.cli.train import train

__all__ = ["app", "main"]

app = typer.Typer(
    name="unfreeze",
    help="A protein complex in, its thermal ensemble out.",
    epilog="Example: unfreeze sample 1hvr -n 250 --timescale 100ns",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"unfreeze {unfreeze.__version__}")
        raise typer.Exit


@app.callback()
def before_verb(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Keep what holds for every verb."""
    context.obj = {"debug": debug}


app.command()(sample)
app.command()(evaluate)
app.add_typer(predict)
app.command()(prepare)
app.add_typer(simulate)
app.add_typer(corpus)
app.command()(train)
app.command()(report)
app.command()(info)


def main() -> None:
    """Entry point of the console script."""
    app()
