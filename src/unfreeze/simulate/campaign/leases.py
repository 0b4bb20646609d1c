"""Which leases nobody stands behind any more, by a clock that no change of the time of day can move."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from unfreeze.simulate.campaign.ledger import Lease
from unfreeze.simulate.campaign.processes import ProcessIdentity

__all__ = ["LeaseWatch"]


@dataclass
class _Seen:
    """A lease, and when its counter last moved by our own clock."""

    token: str
    counter: int
    since: float = field(default_factory=time.monotonic)


class LeaseWatch:
    """Watches the leases of other managers.

    Parameters
    ----------
    owner
        Who watches.
    lease_seconds
        Silence after which a lease counts as abandoned.
    """

    def __init__(self, owner: ProcessIdentity, lease_seconds: float) -> None:
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._seen: dict[str, _Seen] = {}

    def abandoned(self, leases: Sequence[Lease], own: Collection[str]) -> list[tuple[Lease, str]]:
        """Leases to take over, and why; to be asked again and again.

        Parameters
        ----------
        leases
            All of them, as they are now.
        own
            Tokens of those behind which a worker of ours stands.
        """
        seen: dict[str, _Seen] = {}
        found: list[tuple[Lease, str]] = []
        for lease in leases:
            if lease.token in own:
                continue
            last = self._seen.get(lease.task)
            if last is None or (last.token, last.counter) != (lease.token, lease.counter):
                last = _Seen(lease.token, lease.counter)
            seen[lease.task] = last
            silent = time.monotonic() - last.since
            if lease.owner == self._owner or lease.owner.is_known_dead:
                found.append((lease, "its manager is dead"))
            elif silent > self._lease_seconds:
                found.append((lease, f"silent for {silent:.0f} s"))
        self._seen = seen
        return found
