"""`Changes`: what preparing a structure did to it, one sentence each, in the order in which it was done."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Changes"]


@dataclass
class Changes:
    """A list that grows.

    Attributes
    ----------
    changes
        One dictionary each: ``kind``, ``residue`` (empty where it is not about one) and ``text``.
    warnings
        What the user should look at, one sentence each.
    """

    changes: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, kind: str, residue: str, text: str) -> None:
        """Note a change."""
        self.changes.append({"kind": kind, "residue": residue, "text": text})

    def warn(self, text: str) -> None:
        """Note what the user should look at, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def counts(self) -> dict[str, int]:
        """Number of changes of every kind."""
        kinds = [change["kind"] for change in self.changes]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
