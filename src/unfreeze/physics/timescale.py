"""How much of the motion an observer sees who looks for a given time.

In proteins the fluctuation about a window's own mean keeps growing with the window, in soft and in stiff modes alike:
the energy landscape is rugged on every scale. Measured on molecular dynamics it grows as a weak power of time, and
this module states that law as a factor on all springs. docs/experiments/amplitude.md has the measurement, and why
friction alone (a uniform tether) does not explain it.
"""

from __future__ import annotations

__all__ = ["REFERENCE_TIME_NS", "TIME_EXPONENT", "stiffness_scale"]

# Mean-square fluctuation ∝ (time / REFERENCE_TIME_NS)^TIME_EXPONENT. The exponent is the mean growth within seven
# trajectories (0.18 ± 0.03). Their amplitudes alone would put the reference time at 850 ns; the published average of
# 82 ATLAS chains is larger, and would put it at 18 ns. Taken is the middle of the two on the scale of amplitudes.
TIME_EXPONENT = 0.18
REFERENCE_TIME_NS = 100.0


def stiffness_scale(timescale_ns: float) -> float:
    """Factor on all springs for an observation time, 1 at :data:`REFERENCE_TIME_NS`.

    Parameters
    ----------
    timescale_ns
        Observation time, ns; positive.
    """
    if not timescale_ns > 0.0:
        raise ValueError(f"timescale_ns is {timescale_ns}, expected a positive number")
    return (timescale_ns / REFERENCE_TIME_NS) ** -TIME_EXPONENT
