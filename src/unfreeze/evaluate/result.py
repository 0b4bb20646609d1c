"""`TargetResult`: all that was measured on one target for one generator, as a JSON document.

A result names the protocol and its version, the files, how atoms were matched and every setting, so that two numbers
can be compared or it can be seen why they cannot.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from unfreeze.errors import InputError
from unfreeze.evaluate.metric import Estimate

__all__ = ["RESULT_SCHEMA", "TargetResult"]

RESULT_SCHEMA = "unfreeze-evaluation/1"


@dataclass(frozen=True)
class TargetResult:
    """Scores of one ensemble against one reference.

    Attributes
    ----------
    target, generator
        Names; the generator is what made the ensemble.
    protocol
        ``{"name", "version", "settings"}``.
    status
        ``ok`` or ``failed``.
    error
        Why it failed.
    estimates
        Metric name to :class:`Estimate`, in the protocol's order.
    validity
        Shares of sound frames and bonds of the ensemble (None where it cannot be checked), see METRICS validity.
    matching
        How chains and atoms were matched: chain map, counts of matched and missing atoms.
    inputs
        ``{"ensemble": {...}, "reference": {...}}``: files, frames, atoms, replicas, clock.
    arrays
        Per-atom or per-residue series for pages and pooled scores, as lists of numbers or texts.
    notes
        What a reader should know, one sentence each.
    seconds
        Wall time.
    """

    target: str
    generator: str
    protocol: dict[str, Any]
    status: str = "ok"
    error: str = ""
    estimates: dict[str, Estimate] = field(default_factory=dict)
    validity: dict[str, Any] | None = None
    matching: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, list[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def __getitem__(self, metric: str) -> float | None:
        """The value of a metric."""
        return self.estimates[metric].value

    def __str__(self) -> str:
        from unfreeze.evaluate.tables import result_text

        return result_text(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with the schema."""
        return {"schema": RESULT_SCHEMA, **asdict(self), "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> TargetResult:
        """What :meth:`to_dict` gave.

        Raises
        ------
        InputError
            If it is something else.
        """
        names = {item.name for item in fields(cls)}
        if document.get("schema") != RESULT_SCHEMA:
            raise InputError(f"schema {document.get('schema')!r} is not {RESULT_SCHEMA!r}; evaluate again")
        values = {key: value for key, value in document.items() if key in names}
        values["estimates"] = {name: Estimate(**entry) for name, entry in values.get("estimates", {}).items()}
        values["notes"] = tuple(values.get("notes", ()))
        return cls(**values)
