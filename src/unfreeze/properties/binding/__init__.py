"""Absolute affinity ΔG = RT ln Kd of two proteins in a complex, with a calibrated error.

>>> from unfreeze.properties.binding import predict_delta_g
>>> delta_g, error, outside = predict_delta_g(molecule, ("A", "D"))        # doctest: +SKIP
"""

from unfreeze.properties.binding.prediction import predict_delta_g

__all__ = ["predict_delta_g"]
