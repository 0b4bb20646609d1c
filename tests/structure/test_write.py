"""Writing structures and trajectories, and reading back what was written."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex, read_models
from unfreeze.structure.write import read_xtc, write_cif, write_pdb, write_topology, write_xtc
from unfreeze.trajectories.readers.xdr import XtcReader

from .conftest import example_file

LABELS = ("residue_label_number", "residue_label_chain", "residue_entity")


def assert_equal(one: Complex, other: Complex, skip: tuple[str, ...] = ()) -> None:
    for item in fields(Complex):
        if item.name == "source" or item.name in skip:
            continue
        expected, found = getattr(one, item.name), getattr(other, item.name)
        if expected.dtype.kind == "f":
            tolerance = 5.1e-5 if item.name == "coordinates_nm" else 5.1e-3
            assert np.allclose(expected, found, rtol=0, atol=tolerance), item.name
        else:
            assert expected.tolist() == found.tolist(), item.name


@pytest.fixture(scope="module")
def peptide() -> Complex:
    return read_complex(example_file("mmcif/5PTI.cif.gz"))


@pytest.mark.parametrize(
    "name", ["mmcif/5PTI.cif.gz", "pdb1ejg.pdb", "1hvr.pdb", "pdb3mht.pdb", "pdb3hsy.pdb", "19hc.pdb.gz"]
)
def test_real_files_survive_both_formats(tmp_path, name):
    complex = read_complex(example_file(name))
    write_pdb(tmp_path / "a.pdb", complex)
    assert_equal(complex, read_complex(tmp_path / "a.pdb"), LABELS)
    write_cif(tmp_path / "a.cif", complex)
    again = read_complex(tmp_path / "a.cif")
    assert_equal(complex, again, () if (complex.residue_label_chain != "").all() else LABELS)
    assert again.source.title == complex.source.title


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_numbering_and_names_survive(tmp_path_factory, peptide, data):
    n = peptide.n_residues
    start = data.draw(st.integers(-990, 9000))
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    steps = generator.integers(0, 4, size=n)
    numbers = np.minimum(start + np.cumsum(steps), 9999)
    codes = []
    for at in range(n):
        same = at > 0 and numbers[at] == numbers[at - 1]
        codes.append(chr(ord(codes[-1] or "@") + 1) if same and codes[-1] != "Z" else "")
    unique = len({*zip(numbers.tolist(), codes, strict=True)}) == n
    chain = data.draw(st.sampled_from(list("AZaz09")))
    changed = replace(
        peptide,
        residue_number=numbers if unique else peptide.residue_number,
        residue_insertion_code=np.array(codes if unique else [""] * n),
        chain_name=np.array([chain]),
        atom_charge=generator.integers(-3, 4, size=peptide.n_atoms),
        atom_b_factor=np.round(np.linspace(-9.0, data.draw(st.floats(0, 999)), peptide.n_atoms), 2),
    )
    folder = tmp_path_factory.mktemp("round")
    write_pdb(folder / "a.pdb", changed)
    assert_equal(changed, read_complex(folder / "a.pdb"), LABELS)
    long = replace(changed, chain_name=np.array([data.draw(st.text("AB'\"#_;$x1", min_size=1, max_size=6)) + "Q"]))
    write_cif(folder / "a.cif", long)
    assert_equal(long, read_complex(folder / "a.cif"))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_selections_survive(tmp_path_factory, peptide, data):
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    part = peptide.take_atoms(
        generator.choice(peptide.n_atoms, data.draw(st.integers(1, peptide.n_atoms)), replace=False)
    )
    folder = tmp_path_factory.mktemp("part")
    write_cif(folder / "a.cif", part)
    again = read_complex(folder / "a.cif")
    assert_equal(part, again, ("links",))
    assert set(map(tuple, part.links.tolist())) <= set(map(tuple, again.links.tolist()))


def test_links_that_geometry_does_not_show_are_kept(tmp_path, peptide):
    stretched = peptide.coordinates_nm.copy()
    bridge = next(link for link in peptide.links if (peptide.atom_name[link] == "SG").all())
    stretched[bridge[1]] += 0.09 * np.sign(stretched[bridge[1]] - stretched[bridge[0]]) / np.sqrt(3)
    moved = peptide.with_coordinates(stretched)
    for name, write in (("a.pdb", write_pdb), ("a.cif", write_cif)):
        write(tmp_path / name, moved)
        assert bridge.tolist() in read_complex(tmp_path / name).links.tolist()


def test_several_models(tmp_path, peptide):
    frames = peptide.coordinates_nm + np.arange(3)[:, None, None]
    for name, write in (("a.pdb", write_pdb), ("a.cif", write_cif)):
        write(tmp_path / name, peptide, frames)
        complex, again = read_models(tmp_path / name)
        assert complex.n_atoms == peptide.n_atoms
        assert np.allclose(frames, again, atol=5.1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"chain_name": np.array(["LONG"])},
        {"residue_number": np.arange(60) + 9990},
        {"residue_name": np.array(["A1ABC"] * 60)},
        {"coordinates_nm": np.full((460, 3), 1500.0)},
        {"atom_b_factor": np.full(460, 4000.0)},
    ],
)
def test_what_pdb_cannot_hold_goes_to_mmcif(tmp_path, peptide, change):
    complex = replace(peptide, **change)
    with pytest.raises(InputError, match="mmCIF"):
        write_pdb(tmp_path / "a.pdb", complex)
    assert list(tmp_path.iterdir()) == []
    assert write_topology(tmp_path, complex).name == "topology.cif"
    assert write_topology(tmp_path, peptide).name == "topology.pdb"
    assert [path.name for path in tmp_path.iterdir()] == ["topology.pdb"]


def test_more_atoms_than_pdb_numbers(tmp_path, peptide):
    single = peptide.take_atoms(np.array([0]))
    n = 100_001
    values = {}
    for item in fields(Complex):
        value = getattr(single, item.name)
        if item.name in ("source", "links", "chain_name"):
            values[item.name] = value
        elif item.name in ("residue_index", "residue_number"):
            values[item.name] = np.arange(n)
        else:
            values[item.name] = np.repeat(value, n, axis=0)
    grid = np.stack(np.unravel_index(np.arange(n), (47, 47, 47)), axis=1) * 0.5
    large = replace(single, **{**values, "coordinates_nm": grid, "residue_label_number": np.arange(1, n + 1)})
    path = write_topology(tmp_path, large)
    assert path.name == "topology.cif"
    assert_equal(large, read_complex(path), ("residue_kind",))


def test_nothing_is_left_when_writing_fails(tmp_path, peptide):
    with pytest.raises(InputError, match="finite"):
        write_pdb(tmp_path / "a.pdb", peptide, np.full((peptide.n_atoms, 3), np.nan))
    with pytest.raises(InputError, match="shape"):
        write_cif(tmp_path / "a.cif", peptide, np.zeros((2, 3)))
    with pytest.raises(InputError, match="cannot be written"):
        write_pdb(tmp_path / "absent" / "a.pdb", peptide)
    assert list(tmp_path.iterdir()) == []


def test_xtc_at_a_path_that_is_not_ascii(tmp_path, peptide):
    folder = tmp_path / "Zoë's protéines"
    folder.mkdir()
    write_xtc(folder / "β.xtc", peptide.coordinates_nm)
    write_xtc(folder / "β.xtc", np.stack([peptide.coordinates_nm] * 3))
    assert read_xtc(folder / "β.xtc", peptide.n_atoms).shape == (3, peptide.n_atoms, 3)
    assert [path.name for path in folder.iterdir()] == ["β.xtc"]
    reader = XtcReader(folder / "β.xtc")
    assert np.allclose(reader.read(1, 2), peptide.coordinates_nm, atol=1e-3)
    reader.close()


def test_xtc(tmp_path, peptide):
    frames = peptide.coordinates_nm + np.arange(4)[:, None, None]
    write_xtc(tmp_path / "a.xtc", frames, time_step_ps=2.0)
    again = read_xtc(tmp_path / "a.xtc", peptide.n_atoms)
    assert again.dtype == np.float32
    assert np.allclose(frames, again, atol=6e-4)
    write_xtc(tmp_path / "b.xtc", peptide.coordinates_nm)
    assert read_xtc(tmp_path / "b.xtc", peptide.n_atoms).shape == (1, peptide.n_atoms, 3)
    with pytest.raises(InputError, match="do not belong together"):
        read_xtc(tmp_path / "a.xtc", 5)
    with pytest.raises(InputError, match="no such file"):
        read_xtc(tmp_path / "absent.xtc", 5)
    (tmp_path / "bad.xtc").write_bytes(b"not a trajectory")
    with pytest.raises(InputError, match="not a readable"):
        read_xtc(tmp_path / "bad.xtc", 5)
    with pytest.raises(InputError, match="finite"):
        write_xtc(tmp_path / "c.xtc", np.full((1, 3, 3), np.nan))
