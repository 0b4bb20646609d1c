"""What one row of a table of mutation effects says, and the tables together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from unfreeze.corpus.mutations import Mutation

__all__ = ["TASKS", "AbsoluteAffinityRow", "EffectTables", "MutationRow", "Task"]

Task = Literal["affinity", "stability", "melting"]
TASKS: tuple[Task, ...] = ("affinity", "stability", "melting")


@dataclass(frozen=True)
class MutationRow:
    """The measured effect of one or several exchanged residues.

    Attributes
    ----------
    task
        ``affinity`` (ΔΔG of binding), ``stability`` (ΔΔG of unfolding) or ``melting`` (ΔTm).
    value
        Mutant less wild type, in kJ/mol or K: positive weakens binding; negative destabilises a fold.
    mutations
        In the author numbering of `entry`; without an entry, positions from 1 in `sequence` and no chain.
    group
        Complex or protein as the source names it: ``1CSE_E_I``, ``1A43_A``. What a score "per structure" runs over.
    dataset
        ``skempi``, ``S8754``, ``megascale_val``...
    source
        Set and lines it came from: ``skempi2:4711``.
    entry
        Entry of the corpus with coordinates; empty where there is none.
    partners
        Chains of the two sides, of affinities.
    chain
        Author name of the mutated chain, of stabilities with an entry.
    sequence
        Wild type as the source has it, with residues that have no coordinates; of stabilities only.
    positions
        Of the mutations in `sequence`, from 1, in the order of `mutations`.
    temperature_K, pH
        As measured; None where not known.
    n_measurements
        How many were averaged.
    weight
        For training: 1 for one measurement, more for a mean of several (:func:`weight_of`), half for a value that the
        source calls approximate.
    """

    task: Task
    value: float
    mutations: tuple[Mutation, ...]
    group: str
    dataset: str
    source: str
    entry: str = ""
    partners: tuple[str, str] | None = None
    chain: str = ""
    sequence: str = ""
    positions: tuple[int, ...] = ()
    temperature_K: float | None = None
    pH: float | None = None
    n_measurements: int = 1
    weight: float = 1.0

    @property
    def sequence_mutations(self) -> tuple[Mutation, ...]:
        """The mutations numbered from 1 in `sequence`; empty of affinities."""
        pairs = zip(self.mutations, self.positions, strict=False)
        return tuple(Mutation("", place, "", one.wild_type, one.mutant) for one, place in pairs)

    @property
    def mutant_sequence(self) -> str:
        """The sequence with the mutations; empty of affinities."""
        letters = list(self.sequence)
        for one, place in zip(self.mutations, self.positions, strict=False):
            letters[place - 1] = one.mutant
        return "".join(letters)


@dataclass(frozen=True)
class AbsoluteAffinityRow:
    """How strongly a wild type binds.

    Attributes
    ----------
    entry
        Of the corpus.
    partners
        Chains of the two sides.
    delta_g_kJ_mol
        RT ln Kd: negative binds.
    temperature_K
        As measured.
    group
        ``1CSE_E_I``.
    source
        Set and lines.
    n_measurements
        How many were averaged.
    spread_kJ_mol
        Their standard deviation; None for one.
    """

    entry: str
    partners: tuple[str, str]
    delta_g_kJ_mol: float
    temperature_K: float
    group: str
    source: str
    n_measurements: int = 1
    spread_kJ_mol: float | None = None


@dataclass(frozen=True)
class EffectTables:
    """All rows of a corpus.

    Attributes
    ----------
    mutations
        Rows of all tasks.
    absolute
        Wild types.
    left_out
        How many labels were not taken, by reason.
    """

    mutations: tuple[MutationRow, ...]
    absolute: tuple[AbsoluteAffinityRow, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

    def of(self, task: Task, datasets: Iterable[str] | None = None) -> tuple[MutationRow, ...]:
        """Rows of one task, of some datasets or (None) of all."""
        wanted = None if datasets is None else set(datasets)
        return tuple(row for row in self.mutations if row.task == task and (wanted is None or row.dataset in wanted))

    def counts(self) -> dict[str, dict[str, int]]:
        """By task and dataset: rows, groups, rows with an entry, rows of several mutations."""
        found: dict[str, dict[str, int]] = {}
        for key in dict.fromkeys((row.task, row.dataset) for row in self.mutations):
            rows = [row for row in self.mutations if (row.task, row.dataset) == key]
            found[" ".join(key)] = {
                "rows": len(rows),
                "groups": len({row.group for row in rows}),
                "sequences": len({row.sequence for row in rows if row.sequence}),
                "with entry": sum(bool(row.entry) for row in rows),
                "several mutations": sum(len(row.mutations) > 1 for row in rows),
            }
        return found


def weight_of(n_measurements: int, *, approximate: bool = False) -> float:
    """Weight of a mean of n measurements: 2 n / (n + 1), as if errors within and between sources were alike."""
    return 2.0 * n_measurements / (n_measurements + 1.0) * (0.5 if approximate else 1.0)
