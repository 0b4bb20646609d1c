"""The registry of force fields: pairs that exist load, pairs that do not are refused with a way out."""

from __future__ import annotations

from pathlib import Path

import pytest
from openmm import app

from unfreeze.errors import InputError
from unfreeze.simulate.force_field_files import file_records
from unfreeze.simulate.force_fields import FORCE_FIELDS, SOLVENTS, caveats_of, files_of
from unfreeze.simulate.settings import SystemSettings


def test_settings_and_registry_name_the_same() -> None:
    annotation = SystemSettings.model_json_schema()["properties"]
    assert set(annotation["force_field"]["enum"]) == set(FORCE_FIELDS)
    assert set(annotation["solvent"]["enum"]) == set(SOLVENTS)


@pytest.mark.parametrize("name", FORCE_FIELDS)
def test_every_force_field_says_what_it_is_good_for_in_one_line(name: str) -> None:
    force_field = FORCE_FIELDS[name]
    assert force_field.name == name
    assert force_field.good_for and "\n" not in force_field.good_for and len(force_field.good_for) < 110
    assert force_field.reference or name == "custom"


@pytest.mark.parametrize("name", FORCE_FIELDS)
def test_every_file_is_there(name: str) -> None:
    force_field = FORCE_FIELDS[name]
    names = {*force_field.files, *(file for files in force_field.solvent_files.values() for file in files)}
    records = file_records(tuple(sorted(names)))
    assert len(records) == len(names)
    assert all(len(record["sha256"]) == 64 and record["from"] in ("openmm", "unfreeze") for record in records)


@pytest.mark.parametrize(("force_field", "solvent"), [("charmm36", "opc"), ("charmm36m", "tip3pfb")])
def test_a_pair_that_does_not_exist_is_refused_with_those_that_do(force_field: str, solvent: str) -> None:
    with pytest.raises(InputError, match=rf"{force_field} has no parameters for solvent {solvent}.*tip3p.*amber14"):
        files_of(SystemSettings(force_field=force_field, solvent=solvent))


def test_custom_without_files_says_how_to_come_by_a99sb_disp() -> None:
    with pytest.raises(InputError, match=r"custom needs force_field_files.*a99SB-disp"):
        files_of(SystemSettings(force_field="custom"))


def test_files_of_the_user_come_last(tmp_path: Path) -> None:
    own = tmp_path / "ligand.xml"
    own.write_text("<ForceField/>")
    names = files_of(SystemSettings(force_field_files=(str(own),)))
    assert names[-1] == str(own)
    assert file_records(names)[-1]["from"] == "user"
    assert file_records(names)[0] == {**file_records(names)[0], "name": "amber14/protein.ff14SB.xml", "from": "openmm"}


def test_custom_water_is_said_to_be_ones_own() -> None:
    caveats = caveats_of(SystemSettings(force_field="custom", solvent="opc", force_field_files=("mine.xml",)))
    assert any("only says that water has 4 sites" in text for text in caveats)


def test_boxes_have_the_sites_that_the_water_has() -> None:
    for solvent in SOLVENTS.values():
        if solvent.n_sites:
            box = Path(app.__file__).parent / "data" / f"{solvent.box}.pdb"
            first = next(app.PDBFile(str(box)).topology.residues())
            assert len(list(first.atoms())) == solvent.n_sites
