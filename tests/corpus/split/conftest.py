"""Families of made-up sequences, and caches that no test shares."""

from __future__ import annotations

import numpy as np
import pytest

LETTERS = np.array(list("ACDEFGHIKLMNPQRSTVWY"))
GROUP = {letter: group for group in "LVIM C A G ST P FYW EDNQ KR H".split() for letter in group}


class Maker:
    """Random sequences and their relatives."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def sequence(self, length: int) -> str:
        return "".join(self.rng.choice(LETTERS, length))

    def relative(self, letters: str, identity: float) -> str:
        """As many letters exchanged as leave this identity; a third of them, as in nature, for ones of like kind."""
        changed = self.rng.permutation(len(letters))[: round((1.0 - identity) * len(letters))]
        exchanged = list(letters)
        for place in changed.tolist():
            alike = [one for one in GROUP[letters[place]] if one != letters[place]]
            others = alike if alike and self.rng.random() < 0.33 else LETTERS[letters[place] != LETTERS]
            exchanged[place] = str(self.rng.choice(others))
        return "".join(exchanged)


@pytest.fixture
def maker() -> Maker:
    return Maker(7)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNFREEZE_CACHE", str(tmp_path_factory.mktemp("cache")))
