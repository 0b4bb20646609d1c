"""Residues and the templates of force fields: which patches to try, and what to tell where nothing fits.

OpenMM matches and complains; here its complaint becomes a message that names the residue and what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from unfreeze.errors import InputError
from unfreeze.simulate.force_fields import SOLVENTS
from unfreeze.simulate.settings import SystemSettings
from unfreeze.structure.chemistry.polymers import is_water
from unfreeze.structure.complex import Complex

__all__ = ["may_be_patched", "name_of", "templates_named"]


def name_of(complex: Complex) -> str:
    """What to call a structure in a message."""
    return complex.source.name or "the structure"


def may_be_patched(complex: Complex) -> list[str] | None:
    """Names of residues that patches may have to be tried on.

    None, for no limit, where something that is neither polymer nor cap is bound to something.
    """
    bound = np.unique(complex.residue_index[complex.links])
    polymer = np.isin(complex.residue_kind[bound], ["protein", "nucleic"])
    plain = polymer | np.isin(complex.residue_name[bound], ["ACE", "NME"])
    return np.unique(complex.residue_name).tolist() if plain.all() else None


@contextmanager
def templates_named(complex: Complex, settings: SystemSettings) -> Iterator[None]:
    """Turn OpenMM's word on a residue that it has no parameters for into ours.

    Raises
    ------
    InputError
        If a residue of the complex, or the solvent, has no parameters.
    """
    try:
        yield
    except Exception as error:
        text = str(error)
        found = re.search(r"residue (\d+) \((\w+)\)", text, re.IGNORECASE)
        if isinstance(error, InputError) or found is None:
            raise
        if int(found.group(1)) >= complex.n_residues:
            raise InputError(
                f"force field {settings.force_field} has no {found.group(2)} that fits solvent {settings.solvent} "
                f"({SOLVENTS[settings.solvent].n_sites} sites a water, with NA and CL). Give XML files with these in "
                "force_field_files, or take another solvent."
            ) from None
        row = int(found.group(1))
        reason = re.sub(r"\s*For more information.*", "", text, flags=re.DOTALL).split(".  ", 1)[-1].strip()
        raise InputError(
            f"{name_of(complex)}: {complex.residue_label(row)} as it is has no parameters in force field "
            f"{settings.force_field}: {reason} {_advice(complex, row, settings)}"
        ) from None


def _advice(complex: Complex, row: int, settings: SystemSettings) -> str:
    atoms = complex.residue_index == row
    kind, name = str(complex.residue_kind[row]), str(complex.residue_name[row])
    if is_water(name):
        sites = SOLVENTS[settings.solvent].n_sites
        return f"Give XML files with a water of {sites} sites in force_field_files, or another solvent."
    if kind in ("protein", "nucleic") and not (complex.element[atoms] == "H").any():
        return "It has no hydrogens: run `unfreeze prepare` on the structure first."
    if kind == "nucleic" and settings.force_field.startswith("charmm"):
        return "OpenMM's CHARMM files do not fit all DNA and RNA as the PDB has it. Take amber14 or amber19."
    if kind in ("protein", "nucleic"):
        return (
            "Run `unfreeze prepare` on the structure, which completes residues, caps or ends chains and replaces "
            "non-standard residues; or give an OpenMM XML file for it in force_field_files."
        )
    if kind == "ion":
        return "Leave the ion out when preparing, or give an OpenMM XML file for it in force_field_files."
    return (
        f"Give an OpenMM XML file for {name} in system.force_field_files (from OpenFF or GAFF, say), or leave it out "
        "when preparing the structure."
    )
