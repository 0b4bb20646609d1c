"""`unfreeze train`: a model from a corpus by a recipe, or the one that is there fine-tuned on own trajectories."""

from __future__ import annotations

import json
import shlex
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unfreeze.cli.errors import ErrorReporter, refuse
from unfreeze.cli.progress import Counter

if TYPE_CHECKING:
    from unfreeze.train.recipe import Recipe
    from unfreeze.train.run import TrainingResult

__all__ = ["train"]

SMALLER = "Take smaller batches (--set batch_blocks=800), or leave large entries out (--set data.most_blocks=500)."
_MOST_NOTES = 10


def train(
    context: typer.Context,
    recipe: Annotated[
        Path | None, typer.Argument(metavar="[RECIPE]", help="Recipe (YAML).", show_default=False)
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="base|FILE",
            help="Start from the model that is shipped, or from another one.",
            show_default="as the recipe says",
        ),
    ] = None,
    corpus: Annotated[
        list[str] | None,
        typer.Option("--corpus", metavar="CORPUS", help="Instead of the recipe's; again for more.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="Folder of the run.", show_default="NAME-training"),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe, such as stages.0.steps=500."),
    ] = None,
    devices: Annotated[int | None, typer.Option(min=1, help="GPUs, or CPU processes.", show_default="auto")] = None,
    precision: Annotated[str | None, typer.Option(help="32-true or bf16-mixed.", show_default="auto")] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes that make features before the first step.")] = 1,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write files for TensorBoard, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary for programs, and nothing else.")] = False,
) -> None:
    """Train a model; killed at any time and given again, it goes on.

    By a recipe:   unfreeze train recipe.yaml -o run

    On own MD:     unfreeze train --from base --corpus my-corpus -o mine
    """  # fmt: skip
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER) as reporter:
        from unfreeze.train import require_torch

        if recipe is None and start is None:
            raise typer.BadParameter("give a recipe, or --from base and --corpus with your own MD", param_hint="RECIPE")
        chosen = _recipe(recipe, start, corpus, set_, devices, precision)
        folder = output or Path(f"{chosen.name}-training")
        require_torch()
        from unfreeze.train.run import check_folder, train
        from unfreeze.train.stopping import Stopper

        check_folder(folder, chosen)
        reporter.kept = f"what was trained is kept; the same command goes on from there ({shlex.quote(str(folder))})."
        with Stopper() as stopper, _Counters(show=not as_json) as counters:
            try:
                result = train(
                    chosen, folder, show=not as_json, tensorboard=tensorboard, processes=processes,
                    progress=counters, stopper=stopper,
                )  # fmt: skip
            except KeyboardInterrupt:
                _end_by_signal(stopper.signal_number)
                raise
        if as_json:
            print(json.dumps(_summary(result), ensure_ascii=False, indent=1))
        if result.model is None:
            _end_by_signal(stopper.signal_number)
            raise KeyboardInterrupt
        if not as_json:
            _print(result, chosen)


def _end_by_signal(number: int) -> None:
    if number == signal.SIGTERM:
        raise SystemExit(128 + signal.SIGTERM)


class _Counters:
    """One bar after the other."""

    def __init__(self, *, show: bool) -> None:
        self._show = show
        self._name = ""
        self._counter: Counter | None = None

    def __enter__(self) -> _Counters:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def __call__(self, name: str, done: int, total: int, failed: int) -> None:
        if name != self._name:
            self._close()
            self._name, self._counter = name, Counter(name, show=self._show)
            self._counter.__enter__()
        if self._counter is not None:
            self._counter(done, total, failed)
            if done == total:
                self._close()

    def _close(self) -> None:
        if self._counter is not None:
            self._counter.__exit__(None, None, None)
        self._counter, self._name = None, ""


def _recipe(
    path: Path | None,
    start: str | None,
    corpora: list[str] | None,
    changes: list[str] | None,
    devices: int | None,
    precision: str | None,
) -> Recipe:
    from unfreeze.train.recipe_file import FINE_TUNING, parse_change, read_recipe

    given: dict[tuple[str | int, ...], Any] = {}
    for text in changes or []:
        try:
            keys, value = parse_change(text)
        except ValueError:
            raise refuse("--set", text, "KEY=VALUE, such as stages.0.learning_rate=1.0e-3") from None
        given[keys] = value
    if corpora:
        given["data", "corpora"] = [one if "://" in one else str(Path(one).absolute()) for one in corpora]
    if start is not None:
        given["model", "start"] = start if start == "base" else str(Path(start).absolute())
    if devices is not None:
        given[("devices",)] = devices
    if precision is not None:
        given[("precision",)] = precision
    return read_recipe(path or FINE_TUNING, given)


def _summary(result: TrainingResult) -> dict[str, Any]:
    return {
        "directory": str(result.folder),
        "model": None if result.model is None else str(result.model),
        "improved": result.improved,
        "notes": list(result.notes),
        "card": result.card,
    }


def _print(result: TrainingResult, recipe: Recipe) -> None:
    from rich.markup import escape

    from unfreeze.cli.simulate_tables import standard_output
    from unfreeze.train.table import ScoreTable
    from unfreeze.train.table_view import table_view

    out, card = standard_output(), result.card
    if card["scores"]:
        where = "the later part of every trajectory" if recipe.data.hold_out_later else "what was held out"
        before = None if card["scores_before"] is None else ScoreTable(card["scores_before"])
        out.print(f"[bold]{escape(card['name'])}[/] on {where}")
        out.print(table_view(ScoreTable(card["scores"]), before))
    if result.improved is False:
        out.print("[yellow]Note:[/] this did not make the model better there, so its weights are kept as they were")
    for one in result.notes[:_MOST_NOTES]:
        out.print(f"[yellow]Note:[/] {escape(one)}")
    if len(result.notes) > _MOST_NOTES:
        out.print(f"and {len(result.notes) - _MOST_NOTES} more")
    for k, one in enumerate(card["training"]):
        out.print(f"  member {k + 1}: {one['total']:,} steps in {one['seconds']:.0f} s; {one['verdict']}", markup=False)
    out.print(f"  model     {result.model}", markup=False)
    out.print(f"  card      {result.folder / 'card.md'}", markup=False)
    out.print(f"  log       {result.folder / 'log.jsonl'}", markup=False)
    out.print(f"Use it:  unfreeze sample INPUT --model {shlex.quote(str(result.model))}", markup=False)
