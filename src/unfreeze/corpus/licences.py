"""What the licences of data ask for, whether data under several of them may be mixed and passed on, in plain words.

A help to see trouble before data or a model are given away; not legal advice. Licences are told by their SPDX
identifiers; what is not in the table is treated as unknown, which permits nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["LICENCES", "Licence", "LicenceReport", "licence_name", "report_licences"]


@dataclass(frozen=True)
class Licence:
    """What a licence asks of who passes data on.

    Attributes
    ----------
    name
        SPDX identifier.
    attribution
        The source must be named.
    non_commercial
        Not for commercial purposes.
    share_alike
        Changed data must be under the same licence.
    no_derivatives
        Changed data must not be passed on.
    redistribution
        Whether data may be passed on at all.
    text
        Whether the text of the licence must go with the data.
    """

    name: str
    attribution: bool = True
    non_commercial: bool = False
    share_alike: bool = False
    no_derivatives: bool = False
    redistribution: bool = True
    text: bool = False


_ALL = (
    Licence("CC0-1.0", attribution=False),
    Licence("PDDL-1.0", attribution=False),
    Licence("CC-BY-3.0"),
    Licence("CC-BY-4.0"),
    Licence("CC-BY-SA-4.0", share_alike=True),
    Licence("CC-BY-NC-4.0", non_commercial=True),
    Licence("CC-BY-NC-SA-4.0", non_commercial=True, share_alike=True),
    Licence("CC-BY-ND-4.0", no_derivatives=True),
    Licence("CC-BY-NC-ND-4.0", non_commercial=True, no_derivatives=True),
    Licence("CDLA-Permissive-1.0", text=True),
    Licence("CDLA-Permissive-2.0", attribution=False, text=True),
    Licence("CDLA-Sharing-1.0", share_alike=True, text=True),
    Licence("ODC-By-1.0"),
    Licence("ODbL-1.0", share_alike=True),
    Licence("MIT", text=True),
    Licence("BSD-3-Clause", text=True),
    Licence("Apache-2.0", text=True),
    Licence("LGPL-3.0-or-later", share_alike=True, text=True),
    Licence("GPL-3.0-or-later", share_alike=True, text=True),
    Licence("proprietary", redistribution=False),
    Licence("unknown", redistribution=False),
)
LICENCES: Mapping[str, Licence] = {licence.name: licence for licence in _ALL}
"""All that are known, by SPDX identifier."""

_ALIASES = {
    "cc0": "CC0-1.0",
    "publicdomain": "CC0-1.0",
    "cczero": "CC0-1.0",
    "ccby": "CC-BY-4.0",
    "ccbysa": "CC-BY-SA-4.0",
    "ccbync": "CC-BY-NC-4.0",
    "ccbyncsa": "CC-BY-NC-SA-4.0",
    "ccbynd": "CC-BY-ND-4.0",
    "ccbyncnd": "CC-BY-NC-ND-4.0",
    "creativecommonsattribution40international": "CC-BY-4.0",
    "cdlapermissive": "CDLA-Permissive-2.0",
    "mitlicense": "MIT",
    "apache20": "Apache-2.0",
    "lgpl": "LGPL-3.0-or-later",
    "lgpl30": "LGPL-3.0-or-later",
    "gpl": "GPL-3.0-or-later",
    "gpl30": "GPL-3.0-or-later",
    "odbl": "ODbL-1.0",
    "own": "proprietary",
    "private": "proprietary",
    "allrightsreserved": "proprietary",
    "": "unknown",
    "none": "unknown",
}


def licence_name(text: str) -> str:
    """SPDX identifier of a licence however it is spelt; the words themselves where it is not known.

    Examples
    --------
    >>> licence_name("cc by-nc 4.0"), licence_name("MIT License"), licence_name("ask Bob")
    ('CC-BY-NC-4.0', 'MIT', 'ask Bob')
    """
    key = _key(text)
    known = {_key(name): name for name in LICENCES}
    return known.get(key) or _ALIASES.get(key) or " ".join(text.split())


@dataclass(frozen=True)
class LicenceReport:
    """What holds for data under some licences together.

    Attributes
    ----------
    datasets
        Names of the data sets under each licence.
    may_pass_on
        Whether the data may be given to others at all, each under its own licence.
    may_combine
        Whether something new may be made of all of them and given to others under one licence.
    commercial
        Whether all of them may be used commercially.
    findings
        The reasons and duties, a sentence each, the gravest first.
    """

    datasets: Mapping[str, tuple[str, ...]]
    may_pass_on: bool
    may_combine: bool
    commercial: bool
    findings: tuple[str, ...] = field(default=())

    @property
    def is_mixed(self) -> bool:
        """Whether there is more than one licence."""
        return len(self.datasets) > 1


def report_licences(sources: Iterable[tuple[str, str]]) -> LicenceReport:
    """What may be done with data of several sources.

    Parameters
    ----------
    sources
        Licence and name of the data set of each.

    Returns
    -------
    LicenceReport
        The findings.
    """
    found: dict[str, set[str]] = {}
    for text, dataset in sources:
        found.setdefault(licence_name(text), set()).add(dataset or "unnamed")
    datasets = {name: tuple(sorted(found[name])) for name in sorted(found)}
    licences = [LICENCES.get(name, Licence(name, redistribution=False)) for name in datasets]
    findings: list[str] = []
    closed = [licence.name for licence in licences if not licence.redistribution]
    for name in closed:
        findings.append(
            f"{_of(datasets, name)}: the licence is {_closed_word(name)}, so nobody else may be given these data until "
            f"their owner agrees."
        )
    fixed = [licence.name for licence in licences if licence.no_derivatives]
    for name in fixed:
        findings.append(
            f"{_of(datasets, name)}: {name} does not allow changed data to be passed on; leaving out atoms, mending "
            f"and mixing change them."
        )
    clash = _clashing(licences)
    if clash:
        findings.append(
            f"{' and '.join(clash)} each want what is made of the data to be under their own terms, which cannot hold "
            f"at once: keep {'; '.join(_of(datasets, name) for name in clash)} apart in what you pass on."
        )
    closed_to_trade = [licence.name for licence in licences if licence.non_commercial]
    for name in closed_to_trade:
        others = [other for other in datasets if other != name]
        mixed = " This holds for the whole of what is mixed with it." if others else ""
        findings.append(f"{_of(datasets, name)}: {name} forbids commercial use.{mixed}")
    for licence in licences:
        duties = [
            words
            for holds, words in (
                (licence.attribution and licence.redistribution, "name the source"),
                (licence.share_alike, "pass changed data on under the same licence"),
                (licence.text, "add the text of the licence"),
            )
            if holds
        ]
        if duties:
            findings.append(f"{_of(datasets, licence.name)}: {licence.name} asks you to {' and to '.join(duties)}.")
    return LicenceReport(
        datasets=datasets,
        may_pass_on=not closed,
        may_combine=not (closed or fixed or clash),
        commercial=not (closed or closed_to_trade),
        findings=tuple(findings),
    )


def _clashing(licences: Iterable[Licence]) -> list[str]:
    """Licences whose demands on what is made of the data exclude one another."""
    licences = [licence for licence in licences if licence.redistribution]
    alike = [licence for licence in licences if licence.share_alike]
    if not alike:
        return []
    names = {licence.name for licence in alike}
    if len(names) > 1:
        return sorted(names)
    own = alike[0]
    # what is made under a licence that allows commerce may not take in data that do not
    limits = [licence.name for licence in licences if licence.non_commercial and not own.non_commercial]
    return sorted([own.name, *limits]) if limits else []


def _of(datasets: Mapping[str, tuple[str, ...]], name: str) -> str:
    return ", ".join(datasets[name])


def _closed_word(name: str) -> str:
    if name == "unknown":
        return "not known"
    return "proprietary" if name == "proprietary" else f"{name!r}, which is not in the table"


def _key(text: str) -> str:
    key = re.sub(r"[\s_.\-/]+", "", text.strip().lower())
    return re.sub(r"licen[sc]e$", "", key) if key not in ("mitlicense",) else key
