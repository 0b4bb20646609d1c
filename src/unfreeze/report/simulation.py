"""`write_simulation_report`: the one HTML page that a person opens to look at a campaign, or at one run.

The page is a single file that loads nothing and whose size does not depend on how long the runs are. Tables and charts
are in it as text; the script only sorts tables and switches the theme. All text from files is escaped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

import unfreeze
from unfreeze.errors import InputError
from unfreeze.files.atomic import write_atomically
from unfreeze.report.layout import assets, page_environment
from unfreeze.report.simulation_charts import time_unit
from unfreeze.report.simulation_details import group_details
from unfreeze.report.simulation_folder import Run, SimulationFolder, load_simulation
from unfreeze.report.simulation_quality import verdict_of

__all__ = ["simulation_html", "write_simulation_report"]

SCRIPTS = ("base.js", "evaluation.js")
STYLES = ("report.css", "evaluation.css", "simulation.css")
_MOST_RUNS = 1000
_MOST_DETAILED = 24
_MOST_DETAIL_TEXT = 4_000_000
_MOST_REASON = 600
_VERDICTS = {"pass": "all frames passed", "partly": "some frames quarantined", "quarantined": "all frames quarantined"}


def write_simulation_report(directory: str | Path) -> Path:
    """Write ``report.html`` into a campaign folder or a run directory.

    Parameters
    ----------
    directory
        Folder of ``unfreeze simulate run``, or one of its ``runs/``. Runs that are going on are shown as they are.

    Returns
    -------
    Path
        The page. It is replaced as a whole; nobody ever sees half of it.

    Raises
    ------
    InputError
        If there is no simulation in the folder, or the page cannot be written.
    """
    folder = load_simulation(directory)
    target = folder.root / "report.html"
    page = simulation_html(folder)
    try:
        write_atomically(target, page)
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror}); free the place and try again") from None
    return target


def simulation_html(folder: SimulationFolder) -> str:
    """The page as text.

    Parameters
    ----------
    folder
        What to show.
    """
    shared = assets(STYLES, SCRIPTS)
    environment = page_environment()
    groups = folder.groups()
    details, n_left_out = _details(environment, groups)
    rows = [_row(run) for run in folder.runs[:_MOST_RUNS]]
    n_frames = sum(run.n_frames for run in folder.runs)
    n_passed = sum(int(run.passed.sum()) for run in folder.runs)
    return environment.get_template("simulation.html").render(
        title=folder.title,
        is_campaign=folder.is_campaign,
        notes=folder.notes,
        n_systems=len({run.system for run in folder.runs}),
        n_runs=len(folder.runs),
        time=_time(sum(run.time_ps for run in folder.runs)),
        n_frames=n_frames,
        n_quarantined=n_frames - n_passed,
        n_failed=sum(run.state in ("failed", "damaged") for run in folder.runs),
        runs=rows,
        has_reasons=any(row["reason"] for row in rows),
        details=details,
        n_left_out=n_left_out,
        version=unfreeze.__version__,
        style=shared.style,
        script=shared.script,
        script_sources=shared.script_sources,
    )


def _details(environment: jinja2.Environment, groups: list[list[Run]]) -> tuple[list[dict[str, Any]], int]:
    """Sections of the first systems, as long as the page stays of a decent size, and how many are left out."""
    made: list[dict[str, Any]] = []
    size = 0
    macro = environment.get_template("simulation_system.html").module
    for runs in groups[:_MOST_DETAILED]:
        html = Markup(macro.details(group_details(runs)))  # type: ignore[attr-defined]
        size += len(html)
        if made and size > _MOST_DETAIL_TEXT:
            break
        made.append({"system": runs[0].system, "html": html, "n_runs": len(runs)})
    return made, len(groups) - len(made)


def _row(run: Run) -> dict[str, Any]:
    last = next((c for c in reversed(run.store.commits) if c.stage == "production"), None) if run.store else None
    before = [c.time_ps for c in run.store.commits if last is not None and c.number < last.number] if run.store else []
    gained = 0.0 if last is None else last.time_ps - (before[-1] if before else 0.0)
    speed = 86.4 * gained / last.wall_s if last is not None and last.wall_s > 0.0 and gained > 0.0 else None
    reasons = [run.reason] if run.reason else []
    if not reasons and run.store is not None:
        bad = [commit for commit in run.store.commits if not commit.passed]
        for commit in bad[:1]:
            said = commit.quality.get("reasons")
            reasons += [str(said[0])] if isinstance(said, list) and said else []
    verdict = verdict_of(run)
    return {
        "label": run.label,
        "place": run.place,
        "state": run.state,
        "bad": run.state in ("failed", "damaged", "quarantined") or verdict in ("partly", "quarantined"),
        "time": _time(run.time_ps),
        "time_ps": run.time_ps,
        "target": "" if run.target_ps is None else _time(run.target_ps),
        "n_frames": run.n_frames,
        "n_passed": int(run.passed.sum()),
        "verdict": _VERDICTS.get(verdict, "no frames yet"),
        "speed": "" if speed is None else f"{speed:,.3g}",
        "reason": "; ".join(reasons)[:_MOST_REASON],
    }


def _time(time_ps: float) -> str:
    """A length as people write it."""
    if time_ps <= 0.0:
        return "0"
    size, unit = time_unit(time_ps)
    return f"{time_ps / size:,.6g} {unit}"
