"""Data inside an HTML page: gzip, then base64, so that no text from a file can end a script element."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["byte_planes", "content_hash", "json_bytes", "pack"]


def pack(data: bytes) -> str:
    """Base64 of the gzipped bytes; the same bytes always give the same text."""
    return base64.b64encode(gzip.compress(data, compresslevel=6, mtime=0)).decode("ascii")


def json_bytes(value: Any) -> bytes:
    """Compact UTF-8 JSON of plain Python values; refuses NaN and infinities, which JSON does not have."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")


def byte_planes(values: NDArray[np.int16]) -> bytes:
    """All low bytes, then all high bytes, of int16 values: small numbers compress far better that way."""
    pairs = np.ascontiguousarray(values, dtype="<i2").reshape(-1).view(np.uint8).reshape(-1, 2)
    return pairs.T.tobytes()


def content_hash(text: str) -> str:
    """Source expression of an inline script for a Content-Security-Policy: ``'sha256-…'``."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
