"""Random numbers and permutations that are pure functions of a seed and a place: nothing is carried along.

Philox4x64-10 (Salmon, Moraes, Dror & Shaw 2011, SC '11, doi:10.1145/2063384.2063405), the numbers of
:class:`numpy.random.Philox`, and a Feistel network with cycle walking for permutations that need no memory. What is
drawn with them is in :mod:`unfreeze.corpus.loader.draws`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unfreeze.structure.compiled import compiled

__all__ = ["distinct_rows", "fill_words", "permuted", "permuted_run"]

_M0, _M1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_W0, _W1 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_ONE, _TWO, _FOUR = np.uint64(1), np.uint64(2), np.uint64(4)
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
_FEW = 64
_ROUNDS = 8  # of the Feistel network; four are the least for one that cannot be told from chance


@compiled
def _high(a, b):
    """Upper half of the product of two 64-bit numbers."""
    a_low, a_high, b_low, b_high = a & _LOW, a >> _HALF, b & _LOW, b >> _HALF
    middle = a_high * b_low + ((a_low * b_low) >> _HALF)
    other = a_low * b_high + (middle & _LOW)
    return a_high * b_high + (middle >> _HALF) + (other >> _HALF)


@compiled
def _philox(key_0, key_1, c0, c1):
    """The block of four numbers at one place of the counter."""
    c2, c3 = np.uint64(0), np.uint64(0)
    for _ in range(10):
        high_0, low_0 = _high(_M0, c0), _M0 * c0
        high_1, low_1 = _high(_M1, c2), _M1 * c2
        c0, c1, c2, c3 = high_1 ^ c1 ^ key_0, low_1, high_0 ^ c3 ^ key_1, low_0
        key_0, key_1 = key_0 + _W0, key_1 + _W1
    return c0, c1, c2, c3


@compiled
def fill_words(seed: np.uint64, stream: np.uint64, first: np.uint64, words: NDArray[np.uint64]) -> None:
    """Fill `words` [n, 4] with the numbers at places `first`, `first` + 1... of a stream of a seed."""
    for i in range(words.shape[0]):
        place = first + np.uint64(i)
        words[i, 0], words[i, 1], words[i, 2], words[i, 3] = _philox(seed, stream, place, np.uint64(0))


@compiled
def distinct_rows(
    seed: np.uint64, stream: np.uint64, place: np.uint64, low: int, high: int, rows: NDArray[np.int64]
) -> None:
    """Fill `rows` with different numbers of [low, high), in rising order; each is used as often where there are fewer.

    Every set of that many is equally likely (Floyd's way; Bentley & Floyd 1987, Commun. ACM 30, 754).
    """
    n, wanted = high - low, rows.shape[0]
    whole = (wanted // n) * n
    for i in range(whole):
        rows[i] = low + i % n
    left = wanted - whole
    block, used = (np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0)), 4
    counter = np.uint64(0)
    for i in range(left):
        if used == 4:
            counter += _ONE
            block, used = _philox(seed, stream, place, counter), 0
        word = block[0] if used == 0 else block[1] if used == 1 else block[2] if used == 2 else block[3]
        used += 1
        last = n - left + i
        chosen = low + np.int64(_high(word, np.uint64(last + 1)))
        for j in range(whole, whole + i):
            if rows[j] == chosen:
                chosen = low + last
                break
        rows[whole + i] = chosen
    rows.sort()


@compiled
def _mixed(value):
    """Finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    value = (value ^ (value >> _S30)) * _MIX_A
    value = (value ^ (value >> _S27)) * _MIX_B
    return value ^ (value >> _S31)


@compiled
def permuted(key: np.uint64, n: int, place: int) -> int | np.int64:
    """Where a permutation of 0..n-1 that `key` names puts `place`."""
    if n <= _FEW:  # a network of so few places would favour some; here the rank among random numbers
        own = _mixed(key + _mixed(np.uint64(place) * _W1 + _ONE))
        rank = 0
        for j in range(n):
            other = _mixed(key + _mixed(np.uint64(j) * _W1 + _ONE))
            rank += other < own or (other == own and j < place)
        return rank
    size, width = np.uint64(n), _FOUR
    while (_ONE << (_TWO * width)) < size:
        width += _ONE
    mask = (_ONE << width) - _ONE
    value = np.uint64(place)
    while True:
        left, right = value >> width, value & mask
        for step in range(_ROUNDS):
            turned = _mixed(key + np.uint64(step + 1) * _W0 + _mixed(right * _W1 + _ONE)) >> _S30
            left, right = right, left ^ (turned & mask)
        value = (left << width) | right
        if value < size:
            return np.int64(value)


@compiled
def permuted_run(key: np.uint64, n: int, first: int, places: NDArray[np.int64]) -> None:
    """Fill `places` with what the permutation puts at `first`, `first` + 1..., from its start again past its end."""
    for i in range(places.shape[0]):
        places[i] = permuted(key, n, (first + i) % n)
