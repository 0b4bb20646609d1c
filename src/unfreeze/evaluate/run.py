"""Score many ensembles: side by side, one failure at a time, and going on where an earlier run has stopped.

What is written where is the business of :mod:`unfreeze.evaluate.store` and :mod:`unfreeze.evaluate.export`; the page
is made by the report, one floor up.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import unfreeze
from unfreeze.errors import UnfreezeError
from unfreeze.evaluate.protocol import Protocol
from unfreeze.evaluate.protocols import find_protocol
from unfreeze.evaluate.result import TargetResult
from unfreeze.evaluate.store import ResultStore, fingerprint
from unfreeze.evaluate.targets import Source, TargetSet, Task
from unfreeze.evaluate.workers import Died, n_cores, run_in_processes

__all__ = ["SET_SCHEMA", "Evaluation", "evaluate_one", "evaluate_targets", "score_task", "write_evaluation"]

SET_SCHEMA = "unfreeze-evaluation-set/1"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What came of a set of targets.

    Attributes
    ----------
    directory
        The folder that was written.
    document
        What ``evaluation.json`` says.
    results
        One a task, in the order of the tasks.
    n_kept
        Results that were there already and are still good.
    """

    directory: Path
    document: dict[str, Any]
    results: tuple[TargetResult, ...]
    n_kept: int = 0

    @property
    def failed(self) -> tuple[TargetResult, ...]:
        """Results of targets that could not be scored."""
        return tuple(result for result in self.results if result.status != "ok")


def evaluate_targets(
    targets: TargetSet,
    directory: str | Path,
    *,
    jobs: int | None = None,
    again: bool = False,
    command: str = "",
    progress: Callable[[TargetResult, int, int], None] | None = None,
    score: Callable[[Task], dict[str, Any]] | None = None,
) -> Evaluation:
    """Score every ensemble of a set and write the folder of the evaluation.

    Every result is written when it is there. A second call takes those whose files, settings, protocol and version
    are what they were, and tries again what has failed.

    Parameters
    ----------
    targets
        From :func:`unfreeze.evaluate.targets.read_targets`.
    directory
        Folder to write; made when absent.
    jobs
        Processes that work side by side; one a core when None. (They import the script that calls this: guard it with
        ``if __name__ == "__main__":``.)
    again
        Take nothing from an earlier run.
    command
        For the record.
    progress
        Called with every result, and how many of how many are there.
    score
        Another function in the place of :func:`score_task`.

    Returns
    -------
    Evaluation
        All results, and what stands in ``evaluation.json``.

    Raises
    ------
    InputError
        If there is no such protocol, or the folder must not be written to. A target that fails raises nothing.
    """
    protocol = find_protocol(targets.settings.protocol)
    store = ResultStore(Path(directory))
    with store.locked():
        results: dict[Task, TargetResult] = {}
        keys = {task: _key(task, protocol) for task in targets.tasks}
        if not again:
            kept = {task: store.take(task.generator, task.target, keys[task]) for task in targets.tasks}
            results = {task: result for task, result in kept.items() if result is not None}
        n_kept = len(results)
        waiting = [task for task in targets.tasks if task not in results]
        for task, result, trace in _scored(waiting, protocol, score or score_task, jobs or n_cores()):
            results[task] = result
            store.put(result, keys[task], **({"traceback": trace} if trace else {}))
            if progress is not None:
                progress(result, len(results), len(targets.tasks))
        ordered = tuple(results[task] for task in targets.tasks)
        document = write_evaluation(store.directory, protocol, ordered, command=command, seed=targets.settings.seed)
    return Evaluation(store.directory, document, ordered, n_kept)


def evaluate_one(
    task: Task, directory: str | Path | None = None, *, again: bool = False, command: str = ""
) -> TargetResult:
    """Score one task here and now, and write the folder of an evaluation of it when a directory is given.

    Raises
    ------
    InputError
        If it cannot be scored, or the folder must not be written to.
    """
    protocol = find_protocol(task.settings.protocol)
    if directory is None:
        return _compared(task)
    store = ResultStore(Path(directory))
    with store.locked():
        key = _key(task, protocol)
        result = None if again else store.take(task.generator, task.target, key)
        if result is None:
            result = _compared(task)
            store.put(result, key)
        write_evaluation(store.directory, protocol, [result], command=command, seed=task.settings.seed)
    return result


def score_task(task: Task) -> dict[str, Any]:
    """Score one task: ``{"result": TargetResult.to_dict()}``, or ``{"error", "traceback"}``; it never raises."""
    try:
        return {"result": _compared(task).to_dict()}
    except UnfreezeError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "out of memory; score fewer targets at a time (--jobs), or fewer frames (stride, max_frames)"}
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}, line {last.lineno}"
        return {
            "error": f"unforeseen {type(error).__name__} ({where}): {error}",
            "traceback": "".join(traceback.format_exception(error)),
        }


def write_evaluation(
    directory: Path, protocol: Protocol, results: Sequence[TargetResult], *, command: str = "", seed: int = 0
) -> dict[str, Any]:
    """Write ``evaluation.json`` and the tables of an evaluation; the results are there already.

    Returns
    -------
    dict
        What ``evaluation.json`` says.
    """
    from unfreeze.evaluate.aggregate import Aggregator
    from unfreeze.evaluate.export import write_tables

    generators = _unique(result.generator for result in results)
    names = _unique(result.target for result in results)
    own = {generator: [result for result in results if result.generator == generator] for generator in generators}
    aggregator = Aggregator(own, protocol, n_targets=len(names), seed=seed)
    document = {
        "schema": SET_SCHEMA,
        "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "unfreeze_version": unfreeze.__version__,
        "command": command,
        "protocol": {**protocol.describe(), "title": protocol.title},
        "metrics": [
            {key: getattr(metric, key) for key in ("name", "title", "unit", "better", "perfect", "group")}
            for metric in protocol.metrics
        ],
        "aggregates": [
            {key: getattr(aggregate, key) for key in ("name", "title", "unit", "better")}
            for aggregate in protocol.aggregates
        ],
        "generators": generators,
        "targets": names,
        "summary": {
            generator: {name: summary.to_dict() for name, summary in found.items()}
            for generator, found in aggregator.summaries().items()
        },
        "pairs": [comparison.to_dict() for comparison in aggregator.comparisons()],
        "failed": [
            {"target": result.target, "generator": result.generator, "error": result.error}
            for result in results
            if result.status != "ok"
        ],
    }
    write_tables(directory, document, results)
    return document


def _scored(
    tasks: Sequence[Task], protocol: Protocol, score: Callable[[Task], dict[str, Any]], jobs: int
) -> Iterable[tuple[Task, TargetResult, str]]:
    """Task, result and the traceback of an unforeseen error."""
    processes = max(1, min(jobs, len(tasks)))
    threads = max(1, n_cores() // processes)
    with closing(run_in_processes(score, tasks, processes=processes, threads=threads)) as outcomes:
        for task, outcome in outcomes:
            if isinstance(outcome, Died):
                found: dict[str, Any] = {
                    "error": f"the process died ({outcome.words}); out of memory? Try fewer --jobs or fewer frames"
                }
            else:
                found = outcome
            if "result" in found:
                yield task, TargetResult.from_dict(found["result"]), ""
            else:
                error = found["error"]
                failed = TargetResult(task.target, task.generator, protocol.describe(), status="failed", error=error)
                yield task, failed, found.get("traceback", "")


def _compared(task: Task) -> TargetResult:
    from unfreeze.evaluate.comparison import score
    from unfreeze.evaluate.inputs import load_frames
    from unfreeze.evaluate.protocol import Options

    settings = task.settings

    def read(source: Source, stride: int) -> Any:
        several = len(source.trajectories) > 1
        return load_frames(
            list(source.trajectories) if several else source.trajectories[0],
            topology=source.topology,
            replicas=source.replicas,
            stride=source.stride or stride,
            max_frames=source.max_frames or settings.max_frames,
            time_step_ps=source.time_step_ps,
        )

    return score(
        read(task.ensemble, 1),
        read(task.reference, settings.stride),
        find_protocol(settings.protocol),
        Options(settings.floor, settings.baseline, settings.n_bootstrap, settings.seed),
        target=task.target,
        generator=task.generator,
    )


def _key(task: Task, protocol: Protocol) -> str:
    sources = (task.ensemble, task.reference)
    facts = {
        "unfreeze": unfreeze.__version__,
        "protocol": protocol.describe(),
        "settings": task.settings.model_dump(),
        "sources": [source.model_dump() for source in sources],
    }
    paths = [path for source in sources for path in (*source.trajectories, source.topology) if path]
    return fingerprint(facts, paths)


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
