"""Read an evaluation folder for its page, taking what is there: files may come from other people and other versions.

Whatever has the wrong shape is left out, never guessed; numbers that JSON should not have (NaN, infinities) count as
absent. Only a folder without a readable ``evaluation.json`` is refused. Nothing is computed here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unfreeze.errors import InputError
from unfreeze.evaluate.metric import Estimate
from unfreeze.evaluate.result import TargetResult

__all__ = [
    "EVALUATION_SCHEMA",
    "EvaluationFolder",
    "Failure",
    "MetricInfo",
    "PairedTest",
    "Summary",
    "load_evaluation",
    "load_result",
    "mapping",
    "number",
    "sequence",
    "text",
]

EVALUATION_SCHEMA = "unfreeze-evaluation-set/1"
_LONGEST_TEXT = 2000


@dataclass(frozen=True)
class MetricInfo:
    """How a metric or an aggregate is to be read; see :class:`unfreeze.evaluate.metric.Metric`."""

    name: str
    title: str
    unit: str = ""
    better: str = ""
    perfect: float | None = None
    group: str = ""


@dataclass(frozen=True)
class Summary:
    """An aggregate of one generator; `n` targets have it, `n_missing` have not."""

    value: float | None
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    baseline: float | None = None
    n: int | None = None
    n_missing: int | None = None


@dataclass(frozen=True)
class PairedTest:
    """The difference `first` − `second` of an aggregate on the targets of both; `p_holm` is corrected for all tests."""

    first: str
    second: str
    metric: str
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_holm: float | None
    n: int | None


@dataclass(frozen=True)
class Failure:
    """A target that has no scores, and why."""

    target: str
    generator: str
    error: str


@dataclass(frozen=True)
class EvaluationFolder:
    """What the page shows.

    Attributes
    ----------
    created, version, command
        When, with which version of this package and how it was made.
    protocol
        ``{"name", "version", "title", "settings"}``.
    metrics, aggregates
        In the order of tables.
    generators, targets
        Names, in order.
    summary
        Generator → aggregate name → :class:`Summary`.
    pairs
        Paired tests between generators.
    failed
        Targets without scores.
    results
        Target → generator → scores, without their arrays.
    paths
        Target → generator → file of the scores, for :func:`load_result`.
    """

    created: str
    version: str
    command: str
    protocol: dict[str, Any]
    metrics: tuple[MetricInfo, ...]
    aggregates: tuple[MetricInfo, ...]
    generators: tuple[str, ...]
    targets: tuple[str, ...]
    summary: dict[str, dict[str, Summary]]
    pairs: tuple[PairedTest, ...]
    failed: tuple[Failure, ...]
    results: dict[str, dict[str, TargetResult]]
    paths: dict[str, dict[str, Path]]


def load_evaluation(folder: str | Path) -> EvaluationFolder:
    """Read ``evaluation.json`` and ``results/*/*.json``.

    Parameters
    ----------
    folder
        What ``unfreeze evaluate --output`` wrote.

    Raises
    ------
    InputError
        If there is no ``evaluation.json``, or it is not one.
    """
    root = Path(folder)
    record = _record(root / "evaluation.json")
    failed = {
        (target, generator): Failure(target, generator, text(entry.get("error")) or "no message")
        for entry in map(mapping, sequence(record.get("failed")))
        if (target := text(entry.get("target"))) and (generator := text(entry.get("generator"))) is not None
    }
    results: dict[str, dict[str, TargetResult]] = {}
    paths: dict[str, dict[str, Path]] = {}
    for path in sorted((root / "results").glob("*/*.json")):
        try:
            found = load_result(path, arrays=False)
        except InputError as error:
            failed.setdefault((path.stem, path.parent.name), Failure(path.stem, path.parent.name, str(error)))
            continue
        if not (_listed(record, "targets", found.target) and _listed(record, "generators", found.generator)):
            continue  # an earlier evaluation in the same folder
        if found.status != "ok":
            failed.setdefault(
                (found.target, found.generator), Failure(found.target, found.generator, found.error or "no message")
            )
            continue
        results.setdefault(found.target, {})[found.generator] = found
        paths.setdefault(found.target, {})[found.generator] = path
    present = [name for scores in results.values() for name in scores]
    return EvaluationFolder(
        created=text(record.get("created")),
        version=text(record.get("unfreeze_version")),
        command=text(record.get("command")),
        protocol=dict(mapping(record.get("protocol"))),
        metrics=_infos(
            record.get("metrics"), [n for row in results.values() for r in row.values() for n in r.estimates]
        ),
        aggregates=_aggregates(record),
        generators=_names(record.get("generators"), [*present, *(item.generator for item in failed.values())]),
        targets=_names(record.get("targets"), [*results, *(item.target for item in failed.values())]),
        summary={
            generator: {name: _summary(mapping(entry)) for name, entry in mapping(rows).items()}
            for generator, rows in mapping(record.get("summary")).items()
        },
        pairs=tuple(_pair(mapping(entry)) for entry in sequence(record.get("pairs"))),
        failed=tuple(failed.values()),
        results=results,
        paths=paths,
    )


def load_result(path: Path, *, arrays: bool = True) -> TargetResult:
    """One file of scores, every part of it checked; parts of the wrong shape are absent.

    Raises
    ------
    InputError
        If the file is not JSON or not a result.
    """
    try:
        document = mapping(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} in {path.parent.name} cannot be read ({error}); evaluate again") from error
    schema = text(document.get("schema"))
    if not schema.startswith("unfreeze-evaluation/"):
        raise InputError(f"{path.name} in {path.parent.name} is not a result (schema {schema!r}); evaluate again")
    found = TargetResult(
        target=text(document.get("target")) or path.stem,
        generator=text(document.get("generator")) or path.parent.name,
        protocol=dict(mapping(document.get("protocol"))),
        status=text(document.get("status")) or "ok",
        error=text(document.get("error")),
        estimates={str(k): _estimate(mapping(v)) for k, v in mapping(document.get("estimates")).items()},
        validity=dict(mapping(document.get("validity"))) or None,
        matching=dict(mapping(document.get("matching"))),
        inputs=dict(mapping(document.get("inputs"))),
        notes=tuple(text(note) for note in sequence(document.get("notes"))),
        seconds=number(document.get("seconds")) or 0.0,
    )
    if not arrays:
        return found
    return replace(found, arrays={str(k): list(sequence(v)) for k, v in mapping(document.get("arrays")).items()})


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: Any) -> Sequence[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, (list, tuple)) else ()


def number(value: Any) -> float | None:
    """The value if it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def text(value: Any) -> str:
    """The value as text of bounded length; empty for None and for what holds other values."""
    if value is None or isinstance(value, (Mapping, list, tuple)):
        return ""
    found = str(value)
    return found if len(found) <= _LONGEST_TEXT else found[:_LONGEST_TEXT] + " …"


def _listed(record: Mapping[str, Any], key: str, name: str) -> bool:
    names = sequence(record.get(key))
    return not names or name in names


def _record(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise InputError(f"{path} is not there; give a folder that `unfreeze evaluate` wrote")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not readable as JSON ({error}); evaluate again") from error
    schema = mapping(record).get("schema")
    if schema != EVALUATION_SCHEMA:
        raise InputError(f"{path} has schema {schema!r}, expected {EVALUATION_SCHEMA!r}; evaluate again")
    return record


def _estimate(entry: Mapping[str, Any]) -> Estimate:
    low, high, floor, baseline, reference = (
        number(entry.get(key)) for key in ("low", "high", "floor", "baseline", "reference")
    )
    return Estimate(number(entry.get("value")), low, high, floor, baseline, reference, text(entry.get("reason")))


def _summary(entry: Mapping[str, Any]) -> Summary:
    values = [number(entry.get(key)) for key in ("value", "low", "high", "floor", "baseline")]
    return Summary(*values, n=_count(entry.get("n")), n_missing=_count(entry.get("n_missing")))


def _pair(entry: Mapping[str, Any]) -> PairedTest:
    first, second, metric = (text(entry.get(key)) for key in ("first", "second", "metric"))
    values = [number(entry.get(key)) for key in ("difference", "low", "high", "p_value", "p_holm")]
    return PairedTest(first, second, metric, *values, n=_count(entry.get("n")))


def _count(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def _infos(entries: Any, others: Sequence[str]) -> tuple[MetricInfo, ...]:
    """Metrics as the record tells them, then those that only results have."""
    infos = {}
    for entry in map(mapping, sequence(entries)):
        if name := text(entry.get("name")):
            title, unit, better, group = (text(entry.get(key)) for key in ("title", "unit", "better", "group"))
            infos[name] = MetricInfo(name, title or name, unit, better, number(entry.get("perfect")), group)
    for name in others:
        infos.setdefault(name, MetricInfo(name, name))
    return tuple(infos.values())


def _aggregates(record: Mapping[str, Any]) -> tuple[MetricInfo, ...]:
    """Aggregates; those named as a metric have its perfect value and its group."""
    metrics = {info.name: info for info in _infos(record.get("metrics"), [])}
    rest = "over targets" if any(info.group for info in metrics.values()) else ""
    return tuple(
        replace(info, perfect=metrics[info.name].perfect, group=metrics[info.name].group)
        if info.name in metrics
        else replace(info, group=rest)
        for info in _infos(record.get("aggregates"), [])
    )


def _names(given: Any, others: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(text(name) for name in sequence(given)), *others]))
