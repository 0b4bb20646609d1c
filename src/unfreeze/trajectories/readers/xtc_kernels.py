"""Compiled loops over the bytes of XTC files: walking the headers of frames, and unpacking compressed coordinates.

The format is that of GROMACS' ``libxdrf.cpp`` (``xdr3dfcoord``). Every length is checked before it is used, so that a
damaged or hostile file gives a code of failure and nothing else. Numbers only; words are in
:mod:`unfreeze.trajectories.readers.xtc`.
"""

from __future__ import annotations

import numpy as np

from unfreeze.structure.compiled import compiled

__all__ = ["FEWEST_COMPRESSED", "HEADER_BYTES", "decode_frames", "walk_headers"]

HEADER_BYTES = 92
FEWEST_COMPRESSED = 10
"""Atoms; frames of fewer hold plain numbers after 56 bytes of header."""

_MAGIC, _MAGIC_LARGE = 1995, 2023
_FIRST_SMALL, _LAST_SMALL = 9, 72
_MAGIC_INTS = np.array(
    [
        *(0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 10, 12, 16, 20, 25, 32, 40, 50, 64, 80, 101, 128, 161, 203, 256, 322, 406),
        *(512, 645, 812, 1024, 1290, 1625, 2048, 2580, 3250, 4096, 5060, 6501, 8192, 10321, 13003, 16384, 20642),
        *(26007, 32768, 41285, 52015, 65536, 82570, 104031, 131072, 165140, 208063, 262144, 330280, 416127, 524287),
        *(660561, 832255, 1048576, 1321122, 1664510, 2097152, 2642245, 3329021, 4194304, 5284491, 6658042, 8388607),
        *(10568983, 13316085, 16777216),
    ],
    dtype=np.int64,
)


@compiled
def _int(data, at):
    """A big-endian int32 as int64."""
    value = (np.int64(data[at]) << 24) | (np.int64(data[at + 1]) << 16)
    value |= (np.int64(data[at + 2]) << 8) | np.int64(data[at + 3])
    return value - (np.int64(1) << 32) if value >= (np.int64(1) << 31) else value


@compiled
def _float(data, at, scratch):
    """A big-endian float32; `scratch` is uint32 [1]."""
    scratch[0] = np.uint32(_int(data, at) & np.int64(0xFFFFFFFF))
    return scratch.view(np.float32)[0]


@compiled
def walk_headers(data, size, n_atoms, largest, offsets, times, steps):
    """Walk frames in a piece of a file.

    Parameters
    ----------
    data : uint8 [n_bytes]
        Begins with a frame.
    size
        Bytes from the begin of the piece to the end of the file.
    n_atoms
        Of the frames before; 0 for none.
    largest
        Most atoms that are believed.
    offsets, times, steps : int64, float64, int64 [most]
        Out: where frames begin in the piece, their times in ps and steps.

    Returns
    -------
    tuple of int
        Number of frames; where the first frame that is not wholly known begins; atoms; and what is wrong with that
        frame: 0 nothing (more bytes are needed, or the arrays are full), 1 cut short, 2 damaged, 3 other atoms, 4 the
        large kind of GROMACS 2023.
    """
    scratch = np.zeros(1, dtype=np.uint32)
    at = np.int64(0)
    n = 0
    while n < len(offsets) and at < size:
        rest = size - at
        needed = min(rest, np.int64(HEADER_BYTES))
        if at + needed > len(data):
            return n, at, n_atoms, 0
        if rest < 56:
            return n, at, n_atoms, 1
        magic = _int(data, at)
        if magic == _MAGIC_LARGE:
            return n, at, n_atoms, 4
        count = _int(data, at + 4)
        if magic != _MAGIC or not 0 < count <= largest or _int(data, at + 52) != count:
            return n, at, n_atoms, 2
        if n_atoms and count != n_atoms:
            return n, at, count, 3
        n_atoms = count
        if count < FEWEST_COMPRESSED:
            end = at + 56 + 12 * count
        else:
            if rest < HEADER_BYTES:
                return n, at, n_atoms, 1
            precision = _float(data, at + 56, scratch)
            small, n_bytes = _int(data, at + 84), _int(data, at + 88)
            room = 4 * np.int64(1.2 * 3 * count) - 12
            sane = np.isfinite(precision) and precision > 0 and _FIRST_SMALL <= small <= _LAST_SMALL
            sane = sane and 0 < n_bytes <= room
            for k in range(3):
                sane = sane and _int(data, at + 72 + 4 * k) >= _int(data, at + 60 + 4 * k)
            if not sane:
                return n, at, n_atoms, 2
            end = at + HEADER_BYTES + n_bytes + (-n_bytes) % 4
        if end > size:
            return n, at, n_atoms, 1
        offsets[n] = at
        steps[n] = _int(data, at + 8)
        times[n] = _float(data, at + 12, scratch)
        n += 1
        at = end
    return n, at, n_atoms, 0


@compiled
def _bits(words, position, n):
    """`n` of 1 to 64 bits at a position, first bit highest; a word beyond the last is there to be read."""
    at, shift = np.uint64(position) >> np.uint64(6), np.uint64(position) & np.uint64(63)
    # shifted in two steps, as a shift by 64 has no meaning
    word = (words[at] << shift) | ((words[at + np.uint64(1)] >> np.uint64(1)) >> (np.uint64(63) - shift))
    return word >> np.uint64(64 - n)


@compiled
def _swapped(word):
    """The bytes of a 64-bit word in the other order."""
    word = ((word & np.uint64(0x00FF00FF00FF00FF)) << np.uint64(8)) | (
        (word >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    )
    word = ((word & np.uint64(0x0000FFFF0000FFFF)) << np.uint64(16)) | (
        (word >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
    )
    return (word << np.uint64(32)) | (word >> np.uint64(32))


@compiled
def _small_number(words, position, n):
    """`n` of 8 to 63 bits as a number whose bytes stand with the lowest first, the last of them cut."""
    word = _bits(words, position, n)
    rest = np.uint64(n & 7)
    whole = np.uint64(n) - rest
    low = _swapped((word >> rest) << (np.uint64(64) - whole))
    return low | ((word & ((np.uint64(1) << rest) - np.uint64(1))) << whole)


@compiled
def _long_numbers(words, position, n, size1, size2):
    """Three numbers packed in up to 72 bits, by division of bytes."""
    parts = np.zeros(10, dtype=np.int64)
    count = 0
    while n > 0:
        take = min(n, 8)
        parts[count] = np.int64(_bits(words, position, take))
        position += take
        n -= take
        count += 1
    last = np.int64(0)
    for k in range(count - 1, -1, -1):
        last = (last << 8) | parts[k]
        parts[k] = last // size2
        last -= parts[k] * size2
    middle = np.int64(0)
    for k in range(count - 1, -1, -1):
        middle = (middle << 8) | parts[k]
        parts[k] = middle // size1
        middle -= parts[k] * size1
    first = np.int64(0)
    for k in range(4):
        first |= (parts[k] & 0xFF) << (8 * k)
    return first, middle, last


@compiled
def _bits_of(size):
    """Bits that hold the numbers below `size`."""
    n = 0
    while n < 32 and (np.int64(1) << n) <= size:
        n += 1
    return n


@compiled
def _bits_of_three(size0, size1, size2):
    """Bits that hold the numbers below the product of three sizes of 24 bits."""
    parts = np.zeros(12, dtype=np.int64)
    parts[0] = 1
    count = 1
    for size in (size0, size1, size2):
        carry = np.int64(0)
        for k in range(count):
            carry += parts[k] * size
            parts[k] = carry & 0xFF
            carry >>= 8
        while carry:
            parts[count] = carry & 0xFF
            carry >>= 8
            count += 1
    n, value = 0, np.int64(1)
    while parts[count - 1] >= value:
        n += 1
        value *= 2
    return n + 8 * (count - 1)


@compiled
def _three(words, position, n, size1, size2, inverse1, inverse2):
    """Three numbers that are packed in `n` of 8 to 49 bits.

    A quotient of numbers below 2⁴⁹ is the whole part of (value + 1/2) / size in double precision: the half keeps it
    farther from the next whole number than the rounding can reach.
    """
    value = np.int64(_small_number(words, position, n))
    rest = np.int64((np.float64(value) + 0.5) * inverse2)
    first = np.int64((np.float64(rest) + 0.5) * inverse1)
    return first, rest - first * size1, value - rest * size2


@compiled
def _decode(data, words, at, n_atoms, out):
    """Coordinates of one frame whose header begins at byte `at`; False if they are damaged."""
    scratch = np.zeros(1, dtype=np.uint32)
    inverse = np.float32(1.0) / _float(data, at + 56, scratch)
    low0, low1, low2 = _int(data, at + 60), _int(data, at + 64), _int(data, at + 68)
    size0 = _int(data, at + 72) - low0 + 1
    size1 = _int(data, at + 76) - low1 + 1
    size2 = _int(data, at + 80) - low2 + 1
    small = _int(data, at + 84)
    position = 8 * (at + HEADER_BYTES)
    end = position + 8 * _int(data, at + 88)
    # headers were walked, but a file may change until it is read
    if min(size0, size1, size2) < 1 or not _FIRST_SMALL <= small <= _LAST_SMALL or end > 8 * (len(data) - 16):
        return False
    is_wide = max(size0, size1, size2) > 0xFFFFFF
    bits0 = bits1 = bits2 = full = 0
    if is_wide:
        bits0, bits1, bits2 = _bits_of(size0), _bits_of(size1), _bits_of(size2)
        full = bits0 + bits1 + bits2
    else:
        full = _bits_of_three(size0, size1, size2)
    inverse1, inverse2 = 1.0 / size1, 1.0 / size2
    half = _MAGIC_INTS[small] // 2
    smaller = _MAGIC_INTS[max(_FIRST_SMALL, small - 1)] // 2
    step = _MAGIC_INTS[small]
    inverse_step = 1.0 / step
    run = 0
    i = 0
    o = np.uintp(0)
    while i < n_atoms:
        if position + full > end:
            return False
        if is_wide:
            x = np.int64(_bits(words, position, bits0))
            y = np.int64(_bits(words, position + bits0, bits1))
            z = np.int64(_bits(words, position + bits0 + bits1, bits2))
        elif 8 <= full <= 49:
            x, y, z = _three(words, position, full, size1, size2, inverse1, inverse2)
        else:
            x, y, z = _long_numbers(words, position, full, size1, size2)
        position += full
        x, y, z = x + low0, y + low1, z + low2
        change = 0
        six = np.int64(_bits(words, position, 6))
        if six >= 32:
            run = six - 32
            position += 6
            change = run % 3
            run -= change
            change -= 1
        else:
            position += 1
        if position > end:
            return False
        if run > 0:
            n_run = run // 3
            if i + 1 + n_run > n_atoms or position + n_run * small > end:
                return False
            px, py, pz = x, y, z
            for k in range(n_run):
                if small <= 49:
                    x, y, z = _three(words, position, small, step, step, inverse_step, inverse_step)
                else:
                    x, y, z = _long_numbers(words, position, small, step, step)
                position += small
                x, y, z = x + px - half, y + py - half, z + pz - half
                if k == 0:  # the first two atoms are exchanged, which makes water shorter
                    out[o + np.uintp(0)] = np.float32(x) * inverse
                    out[o + np.uintp(1)] = np.float32(y) * inverse
                    out[o + np.uintp(2)] = np.float32(z) * inverse
                    i += 1
                    o += np.uintp(3)
                    out[o + np.uintp(0)] = np.float32(px) * inverse
                    out[o + np.uintp(1)] = np.float32(py) * inverse
                    out[o + np.uintp(2)] = np.float32(pz) * inverse
                else:
                    out[o + np.uintp(0)] = np.float32(x) * inverse
                    out[o + np.uintp(1)] = np.float32(y) * inverse
                    out[o + np.uintp(2)] = np.float32(z) * inverse
                i += 1
                o += np.uintp(3)
                px, py, pz = x, y, z
        else:
            out[o + np.uintp(0)] = np.float32(x) * inverse
            out[o + np.uintp(1)] = np.float32(y) * inverse
            out[o + np.uintp(2)] = np.float32(z) * inverse
            i += 1
            o += np.uintp(3)
        if change:
            small += change
            if not _FIRST_SMALL <= small <= _LAST_SMALL:
                return False
            if change < 0:
                half = smaller
                smaller = _MAGIC_INTS[small - 1] // 2 if small > _FIRST_SMALL else 0
            else:
                smaller = half
                half = _MAGIC_INTS[small] // 2
            step = _MAGIC_INTS[small]
            inverse_step = 1.0 / step
    return True


@compiled
def decode_frames(data, words, offsets, n_atoms, frames, boxes):
    """Unpack frames.

    Parameters
    ----------
    data : uint8 [n_bytes]
        The bytes of the frames and at least 16 more, a multiple of eight; headers were walked before.
    words : uint64 [n_bytes / 8]
        The same as big-endian words.
    offsets : int64 [n]
        Where the frames begin.
    n_atoms
    frames : float32 [n, n_atoms, 3]
        Out, nm.
    boxes : float32 [n, 3, 3]
        Out, nm.

    Returns
    -------
    int
        Frames that could be unpacked before the first that could not.
    """
    scratch = np.zeros(1, dtype=np.uint32)
    for f in range(len(offsets)):
        at = offsets[f]
        if at + (HEADER_BYTES if n_atoms >= FEWEST_COMPRESSED else 56 + 12 * n_atoms) > len(data):
            return f
        for k in range(9):
            boxes[f, k // 3, k % 3] = _float(data, at + 16 + 4 * k, scratch)
        if n_atoms < FEWEST_COMPRESSED:
            for k in range(3 * n_atoms):
                frames[f, k // 3, k % 3] = _float(data, at + 56 + 4 * k, scratch)
        elif not _decode(data, words, at, n_atoms, frames[f].reshape(3 * n_atoms)):
            return f
    return len(offsets)
