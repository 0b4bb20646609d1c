"""Worker processes of torch's DataLoader give the sequence of the loader, and a checkpoint goes on in it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from unfreeze.corpus.loader.crops import Crop
from unfreeze.corpus.loader.loader import Loader
from unfreeze.corpus.loader.plan import BatchSize
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError

torch = pytest.importorskip("torch")


def make_loader(corpus: Corpus, **changes) -> Loader:
    return Loader(
        corpus, seed=2, crop=Crop(25), batch=BatchSize(60, window=32), n_draws=64, **({"workers": 1} | changes)
    )


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_the_order_is_that_of_the_loader_and_a_checkpoint_goes_on(corpus: Corpus, workers: int) -> None:
    from unfreeze.corpus.loader.torch_dataset import TorchLoader

    expected = [batch.frames_nm for batch in make_loader(corpus)]
    batches = TorchLoader(make_loader(corpus), workers=workers)
    for batch, wanted in zip(itertools.islice(batches, 7), expected, strict=False):
        assert torch.equal(batch["frames_nm"], torch.from_numpy(wanted))
    state = batches.state_dict()
    later = TorchLoader(make_loader(corpus), workers=2 - workers // 2)
    later.load_state_dict(state)
    rest = list(later)
    assert len(rest) == len(expected) - 7
    for batch, wanted in zip(rest, expected[7:], strict=True):
        assert torch.equal(batch["frames_nm"], torch.from_numpy(wanted))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_entry_is_named_without_a_traceback(tmp_path: Path, fill, complexes, workers: int) -> None:
    from unfreeze.corpus.loader.torch_dataset import TorchLoader

    corpus = fill(tmp_path / "c", complexes)
    shard = next((tmp_path / "c" / "entries" / "e" / "shards").glob("*coordinates*"))
    shard.write_bytes(b"")
    with pytest.raises(InputError, match=shard.name) as caught:
        list(TorchLoader(make_loader(corpus), workers=workers))
    assert "Traceback" not in str(caught.value)


def test_a_validation_is_gone_through_again(corpus: Corpus) -> None:
    from unfreeze.corpus.loader.torch_dataset import TorchLoader

    batches = TorchLoader(make_loader(corpus), workers=1, persistent_workers=True)
    rounds = []
    for _ in range(2):
        rounds.append([sample.draw for batch in batches for sample in batch.samples])
        assert list(batches) == []
        batches.loader.rewind()
    assert rounds[0] == rounds[1] and len(rounds[0]) == 64


def test_ranks_with_workers_share_the_sequence(corpus: Corpus) -> None:
    from unfreeze.corpus.loader.torch_dataset import TorchLoader

    draws = [
        {sample.draw for batch in TorchLoader(make_loader(corpus, rank=rank, world_size=2)) for sample in batch.samples}
        for rank in range(2)
    ]
    assert not draws[0] & draws[1] and len(draws[0] | draws[1]) > 50
