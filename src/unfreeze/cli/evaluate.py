"""`unfreeze evaluate`: an ensemble, or many, against molecular dynamics."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from unfreeze.cli.errors import ErrorReporter, refuse
from unfreeze.cli.options import parse_time_step_ps
from unfreeze.cli.progress import Counter, Stages

if TYPE_CHECKING:
    from rich.console import Console

    from unfreeze.evaluate.result import TargetResult
    from unfreeze.evaluate.run import Evaluation
    from unfreeze.evaluate.targets import Settings, TargetSet

__all__ = ["evaluate"]

_SMALLER = "Read fewer frames (--stride, --max-frames), or score fewer targets at a time (--jobs)."
_MOST_FAILURES = 20
_MOST_RESAMPLES = 100_000


def evaluate(
    context: typer.Context,
    ensemble: Annotated[
        str | None,
        typer.Argument(
            metavar="ENSEMBLE",
            help="Ensemble folder, folder of models, multi-model file or trajectory.",
            show_default=False,
        ),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option("-r", "--reference", metavar="REF", help="Molecular dynamics; give it again for each replica."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option("-p", "--protocol", metavar="NAME", help="What is measured.", show_default="unfreeze")
    ] = None,
    topology: Annotated[
        str | None, typer.Option("-t", "--topology", metavar="FILE", help="Structure file of ENSEMBLE.")
    ] = None,
    reference_topology: Annotated[
        str | None, typer.Option("--reference-topology", metavar="FILE", help="Structure file of REF.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Folder for results, tables and the page.",
            show_default="none for one ensemble",
        ),
    ] = None,
    stride: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Read every N-th frame of REF.", show_default="1")
    ] = None,
    max_frames: Annotated[
        int | None, typer.Option(min=2, metavar="N", help="Read at most N frames a side.", show_default="all")
    ] = None,
    time_step: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Time between frames of REF, such as 10ps.", show_default="as in the file"),
    ] = None,
    bootstrap: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Resamples for intervals.", show_default="100"),
    ] = None,
    floor: Annotated[
        bool | None,
        typer.Option("--floor/--no-floor", help="Measure the reference against itself, too.", show_default="floor"),
    ] = None,
    baseline: Annotated[
        bool | None,
        typer.Option("--baseline/--no-baseline", help="Measure an elastic network, too.", show_default="baseline"),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of all that is drawn.", show_default="0")] = None,
    targets: Annotated[
        Path | None, typer.Option("--targets", metavar="YAML", help="Score many targets and generators.")
    ] = None,
    recipe: Annotated[
        Literal["db55"] | None, typer.Option(help="Make and score a known task: bound from unbound on Benchmark 5.5.")
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Structures for --recipe.")] = None,
    ids: Annotated[
        str | None, typer.Option(metavar="A,B", help="Some targets of --recipe.", show_default="all")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", min=1, help="Targets at a time.", show_default="one a core")
    ] = None,
    with_report: Annotated[bool, typer.Option("--report/--no-report", help="Make report.html.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary for programs, and nothing else.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Score again what is scored already.")] = False,
    list_protocols: Annotated[bool, typer.Option("--list-protocols", help="Say what can be measured.")] = False,
) -> None:
    """Score an ensemble against molecular dynamics: every number with its interval, floor and baseline.

    One:  unfreeze evaluate 1abc-ensemble --reference 1abc-md -o 1abc-scores

    Many: unfreeze evaluate --targets targets.yaml -o scores     (again after an interruption: it goes on)
    """
    with ErrorReporter(debug=context.obj["debug"], smaller=_SMALLER) as reporter:
        changes = {
            **{"protocol": protocol, "n_bootstrap": bootstrap, "floor": floor, "baseline": baseline, "seed": seed},
            **{"stride": stride, "max_frames": max_frames},
        }
        if bootstrap is not None and bootstrap > _MOST_RESAMPLES:
            raise refuse("--bootstrap", bootstrap, f"at most {_MOST_RESAMPLES}")
        changes = {name: value for name, value in changes.items() if value is not None}
        _check_mode(ensemble, reference, targets, recipe, list_protocols,
                    {"--topology": topology, "--reference-topology": reference_topology, "--time-step": time_step},
                    {"--data": data, "--ids": ids}, jobs)  # fmt: skip
        time_step_ps = parse_time_step_ps(time_step)
        if list_protocols:
            _list_protocols(as_json=as_json)
        elif ensemble is not None:
            sides = (ensemble, topology), (reference or [], reference_topology, time_step_ps)
            _evaluate_one(*sides, changes, output, with_report=with_report, as_json=as_json, force=force)
        else:
            from unfreeze.errors import InputError

            unprepared = False
            if recipe is not None:
                if data is None or output is None:
                    missing = "--data" if data is None else "--output"
                    raise typer.BadParameter(f"--recipe {recipe} needs it", param_hint=missing)
                targets = _prepare(data, output, ids, seed or 0, show=not as_json)
                unprepared = _say_unprepared(targets.parent / "failed.json")
            assert targets is not None
            from unfreeze.evaluate.targets import read_targets

            chosen = _changed(read_targets(targets), changes)
            folder = output or Path(f"{targets.stem}-evaluation")
            _evaluate_many(chosen, folder, reporter, jobs=jobs, with_report=with_report, as_json=as_json, force=force)
            if unprepared:
                raise typer.Exit(InputError.exit_code)


def _check_mode(
    ensemble: str | None,
    reference: list[str] | None,
    targets: Path | None,
    recipe: str | None,
    list_protocols: bool,
    of_one: dict[str, Any],
    of_recipe: dict[str, Any],
    jobs: int | None,
) -> None:
    """Refuse options that contradict each other, before anything is read."""
    modes = {"ENSEMBLE": ensemble, "--targets": targets, "--recipe": recipe, "--list-protocols": list_protocols or None}
    given = [name for name, value in modes.items() if value is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise typer.BadParameter(f"give one of {', '.join(modes)}; found {found}")
    mode = given[0]
    of_one = {"--reference": reference, **of_one}
    strays = [
        *(name for name, value in of_one.items() if value and mode != "ENSEMBLE"),
        *(name for name, value in of_recipe.items() if value and mode != "--recipe"),
        *(["--jobs"] if jobs and mode == "ENSEMBLE" else []),
    ]
    if strays:
        raise typer.BadParameter(f"{strays[0]} does not go with {mode}")


def _evaluate_one(
    ensemble: tuple[str, str | None],
    reference: tuple[list[str], str | None, float | None],
    changes: dict[str, Any],
    output: Path | None,
    *,
    with_report: bool,
    as_json: bool,
    force: bool,
) -> None:
    if not reference[0]:
        raise typer.BadParameter("ENSEMBLE is compared with something: give --reference", param_hint="--reference")
    with Stages(show=not as_json) as stages:
        stages("Scoring")
        from unfreeze.evaluate.run import evaluate_one
        from unfreeze.evaluate.targets import Settings, Source, Task

        task = Task(
            target=_name_of(reference[0][0]),
            generator=_name_of(ensemble[0]),
            ensemble=Source(trajectories=(ensemble[0],), topology=ensemble[1]),
            reference=Source(trajectories=tuple(reference[0]), topology=reference[1], time_step_ps=reference[2]),
            settings=Settings(**changes),
        )
        if output is not None:
            _check_same(output, task.target, task.generator, force=force)
        result = evaluate_one(task, output, again=force, command=_command())
        page = None
        if output is not None and with_report:
            stages("Report")
            page = _write_page(output)
    if as_json:
        document = {key: value for key, value in result.to_dict().items() if key != "arrays"}
        document |= {"directory": None if output is None else str(output), "report": page}
        document["stages"] = {name: round(value, 3) for name, value in stages.seconds.items()}
        _print_json(document)
    else:
        _print_one(result)
        _print_files(output, page)


def _evaluate_many(
    targets: TargetSet,
    folder: Path,
    reporter: ErrorReporter,
    *,
    jobs: int | None,
    with_report: bool,
    as_json: bool,
    force: bool,
) -> None:
    from unfreeze.evaluate.run import evaluate_targets

    n_failed = 0
    with Counter("Scoring", show=not as_json) as count:

        def progress(result: TargetResult, done: int, total: int) -> None:
            nonlocal n_failed
            n_failed += result.status != "ok"
            count(done, total, n_failed)
            reporter.kept = (
                f"{done} of {total} results are kept in {folder / 'results'}; the same command goes on from there."
            )

        found = evaluate_targets(targets, folder, jobs=jobs, again=force, command=_command(), progress=progress)
    reporter.kept = f"results and tables are in {folder}; `--no-report` leaves the page out."
    page = _write_page(folder) if with_report else None
    if as_json:
        _print_json({**found.document, "directory": str(folder), "report": page, "n_kept": found.n_kept})
    else:
        _print_many(found)
        _print_files(folder, page)
    if found.failed:
        _say_failed(found)
        raise typer.Exit(2)


def _prepare(data: Path, output: Path, ids: str | None, seed: int, *, show: bool) -> Path:
    """Write the inputs of a recipe below the folder of the evaluation, and give its targets file."""
    with Stages(show=show) as stages:
        stages("Preparing targets")
        from unfreeze.evaluate.recipes.db55 import prepare_db55
        from unfreeze.evaluate.store import ResultStore

        ResultStore(output).check()
        chosen = None if ids is None else [name.strip() for name in ids.split(",") if name.strip()]
        return prepare_db55(data, output / "inputs", ids=chosen, seed=seed)


def _say_unprepared(path: Path) -> bool:
    """Name the complexes of a recipe that are not among its targets; whether there are any."""
    failed: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    if failed:
        print(f"Error: {len(failed)} could not be prepared and will not be scored:", file=sys.stderr)
        for name, error in list(failed.items())[:_MOST_FAILURES]:
            print(f"  {name}: {error}", file=sys.stderr)
        if len(failed) > _MOST_FAILURES:
            print(f"  and {len(failed) - _MOST_FAILURES} more, listed in {path}", file=sys.stderr)
    return bool(failed)


def _changed(targets: TargetSet, changes: dict[str, Any]) -> TargetSet:
    """With the options of the command line in the place of those of the file."""
    from dataclasses import replace

    settings: Settings = targets.settings.model_copy(update=changes)
    return replace(targets, settings=settings, tasks=tuple(replace(task, settings=settings) for task in targets.tasks))


def _check_same(folder: Path, target: str, generator: str, *, force: bool) -> None:
    """Refuse to put one target's tables in the place of another evaluation's."""
    from unfreeze.errors import InputError

    path = folder / "evaluation.json"
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
        same = (there["targets"], there["generators"]) == ([target], [generator])
    except OSError:
        return
    except (ValueError, KeyError, TypeError):
        same = False
    if not same and not force:
        raise InputError(
            f"{folder}: holds another evaluation; choose another -o, or give --force to replace its tables"
        )


def _name_of(path: str) -> str:
    """A name for files from a path: its last part without its ending."""
    given = Path(path)
    name = given.name if given.name not in ("", "..") else given.resolve().name
    if not given.is_dir():
        name = re.sub(r"(\.(pdb|cif|mmcif|ent|xtc|dcd|trr|h5|gz))+$", "", name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9_.+-]", "_", name).strip(".+-")[:100] or "unnamed"


def _command() -> str:
    return shlex.join(["unfreeze", *sys.argv[1:]])


def _write_page(folder: Path) -> str:
    from unfreeze.report.evaluation import write_evaluation_page

    return str(write_evaluation_page(folder))


def _list_protocols(*, as_json: bool) -> None:
    from unfreeze.evaluate.protocols import PROTOCOLS, find_protocol

    protocols = [find_protocol(name) for name in PROTOCOLS]
    if as_json:
        _print_json([{**protocol.describe(), "title": protocol.title} for protocol in protocols])
        return
    width = max(len(protocol.name) for protocol in protocols)
    for protocol in protocols:
        print(f"{protocol.name:<{width}}  {protocol.title} (version {protocol.version})")


def _print_json(document: Any) -> None:
    from unfreeze.files.atomic import plain

    print(json.dumps(plain(document), indent=1, ensure_ascii=False, allow_nan=False))


def _print_one(result: TargetResult) -> None:
    from unfreeze.evaluate.tables import result_remarks, result_table

    out = _console()
    out.print(result_table(result))
    for line in result_remarks(result):
        out.print(line, markup=False, soft_wrap=True)


def _print_many(found: Evaluation) -> None:
    from unfreeze.evaluate.tables import pairs_table, summary_table

    out = _console()
    out.print(summary_table(found.document))
    pairs = pairs_table(found.document, most=20)
    if pairs is not None:
        out.print(pairs)
    elif found.document["pairs"]:
        out.print("Differences between generators are not tested: they share fewer than 3 targets.", soft_wrap=True)
    if found.n_kept:
        out.print(f"{found.n_kept} of {len(found.results)} results were there already.", soft_wrap=True)


def _console() -> Console:
    """Standard output; a file or a pipe is wide enough for any table."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def _print_files(folder: Path | None, page: str | None) -> None:
    if folder is None:
        return
    for name in ("evaluation.json", "scores.csv", "summary.csv", "summary.md"):
        print(f"  {folder / name}")
    if page:
        print(f"  {page}")


def _say_failed(found: Evaluation) -> None:
    failed = found.failed
    lines = [f"Error: {len(failed)} of {len(found.results)} could not be scored; the others are written:"]
    lines += [f"  {result.target}, {result.generator}: {result.error}" for result in failed[:_MOST_FAILURES]]
    if len(failed) > _MOST_FAILURES:
        lines.append(f"  and {len(failed) - _MOST_FAILURES} more, listed in {found.directory / 'summary.md'}")
    print("\n".join(lines), file=sys.stderr)
