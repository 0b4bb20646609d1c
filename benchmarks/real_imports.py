"""Import the sets that are at hand for real, and tell what was taken, mended and refused, and why.

Usage: ``python -m benchmarks.real_imports FOLDER --corpus NEW [--json OUT]``, where FOLDER has ``md/``, ``complexes/``,
``docking/``, ``stability/``, ``location/`` and ``function/`` (folders or archives in them; what is absent is left out)
and ``NEW`` is the folder of a corpus that will be made, or gone on with. Adenylate kinase comes with MDAnalysisTests.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import struct
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.common import console, save, unpacked
from unfreeze.corpus.importers import registry
from unfreeze.corpus.importing.driver import run_import
from unfreeze.corpus.importing.report import ImportReport
from unfreeze.corpus.label_import import LabelImporter, import_labels
from unfreeze.corpus.schema import Conditions
from unfreeze.corpus.store import Corpus
from unfreeze.corpus.store.verify import verify

__all__ = ["main"]

# What the packages that ship these trajectories say of them. Of all but one they say neither force field nor
# temperature, so these are refused; see docs/experiments/real-imports.md.
_BPTI = """\
    force_field: amber99sb-i
    solvent: explicit:tip4p-ew
    temperature_K: 300
    method: Anton, 1 ms; Cα of every so many frames
    citation: "Shaw et al. 2010, Science 330, 341, doi:10.1126/science.1187409"
    url: https://github.com/markovmodel/molPX
    notes:
      - "conditions from the publication that molPX names as the source; 1.03 ms in 516 frames are 2 µs a frame"
"""
_NOT_DOCUMENTED = {
    "psi_domain_a": "PBxplore",
    "psi_domain_b": "PBxplore",
    "lysozyme_1am7": "encodermap",
    "parvalbumin_5xnd": "getcontacts",
    "rhodopsin_1u19": "mdsrv",
    "b2ar_gs_complex": "mdciao",
    "hiv_protease_ca": "bio3d",
}
# As far as it is known: the clocks of the files themselves count frames.
_TIME_STEP_PS = {
    "psi_domain_a": 200,
    "psi_domain_b": 200,
    "domain60": 500,
    "domain149": 40,
    "lysozyme_1am7": 100,
    "rhodopsin_1u19": 20,
    "b2ar_gs_complex": 50,
    "bpti_ca": 2_000_000,
}
_VOUCHED = Conditions(force_field="not documented", temperature_K=300.0)
_BOLTZMANN_kJ_mol_K = 8.314462618e-3


@dataclass(frozen=True)
class _Step:
    name: str
    importer: str
    source: Path
    options: Mapping[str, str]
    given: Conditions | None = None
    is_apart: bool = False


def main() -> None:
    """Import everything and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--unpacked", type=Path, help="folder of the archives, unpacked already")
    parser.add_argument("--only", nargs="*", help="names of steps")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    corpus = Corpus.open(arguments.corpus) if (arguments.corpus / "corpus.json").exists() else None
    corpus = corpus or Corpus.create(arguments.corpus, name="real imports")
    with tempfile.TemporaryDirectory() as scratch:
        steps = [
            step
            for step in _steps(arguments.folder, arguments.unpacked, Path(scratch))
            if not arguments.only or step.name in arguments.only
        ]
        apart = Corpus.create(Path(scratch) / "apart", name="conditions vouched for, not known")
        results = [result for step in steps for result in _run(apart if step.is_apart else corpus, step)]
    again = Corpus.open(arguments.corpus)
    results_of_corpus = _contents(again)
    begin = time.monotonic()
    faults = verify(again).faults
    results_of_corpus["verified"] = {"faults": len(faults), "seconds": round(time.monotonic() - begin, 1)}
    _print(results, results_of_corpus)
    save(arguments.json, "real_imports", {"steps": results, "corpus": results_of_corpus})


def _steps(folder: Path, unpacked_folder: Path | None, scratch: Path) -> Iterator[_Step]:
    def structures(place: str) -> Path | None:
        if unpacked_folder is not None:
            found = sorted(unpacked_folder.glob(f"{_ARCHIVES[place]}*"))
            return found[0] if found else None
        archives = sorted((folder / place).glob("*.tar*"))
        return unpacked([archives[0]], scratch)[0] if archives else None

    if (folder / "md").is_dir():
        known = _md_folder(folder / "md", scratch / "md")
        yield _Step("md", "generic", known, {"licence": "unknown"})
        yield _Step("md, conditions vouched for", "generic", known, {}, given=_VOUCHED, is_apart=True)
    tests = importlib.util.find_spec("MDAnalysisTests")
    if tests is not None and tests.origin is not None:
        data = Path(tests.origin).parent / "data"
        yield _Step("adenylate kinase, MD", "generic", _adk_folder(data, scratch / "adk"), {})
        yield _Step("adenylate kinase, DIMS", "generic", _dims_folder(data, scratch / "dims"), {})
        static = _linked(scratch / "adk-static", [data / "adk_open.pdb", data / "adk_closed.pdb"])
        yield _Step("adenylate kinase, PDB", "static", static, {"licence": "CC0-1.0", "dataset": "pdb"})
    if place := structures("complexes"):
        yield _Step("SKEMPI 2", "skempi", folder / "complexes", {"structures": str(place)})
    if place := structures("docking"):
        tables = sorted((folder / "docking").glob("*.xlsx"))
        yield _Step("DB5.5", "docking55", place, {"table": str(tables[0])} if tables else {})
    if (folder / "stability").is_dir():
        place = structures("stability")
        yield _Step("stability", "stability", folder / "stability", {"structures": str(place)} if place else {})
    for name in ("location", "function"):
        if (folder / name).is_dir():
            yield _Step(name, name, folder / name, {})


_ARCHIVES = {"complexes": "skempi", "docking": "db55", "stability": "structures"}


def _run(corpus: Corpus, step: _Step) -> list[dict[str, Any]]:
    """What came of a step: of its candidates, and of its label tables."""
    importer = registry.importer(step.importer)
    begin = time.monotonic()
    report = run_import(
        corpus,
        importer.candidates(step.source, dict(step.options)),
        given=step.given,
        importer=step.importer,
    )
    found = [] if not report.results else [_summary(step.name, report, time.monotonic() - begin)]
    if isinstance(importer, LabelImporter):
        begin = time.monotonic()
        labels = import_labels(corpus, importer, step.source, dict(step.options))
        found.append({"step": f"{step.name}, label sets", **labels.as_json(), "seconds": time.monotonic() - begin})
    for one in found:
        console().print(f"{one['step']}: {one.get('counts') or len(one['taken'])}")
    return found


def _summary(name: str, report: ImportReport, seconds: float) -> dict[str, Any]:
    reasons = Counter(_shape(result.reason) for result in report.refused)
    return {
        "step": name,
        "counts": report.counts(),
        "frames": report.n_frames,
        "entries": len({result.entry for result in report.taken}),
        "refused": [{"what": "/".join(filter(None, (one.entry, one.trajectory))), "why": _plain(one.reason)}
                    for one in report.refused[:60]],
        "reasons": dict(reasons.most_common(30)),
        "mended": dict(Counter(_shape(text) for one in report.results for text in one.mended).most_common(20)),
        "seconds": seconds,
    }  # fmt: skip


def _shape(reason: str) -> str:
    """A reason without the names and numbers of the case."""
    text = re.sub(r"^[^ ]*: ", "", _plain(reason)).partition(". ")[0]
    text = re.sub(r"\b[A-Za-z0-9]+:[A-Z0-9]{1,4}?-?\d+[A-Z]?(/\w+)?", "RESIDUE", text)
    text = re.sub(r"\b[0-9][A-Z0-9]{3}\.pdb for (the )?\d+ rows of .*", "ID.pdb for rows of tables", text)
    return re.sub(r"\b\d[\d.,]*(e[+-]?\d+)?", "N", text)[:200]


def _plain(text: str) -> str:
    """Without folders of this machine."""
    return re.sub(r"/[^ :,]*/", "", text)


def _contents(corpus: Corpus) -> dict[str, Any]:
    labels: Counter[str] = Counter()
    meanings: Counter[str] = Counter()
    odd: Counter[str] = Counter()
    n_frames = 0
    n_bytes = 0
    for identifier in corpus.identifiers:
        manifest = corpus.entry(identifier).manifest
        n_frames += manifest.n_frames
        labels.update(label.kind for label in manifest.labels)
        meanings.update(label.meaning for label in manifest.labels if label.kind == "b_factor")
        for record in manifest.trajectories:
            odd["trajectories or sets of models"] += 1
            odd["with a residue that is not L"] += bool(record.quality.get("other_hand_than_L"))
            odd["with a cis peptide before other than proline"] += bool(record.quality.get("cis_peptides_in_reference"))
        files = (path for path in (corpus.path / "entries" / identifier).rglob("*") if path.is_file())
        n_bytes += sum(path.stat().st_size for path in files)
    return {
        "entries": len(corpus),
        "frames": n_frames,
        "labels of entries": dict(labels),
        "meaning of B-factors": dict(meanings),
        "found by the checks": dict(odd),
        "MB": round(n_bytes / 1e6, 1),
    }


def _print(results: list[dict[str, Any]], contents: dict[str, Any]) -> None:
    table = Table("step", "taken", "mended", "refused", "skipped", "frames", "s")
    for one in results:
        counts = one.get("counts")
        if counts is None:
            counts = {
                "taken": len(one["taken"]),
                "mended": 0,
                "refused": len(one["refused"]),
                "skipped": len(one["skipped"]),
            }
        row = [str(counts[key]) for key in ("taken", "mended", "refused", "skipped")]
        table.add_row(one["step"], *row, f"{one.get('frames', 0):,}", f"{one['seconds']:.0f}")
    console().print(table)
    for one in results:
        for reason, count in one.get("reasons", {}).items():
            console().print(f"{one['step']}, refused {count}: {reason}")
    console().print(contents)


def _linked(folder: Path, files: list[Path]) -> Path:
    folder.mkdir(parents=True)
    for file in files:
        (folder / file.name).symlink_to(file.resolve())
    return folder


def _md_folder(source: Path, folder: Path) -> Path:
    """Links to the trajectories beside a ``metadata.yaml`` of what is documented of each."""
    names = sorted(path.stem for path in source.glob("*.xtc"))
    _linked(folder, [source / f"{name}{ending}" for name in names for ending in (".pdb", ".xtc")])
    lines = ["dataset: test data of public packages", "systems:"]
    for name in names:
        lines += [f"  - name: {name}", f"    topology: {name}.pdb", f"    trajectories: [{name}.xtc]"]
        if name in _TIME_STEP_PS:
            lines.append(f"    time_step_ps: {_TIME_STEP_PS[name]}")
        if name == "bpti_ca":
            lines.append(_BPTI.rstrip())
        elif name in _NOT_DOCUMENTED:
            lines.append(f"    url: test data of {_NOT_DOCUMENTED[name]}")
    (folder / "metadata.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _adk_folder(data: Path, folder: Path) -> Path:
    """The GROMACS run of adenylate kinase; its temperature is measured from the velocities of its TRR file."""
    _linked(folder, [data / f"adk_oplsaa.{ending}" for ending in ("pdb", "xtc")])
    kelvin, error = _temperature_of_waters(data / "adk_oplsaa.trr", data / "adk_oplsaa.pdb")
    temperature = 10 * round(kelvin / 10)
    if abs(kelvin - temperature) > 3 * error:
        raise SystemExit(f"adk_oplsaa: {kelvin:.1f} ± {error:.1f} K is no round temperature")
    metadata = (
        "dataset: MDAnalysisTests\nforce_field: OPLS-AA\nsolvent: explicit:tip4p\n"
        f"temperature_K: {temperature}\nmethod: GROMACS 4\nurl: https://www.mdanalysis.org\n"
        "citation: \"Michaud-Agrawal et al. 2011, J. Comput. Chem. 32, 2319, doi:10.1002/jcc.21787\"\n"
        "systems:\n  - name: adenylate-kinase-opls\n    topology: adk_oplsaa.pdb\n"
        "    trajectories: [adk_oplsaa.xtc]\n    notes:\n"
        "      - \"force field from the atom types of the run file (opls_...), waters have four sites\"\n"
        f"      - \"velocities of the waters: {kelvin:.1f} ± {error:.1f} K\"\n"
    )  # fmt: skip
    (folder / "metadata.yaml").write_text(metadata, encoding="utf-8")
    return folder


def _dims_folder(data: Path, folder: Path) -> Path:
    """Transitions by dynamic importance sampling: what drove them is not in the files, so they are to be refused."""
    return _linked(folder, [data / "adk.psf", data / "adk_dims.dcd"])


def _temperature_of_waters(trajectory: Path, topology: Path) -> tuple[float, float]:
    """Temperature of the motion of whole waters in a TRR file with velocities, and its standard error, in K.

    The centre of mass of a molecule has three degrees of freedom whatever is constrained within it.
    """
    atoms = [line for line in topology.read_text().splitlines() if line[:6] in ("ATOM  ", "HETATM")]
    oxygens = np.array([row for row, line in enumerate(atoms) if line[12:16].strip() == "OW"])
    masses = np.array([15.9994, 1.008, 1.008])
    values = []
    for velocities in _trr_velocities(trajectory):
        together = sum(mass * velocities[oxygens + at] for at, mass in enumerate(masses)) / masses.sum()
        values.append(masses.sum() * (together**2).sum(axis=1).mean() / (3 * _BOLTZMANN_kJ_mol_K))
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _trr_velocities(path: Path) -> Iterator[np.ndarray]:
    """Velocities (nm/ps) of every frame of a GROMACS TRR file: [n_atoms, 3]."""
    with path.open("rb") as stream:
        read: Callable[[str], tuple] = lambda form: struct.unpack(form, stream.read(struct.calcsize(form)))  # noqa: E731
        while stream.peek(4):
            magic, _, length = read(">3i")
            if magic != 1993:
                raise SystemExit(f"{path}: not a TRR file")
            stream.read((length + 3) // 4 * 4)
            sizes = read(">13i")
            box, virial, pressure, n_positions, n_velocities, n_forces, n_atoms = (
                sizes[k] for k in (2, 3, 4, 7, 8, 9, 10)
            )
            real = 4 if n_positions == 12 * n_atoms else 8
            stream.read(2 * real + box + virial + pressure + n_positions)
            yield np.frombuffer(stream.read(n_velocities), dtype=f">f{real}").reshape(-1, 3).astype(np.float64)
            stream.read(n_forces)


if __name__ == "__main__":
    main()
