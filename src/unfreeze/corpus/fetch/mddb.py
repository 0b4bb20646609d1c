"""Simulations of the nodes of the Molecular Dynamics Data Bank (MDposit, DynaRepo) through their REST interface.

A project is ``/projects/ACCESSION``, one of its replicas ``/projects/ACCESSION.N`` with ``/structure`` (PDB) and
``/trajectory?frames=FIRST:LAST:STEP``: headerless little-endian float32, x y z of every atom in Å, frames counted from
1 and both ends included. These answers cannot be resumed, so a trajectory is fetched in windows of known length
that are put together; a window past the end is an error of the server or comes short, which its length tells.

A replica becomes a folder ``ACCESSION.N`` with ``project.json`` (as served), ``structure.pdb``, ``trajectory.bin`` and
``trajectory.json``: ``n_frames``, ``n_atoms``, ``frames`` (the selection) and ``unit``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from unfreeze.corpus.fetch.remote import Client, RemoteFile
from unfreeze.errors import InputError

__all__ = ["NODES", "mddb_ids", "mddb_plan"]

NODES = {
    "global": "https://mdposit.mddbr.eu/api/rest/v1",
    "irb": "https://irb-dev.mddbr.eu/api/rest/v1",
    "mmb": "https://mmb.mddbr.eu/api/rest/v1",
    "bsc": "https://bsc.mddbr.eu/api/rest/v1",
    "inria": "https://inria.mddbr.eu/api/rest/v1",
    "dynarepo": "https://dynarepo.inria.fr/api/rest/v1",
    "cineca": "https://cineca.mddbr.eu/api/rest/v1",
    "oxford": "https://oxford.mddbr.eu/api/rest/v1",
    "jsc": "https://jsc.mddbr.eu/api/rest/v1",
    "rpbs": "https://rpbs.mddbr.eu/api/rest/v1",
}
"""Bases of the nodes; an accession is known to its own node, those of the global one begin with ``MD-``."""

WINDOW_BYTES = 64_000_000
"""Largest piece of a trajectory asked for at once."""

PAGE = 100


def mddb_ids(client: Client, most: int) -> list[str]:
    """Accessions of a node, from its pages of projects.

    Raises
    ------
    InputError
        If they do not come.
    """
    found: list[str] = []
    for page in range(1, most // PAGE + 2):
        url = client.url("projects", page=page, limit=PAGE)
        document, _ = client.json(url, "list of projects")
        projects = document.get("projects") if isinstance(document, dict) else None
        if not isinstance(projects, list):
            raise InputError(f"{url}: expected a list of projects, got {str(document)[:200]!r}")
        found += [item["accession"] for item in projects if isinstance(item, dict) and _is_accession(item)]
        if not projects or len(found) >= min(most, _count(document.get("filteredCount")) or most):
            break
    return found[:most]


def mddb_plan(client: Client, ids: Sequence[str], options: Mapping[str, str]) -> list[RemoteFile]:
    """Files of the replicas named in `ids`; a project without a number gives all its replicas.

    Raises
    ------
    InputError
        If a project does not say how many frames it has and the option ``frames`` does not either.
    """
    files: list[RemoteFile] = []
    for accession in ids:
        number = re.search(r"\.(\d+)$", accession)
        project, _ = client.json(client.url(f"projects/{accession}"), f"project {accession}")
        if not isinstance(project, dict):
            raise InputError(f"{client.base_url}: project {accession} is not a description, but {str(project)[:100]!r}")
        replicas = [accession] if number else [f"{accession}.{k + 1}" for k in range(_n_replicas(project))]
        for replica in replicas:
            files += _replica(client, replica, project, options)
    return files


def _replica(client: Client, replica: str, project: Mapping[str, Any], options: Mapping[str, str]) -> list[RemoteFile]:
    text, _ = client.read(client.url(f"projects/{replica}/structure"), f"structure of {replica}", content="pdb")
    n_atoms = sum(line.startswith((b"ATOM", b"HETATM")) for line in text.splitlines())
    if not n_atoms:
        raise InputError(f"{client.base_url}: the structure of {replica} has no ATOM record; expected a PDB file")
    first, last, step = _frames(replica, project, options)
    per_window = max(1, WINDOW_BYTES // (12 * n_atoms))
    n_frames = len(range(first, last + 1, step))
    files = [
        RemoteFile(client.url(f"projects/{replica}"), f"{replica}/project.json", replica, content="json"),
        RemoteFile(client.url(f"projects/{replica}/structure"), f"{replica}/structure.pdb", replica, content="pdb"),
    ]
    for at in range(0, n_frames, per_window):
        count = min(per_window, n_frames - at)
        begin, end = first + at * step, first + (at + count - 1) * step
        files.append(
            RemoteFile(
                url=client.url(f"projects/{replica}/trajectory") + f"?frames={begin}:{end}:{step}",
                path=f"{replica}/.trajectory.{at:08d}.bin",
                identifier=replica,
                n_bytes=count * n_atoms * 12,
                join=f"{replica}/trajectory.bin",
            )
        )
    note = {"n_frames": n_frames, "n_atoms": n_atoms, "frames": f"{first}:{last}:{step}", "unit": "angstrom"}
    files.append(RemoteFile("note:" + json.dumps(note), f"{replica}/trajectory.json", replica, content="json"))
    return files


def _frames(replica: str, project: Mapping[str, Any], options: Mapping[str, str]) -> tuple[int, int, int]:
    """First, last and step of the frames to fetch, counted from 1, both ends included."""
    chosen = options.get("frames", "")
    found = re.fullmatch(r"(\d+):(\d*)(?::(\d+))?", chosen) if chosen else None
    if chosen and not found:
        raise InputError(f"frames: {chosen!r} is no selection; expected FIRST:LAST:STEP, such as 1:1000:10")
    first = int(found[1]) if found else 1
    step = int(found[3] or 1) if found else 1
    known = _n_frames(replica, project)
    last = int(found[2]) if found and found[2] else known
    if last is None:
        raise InputError(
            f"{replica}: the project does not say how many frames it has (metadata.SNAPSHOTS, totalFrames); "
            f"give them with the option frames=FIRST:LAST:STEP"
        )
    if first < 1 or step < 1 or last < first:
        raise InputError(f"frames: {first}:{last}:{step} selects nothing; frames are counted from 1")
    return first, last, step


def _n_frames(replica: str, project: Mapping[str, Any]) -> int | None:
    """What the project says of this replica, of each replica, or of all together."""
    mds, number = project.get("mds"), re.search(r"\.(\d+)$", replica)
    row = int(number[1]) - 1 if number else 0
    own = mds[row] if isinstance(mds, list) and 0 <= row < len(mds) else None
    metadata = project.get("metadata")
    total = _count(project.get("totalFrames"))
    return (
        (_count(own.get("frames")) if isinstance(own, dict) else None)
        or (_count(metadata.get("SNAPSHOTS")) if isinstance(metadata, dict) else None)
        or (total // _n_replicas(project) if total else None)
    )


def _n_replicas(project: Mapping[str, Any]) -> int:
    mds = project.get("mds")
    return _count(project.get("mdcount")) or (len(mds) if isinstance(mds, list) and mds else 1)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9 else None


def _is_accession(item: Mapping[str, Any]) -> bool:
    return bool(re.fullmatch(r"[A-Za-z0-9-]{1,40}", str(item.get("accession", ""))))
