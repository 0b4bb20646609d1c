"""What INPUT is: a structure, a FASTA file, or a sequence typed as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unfreeze.errors import InputError

if TYPE_CHECKING:
    from unfreeze.properties.requests.sequences import NamedSequence
    from unfreeze.structure.complex import Complex

__all__ = ["Given", "read_input", "stem_of"]

_FASTA = (".fasta", ".fa", ".faa", ".fas", ".fsa")
_ENDINGS = (".gz", ".cif", ".mmcif", ".pdb", ".ent", *_FASTA)
_SEQUENCE_NAME = "sequence"
_SHOWN = 40


@dataclass(frozen=True)
class Given:
    """What was read.

    Attributes
    ----------
    molecule
        The structure; None for sequences.
    sequences
        What a FASTA file or a text held; empty for a structure.
    about
        What a record says of the input.
    """

    molecule: Complex | None
    sequences: tuple[NamedSequence, ...]
    about: dict[str, Any]


def read_input(
    text: str,
    *,
    chains: Sequence[str] | None = None,
    assembly: str | None = None,
    model: int = 1,
    most_sequences: int = 1,
    unsure: bool = False,
) -> Given:
    """Read the input, whatever it is; an existing file wins over an id, and an id over a sequence.

    Parameters
    ----------
    text
        What the user typed.
    chains, assembly, model
        What to take of a structure.
    most_sequences
        Most records of a FASTA file.
    unsure
        Whether sequences may have letters of unknown or rare residues.

    Raises
    ------
    InputError
        If it is none of these, or cannot be read.
    """
    from unfreeze.properties.requests.sequences import read_fasta
    from unfreeze.structure.fetch import is_pdb_id

    path = Path(text).expanduser()
    is_file = _exists(text) and path.is_file()
    if is_file and _is_fasta(path):
        _refuse_structure_options(text, chains, assembly)
        records = read_fasta(path, most=most_sequences, unsure=unsure)
        about = {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        return Given(None, tuple(records), {**about, "n_sequences": len(records), "source": "sequence"})
    if is_file or is_pdb_id(text) or not _is_sequence(text):
        return _structure(text, chains, assembly, model)
    from unfreeze.properties.requests.sequences import read_sequence

    _refuse_structure_options("a sequence", chains, assembly)
    found = read_sequence(text, _SEQUENCE_NAME, unsure=unsure)
    about = {"name": _SEQUENCE_NAME, "sha256": hashlib.sha256(found.letters.encode("ascii")).hexdigest()}
    return Given(None, (found,), {**about, "n_sequences": 1, "source": "sequence"})


def stem_of(text: str) -> str:
    """What a folder is called after: the name of a file without its ending, an id, or ``sequence``."""
    if _is_sequence(text) and not _exists(text):
        return _SEQUENCE_NAME
    name = Path(text).name
    while name.lower().endswith(_ENDINGS):
        name = name[: name.rindex(".")]
    return name[:100] or "unfreeze"


def _structure(text: str, chains: Sequence[str] | None, assembly: str | None, model: int) -> Given:
    from dataclasses import asdict

    from unfreeze.structure.load import load

    if not _exists(text) and (len(text) > 4 * _SHOWN or text.isalpha()):
        shown = f"{text[:_SHOWN]!r} …" if len(text) > _SHOWN else repr(text)
        raise InputError(
            f"{shown}: neither a file, nor a PDB id such as 1hvr, nor a sequence of ten amino acids or more in capitals"
        )
    molecule = load(text, chains=chains, assembly=assembly, model=model)
    if not (molecule.residue_kind == "protein").any():
        raise InputError(f"{text}: holds no protein, and nothing else is predicted; give a structure that does")
    return Given(
        molecule,
        (),
        {
            **asdict(molecule.source),
            "chains": [str(name) for name in molecule.chain_name],
            "n_residues": molecule.n_residues,
            "n_atoms": molecule.n_atoms,
            "source": "structure",
        },
    )


def _exists(text: str) -> bool:
    try:
        return Path(text).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long for a name, no such home, a null byte
        return False


def _is_sequence(text: str) -> bool:
    """Whether it can only be a sequence: ten letters or more, all capitals, with blanks or a stop at most."""
    letters = "".join(text.split()).removesuffix("*")
    return len(letters) >= 10 and letters.isascii() and letters.isalpha() and letters.isupper()


def _is_fasta(path: Path) -> bool:
    if path.suffix.lower() in _FASTA:
        return True
    with path.open("rb") as stream:
        return stream.read(256).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b">")


def _refuse_structure_options(what: str, chains: Sequence[str] | None, assembly: str | None) -> None:
    if chains is not None or assembly is not None:
        raise InputError(f"{what}: --chains and --assembly are of structures; leave them out")
