"""All features of a pair of partners, by modality: sequence, static, dynamics.

The order of names is part of the stored model: change :data:`FEATURES_VERSION` with any feature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unfreeze.model.motion_model import MotionModel
from unfreeze.properties.binding.areas import PartnerAreas, area_features, surface_classes
from unfreeze.properties.binding.dynamics import PairMotion, dynamics_features
from unfreeze.properties.binding.interface import contact_classes, contact_features
from unfreeze.properties.binding.partners import PartnerPair
from unfreeze.properties.binding.potential import potential_features
from unfreeze.properties.binding.sequence import sequence_features
from unfreeze.properties.binding.shape import shape_features

__all__ = ["FEATURES_VERSION", "BindingFeatures", "binding_features"]

FEATURES_VERSION = 1


@dataclass(frozen=True)
class BindingFeatures:
    """Named numbers of a pair of partners.

    Attributes
    ----------
    sequence, static, dynamics
        The modalities; `dynamics` is empty where no motion model was given.
    prodigy
        Contacts and surface by class, as the published contact model takes them.
    """

    sequence: dict[str, float]
    static: dict[str, float]
    dynamics: dict[str, float]
    prodigy: dict[str, float]

    def all(self) -> dict[str, float]:
        """Every feature, ``modality:name``."""
        return {
            f"{modality}:{name}": value
            for modality in ("sequence", "static", "dynamics")
            for name, value in getattr(self, modality).items()
        }


def binding_features(pair: PartnerPair, potential: NDArray[np.floating], motion: MotionModel | None) -> BindingFeatures:
    """Compute the features.

    Parameters
    ----------
    pair
        Two partners that touch.
    potential
        Of pairs of atoms, from :func:`unfreeze.properties.binding.potential.potential_of`.
    motion
        The motion model; None leaves dynamics out.
    """
    areas = PartnerAreas.of(pair)
    static = contact_features(pair) | area_features(pair, areas) | shape_features(pair, areas)
    static |= {f"pot_{name}": value for name, value in potential_features(pair, potential).items()}
    return BindingFeatures(
        sequence=sequence_features(pair),
        static=static,
        dynamics=dynamics_features(pair, PairMotion.of(pair, motion)) if motion is not None else {},
        prodigy=contact_classes(pair) | {f"surface_{k}": v for k, v in surface_classes(pair, areas).items()},
    )
