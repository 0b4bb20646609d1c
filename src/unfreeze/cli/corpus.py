"""`unfreeze corpus`: one checked, documented, instantly readable training set from all molecular dynamics there is."""

from __future__ import annotations

import typer

from unfreeze.cli.corpus_check import repair, verify
from unfreeze.cli.corpus_export import export
from unfreeze.cli.corpus_fetch import fetch
from unfreeze.cli.corpus_import import add, import_
from unfreeze.cli.corpus_look import create, list_entries, sets, show
from unfreeze.cli.corpus_split import split
from unfreeze.cli.corpus_stats import stats

__all__ = ["corpus"]

corpus = typer.Typer(
    name="corpus",
    help="One checked training set from public sets, your own trajectories and simulations, and labels.",
    epilog="Example: unfreeze corpus add my-corpus --topology top.pdb --trajectory md.xtc --temperature 300 "
    "--force-field charmm36m",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

corpus.command()(create)
corpus.command(name="list")(list_entries)
corpus.command()(show)
corpus.command()(add)
corpus.command(name="import")(import_)
corpus.command()(verify)
corpus.command()(repair)
corpus.command()(split)
corpus.command()(stats)
corpus.command()(export)
corpus.command()(sets)
corpus.command()(fetch)
