"""The manager: keeps one worker a core (or several a GPU) busy with the tasks of a campaign, whatever happens to them.

Several managers may share a campaign. One takes a task of another over only when that one is dead on the same machine,
or when nobody has worked at it for a while by the manager's own clock, which no change of the time of day can move.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any

from unfreeze.errors import UnfreezeError
from unfreeze.simulate.campaign.database import LedgerBusyError, LedgerDamagedError
from unfreeze.simulate.campaign.directory import CampaignDirectory
from unfreeze.simulate.campaign.leases import LeaseWatch
from unfreeze.simulate.campaign.ledger import Ledger, TaskState
from unfreeze.simulate.campaign.processes import ProcessIdentity
from unfreeze.simulate.campaign.recovery import open_ledger, read_run, write_verdict
from unfreeze.simulate.campaign.spawn import WorkerProcess
from unfreeze.simulate.campaign.worker import DEFAULT_FUNCTION, Order, Outcome, full_disk

__all__ = ["Pool", "PoolSettings"]

_POLL_SECONDS = 0.1
_LOOK_SECONDS = 1.0
_DOWN_SECONDS = 30.0
_MOST_PAUSE_SECONDS = 60.0
_CAREFUL_SECONDS = 300.0
_MOST_REMADE = 5
_FACTS = frozenset({"progress_ps", "n_suspect", "n_atoms", "stage", "ns_per_day", "attempts"})


@dataclass(frozen=True)
class PoolSettings:
    """How a manager works.

    Attributes
    ----------
    workers
        Worker processes on the CPU.
    platform
        OpenMM platform.
    devices, per_device
        Numbers of the GPUs, none on the CPU, and how many workers each has.
    lease_seconds
        Silence after which a task of another manager is taken over.
    most_attempts
        How often in a row a task may end before its time without progress.
    backoff_s
        Pause before the second attempt; four times as long before each further one.
    function
        What workers call; see :class:`unfreeze.simulate.campaign.worker.Order`.
    """

    workers: int = 1
    platform: str = "CPU"
    devices: tuple[int, ...] = ()
    per_device: int = 1
    lease_seconds: float = 60.0
    most_attempts: int = 3
    backoff_s: float = 5.0
    function: str = DEFAULT_FUNCTION

    @property
    def slots(self) -> tuple[int | None, ...]:
        """The GPU of every worker; None on the CPU."""
        if not self.devices:
            return (None,) * self.workers
        # In turn, so that few tasks use all GPUs.
        return tuple(device for _ in range(self.per_device) for device in self.devices)


@dataclass
class _Busy:
    """A worker at work, with what it was like when it began."""

    process: WorkerProcess
    task: TaskState
    slot: int


class Pool:
    """A manager of one campaign.

    Parameters
    ----------
    directory
        The campaign.
    settings
        How to work.
    say
        Told of what people should know, one sentence each.
    """

    def __init__(
        self, directory: CampaignDirectory, settings: PoolSettings, say: Callable[[str], None] = lambda text: None
    ) -> None:
        self.directory = directory
        self.settings = settings
        self.say = say
        self.paused = ""
        self._ledger = Ledger(directory.ledger_file)
        self._owner = ProcessIdentity.own()
        self._busy: list[_Busy] = []
        self._watch = LeaseWatch(self._owner, settings.lease_seconds)
        self._not_before: dict[str, float] = {}
        self._resume_at = 0.0
        self._pause_seconds = 0.0
        self._looked_at = self._started_at = -1e9
        self._n_remade = 0
        self._signals: list[int] = []

    def run(self, tick: Callable[[], None] = lambda: None) -> bool:
        """Work until every task has ended, or until Ctrl-C or SIGTERM.

        Parameters
        ----------
        tick
            Called about ten times a second.

        Returns
        -------
        bool
            Whether all is done; False when it was stopped.

        Raises
        ------
        InputError, OSError
            If the folder cannot be worked in any more.
        """
        before = self._catch_signals()
        try:
            while not self._signals:
                if self._step():
                    return True
                tick()
                time.sleep(_POLL_SECONDS)
            return False
        finally:
            try:
                self._wind_down(tick)
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)

    def stop(self) -> None:
        """Have :meth:`run` come to an end, as Ctrl-C does; asked twice, workers are ended at once."""
        self._signals.append(signal.SIGINT)

    def _step(self) -> bool:
        """One round; whether all is done."""
        if time.monotonic() < self._resume_at:
            return False
        try:
            try:
                return self._work()
            except LedgerDamagedError as error:
                self._remake_ledger(error)
        except LedgerBusyError as error:
            self.say(str(error))
        except OSError as error:
            if not full_disk(error):
                raise
            self._pause(full_disk(error))
        return False

    def _work(self) -> bool:
        if not self._reap() and time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return False
        self._looked_at = time.monotonic()
        self._take_over()
        self._start()
        return not self._busy and not any(task.is_open for task in self._ledger.tasks())

    # Starting

    def _start(self) -> None:
        """Give free slots work."""
        taken = {worker.slot for worker in self._busy}
        free = [slot for slot in range(len(self.settings.slots)) if slot not in taken]
        now = time.monotonic()
        skip = {task for task, moment in self._not_before.items() if moment > now}
        for slot in free:
            if self._careful(now):
                break
            claimed = self._ledger.claim(self._owner, skip=skip, is_built=self._is_built)
            if claimed is None:
                break
            task, token = claimed
            order = Order(
                function=self.settings.function,
                root=str(self.directory.root.absolute()),
                document=task.document,
                task=task.id,
                token=token,
                owner=asdict(self._owner),
                platform=self.settings.platform,
                device=self.settings.slots[slot],
                pin=self.settings.slots[slot] is None,
                beat_s=min(5.0, self.settings.lease_seconds / 6),
            )
            try:
                process = WorkerProcess(order, self.directory.log / f"{task.id}.log")
            except OSError:
                self._ledger.release(task.id, token, state="pending")
                raise
            self._busy.append(_Busy(process, task, slot))
            self._started_at = now
            if self.paused:
                self.say("trying again")
                self.paused = ""

    def _careful(self, now: float) -> bool:
        """Whether to wait and see how the last worker fares: for a while after the disk was full."""
        if self._pause_seconds and now - self._resume_at > _CAREFUL_SECONDS:
            self._pause_seconds = 0.0
        return self._pause_seconds > 0 and now - self._started_at < 2 * self.settings.backoff_s

    def _is_built(self, system: str) -> bool:
        return self.directory.system(system).exists()

    # Ending

    def _reap(self) -> bool:
        """Settle what has ended; whether any has."""
        ended = [worker for worker in self._busy if worker.process.ended]
        for worker in ended:
            self._settle(worker, worker.process.outcome())
            self._busy.remove(worker)
        return bool(ended)

    def _settle(self, worker: _Busy, outcome: Outcome) -> None:
        """Write down what became of a task. Done again when the ledger could not be written to."""
        task, token, kind = worker.task, worker.process.order.token, outcome.kind
        facts = {key: value for key, value in outcome.facts.items() if key in _FACTS}
        if kind == "finished":
            self._finish(task, token, outcome.reason, facts)
        elif kind in ("failed", "refused"):
            self._fail(task, token, outcome.reason, task.attempts + 1, **facts)
            if kind == "refused":
                self._refuse_siblings(task, outcome.reason)
        elif kind == "full":
            self._pause(outcome.reason)
            self._release(task, token, "pending", f"waits: {outcome.reason}", **facts)
        elif kind == "busy":
            self._not_before[task.id] = time.monotonic() + self.settings.backoff_s
            self._release(task, token, "pending", outcome.reason, **facts)
        elif kind == "stopped":
            self._release(task, token, "pending", "", **facts)
        else:
            self._count_attempt(task, token, outcome)

    def _finish(self, task: TaskState, token: str, reason: str, facts: dict[str, Any]) -> None:
        # The campaign may have been made longer meanwhile.
        target_ps = next((other.target_ps for other in self._ledger.tasks() if other.id == task.id), task.target_ps)
        if facts.get("progress_ps", task.target_ps) < target_ps - 1e-6:
            self._release(task, token, "pending", "", attempts=0, **facts)
            return
        suspect = bool(facts.get("n_suspect"))
        state, reason = ("quarantined", reason) if suspect else ("done", "")
        if self._release(task, token, state, reason, attempts=0, **facts):
            self.say(f"{task.label} done" + (f", {facts['n_suspect']} frames quarantined: {reason}" if suspect else ""))

    def _count_attempt(self, task: TaskState, token: str, outcome: Outcome) -> None:
        progress_ps, stage = self._progress(task)
        moved = progress_ps > task.progress_ps or (stage != task.stage and stage)
        attempts = 1 if moved else task.attempts + 1
        if attempts >= self.settings.most_attempts:
            reason = f"{attempts} attempts without progress; the last: {outcome.reason}"
            self._fail(task, token, reason, attempts)
            return
        pause = self.settings.backoff_s * 4 ** (attempts - 1)
        self._not_before[task.id] = time.monotonic() + pause
        if self._release(task, token, "pending", f"is tried again: {outcome.reason}", attempts=attempts):
            self.say(f"{task.label}: {outcome.reason}; tried again in {pause:g} s")

    def _fail(self, task: TaskState, token: str, reason: str, attempts: int, **facts: Any) -> None:
        if self._release(task, token, "failed", reason, **{**facts, "attempts": attempts}):
            write_verdict(self.directory, task.id, "failed", reason, attempts)
            self.say(f"{task.label} failed: {reason}")

    def _progress(self, task: TaskState) -> tuple[float, str]:
        facts = read_run(self.directory.run(task.id))
        return (facts.progress_ps, facts.stage) if facts else (task.progress_ps, task.stage)

    def _refuse_siblings(self, task: TaskState, reason: str) -> None:
        """A system that cannot be made cannot be made for any replica."""
        leased = {lease.task for lease in self._ledger.leases()}
        waiting = [
            other.id
            for other in self._ledger.tasks()
            if other.system == task.system and other.state == "pending" and other.id not in leased
        ]
        self._ledger.set_state(waiting, "failed", reason=reason)
        for id in waiting:
            write_verdict(self.directory, id, "failed", reason, 1)

    def _release(self, task: TaskState, token: str, state: str, reason: str, **facts: Any) -> bool:
        event = (state, f"{task.label}{': ' if reason else ''}{reason}")
        return self._ledger.release(task.id, token, event=event, state=state, reason=reason, **facts)

    # Trouble

    def _pause(self, reason: str) -> None:
        """Start nothing for a while; the next attempt after that is with a single worker."""
        now = time.monotonic()
        if now >= self._resume_at:
            self._pause_seconds = min(_MOST_PAUSE_SECONDS, max(self.settings.backoff_s, 2 * self._pause_seconds))
            self._resume_at = now + self._pause_seconds
        if not self.paused:
            self.say(
                f"paused: {reason}. Nothing that was committed is lost; make room and the campaign goes on by itself, "
                "or press Ctrl-C"
            )
        self.paused = reason

    def _take_over(self) -> None:
        """Put back tasks whose managers are gone."""
        own = {worker.process.order.token for worker in self._busy}
        abandoned = self._watch.abandoned(self._ledger.leases(), own)
        labels = {task.id: task.label for task in self._ledger.tasks()} if abandoned else {}
        for lease, why in abandoned:
            if not self._ledger.take_over(lease, why) or lease.owner == self._owner:
                continue
            label = labels.get(lease.task, lease.task)
            if lease.owner.is_known_dead:
                self.say(f"{label}: interrupted (process {lease.owner.pid} is gone); goes on from what is committed")
            else:
                self.say(f"{label}: taken over from {lease.owner.host.split()[0]}, {why}")

    def _remake_ledger(self, error: LedgerDamagedError) -> None:
        self._n_remade += 1
        if self._n_remade > _MOST_REMADE:
            raise UnfreezeError(f"{error}; it was made again {_MOST_REMADE} times already: look after the disk")
        with self.directory.locked():
            self._ledger, why = open_ledger(self.directory, self.directory.tasks())
        if why:
            self.say(why)
        for worker in self._busy:
            order = worker.process.order
            self._ledger.beat(order.task, order.token, self._owner, state="running")

    # Stopping

    def _catch_signals(self) -> dict[int, Any]:
        def note(number: int, frame: FrameType | None) -> None:
            self._signals.append(number)

        if threading.current_thread() is not threading.main_thread():
            return {}
        return {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}

    @property
    def signal_number(self) -> int | None:
        """The signal that ended :meth:`run`, if any."""
        return self._signals[0] if self._signals else None

    def _wind_down(self, tick: Callable[[], None]) -> None:
        """Stop the workers; what does not stop is ended. Nothing that was committed is lost by either."""
        if self._busy and self._signals:
            self.say("stopping: workers leave at what they have committed; Ctrl-C again ends them at once")
        for worker in self._busy:
            worker.process.stop()
        until = time.monotonic() + _DOWN_SECONDS
        while any(not worker.process.ended for worker in self._busy):
            if len(self._signals) > 1 or time.monotonic() > until:
                for worker in self._busy:
                    worker.process.kill()
            with suppress(Exception):  # what it shows matters less now
                tick()
            time.sleep(_POLL_SECONDS)
        for worker in self._busy:
            outcome = worker.process.outcome()
            if outcome.kind == "error":  # ended from here
                outcome = Outcome("stopped")
            with suppress(OSError, UnfreezeError):
                self._settle(worker, outcome)
        self._busy.clear()
