"""MDGen's tetrapeptides: a folder a sequence with a PDB file and an XTC trajectory of heavy atoms, 0.1 ps a frame.

Which of the two sets it is, in explicit or implicit solvent, only the name of the folder says. The frames are
superposed on their first, so the boxes no longer fit.

Source: Jing, Stärk, Jaakkola and Berger, NeurIPS 2024 (arXiv:2409.17808), and ``run_peptide_sim.py`` of its repository.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from unfreeze.corpus.importers.registry import check_options
from unfreeze.corpus.importers.shared.folders import files_below
from unfreeze.corpus.importers.shared.options import ATOMS, chosen
from unfreeze.corpus.importing.source import Candidate, FrameStream, Part
from unfreeze.corpus.schema import Conditions, Source
from unfreeze.errors import InputError

__all__ = ["IMPORTER", "MdGen"]

_CITATION = (
    "Jing, Stärk, Jaakkola, Berger. Generative modeling of molecular dynamics trajectories. arXiv:2409.17808 (2024)"
)
_URL = "https://github.com/bjing2016/mdgen"
_SEQUENCE = re.compile(r"(?P<letters>[ACDEFGHIKLMNPQRSTVWY]{1,10})(?:_(?P<run>\w+))?", re.ASCII)
_TIME_STEP_PS = 0.1
_EXPLICIT, _IMPLICIT = "explicit:tip3p-fb", "implicit:gbn2"
_SUPERPOSED = "The frames were superposed by those who made the set, so their boxes no longer fit and were left out."


class MdGen:
    """The importer of MDGen's tetrapeptides."""

    name = "mdgen"
    summary = "tetrapeptides in explicit or implicit solvent, 100 ns at 350 K, 0.1 ps a frame (PDB and XTC a sequence)"
    licence = "MIT"
    citation = _CITATION
    options: Mapping[str, str] = {
        **ATOMS,
        "ids": "sequences to take, separated by commas, such as AAAA",
        "solvent": "explicit or implicit, where the folder is not called 4AA_sims or 4AA_sims_implicit",
    }

    def candidates(self, source: Path, options: Mapping[str, str]) -> Iterator[Candidate]:
        """Every sequence of a folder.

        Raises
        ------
        InputError
            If there is none, or the solvent is not known.
        """
        check_options(self, options, source)
        if options.get("solvent", "explicit") not in ("explicit", "implicit"):
            raise InputError(f"solvent={options['solvent']!r}: explicit or implicit was expected.")
        if options.get("atoms", "heavy") != "heavy":
            raise InputError(f"{source}: MDGen's files have heavy atoms only; atoms=all cannot be had.")
        folders: defaultdict[Path, dict[str, Path]] = defaultdict(dict)
        for path in files_below(source, (".pdb", ".xtc", ".h5"), deepest=4):
            name = path.name.rsplit(".", 1)[0]
            if name == path.parent.name and _SEQUENCE.fullmatch(name):
                folders[path.parent][path.suffix.lower()] = path
        if not folders:
            raise InputError(f"{source}: no SEQUENCE/SEQUENCE.pdb with SEQUENCE.xtc in it, which is MDGen's layout.")
        wanted = chosen(options, "ids")
        for folder, files in folders.items():
            if wanted is None or folder.name in wanted or folder.name.split("_")[0] in wanted:
                yield _candidate(folder, files, _solvent(folder, options))


IMPORTER = MdGen()


def _solvent(folder: Path, options: Mapping[str, str]) -> str | None:
    """By what the user says, or else by the name of the folder of the set; None if neither tells."""
    words = options.get("solvent")
    if words is None:
        names = [part.lower() for part in folder.resolve().parts]
        known = [name for name in names if name.startswith("4aa_sims")]
        words = None if not known else "implicit" if "implicit" in known[-1] else "explicit"
    return {"explicit": _EXPLICIT, "implicit": _IMPLICIT}.get(words or "")


def _candidate(folder: Path, files: Mapping[str, Path], solvent: str | None) -> Candidate:
    name = folder.name
    refusal = None
    if solvent is None:
        refusal = (
            f"{folder}: whether the solvent was explicit (TIP3P-FB) or implicit (GBn2) is told by the name of the "
            "folder above, 4AA_sims or 4AA_sims_implicit, and it is neither. Say it: solvent=explicit or "
            "solvent=implicit."
        )
    elif ".xtc" not in files:
        rest = " (there is an .h5 file: the run was not finished or not converted)" if ".h5" in files else ""
        refusal = f"{folder}: {name}.xtc is missing{rest}. Download it again or leave the sequence out."
    elif ".pdb" not in files:
        refusal = f"{folder}: {name}.pdb is missing. Download it again or leave the sequence out."
    if refusal or solvent is None:
        return Candidate(f"mdgen-{name}", refusal=refusal)
    implicit = solvent == _IMPLICIT
    conditions = Conditions(
        force_field="amber14",
        solvent=solvent,
        temperature_K=350.0,
        pressure_bar=None if implicit else 1.0,
        method="OpenMM, Langevin middle integrator, 2 fs" + ("" if implicit else ", Monte Carlo barostat"),
    )
    part = Part(
        name=f"{'implicit' if implicit else 'explicit'}",
        conditions=conditions,
        source=Source(dataset="mdgen", identifier=name, licence="MIT", citation=_CITATION, url=_URL),
        paths=(files[".xtc"], files[".pdb"]),
        open=partial(_open, files[".pdb"], files[".xtc"], name),
        time_step_ps=_TIME_STEP_PS,
    )
    return Candidate(f"mdgen-{name}", (part,), title=f"Peptide {name.split('_')[0]}")


def _open(topology: Path, trajectory: Path, name: str) -> FrameStream:
    from unfreeze.corpus.importers.shared.streams import WithoutBox
    from unfreeze.corpus.importing.streams import FileStream
    from unfreeze.structure.similarity.sequences import chain_sequences

    stream = WithoutBox(FileStream(topology, [trajectory]), _SUPERPOSED)
    found = "".join(sequence.letters for sequence in chain_sequences(stream.complex))
    if found != name.partition("_")[0]:
        stream.__exit__()
        raise InputError(
            f"{topology}: the folder is called {name} and the peptide is {found}; one of them is wrong. Download both "
            "again."
        )
    return stream
