"""Training of the networks of whole proteins with torch: location and function at once, a protein where it has labels.

First the descriptors alone are read, which costs little; then the letters as well, for fewer epochs.
Rows of either set are mixed; the loss of a decoder counts only rows that have its label. Letters are exchanged at
random and descriptors left out at random, so that neither is learned by heart; the weights that are kept are a running
mean over the last steps (Polyak and Juditsky 1992, SIAM J. Control Optim. 30, 838). Numbers are bfloat16 with float32
masters, so that a processor with matrix units trains a fold in minutes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unfreeze.properties.modalities.classes import logistic_loss
from unfreeze.properties.protein.encoder import EncoderShape, decode, encode_proteins, initial_parameters
from unfreeze.properties.protein.letters import batch
from unfreeze.properties.protein.model import WITHOUT_LETTERS, scaled_descriptors

__all__ = ["ProteinSettings", "TrainingRows", "train_proteins"]

_BETAS = (0.9, 0.98)
_WARM_UP, _FINAL_SHARE = 100, 0.02
_AVERAGED = 0.998
_JITTER = 0.08  # of the logarithm of lengths, so that batches differ between epochs
_LEAST_SPREAD = 1e-4


@dataclass(frozen=True)
class ProteinSettings:
    """How a network is trained.

    Attributes
    ----------
    width, n_queries, pooled
        Of the encoder.
    n_descriptor_epochs, n_epochs
        Times every row is seen by its descriptors alone, and then with its letters (0 for not at all).
    learning_rate, weight_decay
        Of AdamW, in both stages; the rate rises over 100 steps and falls as a cosine.
    chains
        Of a batch of the first stage.
    longest
        Residues of a chain that the convolutions read.
    places
        Residues of a batch.
    dropped, descriptors_dropped, letters_changed
        Shares that are left out of the vectors between layers and of the descriptors, and of letters exchanged.
    language_hidden
        Share of chains from which all that a language model says is left out.
    """

    width: int = 96
    n_queries: int = 12
    pooled: int = 256
    n_descriptor_epochs: int = 10
    n_epochs: int = 0
    learning_rate: float = 1.5e-3
    chains: int = 128
    weight_decay: float = 0.05
    longest: int = 144
    places: int = 9000
    dropped: float = 0.3
    descriptors_dropped: float = 0.3
    letters_changed: float = 0.05
    language_hidden: float = 0.15


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Chains with labels of any task.

    Attributes
    ----------
    codes
        Of `protein.letters.letter_codes`, one a chain.
    descriptors : float32 [n_chains, n_descriptors]
        As `protein.descriptors.describe` gives them.
    labels
        Of every task float32 [n_chains, n_classes].
    known
        Of every task bool [n_chains]: whether a chain has that label.
    said : float32 [n_chains, n_language], optional
        As `protein.model.summaries` gives them, where there is a language model.
    """

    codes: Sequence[NDArray[np.int8]]
    descriptors: NDArray[np.float32]
    labels: Mapping[str, NDArray[np.float32]]
    known: Mapping[str, NDArray[np.bool_]]
    said: NDArray[np.float32] | None = None


def train_proteins(
    rows: TrainingRows,
    settings: ProteinSettings,
    seed: int = 0,
    progress: Callable[[bool, int, int, float], None] | None = None,
    stage_done: Callable[[bool, dict[str, NDArray[np.float32]]], None] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Train one network.

    Parameters
    ----------
    rows
        What to learn from.
    settings
        See there.
    seed
        Of all random numbers.
    progress
        Told whether letters are read, the step, how many there are, and the mean loss so far of the epoch.
    stage_done
        Given what each stage ended with.

    Returns
    -------
    dict
        A member of `protein.model.ProteinModel`.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    centre = rows.descriptors[rows.known["location"]].mean(0)
    scale = rows.descriptors[rows.known["location"]].std(0) + _LEAST_SPREAD
    scaled = scaled_descriptors(rows.descriptors, centre, scale)
    constants = {"centre": centre, "scale": scale}
    language, n_language = None, 0
    if rows.said is not None:
        moments = {"language.centre": rows.said.mean(0), "language.scale": rows.said.std(0) + _LEAST_SPREAD}
        language, n_language = scaled_descriptors(rows.said, *moments.values()), rows.said.shape[1]
        constants |= moments
    shape = EncoderShape(settings.width, settings.n_queries, settings.pooled, scaled.shape[1], n_language=n_language)
    outputs = {task: labels.shape[1] for task, labels in rows.labels.items()}
    parameters = {
        name: torch.tensor(array, requires_grad=True)
        for name, array in initial_parameters(shape, outputs, seed).items()
    }
    lengths = np.array([min(len(one), settings.longest) for one in rows.codes])
    for with_letters in (False, True):
        n_epochs = settings.n_epochs if with_letters else settings.n_descriptor_epochs
        if not n_epochs:
            continue
        used = {name: value for name, value in parameters.items() if with_letters or name.startswith(WITHOUT_LETTERS)}
        averaged = {name: value.detach().clone() for name, value in used.items()}
        optimizer = _optimizer(used, settings)
        step, n_steps = 0, n_epochs * len(_batches(lengths, settings, with_letters, np.random.default_rng(1)))
        for _epoch in range(n_epochs):
            losses: list[float] = []
            for chosen in _batches(lengths, settings, with_letters, random):
                for group in optimizer.param_groups:
                    group["lr"] = settings.learning_rate * _rate(step, n_steps)
                loss = _loss(parameters, rows, scaled, chosen, settings, random, with_letters, language)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(list(used.values()), 1.0)
                optimizer.step()
                step += 1
                losses.append(float(loss.detach()))
                with torch.no_grad():
                    new = 1.0 - min(_AVERAGED, (1 + step) / (10 + step))
                    for name, value in averaged.items():
                        value.lerp_(used[name], new)
                if progress is not None:
                    progress(with_letters, step, n_steps, float(np.mean(losses)))
        with torch.no_grad():
            for name, value in averaged.items():
                parameters[name].copy_(value)
        if stage_done is not None:
            stage_done(with_letters, _member(parameters, constants))
    return _member(parameters, constants)


def _member(
    parameters: Mapping[str, Tensor], constants: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    found = {name: value.detach().numpy().copy() for name, value in parameters.items()}
    return found | {name: values.astype(np.float32) for name, values in constants.items()}


def _loss(
    parameters: Mapping[str, Tensor],
    rows: TrainingRows,
    scaled: NDArray[np.float32],
    chosen: NDArray[np.int64],
    settings: ProteinSettings,
    random: np.random.Generator,
    with_letters: bool,
    language: NDArray[np.float32] | None,
) -> Tensor:
    """Of one batch: over the tasks, the mean over its chains with that label times their share of the batch."""
    kept = random.random(scaled[chosen].shape, dtype=np.float32) > settings.descriptors_dropped
    descriptors = scaled[chosen] * kept / (1.0 - settings.descriptors_dropped)
    used = [name for name in parameters if with_letters or name.startswith(WITHOUT_LETTERS)]
    low = {name: parameters[name].to(torch.bfloat16) for name in used}
    letters = ends = None
    if with_letters:
        codes = [_changed(rows.codes[row], settings.letters_changed, random) for row in chosen]
        places, near = batch(codes, settings.longest)
        letters, ends = torch.from_numpy(places), torch.from_numpy(near).to(torch.bfloat16)
    said = None
    if language is not None:
        shown = random.random((len(chosen), 1), dtype=np.float32) > settings.language_hidden
        said = torch.from_numpy(language[chosen] * shown).to(torch.bfloat16)
    vectors = encode_proteins(
        low, letters, ends, torch.from_numpy(descriptors).to(torch.bfloat16),
        drop=lambda values: _dropped(values, settings.dropped), language=said,
    )  # fmt: skip
    total = torch.zeros(())
    for task, known in rows.known.items():
        has = known[chosen]
        if has.any():
            truth = torch.from_numpy(rows.labels[task][chosen[has]])
            logits = decode(low, task, vectors).float()[torch.from_numpy(has)]
            total = total + logistic_loss(logits, truth) * float(has.mean())
    return total


def _changed(codes: NDArray[np.int8], share: float, random: np.random.Generator) -> NDArray[np.int8]:
    return np.where(random.random(len(codes)) < share, random.integers(0, 20, len(codes)), codes).astype(np.int8)


def _dropped(values: Any, share: float) -> Any:
    """Numbers of vectors at random; along chains whole columns, and half as many."""
    if values.ndim == 3:
        kept = torch.rand(values.shape[0], 1, values.shape[2]) > share / 2
        return values * (kept.to(values.dtype) / (1.0 - share / 2))
    return torch.nn.functional.dropout(values, share)


def _batches(
    lengths: NDArray[np.int64], settings: ProteinSettings, with_letters: bool, random: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Rows in random order; those of like length together where letters are read."""
    if not with_letters:
        order = random.permutation(len(lengths))
        return [order[start : start + settings.chains] for start in range(0, len(order), settings.chains)]
    order = np.argsort(np.log(lengths) + random.normal(0.0, _JITTER, len(lengths)))
    found: list[NDArray[np.int64]] = []
    start = longest = 0
    for end, row in enumerate(order):
        most = max(longest, int(lengths[row]))
        if end > start and most * (end - start + 1) > settings.places:
            found.append(order[start:end])
            start, most = end, int(lengths[row])
        longest = most
    found.append(order[start:])
    return [found[number] for number in random.permutation(len(found))]


def _rate(step: int, n_steps: int) -> float:
    falling = max(_FINAL_SHARE, 0.5 * (1.0 + math.cos(math.pi * min(step / n_steps, 1.0))))
    return min(1.0, (step + 1) / _WARM_UP) * falling


def _optimizer(parameters: Mapping[str, Tensor], settings: ProteinSettings) -> torch.optim.AdamW:
    weights = [value for name, value in parameters.items() if name.endswith("weight")]
    others = [value for name, value in parameters.items() if not name.endswith("weight")]
    groups = [
        {"params": weights, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=_BETAS, fused=True)
