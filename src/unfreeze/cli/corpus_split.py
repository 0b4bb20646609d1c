"""`unfreeze corpus split`: parts that share nothing they should not, and what leaks in splits made elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unfreeze.cli.corpus_options import SMALLER, JsonOption, parse_fractions
from unfreeze.cli.errors import ErrorReporter, refuse
from unfreeze.cli.progress import Stages

if TYPE_CHECKING:
    from unfreeze.corpus.split import Leak, LeakageReport, Split
    from unfreeze.corpus.store import Corpus

__all__ = ["split"]

_MOST_SHOWN = 20


def split(
    context: typer.Context,
    corpus: Annotated[
        Path | None, typer.Argument(metavar="[CORPUS]", help="Folder of the corpus.", show_default=False)
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the split.")] = "split",
    fractions: Annotated[
        str, typer.Option(metavar="PART=SHARE,...", help="Parts and their shares.")
    ] = "train=0.8,validation=0.1,test=0.1",
    identity: Annotated[
        float, typer.Option(min=0.2, max=1.0, metavar="X", help="Sequences are alike from this identity.")
    ] = 0.4,
    by: Annotated[
        str, typer.Option(metavar="WHAT", help="sequence: no chain is met again; interface: no pair of partners is.")
    ] = "sequence",
    balance: Annotated[
        str, typer.Option(metavar="WHAT", help="Shares are of entries, frames, residues or frames*residues.")
    ] = "entries",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another split.")] = 0,
    keep: Annotated[
        str | None, typer.Option(metavar="SPLIT", help="Keep entries in the parts that they have in this split.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a split of this name.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Load the split of this name, check it, and show it.")] = False,
    check: Annotated[
        list[str] | None,
        typer.Option("--check", metavar="[PART=]FILE", help="Instead: what leaks between parts in FASTA or CSV files."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Split a corpus by clusters of sequences or of interfaces, so that nothing leaks; every load checks that again.

    Example:  unfreeze corpus split my-corpus --fractions train=0.8,validation=0.1,test=0.1

    Of a split made elsewhere:  unfreeze corpus split --check train=train.fasta --check test=test.fasta
    """
    with ErrorReporter(debug=context.obj["debug"], smaller=SMALLER):
        if check is not None:
            _check(check, identity, as_json=as_json)
            return
        if corpus is None:
            raise typer.BadParameter("give a corpus, or --check with files", param_hint="CORPUS")
        from typing import cast

        from unfreeze.corpus.split import Split, make_split, split_names
        from unfreeze.corpus.split.groups import BY, By
        from unfreeze.corpus.store import Corpus
        from unfreeze.errors import InputError

        opened = Corpus.open(corpus)
        with Stages(show=not as_json) as stages:

            def progress(what: str, done: int, total: int) -> None:
                stages(what, done / max(total, 1))

            if show:
                found = Split.load(opened, name, progress=progress)
            else:
                if by not in BY:
                    raise refuse("--by", by, " or ".join(BY))
                fixed = None if keep is None else Split.load(opened, keep, progress=progress).parts
                found = make_split(
                    opened, fractions=parse_fractions(fractions), identity=identity, by=cast("By", by), seed=seed,
                    fixed=fixed, balance=balance, name=name, progress=progress,
                )  # fmt: skip
                if not replace and name in split_names(opened):
                    raise InputError(f"{corpus}: has a split {name!r}; give another --name, or --replace.")
                found.save(opened, overwrite=replace)
        _tell(opened, found, made=not show, as_json=as_json)


def _tell(corpus: Corpus, found: Split, *, made: bool, as_json: bool) -> None:
    sizes = {}
    for part, names in found.parts.items():
        here = [corpus.summary(one) for one in names if one in corpus]
        sizes[part] = {"entries": len(names), "frames": sum(one.n_frames for one in here),
                       "groups": len({found.groups[one] for one in names})}  # fmt: skip
    if as_json:
        document: dict[str, Any] = {
            "name": found.name, "method": found.method.model_dump(), "parts": found.parts, "sizes": sizes,
            "largest_identity": found.largest_identity, "unassigned": found.unassigned, "absent": found.absent,
            "left_out": found.left_out, "notes": found.notes,
        }  # fmt: skip
        print(json.dumps(document, ensure_ascii=False, indent=1))
        return
    where = corpus.path / "splits" / f"{found.name}.json"
    print(f"{where}: {'made' if made else 'holds'}, by {found.method.by} at {found.method.identity:.0%} identity")
    total = sum(size["entries"] for size in sizes.values())
    for part, size in sizes.items():
        share = size["entries"] / max(total, 1)
        print(f"  {part:<12}{size['entries']:>8,} entries ({share:.0%})  {size['frames']:>11,} frames  "
              f"{size['groups']:>7,} groups")  # fmt: skip
    chains = {one: corpus.summary(one).chains for one in found.largest.entries} if found.largest else None
    print(f"  {found.assertion(chains)}")
    for words, names in (("in no part, as they came later", found.unassigned), ("no longer there", found.absent)):
        if names:
            few = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            print(f"  {len(names):,} {'entry' if len(names) == 1 else 'entries'} {words}: {few}")
    for one, reason in list(found.left_out.items())[:_MOST_SHOWN]:
        print(f"  left out: {one}: {reason}")
    for note in found.notes:
        print(f"  {note}")


def _check(files: list[str], identity: float, *, as_json: bool) -> None:
    from unfreeze.corpus.split import leakage, read_parts

    with Stages(show=not as_json) as stages:
        report = leakage(
            read_parts(files),
            identity=identity,
            progress=lambda what, done, total: stages(what, done / max(total, 1)),
        )
    if as_json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=1))
    else:
        _print_leaks(report)
    if report.leaks:
        raise typer.Exit(1)


def _print_leaks(report: LeakageReport) -> None:
    sizes = ", ".join(f"{part} {number:,}" for part, number in report.sizes.items())
    print(f"{len(report.leaks):,} pairs leak ({sizes} sequences)")
    for (one, other), number in report.affected.items():
        if number:
            print(f"  {number:,} of {one} are met again in {other}")
    if report.leaks or report.next:
        print(f"  {'identity':>8} {'5-mers':>7}")
    for leak in report.leaks[:_MOST_SHOWN]:
        print(_leak_in_words(leak))
    if len(report.leaks) > _MOST_SHOWN:
        print(f"  and {len(report.leaks) - _MOST_SHOWN:,} more (--json)")
    if report.next is not None:
        print(f"{_leak_in_words(report.next)}: the most alike that do not leak")


def _leak_in_words(leak: Leak) -> str:
    names = (f"{part}:{name}" for part, name in zip(leak.parts, leak.names, strict=True))
    return f"  {leak.identity:8.2f} {leak.share:7.2f}  {'  '.join(names)}"
