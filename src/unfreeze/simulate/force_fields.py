"""The force fields that simulations may name: their OpenMM files for every solvent, what they are good for, caveats.

A registry and nothing else: systems are built in :mod:`unfreeze.simulate.system`, and OpenMM is only imported where
files are loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from unfreeze.errors import InputError
from unfreeze.simulate.settings import EXPLICIT_SOLVENTS, SystemSettings

__all__ = ["FORCE_FIELDS", "SOLVENTS", "ForceField", "Solvent", "caveats_of", "files_of"]


@dataclass(frozen=True)
class ForceField:
    """A protein force field and the solvents that go with it.

    Attributes
    ----------
    name
        As `force_field` in the settings.
    title
        As people call it.
    files
        OpenMM's XML files for protein and nucleic acid.
    solvent_files
        Solvent to the further files it needs; a solvent that is not here does not go with this force field.
    good_for
        One line.
    reference
        Where it was published.
    caveats
        What to know before using it, one sentence each.
    solvent_caveats
        The same, by solvent.
    cutoff_nm
        Cut-off of Lennard-Jones and direct Coulomb forces in water.
    switch_nm
        Width before the cut-off over which Lennard-Jones energies are switched off; 0 for none.
    dispersion_correction
        Whether what lies beyond the cut-off is corrected for in energy and pressure.
    """

    name: str
    title: str
    files: tuple[str, ...]
    solvent_files: Mapping[str, tuple[str, ...]]
    good_for: str
    reference: str
    caveats: tuple[str, ...] = ()
    solvent_caveats: Mapping[str, str] = field(default_factory=dict)
    cutoff_nm: float = 0.9
    switch_nm: float = 0.0
    dispersion_correction: bool = True


@dataclass(frozen=True)
class Solvent:
    """A model of the solvent.

    Attributes
    ----------
    name
        As `solvent` in the settings.
    good_for, reference
        One line each.
    n_sites
        Particles a water molecule; 0 without water.
    box
        The equilibrated box of OpenMM that has as many sites.
    """

    name: str
    good_for: str
    reference: str
    n_sites: int = 0
    box: str = ""


SOLVENTS: Mapping[str, Solvent] = {
    solvent.name: solvent
    for solvent in (
        Solvent(
            "obc2",
            "implicit water, the fastest here on CPU; peptides, first looks; salt bridges and helices too stable",
            "Onufriev, Bashford & Case 2004, doi:10.1002/prot.20033",
        ),
        Solvent(
            "gbn2",
            "implicit water, better balanced than OBC2 for folded proteins; on CPU several times slower",
            "Nguyen, Roe & Simmerling 2013, doi:10.1021/ct3010485",
        ),
        Solvent(
            "tip3p",
            "the water that most older protein force fields were fitted with; diffuses 2.5 times too fast",
            "Jorgensen et al. 1983, doi:10.1063/1.445869",
            3,
            "tip3p",
        ),
        Solvent(
            "tip3pfb",
            "three sites refitted to liquid water; the default choice beside ff14SB",
            "Wang, Martinez & Pande 2014, doi:10.1021/jz500737m",
            3,
            "tip3p",
        ),
        Solvent(
            "opc",
            "four sites, the closest to real water here; what ff19SB was made for; a third slower",
            "Izadi, Anandakrishnan & Onufriev 2014, doi:10.1021/jz501780a",
            4,
            "tip4pew",
        ),
        Solvent("vacuum", "no solvent at all; only for tests of the machinery", "", 0, ""),
    )
}

_GB_CHARGES = (
    "The radii of the implicit solvent were fitted with Amber's charges; beside CHARMM's they are an approximation."
)

FORCE_FIELDS: Mapping[str, ForceField] = {
    force_field.name: force_field
    for force_field in (
        ForceField(
            "amber14",
            "Amber ff14SB (DNA OL15, RNA OL3)",
            ("amber14/protein.ff14SB.xml", "amber14/DNA.OL15.xml", "amber14/RNA.OL3.xml"),
            {
                "obc2": ("amber14/tip3p.xml",),
                "gbn2": ("amber14/tip3p.xml",),
                "vacuum": ("amber14/tip3p.xml",),
                "tip3p": ("amber14/tip3p.xml",),
                "tip3pfb": ("amber14/tip3pfb.xml",),
                "opc": ("amber14/opc.xml",),
            },
            "folded proteins and their complexes; the safe default, and the one to use with implicit solvent",
            "Maier et al. 2015, doi:10.1021/acs.jctc.5b00255",
            ("Disordered chains come out too compact.",),
        ),
        ForceField(
            "amber19",
            "Amber ff19SB (DNA OL21, RNA OL3)",
            ("amber19/protein.ff19SB.xml", "amber19/DNA.OL21.xml", "amber14/RNA.OL3.xml"),
            {
                "obc2": ("amber19/tip3p.xml",),
                "gbn2": ("amber19/tip3p.xml",),
                "vacuum": ("amber19/tip3p.xml",),
                "tip3p": ("amber19/tip3p.xml",),
                "tip3pfb": ("amber19/tip3pfb.xml",),
                "opc": ("amber19/opc.xml",),
            },
            "folded proteins, and peptides in OPC water: backbone by residue type (CMAP); the best Amber of today",
            "Tian et al. 2020, doi:10.1021/acs.jctc.9b00591",
            (),
            {
                "obc2": "ff19SB was made for OPC water; with implicit solvent it is little tested.",
                "gbn2": "ff19SB was made for OPC water; with implicit solvent it is little tested.",
                "tip3p": "ff19SB was made for OPC water; its authors advise against TIP3P.",
                "tip3pfb": "ff19SB was made for OPC water; TIP3P-FB is a lesser match.",
            },
        ),
        ForceField(
            "charmm36",
            "CHARMM36 (toppar of August 2015)",
            ("charmm36.xml", "unfreeze/charmm36_caps.xml"),
            {
                "obc2": ("charmm36/water.xml",),
                "gbn2": ("charmm36/water.xml",),
                "vacuum": ("charmm36/water.xml",),
                "tip3p": ("charmm36/water.xml",),
            },
            "folded proteins, nucleic acids, lipids and sugars from one hand; older than CHARMM36m",
            "Best et al. 2012, doi:10.1021/ct300400x",
            (
                "Disordered peptides visit left-handed helices too often; charmm36m mends this.",
                "OpenMM's files lack the improper torsion of charged C termini; those of charmm36m have it.",
            ),
            {"obc2": _GB_CHARGES, "gbn2": _GB_CHARGES},
            1.2,
            0.2,
            False,
        ),
        ForceField(
            "charmm36m",
            "CHARMM36m (toppar of July 2024)",
            ("charmm36_2024.xml", "unfreeze/charmm36_2024_caps.xml"),
            {
                "obc2": ("charmm36_2024/water.xml",),
                "gbn2": ("charmm36_2024/water.xml",),
                "vacuum": ("charmm36_2024/water.xml",),
                "tip3p": ("charmm36_2024/water.xml",),
            },
            "folded and disordered proteins in one model; that of most public trajectory sets; slow to load",
            "Huang et al. 2017, doi:10.1038/nmeth.4067",
            (),
            {"obc2": _GB_CHARGES, "gbn2": _GB_CHARGES},
            1.2,
            0.2,
            False,
        ),
        ForceField(
            "custom",
            "OpenMM XML files of your own",
            (),
            {name: () for name in SOLVENTS},
            "a99SB-disp, which OpenMM does not ship, and any other: give its XML files in force_field_files",
            "",
            ("Cut-offs and corrections of custom force fields are Amber's unless cutoff_nm says otherwise.",),
        ),
    )
}


def files_of(settings: SystemSettings) -> tuple[str, ...]:
    """Names of the XML files that settings ask for, the user's own last.

    Raises
    ------
    InputError
        If the force field does not go with the solvent, or ``custom`` comes without files.
    """
    force_field = FORCE_FIELDS[settings.force_field]
    if settings.solvent not in force_field.solvent_files:
        others = [name for name, other in FORCE_FIELDS.items() if settings.solvent in other.solvent_files]
        raise InputError(
            f"force_field {settings.force_field} has no parameters for solvent {settings.solvent}; it goes with "
            f"{', '.join(force_field.solvent_files)}. Take one of these, or another force field for "
            f"{settings.solvent} ({', '.join(others)})."
        )
    if not force_field.files and not settings.force_field_files:
        raise InputError(
            "force_field custom needs force_field_files: the OpenMM XML files of a whole force field, with its water "
            "if the solvent is explicit. For a99SB-disp, which OpenMM does not ship, github.com/JuliaMolSim/Molly.jl "
            "has a99SB-disp.xml and a99SB-disp_water.xml in data/force_fields (not checked here; files of its authors, "
            "not for OpenMM, are at github.com/paulrobustelli/Force-Fields); take solvent opc with them, which then "
            "stands for any water of four sites."
        )
    return (*force_field.files, *force_field.solvent_files[settings.solvent], *settings.force_field_files)


def caveats_of(settings: SystemSettings) -> list[str]:
    """What to know about a force field in a solvent, one sentence each."""
    force_field = FORCE_FIELDS[settings.force_field]
    caveats = [*force_field.caveats]
    if settings.solvent in force_field.solvent_caveats:
        caveats.append(force_field.solvent_caveats[settings.solvent])
    if settings.solvent in ("obc2", "gbn2"):
        caveats.append(
            "Implicit solvent has no viscosity of water: times of conformational changes are too short, and "
            "salt bridges, compact states and helices are too stable."
        )
    if settings.force_field == "custom" and settings.solvent in EXPLICIT_SOLVENTS:
        sites = SOLVENTS[settings.solvent].n_sites
        caveats.append(f"With a custom force field, {settings.solvent} only says that water has {sites} sites.")
    return caveats
