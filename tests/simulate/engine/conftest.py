import pytest

from unfreeze.simulate.settings import SimulationSettings
from unfreeze.simulate.system import build_system
from unfreeze.structure.prepare.preparation import prepare_sequence

QUICK = {"heat_ps": 0.12, "restrained_ps": 0.1, "release_ps": 0.08, "equilibrate_ps": 0.1, "minimise_iterations": 10}
SAVE = {"every_ps": 0.1, "commit_every_ps": 0.4}


@pytest.fixture(scope="session")
def quick():
    """A few tenths of a picosecond up to production, a commit every four frames."""

    def settings(**changes):
        return SimulationSettings.model_validate({"protocol": QUICK, "save": SAVE, **changes})

    return settings


@pytest.fixture(scope="session")
def dipeptide():
    return prepare_sequence("GA")


@pytest.fixture(scope="session")
def implicit(dipeptide, quick):
    """Two residues in implicit solvent."""
    settings = quick()
    return build_system(dipeptide.complex, settings.system), settings


@pytest.fixture(scope="session")
def in_water(dipeptide, quick):
    """Two residues in a small box at constant pressure."""
    # Water that closes its gaps warms up: strong friction takes that away within this short time.
    settings = quick(
        system={"solvent": "tip3p", "padding_nm": 0.5, "cutoff_nm": 0.5, "ionic_strength_M": 0.0},
        protocol={**QUICK, "restrained_ps": 0.4, "minimise_iterations": 30, "friction_per_ps": 50.0},
    )
    molecular = build_system(dipeptide.complex, settings.system, pressure_bar=1.0, seed=3)
    return molecular, settings
