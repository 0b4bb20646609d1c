"""`Loader`: batches for training a network, from a corpus and a part of a split, the same for one seed whatever reads.

The sequence of batches depends on the corpus, the choices and the seed alone. Ranks of a distributed training take
every world_size-th batch of it; workers, threads here or processes of torch's DataLoader, read ahead without changing
the order; and a checkpoint holds the place in the sequence, from which any number of ranks and workers goes on.
"""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any

from unfreeze.corpus.loader.batches import Batch, Place, collate
from unfreeze.corpus.loader.choice import Choice, Weights
from unfreeze.corpus.loader.crops import Crop
from unfreeze.corpus.loader.draws import Draws, Frames
from unfreeze.corpus.loader.features import Features
from unfreeze.corpus.loader.plan import BatchSize, Plan, PlannedBatch
from unfreeze.corpus.loader.samples import SampleReader
from unfreeze.corpus.loader.table import DrawTable, draw_table
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError

if TYPE_CHECKING:
    from unfreeze.corpus.split.split_file import Split

__all__ = ["Loader"]

_STATE_VERSION = 1


class Loader:
    """Batches of reference structures with frames of their trajectories, conditions and labels.

    Parameters
    ----------
    corpus
        A corpus, its folder or its URL.
    split, part
        A split, or the name of one that is kept with the corpus, and which of its parts to draw from. What the split
        asserts is checked again. Without one, all entries are drawn from.
    entries
        Identifiers of entries, to draw from these only.
    clusters
        Cluster of every entry by its identifier, for weights; the groups of the split when None, and without a split
        every entry is its own.
    seed
        Names the sequence.
    choice
        Which trajectories.
    weights
        How often each is drawn; without replacement they are not used.
    frames
        Which frames, and how many, make one draw.
    crop
        How entries that are too large are cut; None for not at all.
    batch
        How large a batch may be.
    replacement
        False: every frame once an epoch, see :class:`~unfreeze.corpus.loader.draws.Draws`.
    n_draws, n_epochs
        Where the sequence ends: after so many draws, the same at every time it is gone through, as for validation; or
        after so many epochs (without replacement). Without end by default.
    superpose
        Whether frames are turned on the reference.
    columns
        Of :data:`~unfreeze.corpus.loader.samples.COLUMNS`, what to read beside coordinates.
    features
        Arrays to make once of every complex, kept and cut with it: :data:`~unfreeze.corpus.loader.features.Features`.
    workers
        Threads that read ahead; 0 reads when a batch is asked for.
    ahead
        Batches that each worker reads ahead.
    rank, world_size
        Which share of the batches this process takes. Where the sequence ends, ranks have equally many batches: the
        last few, fewer than `world_size`, are left out unless `uneven`.
    uneven
        Give the last batches all the same; some ranks then have one more.
    cache_bytes
        Memory for topologies and manifests, about 0.2 MB an entry of 300 residues; opening one that is not in it takes
        some milliseconds. Frames are not cached: the system does that.

    Raises
    ------
    InputError
        If no trajectory is as wanted, the split does not hold, or a setting makes no sense.

    Examples
    --------
    >>> loader = Loader("corpus", "by-sequence", seed=1, crop=Crop(300), frames=Frames(4))  # doctest: +SKIP
    >>> for batch in loader:  # doctest: +SKIP
    ...     loss = model(batch.to_torch().to("cuda"))
    ...     checkpoint = loader.state_dict()
    """

    def __init__(
        self,
        corpus: Corpus | str | os.PathLike[str],
        split: Split | str | None = None,
        part: str = "train",
        *,
        entries: Iterable[str] | None = None,
        clusters: Mapping[str, Hashable] | None = None,
        seed: int = 0,
        choice: Choice | None = None,
        weights: Weights | None = None,
        frames: Frames | None = None,
        crop: Crop | None = None,
        batch: BatchSize | None = None,
        replacement: bool = True,
        n_draws: int | None = None,
        n_epochs: int | None = None,
        superpose: bool = False,
        columns: Sequence[str] = (),
        features: Features | None = None,
        workers: int = 2,
        ahead: int = 2,
        rank: int = 0,
        world_size: int = 1,
        uneven: bool = False,
        cache_bytes: int = 2**30,
    ) -> None:
        if not 0 <= rank < world_size:
            raise InputError(f"rank {rank} of {world_size}: ranks count from 0 to {world_size - 1}.")
        if workers < 0 or ahead < 1:
            raise InputError("workers are 0 or more, and each reads at least 1 batch ahead.")
        if n_epochs is not None and (replacement or n_draws is not None):
            raise InputError("epochs are counted without replacement, and instead of draws; give n_draws otherwise.")
        self._corpus = corpus if isinstance(corpus, Corpus) else Corpus.open(corpus)
        where = self._corpus.public_name
        among = None if entries is None else set(entries)
        if split is not None:
            from unfreeze.corpus.split.split_file import Split

            held = Split.load(self._corpus, split) if isinstance(split, str) else split.held_against(self._corpus)
            members = set(held.entries_of(part))
            among = members if among is None else among & members
            clusters = held.groups if clusters is None else clusters
            where = f"{where}, part {part} of the split {held.name}"
        table = draw_table(
            self._corpus.index, choice or Choice(), weights or Weights(), among=among, clusters=clusters, whose=where
        )
        draws = Draws(table, seed, frames or Frames(), replacement=replacement)
        if n_epochs is not None:
            n_draws = n_epochs * draws.epoch_length
        if n_draws is not None and n_draws < 1:
            raise InputError("a sequence of no draws; give at least 1, or leave the end open.")
        self.plan = Plan(draws, batch or BatchSize(), crop.n_residues if crop else None, n_draws)
        self.rank, self.world_size, self.workers, self.ahead = rank, world_size, workers, ahead
        self.uneven = uneven
        self._reading: dict[str, Any] = {
            "crop": crop,
            "superpose": superpose,
            "columns": tuple(columns),
            "features": features,
            "cache_bytes": cache_bytes,
        }
        self._reader = self._new_reader()
        self._place = Place()

    @property
    def table(self) -> DrawTable:
        """The trajectories that are drawn from, and how often."""
        return self.plan.draws.table

    @property
    def epoch_length(self) -> int:
        """Draws in which every frame is seen once (with replacement: as many)."""
        return self.plan.draws.epoch_length

    @property
    def fingerprint(self) -> str:
        """What the sequence of batches depends on, in one number: corpus, choices, weights, seed, sizes."""
        plan = self.plan
        crop = self._reading["crop"]
        cut = None if crop is None else (crop.n_residues, sorted(crop.shares.items()))
        parts = (
            plan.draws.table.fingerprint, int(plan.draws.seed), plan.draws.frames, plan.draws.replacement, plan.size,
            plan.n_draws, cut,
        )  # fmt: skip
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @property
    def cache_bytes(self) -> int:
        """Memory that topologies and manifests take now."""
        return self._reader.cache_bytes

    def __iter__(self) -> Iterator[Batch]:
        """Batches of this rank, from the place of the loader on; the place moves on as they are given out.

        Go through a loader in one loop at a time: two would move the same place.

        Raises
        ------
        InputError
            If an entry is damaged or cannot be fetched.
        """
        for batch in self.share(0, 1):
            self._place = batch.place
            yield batch

    def rewind(self) -> None:
        """Go back to the beginning of the sequence, as for another round of validation."""
        self._place = Place()

    def state_dict(self) -> dict[str, Any]:
        """Where the sequence stands after the last batch given out: plain numbers, for a checkpoint."""
        return {
            "version": _STATE_VERSION,
            "fingerprint": self.fingerprint,
            "window": self._place.window,
            "batch": self._place.batch,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another loader of the same sequence stood; ranks and workers may be others.

        Raises
        ------
        InputError
            If the state is of another sequence: another corpus, seed, choice or batch size.
        """
        try:
            version, fingerprint = state["version"], state["fingerprint"]
            place = Place(int(state["window"]), int(state["batch"]))
        except (KeyError, TypeError, ValueError):
            raise InputError("the state of the loader in the checkpoint is not one; begin the sequence anew.") from None
        if version != _STATE_VERSION or fingerprint != self.fingerprint or min(place.window, place.batch) < 0:
            raise InputError(
                "the checkpoint belongs to another sequence of batches: the corpus has other entries or frames, or "
                "seed, choice, weights, frames, crop or batch size differ. Open what was trained on, or begin anew."
            )
        self._place = place

    def move_to(self, place: Place) -> None:
        """Go on after the batch that carries this place."""
        self._place = place

    def share(self, worker: int, n_workers: int, *, threads: int | None = None) -> Iterator[Batch]:
        """Every `n_workers`-th batch of this rank, from the place of the loader on; the place does not move.

        Parameters
        ----------
        worker, n_workers
            Which share; workers count from 0.
        threads
            Threads that read ahead; `workers` of the loader by default.
        """
        planned = islice(self._of_rank(), worker, None, n_workers)
        threads = self.workers if threads is None else threads
        if threads == 0:
            yield from map(self._read, planned)
            return
        waiting: deque[Future[Batch]] = deque()
        pool = ThreadPoolExecutor(threads, thread_name_prefix="unfreeze-loader")
        try:
            for item in planned:
                waiting.append(pool.submit(self._read, item))
                if len(waiting) > threads * self.ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def __getstate__(self) -> dict[str, Any]:
        # a worker process opens the corpus itself; the sequence goes with it
        return self.__dict__ | {"_reader": None, "_corpus": getattr(self._corpus, "url", self._corpus.path)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._corpus = Corpus.open(state["_corpus"])
        self._reader = self._new_reader()

    def forget(self) -> None:
        """Let go of all that was cached; a process that was forked begins with this."""
        self._reader = self._new_reader()

    def _new_reader(self) -> SampleReader:
        return SampleReader(self._corpus, self.plan.draws, **self._reading)

    def _of_rank(self) -> Iterator[PlannedBatch]:
        """Batches of this rank; of every round of the ranks, the last batch is where the sequence goes on."""
        batches = self.plan.batches(self._place)
        while group := list(islice(batches, self.world_size)):
            if len(group) < self.world_size and not self.uneven:
                return
            if self.rank < len(group):
                own, last = group[self.rank], group[-1]
                yield PlannedBatch(own.number, last.after, own.draws, own.trajectories, own.words)

    def _read(self, planned: PlannedBatch) -> Batch:
        rows = zip(planned.draws.tolist(), planned.trajectories.tolist(), planned.words.tolist(), strict=True)
        samples = [self._reader.read(draw, trajectory, word) for draw, trajectory, word in rows]
        return collate(samples, planned.after, self._reading["columns"])
