"""`unfreeze predict`: what a protein engineer asks of a structure or a sequence."""

from __future__ import annotations

import typer

from unfreeze.cli.predict_affinity import affinity
from unfreeze.cli.predict_classes import function, location
from unfreeze.cli.predict_stability import stability

__all__ = ["predict"]

predict = typer.Typer(
    name="predict",
    help="Predict binding, stability, location or function, and what mutations do to them.",
    epilog="Example: unfreeze predict affinity complex.pdb --between A:B --scan interface",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
)
predict.command()(affinity)
predict.command()(stability)
predict.command()(location)
predict.command()(function)
