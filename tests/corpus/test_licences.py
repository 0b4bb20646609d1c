"""Licences: how they are spelt, and what they allow together."""

from __future__ import annotations

import pytest

from unfreeze.corpus.licences import LICENCES, licence_name, report_licences


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CC-BY-4.0", "CC-BY-4.0"),
        ("cc by 4.0", "CC-BY-4.0"),
        ("CC BY-NC 4.0", "CC-BY-NC-4.0"),
        ("cc-by-nc-4.0", "CC-BY-NC-4.0"),
        ("MIT License", "MIT"),
        ("CDLA-Permissive 2.0", "CDLA-Permissive-2.0"),
        ("", "unknown"),
        ("Unknown", "unknown"),
        ("own", "proprietary"),
        ("what  ever", "what ever"),
    ],
)
def test_spellings(text: str, name: str) -> None:
    assert licence_name(text) == name


def test_every_name_is_its_own_spelling() -> None:
    assert all(licence_name(name) == name == licence.name for name, licence in LICENCES.items())


def test_open_data_ask_for_names_only() -> None:
    report = report_licences([("CC-BY-4.0", "mdcath"), ("cc by 4.0", "misato")])
    assert (report.may_pass_on, report.may_combine, report.commercial, report.is_mixed) == (True, True, True, False)
    assert report.findings == ("mdcath, misato: CC-BY-4.0 asks you to name the source.",)


def test_one_licence_against_commerce_holds_for_all() -> None:
    report = report_licences([("CC-BY-NC-4.0", "atlas"), ("MIT", "timewarp")])
    assert report.may_combine
    assert not report.commercial
    assert report.is_mixed
    assert "atlas: CC-BY-NC-4.0 forbids commercial use. This holds for the whole" in report.findings[0]


@pytest.mark.parametrize("text", ["unknown", "proprietary", "ask Bob", ""])
def test_what_is_not_known_permits_nothing(text: str) -> None:
    report = report_licences([(text, "x"), ("CC0-1.0", "y")])
    assert not report.may_pass_on
    assert not report.may_combine
    assert report.findings[0].startswith("x: the licence is ")


def test_demands_that_exclude_one_another() -> None:
    assert not report_licences([("CC-BY-SA-4.0", "x"), ("CC-BY-NC-4.0", "y")]).may_combine
    assert not report_licences([("CC-BY-SA-4.0", "x"), ("CC-BY-NC-SA-4.0", "y")]).may_combine
    assert report_licences([("CC-BY-NC-SA-4.0", "x"), ("CC-BY-NC-4.0", "y")]).may_combine
    assert report_licences([("CC-BY-SA-4.0", "x"), ("CC-BY-4.0", "y")]).may_combine
    report = report_licences([("CC-BY-ND-4.0", "x")])
    assert report.may_pass_on
    assert not report.may_combine
