"""The loader for torch: a dataset whose worker processes share one sequence, and batches as tensors.

Threads of :class:`~unfreeze.corpus.loader.loader.Loader` are enough for most trainings; processes help where making
features takes long. Imported only where torch is wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from unfreeze.corpus.loader.loader import Loader
from unfreeze.corpus.loader.tensors import TensorBatch
from unfreeze.errors import InputError

try:
    from torch.utils.data import DataLoader, IterableDataset, get_worker_info
except ImportError:
    raise InputError("the dataset needs torch: pip install 'unfreeze[train]'") from None

__all__ = ["CorpusDataset", "TorchLoader"]


class CorpusDataset(IterableDataset):
    """Batches of a loader for torch's DataLoader, which must be told not to make batches: ``batch_size=None``.

    The order of the batches is that of the loader however many workers there are. The loader's own place does not move,
    as it may live in another process: use :class:`TorchLoader`, or keep ``batch.place`` of the last batch that was
    trained on and give it to :meth:`Loader.move_to`.

    Parameters
    ----------
    loader
        Where batches come from. In worker processes its threads are not used.
    """

    def __init__(self, loader: Loader) -> None:
        super().__init__()
        self.loader = loader

    def __iter__(self) -> Iterator[TensorBatch]:
        worker = get_worker_info()
        if worker is None:
            batches = self.loader.share(0, 1)
        else:
            self.loader.forget()
            batches = self.loader.share(worker.id, worker.num_workers, threads=0)
        return (batch.to_torch() for batch in batches)


class _Guarded(CorpusDataset):
    """Errors of the user's as texts: torch would raise them anew in this process with a traceback for a message."""

    def __iter__(self) -> Iterator[Any]:
        try:
            yield from super().__iter__()
        except InputError as error:
            yield str(error)


class TorchLoader:
    """Batches as tensors, read ahead by worker processes, with a state for checkpoints.

    Parameters
    ----------
    loader
        Where batches come from.
    workers
        Processes; with 0 the threads of the loader read ahead.
    options
        Further arguments of torch's DataLoader, such as ``pin_memory=True``, ``prefetch_factor=4`` or
        ``multiprocessing_context="spawn"``.
    """

    def __init__(self, loader: Loader, *, workers: int = 2, **options: Any) -> None:
        self.loader = loader
        self._options = {"num_workers": workers, **options}

    def __iter__(self) -> Iterator[TensorBatch]:
        """Batches from the place of the loader on.

        Raises
        ------
        InputError
            As of the loader.
        """
        # made anew, as workers that live on would not hear of the place
        for batch in DataLoader(_Guarded(self.loader), batch_size=None, **self._options):
            if isinstance(batch, str):
                raise InputError(batch)
            self.loader.move_to(batch.place)
            yield batch

    def state_dict(self) -> dict[str, Any]:
        """As of the loader: where the sequence stands after the last batch given out."""
        return self.loader.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """As of the loader."""
        self.loader.load_state_dict(state)
