"""A complex as ``topology.npz``, read in milliseconds, and as ``topology.cif``, for people and other programs.

The archive holds plain arrays only: nothing in it is ever unpickled, and sizes are checked before memory is taken.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
import zlib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.corpus.store.sealed import DamagedCorpusError, read_bytes
from unfreeze.structure.complex import Complex, Source
from unfreeze.structure.read import read_complex
from unfreeze.structure.writing.write_cif import write_cif

__all__ = ["complex_of_cif", "pack_complex", "read_topology_npz", "topology_files"]

_MOST_BYTES = 2**31
_ARRAYS = tuple(item.name for item in fields(Complex) if item.name != "source")


def topology_files(complex: Complex) -> dict[str, bytes]:
    """Contents of the files of a topology, by name."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "topology.cif"
        write_cif(path, complex)
        return {"topology.cif": path.read_bytes(), "topology.npz": pack_complex(complex)}


def pack_complex(complex: Complex) -> bytes:
    """All arrays of a complex and its source as an uncompressed archive; the same complex gives the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in _ARRAYS:
            member = io.BytesIO()
            array = np.ascontiguousarray(getattr(complex, name))
            np.lib.format.write_array(member, array.astype(array.dtype.newbyteorder("<")), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue())
        text = json.dumps(asdict(complex.source), ensure_ascii=False).encode()
        archive.writestr(zipfile.ZipInfo("source.json"), text)
    return buffer.getvalue()


def read_topology_npz(path: Path, sha256: str | None = None) -> Complex:
    """Read ``topology.npz``.

    Parameters
    ----------
    path
        The file.
    sha256
        What its checksum should be.

    Raises
    ------
    DamagedCorpusError
        If it is absent, changed, or no such archive.
    """
    data = read_bytes(path)
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise DamagedCorpusError(
            f"{path}: its checksum is not the one in the manifest. Run `unfreeze corpus repair`, which makes it again "
            "from topology.cif, or copy the entry again."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(item.file_size for item in archive.infolist()) > _MOST_BYTES:
                raise ValueError("too large")
            arrays: dict[str, Any] = {name: _array(archive.read(f"{name}.npy")) for name in _ARRAYS}
            source = json.loads(archive.read("source.json"))
        known = {item.name for item in fields(Source)}
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in source.items() if k in known}
        return Complex(**arrays, source=Source(**values))
    except (
        zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError, EOFError, NotImplementedError, OSError
    ) as error:  # fmt: skip
        raise DamagedCorpusError(f"{path}: not a topology of a corpus ({error}). Copy the entry again.") from None


def complex_of_cif(path: Path) -> Complex:
    """The complex in ``topology.cif``, with every atom that is in it.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    return read_complex(path, keep_hydrogens=True, keep_waters=True)


def _array(data: bytes) -> NDArray[Any]:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version != (1, 0):
        raise ValueError(f"array format {version}")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.kind not in "biufU" or fortran:
        raise ValueError(f"array of the type {dtype}")
    count = int(np.prod(shape, dtype=object))
    if count * dtype.itemsize != len(data) - stream.tell():
        raise ValueError("array cut short")
    array = np.frombuffer(data, dtype=dtype, offset=stream.tell(), count=count) if count else np.empty(0, dtype)
    return array.reshape(shape).astype(dtype.newbyteorder("="), copy=False)
