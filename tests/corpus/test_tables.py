from __future__ import annotations

import gzip
import lzma

import pytest

from unfreeze.corpus import tables
from unfreeze.corpus.tables import number, read_fasta, read_table
from unfreeze.errors import InputError

TEXT = "name;value\none;1.5\ntwo;2e-3\n"


@pytest.mark.parametrize(("ending", "opener"), [("", open), (".gz", gzip.open), (".xz", lzma.open)])
def test_plain_and_compressed_tables_are_read_alike(tmp_path, ending, opener):
    path = tmp_path / f"table.csv{ending}"
    with opener(path, "wb") as stream:
        stream.write(b"\xef\xbb\xbf" + TEXT.encode())
    rows = list(read_table(path, columns=("name",), delimiter=";"))
    assert rows == [(2, {"name": "one", "value": "1.5"}), (3, {"name": "two", "value": "2e-3"})]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name\n1\n", "no column value.*found name"),
        ("", "found nothing"),
        ("name,value\n1\n", "line 2: 1 fields, and the header has 2"),
        ("<html><body>not found</body></html>\n", "no column"),
    ],
)
def test_other_tables_are_refused_by_line_and_column(tmp_path, text, words):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        list(read_table(path, columns=("name", "value")))


def test_damaged_and_endless_files_are_refused(tmp_path, monkeypatch):
    whole = lzma.compress(b"name,value\n" + b"a,1\n" * 100_000)
    path = tmp_path / "table.csv.xz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut short or damaged"):
        list(read_table(path, columns=("name",)))
    path.write_bytes(b"\x00 no xz")
    with pytest.raises(InputError, match="cut short or damaged"):
        list(read_table(path, columns=("name",)))
    plain = tmp_path / "table.csv"
    plain.write_bytes(b"name,value\n\xff\xfe,1\n")
    with pytest.raises(InputError, match="not UTF-8"):
        list(read_table(plain, columns=("name",)))
    monkeypatch.setattr(tables, "_MOST_BYTES", 1000)
    path.write_bytes(whole)
    with pytest.raises(InputError, match="when unpacked"):
        list(read_table(path, columns=("name",)))
    with pytest.raises(InputError, match="cannot be read"):
        list(read_table(tmp_path / "absent.csv", columns=("name",)))


def test_numbers_are_finite(tmp_path):
    assert number(" 1e-3 ", tmp_path, 2, "x") == 1e-3
    assert number("", tmp_path, 2, "x") is None
    for text in ("nan", "inf", "abc", "-inf"):
        with pytest.raises(InputError, match="line 2, column x"):
            number(text, tmp_path, 2, "x")


def test_fasta(tmp_path):
    path = tmp_path / "s.fasta"
    path.write_text(">1ABC-A one\nMKV\nLL\n\n>2ABC-B\nGG\n")
    assert list(read_fasta(path)) == [("1ABC-A one", "MKVLL"), ("2ABC-B", "GG")]
    path.write_text("MKV\n")
    with pytest.raises(InputError, match="begins with '>'"):
        list(read_fasta(path))
