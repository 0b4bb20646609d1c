"""Which residues mutations mean, and whether they can be mutated at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unfreeze.corpus.mutations import Mutation, NumberedResidues
from unfreeze.errors import InputError
from unfreeze.properties.mutants.amino_acid_tables import NAME_OF
from unfreeze.structure.complex import Complex

__all__ = ["Sites"]

_FLATTEST_NM3 = 1e-4


class Sites:
    """The residues of a complex by author numbering, for mutations.

    Parameters
    ----------
    molecule
        The complex.
    """

    def __init__(self, molecule: Complex) -> None:
        self.molecule = molecule
        self._numbered = NumberedResidues(molecule)
        self._rows: dict[tuple[str, int, str], int] = {}
        chains = molecule.chain_name[molecule.chain_index].tolist()
        keys = zip(
            chains,
            molecule.residue_number.tolist(),
            molecule.residue_insertion_code.tolist(),
            molecule.residue_kind.tolist(),
            strict=True,
        )
        for row, (chain, number, code, kind) in enumerate(keys):
            if kind in ("protein", "nucleic"):
                self._rows.setdefault((chain, number, code.upper()), row)
        self._backbone = {name: molecule.atom_of_residue(name) for name in ("N", "CA", "C", "CB")}

    def find(self, mutations: Sequence[Mutation]) -> dict[int, str]:
        """Row of every mutated residue and the three-letter code of what it becomes, in order of rows.

        Mutations of a residue to itself are checked and left out.

        Raises
        ------
        InputError
            If a mutation does not fit the structure, two mean one residue, or the residue cannot be rebuilt.
        """
        name = self.molecule.source.name or "the structure"
        found: dict[int, str] = {}
        meant: dict[int, Mutation] = {}
        for mutation in mutations:
            if not mutation.chain:
                raise InputError(
                    f"{name}: mutation {mutation} names no chain; write it as A:{mutation} "
                    f"(the chains are {', '.join(self._numbered.chains)})"
                )
            fault = self._numbered.fault(mutation)
            if fault:
                raise InputError(f"{name}: mutation {fault}")
            row = self._rows[mutation.chain, mutation.number, mutation.insertion_code]
            if row in meant:
                raise InputError(f"{name}: mutations {meant[row]} and {mutation} are of one residue; give one of them")
            meant[row] = mutation
            self.check(row)
            if mutation.mutant != mutation.wild_type:
                found[row] = NAME_OF[mutation.mutant]
        return dict(sorted(found.items()))

    def check(self, row: int) -> None:
        """See that a residue has what a side chain is built on, and is an L-amino acid.

        Raises
        ------
        InputError
            If not.
        """
        name = self.molecule.source.name or "the structure"
        label = self.molecule.residue_label(row)
        lacking = [atom for atom in ("N", "CA", "C") if self._backbone[atom][row] < 0]
        if self.molecule.residue_kind[row] != "protein" or lacking:
            raise InputError(
                f"{name}: {label} has no atom {' and no '.join(lacking) or 'of an amino acid'}, "
                "on which side chains are built; complete the structure with `unfreeze prepare`"
            )
        if self._backbone["CB"][row] >= 0:
            at = self.molecule.coordinates_nm
            n, alpha, c, beta = (at[self._backbone[atom][row]] for atom in ("N", "CA", "C", "CB"))
            volume = float(np.dot(n - alpha, np.cross(c - alpha, beta - alpha)))
            if volume < -_FLATTEST_NM3:
                raise InputError(f"{name}: {label} is a D-amino acid; only L-amino acids can be mutated")
