"""The plain-language summary at the top of a report, made from its numbers and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unfreeze.report.findings import Findings
from unfreeze.structure.complex import Complex
from unfreeze.structure.observables.interfaces import Interface
from unfreeze.structure.observables.motion import normalised_weights

__all__ = ["MobileRegion", "most_mobile_region", "summary_sentences"]

_SHORTEST_CHAIN = 4


@dataclass(frozen=True)
class MobileRegion:
    """The stretch of residues around the largest RMSF.

    Attributes
    ----------
    chain, first, last
        Chain name and author numbers with insertion codes.
    peak_a
        Its largest RMSF, Å.
    position
        ``N-terminal end``, ``C-terminal end`` (``5′ end``, ``3′ end``) or empty.
    """

    chain: str
    first: str
    last: str
    peak_a: float
    position: str

    @property
    def text(self) -> str:
        """For a sentence: ``residues 12–18 of chain B``."""
        if self.first == self.last:
            return f"residue {self.first} of chain {self.chain}"
        where = f"the {self.position} of chain {self.chain} (residues " if self.position else "residues "
        span = f"{self.first}–{self.last}" if "-" not in self.first + self.last else f"{self.first} to {self.last}"
        return f"{where}{span})" if self.position else f"{where}{span} of chain {self.chain}"


def most_mobile_region(molecule: Complex, findings: Findings) -> MobileRegion | None:
    """Residues around the peak that move more than half-way between the median and the peak; None if nothing moves."""
    rmsf = findings.rmsf_a
    if len(rmsf) == 0 or rmsf.max() <= 0.0:
        return None
    peak = int(rmsf.argmax())
    mobile = rmsf >= 0.5 * (rmsf[peak] + np.median(rmsf))
    chain = molecule.chain_index[findings.trace]
    first = last = peak
    while first > 0 and chain[first - 1] == chain[peak] and mobile[first - 1]:
        first -= 1
    while last + 1 < len(rmsf) and chain[last + 1] == chain[peak] and mobile[last + 1]:
        last += 1
    members = np.flatnonzero(chain == chain[peak])
    nucleic = molecule.residue_kind[findings.trace[peak]] == "nucleic"
    position = ""
    if len(members) >= _SHORTEST_CHAIN and last - first + 1 < len(members):
        if first == members[0]:
            position = "5′ end" if nucleic else "N-terminal end"
        elif last == members[-1]:
            position = "3′ end" if nucleic else "C-terminal end"
    numbers = [_number(molecule, int(findings.trace[row])) for row in (first, last)]
    return MobileRegion(str(molecule.chain_name[chain[peak]]), numbers[0], numbers[1], float(rmsf[peak]), position)


def summary_sentences(
    molecule: Complex, findings: Findings, n_frames: int, weights: np.ndarray | None, timescale: str
) -> list[str]:
    """Two to four sentences, without mark-up; escape them like any other text."""
    if n_frames < 2:
        return ["This ensemble has one frame, so there is no motion to describe; interfaces are those of that frame."]
    sentences = []
    region = most_mobile_region(molecule, findings)
    if region is None:
        sentences.append("Nothing moves in this ensemble, or it has no protein or nucleic acid residues to follow.")
    else:
        rmsd = float(normalised_weights(weights, n_frames) @ findings.rmsd_a)
        sentences.append(
            f"The most mobile part is {region.text}, with fluctuations of up to {region.peak_a:.1f} Å; half of all "
            f"residues stay below {np.median(findings.rmsf_a):.1f} Å, and frames lie {rmsd:.1f} Å from the input on "
            "average (RMSD)."
        )
    sentences.append(_interface_sentence(findings.interfaces))
    if timescale:
        sentences.append(
            f"These amplitudes are those of an observation time of about {timescale}; longer times show more."
        )
    return sentences


def _interface_sentence(interfaces: list[Interface]) -> str:
    counted = [item for item in interfaces if item.n_input]
    total = sum(item.n_input for item in counted)
    if total == 0:
        return "No two chains or ligands touch in the input, so there are no interface contacts to follow."
    holds = sum(item.n_persistent for item in counted)
    lost = sum(item.n_lost for item in counted)
    formed = sum(item.n_formed for item in interfaces)
    where = f"the interface of {_pair(counted[0])}" if len(counted) == 1 else f"{len(counted)} interfaces"
    text = (
        f"Of {total} residue contacts across {where}, {holds} ({100 * holds / total:.0f} %) hold in more than 90 % of "
        f"the frames, {total - holds - lost} weaken and {lost} break; {formed} new ones form"
    )
    largest = [item for item in counted if item.n_input >= 5]
    if len(largest) < 2:
        return text + "."
    share = [item.n_persistent / item.n_input for item in largest]
    best, worst = largest[int(np.argmax(share))], largest[int(np.argmin(share))]
    if best is worst:
        return text + "."
    return (
        f"{text}. The steadiest is that of {_pair(best)} ({100 * max(share):.0f} % hold), "
        f"the least steady that of {_pair(worst)} ({100 * min(share):.0f} %)."
    )


def _pair(item: Interface) -> str:
    return f"{item.first} and {item.second}" if item.has_ligand else f"chains {item.first} and {item.second}"


def _number(molecule: Complex, residue: int) -> str:
    return f"{molecule.residue_number[residue]}{molecule.residue_insertion_code[residue]}"
