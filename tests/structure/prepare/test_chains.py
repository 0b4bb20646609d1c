"""Gaps, ends and missing atoms: what is built, capped or charged, and that the report says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.structure.prepare.faults import find_faults
from unfreeze.structure.prepare.preparation import Prepared, prepare
from unfreeze.structure.prepare.settings import PreparationSettings
from unfreeze.structure.read import read_complex

SEQUENCE = "GAKLSEFTDNVAKGSRYLIEQ"
THREE = dict(
    zip(
        "GAKLSEFTDNVRYIQ",
        "GLY ALA LYS LEU SER GLU PHE THR ASP ASN VAL ARG TYR ILE GLN".split(),
        strict=True,
    )
)


def seqres(sequence: str) -> list[str]:
    names = [THREE[letter] for letter in sequence]
    rows = [names[at : at + 13] for at in range(0, len(names), 13)]
    return [f"SEQRES {n:3d} A {len(names):4d}  {' '.join(row)}" for n, row in enumerate(rows, start=1)]


def number(line: str) -> int:
    return int(line[22:26])


def texts(prepared: Prepared, kind: str) -> list[str]:
    return [change["text"] for change in prepared.report["changes"] if change["kind"] == kind]


@pytest.mark.parametrize("missing", [(9,), (8, 9), (7, 8, 9, 10, 11)])
def test_short_gaps_of_known_sequence_are_built(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace, missing: tuple[int, ...]
) -> None:
    lines = heavy_lines(SEQUENCE)
    path = write([*seqres(SEQUENCE), *(line for line in lines if number(line) not in missing)])
    prepared = prepare(path)
    complex = prepared.complex
    assert look.labels(complex) == [f"A:{THREE[letter]}{at}" for at, letter in enumerate(SEQUENCE, start=1)]
    assert len(complex.links) == len(SEQUENCE) - 1
    assert find_faults(complex, np.ones(complex.n_atoms, dtype=bool)) == []
    assert (look.volumes(complex) > 0).all()
    (text,) = texts(prepared, "gap built")
    assert all(f"{at}" in text for at in missing)
    # what was read and is away from the gap has not moved
    read = read_complex(path)
    far = (np.abs(read.residue_number[read.residue_index] - missing[0]) > 8) & (read.atom_name != "OXT")
    keys = {
        (int(complex.residue_number[complex.residue_index[at]]), str(complex.atom_name[at])): at
        for at in range(complex.n_atoms)
    }
    rows = [
        keys[int(read.residue_number[read.residue_index[at]]), str(read.atom_name[at])] for at in np.flatnonzero(far)
    ]
    assert np.array_equal(complex.coordinates_nm[rows], read.coordinates_nm[far])


def test_long_gaps_are_capped_or_charged_by_choice(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    lines = [line for line in heavy_lines(SEQUENCE) if number(line) not in range(7, 13)]
    path = write([*seqres(SEQUENCE), *lines])
    capped = prepare(path, PreparationSettings(build_gaps=5))
    assert look.labels(capped.complex)[5:9] == ["A:GLU6", "A:NME7", "A:ACE12", "A:LYS13"]
    assert "6 missing" in texts(capped, "gap")[0]
    assert capped.report["chains"] == [{"name": "A", "n_residues": 15, "sequence": "GAKLSE-KGSRYLIEQ"}]
    charged = prepare(path, PreparationSettings(build_gaps=5, gap_ends="charged"))
    assert look.labels(charged.complex)[5:7] == ["A:GLU6", "A:LYS13"]
    assert {"H2", "H3"} <= look.hydrogens(charged.complex, "A:LYS13")
    assert (charged.complex.atom_name == "OXT").sum() == 2


def test_missing_ends_are_capped_and_true_ends_charged(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    lines = [line for line in heavy_lines(SEQUENCE) if number(line) > 3]
    path = write([*seqres(SEQUENCE), *lines])
    auto = prepare(path)
    assert look.labels(auto.complex)[:2] == ["A:ACE3", "A:LEU4"]
    assert look.labels(auto.complex)[-1] == "A:GLN21"
    assert "before A:LEU4" in texts(auto, "gap")[0]
    charged = prepare(path, PreparationSettings(termini="charged"))
    assert look.labels(charged.complex)[0] == "A:LEU4"
    assert {"H2", "H3"} <= look.hydrogens(charged.complex, "A:LEU4")


def test_a_gap_of_unknown_sequence_is_not_built(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    lines = [line for line in heavy_lines(SEQUENCE) if number(line) not in (9, 10)]
    prepared = prepare(write(lines))
    assert look.labels(prepared.complex)[7:11] == ["A:THR8", "A:NME9", "A:ACE10", "A:VAL11"]
    assert "sequence unknown" in texts(prepared, "gap")[0]


def test_caps_get_insertion_codes_where_no_number_is_free(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    lines = []
    for line in heavy_lines(SEQUENCE):
        if number(line) in (9, 10):
            continue
        moved = number(line) - 2 if number(line) > 10 else number(line)
        lines.append(f"{line[:22]}{moved:4d}{line[26:]}")
    prepared = prepare(write(lines))
    labels = look.labels(prepared.complex)
    assert labels[7:11] == ["A:THR8", "A:NME8Z", "A:ACE9Z", "A:VAL9"]


def test_missing_atoms_are_built_as_they_were(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    lines = heavy_lines(SEQUENCE)
    side = {
        4: ("CG", "CD1", "CD2"),
        7: ("CD1", "CE2"),
        16: ("CD", "NE", "CZ", "NH1", "NH2"),
        19: ("CB", "CG1", "CG2", "CD1"),
        5: ("O",),
    }
    kept = [line for line in lines if line[12:16].strip() not in side.get(number(line), ())]
    kept = [line for line in kept if line[12:16].strip() != "OXT"]
    prepared = prepare(write(kept))
    complex = prepared.complex
    assert find_faults(complex, np.ones(complex.n_atoms, dtype=bool)) == []
    assert look.charge(complex) == pytest.approx(prepared.report["counts"]["net_charge_e"], abs=1e-4)
    built = " ".join(texts(prepared, "built"))
    for at, names in side.items():
        assert f"{at}: {' '.join(names)} w" in built
    assert "OXT was built" in built


def test_a_residue_without_backbone_counts_as_missing(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    lines = [line for line in heavy_lines(SEQUENCE) if number(line) != 9 or line[12:16].strip() in ("N", "CA")]
    prepared = prepare(write(lines))
    assert look.labels(prepared.complex)[8] == "A:ASP9"
    assert texts(prepared, "gap built")[0].startswith("A:ASP9")


def test_a_stretched_bond_stays_a_bond(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    lines = heavy_lines("GAKLSEFTDNVAKG")
    ends = {}
    for line in lines:
        if (number(line), line[12:16].strip()) in ((10, "C"), (11, "N")):
            ends[number(line)] = np.array([float(line[at : at + 8]) for at in (30, 38, 46)])
    along = (ends[11] - ends[10]) / np.linalg.norm(ends[11] - ends[10])
    moved = []
    for line in lines:
        place = np.array([float(line[at : at + 8]) for at in (30, 38, 46)])
        place += along if number(line) > 10 else 0.0
        moved.append(f"{line[:30]}{place[0]:8.3f}{place[1]:8.3f}{place[2]:8.3f}{line[54:]}")
    prepared = prepare(write(moved))
    assert "0.23 nm" in texts(prepared, "joined")[0]
    assert "A:ASN10-A:VAL11" in prepared.report["warnings"][0]
    assert len(prepared.complex.links) == 13


def test_a_model_of_alpha_carbons_is_refused(heavy_lines: Callable[..., list[str]], write: Callable[..., Path]) -> None:
    path = write([line for line in heavy_lines(SEQUENCE) if line[12:16].strip() == "CA"])
    with pytest.raises(InputError, match="representative atoms"):
        prepare(path)


def test_the_sequence_of_a_complex_in_memory_is_that_of_its_source(
    make: SimpleNamespace, look: SimpleNamespace
) -> None:
    whole = make.peptide(12, -65.0, 140.0)
    keep = np.ones(12, dtype=bool)
    keep[5] = False
    part = whole.take_residues(keep)
    part = replace(part, source=replace(part.source, missing_residues=("A:SER6",)))
    assert "A:SER6" in look.labels(prepare(part).complex)


def test_nothing_changes_with_the_time_of_day(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path]
) -> None:
    lines = [line for line in heavy_lines(SEQUENCE) if number(line) not in (9, 10, 11)]
    path = write([*seqres(SEQUENCE), *lines])
    one, other = prepare(path), prepare(path)
    assert np.array_equal(one.complex.coordinates_nm, other.complex.coordinates_nm)
    assert one.report == other.report
    seeded = prepare(path, PreparationSettings(seed=1))
    assert not np.array_equal(one.complex.coordinates_nm, seeded.complex.coordinates_nm)
