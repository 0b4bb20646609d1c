import shutil
from pathlib import Path

import pytest

from unfreeze.errors import InputError
from unfreeze.simulate.campaign.settings import read_campaign
from unfreeze.simulate.choose.covered import Covered
from unfreeze.simulate.choose.fragment import write_fragment
from unfreeze.simulate.choose.halves import Disagreement
from unfreeze.simulate.choose.profile import profile_of, read_candidates
from unfreeze.simulate.choose.ranking import choose_next

PROTEASE = Path(__file__).parents[3] / "examples" / "data" / "1hvr.cif"


def test_the_fragment_is_a_campaign_with_reasons(tmp_path, make):
    awkward = tmp_path / "odd: {name} #1" / "1hvr.cif"
    awkward.parent.mkdir()
    shutil.copy(PROTEASE, awkward)
    profiles, _ = read_candidates([str(awkward)])
    peptide = profile_of(make.peptide(12), name="pep", source=str(tmp_path / "old campaign"))
    done = Covered(peptide, 2000.0, 1, Disagreement(0.5, 0.1, 0.1, "two halves"))
    choice = choose_next(profiles, [done])
    path = tmp_path / "next.yaml"
    write_fragment(path, choice, length="5ns")
    campaign = read_campaign(path)
    (system,) = campaign.systems
    assert (system.name, system.structure, system.length_ps) == ("1hvr", str(awkward), 5000.0)
    text = path.read_text()
    assert "heuristic" in text
    assert "new pair of partners A–B" in text
    assert "pep in '" in text and "50% of its motion lies between two halves after 2 ns" in text
    with pytest.raises(InputError, match="exists"):
        write_fragment(path, choice)
    write_fragment(path, choice, force=True)


def test_without_anything_new_nothing_is_written(tmp_path):
    with pytest.raises(InputError, match="nothing new was chosen"):
        write_fragment(tmp_path / "next.yaml", choose_next([]))
    assert not (tmp_path / "next.yaml").exists()
