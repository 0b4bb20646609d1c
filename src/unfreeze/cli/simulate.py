"""`unfreeze simulate`: molecular dynamics that survives anything, one simulation or a campaign of them."""

from __future__ import annotations

import typer

from unfreeze.cli.choose import choose
from unfreeze.cli.simulate_manage import cancel, force_fields, retry, status
from unfreeze.cli.simulate_plan import plan
from unfreeze.cli.simulate_run import resume, run

__all__ = ["simulate"]

simulate = typer.Typer(
    name="simulate",
    help="Molecular dynamics with OpenMM that survives anything: one simulation or a campaign of them.",
    epilog="Example: unfreeze simulate run --sequence GYDPETGTWG --length 2ns -o chignolin",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

simulate.command()(plan)
simulate.command()(run)
simulate.command()(status)
simulate.command()(resume)
simulate.command()(cancel)
simulate.command()(retry)
simulate.command()(choose)
simulate.command(name="force-fields")(force_fields)
