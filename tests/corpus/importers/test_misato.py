from __future__ import annotations

import pickle

import numpy as np
import pytest

from unfreeze.errors import InputError


@pytest.fixture
def misato(tmp_path, layouts):
    """The file with all that may name its atoms beside it."""
    path, molecule, begin = layouts.misato.write_misato(tmp_path / "MD.hdf5", n_frames=20)
    layouts.misato.write_maps(tmp_path / "maps.json", molecule)
    for name in ("11gs", "1a4g"):
        layouts.misato.write_prmtop(tmp_path / "top" / name / "production.top.gz", molecule)
        (tmp_path / "pdb").mkdir(exist_ok=True)
        (tmp_path / "pdb" / f"{name.upper()}.pdb").write_text(molecule.pdb(chains=False))
    return path, molecule, begin


@pytest.mark.parametrize("source", ["maps", "topologies", "structures"])
def test_names_come_from_where_the_user_says(misato, candidates, read, source) -> None:
    path, molecule, _ = misato
    value = {"maps": "maps.json", "topologies": "top", "structures": "pdb"}[source]
    found = candidates("misato", path, {source: str(path.parent / value)})
    assert [one.identifier for one in found] == ["11GS", "1A4G"]
    opened = read(found[0].parts[0])
    complex = opened.stream.complex
    assert complex.residue_name.tolist() == [*"GLY TYR ASP PRO GLU THR GLY THR TRP GLY".split(), "MOL"]
    assert complex.chain_name.tolist() == ["A", "B"]
    assert complex.residue_kind.tolist() == ["protein"] * 10 + ["ligand"]
    heavy = molecule.take(molecule.heavy)
    if source != "maps":
        assert complex.atom_name.tolist() == heavy.name.tolist()
    assert complex.atom_name.tolist()[:-3] == heavy.name.tolist()[:-3]
    assert len(complex.links) == 9
    np.testing.assert_allclose(
        opened.coordinates_nm[:12].mean(), molecule.frames_nm[:, molecule.heavy].mean(), atol=0.02
    )
    assert opened.coordinates_nm.shape == (20, molecule.heavy.sum(), 3)
    assert opened.box_nm is None and opened.times_ps is None


def test_there_is_no_clock_unless_one_is_given(misato, candidates) -> None:
    path = misato[0]
    options = {"maps": str(path.parent / "maps.json")}
    candidate = candidates("misato", path, options)[0]
    assert candidate.parts[0].time_step_ps is None and "gives no times" in candidate.notes[0]
    assert candidate.parts[0].source.licence == "unknown" and candidate.parts[0].is_container
    given = candidates("misato", path, {**options, "time_step": "80ps", "licence": "CC-BY-4.0"})[0].parts[0]
    assert given.time_step_ps == 80.0 and given.source.licence == "CC-BY-4.0"


def test_nothing_is_taken_without_names(misato, candidates) -> None:
    with pytest.raises(InputError, match="names of residues and atoms are numbers"):
        candidates("misato", misato[0])
    with pytest.raises(InputError, match="2 were given"):
        folder = misato[0].parent
        candidates("misato", misato[0], {"maps": str(folder / "maps.json"), "structures": str(folder / "pdb")})


def test_pickles_are_not_read(misato, candidates, tmp_path) -> None:
    path = tmp_path / "atoms_residue_map.pickle"
    path.write_bytes(pickle.dumps({0: "MOL"}))
    with pytest.raises(InputError, match="a pickle can run any code"):
        candidates("misato", misato[0], {"maps": str(path)})
    path.rename(tmp_path / "disguised.json")
    with pytest.raises(InputError, match=r"not UTF-8|not JSON"):
        candidates("misato", misato[0], {"maps": str(tmp_path / "disguised.json")})


def test_complexes_without_a_file_of_names_refuse_themselves(misato, candidates) -> None:
    (misato[0].parent / "pdb" / "1A4G.pdb").unlink()
    good, bad = candidates("misato", misato[0], {"structures": str(misato[0].parent / "pdb")})
    assert good.refusal is None and "there is no 1A4G.pdb" in bad.refusal


def test_names_of_another_molecule_are_refused(misato, candidates, layouts) -> None:
    path, molecule, _ = misato
    folder = path.parent / "pdb"
    (folder / "11GS.pdb").write_text(molecule.take(np.arange(molecule.n_atoms)[::-1]).pdb())
    (folder / "1A4G.pdb").write_text(molecule.take(np.arange(10)).pdb())
    wrong, short = candidates("misato", path, {"structures": str(folder)})
    with pytest.raises(InputError, match="the order of the atoms is another"):
        wrong.parts[0].open()
    with pytest.raises(InputError, match="10 atoms; the set has"):
        short.parts[0].open()
    other = layouts.misato.write_prmtop(path.parent / "top" / "11gs" / "production.top.gz", molecule.take(np.arange(9)))
    assert other.exists()
    (part,) = candidates("misato", path, {"topologies": str(path.parent / "top"), "ids": "11gs"})[0].parts
    with pytest.raises(InputError, match="They do not belong together"):
        part.open()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("bad_begin", "what is the ligand is not known"), ("virtual", "lies in other files")],
)
def test_what_cannot_be_trusted_is_refused(tmp_path, layouts, candidates, fault, reason) -> None:
    path, molecule, _ = layouts.misato.write_misato(tmp_path / "MD.hdf5", faults=[fault], n_frames=12)
    maps = layouts.misato.write_maps(tmp_path / "maps.json", molecule)
    part = candidates("misato", path, {"maps": str(maps), "ids": "11GS"})[0].parts[0]
    with pytest.raises(InputError, match=reason):
        part.open()


def test_a_complex_that_lacks_its_molecules_refuses_itself(tmp_path, layouts, candidates) -> None:
    path, molecule, _ = layouts.misato.write_misato(tmp_path / "MD.hdf5", faults=["no_begin"], n_frames=12)
    maps = layouts.misato.write_maps(tmp_path / "maps.json", molecule)
    found = candidates("misato", path, {"maps": str(maps), "ids": "11gs,9xyz"})
    assert "lacks molecules_begin_atom_index" in found[0].refusal and "no complex 9XYZ" in found[1].refusal


def test_one_damaged_complex_does_not_stop_the_others(tmp_path, layouts, candidates) -> None:
    import h5py

    path, molecule, _ = layouts.misato.write_misato(tmp_path / "MD.hdf5", n_frames=12)
    maps = layouts.misato.write_maps(tmp_path / "maps.json", molecule)
    with h5py.File(path, "a") as file:
        file["2LNK"] = h5py.ExternalLink("/etc/passwd", "/")
        file.create_group("not a PDB id")
    found = {one.identifier: one for one in candidates("misato", path, {"maps": str(maps)})}
    assert set(found) == {"11GS", "1A4G", "not a PDB id"}  # links are not among the groups
    assert "is no PDB id" in found["not a PDB id"].refusal
    (linked,) = candidates("misato", path, {"maps": str(maps), "ids": "2lnk"})
    assert "no complex 2LNK" in linked.refusal


def test_side_chain_amides_do_not_end_a_residue(layouts) -> None:
    """Asn and Gln have O before N inside, which elsewhere means that a residue ends."""
    from unfreeze.corpus.importers.misato import AtomNumbers
    from unfreeze.corpus.importers.misato_names import _residues

    inner = "N H CX H1 CT H1 H1 C O N H H C O".split()
    types = [*inner, *inner, "N", "H"]
    names = ["ASN"] * 28 + ["GLY"] * 2
    zeros = np.zeros(30, dtype=np.int64)
    atoms = AtomNumbers("1ABC", zeros + 6, zeros, zeros, np.array([0]), np.zeros((30, 3)))
    residue, place = _residues(atoms, names, types)
    assert residue.tolist() == [0] * 14 + [1] * 14 + [2] * 2
    assert place[13] == 13 and place[14] == 0 and place[28] == 0
