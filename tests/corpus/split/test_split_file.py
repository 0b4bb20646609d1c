import json

import pytest

from unfreeze.corpus.split import checked
from unfreeze.corpus.split.make import make_split
from unfreeze.corpus.split.split_file import Split, split_names
from unfreeze.corpus.store import Corpus
from unfreeze.corpus.store.sealed import read_sealed, write_sealed
from unfreeze.errors import InputError


@pytest.fixture
def build(make, tmp_path, maker):
    """A corpus of chains with these sequences, an entry each."""
    from unfreeze.structure.chemistry.residues import AMINO_ACIDS

    name_of = {acid.letter: name for name, acid in AMINO_ACIDS.items() if len(acid.letter) == 1}

    def write(corpus, identifier, letters):
        points = [[[0.38 * place, 0.0, 0.0]] for place in range(len(letters))]
        molecule = make.assemble(
            [("A", name_of[letter], "protein", ["CA"], at) for letter, at in zip(letters, points, strict=True)]
        )
        with corpus.new_entry(identifier, molecule) as writer:
            writer.set_labels(())

    def build(sequences):
        corpus = Corpus.create(tmp_path / "corpus")
        for identifier, letters in sequences.items():
            write(corpus, identifier, letters)
        return corpus

    build.write = write
    return build


@pytest.fixture
def corpus(build, maker):
    founder = maker.sequence(80)
    family = {f"f{number}": maker.relative(founder, 0.7) for number in range(3)}
    return build(family | {f"p{number}": maker.sequence(70) for number in range(9)})


def made(corpus, **options):
    split = make_split(corpus, fractions={"train": 0.6, "test": 0.4}, engine="words", name="s", **options)
    split.save(corpus)
    return split


def test_a_split_is_kept_and_found_again(corpus):
    split = made(corpus)
    assert split_names(corpus) == ("s",)
    loaded = Split.load(Corpus.open(corpus.path), "s")
    assert loaded == split
    assert loaded.unassigned == () and loaded.absent == ()
    assert loaded.entries_of("test") == split.parts["test"]
    with pytest.raises(InputError, match="has no part 'valid'; it has train, test"):
        loaded.entries_of("valid")


def test_a_split_is_not_replaced_unasked(corpus):
    split = made(corpus)
    with pytest.raises(InputError, match="there is a split of this name"):
        split.save(corpus)
    split.save(corpus, overwrite=True)


def test_new_entries_are_unassigned_and_lost_ones_absent(corpus, build, maker):
    split = made(corpus)
    build.write(corpus, "new", maker.sequence(60))
    assert Split.load(corpus, "s").unassigned == ("new",)
    gone = split.model_copy(update={"parts": {**split.parts, "test": (*split.parts["test"], "gone")},
                                    "fingerprints": {**split.fingerprints, "gone": "0" * 64}})  # fmt: skip
    assert gone.held_against(corpus).absent == ("gone",)


def test_every_flipped_bit_is_found(corpus):
    made(corpus)
    path = corpus.path / "splits" / "s.json"
    data = path.read_bytes()
    for place in range(0, len(data), 37):
        path.write_bytes(data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :])
        with pytest.raises(InputError):
            Split.load(corpus, "s", check=False)


def test_an_edited_split_is_refused(corpus):
    made(corpus)
    path = corpus.path / "splits" / "s.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"train"', '"trial"'), encoding="utf-8")
    with pytest.raises(InputError, match="A split is not edited by hand"):
        Split.load(corpus, "s")


def test_an_edited_split_with_a_new_checksum_leaks_by_name(corpus):
    split = made(corpus)
    path = corpus.path / "splits" / "s.json"
    document = read_sealed(path, "split")
    home = split.part_of["f0"]
    other = "test" if home == "train" else "train"
    document["parts"][home].remove("f0")
    document["parts"][other].append("f0")
    write_sealed(path, "split", document)
    with pytest.raises(InputError, match=r"leak: f[12] chain A .* f0 chain A|leak: f0 chain A .* f[12] chain A"):
        Split.load(corpus, "s")
    assert Split.load(corpus, "s", check=False).parts != split.parts


def test_changed_sequences_are_refused(corpus):
    split = made(corpus)
    wrong = split.model_copy(update={"fingerprints": {**split.fingerprints, "p1": "0" * 64}})
    with pytest.raises(InputError, match="the sequences of p1 are not those"):
        wrong.held_against(corpus)


def test_an_entry_in_two_parts_is_refused(corpus):
    split = made(corpus)
    name = split.parts["train"][0]
    twice = split.model_copy(update={"parts": {**split.parts, "test": (*split.parts["test"], name)}})
    with pytest.raises(InputError, match=f"{name} is in train and in test"):
        twice.held_against(corpus)


def test_the_comparison_is_remembered_while_nothing_changes(corpus, monkeypatch, build, maker):
    made(corpus)
    compared = []
    real = checked.Comparison
    monkeypatch.setattr(checked, "Comparison", lambda *a, **k: compared.append(1) or real(*a, **k))
    Split.load(corpus, "s")
    assert compared == []  # making it was a check
    build.write(corpus, "new", maker.sequence(60))
    Split.load(corpus, "s")
    assert compared == []  # entries outside do not matter
    split = Split.load(corpus, "s")
    fewer = split.model_copy(update={"parts": {**split.parts, "train": split.parts["train"][1:]}})
    fewer.held_against(corpus)
    fewer.held_against(corpus)
    assert compared == [1]


def test_a_cache_that_cannot_be_used_does_no_harm(corpus, monkeypatch, tmp_path):
    made(corpus)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    monkeypatch.setenv("UNFREEZE_CACHE", str(blocked))
    assert Split.load(corpus, "s").name == "s"


def test_names(corpus):
    with pytest.raises(InputError, match="no such split; the corpus has none"):
        Split.load(corpus, "s")
    for name in ("../x", "", "a/b", ".hidden"):
        with pytest.raises(InputError, match="cannot be the name of a split"):
            Split.load(corpus, name)


def test_the_file_tells_its_assertion(corpus):
    split = made(corpus)
    document = json.loads((corpus.path / "splits" / "s.json").read_bytes())["split"]
    assert document["method"] == {
        "by": "sequence", "identity": 0.4, "engine": "words", "fractions": {"train": 0.6, "test": 0.4},
        "balance": "entries", "seed": 0,
    }  # fmt: skip
    assert set(document["fingerprints"]) == set(corpus.identifiers)
    assert "unassigned" not in document
    assert split.largest is None or "% identical" in split.assertion()
