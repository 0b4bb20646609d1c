"""The fit: first which residues nature puts into which surroundings, then what was measured of mutations.

Modalities are left out at random, so that the trunk learns to do without. Rows of a protein with many rows count less
(by the square root of their number), large effects are cut off, and errors beyond a few kJ/mol count linearly.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from unfreeze.properties import trunk
from unfreeze.properties.modalities import language, mutation, sequence
from unfreeze.properties.sites import SiteColumns
from unfreeze.properties.training.examples import Examples

__all__ = ["FitSettings", "Parameters", "fit_effects", "fit_native", "predict"]

Parameters = dict[str, torch.Tensor]
_LARGEST = {"affinity": 25.0, "stability": 20.0, "melting": 25.0}  # kJ/mol, K
_COLUMNS = ("columns.mean", "columns.spread")
_CONSTANTS = (*_COLUMNS, *language.CONSTANTS)
_PRETRAINED = ("sequence.", "structure.", "trunk.", "native.")


@dataclass(frozen=True)
class FitSettings:
    """How to fit.

    Attributes
    ----------
    width
        Numbers that a site carries.
    native_steps, native_batch, native_rate
        Steps, sites a step and rate of learning of the first part; no steps leave it out.
    steps, batch, rate
        The same of the second part, of rows.
    pretrained_share
        Rate of learning, in the second part, of what the first part has learned, as a share of `rate`.
    weight_decay, dropout
    hide
        How often structure, how often dynamics, and how often language are left out of a site.
    hide_window
        How often the neighbours along the chain are left out, in the first part.
    hide_window_effects
        The same in the second part, of sites with a structure and of sites without: a window tells a protein apart
        more than it tells what its residues do.
    shares
        How often each task is drawn.
    melting_power
        Of the length of the chain (:func:`unfreeze.properties.modalities.mutation.melting_factor`).
    """

    width: int = 96
    native_steps: int = 2000
    native_batch: int = 384
    native_rate: float = 3e-3
    steps: int = 600
    batch: int = 128
    rate: float = 5e-4
    pretrained_share: float = 0.2
    weight_decay: float = 0.1
    dropout: float = 0.3
    hide: float = 0.15
    hide_window: float = 0.8
    hide_window_effects: tuple[float, float] = (0.2, 0.8)
    shares: Mapping[str, float] | None = None
    melting_power: float = mutation.MELTING_POWER


def fit_native(
    sites: SiteColumns, weights: NDArray[np.float64], settings: FitSettings, seed: int, given: Collection[str]
) -> Parameters:
    """Learn which amino acid suits which surroundings, from structures without any label.

    Parameters
    ----------
    sites
        All residues of the structures.
    weights : [n_sites]
        How often each is drawn.
    settings, seed
    given
        Modalities to use; dynamics and language never are, for they know the side chain that is there.
    """
    parameters = _tensors(trunk.initial_parameters(settings.width, seed))
    optimizer, schedule = _optimizer(parameters, settings.native_rate, 0.02, settings.native_steps)
    random = torch.Generator().manual_seed(seed)
    rows = torch.multinomial(
        torch.as_tensor(weights), settings.native_steps * settings.native_batch, True, generator=random
    )
    torch.manual_seed(seed)
    modalities = [one for one in given if one not in ("dynamics", "language")]
    for step in range(settings.native_steps):
        chosen = rows[step * settings.native_batch : (step + 1) * settings.native_batch].numpy()
        part = sites.take(chosen)
        columns = _columns(part)
        blank = torch.rand(len(chosen), 1) < (settings.hide_window if "structure" in given else settings.hide)
        columns["window"] = torch.where(blank, _hidden_window(len(chosen)), columns["window"])
        hidden = _encode(parameters, columns, modalities, settings, dropout=0.1)
        loss = torch.nn.functional.cross_entropy(mutation.native_logits(parameters, hidden), torch.as_tensor(part.kind))
        _step(loss, parameters, optimizer, schedule)
    return {name: one.detach() for name, one in parameters.items()}


def fit_effects(
    examples: Examples,
    rows: NDArray[np.integer],
    settings: FitSettings,
    seed: int,
    given: Collection[str],
    start: Mapping[str, torch.Tensor] | None = None,
    on_step: Callable[[int, float], None] | None = None,
) -> Parameters:
    """Learn what mutations do.

    Parameters
    ----------
    examples, rows
        Examples and the rows to learn from.
    settings, seed, given
    start
        Parameters to begin with; random ones when None, and for what they do not have.
    on_step
        Told the step and the loss.

    Returns
    -------
    dict
        The mean of the parameters over the second half of the steps, weighted towards the end.
    """
    n_language = examples.sites.language.shape[1] if "language" in given else 0
    parameters = _tensors(trunk.initial_parameters(settings.width, seed, n_language) | dict(start or {}))
    batches = _Batches(examples, rows)
    constants = batches.normalisation(with_language=n_language > 0)
    parameters |= constants
    slower = settings.pretrained_share if start is not None else 1.0
    optimizer, schedule = _optimizer(parameters, settings.rate, settings.weight_decay, settings.steps, slower)
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    tasks = [task for task in mutation.TASKS if len(batches.rows[task])]
    shares = np.array([float((settings.shares or {}).get(task, 1.0)) for task in tasks])
    mean: Parameters = {}
    for step in range(settings.steps):
        task = str(random.choice(tasks, p=shares / shares.sum()))
        chosen = random.choice(batches.rows[task], settings.batch, p=batches.chance[task])
        predicted = _effects(parameters, examples, batches.items(chosen), task, given, settings, training=True)
        limit = _LARGEST[task] / mutation.SCALE
        measured = torch.as_tensor(batches.value[chosen] / mutation.SCALE, dtype=torch.float32).clamp(-limit, limit)
        errors = torch.nn.functional.smooth_l1_loss(predicted, measured, reduction="none", beta=0.7)
        loss = (errors * torch.as_tensor(batches.weight[chosen], dtype=torch.float32)).mean()
        _step(loss, parameters, optimizer, schedule)
        with torch.no_grad():
            if step == settings.steps // 2:
                mean = {name: one.detach().clone() for name, one in parameters.items()}
            for name, one in mean.items():
                one.lerp_(parameters[name].detach(), 0.01)
        if on_step is not None:
            on_step(step, float(loss.detach()))
    return (mean or {name: one.detach() for name, one in parameters.items()}) | constants


@torch.no_grad()
def predict(
    parameters: Parameters,
    examples: Examples,
    rows: NDArray[np.integer],
    task: str,
    given: Collection[str],
    melting_power: float = mutation.MELTING_POWER,
) -> NDArray[np.float64]:
    """Effects of rows, kJ/mol or K: [n_rows]."""
    batches, found = _Batches(examples, rows), [np.empty(0)]
    settings = FitSettings(melting_power=melting_power)
    for start in range(0, len(rows), 512):
        items = batches.items(np.asarray(rows[start : start + 512]))
        found.append(_effects(parameters, examples, items, task, given, settings, training=False).numpy())
    return np.concatenate(found).astype(np.float64) * mutation.SCALE


class _Batches:
    """Items of rows, and how often rows are drawn."""

    def __init__(self, examples: Examples, rows: NDArray[np.integer]) -> None:
        self.examples = examples
        self.first = np.searchsorted(examples.row, np.arange(len(examples.rows) + 1))
        self.value = np.array([row.value for row in examples.rows])
        self.weight = np.clip([row.weight for row in examples.rows], 0.2, 2.0)
        self.rows: dict[str, NDArray[np.int64]] = {}
        self.chance: dict[str, NDArray[np.float64]] = {}
        for task in mutation.TASKS:
            own = np.array([k for k in rows if examples.rows[k].task == task], dtype=np.int64)
            self.rows[task] = own
            if len(own):
                groups = np.array([examples.rows[k].group for k in own])
                _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
                chance = 1.0 / np.sqrt(counts[inverse])
                self.chance[task] = chance / chance.sum()

    def items(self, rows: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Items of rows, and the place of each item's row."""
        counts = self.first[rows + 1] - self.first[rows]
        place = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(self.first[rows], counts) + within, place

    def normalisation(self, *, with_language: bool) -> Parameters:
        """Mean and spread in training of the columns of contacts, and of embeddings."""
        own = np.concatenate(list(self.rows.values()))
        items = self.items(own)[0]
        used = np.unique(self.examples.contact[items])
        used = used[used > 0]
        values = self.examples.contacts[used] if len(used) else np.zeros((1, self.examples.contacts.shape[1]))
        found = dict(zip(_COLUMNS, (values.mean(axis=0), np.maximum(values.std(axis=0), 1e-3)), strict=True))
        if with_language:
            said = self.examples.sites.language[np.unique(self.examples.site[items])].astype(np.float32)
            moments = (said.mean(axis=0), np.maximum(said.std(axis=0), 1e-3))
            found |= dict(zip(language.CONSTANTS, moments, strict=True))
        return {name: torch.tensor(one, dtype=torch.float32) for name, one in found.items()}


def _effects(
    parameters: Parameters,
    examples: Examples,
    items: tuple[NDArray[np.int64], NDArray[np.int64]],
    task: str,
    given: Collection[str],
    settings: FitSettings,
    *,
    training: bool,
) -> torch.Tensor:
    """Effects of rows in units of `mutation.SCALE`: [n_rows]."""
    chosen, place = items
    sites, inverse = np.unique(examples.site[chosen], return_inverse=True)
    columns = _columns(examples.sites.take(sites))
    places = torch.as_tensor(inverse.reshape(len(chosen), 2))
    if training:
        with_structure, alone = settings.hide_window_effects
        blank = torch.rand(len(sites)) < torch.where(columns["has_structure"] > 0, with_structure, alone)
        blank[places[:, 1]] = blank[places[:, 0]]
        columns["window"] = torch.where(blank[:, None], _hidden_window(len(sites)), columns["window"])
    hidden = _encode(parameters, columns, given, settings, dropout=settings.dropout, training=training)[places]
    letters = torch.nn.functional.one_hot(torch.as_tensor(examples.letter[chosen]), len(sequence.LETTERS)).float()
    values = []
    for state in range(2 if task == "affinity" else 1):
        rows = examples.contact[chosen, state]
        known = torch.as_tensor((rows > 0).all(axis=1) & ("structure" in given)).float()
        contacts = torch.as_tensor(examples.contacts[rows])
        wild, mutant = (letters[:, 0], contacts[:, 0]), (letters[:, 1], contacts[:, 1])
        values.append(mutation.exchange(parameters, task, hidden[:, state], wild, mutant, known))
    value = values[0] - values[1] if task == "affinity" else values[0]
    if task == "melting":
        factor = mutation.melting_factor(examples.length[examples.row[chosen]], settings.melting_power)
        value = value * torch.as_tensor(factor, dtype=torch.float32)
    n = int(place.max()) + 1 if len(place) else 0
    return torch.zeros(n).index_add(0, torch.as_tensor(place), value)


def _columns(sites: SiteColumns) -> dict[str, torch.Tensor]:
    return {name: torch.as_tensor(values) for name, values in trunk.as_numpy(sites).items()}


def _hidden_window(n: int) -> torch.Tensor:
    kinds = torch.full((n, sequence.N_WINDOW), sequence.N_KINDS - 2)
    return torch.nn.functional.one_hot(kinds, sequence.N_KINDS).flatten(1).float()


def _encode(
    parameters: Parameters,
    columns: dict[str, torch.Tensor],
    given: Collection[str],
    settings: FitSettings,
    *,
    dropout: float,
    training: bool = True,
) -> torch.Tensor:
    if training:
        optional = ("has_language",) if "language" in given else ()
        for name in ("has_structure", "has_motion", *optional):
            columns[name] = columns[name] * (torch.rand(len(columns[name])) > settings.hide)
        columns["present"] = columns["present"] * (torch.rand_like(columns["present"]) > 0.1)
    hidden = trunk.encode(parameters, columns, given)
    return torch.nn.functional.dropout(hidden, dropout) if training else hidden


def _tensors(values: Mapping[str, NDArray[np.float32] | torch.Tensor]) -> Parameters:
    return {
        name: torch.as_tensor(one).detach().clone().requires_grad_(name not in _CONSTANTS)
        for name, one in values.items()
    }


def _optimizer(
    parameters: Parameters, rate: float, weight_decay: float, steps: int, pretrained_share: float = 1.0
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    learned = {name: one for name, one in parameters.items() if name not in _CONSTANTS}
    groups = []
    for slow in (True, False):
        part = {name: one for name, one in learned.items() if name.startswith(_PRETRAINED) is slow}
        speed = rate * (pretrained_share if slow else 1.0)
        for decays in (True, False):
            chosen = [one for name, one in part.items() if name.endswith(".weight") is decays]
            groups.append({"params": chosen, "weight_decay": weight_decay if decays else 0.0, "lr": speed})
    optimizer = torch.optim.AdamW(groups)
    rates = [one["lr"] for one in groups]
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=max(steps, 2), pct_start=0.1)


def _step(loss: torch.Tensor, parameters: Parameters, optimizer, schedule) -> None:
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_([one for one in parameters.values() if one.grad is not None], 2.0)
    optimizer.step()
    schedule.step()
