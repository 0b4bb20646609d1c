"""A campaign that is killed again and again, and compared to the last bit with one that was left alone.

    python -m benchmarks.kills --work DIR [--kills 200] [--workers 2] [--longest 10] [--seed 0] [--json OUT]

Six peptides are simulated by `unfreeze simulate run`, each worker one thread on the CPU. After a random time, uniform
up to --longest seconds, SIGKILL hits the manager, one of its workers, or all of them at once; the command is started
again where the manager died. Should the campaign come to its end before its time, it is made longer. Before and after
every kill the manifests are read: what was committed must be there ever after. At the end the campaign finishes, the
same is run once without interruption, and files are compared byte for byte.

DIR/kills.jsonl has every kill as it happened; the same command goes on after an interruption.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.table import Table

from benchmarks.common import console, save
from unfreeze.files.atomic import write_atomically
from unfreeze.simulate.engine.commit import DamagedManifestError, Manifest
from unfreeze.simulate.engine.run_store import RunStore

__all__ = ["main"]

PEPTIDES = ("AAAAAA", "GYDPETGTWG", "KLVFFAE", "GSGSGS", "DAEFRHD", "GG:AA")
VICTIMS = {"manager": 0.4, "worker": 0.4, "all": 0.2}
FIRST_PS, LONGER_PS = 200.0, 200.0
SETTLE_S = 0.3  # for what was on its way to the disk when it died


class Campaign:
    """A campaign in a folder, run by the command line in a process that may be killed."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder, self.workers = folder, workers
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, file: Path) -> None:
        """Start the manager unless it runs."""
        if self.process is not None and self.process.poll() is None:
            return
        arguments = ["simulate", "run", str(file), "-o", str(self.folder), "-j", str(self.workers), "--platform", "CPU"]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "unfreeze", *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def workers_alive(self) -> list[int]:
        """Process numbers of the manager's children that simulate."""
        return [] if self.process is None else _children(self.process.pid)

    def manifests(self) -> dict[str, Manifest]:
        """What every run has committed."""
        found: dict[str, Manifest] = {}
        for path in sorted((self.folder / "runs").glob("*/manifest.json")):
            with suppress(DamagedManifestError):
                found[path.parent.name] = Manifest.read(path)
        return found


def _children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            text = entry.read_text(errors="replace")
            fields = text.rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] not in "ZX":
                command = (entry.parent / "cmdline").read_bytes()
                if b"unfreeze.simulate.campaign.worker" in command:
                    found.append(int(entry.parent.name))
    return sorted(found)


def write_campaign(path: Path, length_ps: float) -> None:
    """Six peptides with commits so close together that kills fall between, within and across them."""
    document = {
        "length": f"{length_ps:g}ps",
        "sequences": list(PEPTIDES),
        "simulation": {
            "protocol": {"heat_ps": 2.0, "restrained_ps": 2.0, "release_ps": 2.0, "equilibrate_ps": 4.0},
            "save": {"every_ps": 1.0, "commit_every_ps": 5.0},
        },
    }
    write_atomically(path, yaml.safe_dump(document))


def commits_of(manifests: dict[str, Manifest]) -> dict[str, list[str]]:
    """Of every run the checksums of its commits, in order."""
    return {
        run: [json.dumps([one.stage, one.n_frames, one.sha256], sort_keys=True) for one in manifest.commits]
        for run, manifest in manifests.items()
    }


def lost_commits(before: dict[str, list[str]], after: dict[str, list[str]]) -> int:
    """Commits that were there and are not, or not the same, any more."""
    n_lost = 0
    for run, commits in before.items():
        now = after.get(run, [])
        same = next(
            (i for i, (a, b) in enumerate(zip(commits, now, strict=False)) if a != b), min(len(commits), len(now))
        )
        n_lost += len(commits) - same
    return n_lost


def kill_once(campaign: Campaign, victim: str, generator: np.random.Generator) -> list[int]:
    """Send SIGKILL; the processes that were hit."""
    assert campaign.process is not None
    workers = campaign.workers_alive()
    targets = {"manager": [campaign.process.pid], "worker": workers, "all": [campaign.process.pid, *workers]}[victim]
    if victim == "worker" and targets:
        targets = [targets[int(generator.integers(len(targets)))]]
    for pid in targets:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if victim != "worker":
        campaign.process.wait()
    return targets


def torture(work: Path, arguments: argparse.Namespace, say: Any) -> dict[str, Any]:
    """Kill until there have been enough kills; what was found on the way."""
    campaign, lines, file = Campaign(work / "killed", arguments.workers), work / "kills.jsonl", work / "campaign.yaml"
    known = [json.loads(line) for line in lines.read_text().splitlines()] if lines.exists() else []
    length_ps = known[-1]["length_ps"] if known else FIRST_PS
    seen: dict[str, list[str]] = commits_of(campaign.manifests())
    try:
        while len(known) < arguments.kills:
            generator = np.random.default_rng((arguments.seed, len(known)))
            write_campaign(file, length_ps)
            campaign.start(file)
            wait_s = float(generator.uniform(0.0, arguments.longest))
            victim = str(generator.choice(list(VICTIMS), p=list(VICTIMS.values())))
            time.sleep(wait_s)
            if campaign.process is not None and campaign.process.poll() is not None:
                code = campaign.process.returncode
                if code not in (0, 2):
                    raise SystemExit(f"the manager ended with code {code}; see {campaign.folder}.log")
                if code == 2:  # a task was given up after attempts in a row: that is for people to undo
                    retry(campaign.folder, say)
                else:
                    length_ps += LONGER_PS
                continue
            before = commits_of(campaign.manifests())
            n_lost = lost_commits(seen, before)
            targets = kill_once(campaign, victim, generator)
            if not targets:
                continue
            time.sleep(SETTLE_S)
            seen = commits_of(campaign.manifests())
            n_lost += lost_commits(before, seen)
            stages = Counter(m.commits[-1].stage for m in campaign.manifests().values() if m.commits)
            row = {
                "number": len(known),
                "victim": victim,
                "n_processes": len(targets),
                "after_s": round(wait_s, 3),
                "length_ps": length_ps,
                "n_commits": sum(map(len, seen.values())),
                "n_lost": n_lost,
                "stages": dict(stages),
            }
            known.append(row)
            with lines.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            if len(known) % 10 == 0:
                say(f"{len(known)} kills, {row['n_commits']} commits, {sum(one['n_lost'] for one in known)} lost")
    finally:
        if campaign.process is not None and campaign.process.poll() is None:
            campaign.process.send_signal(signal.SIGTERM)
            campaign.process.wait()
    after = commits_of(campaign.manifests())
    return {"kills": known, "length_ps": length_ps, "n_lost_at_end": lost_commits(seen, after)}


def retry(folder: Path, say: Any) -> None:
    """Take up again what was given up because it was killed several times in a row before it could commit."""
    command = [sys.executable, "-m", "unfreeze", "simulate", "retry", str(folder)]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    say(f"retry: {(found.stdout + found.stderr).strip()}")


def finish(campaign: Campaign, file: Path, say: Any) -> None:
    """Run to the end, however often tasks have to be taken up again."""
    for _ in range(10):
        campaign.start(file)
        assert campaign.process is not None
        code = campaign.process.wait()
        if code == 0:
            return
        retry(campaign.folder, say)
    raise SystemExit(f"{campaign.folder} does not come to its end; see {campaign.folder}.log")


def compare(killed: Path, quiet: Path) -> list[dict[str, Any]]:
    """Of every run, whether its files are those of the uninterrupted one, and whether its frames follow each other."""
    rows = []
    for run in sorted(path.name for path in (quiet / "runs").iterdir() if path.is_dir()):
        stores = [RunStore.open(folder / "runs" / run, read_only=True) for folder in (killed, quiet)]
        times = stores[0].read("observables")[:, 0]
        names = [f"{column}.*" for column in stores[1].manifest.columns] + ["trajectory.xtc"]
        same = {}
        for pattern in names:
            for path in (quiet / "runs" / run).glob(pattern):
                other = killed / "runs" / run / path.name
                same[path.name] = other.exists() and other.read_bytes() == path.read_bytes()
        events = Counter(event["kind"] for event in stores[0].manifest.events)
        rows.append(
            {
                "run": run,
                "name": stores[0].record.get("name", ""),
                "n_frames": stores[0].n_frames,
                "n_frames_quiet": stores[1].n_frames,
                "n_duplicated": int((np.diff(times) <= 0).sum()),
                "n_gaps": int((np.abs(np.diff(times) - 1.0) > 1e-6).sum()),
                "faults": stores[0].verify(),
                "same": same,
                "events": dict(events),
                "equal": bool(same) and all(same.values()),
            }
        )
    return rows


def main() -> None:
    """Read the command line, kill, compare, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for both campaigns and the list of kills")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--longest", type=float, default=10.0, help="seconds between kills, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    out = console()
    work = arguments.work
    work.mkdir(parents=True, exist_ok=True)

    def say(text: str) -> None:
        out.print(text, markup=False)

    found = torture(work, arguments, say)
    file = work / "campaign.yaml"
    write_campaign(file, found["length_ps"])
    killed, quiet = Campaign(work / "killed", arguments.workers), Campaign(work / "quiet", arguments.workers)
    finish(killed, file, say)
    finish(quiet, file, say)
    rows = compare(killed.folder, quiet.folder)
    table = Table("run", "peptide", title=f"{len(found['kills'])} kills, compared with an uninterrupted campaign")
    for heading in ("frames", "uninterrupted", "duplicated", "gaps", "files equal", "events"):
        table.add_column(heading, justify="right")
    for row in rows:
        equal = f"{sum(row['same'].values())} of {len(row['same'])}"
        events = ", ".join(f"{n} {kind}" for kind, n in row["events"].items())
        counts = (row["n_frames"], row["n_frames_quiet"], row["n_duplicated"], row["n_gaps"])
        table.add_row(row["run"][:8], row["name"], *map(str, counts), equal, events)
    out.print(table)
    victims = Counter(one["victim"] for one in found["kills"])
    n_lost = sum(one["n_lost"] for one in found["kills"]) + found["n_lost_at_end"]
    met = n_lost == 0 and all(row["equal"] and not row["n_duplicated"] and not row["faults"] for row in rows)
    say(f"Kills: {', '.join(f'{n} {victim}' for victim, n in victims.items())}; commits lost: {n_lost}")
    say(f"Every committed frame kept, none duplicated, bitwise equal: {'met' if met else 'MISSED'}")
    summary = {"n_kills": len(found["kills"]), "victims": dict(victims), "n_commits_lost": n_lost, "met": met}
    save(arguments.json, "kills", {**summary, "length_ps": found["length_ps"], "runs": rows, "kills": found["kills"]})


if __name__ == "__main__":
    main()
