"""One sequence of batches a seed, whatever reads it; its shares; its checkpoints."""

from __future__ import annotations

import itertools
import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.corpus.loader.batches import Batch
from unfreeze.corpus.loader.choice import Choice
from unfreeze.corpus.loader.crops import Crop
from unfreeze.corpus.loader.draws import Frames
from unfreeze.corpus.loader.loader import Loader
from unfreeze.corpus.loader.plan import BatchSize
from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.split.entries import fingerprint
from unfreeze.corpus.split.split_file import Split, SplitMethod
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex

SMALL = BatchSize(residues=90, window=32)


def make_loader(corpus: Corpus, **changes) -> Loader:
    options = {"seed": 7, "frames": Frames(2), "crop": Crop(25), "batch": SMALL, "workers": 0}
    return Loader(corpus, **(options | changes))


def marks(batches: itertools.islice[Batch] | list[Batch]) -> list[tuple]:
    """What tells batches apart: their draws, frames and coordinates."""
    return [
        (tuple(s.draw for s in b.samples), b.rows.tobytes(), b.residue_row.tobytes(), b.frames_nm.tobytes())
        for b in batches
    ]


def first(loader: Loader, n: int) -> list[tuple]:
    return marks(itertools.islice(loader, n))


@pytest.fixture(scope="module")
def sequence(corpus: Corpus) -> list[tuple]:
    return first(make_loader(corpus), 60)


def test_batches_are_bounded_and_every_draw_is_in_one(corpus: Corpus) -> None:
    drawn: list[int] = []
    for batch in make_loader(corpus, n_draws=100):
        sizes = np.diff(batch.residue_offsets)
        assert sizes.sum() <= 90 and sizes.max() <= 25
        drawn += [sample.draw for sample in batch.samples]
    assert sorted(drawn) == list(range(100))


def test_padded_batches_count_their_largest_sample(corpus: Corpus) -> None:
    loader = make_loader(corpus, crop=None, n_draws=200, batch=BatchSize(residues=200, samples=5, is_padded=True))
    batches = list(loader)
    for batch in batches:
        sizes = np.diff(batch.residue_offsets)
        assert len(sizes) <= 5 and sizes.max() * len(sizes) <= 200
    assert max(len(batch) for batch in batches) == 5


def test_a_sample_larger_than_a_batch_stands_alone(corpus: Corpus) -> None:
    batches = list(make_loader(corpus, crop=None, n_draws=40, batch=BatchSize(residues=30)))
    assert all(len(batch) == 1 for batch in batches if batch.residue_offsets[1] > 30)


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_do_not_change_the_sequence(corpus: Corpus, sequence: list[tuple], workers: int) -> None:
    assert first(make_loader(corpus, workers=workers), 60) == sequence
    assert first(make_loader(corpus, seed=8), 1) != sequence[:1]


@settings(max_examples=15, deadline=None)
@given(
    stop=st.integers(0, 40),
    before=st.tuples(st.integers(0, 2), st.integers(1, 3)),
    after=st.tuples(st.integers(0, 2), st.integers(1, 3)),
)
def test_a_checkpoint_goes_on_with_other_workers_and_ranks(corpus, sequence, stop, before, after) -> None:
    (workers, world), (new_workers, new_world) = before, after
    steps = stop // world
    for rank in range(world):
        loader = make_loader(corpus, workers=workers, rank=rank, world_size=world)
        assert first(loader, steps) == sequence[rank : steps * world : world]
        state = loader.state_dict()
    assert all(isinstance(value, int | str) for value in state.values())
    for rank in range(new_world):
        loader = make_loader(corpus, workers=new_workers, rank=rank, world_size=new_world)
        loader.load_state_dict(state)
        wanted = sequence[steps * world + rank :: new_world][:3]
        assert first(loader, len(wanted)) == wanted


def test_the_state_is_that_of_the_batch_given_out_not_of_those_read_ahead(corpus: Corpus, sequence) -> None:
    loader = make_loader(corpus, workers=2, ahead=4)
    iterator = iter(loader)
    for _ in range(5):
        next(iterator)
    other = make_loader(corpus)
    other.load_state_dict(loader.state_dict())
    assert first(other, 3) == sequence[5:8]
    iterator.close()  # type: ignore[attr-defined]
    assert first(loader, 2) == sequence[5:7]


def test_a_finite_sequence_gives_every_rank_equally_many(corpus: Corpus) -> None:
    whole = marks(list(make_loader(corpus, n_draws=90)))
    for world, uneven in itertools.product((2, 3, 4), (False, True)):
        shares = [
            marks(list(make_loader(corpus, n_draws=90, rank=rank, world_size=world, uneven=uneven)))
            for rank in range(world)
        ]
        kept = len(whole) if uneven else len(whole) // world * world
        assert sorted(itertools.chain(*shares)) == sorted(whole[:kept])
        assert uneven or len({len(share) for share in shares}) == 1


def test_a_loader_that_came_to_its_end_can_be_rewound(corpus: Corpus) -> None:
    loader = make_loader(corpus, n_draws=50)
    whole = marks(list(loader))
    assert list(loader) == []
    loader.rewind()
    assert marks(list(loader)) == whole


def test_an_epoch_has_every_frame_once(corpus: Corpus) -> None:
    loader = make_loader(corpus, frames=Frames(1), replacement=False, n_epochs=2)
    seen = Counter(
        (sample.identifier, sample.trajectory, int(row))
        for batch in loader
        for sample, row in zip(batch.samples, batch.rows[0], strict=True)
    )
    assert loader.epoch_length == len(seen) == 40 + 25 + 7 + 12 + 60
    assert set(seen.values()) == {2}


def test_superposed_frames_lie_on_the_reference_and_forces_turn_along(corpus: Corpus) -> None:
    options = {
        "entries": ["a"],
        "columns": ("forces",),
        "n_draws": 6,
        "frames": Frames(3),
        "batch": BatchSize(samples=1),
    }
    plain, turned = (list(make_loader(corpus, superpose=flag, **options)) for flag in (False, True))
    for one, two in zip(plain, turned, strict=True):
        anchors = two.residue_atom
        away = [np.sqrt(np.square(b.frames_nm - b.reference_nm)[:, anchors].sum(-1).mean()) for b in (one, two)]
        assert away[1] < 0.11 < away[0]
        assert one.forces_kJ_mol_nm is not None and two.forces_kJ_mol_nm is not None
        for b in (one, two):
            assert b.forces_kJ_mol_nm is not None
            # in the corpus of these tests forces are the coordinates about the centre of all atoms of the entry
            moved = b.frames_nm - b.forces_kJ_mol_nm
            np.testing.assert_allclose(moved, np.broadcast_to(moved[:, :1], moved.shape), atol=3e-3)


def features(molecule: Complex) -> dict[str, np.ndarray]:
    rows = np.arange(molecule.n_residues)
    return {
        "atom_mass": np.arange(molecule.n_atoms, dtype=np.float32),
        "residue_number": rows,
        "residue_pairs_next": np.stack([rows[:-1], rows[1:]], axis=1),
        "atom_pairs_bonded": np.stack([np.arange(molecule.n_atoms - 1), np.arange(1, molecule.n_atoms)], axis=1),
        "entry_size": np.array([float(molecule.n_atoms)]),
    }


def test_features_are_cut_and_put_together_as_their_names_say(corpus: Corpus, complexes: dict[str, Complex]) -> None:
    for batch in make_loader(corpus, features=features, n_draws=40):
        made = batch.features
        np.testing.assert_array_equal(made["atom_mass"], batch.atom_row)
        np.testing.assert_array_equal(made["residue_number"], batch.residue_row)
        for name, row, sample in (
            ("residue_pairs_next", batch.residue_row, batch.residue_sample),
            ("atom_pairs_bonded", batch.atom_row, batch.residue_sample[batch.atom_residue]),
        ):
            pairs = made[name]
            np.testing.assert_array_equal(row[pairs[:, 0]] + 1, row[pairs[:, 1]])
            np.testing.assert_array_equal(*sample[pairs].T)
            expected = ((np.diff(row) == 1) & (np.diff(sample) == 0)).sum()
            assert len(pairs) == expected
        sizes = [complexes[sample.identifier].n_atoms for sample in batch.samples]
        np.testing.assert_array_equal(made["entry_size"][:, 0], sizes)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mass": np.zeros(3)},
        {"atom_mass": np.zeros(3)},
        {"residue_pairs_next": np.zeros((4, 3), dtype=int)},
    ],
)
def test_features_of_another_shape_than_their_name_says_are_refused(corpus: Corpus, wrong) -> None:
    with pytest.raises(ValueError, match="features: "):
        first(make_loader(corpus, features=lambda _: wrong), 1)


def test_a_loader_travels_to_another_process(corpus: Corpus, sequence: list[tuple]) -> None:
    loader = make_loader(corpus, workers=1)
    first(loader, 4)
    assert first(pickle.loads(pickle.dumps(loader)), 4) == sequence[4:8]  # our own bytes


def test_a_checkpoint_of_another_sequence_is_refused(corpus: Corpus) -> None:
    state = make_loader(corpus).state_dict()
    for changes in (
        {"seed": 1},
        {"crop": Crop(26)},
        {"crop": Crop(25, "anywhere")},
        {"frames": Frames(3)},
        {"batch": BatchSize(91, window=32)},
        {"choice": Choice(fewest_frames=8)},
        {"entries": "abc"},
        {"n_draws": 5},
    ):
        with pytest.raises(InputError, match="another sequence"):
            make_loader(corpus, **changes).load_state_dict(state)
    for broken in ({}, state | {"window": "x"}, state | {"window": -1}):
        with pytest.raises(InputError):
            make_loader(corpus).load_state_dict(broken)


def renamed(molecule: Complex, seed: str) -> Complex:
    """The same with a sequence of chance."""
    rng = np.random.default_rng(list(seed.encode()))
    names = rng.choice(["ARG", "ASN", "GLU", "HIS", "ILE", "LEU", "LYS", "PHE", "SER", "VAL"], molecule.n_residues)
    return replace(molecule, residue_name=names, residue_parent_name=names)


def test_a_part_of_a_split_is_drawn_from_and_its_groups_are_the_clusters(
    tmp_path: Path, fill, complexes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNFREEZE_CACHE", str(tmp_path / "cache"))
    alike = fill(tmp_path / "alike", complexes)
    corpus = fill(tmp_path / "c", complexes | {name: renamed(complexes[name], name) for name in "de"})
    split = Split(
        name="mine",
        method=SplitMethod(by="sequence", identity=0.4, engine="words", fractions={"train": 0.6, "test": 0.4}),
        parts={"train": ("a", "b", "c"), "test": ("d", "e")},
        groups={"a": 0, "b": 0, "c": 1, "d": 2, "e": 2},
        clusters={name: (0,) for name in "abcde"},
        fingerprints={name: fingerprint(corpus.summary(name).sequences) for name in "abcde"},
    )
    with pytest.raises(InputError, match="sequences of d"):
        make_loader(alike, split=split)
    helices = {name: fingerprint(alike.summary(name).sequences) for name in "abcde"}
    with pytest.raises(InputError, match="leak"):
        make_loader(alike, split=split.model_copy(update={"fingerprints": helices}))
    loader = make_loader(corpus, split=split)
    assert loader.table.identifiers == ("a", "b", "c")
    share = np.bincount(loader.table.entry, weights=loader.table.probability)
    np.testing.assert_allclose(share, [0.25, 0.25, 0.5])
    assert make_loader(corpus, split=split, part="test").table.identifiers == ("e",)
    assert make_loader(corpus, split=split, entries=["b", "e"]).table.identifiers == ("b",)
    split.save(corpus)
    assert make_loader(corpus, split="mine", part="test").table.identifiers == ("e",)
    for name, part, words in (("mine", "dev", "no part"), ("other", "train", "no such split")):
        with pytest.raises(InputError, match=words):
            make_loader(corpus, split=name, part=part)


@pytest.mark.parametrize(
    "changes",
    [
        {"rank": 2, "world_size": 2},
        {"workers": -1},
        {"n_epochs": 1},
        {"n_draws": 0},
        {"columns": ("velocities",)},
    ],
)
def test_settings_without_sense_are_refused(corpus: Corpus, changes) -> None:
    with pytest.raises(InputError):
        make_loader(corpus, **changes)
    for wrong in ({"residues": None}, {"residues": 0}, {"window": 0}):
        with pytest.raises(InputError):
            BatchSize(**wrong)


def test_what_is_written_meanwhile_is_not_drawn_and_does_not_disturb(tmp_path: Path, fill, complexes) -> None:
    corpus = fill(tmp_path / "c", complexes)
    loader = make_loader(corpus)
    wanted = first(make_loader(corpus), 12)
    assert first(loader, 4) == wanted[:4]
    record = TrajectoryRecord(name="R9", conditions=Conditions(), source=Source(dataset="late"))
    with Corpus.open(tmp_path / "c").edit_entry("b") as entry, entry.begin_trajectory(record) as trajectory:
        trajectory.append(np.repeat(complexes["b"].coordinates_nm[None], 5, axis=0))
        trajectory.finish()
    assert first(loader, 4) == wanted[4:8]
    loader.forget()
    assert first(loader, 4) == wanted[8:12]


def test_a_damaged_entry_is_named_and_threads_end(tmp_path: Path, fill, complexes) -> None:
    corpus = fill(tmp_path / "c", complexes)
    shard = next((tmp_path / "c" / "entries" / "e" / "shards").glob("*coordinates*"))
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(InputError, match=shard.name):
        first(make_loader(corpus, entries=["e"], workers=2), 20)


def test_the_cache_keeps_to_its_bound(corpus: Corpus, sequence: list[tuple]) -> None:
    loader = make_loader(corpus, cache_bytes=30_000)
    assert first(loader, 30) == sequence[:30]
    assert 0 < loader.cache_bytes < 60_000
