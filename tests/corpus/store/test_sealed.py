"""Not one bit of sealed JSON can change unnoticed, and a single one is put right."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import pytest

from unfreeze.corpus.store import DamagedCorpusError
from unfreeze.corpus.store.flipped_bit import mend_block, mend_sealed
from unfreeze.corpus.store.sealed import check_sealed, read_sealed, seal, unseal, write_sealed
from unfreeze.corpus.store.topology_file import pack_complex, read_topology_npz
from unfreeze.structure.complex import Complex

DOCUMENT = {"a": [1, 2.5, None, "Å"], "b": {"c": True}}


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


def test_every_single_bit_is_found_and_put_right() -> None:
    data = seal("split", DOCUMENT)
    assert unseal(data, "split", "x") == DOCUMENT
    for bit in range(8 * len(data)):
        damaged = flipped(data, bit)
        with pytest.raises(DamagedCorpusError, match="x: its checksum does not fit"):
            unseal(damaged, "split", "x")
        with pytest.raises(DamagedCorpusError):
            check_sealed(damaged, "x")
        assert mend_sealed(damaged, "split") == data
    assert mend_sealed(flipped(flipped(data, 900), 1000), "split") is None
    assert mend_sealed(b"", "split") is None


@pytest.mark.parametrize("other", [b"", b"\n", b"{}", b"[1]\n", b"\x80\x04K\x01.", seal("index", DOCUMENT)])
def test_other_files_are_not_taken_for_sealed_ones(other: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(other)
    with pytest.raises(DamagedCorpusError, match=r"a\.json"):
        read_sealed(tmp_path / "a.json", "split")


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    write_sealed(tmp_path / "a.json", "split", {"x": float("nan"), "y": np.float32(1.5), "z": np.arange(2)})
    assert read_sealed(tmp_path / "a.json", "split") == {"x": None, "y": 1.5, "z": [0, 1]}
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(DamagedCorpusError, match="No such file"):
        read_sealed(tmp_path / "b.json", "split")


def test_blocks_are_mended_by_their_crc() -> None:
    data = np.random.default_rng(0).bytes(5000)
    for bit in (0, 7, 8, 20_001, 8 * 5000 - 1):
        assert mend_block(flipped(data, bit), zlib.crc32(data)) == data
    assert mend_block(flipped(flipped(data, 3), 30_000), zlib.crc32(data)) is None
    assert mend_block(b"", 1) is None


def test_topologies_are_never_unpickled(tmp_path: Path, peptide: Complex) -> None:
    path = tmp_path / "topology.npz"
    data = pack_complex(peptide)
    assert data == pack_complex(peptide)
    path.write_bytes(data)
    assert np.array_equal(read_topology_npz(path).links, peptide.links)
    # what is refused: objects, another version of the format, a shape that promises more than there is, no archive
    np.savez(path, **{name: np.array([os.system], dtype=object) for name in ("coordinates_nm", "atom_name")})
    with pytest.raises(DamagedCorpusError):
        read_topology_npz(path)
    for old, new in ((b"NUMPY\x01", b"NUMPY\x03"), (b"(20, 3)", b"(99, 3)"), (b"PK", b"QK")):
        assert old in data
        path.write_bytes(data.replace(old, new))
        with pytest.raises(DamagedCorpusError, match="not a topology"):
            read_topology_npz(path)
