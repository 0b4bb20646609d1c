"""Waters, ions, ligands and modified residues: kept, dropped, replaced or refused, and told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from unfreeze.errors import InputError
from unfreeze.structure.prepare.preparation import Prepared, prepare
from unfreeze.structure.prepare.settings import PreparationSettings

METHANOL = """<ForceField>
 <AtomTypes>
  <Type name="meo-c" class="meo-c" element="C" mass="12.01"/><Type name="meo-o" class="meo-o" element="O" mass="16.0"/>
  <Type name="meo-h" class="meo-h" element="H" mass="1.008"/><Type name="meo-q" class="meo-q" element="H" mass="1.008"/>
 </AtomTypes>
 <Residues><Residue name="MEO">
  <Atom name="C1" type="meo-c" charge="0.1167"/><Atom name="O1" type="meo-o" charge="-0.5988"/>
  <Atom name="H1" type="meo-h" charge="0.0287"/><Atom name="H2" type="meo-h" charge="0.0287"/>
  <Atom name="H3" type="meo-h" charge="0.0287"/><Atom name="HO" type="meo-q" charge="0.396"/>
  <Bond atomName1="C1" atomName2="O1"/><Bond atomName1="C1" atomName2="H1"/><Bond atomName1="C1" atomName2="H2"/>
  <Bond atomName1="C1" atomName2="H3"/><Bond atomName1="O1" atomName2="HO"/>
 </Residue></Residues>
 <HarmonicBondForce>
  <Bond class1="meo-c" class2="meo-o" length="0.1426" k="262922"/>
  <Bond class1="meo-c" class2="meo-h" length="0.1093" k="281081"/>
  <Bond class1="meo-o" class2="meo-q" length="0.0974" k="309281"/>
 </HarmonicBondForce>
 <NonbondedForce coulomb14scale="0.8333333333333334" lj14scale="0.5">
  <UseAttributeFromResidue name="charge"/>
  <Atom type="meo-c" sigma="0.34" epsilon="0.458"/><Atom type="meo-o" sigma="0.307" epsilon="0.88"/>
  <Atom type="meo-h" sigma="0.247" epsilon="0.066"/><Atom type="meo-q" sigma="0.0" epsilon="0.0"/>
 </NonbondedForce>
</ForceField>
"""


def hetero(name: str, number: int, x: float, y: float, z: float, atom: str = "O", element: str = "O") -> str:
    padded = f"{atom:4}" if len(element) == 2 else f" {atom:3}"
    return f"HETATM 9999 {padded} {name:>3} A{number:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {element:>2}"


def texts(prepared: Prepared, kind: str) -> list[str]:
    return [change["text"] for change in prepared.report["changes"] if change["kind"] == kind]


@pytest.fixture
def two_chains(heavy_lines: Callable[..., list[str]]) -> list[str]:
    """Two peptides side by side, a water between them, one beside the first and one far away."""
    lines = heavy_lines("AAAAA:AAAAA")
    x = [[float(line[30:38]) for line in lines if line[21] == chain] for chain in "AB"]
    y = [[float(line[at : at + 8]) for line in lines] for at in (38, 46)]
    centre = [sum(values) / len(values) for values in y]
    middle = (max(x[0]) + min(x[1])) / 2
    waters = [(501, middle), (502, min(x[0]) - 3.0), (503, max(x[1]) + 30.0)]
    return [*lines, *(hetero("HOH", number, at, *centre) for number, at in waters)]


@pytest.mark.parametrize(
    ("choice", "kept"), [("none", []), ("interface", ["A:HOH501"]), ("all", ["A:HOH501", "A:HOH502", "A:HOH503"])]
)
def test_waters_by_choice(
    two_chains: list[str], write: Callable[..., Path], look: SimpleNamespace, choice: str, kept: list[str]
) -> None:
    settings = PreparationSettings.model_validate({"keep_waters": choice, "water_distance_nm": 0.9})
    prepared = prepare(write(two_chains), settings)
    assert [label for label in look.labels(prepared.complex) if "HOH" in label] == kept
    assert prepared.report["counts"]["waters"] == len(kept)
    for label in kept:
        assert look.hydrogens(prepared.complex, label) == {"H1", "H2"}
    assert len(texts(prepared, "water")) == (2 if choice == "interface" else 1)
    assert look.charge(prepared.complex) == pytest.approx(0.0, abs=1e-4)


def test_ions_and_the_states_that_they_force(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    lines = heavy_lines("AHACA")

    def beyond(residue: int, atom: str, inner: str) -> list[float]:
        places = {
            line[12:16].strip(): [float(line[at : at + 8]) for at in (30, 38, 46)]
            for line in lines
            if int(line[22:26]) == residue
        }
        gap = [a - b for a, b in zip(places[atom], places[inner], strict=True)]
        size = sum(value * value for value in gap) ** 0.5
        return [a + 2.1 * value / size for a, value in zip(places[atom], gap, strict=True)]

    ions = [
        hetero("ZN", 301, *beyond(2, "NE2", "CG"), "ZN", "ZN"),
        hetero("ZN", 302, *beyond(4, "SG", "CB"), "ZN", "ZN"),
        hetero("SO4", 303, 90.0, 90.0, 90.0, "S", "S"),
    ]
    path = write([*lines, *ions])
    kept = prepare(path, PreparationSettings(ions="keep"))
    assert kept.report["counts"]["ions"] == 2
    assert {"HD1", "HE2"} & look.hydrogens(kept.complex, "A:HIS2") == {"HD1"}
    assert "HG" not in look.hydrogens(kept.complex, "A:CYS4")
    assert "bound to a metal" in " ".join(texts(kept, "state"))
    assert look.charge(kept.complex) == pytest.approx(3.0, abs=1e-4)
    dropped = prepare(path)
    assert dropped.report["counts"]["ions"] == 0
    assert len(texts(dropped, "dropped")) == 3
    assert "HG" in look.hydrogens(dropped.complex, "A:CYS4")


def test_an_ion_without_one_clear_model_is_refused(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path]
) -> None:
    path = write([*heavy_lines("AAA"), hetero("FE", 301, 90.0, 0.0, 0.0, "FE", "FE")])
    with pytest.raises(InputError, match=r"A:FE301.*--ions drop"):
        prepare(path, PreparationSettings(ions="keep"))


def test_a_ligand_with_a_force_field_is_kept_and_gets_its_hydrogens(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], tmp_path: Path, look: SimpleNamespace
) -> None:
    ligand = [hetero("MEO", 301, 30.0, 0.0, 0.0, "C1", "C"), hetero("MEO", 301, 31.42, 0.0, 0.0, "O1", "O")]
    path = write([*heavy_lines("AAA"), *ligand])
    (tmp_path / "meo.xml").write_text(METHANOL)
    prepared = prepare(path, PreparationSettings(force_field_files=(str(tmp_path / "meo.xml"),)))
    assert look.hydrogens(prepared.complex, "A:MEO301") == {"H1", "H2", "H3", "HO"}
    assert texts(prepared, "ligand") == ["A:MEO301 is kept, with the force field given for it."]
    with pytest.raises(InputError, match="A:MEO301"):
        prepare(path)
    assert "A:MEO301" not in look.labels(prepare(path, PreparationSettings(ligands="drop")).complex)
    with pytest.raises(InputError, match=r"absent\.xml"):
        prepare(path, PreparationSettings(force_field_files=("absent.xml",)))
    (tmp_path / "smiles.xml").write_text(METHANOL.replace("MEO", "[H]OC"))  # as openmmforcefields names it
    with pytest.raises(InputError, match=r'A:MEO301.* know \[H\]OC\. .*write <Residue name="MEO">'):
        prepare(path, PreparationSettings(force_field_files=(str(tmp_path / "smiles.xml"),)))


def renamed(lines: list[str], number: int, name: str, atoms: dict[str, str] | None = None) -> list[str]:
    """A residue under another name, as HETATM, with some atoms renamed."""
    changed = []
    for line in lines:
        if int(line[22:26]) == number:
            atom = (atoms or {}).get(line[12:16].strip(), line[12:16].strip())
            element = "SE" if atom == "SE" else line[76:78].strip()
            padded = f"{atom:4}" if len(element) == 2 or len(atom) == 4 else f" {atom:3}"
            line = f"HETATM{line[6:12]}{padded} {name:>3}{line[20:76]}{element:>2}{line[78:]}"
        changed.append(line)
    return changed


def test_modified_residues_become_their_parents(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    lines = heavy_lines("AMASAA")
    lines = renamed(renamed(lines, 2, "MSE", {"SD": "SE"}), 4, "SEP")
    prepared = prepare(write(lines))
    assert look.labels(prepared.complex) == ["A:ALA1", "A:MET2", "A:ALA3", "A:SER4", "A:ALA5", "A:ALA6"]
    assert texts(prepared, "replaced")[0] == "A:MSE2 was replaced by MET, from which it derives."
    sulfur = prepared.complex.atom_name == "SD"
    assert prepared.complex.element[sulfur].tolist() == ["S"]
    with pytest.raises(InputError, match=r"A:MSE2 \(a modified MET"):
        prepare(write(lines), PreparationSettings(nonstandard="refuse"))


def test_amino_acids_of_the_other_hand_are_refused_unless_mutated(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    path = write(renamed(heavy_lines("AALAA"), 3, "DLE"))
    with pytest.raises(InputError, match=r"A:DLE3 \(a D-amino acid; mutate it, such as A:DLE3L"):
        prepare(path)
    prepared = prepare(path, PreparationSettings(mutations=("A:DLE3L",)))
    assert look.labels(prepared.complex)[2] == "A:LEU3"
    assert (look.volumes(prepared.complex) > 0).all()


def test_what_has_no_parent_is_refused_by_name(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path]
) -> None:
    lines = renamed(renamed(heavy_lines("AASAA"), 2, "XQ1"), 4, "XQ2")
    with pytest.raises(InputError, match=r"A:XQ12 .*A:XQ24 .*--force-field-file"):
        prepare(write(lines))


def test_names_of_other_programs(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    lines = heavy_lines("AHIDA")
    lines = [line.replace(" CD1 ILE", " CD  ILE").replace("HIS A", "HSP A").replace("ASP A", "ASH A") for line in lines]
    lines = [
        line.replace(" O   ALA A   5", " OT1 ALA A   5").replace(" OXT ALA A   5", " OT2 ALA A   5") for line in lines
    ]
    prepared = prepare(write(lines))
    assert {"HD1", "HE2"} <= look.hydrogens(prepared.complex, "A:HIS2")
    assert "HD2" in look.hydrogens(prepared.complex, "A:ASP4")
    assert texts(prepared, "built") == []
    assert look.charge(prepared.complex) == pytest.approx(1.0, abs=1e-4)


def test_alternate_locations_are_told(heavy_lines: Callable[..., list[str]], write: Callable[..., Path]) -> None:
    lines = []
    for line in heavy_lines("ASA"):
        if line[12:16].strip() == "OG":
            lines.append(f"{line[:16]}A{line[17:56]}0.40{line[60:]}")
            lines.append(f"{line[:16]}B{line[17:30]}{float(line[30:38]) + 0.5:8.3f}{line[38:56]}0.60{line[60:]}")
        else:
            lines.append(line)
    prepared = prepare(write(lines))
    assert texts(prepared, "alternates") == [
        "1 atoms of alternate locations were dropped; the location of the highest occupancy stays."
    ]


def test_waters_on_top_of_something_are_dropped(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    lines = heavy_lines("AAA")
    x, y, z = (float(lines[1][at : at + 8]) for at in (30, 38, 46))
    waters = [
        hetero("HOH", 501, x + 1.5, y, z + 1.0),
        hetero("HOH", 502, x, y, z + 30.0),
        hetero("HOH", 503, x, y, z + 31.5),
    ]
    prepared = prepare(write([*lines, *waters]), PreparationSettings(keep_waters="all"))
    assert [label for label in look.labels(prepared.complex) if "HOH" in label] == ["A:HOH502"]
    assert "2 waters dropped, too close to other atoms." in texts(prepared, "water")


def test_a_free_amino_acid_is_a_ligand(
    heavy_lines: Callable[..., list[str]], write: Callable[..., Path], look: SimpleNamespace
) -> None:
    free = [f"{line[:22]} 301{line[26:30]}{float(line[30:38]) + 40:8.3f}{line[38:]}" for line in heavy_lines("GD")]
    free = [line for line in free if "ASP" in line]
    path = write([*heavy_lines("AAA"), *free])
    with pytest.raises(InputError, match="no force field for A:ASP301"):
        prepare(path)
    assert "A:ASP301" not in look.labels(prepare(path, PreparationSettings(ligands="drop")).complex)
