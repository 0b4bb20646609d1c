"""Repair of one entry: its manifest, its topology, its shards, and what lies about besides.

The order matters, because a repair may be ended, too: what a manifest names is written before it, and what it no longer
names is moved out of the way after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from unfreeze.corpus.schema import EntryManifest, Shard, TrajectoryRecord
from unfreeze.corpus.store.columns import column_dtype, column_shape, file_name
from unfreeze.corpus.store.disk import (
    file_sha256,
    make_folder,
    move,
    remove_file,
    replace_file,
    sync_directory,
    write_file,
)
from unfreeze.corpus.store.entry import manifest_of
from unfreeze.corpus.store.flipped_bit import mend_block, mend_sealed
from unfreeze.corpus.store.lock import lock_entry
from unfreeze.corpus.store.quarantine import quarantine_files, read_reasons
from unfreeze.corpus.store.sealed import DamagedCorpusError, read_bytes, seal_text, write_sealed
from unfreeze.corpus.store.topology_file import complex_of_cif, read_topology_npz, topology_files
from unfreeze.corpus.store.trajectory_writer import block_sums
from unfreeze.corpus.store.verify import bad_blocks, frame_bytes_of
from unfreeze.structure.similarity.sequences import chain_sequences

__all__ = ["EntryRepair"]

Done = tuple[Path, Literal["restored", "lost", "removed", "left"], str, int]


class EntryRepair:
    """Repairs the entry in a folder.

    Attributes
    ----------
    folder
        Of the entry.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.done: list[Done] = []
        self._out: list[tuple[Path, str]] = []

    def run(self) -> list[Done]:
        """Do what can be done: files, what became of them in a word and in words, and how many frames were lost.

        Raises
        ------
        BusyError
            If it is being written to.
        """
        with lock_entry(self.folder):
            manifest = self._manifest()
            if manifest is None or not self._has_topology(manifest):
                self._give_up(manifest)
                return self.done
            mended = self._topology(manifest)
            records: list[TrajectoryRecord] = []
            number = max(mended.next_shard, self._highest_number() + 1)
            for record in mended.trajectories:
                changed, number = self._trajectory(record, mended.n_atoms, number)
                if changed is not None:
                    records.append(changed)
            mended = mended.model_copy(update={"trajectories": tuple(records), "next_shard": number})
            if mended != manifest:
                self._write(mended)
            self._copy()
            self._leftovers(mended)
            quarantine_files(self.folder, self._out)
            self._reasons()
        return self.done

    def _manifest(self) -> EntryManifest | None:
        path, copy = self.folder / "manifest.json", self.folder / "manifest.copy.json"
        found, stated = self._read(path)
        if found is not None:
            return found
        other, other_stated = self._read(copy)
        if other is None or stated != other_stated:  # the copy may be of an earlier commit
            mended = self._mended(path)
            if mended is not None:
                return mended
        if other is None:
            other = self._mended(copy)
        if other is None:
            return None
        quarantine_files(self.folder, [(path, "beyond repair")])
        self._write(other)
        self._tell(path, "restored", f"restored from {copy.name}")
        return other

    def _read(self, path: Path) -> tuple[EntryManifest | None, bytes]:
        """A manifest, None if it is damaged, and the checksum that it states."""
        try:
            data = read_bytes(path)
        except DamagedCorpusError:
            return None, b""
        try:
            manifest = manifest_of(data, path)
        except DamagedCorpusError:
            return None, data[:80]
        return (manifest if manifest.identifier == self.folder.name else None), data[:80]

    def _mended(self, path: Path) -> EntryManifest | None:
        data = mend_sealed(path.read_bytes(), "manifest") if path.is_file() else None
        if data is None:
            return None
        manifest = manifest_of(data, path)
        if manifest.identifier != self.folder.name:
            return None
        replace_file(path, data)
        self._tell(path, "restored", "one bit had flipped; it was put right")
        return manifest

    def _give_up(self, manifest: EntryManifest | None) -> None:
        """Move the whole entry out of the corpus."""
        is_entry = any((self.folder / name).is_file() for name in ("manifest.json", "manifest.copy.json"))
        place = self.folder.parent.parent / "quarantine"
        make_folder(place)
        name, number = self.folder.name, 1
        while (place / name).exists():
            number += 1
            name = f"{self.folder.name}.{number}"
        move(self.folder, place / name)
        if not is_entry:
            self._tell(self.folder, "removed", "begun and never committed; now in quarantine")
            return
        why = "neither manifest can be read" if manifest is None else "neither file of its topology can be read"
        n_lost = 0 if manifest is None else manifest.n_frames
        text = f"beyond repair, because {why}; all of it is now in quarantine/{name}. Import it again."
        self._tell(self.folder, "lost", text, n_lost)

    def _has_topology(self, manifest: EntryManifest) -> bool:
        return any(self._is_whole(name, manifest) for name in ("topology.npz", "topology.cif"))

    def _is_whole(self, name: str, manifest: EntryManifest) -> bool:
        path = self.folder / name
        return path.is_file() and file_sha256(path) == manifest.topology.get(name)

    def _topology(self, manifest: EntryManifest) -> EntryManifest:
        """Make a damaged file of the topology again from the other one."""
        names = ("topology.npz", "topology.cif")
        bad = [name for name in names if not self._is_whole(name, manifest)]
        if not bad:
            return manifest
        good = next(name for name in names if name not in bad)
        path = self.folder / good
        complex = read_topology_npz(path) if good == "topology.npz" else complex_of_cif(path)
        sequences = tuple(item.letters for item in chain_sequences(complex))
        if complex.n_atoms != manifest.n_atoms or sequences != manifest.sequences:
            text = "beyond repair, as the other file of the topology does not give the same atoms. Import it again."
            self._tell(self.folder / bad[0], "left", text)
            return manifest
        data = topology_files(complex)[bad[0]]
        quarantine_files(self.folder, [(self.folder / bad[0], "damaged")])
        replace_file(self.folder / bad[0], data)
        self._tell(self.folder / bad[0], "restored", f"made again from {good}")
        return manifest.model_copy(update={"topology": {**manifest.topology, bad[0]: hashlib.sha256(data).hexdigest()}})

    def _trajectory(self, record: TrajectoryRecord, n_atoms: int, number: int) -> tuple[TrajectoryRecord | None, int]:
        """The trajectory with what is whole of its shards, None if that is nothing; and the next free number."""
        shards: list[Shard] = []
        n_lost = 0
        for place, shard in enumerate(record.shards):
            keep, good = self._shard(shard, n_atoms)
            if keep:
                shards.append(shard)
                continue
            why = f"damaged shard of {record.name}"
            for first, stop in good:
                shards.append(self._rewrite(shard, number, first, stop, n_atoms))
                number += 1
            n_lost += shard.n_frames - sum(stop - first for first, stop in good)
            self._out += [(self.folder / "shards" / name, why) for name, _ in shard.columns.values()]
            is_hole = not good or good[0][0] > 0 or len(good) > 1 or good[-1][1] < shard.n_frames
            if not record.is_complete and is_hole:
                # an import goes on at the number of frames that there are: what follows a hole cannot stay
                start = shard.first + (good[0][1] if good and good[0][0] == 0 else 0)
                kept = [item for item in shards if item.first + item.n_frames <= start]
                late = [item for item in (*shards, *record.shards[place + 1 :]) if item not in kept]
                self._out += [
                    (self.folder / "shards" / name, f"after a hole in {record.name}, whose import is not finished")
                    for item in late
                    for name, _ in item.columns.values()
                ]
                n_lost = record.n_frames - sum(item.n_frames for item in kept)
                shards = kept
                break
        if tuple(shards) == record.shards:
            return record, number
        if not n_lost:
            self._tell(self.folder / "shards", "restored", f"shards of {record.name} written anew; no frame is lost")
        else:
            frames = f"{n_lost} of {record.n_frames} frames of {record.name} are lost"
            end = "; repeat the import, which goes on from there" if not record.is_complete else ""
            self._tell(self.folder / "shards", "lost", f"{frames}{end}; the damaged files are in quarantine", n_lost)
        return (record.model_copy(update={"shards": tuple(shards)}) if shards else None), number

    def _shard(self, shard: Shard, n_atoms: int) -> tuple[bool, list[tuple[int, int]]]:
        """Whether a shard is whole, or has been made so; otherwise its runs of whole frames, as [first, stop)."""
        is_good = np.ones(shard.n_frames, dtype=bool)
        is_whole = True
        for column, (name, sha256) in shard.columns.items():
            path = self.folder / "shards" / name
            size = frame_bytes_of(column, shard, n_atoms) * shard.n_frames
            has_size = path.is_file() and path.stat().st_size == size
            if has_size and (file_sha256(path) == sha256 or self._flip_back(path, column, shard, n_atoms, sha256)):
                continue
            is_whole = False
            if path.is_file():
                for first, last in bad_blocks(path, column, shard, frame_bytes_of(column, shard, n_atoms)):
                    is_good[first : last + 1] = False
            else:
                is_good[:] = False
        edges = np.flatnonzero(np.diff(np.concatenate([[False], is_good, [False]])))
        return is_whole, list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))

    def _flip_back(self, path: Path, column: str, shard: Shard, n_atoms: int, sha256: str) -> bool:
        """Put a single flipped bit of a file right."""
        frame = frame_bytes_of(column, shard, n_atoms)
        bad = bad_blocks(path, column, shard, frame)
        if len(bad) != 1 or bad[0][1] - bad[0][0] >= shard.block_frames:
            return False
        first, last = bad[0]
        data = bytearray(path.read_bytes())
        place = slice(first * frame, (last + 1) * frame)
        block = mend_block(bytes(data[place]), shard.blocks[column][first // shard.block_frames])
        if block is None:
            return False
        data[place] = block
        if hashlib.sha256(data).hexdigest() != sha256:
            return False
        replace_file(path, bytes(data))
        self._tell(path, "restored", "one bit had flipped; it was put right")
        return True

    def _rewrite(self, shard: Shard, number: int, first: int, stop: int, n_atoms: int) -> Shard:
        """A new shard of some frames of another one."""
        columns: dict[str, tuple[str, str]] = {}
        blocks: dict[str, tuple[int, ...]] = {}
        for column, (name, _) in shard.columns.items():
            dtype = column_dtype(column, shard.coordinate_unit_nm)
            shape = (stop - first, *column_shape(column, n_atoms, shard.n_energies))
            offset = first * frame_bytes_of(column, shard, n_atoms)
            path = self.folder / "shards" / name
            array = np.fromfile(path, dtype, int(np.prod(shape)), offset=offset).reshape(shape)
            new = file_name(number, column, dtype)
            write_file(self.folder / "shards" / new, [array])
            columns[column] = (new, hashlib.sha256(array.tobytes()).hexdigest())
            blocks[column] = tuple(block_sums(array, shard.block_frames or shard.n_frames))
        sync_directory(self.folder / "shards")
        return shard.model_copy(
            update={
                "number": number,
                "n_frames": stop - first,
                "first": shard.first + first,
                "columns": columns,
                "blocks": blocks,
                "block_frames": shard.block_frames or shard.n_frames,
            }
        )

    def _copy(self) -> None:
        """Bring the copy of the manifest up to date."""
        path, copy = self.folder / "manifest.json", self.folder / "manifest.copy.json"
        data = path.read_bytes()
        if not copy.is_file() or copy.read_bytes() != data:
            replace_file(copy, data)
            self._tell(copy, "restored", "replaced by a copy of the manifest")

    def _leftovers(self, manifest: EntryManifest) -> None:
        named = {file for item in manifest.trajectories for shard in item.shards for file, _ in shard.columns.values()}
        known = {"manifest.json", "manifest.copy.json", ".lock", *manifest.topology}
        going = {path for path, _ in self._out}
        lying = [path for path in self.folder.iterdir() if path.is_file() and path.name not in known]
        lying += [path for path in self._shard_files() if path.name not in named]
        for path in sorted(lying):
            if path not in going:
                self._out.append((path, "named by no manifest"))
                self._tell(path, "removed", "named by no manifest; now in quarantine")

    def _reasons(self) -> None:
        """Bring the list of what is in quarantine up to date with what is there."""
        place = self.folder / "quarantine"
        if not place.is_dir():
            return
        for path in place.glob(".*"):
            remove_file(path)  # a list that was being written when a repair was ended
        present = {path.name for path in place.iterdir() if path.is_file() and path.name != "reasons.json"}
        known = {item["file"]: item for item in read_reasons(place)}
        wrong = {name for name in present & known.keys() if file_sha256(place / name) != known[name]["sha256"]}
        if present == known.keys() and not wrong and (present or not (place / "reasons.json").is_file()):
            return
        items = [
            known[name]
            if name in known and name not in wrong
            else {"file": name, "sha256": file_sha256(place / name), "reason": "not known any more", "time": ""}
            for name in sorted(present)
        ]
        write_sealed(place / "reasons.json", "quarantine", items)
        self._tell(place, "restored", "its list was brought up to date with what is there")

    def _write(self, manifest: EntryManifest) -> None:
        data = seal_text("manifest", manifest.model_dump_json())
        for name in ("manifest.json", "manifest.copy.json"):
            replace_file(self.folder / name, data)

    def _shard_files(self) -> Iterator[Path]:
        folder = self.folder / "shards"
        yield from (path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else ()

    def _highest_number(self) -> int:
        numbers = [int(path.name[:6]) for path in self._shard_files() if path.name[:6].isdecimal()]
        return max(numbers, default=-1)

    def _tell(self, path: Path, kind: Literal["restored", "lost", "removed", "left"], text: str, n: int = 0) -> None:
        self.done.append((path, kind, text, n))
