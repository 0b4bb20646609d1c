"""`unfreeze corpus add` and `import`: one's own trajectories, and whole sets, checked on their way in."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unfreeze.cli.corpus_options import SMALLER, JsonOption, PlaceArgument, parse_settings, quoted
from unfreeze.cli.errors import ErrorReporter, refuse
from unfreeze.cli.progress import Counter
from unfreeze.cli.stopping import StopWish, stop_wish

if TYPE_CHECKING:
    from unfreeze.corpus.importing.report import ImportProgress, ImportReport
    from unfreeze.corpus.importing.source import Candidate
    from unfreeze.corpus.label_import import LabelImportReport
    from unfreeze.corpus.schema import Conditions
    from unfreeze.corpus.store import Corpus

__all__ = ["add", "import_"]

_MOST_SHOWN = 20
_COLD_K = 150.0

TemperatureOption = Annotated[
    float | None, typer.Option(metavar="K", help="Temperature, where the files do not say it.", show_default=False)
]
ForceFieldOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Force field, where the files do not say it, such as charmm36m.")
]
SolventOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Solvent, such as tip3p, obc2 or explicit.", show_default=False)
]
AtomsOption = Annotated[str, typer.Option(metavar="WHICH", help="heavy, or all to keep hydrogens.")]
StrideOption = Annotated[int, typer.Option(min=1, metavar="N", help="Take every N-th frame.")]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="Take anew what has changed since it was taken.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be taken and refused; write nothing.")]


def add(
    context: typer.Context,
    corpus: PlaceArgument,
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[X2 X3 ...]", help="More trajectories.", show_default=False)
    ] = None,
    topology: Annotated[
        Path | None,
        typer.Option(
            "--topology",
            "-t",
            metavar="T",
            help="Topology: PDB, mmCIF, GRO, PSF, PRMTOP, HDF5.",
            show_default="in or beside the trajectory",
        ),
    ] = None,
    trajectory: Annotated[
        list[Path] | None,
        typer.Option("--trajectory", "-x", metavar="X", help="Trajectory; more may follow, each a replica."),
    ] = None,
    temperature: TemperatureOption = None,
    force_field: ForceFieldOption = None,
    solvent: SolventOption = None,
    time_step: Annotated[
        str | None, typer.Option(metavar="TIME", help="Time between frames, such as 10ps.", show_default="as the files")
    ] = None,
    ignore_clock: Annotated[
        bool, typer.Option("--ignore-clock", help="The times in the files are wrong; --time-step is right.")
    ] = False,
    name: Annotated[str, typer.Option(help="Name of the entry.", show_default="of the topology")] = "",
    join: Annotated[bool, typer.Option("--join", help="The trajectories are parts of one run.")] = False,
    licence: Annotated[str, typer.Option("--licence", help="Licence of the data, such as CC-BY-4.0.")] = "",
    citation: Annotated[str, typer.Option(help="What to cite.")] = "",
    private: Annotated[
        str | None, typer.Option("--private", metavar="ALIAS", help="Make a new corpus private, known by this name.")
    ] = None,
    atoms: AtomsOption = "heavy",
    stride: StrideOption = 1,
    replace: ReplaceOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Add your own molecular dynamics: one system with one or more trajectories of it.

    Units, clock, atoms, chirality and torn molecules are checked; what is clear is mended, the rest refused with the
    reason. Killed and given again, it goes on.

    Example:  unfreeze corpus add my-corpus --topology top.pdb --trajectory r1.xtc r2.xtc --temperature 300
    --force-field charmm36m --time-step 10ps
    """
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER) as reporter:
        from unfreeze.corpus.importers.generic import candidate_of_files

        trajectories = [*(trajectory or []), *(more or [])]
        if not trajectories:
            raise typer.BadParameter("give at least one", param_hint="--trajectory")
        options = {"atoms": atoms, "time_step": time_step, "licence": licence, "citation": citation,
                   "join": "yes" if join else None, "clock": "ignore" if ignore_clock else None}  # fmt: skip
        known = {key: value for key, value in options.items() if value}
        if name:
            from unfreeze.corpus.store.store import safe_identifier

            if safe_identifier(name) != name:
                raise refuse("--name", name, "1 to 100 letters, digits and ._+-, a letter or digit first")
        candidate = candidate_of_files(topology, trajectories, name=name, options=known)
        given = _conditions(temperature, force_field, solvent)
        _carry_out(
            reporter, corpus, [candidate], "generic", given=given, private=private, atoms=atoms, stride=stride,
            replace=replace, dry_run=dry_run, as_json=as_json,
        )  # fmt: skip


def import_(
    context: typer.Context,
    corpus: PlaceArgument,
    set_: Annotated[str, typer.Argument(metavar="SET", help="Layout of the source, as in `unfreeze corpus sets`.")],
    source: Annotated[list[Path], typer.Argument(metavar="SOURCE ...", help="Its folder or file.")],
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="PATTERN", help="Only entries of this name, such as '1a*'.")
    ] = None,
    set_options: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="An option of the importer (`unfreeze corpus sets SET`)."),
    ] = None,
    temperature: TemperatureOption = None,
    force_field: ForceFieldOption = None,
    solvent: SolventOption = None,
    private: Annotated[
        str | None, typer.Option("--private", metavar="ALIAS", help="Make a new corpus private, known by this name.")
    ] = None,
    atoms: AtomsOption = "heavy",
    forces: Annotated[bool, typer.Option("--forces/--no-forces", help="Keep forces where there are some.")] = True,
    stride: StrideOption = 1,
    replace: ReplaceOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Import a set, a folder of trajectories, structures, labels, or the campaigns of `unfreeze simulate`.

    Every part is checked; one that is refused does not stop the others. Killed and given again, it goes on.

    Example:  unfreeze corpus import my-corpus atlas downloads/atlas --dry-run
    """
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER) as reporter:
        options = parse_settings(set_options)
        for path in source:
            if not path.exists():
                from unfreeze.errors import InputError

                raise InputError(f"{path}: no such file or folder. Check the spelling.")
        if set_ == "campaign":
            _import_campaigns(reporter, corpus, source, options, private=private, dry_run=dry_run, as_json=as_json)
            return
        from unfreeze.corpus.importers.registry import check_options, importer
        from unfreeze.corpus.label_import import LabelImporter

        chosen = importer(set_)
        if "atoms" in chosen.options:
            options = {"atoms": atoms, **options}
        for path in source:
            check_options(chosen, options, path)
        given = _conditions(temperature, force_field, solvent)
        labels: list[LabelImportReport] = []
        if isinstance(chosen, LabelImporter):
            labels = _import_labels(reporter, corpus, chosen, source, options, private=private, dry_run=dry_run,
                                    replace=replace)  # fmt: skip
        candidates = _selected(source, chosen.candidates, options, only or [])
        _carry_out(
            reporter, corpus, candidates, set_, given=given, private=private, atoms=atoms, stride=stride,
            replace=replace, forces=forces, dry_run=dry_run, as_json=as_json, labels=labels,
        )  # fmt: skip


def _conditions(temperature: float | None, force_field: str | None, solvent: str | None) -> Conditions | None:
    from pydantic import ValidationError

    from unfreeze.corpus.conditions import force_field_name, solvent_name
    from unfreeze.corpus.schema import Conditions

    if temperature is None and force_field is None and solvent is None:
        return None
    if temperature is not None and 0 < temperature < _COLD_K:
        print(f"Note: {temperature:g} K was given; temperatures are in kelvins, not in °C.", file=sys.stderr)
    try:
        return Conditions(
            temperature_K=temperature,
            force_field=None if force_field is None else force_field_name(force_field),
            solvent=None if solvent is None else solvent_name(solvent),
        )
    except ValidationError:
        raise typer.BadParameter(
            f"{temperature}; expected kelvins between 0 and 5000", param_hint="--temperature"
        ) from None


def _selected(
    sources: Iterable[Path],
    candidates: Callable[[Path, Mapping[str, str]], Iterator[Candidate]],
    options: Mapping[str, str],
    patterns: list[str],
) -> Iterator[Candidate]:
    from fnmatch import fnmatchcase

    for source in sources:
        for one in candidates(source, options):
            if not patterns or any(fnmatchcase(one.identifier, pattern) for pattern in patterns):
                yield one


def _open_or_create(path: Path, private: str | None, *, dry_run: bool) -> Corpus:
    """The corpus, made where there is none; for a dry run without one, an empty one that goes away again."""
    import atexit
    import shutil
    import tempfile

    from unfreeze.corpus.store import Corpus
    from unfreeze.errors import InputError

    if (path / "corpus.json").exists():
        opened = Corpus.open(path)
        if private is not None and (not opened.record.private or opened.record.alias != private):
            known = f"private as {opened.record.alias!r}" if opened.record.private else "not private"
            raise InputError(f"{path}: is there already, and is {known}; leave --private out, or make another corpus.")
        return opened
    if dry_run:
        folder = tempfile.mkdtemp(prefix="unfreeze-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Corpus.create(Path(folder) / "corpus", private=private is not None, alias=private or "")
    return Corpus.create(path, private=private is not None, alias=private or "")


def _carry_out(
    reporter: ErrorReporter,
    path: Path,
    candidates: Iterable[Candidate],
    importer: str,
    *,
    given: Conditions | None,
    private: str | None,
    atoms: str,
    stride: int,
    replace: bool,
    dry_run: bool,
    as_json: bool,
    forces: bool = True,
    labels: list[LabelImportReport] | None = None,
) -> None:
    from unfreeze.corpus.importing.driver import run_import

    corpus = _open_or_create(path, private, dry_run=dry_run)
    if not dry_run:
        reporter.kept = f"what was read is kept in {path}; the same command goes on from there."
    with stop_wish() as wish, _Bar(show=not as_json) as bar:
        report = run_import(
            corpus, candidates, dry_run=dry_run, atoms=atoms, keep_forces=forces, stride=stride, replace=replace,
            given=given, importer=importer, on_progress=bar, should_stop=wish,
        )  # fmt: skip
    _tell(path, report, labels or [], as_json=as_json)
    _end(wish, [*report.refused, *[name for one in labels or [] for name in one.refused]])


def _end(wish: StopWish, refused: list[Any]) -> None:
    wish.raise_if_wished()
    if refused:
        raise typer.Exit(2)


def _import_labels(
    reporter: ErrorReporter,
    path: Path,
    importer: Any,
    sources: Iterable[Path],
    options: Mapping[str, str],
    *,
    private: str | None,
    dry_run: bool,
    replace: bool,
) -> list[LabelImportReport]:
    from unfreeze.corpus.label_import import import_labels

    corpus = _open_or_create(path, private, dry_run=dry_run)
    return [import_labels(corpus, importer, one, options, dry_run=dry_run, replace=replace) for one in sources]


def _import_campaigns(
    reporter: ErrorReporter,
    path: Path,
    sources: list[Path],
    options: dict[str, str],
    *,
    private: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    from unfreeze.simulate.delivery import deliver, run_directories

    unknown = set(options) - {"licence"}
    if unknown:
        raise typer.BadParameter(f"{sorted(unknown)[0]!r}; a campaign has the option licence", param_hint="--set")
    runs = [run for source in sources for run in run_directories(source)]
    if dry_run:
        print(f"{len(runs):,} runs would be brought; nothing was written")
        return
    corpus = _open_or_create(path, private, dry_run=False)
    reporter.kept = f"what was read is kept in {path}; the same command goes on from there."
    with Counter("Bringing runs", show=not as_json) as counter:
        delivery = deliver(corpus, sources, licence=options.get("licence", "unknown"), on_progress=counter)
    if as_json:
        print(json.dumps(delivery.to_dict(), ensure_ascii=False, indent=1))
        return
    n_frames = sum(delivery.added.values())
    print(f"{path}: {n_frames:,} frames of {len(delivery.added):,} runs added, {len(delivery.unchanged):,} unchanged")
    if delivery.n_quarantined:
        print(f"  {delivery.n_quarantined:,} frames did not pass the checks of the simulation and stay out")
    for run, reason in list(delivery.left_out.items())[:_MOST_SHOWN]:
        print(f"  not brought: {run}: {reason}")


def _tell(path: Path, report: ImportReport, labels: list[LabelImportReport], *, as_json: bool) -> None:
    if as_json:
        document = {**report.as_dict(), "label_sets": [one.as_json() for one in labels]}
        print(json.dumps(document, ensure_ascii=False, indent=1, default=str))
        return
    for one in labels:
        for taken in one.taken:
            counts = ", ".join(f"{number:,} {kind}" for kind, number in taken.n_labels.items())
            print(f"label set {taken.name}: {taken.n_rows:,} rows ({counts})")
            for note in taken.notes[:_MOST_SHOWN]:
                print(f"  {note}")
        for name in one.skipped:
            print(f"label set {name}: is there already")
        for name, reason in one.refused.items():
            print(f"label set {name}: refused: {reason}")
    if report.results or not labels:
        print(f"{path}: {report.sentence()}" + ("; nothing was written" if report.is_dry_run else ""))
    for result in report.mended[:_MOST_SHOWN]:
        for sentence in result.mended:
            print(f"  mended {result.entry}/{result.trajectory}: {sentence}")
    for result in report.taken[:_MOST_SHOWN]:
        for sentence in result.notes:
            if sentence.startswith("Given at import"):  # by who reads this
                continue
            print(f"  {result.entry}/{result.trajectory}: {sentence}")
    for name, reason in report.reasons(_MOST_SHOWN):
        print(f"  refused {name}: {reason.removeprefix(f'{name}: ')}")
    if len(report.refused) > _MOST_SHOWN:
        where = f": {path / report.path}" if report.path else " (--json)"
        print(f"  and {len(report.refused) - _MOST_SHOWN:,} more were refused{where}")
    if report.taken and not report.is_dry_run:
        print(f"Next: unfreeze corpus list {quoted(path)}")


class _Bar:
    """What is being read, on a terminal; nothing elsewhere."""

    def __init__(self, *, show: bool) -> None:

        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), TaskProgressColumn(), TimeElapsedColumn())
        shown = show and sys.stderr.isatty()
        self._progress = Progress(*columns, console=Console(stderr=True), disable=not shown)
        self._task = self._progress.add_task("Reading", total=None)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def __call__(self, progress: ImportProgress) -> None:
        name = "/".join(part for part in (progress.entry, progress.trajectory) if part)
        words = f"{progress.n_parts:,} done, {name}"
        self._progress.update(self._task, description=words, completed=progress.n_done, total=progress.n_frames)
