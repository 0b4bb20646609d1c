"""Fetching against a server that replays the layouts of the sets and misbehaves in every way that servers do."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from unfreeze.corpus.fetch import SETS, FetchReport, fetch, plan
from unfreeze.corpus.fetch.record import RECORD_NAME
from unfreeze.errors import InputError

HDF5 = b"\x89HDF\r\n\x1a\n"
XTC = b"\x00\x00\x07\xcb"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def atlas_zip(identifier: str, size: int = 50_000) -> bytes:
    runs = {f"{identifier}_prod_R{k}_fit.xtc": XTC + os.urandom(size) for k in (1, 2, 3)}
    return zipped({f"{identifier}.pdb": b"ATOM\n", "README.txt": b"hello", **runs})


def get(web: Any, name: str, ids: list[str], folder: Path, **more: Any) -> FetchReport:
    more.setdefault("base_url", web.url)
    return fetch(name, ids, folder, backoff_s=0.0, timeout_s=5.0, **more)


def record(folder: Path) -> dict[str, Any]:
    lines = [json.loads(line) for line in (folder / RECORD_NAME).read_text().splitlines()]
    return {line["path"]: line for line in lines[1:]}


def names(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.name != ".fetch.lock"
    }


def test_atlas_archives_are_unpacked_and_the_second_run_asks_for_nothing(web: Any, tmp_path: Path) -> None:
    for identifier in ("16pk_A", "1a62_A", "7buy_A"):
        web.files[f"/api/ATLAS/protein/{identifier}"] = atlas_zip(identifier)
    seen = []
    report = get(web, "atlas", ["16pk_A", "1a62_A", "7buy_A"], tmp_path, on_progress=seen.append)
    assert sorted(report.fetched) == ["16pk_A_protein.zip", "1a62_A_protein.zip", "7buy_A_protein.zip"]
    assert not report.failed
    assert (tmp_path / "16pk_A" / "16pk_A_prod_R3_fit.xtc").read_bytes().startswith(XTC)
    assert not list(tmp_path.glob("*.zip")), "archives go once they are unpacked"
    assert seen[-1].n_files == seen[-1].n_files_total == 3
    asked = len(web.requests)
    again = get(web, "atlas", ["16pk_A", "1a62_A", "7buy_A"], tmp_path)
    assert len(again.present) == 3
    assert not again.fetched
    assert len(web.requests) == asked


def test_atlas_other_parts_and_routes_have_their_own_addresses() -> None:
    def url(**options: str) -> str:
        return plan("atlas", ["16pk_A"], options=options)[0].url

    assert url() == "https://www.dsimb.inserm.fr/ATLAS/api/ATLAS/protein/16pk_A"
    assert url(part="analysis", collection="DPF") == "https://www.dsimb.inserm.fr/ATLAS/api/DPF/analysis/16pk_A"
    assert url(route="static") == "https://www.dsimb.inserm.fr/ATLAS/database/ATLAS/16pk_A/16pk_A_protein.zip"


def test_archives_can_be_kept(web: Any, tmp_path: Path) -> None:
    web.files["/api/ATLAS/protein/16pk_A"] = atlas_zip("16pk_A")
    get(web, "atlas", ["16pk_A"], tmp_path, keep_archives=True)
    assert (tmp_path / "16pk_A_protein.zip").is_file()


def test_a_dropped_connection_is_resumed_as_often_as_it_brings_something(web: Any, tmp_path: Path) -> None:
    path = "/api/ATLAS/protein/16pk_A"
    web.files[path] = atlas_zip("16pk_A", 400_000)
    web.behaviours[path] = ["drop"] * 8 + ["plain"]
    report = get(web, "atlas", ["16pk_A"], tmp_path)
    assert not report.failed
    starts = [int(headers["Range"][6:-1]) for _, headers in web.requests if "Range" in headers]
    assert len(starts) == 8
    assert starts == sorted(starts)
    assert report.n_bytes < 1.05 * len(web.files[path]), "what had arrived is not fetched again"


def test_without_resumption_a_server_that_always_breaks_is_given_up(web: Any, tmp_path: Path) -> None:
    web.resumable = False
    path = "/api/ATLAS/protein/16pk_A"
    web.files[path] = atlas_zip("16pk_A", 400_000)
    web.behaviours[path] = ["drop"]
    report = get(web, "atlas", ["16pk_A"], tmp_path)
    assert "after 4 attempts" in report.failed["16pk_A_protein.zip"]
    assert len(web.requests) <= 6


def test_a_later_run_goes_on_where_the_first_broke_off(web: Any, tmp_path: Path) -> None:
    path = "/api/ATLAS/protein/16pk_A"
    web.files[path] = atlas_zip("16pk_A", 400_000)
    web.behaviours[path] = ["drop", "503"]
    assert get(web, "atlas", ["16pk_A"], tmp_path).failed
    web.behaviours[path] = ["plain"]
    report = get(web, "atlas", ["16pk_A"], tmp_path)
    assert report.fetched
    assert report.n_bytes < 0.6 * len(web.files[path])


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("page", "an HTML page"),
        ("message", "a message in JSON"),
        ("404", "there is no file for 16pk_A"),
        ("403", "403"),
        ("503", "503"),
        ("long", "the connection broke"),
    ],
)
def test_what_is_no_data_is_refused_and_does_not_stop_the_others(
    web: Any, tmp_path: Path, behaviour: str, message: str
) -> None:
    for identifier in ("16pk_A", "1a62_A"):
        web.files[f"/api/ATLAS/protein/{identifier}"] = atlas_zip(identifier)
    web.behaviours["/api/ATLAS/protein/16pk_A"] = [behaviour]
    report = get(web, "atlas", ["16pk_A", "1a62_A"], tmp_path, workers=1)
    assert report.fetched == ["1a62_A_protein.zip"]
    assert message in report.failed["16pk_A_protein.zip"]
    assert not (tmp_path / "16pk_A").exists()
    assert not (tmp_path / "16pk_A_protein.zip").exists()


def test_something_else_in_place_of_an_archive_is_refused(web: Any, tmp_path: Path) -> None:
    web.files["/api/ATLAS/protein/16pk_A"] = b"quota exceeded, come back tomorrow"
    report = get(web, "atlas", ["16pk_A"], tmp_path)
    assert "begins with" in report.failed["16pk_A_protein.zip"]


def test_a_truncated_archive_is_fetched_again(web: Any, tmp_path: Path) -> None:
    web.resumable = False
    path = "/api/ATLAS/protein/16pk_A"
    web.files[path] = atlas_zip("16pk_A")[:-40]
    report = get(web, "atlas", ["16pk_A"], tmp_path)
    assert "damaged or incomplete" in report.failed["16pk_A_protein.zip"]
    assert web.paths.count(path) == 4


def test_a_server_that_asks_to_wait_is_obeyed_by_all(web: Any, tmp_path: Path) -> None:
    for identifier in ("16pk_A", "1a62_A"):
        web.files[f"/api/ATLAS/protein/{identifier}"] = atlas_zip(identifier)
    web.behaviours["/api/ATLAS/protein/16pk_A"] = ["wait", "plain"]
    begin = time.monotonic()
    report = get(web, "atlas", ["16pk_A", "1a62_A"], tmp_path, workers=1)
    assert len(report.fetched) == 2
    assert time.monotonic() - begin >= 1.0


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"../evil.txt": b"x"}, "no path inside a folder"),
        ({"/etc/evil": b"x"}, "no path inside a folder"),
        ({"a/../../evil": b"x"}, "no path inside a folder"),
        ({"C:evil": b"x"}, "no path inside a folder"),
        ({"a\\evil": b"x"}, "no path inside a folder"),
        ({"A.pdb": b"x", "a.pdb": b"y"}, "there twice"),
    ],
)
def test_archives_with_evil_names_are_refused_whole(
    web: Any, tmp_path: Path, members: dict[str, bytes], message: str
) -> None:
    web.files["/api/ATLAS/protein/16pk_A"] = zipped({"good.pdb": b"ATOM\n", **members})
    report = get(web, "atlas", ["16pk_A"], tmp_path / "in" / "here")
    assert message in report.failed["16pk_A_protein.zip"]
    assert not list(tmp_path.rglob("evil*"))
    assert not (tmp_path / "in" / "here" / "16pk_A").exists()


def test_an_archive_that_unpacks_beyond_all_measure_is_refused(web: Any, tmp_path: Path) -> None:
    web.files["/api/ATLAS/protein/16pk_A"] = zipped({"bomb.xtc": bytes(5_000_000)})
    report = get(web, "atlas", ["16pk_A"], tmp_path, max_bytes=1_000_000)
    assert "unpacks to 5 MB or more, at most 1 MB" in report.failed["16pk_A_protein.zip"]


def test_hub_files_are_checked_against_the_digest_in_the_redirection(web: Any, tmp_path: Path) -> None:
    good, bad = HDF5 + os.urandom(50_000), HDF5 + os.urandom(50_000)
    for identifier, content, digest in (("1aabA00", good, good), ("1abcA00", bad, good)):
        path = f"/datasets/compsciencelab/mdCATH/resolve/main/data/mdcath_dataset_{identifier}.h5"
        web.files[path] = content
        web.behaviours[path] = ["away"]
        web.linked[path] = hashlib.sha256(digest).hexdigest()
    report = get(web, "mdcath", ["1aabA00", "1abcA00"], tmp_path)
    assert report.fetched == ["mdcath_dataset_1aabA00.h5"]
    assert "its sha256 is" in report.failed["mdcath_dataset_1abcA00.h5"]
    assert names(tmp_path) == {"mdcath_dataset_1aabA00.h5", RECORD_NAME}
    assert record(tmp_path)["mdcath_dataset_1aabA00.h5"]["sha256"] == hashlib.sha256(good).hexdigest()


def test_hub_listings_are_read_page_by_page(web: Any, tmp_path: Path) -> None:
    tree = "/api/datasets/compsciencelab/mdCATH/tree/main/data"
    pages = [["1aabA00", "1abcA00"], ["1xyzB02"]]
    for number, domains in enumerate(pages):
        items = [{"type": "file", "path": f"data/mdcath_dataset_{name}.h5", "size": 9} for name in domains]
        items.append({"type": "directory", "path": "data/more"})
        web.files[tree + ("?cursor=next" if number else "")] = json.dumps(items).encode()
    web.links[tree] = '<http://elsewhere.invalid/api?cursor=next&limit=1000>; rel="next"'
    found = plan("mdcath", base_url=web.url, backoff_s=0.0)
    assert [file.identifier for file in found] == ["1aabA00", "1abcA00", "1xyzB02"]


def test_a_hub_listing_with_evil_names_is_refused(web: Any) -> None:
    tree = "/api/datasets/compsciencelab/mdCATH/tree/main/data"
    web.files[tree] = json.dumps([{"type": "file", "path": "../mdcath_dataset_1aabA00.h5", "size": 1}]).encode()
    with pytest.raises(InputError, match="no path inside a folder"):
        plan("mdcath", base_url=web.url)


def test_timewarp_takes_the_pairs_that_are_whole(web: Any, tmp_path: Path) -> None:
    base = "4AA-large/test"
    arrays = zipped({"positions.npy": b"\x93NUMPY"})
    listed = {"AAAY-traj-state0.pdb": b"ATOM\n", "AAAY-traj-arrays.npz": arrays, "AASK-traj-state0.pdb": b"ATOM\n"}
    items = [{"type": "file", "path": f"{base}/{name}", "size": len(content)} for name, content in listed.items()]
    web.files[f"/api/datasets/microsoft/timewarp/tree/main/{base}"] = json.dumps(items).encode()
    for name, content in listed.items():
        web.files[f"/datasets/microsoft/timewarp/resolve/main/{base}/{name}"] = content
    report = get(web, "timewarp", [], tmp_path, options={"split": "test"})
    assert not report.failed
    assert names(tmp_path) == {f"{base}/AAAY-traj-arrays.npz", f"{base}/AAAY-traj-state0.pdb", RECORD_NAME}
    report = get(web, "timewarp", ["AASK"], tmp_path, options={"split": "test"})
    assert "there is no file for AASK" in report.failed[f"{base}/AASK-traj-arrays.npz"]


def test_mdgen_keeps_the_layout_of_the_set(web: Any, tmp_path: Path) -> None:
    root = "/datasets/bjing-mit/tetrapeptide-sims/resolve/main/4AA_sims/FLRH/FLRH"
    web.files[f"{root}.pdb"], web.files[f"{root}.xtc"] = b"ATOM\n", XTC + bytes(100)
    assert not get(web, "mdgen", ["FLRH"], tmp_path).failed
    assert names(tmp_path) == {"4AA_sims/FLRH/FLRH.pdb", "4AA_sims/FLRH/FLRH.xtc", RECORD_NAME}


def zenodo(web: Any, number: str, files: dict[str, bytes], wrong: str = "") -> None:
    listed = [
        {"key": key, "size": len(content), "checksum": "md5:" + hashlib.md5(content + wrong.encode()).hexdigest()}
        for key, content in files.items()
    ]
    document = {"files": listed, "metadata": {"license": {"id": "cc-by-4.0"}}}
    web.files[f"/api/records/{number}"] = json.dumps(document).encode()
    for key, content in files.items():
        web.files[f"/api/records/{number}/files/{key}/content"] = content


def test_zenodo_records_give_length_digest_and_licence(web: Any, tmp_path: Path) -> None:
    zenodo(web, "7711953", {"MD.hdf5": HDF5 + os.urandom(1000), "QM.hdf5": HDF5})
    assert get(web, "misato", [], tmp_path).fetched == ["MD.hdf5"]
    assert record(tmp_path)["MD.hdf5"]["licence"] == "cc-by-4.0"
    with pytest.raises(InputError, match=r"no file 'MD\.h5'; it has MD\.hdf5, QM\.hdf5"):
        get(web, "misato", ["MD.h5"], tmp_path)


def test_a_file_other_than_published_is_refused(web: Any, tmp_path: Path) -> None:
    zenodo(web, "7711953", {"MD.hdf5": HDF5 + os.urandom(1000)}, wrong="x")
    assert "its md5 is" in get(web, "misato", [], tmp_path).failed["MD.hdf5"]
    zenodo(web, "7711953", {"MD.hdf5": HDF5 + os.urandom(1000)})
    web.files["/api/records/7711953/files/MD.hdf5/content"] += b"more"
    assert "1008 are published" in get(web, "misato", [], tmp_path).failed["MD.hdf5"]
    assert "MD.hdf5" not in names(tmp_path)


def test_bioemu_archives_are_unpacked_under_their_own_folder(web: Any, tmp_path: Path) -> None:
    systems = {f"ONE_cath1/cath1_1b43A02/{name}": b"{}" for name in ("dataset.json", "topology.pdb")}
    zenodo(web, "15629740", {"ONE_cath1.zip": zipped(systems), "MSR_cath2.zip": b"PK\x03\x04"})
    assert not get(web, "bioemu", ["cath1"], tmp_path).failed
    assert (tmp_path / "ONE_cath1" / "cath1_1b43A02" / "topology.pdb").is_file()
    assert get(web, "bioemu", ["cath1"], tmp_path).present == ["ONE_cath1.zip"]
    with pytest.raises(InputError, match=r"no part 'cath3'; its parts: octapeptides \(0\.5 GB\)"):
        get(web, "bioemu", ["cath3"], tmp_path)


def mddb_project(web: Any, n_frames: int = 5, n_atoms: int = 4, replicas: int = 2) -> bytes:
    atoms = b"".join(b"ATOM  %5d\n" % k for k in range(n_atoms))
    body = os.urandom(n_frames * n_atoms * 12)
    project = {"accession": "A00F8", "mdcount": replicas, "totalFrames": n_frames * replicas, "metadata": {"FF": ["x"]}}
    for name in ("A00F8", "A00F8.1", "A00F8.2"):
        web.files[f"/projects/{name}"] = json.dumps(project).encode()
        web.files[f"/projects/{name}/structure"] = atoms
        web.files[f"/projects/{name}/trajectory?frames=1:{n_frames}:1"] = body
        web.files[f"/projects/{name}/trajectory?frames=1:5:2"] = body[: 3 * n_atoms * 12]
    return body


def test_mddb_replicas_become_folders(web: Any, tmp_path: Path) -> None:
    body = mddb_project(web)
    report = get(web, "mddb", ["A00F8"], tmp_path)
    assert not report.failed
    for replica in ("A00F8.1", "A00F8.2"):
        folder = tmp_path / replica
        assert (folder / "trajectory.bin").read_bytes() == body
        assert json.loads((folder / "trajectory.json").read_text()) == {
            "n_frames": 5,
            "n_atoms": 4,
            "frames": "1:5:1",
            "unit": "angstrom",
        }
        assert names(folder) == {"trajectory.bin", "trajectory.json", "structure.pdb", "project.json"}
    assert not get(web, "mddb", ["A00F8"], tmp_path).fetched
    get(web, "mddb", ["A00F8.1"], tmp_path, options={"frames": "1:5:2"})
    assert len((tmp_path / "A00F8.1" / "trajectory.bin").read_bytes()) == 3 * 4 * 12


def test_mddb_windows_are_put_together(web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unfreeze.corpus.fetch import mddb

    body = mddb_project(web, replicas=1)
    monkeypatch.setattr(mddb, "WINDOW_BYTES", 2 * 4 * 12)
    for begin, end in ((1, 2), (3, 4), (5, 5)):
        piece = body[(begin - 1) * 48 : end * 48]
        web.files[f"/projects/A00F8.1/trajectory?frames={begin}:{end}:1"] = piece
    web.behaviours["/projects/A00F8.1/trajectory?frames=3:4:1"] = ["502"]
    report = get(web, "mddb", ["A00F8"], tmp_path)
    assert "not all pieces" in report.failed["A00F8.1/trajectory.bin"]
    assert not (tmp_path / "A00F8.1" / "trajectory.bin").exists()
    web.behaviours.clear()
    asked = len(web.requests)
    report = get(web, "mddb", ["A00F8"], tmp_path)
    assert not report.failed
    assert (tmp_path / "A00F8.1" / "trajectory.bin").read_bytes() == body
    assert [path for path in web.paths[asked:] if "frames" in path] == ["/projects/A00F8.1/trajectory?frames=3:4:1"]


def test_mddb_windows_that_come_short_are_refused(web: Any, tmp_path: Path) -> None:
    mddb_project(web, replicas=1)
    web.files["/projects/A00F8.1/trajectory?frames=1:5:1"] += b"\0" * 12
    report = get(web, "mddb", ["A00F8.1"], tmp_path)
    assert "252 bytes, 240 are published" in report.failed["A00F8.1/.trajectory.00000000.bin"]


def test_mddb_without_a_number_of_frames_asks_for_it(web: Any, tmp_path: Path) -> None:
    mddb_project(web, replicas=1)
    web.files["/projects/A00F8.1"] = b"{}"
    with pytest.raises(InputError, match="does not say how many frames"):
        get(web, "mddb", ["A00F8.1"], tmp_path)
    assert not get(web, "mddb", ["A00F8.1"], tmp_path, options={"frames": "1:5:1"}).failed


def test_the_size_of_a_run_is_bounded(web: Any, tmp_path: Path) -> None:
    zenodo(web, "7711953", {"MD.hdf5": HDF5 + os.urandom(100_000)})
    report = get(web, "misato", [], tmp_path, max_bytes=50_000)
    assert "has 0.1 MB, and a run may fetch 0.1 MB in all" in report.failed["MD.hdf5"]
    assert "/api/records/7711953/files/MD.hdf5/content" not in web.paths
    for identifier in ("16pk_A", "1a62_A"):
        web.files[f"/api/ATLAS/protein/{identifier}"] = zipped({"x": os.urandom(300_000)})
    report = get(web, "atlas", ["16pk_A", "1a62_A"], tmp_path / "atlas", max_bytes=400_000, workers=1)
    assert report.fetched == ["16pk_A_protein.zip"]
    assert "that a run may fetch were reached" in report.failed["1a62_A_protein.zip"]
    report = get(web, "atlas", ["16pk_A", "1a62_A"], tmp_path / "atlas", workers=1)
    assert report.fetched == ["1a62_A_protein.zip"]
    assert report.n_bytes < 300_000, "the part that had arrived was kept"


def test_what_the_user_put_there_is_not_overwritten(web: Any, tmp_path: Path) -> None:
    content = HDF5 + os.urandom(1000)
    zenodo(web, "7711953", {"MD.hdf5": content})
    (tmp_path / "MD.hdf5").write_bytes(b"mine")
    assert "is there, but was not fetched" in get(web, "misato", [], tmp_path).failed["MD.hdf5"]
    assert (tmp_path / "MD.hdf5").read_bytes() == b"mine"
    (tmp_path / "MD.hdf5").write_bytes(content)
    asked = len(web.requests)
    assert get(web, "misato", [], tmp_path).fetched == ["MD.hdf5"], "the same bytes, brought by hand, are taken"
    assert web.paths[asked:] == ["/api/records/7711953"]
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "16pk_A").mkdir()
    web.files["/api/ATLAS/protein/16pk_A"] = atlas_zip("16pk_A")
    assert "was not unpacked from" in get(web, "atlas", ["16pk_A"], tmp_path / "a").failed["16pk_A_protein.zip"]


def test_what_was_changed_or_lost_is_fetched_again(web: Any, tmp_path: Path) -> None:
    web.files["/api/ATLAS/protein/16pk_A"] = atlas_zip("16pk_A")
    zenodo(web, "7711953", {"MD.hdf5": HDF5 + os.urandom(1000)})
    get(web, "atlas", ["16pk_A"], tmp_path / "a")
    get(web, "misato", [], tmp_path / "m")
    (tmp_path / "a" / "16pk_A" / "16pk_A_prod_R1_fit.xtc").unlink()
    (tmp_path / "m" / "MD.hdf5").write_bytes(b"short")
    assert get(web, "atlas", ["16pk_A"], tmp_path / "a").fetched
    assert (tmp_path / "a" / "16pk_A" / "16pk_A_prod_R1_fit.xtc").is_file()
    assert (tmp_path / "a" / "16pk_A.before-1" / "16pk_A.pdb").is_file(), "what was left is kept"
    assert get(web, "misato", [], tmp_path / "m").fetched
    assert (tmp_path / "m" / "MD.hdf5").stat().st_size == 1008


def test_a_torn_last_line_of_the_record_is_dropped(web: Any, tmp_path: Path) -> None:
    zenodo(web, "7711953", {"MD.hdf5": HDF5})
    get(web, "misato", [], tmp_path)
    with (tmp_path / RECORD_NAME).open("ab") as stream:
        stream.write(b'{"path": "oth')
    assert get(web, "misato", [], tmp_path).present == ["MD.hdf5"]
    (tmp_path / RECORD_NAME).write_bytes(b"nonsense\n")
    with pytest.raises(InputError, match="cannot be read"):
        get(web, "misato", [], tmp_path)


def test_one_folder_one_set_and_one_fetch_at_a_time(web: Any, tmp_path: Path) -> None:
    from filelock import FileLock

    zenodo(web, "7711953", {"MD.hdf5": HDF5})
    get(web, "misato", [], tmp_path)
    with pytest.raises(InputError, match="holds the set 'misato', not 'atlas'"):
        get(web, "atlas", ["16pk_A"], tmp_path)
    with FileLock(tmp_path / ".fetch.lock"), pytest.raises(InputError, match="another fetch"):
        get(web, "misato", [], tmp_path)


@pytest.mark.parametrize(
    ("name", "ids", "options", "message"),
    [
        ("nothing", [], {}, "no set 'nothing' to fetch; there are: atlas"),
        ("atlas", ["../../etc"], {}, "is no id of atlas; expected something like 16pk_A"),
        ("atlas", [], {}, "has no list of its entries"),
        ("atlas", ["16pk_A"], {"part": "all"}, "expected one of protein, analysis, total"),
        ("atlas", ["16pk_A"], {"colour": "red"}, "has no option 'colour'"),
        ("timewarp", ["AA/../B"], {}, "is no id of timewarp"),
        ("timewarp", ["AAAY"], {"subset": "../.."}, "no path inside a folder"),
    ],
)
def test_mistakes_are_named(name: str, ids: list[str], options: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        fetch(name, ids, tmp_path, options=options)


def test_stopping_keeps_what_has_arrived(web: Any, tmp_path: Path) -> None:
    path = "/api/ATLAS/protein/16pk_A"
    web.files[path] = zipped({"x": os.urandom(3_000_000)}, zipfile.ZIP_STORED)
    event = threading.Event()
    report = get(
        web, "atlas", ["16pk_A", "1a62_A"], tmp_path, workers=1, should_stop=event.is_set,
        on_progress=lambda progress: event.set() if progress.n_bytes > 1_000_000 else None,
    )  # fmt: skip
    assert report.stopped
    assert "stopped" in report.failed["16pk_A_protein.zip"]
    assert "before its turn" in report.failed["1a62_A_protein.zip"]
    report = get(web, "atlas", ["16pk_A"], tmp_path)
    assert report.fetched
    assert report.n_bytes < 2_100_000


def test_killed_at_any_time_the_next_run_ends_well(web: Any, tmp_path: Path) -> None:
    """A process that is killed after so many bytes, again and again, until it is through."""
    for identifier in ("16pk_A", "1a62_A"):
        web.files[f"/api/ATLAS/protein/{identifier}"] = atlas_zip(identifier, 300_000)
    code = textwrap.dedent("""
        import os, sys
        from unfreeze.corpus.fetch import fetch
        left = int(sys.argv[3])
        def tell(progress):
            if progress.n_bytes > left:
                os._exit(9)
        report = fetch("atlas", ["16pk_A", "1a62_A"], sys.argv[1], base_url=sys.argv[2], backoff_s=0.0, workers=1,
                       on_progress=tell)
        sys.exit(1 if report.failed else 0)
    """)
    ends = []
    for limit in (200_000, 500_000, 450_000, 10**9):
        command = [sys.executable, "-c", code, str(tmp_path), web.url, str(limit)]
        ends.append(subprocess.run(command, check=False, capture_output=True, timeout=60).returncode)
    assert ends[:2] == [9, 9]
    assert ends[-1] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"16pk_A", "1a62_A", RECORD_NAME, ".fetch.lock"}


def test_every_set_says_where_its_addresses_come_from() -> None:
    for name, item in SETS.items():
        assert item.name == name
        assert item.base_url.startswith("https://")
        assert item.checked
        assert item.citation
        assert item.licence


def test_killed_between_placing_and_recording(web: Any, tmp_path: Path) -> None:
    web.files["/api/ATLAS/protein/16pk_A"] = atlas_zip("16pk_A")
    get(web, "atlas", ["16pk_A"], tmp_path, keep_archives=True)
    lines = (tmp_path / RECORD_NAME).read_bytes().splitlines(keepends=True)
    assert b'"unpacking"' in lines[-2]
    (tmp_path / RECORD_NAME).write_bytes(b"".join(lines[:-1]))
    asked = len(web.requests)
    report = get(web, "atlas", ["16pk_A"], tmp_path)
    assert report.fetched
    assert len(web.requests) == asked
    assert {path.name for path in tmp_path.iterdir()} == {"16pk_A", RECORD_NAME, ".fetch.lock"}
