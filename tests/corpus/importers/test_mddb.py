from __future__ import annotations

import json

import numpy as np
import pytest

from unfreeze.errors import InputError


def test_replicas_of_a_project_become_one_entry(tmp_path, layouts, candidates, read) -> None:
    layouts.mddb.write_mddb(tmp_path)
    (candidate,) = candidates("mddb", tmp_path)
    assert candidate.identifier == "A02K9" and candidate.title == "Mdm2 and a peptide of p53"
    assert [part.name for part in candidate.parts] == ["replica1", "replica2", "replica3"]
    part = candidate.parts[1]
    assert part.conditions.force_field == "charmm36m" and part.conditions.solvent == "explicit:tip3p"
    assert part.conditions.temperature_K == 310.0 and part.time_step_ps == 10.0
    assert part.source.licence == "CC-BY-4.0" and part.source.identifier == "A02K9.2"
    assert "protein-peptide interaction" in candidate.notes[0]
    found, molecule = read(part), layouts.molecules.heavy_atoms("3EQS", 20)
    np.testing.assert_allclose(found.coordinates_nm, molecule.frames_nm[1:], atol=1e-6)
    assert found.stream.complex.chain_name.tolist() == ["A", "B"]
    for first, stride, most_bytes in ((0, 1, 1), (3, 2, 30_000), (0, 7, 2**25)):
        again = read(part, first, stride, most_bytes)
        np.testing.assert_array_equal(again.coordinates_nm, found.coordinates_nm[first::stride])


def test_every_second_frame_is_twice_as_far_apart(tmp_path, layouts, candidates, read) -> None:
    layouts.mddb.write_mddb(tmp_path, replicas=1, stride=2)
    (part,) = candidates("mddb", tmp_path)[0].parts
    assert part.time_step_ps == 20.0 and read(part).stream.n_frames == 10


def test_what_the_project_does_not_say_is_not_known(tmp_path, layouts, candidates) -> None:
    nothing = {"TEMP": None, "FF": None, "FRAMESTEP": None, "LICENSE": None, "LINKCENSE": None, "WAT": None}
    layouts.mddb.write_mddb(tmp_path, replicas=1, metadata=nothing)
    (part,) = candidates("mddb", tmp_path)[0].parts
    assert part.conditions.temperature_K is None and part.conditions.force_field is None
    assert part.time_step_ps is None and part.source.licence == "unknown"
    (given,) = candidates("mddb", tmp_path, {"time_step": "0.02 ns", "licence": "CC0-1.0"})[0].parts
    assert given.time_step_ps == 20.0 and given.source.licence == "CC0-1.0"


@pytest.mark.parametrize(
    ("link", "text", "expected"),
    [
        ("https://creativecommons.org/licenses/by-nc/4.0/", "", "CC-BY-NC-4.0"),
        ("", "Creative Commons Attribution 4.0 International", "CC-BY-4.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "", "CC0-1.0"),
        ("", "Ask us first", "Ask us first"),
    ],
)
def test_licences_are_read(tmp_path, layouts, candidates, link, text, expected) -> None:
    layouts.mddb.write_mddb(tmp_path, replicas=1, metadata={"LINKCENSE": link or None, "LICENSE": text or None})
    assert candidates("mddb", tmp_path)[0].parts[0].source.licence == expected


def test_several_force_fields_of_one_system_are_named_together(tmp_path, layouts, candidates) -> None:
    layouts.mddb.write_mddb(tmp_path, replicas=1, metadata={"FF": ["Amber ff14SB", "GLYCAM-06j"], "TEMP": "310 K"})
    conditions = candidates("mddb", tmp_path)[0].parts[0].conditions
    assert conditions.force_field == "amber14 + GLYCAM-06j" and conditions.temperature_K == 310.0


def test_a_replica_may_have_conditions_of_its_own(tmp_path, layouts, candidates) -> None:
    layouts.mddb.write_mddb(tmp_path, replicas=2)
    for number in (1, 2):
        path = tmp_path / f"A02K9.{number}" / "project.json"
        project = json.loads(path.read_text())
        project["mds"][1]["metadata"] = {"TEMP": 350}
        path.write_text(json.dumps(project))
    found = [part.conditions.temperature_K for part in candidates("mddb", tmp_path)[0].parts]
    assert found == [310.0, 350.0]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("cut", "the file is cut short"),
        ("short", "20 were asked for"),
        ("other_atoms", "cut short, or of other atoms"),
        ("html", "a page or a message of the server"),
    ],
)
def test_answers_that_came_short_are_refused(tmp_path, layouts, candidates, fault, reason) -> None:
    layouts.mddb.write_mddb(tmp_path, replicas=1, faults=[fault])
    with pytest.raises(InputError, match=reason):
        candidates("mddb", tmp_path)[0].parts[0].open()


def test_coordinates_may_begin_with_a_byte_that_is_a_letter(tmp_path, layouts, candidates, read) -> None:
    layouts.mddb.write_mddb(tmp_path, replicas=1)
    path = tmp_path / "A02K9.1" / "trajectory.bin"
    path.write_bytes(b"<" + path.read_bytes()[1:])
    assert read(candidates("mddb", tmp_path)[0].parts[0]).stream.n_frames == 20


def test_missing_files_and_broken_descriptions_refuse_the_replica(tmp_path, layouts, candidates) -> None:
    layouts.mddb.write_mddb(tmp_path, replicas=3)
    (tmp_path / "A02K9.1" / "structure.pdb").unlink()
    (tmp_path / "A02K9.2" / "project.json").write_text("<html>")
    one, two, three = candidates("mddb", tmp_path)[0].parts
    assert "structure.pdb missing" in one.refusal and "HTML page" in two.refusal and three.refusal is None


def test_another_folder_is_refused(tmp_path, candidates) -> None:
    with pytest.raises(InputError, match="corpus fetch mddb"):
        candidates("mddb", tmp_path)
