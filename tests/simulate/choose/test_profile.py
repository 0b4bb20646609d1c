import shutil
from pathlib import Path

import pytest

from unfreeze.errors import InputError
from unfreeze.simulate.choose.profile import profile_of, read_candidates, stem_of

PROTEASE = Path(__file__).parents[3] / "examples" / "data" / "1hvr.cif"


def test_the_profile_of_a_homodimer_with_an_inhibitor(make):
    found = profile_of(make.read("1hvr"), name="1hvr", source="1hvr.cif")
    assert found.chains == ("A", "B")
    assert len(found.sequences[0]) == len(found.sequences[1]) == 99
    assert [(a, b) for a, b, _ in found.interfaces] == [(0, 1)]
    # 198 residues of HIV protease with hydrogens have some 3,130 atoms, and the inhibitor 80.
    assert found.n_atoms == pytest.approx(3200, rel=0.05)


def test_a_ligand_alone_cannot_be_chosen_by(make):
    with pytest.raises(InputError, match="no chain of protein"):
        profile_of(make.alkane(6), name="x", source="x.pdb")


def test_files_folders_and_lists_are_read_once_each(tmp_path):
    folder = tmp_path / "structures"
    folder.mkdir()
    shutil.copy(PROTEASE, folder / "one.cif")
    shutil.copy(PROTEASE, folder / ".hidden.cif")
    (folder / "notes.md").write_text("not a structure")
    listed = tmp_path / "candidates.txt"
    listed.write_text("structures/one.cif   # relative to this file\n\n")
    profiles, left_out = read_candidates([str(folder), str(folder / "one.cif"), str(listed)])
    assert [one.name for one in profiles] == ["one"]
    assert left_out == {}


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path):
    broken = tmp_path / "broken.pdb"
    broken.write_text("ATOM nonsense\n")
    twin = tmp_path / "a" / "1hvr.cif"
    twin.parent.mkdir()
    shutil.copy(PROTEASE, twin)
    progress = []
    profiles, left_out = read_candidates([str(broken), str(PROTEASE), str(twin)], lambda *n: progress.append(n))
    assert [one.name for one in profiles] == ["1hvr", "1hvr-2"]
    assert list(left_out) == [str(broken)]
    assert progress == [(1, 3, 1), (2, 3, 1), (3, 3, 1)]
    with pytest.raises(InputError, match=r"none of the 1 candidates.*broken\.pdb"):
        read_candidates([str(broken)])


def test_what_is_nothing_of_the_kind_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file or folder, and not a PDB id"):
        read_candidates(["nothing-here.pdb"])
    with pytest.raises(InputError, match="no structure in this folder"):
        read_candidates([str(tmp_path)])
    listed = tmp_path / "list.txt"
    listed.write_text("nowhere.cif\n")
    with pytest.raises(InputError, match=r"nowhere\.cif: no such file.*in a list"):
        read_candidates([str(listed)])


def test_names_come_from_files_and_ids():
    assert stem_of("/a/b/1ABC.pdb.gz") == "1ABC"
    assert stem_of("1hvr") == "1hvr"
    assert stem_of("strange name!.cif") == "strange-name"
