"""Archives that are damaged, or made to do harm."""

from __future__ import annotations

import errno
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.corpus.fetch import archive as archive_module
from unfreeze.corpus.fetch.archive import looks_whole, unpack
from unfreeze.corpus.fetch.remote import safe_path
from unfreeze.errors import InputError


def tar_of(path: Path, *members: tuple[str, bytes, bytes], packed: bool = True) -> Path:
    """A tar file of (name, content, type)."""
    with tarfile.open(path, "w:gz" if packed else "w") as archive:
        for name, content, kind in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = content.decode()
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("packed", [True, False])
def test_tar_files_come_out_as_they_are(tmp_path: Path, packed: bool) -> None:
    path = tar_of(
        tmp_path / "a.tgz",
        ("./PDBs", b"", tarfile.DIRTYPE),
        ("./PDBs/1A22.pdb", b"ATOM", tarfile.REGTYPE),
        ("PDBs/deep/er.txt", b"more", tarfile.REGTYPE),
        packed=packed,
    )
    assert looks_whole(path)
    found = unpack(path, tmp_path / "out", max_bytes=100)
    assert (found.n_files, found.n_bytes) == (2, 8)
    assert (tmp_path / "out" / "PDBs" / "1A22.pdb").read_bytes() == b"ATOM"
    assert (tmp_path / "out" / "PDBs" / "deep" / "er.txt").read_bytes() == b"more"


@pytest.mark.parametrize(
    ("name", "content", "kind", "message"),
    [
        ("../x", b"x", tarfile.REGTYPE, "no path inside"),
        ("/x", b"x", tarfile.REGTYPE, "no path inside"),
        ("x", b"/etc/passwd", tarfile.SYMTYPE, "a link or a special file"),
        ("x", b"good", tarfile.LNKTYPE, "a link or a special file"),
        ("x", b"", tarfile.FIFOTYPE, "a link or a special file"),
        ("x", b"", tarfile.CHRTYPE, "a link or a special file"),
        ("GOOD", b"x", tarfile.REGTYPE, "there twice"),
        ("good/x", b"x", tarfile.REGTYPE, "both a file and a folder"),
        ("big", bytes(1000), tarfile.REGTYPE, "at most 0 MB are allowed"),
    ],
)
def test_tar_members_that_do_harm_leave_nothing(
    tmp_path: Path, name: str, content: bytes, kind: bytes, message: str
) -> None:
    path = tar_of(tmp_path / "a.tgz", ("good", b"x", tarfile.REGTYPE), (name, content, kind))
    with pytest.raises(InputError, match=message):
        unpack(path, tmp_path / "out", max_bytes=500)
    assert {item.name for item in tmp_path.iterdir()} == {"a.tgz"}


def test_zip_links_and_secrets_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="a link or a special file"):
        unpack(tmp_path / "a.zip", tmp_path / "out", max_bytes=500)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("a.txt", "secret")
    content = bytearray((tmp_path / "b.zip").read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(InputError, match="is encrypted"):
        unpack(tmp_path / "b.zip", tmp_path / "out", max_bytes=500)


def test_zip_members_longer_than_they_say_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(100_000))
    content = bytearray((tmp_path / "a.zip").read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = (10).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(InputError, match=r"damaged|announced"):
        unpack(tmp_path / "a.zip", tmp_path / "out", max_bytes=500)
    assert not (tmp_path / "out").exists()


def test_every_damage_is_seen(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.xtc", bytes(range(256)) * 20)
    good = (tmp_path / "a.zip").read_bytes()
    for at in range(100, 5000, 700):
        content = bytearray(good)
        content[at] ^= 4
        (tmp_path / "b.zip").write_bytes(content)
        with pytest.raises(InputError, match="damaged"):
            unpack(tmp_path / "b.zip", tmp_path / "out", max_bytes=10**6)
    for end in (10, 1000, len(good) - 5):
        (tmp_path / "b.zip").write_bytes(good[:end])
        assert not looks_whole(tmp_path / "b.zip")
    path = tar_of(tmp_path / "a.tgz", ("x", bytes(range(256)) * 50, tarfile.REGTYPE))
    path.write_bytes(path.read_bytes()[:-10])
    assert not looks_whole(path)
    with pytest.raises(InputError, match="damaged"):
        unpack(path, tmp_path / "out", max_bytes=10**6)


def test_an_archive_that_cannot_be_read_is_not_called_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tar_of(tmp_path / "a.tgz", ("x", b"1" * 5000, tarfile.REGTYPE))
    assert looks_whole(path)
    with pytest.raises(InputError, match="cannot be read"):
        looks_whole(tmp_path / "none.tgz")

    def fails(*arguments: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(archive_module, "_read_through", fails)
    with pytest.raises(InputError, match="Input/output error"):
        looks_whole(path)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("./\\aA:\0 ~é\n"), max_size=12))
def test_a_safe_path_stays_inside(name: str) -> None:
    try:
        path = safe_path(name)
    except InputError:
        return
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert Path("/a/b").joinpath(*path.parts).resolve().is_relative_to("/a/b")
    assert str(path) == name
