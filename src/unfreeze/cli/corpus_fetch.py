"""`unfreeze corpus fetch`: files of a public set, resumed, checked and bounded, ready to be imported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unfreeze.cli.corpus_options import JsonOption, parse_settings, quoted
from unfreeze.cli.errors import ErrorReporter, refuse
from unfreeze.cli.stopping import stop_wish

if TYPE_CHECKING:
    from unfreeze.corpus.fetch.fetching import FetchProgress, FetchReport

__all__ = ["fetch"]

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_MOST_SHOWN = 20


def fetch(
    context: typer.Context,
    set_: Annotated[str, typer.Argument(metavar="SET", help="Name of a set, as in `unfreeze corpus sets`.")],
    ids: Annotated[
        str | None,
        typer.Option(metavar="ID,ID,...", help="Which entries of it; @FILE for one a line.", show_default="all"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Where to.", show_default="SET")
    ] = None,
    set_options: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of the set; again for more.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="A mirror to fetch from.", show_default="the set's")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Files fetched at once.")] = 4,
    most: Annotated[str, typer.Option("--max-size", metavar="SIZE", help="Fetch no more, such as 20GB.")] = "50GB",
    keep_archives: Annotated[bool, typer.Option("--keep-archives", help="Keep archives once unpacked.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be fetched.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch files of a public set; given again, it fetches what is missing only.

    Example:  unfreeze corpus fetch atlas --ids 16pk_A,1k5n_A -o atlas
    """
    with ErrorReporter(debug=context.obj["debug"], smaller="Fetch fewer ids at a time.") as reporter:
        from unfreeze.corpus.fetch import fetching
        from unfreeze.corpus.fetch.sets import find_set

        data_set = find_set(set_)
        chosen = _ids(ids)
        options = parse_settings(set_options)
        if dry_run:
            files = fetching.plan(set_, chosen, options=options, base_url=url)
            sizes = [one.n_bytes for one in files if one.n_bytes is not None]
            if as_json:
                rows = [{"url": one.url, "path": one.path, "bytes": one.n_bytes} for one in files]
                print(json.dumps({"set": set_, "files": rows}, ensure_ascii=False, indent=1))
                return
            for one in files[:_MOST_SHOWN]:
                print(f"{one.url}")
            if len(files) > _MOST_SHOWN:
                print(f"and {len(files) - _MOST_SHOWN:,} more")
            unknown = len(files) - len(sizes)
            more = f", and {unknown:,} files of unknown size" if unknown else ""
            print(f"{len(files):,} files, {_size(sum(sizes))}{more}; licence {data_set.licence}")
            return
        folder = output or Path(set_)
        reporter.kept = f"what has arrived is kept in {folder}; the same command goes on from there."
        with stop_wish() as wish, _Bar(show=not as_json) as bar:
            report = fetching.fetch(
                set_, chosen, folder, options=options, base_url=url, workers=workers, max_bytes=_bytes(most),
                keep_archives=keep_archives, on_progress=bar, should_stop=wish,
            )  # fmt: skip
        _tell(report, folder, data_set.importer or set_, as_json=as_json)
        wish.raise_if_wished()
        if report.failed:
            raise typer.Exit(2)


def _ids(text: str | None) -> list[str]:
    if text is None:
        return []
    if text.startswith("@"):
        from unfreeze.files.yaml_file import read_text

        lines = read_text(Path(text[1:])).splitlines()
        found = [line.split("#")[0].strip() for line in lines]
    else:
        found = [part.strip() for part in text.split(",")]
    found = [one for one in found if one]
    if not found:
        raise refuse("--ids", text, "ids separated by commas, or @FILE with one a line")
    return found


def _bytes(text: str) -> int:
    plain = text.strip().lower().removesuffix("b")
    unit = plain[-1:] if plain[-1:] in _UNITS and plain[-1:] else ""
    try:
        value = int(float(plain.removesuffix(unit)) * _UNITS[unit])
    except (ValueError, OverflowError):
        raise refuse("--max-size", text, "a size such as 500MB or 20GB") from None
    if value < 1:
        raise refuse("--max-size", text, "a size such as 500MB or 20GB")
    return value


def _size(n_bytes: int) -> str:
    from unfreeze.simulate.campaign.units import bytes_in_words

    return bytes_in_words(n_bytes)


def _tell(report: FetchReport, folder: Path, name: str, *, as_json: bool) -> None:
    if as_json:
        document = {"folder": str(folder), "fetched": report.fetched, "present": report.present,
                    "failed": report.failed, "bytes": report.n_bytes, "stopped": report.stopped}  # fmt: skip
        print(json.dumps(document, ensure_ascii=False, indent=1))
        return
    there = f", {len(report.present):,} were there" if report.present else ""
    print(f"{folder}: {len(report.fetched):,} files fetched, {_size(report.n_bytes)}{there}")
    for path, reason in list(report.failed.items())[:_MOST_SHOWN]:
        print(f"  not fetched: {path}: {reason}")
    if len(report.failed) > _MOST_SHOWN:
        print(f"  and {len(report.failed) - _MOST_SHOWN:,} more were not fetched")
    if not report.failed and not report.stopped:
        print(f"Next: unfreeze corpus import CORPUS {name} {quoted(folder)} --dry-run")


class _Bar:
    """Files and bytes on a terminal, nothing elsewhere."""

    def __init__(self, *, show: bool) -> None:
        import sys

        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        self._show = show and sys.stderr.isatty()
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), disable=not self._show)
        self._task = self._progress.add_task("Fetching", total=None)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def __call__(self, progress: FetchProgress) -> None:
        words = f"{progress.n_files:,} of {progress.n_files_total:,} files"
        self._progress.update(self._task, description=words, completed=progress.n_bytes, total=progress.n_bytes_total)
