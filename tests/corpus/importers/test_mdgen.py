from __future__ import annotations

import pytest

from unfreeze.errors import InputError


@pytest.mark.parametrize(
    ("folder", "solvent", "pressure"),
    [("4AA_sims", "explicit:tip3p-fb", 1.0), ("4AA_sims_implicit", "implicit:gbn2", None)],
)
def test_the_folder_says_the_solvent(tmp_path, layouts, candidates, read, folder, solvent, pressure) -> None:
    layouts.xtc_sets.write_mdgen(tmp_path / folder)
    (candidate,) = candidates("mdgen", tmp_path / folder)
    (part,) = candidate.parts
    assert (part.conditions.solvent, part.conditions.pressure_bar) == (solvent, pressure)
    assert part.conditions.temperature_K == 350.0 and part.time_step_ps == 0.1 and part.source.licence == "MIT"
    found = read(part)
    assert found.coordinates_nm.shape == (30, 77, 3) and found.box_nm is None


def test_both_sets_of_a_sequence_are_told_apart(tmp_path, layouts, candidates) -> None:
    for folder in ("4AA_sims", "4AA_sims_implicit"):
        layouts.xtc_sets.write_mdgen(tmp_path / folder)
    found = candidates("mdgen", tmp_path)
    assert {part.conditions.solvent for one in found for part in one.parts} == {"explicit:tip3p-fb", "implicit:gbn2"}


def test_an_unknown_folder_needs_a_word(tmp_path, layouts, candidates) -> None:
    layouts.xtc_sets.write_mdgen(tmp_path / "peptides")
    assert "solvent=explicit or solvent=implicit" in candidates("mdgen", tmp_path)[0].refusal
    (part,) = candidates("mdgen", tmp_path, {"solvent": "implicit"})[0].parts
    assert part.conditions.solvent == "implicit:gbn2"
    with pytest.raises(InputError, match="explicit or implicit was expected"):
        candidates("mdgen", tmp_path, {"solvent": "water"})


def test_unfinished_runs_and_missing_pairs_are_refused(tmp_path, layouts, candidates) -> None:
    root = layouts.xtc_sets.write_mdgen(tmp_path / "4AA_sims")
    folder = root / "GYDPETGTWG"
    (folder / "GYDPETGTWG.xtc").rename(folder / "GYDPETGTWG.h5")
    assert "was not finished or not converted" in candidates("mdgen", root)[0].refusal
    (folder / "GYDPETGTWG.h5").rename(folder / "GYDPETGTWG.xtc")
    (folder / "GYDPETGTWG.pdb").unlink()
    assert "GYDPETGTWG.pdb is missing" in candidates("mdgen", root)[0].refusal


def test_the_peptide_must_be_the_one_of_the_folder(tmp_path, layouts, candidates) -> None:
    root = layouts.xtc_sets.write_mdgen(tmp_path / "4AA_sims", name="AAAA")
    with pytest.raises(InputError, match="called AAAA and the peptide is GYDPETGTWG"):
        candidates("mdgen", root)[0].parts[0].open()


def test_hydrogens_cannot_be_had(tmp_path, layouts, candidates) -> None:
    layouts.xtc_sets.write_mdgen(tmp_path / "4AA_sims")
    with pytest.raises(InputError, match="heavy atoms only"):
        candidates("mdgen", tmp_path, {"atoms": "all"})
