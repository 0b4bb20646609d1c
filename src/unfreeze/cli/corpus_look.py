"""`unfreeze corpus create`, `list`, `show` and `sets`: make a corpus, and look at what one holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unfreeze.cli.corpus_options import SMALLER, CorpusArgument, JsonOption, PlaceArgument, quoted
from unfreeze.cli.errors import ErrorReporter

if TYPE_CHECKING:
    from unfreeze.corpus.schema import EntryManifest, TrajectoryRecord
    from unfreeze.corpus.store import Corpus
    from unfreeze.corpus.store.index import EntrySummary

__all__ = ["create", "list_entries", "sets", "show"]

_MOST_ROWS = 40


def create(
    context: typer.Context,
    corpus: PlaceArgument,
    name: Annotated[str, typer.Option(help="For people.", show_default="the folder's")] = "",
    private: Annotated[
        str | None,
        typer.Option("--private", metavar="ALIAS", help="Keep it private: exports and reports name it by this only."),
    ] = None,
    description: Annotated[str, typer.Option(help="What it is.")] = "",
) -> None:
    """Make an empty corpus. The commands that add to a corpus make one, too, where there is none."""
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER):
        from unfreeze.corpus.store import Corpus

        made = Corpus.create(
            corpus, name=name, private=private is not None, alias=private or "", description=description
        )
        print(f"{made.path}: an empty corpus{', private' if private else ''}")
        print(f"Next: unfreeze corpus add {quoted(corpus)} --topology T.pdb --trajectory X.xtc --temperature 300 ...")


def list_entries(
    context: typer.Context,
    corpus: CorpusArgument,
    pattern: Annotated[str, typer.Argument(help="Only names that match, such as '1BRS*'.")] = "*",
    most: Annotated[int, typer.Option("--most", min=1, help="Most entries to print.")] = _MOST_ROWS,
    as_json: JsonOption = False,
) -> None:
    """List the entries: what each is of, how much there is, and in which conditions."""
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER):
        from fnmatch import fnmatchcase

        from unfreeze.corpus.store import Corpus

        opened = Corpus.open(corpus)
        found = [one for one in opened.index if fnmatchcase(one.identifier, pattern)]
        if as_json:
            document = {"name": opened.record.name, "entries": [_summary(one) for one in found]}
            print(json.dumps({**document, "damaged": dict(opened.damaged)}, ensure_ascii=False, indent=1))
            return
        _print_list(opened, found, most)


def show(
    context: typer.Context,
    corpus: CorpusArgument,
    entry: Annotated[str | None, typer.Argument(help="Name of an entry; the corpus itself without one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show an entry: its chains, trajectories, conditions, sources, what was mended, and its labels."""
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER):
        from unfreeze.corpus.store import Corpus

        opened = Corpus.open(corpus)
        if entry is None:
            _show_corpus(opened, as_json=as_json)
            return
        manifest = opened.entry(entry).manifest
        if as_json:
            print(manifest.model_dump_json(indent=1))
        else:
            _show_entry(manifest)


def sets(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Show the options of this one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the sets and layouts that can be imported, with their licences and options."""
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER):
        from unfreeze.cli.corpus_registry import all_importers
        from unfreeze.corpus.fetch.sets import SETS

        rows = [one for one in all_importers() if name in (None, one.name)]
        if name is not None and not rows:
            from unfreeze.corpus.importers.registry import importer

            importer(name)  # says which there are
        if as_json:
            document = [
                {"name": one.name, "summary": one.summary, "licence": one.licence, "citation": one.citation,
                 "options": dict(one.options), "can_be_fetched": one.name in SETS}
                for one in rows
            ]  # fmt: skip
            print(json.dumps(document, ensure_ascii=False, indent=1))
            return
        from unfreeze.cli.simulate_tables import standard_output

        out = standard_output()
        for one in rows:
            fetched = "  (unfreeze corpus fetch can get it)" if one.name in SETS else ""
            out.print(f"[bold]{one.name}[/]{fetched}", highlight=False)
            out.print(f"  {one.summary}", markup=False)
            out.print(f"  Licence: {one.licence}. {one.citation}".rstrip(), markup=False)
            if name is not None:
                for option, words in one.options.items():
                    out.print(f"  --set {option}=...  {words}", markup=False)
        if name is None:
            out.print("Options of one: unfreeze corpus sets NAME", markup=False)


def _time(n_frames: int, time_step_ps: float | None) -> str:
    from unfreeze.simulate.campaign.units import time_in_words

    return "" if time_step_ps is None else time_in_words(n_frames * time_step_ps)


def _summary(entry: EntrySummary) -> dict[str, Any]:
    return {
        "identifier": entry.identifier,
        "title": entry.title,
        "n_atoms": entry.n_atoms,
        "n_residues": entry.n_residues,
        "chains": list(entry.chains),
        "sequences": list(entry.sequences),
        "n_frames": entry.n_frames,
        "trajectories": [
            {**one._asdict(), "conditions": one.conditions.model_dump(exclude_defaults=True)}
            for one in entry.trajectories
        ],
        "n_labels": dict(entry.n_labels),
    }


def _print_list(opened: Corpus, found: list[EntrySummary], most: int) -> None:
    from rich.markup import escape
    from rich.table import Table

    from unfreeze.cli.simulate_tables import standard_output
    from unfreeze.corpus.conditions import conditions_words
    from unfreeze.simulate.campaign.units import time_in_words

    out = standard_output()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, side in (("entry", "left"), ("chains", "left"), ("residues", "right"), ("frames", "right"),
                       ("time", "right"), ("conditions", "left"), ("labels", "left")):  # fmt: skip
        table.add_column(name, justify="right" if side == "right" else "left", overflow="fold")
    for entry in found[:most]:
        words = sorted({conditions_words(one.conditions) for one in entry.trajectories})
        times = [one.n_frames * one.time_step_ps for one in entry.trajectories if one.time_step_ps is not None]
        labels = ", ".join(f"{number} {kind}" for kind, number in entry.n_labels.items())
        table.add_row(
            escape(entry.identifier),
            escape(",".join(entry.chains[:8]) + (",…" if len(entry.chains) > 8 else "")),
            f"{entry.n_residues:,}",
            f"{entry.n_frames:,}",
            time_in_words(sum(times)) if times else "",
            escape("; ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")),
            labels,
        )
    out.print(table)
    if len(found) > most:
        out.print(f"and {len(found) - most:,} more (--most)", markup=False)
    n_frames = sum(one.n_frames for one in found)
    out.print(f"{opened.record.name}: {len(found):,} entries, {n_frames:,} frames", markup=False)
    for identifier, reason in list(opened.damaged.items())[:10]:
        out.print(f"damaged: {identifier}: {reason}", markup=False)


def _show_corpus(opened: Corpus, *, as_json: bool) -> None:
    document = {
        **opened.record.model_dump(),
        "n_entries": len(opened),
        "n_frames": sum(one.n_frames for one in opened.index),
        "splits": sorted(path.stem for path in (opened.path / "splits").glob("*.json")),
        "label_sets": sorted(path.name for path in (opened.path / "labels").glob("*") if path.is_dir()),
        "damaged": dict(opened.damaged),
    }
    if as_json:
        print(json.dumps(document, ensure_ascii=False, indent=1))
        return
    for key, value in document.items():
        if value not in ("", [], {}):
            print(f"{key.replace('_', ' '):<15}{', '.join(value) if isinstance(value, list) else value}")


def _show_entry(manifest: EntryManifest) -> None:
    from collections import Counter

    from rich.markup import escape
    from rich.table import Table

    from unfreeze.cli.simulate_tables import standard_output

    out = standard_output()
    out.print(f"[bold]{escape(manifest.identifier)}[/]  {escape(manifest.title)}")
    out.print(f"{manifest.n_residues:,} residues, {manifest.n_atoms:,} atoms", markup=False)
    for chain, sequence in zip(manifest.chains, manifest.sequences, strict=True):
        shown = sequence if len(sequence) <= 90 else f"{sequence[:87]}..."
        out.print(f"  chain {chain}: {len(sequence)} residues  {shown}", markup=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("trajectory", "frames", "time", "step", "conditions", "from"):
        table.add_column(name, overflow="fold", justify="right" if name in ("frames", "time", "step") else "left")
    for one in manifest.trajectories[:_MOST_ROWS]:
        table.add_row(*(escape(text) for text in _row(one)))
    if manifest.trajectories:
        out.print(table)
    for one in manifest.trajectories[:_MOST_ROWS]:
        for sentence in one.mended:
            out.print(f"  {one.name}: {sentence}", markup=False)
    if manifest.labels:
        counts = Counter(label.kind for label in manifest.labels)
        out.print("labels: " + ", ".join(f"{number} {kind}" for kind, number in counts.items()), markup=False)
    for note in manifest.notes:
        out.print(f"note: {note}", markup=False)


def _row(one: TrajectoryRecord) -> tuple[str, ...]:
    from unfreeze.corpus.conditions import conditions_words
    from unfreeze.simulate.campaign.units import time_in_words

    source = ", ".join(text for text in (one.source.dataset, one.source.licence) if text)
    return (
        one.name + ("" if one.is_complete else " (not complete)"),
        f"{one.n_frames:,}",
        _time(one.n_frames, one.time_step_ps),
        "" if one.time_step_ps is None else time_in_words(one.time_step_ps),
        conditions_words(one.conditions),
        source,
    )
