"""`EffectModel`: the trained trunk with its decoders, and the errors that its predictions have.

Several members, trained from different random numbers, are averaged. The error of a prediction grows with its size and
with how much the members disagree; how much was found on proteins and complexes that were held out.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unfreeze.files.tensor_file import damaged, read_tensor_file, write_tensor_file
from unfreeze.properties import trunk
from unfreeze.properties.language.identity import LanguageIdentity, agree
from unfreeze.properties.modalities import mutation, sequence
from unfreeze.properties.modalities.language import Reader
from unfreeze.properties.sites import FEATURES_VERSION, SiteColumns

__all__ = ["SHIPPED", "EffectModel", "ErrorLaw", "load_effect_model", "save_effect_model"]

SHIPPED = Path(__file__).resolve().parents[1] / "weights" / "properties.safetensors"
"""The model that comes with the package."""
_SCHEMA, _KIND = "unfreeze-weights/1", "effects"
_MAX_MEMBERS, _MAX_WIDTH = 16, 1024


@dataclass(frozen=True)
class ErrorLaw:
    """Standard deviation of the error: floor + by_size |prediction| + by_spread × spread of the members.

    Attributes
    ----------
    floor
        kJ/mol (K).
    by_size, by_spread
        Without unit.
    largest_spread
        Spread beyond which a prediction is called outside what the model knows: 99 % of held-out ones are below.
    """

    floor: float
    by_size: float
    by_spread: float
    largest_spread: float

    def error(self, value: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard deviations of the errors of predictions with this spread of members."""
        return self.floor + self.by_size * np.abs(value) + self.by_spread * spread


@dataclass(frozen=True, eq=False)
class EffectModel:
    """A trained model of mutation effects.

    Attributes
    ----------
    members
        Parameters of the networks, one dictionary a member.
    given
        Modalities that it was trained with.
    errors
        By task.
    card
        What the model is: data, recipe, scores, limits.
    melting_power
        Of the length of the chain, in changes of the melting temperature
        (:func:`unfreeze.properties.modalities.mutation.melting_factor`); 0 in weights that were trained without.
    language
        The language model that it was trained with; None for none.
    reader
        That language model itself, as it is here; needed to predict where there is one.
    """

    members: Sequence[Mapping[str, NDArray[np.float32]]]
    given: tuple[str, ...] = trunk.MODALITIES
    errors: Mapping[str, ErrorLaw] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    melting_power: float = 0.0
    language: LanguageIdentity | None = None
    reader: Reader | None = None

    def read(self, task: str) -> tuple[str, ...]:
        """Modalities that are used for a task.

        Raises
        ------
        InputError
            If the language model that the weights need is not there.
        """
        agree("the weights", self.language, self.reader.identity if self.reader else None)
        return tuple(one for one in self.given if one in mutation.READ[task])

    def hidden(self, sites: SiteColumns, given: Collection[str]) -> list[NDArray[np.float32]]:
        """Numbers of the trunk for sites from some modalities, by member: [n_sites, width] each."""
        parts = [trunk.as_numpy(sites.take(np.arange(k, min(k + 512, len(sites))))) for k in range(0, len(sites), 512)]
        return [np.concatenate([trunk.encode(one, part, given) for part in parts]) for one in self.members]

    def exchange(
        self,
        task: str,
        hidden: Sequence[NDArray[np.float32]],
        wild: tuple[NDArray[np.int64], NDArray[np.float32]],
        mutant: tuple[NDArray[np.int64], NDArray[np.float32]],
        known: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """What exchanging residues is worth, site by site.

        Parameters
        ----------
        task
            ``affinity``, ``stability`` or ``melting``.
        hidden
            Of :meth:`hidden`, rows [n] of the sites of the exchanges.
        wild, mutant
            Kinds [n] and columns [n, n_columns].
        known : [n]
            Whether the columns are known.

        Returns
        -------
        float64 [n_members, n]
            kJ/mol, K.
        """
        eye = np.eye(len(sequence.LETTERS), dtype=np.float32)
        pairs = [(eye[kind], columns.astype(np.float32)) for kind, columns in (wild, mutant)]
        has = known.astype(np.float32)
        found = [
            mutation.exchange(one, task, rows, pairs[0], pairs[1], has)
            for one, rows in zip(self.members, hidden, strict=True)
        ]
        return np.stack(found).astype(np.float64) * mutation.SCALE


def save_effect_model(path: str | Path, model: EffectModel) -> Path:
    """Write a model to one safetensors file."""
    tensors = {f"member.{k}.{name}": array for k, one in enumerate(model.members) for name, array in one.items()}
    header = {
        "schema": _SCHEMA,
        "kind": _KIND,
        "features_version": FEATURES_VERSION,
        "width": int(model.members[0]["native.weight"].shape[0]),
        "given": list(model.given),
        "errors": {task: asdict(law) for task, law in model.errors.items()},
        "melting_power": model.melting_power,
        "card": dict(model.card),
    } | ({"language": asdict(model.language)} if model.language else {})
    return write_tensor_file(path, tensors, header)


def load_effect_model(path: str | Path | None = None, reader: Reader | None = None) -> EffectModel:
    """Read a model.

    Parameters
    ----------
    path
        File of weights; the shipped one when None.
    reader
        A language model (:func:`unfreeze.properties.language.embeddings.open_language_model`).

    Raises
    ------
    InputError
        If the file cannot be read, is damaged, or is not one of this program's; or if it was trained with another
        language model than that, or with none.
    """
    file = read_tensor_file(SHIPPED if path is None else path, schema=_SCHEMA, kind=_KIND)
    header = file.header
    file.expect_version("features_version", FEATURES_VERSION, "columns")
    width, given = header.get("width"), header.get("given")
    if type(width) is not int or not 1 <= width <= _MAX_WIDTH:
        raise damaged(file.path, f"width is {width!r}, expected 1 to {_MAX_WIDTH}")
    possible = (*trunk.MODALITIES, *trunk.OPTIONAL)
    if not isinstance(given, list) or not set(map(str, given)) <= set(possible) or "sequence" not in given:
        raise damaged(file.path, f"given is {given!r}, expected some of {', '.join(possible)}")
    try:
        language = LanguageIdentity.read(header.get("language")) if "language" in given else None
    except ValueError as error:
        raise damaged(file.path, str(error)) from None
    if reader is not None:
        agree(str(file.path), language, reader.identity)
    shapes = trunk.parameter_shapes(width, language.width if language else 0)
    n_members = len(file.shapes) // len(shapes)
    if not 1 <= n_members <= _MAX_MEMBERS:
        raise damaged(file.path, f"it has {len(file.shapes)} tensors, expected {len(shapes)} a member")
    file.expect({f"member.{k}.{name}": ("F32", shape) for k in range(n_members) for name, shape in shapes.items()})
    tensors = file.tensors()
    members = tuple({name: tensors[f"member.{k}.{name}"] for name in shapes} for k in range(n_members))
    if not all((one["columns.spread"] > 0).all() for one in members):
        raise damaged(file.path, "columns.spread has numbers that are not positive")
    if language and not all((one["language.spread"] > 0).all() for one in members):
        raise damaged(file.path, "language.spread has numbers that are not positive")
    card = header.get("card")
    if not isinstance(card, dict):
        raise damaged(file.path, "'card' is not a JSON object")
    power = header.get("melting_power", 0.0)
    if type(power) not in (int, float) or not 0.0 <= power <= 2.0:
        raise damaged(file.path, f"melting_power is {power!r}, expected 0 to 2")
    laws = _laws(file.path, header.get("errors"))
    return EffectModel(members, tuple(given), laws, card, float(power), language, reader)


def _laws(source: Path, found: Any) -> dict[str, ErrorLaw]:
    try:
        numbers = {str(task): {name: float(value) for name, value in one.items()} for task, one in found.items()}
        laws = {task: ErrorLaw(**one) for task, one in numbers.items()}
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise damaged(source, f"'errors' cannot be read, {error}") from None
    values = [value for one in numbers.values() for value in one.values()]
    if set(laws) != set(mutation.TASKS) or not all(math.isfinite(one) and one >= 0 for one in values):
        raise damaged(source, "'errors' must give positive numbers for each task")
    return laws
