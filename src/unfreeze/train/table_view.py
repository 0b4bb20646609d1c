"""The table of a validation for a terminal, and as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unfreeze.train.table import ScoreTable

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["table_markdown", "table_view"]


def table_view(table: ScoreTable, before: ScoreTable | None = None) -> Table:
    """For a terminal.

    Parameters
    ----------
    table
        The scores.
    before
        Scores of the model that was started from.
    """
    from rich.table import Table

    head, *rows = table.lines(before)
    view = Table(box=None, pad_edge=False, header_style="dim")
    for number, name in enumerate(head):
        view.add_column(name, justify="left" if number == 0 else "right")
    for row in rows:
        view.add_row(*row)
    return view


def table_markdown(table: ScoreTable, before: ScoreTable | None = None) -> str:
    """As a table of Markdown."""
    head, *rows = table.lines(before)
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
