"""A choice as the beginning of a `campaign.yaml`, with the reasons as comments.

The file is made for people to read and complete: what is new becomes a list of systems; what should be extended is
named in comments, since it belongs to the campaign that has it.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import yaml

from unfreeze.errors import InputError
from unfreeze.files.atomic import write_atomically
from unfreeze.simulate.choose.ranking import Choice

__all__ = ["write_fragment"]


def write_fragment(path: Path, choice: Choice, *, length: str = "10ns", force: bool = False) -> None:
    """Write the chosen systems as a campaign.

    Parameters
    ----------
    path
        The file. Structures are named by absolute path or PDB id.
    choice
        What was chosen.
    length
        Length of production, as `campaign.yaml` spells it.
    force
        Whether a file that is there is replaced.

    Raises
    ------
    InputError
        If nothing new was chosen, or a file is there.
    """
    if path.exists() and not force:
        raise InputError(f"{path}: exists; choose another name for --write, or give --force to replace it")
    new = [(rank, one) for rank, one in enumerate(choice.suggestions, start=1) if one.action == "new"]
    more = [one for one in choice.suggestions if one.action == "extend"]
    if not new:
        raise InputError(
            f"{path}: nothing new was chosen that a campaign could begin with; make existing campaigns longer "
            "(--length), or give more candidates"
        )
    lines = [
        "# Chosen by `unfreeze simulate choose`.",
        *(f"# {line}" for line in _wrapped(choice.note)),
        f"length: {length}",
        "replicas: 2  # so that they can be compared",
        "systems:",
    ]
    for rank, one in new:
        file = Path(one.source).expanduser()
        entry = {"name": one.name, "structure": str(file.resolve()) if file.exists() else one.source}
        text = yaml.safe_dump(entry, default_flow_style=True, width=10_000, allow_unicode=True).strip()
        lines.append(f"  - {text}  # {rank}. {one.reason}")
    if more:
        lines.append("# Better made longer than begun anew:")
        lines += [f"#   {one.name} in {shlex.quote(one.source)}: {one.reason}" for one in more]
    write_atomically(path, "\n".join(lines) + "\n")


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 100)
