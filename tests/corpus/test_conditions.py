"""Names of force fields and solvents."""

from __future__ import annotations

import pytest

from unfreeze.corpus.conditions import FORCE_FIELDS, SOLVENTS, force_field_name, is_known_force_field, solvent_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ff14SB", "amber14"), ("amber14/protein.ff14SB.xml", "amber14"), ("CHARMM36m", "charmm36m"),
        ("CHARMM36", "charmm36"), ("C36m", "charmm36m"), ("ff99SB-ILDN", "amber99sb-ildn"),
        ("AMBER99SB*-ILDN", "amber99sb-star-ildn"), ("a99SB-disp", "a99sb-disp"), ("CHARMM22*", "charmm22-star"),
        ("charmm22", "charmm22"), ("OPLS-AA", "opls-aa"), ("ours v3", "ours v3"),
    ],
)  # fmt: skip
def test_force_fields(text, name) -> None:
    assert force_field_name(text) == name == force_field_name(name)


def test_what_says_nothing_is_not_known() -> None:
    assert force_field_name("unknown") is force_field_name("  ") is solvent_name("n/a") is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("TIP3P", "explicit:tip3p"), ("tip3p-fb", "explicit:tip3p-fb"), ("explicit: TIP4P/2005", "explicit:tip4p-2005"),
        ("OBC2", "implicit:obc2"), ("implicit:GBn2", "implicit:gbn2"), ("vacuum", "vacuum"), ("explicit", "explicit"),
        ("explicit:mine", "explicit:mine"), ("implicit:tip3p", "implicit:tip3p"),
    ],
)  # fmt: skip
def test_solvents(text, name) -> None:
    assert solvent_name(text) == name == solvent_name(name)


def test_no_spelling_has_two_meanings() -> None:
    for table, named in ((FORCE_FIELDS, force_field_name), (SOLVENTS, solvent_name)):
        for name, aliases in table.items():
            assert {named(alias) for alias in (name, *aliases) if alias != "none"} == {name}
    assert is_known_force_field("ff19SB") and not is_known_force_field("ours v3")
