"""Put a single flipped bit right again, which is what ageing disks and bad memory do most often.

The checksum decides: every way to flip one bit is tried until it fits, for short texts by their SHA-256, for blocks of
frames by the linearity of CRC-32, where the difference of two checksums tells the place of the bit.
"""

from __future__ import annotations

import hashlib
import zlib

__all__ = ["mend_block", "mend_sealed"]

_POLYNOMIAL = 0xEDB88320
_MOST_SEALED = 2**16


def mend_block(data: bytes, crc: int) -> bytes | None:
    """The block with one bit flipped so that its CRC-32 is `crc`; None if no single bit explains the difference."""
    wanted = zlib.crc32(data) ^ crc
    change = zlib.crc32(b"\x80") ^ zlib.crc32(b"\x00")  # that flipping the last bit makes
    for place in range(8 * len(data) - 1, -1, -1):
        if change == wanted:
            mended = bytearray(data)
            mended[place >> 3] ^= 1 << (place & 7)
            return bytes(mended)
        change = (change >> 1) ^ (_POLYNOMIAL if change & 1 else 0)
    return None


def mend_sealed(data: bytes, key: str) -> bytes | None:
    """Sealed JSON with one bit flipped so that its checksum fits; None if no single bit does, or if it is long."""
    head = len(b'{"sha256": "') + 64 + len(b'",\n"') + len(key) + len(b'": ')
    if not head + 2 <= len(data) <= _MOST_SEALED:
        return None

    def whole(body: bytes) -> bytes:
        return b'{"sha256": "%s",\n"%s": %s}\n' % (hashlib.sha256(body).hexdigest().encode(), key.encode(), body)

    body = data[head:-2]
    intact = whole(body)
    if _n_different_bits(intact, data) <= 1:  # it is in the frame around the document
        return intact
    stated = data[12:76]
    start = hashlib.sha256()
    for i in range(len(body)):
        rest = body[i + 1 :]
        for bit in range(8):
            trial = start.copy()
            trial.update(bytes([body[i] ^ 1 << bit]))
            trial.update(rest)
            if trial.hexdigest().encode() == stated:
                return whole(body[:i] + bytes([body[i] ^ 1 << bit]) + rest)
        start.update(body[i : i + 1])
    return None


def _n_different_bits(first: bytes, second: bytes) -> int:
    if len(first) != len(second):
        return 8 * max(len(first), len(second))
    return (int.from_bytes(first, "big") ^ int.from_bytes(second, "big")).bit_count()
