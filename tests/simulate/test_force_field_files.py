"""Files of force fields: those that cannot be loaded are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from unfreeze.errors import InputError
from unfreeze.simulate.force_field_files import load_files


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"nowhere\.xml: no such force-field file"):
        load_files(("amber14-all.xml", "nowhere.xml"))


def test_a_file_that_is_no_force_field_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.xml"
    broken.write_text("<ForceField><Residues>")
    with pytest.raises(InputError, match=r"broken\.xml: OpenMM cannot load"):
        load_files((str(broken),))


def test_files_that_do_not_fit_each_other_are_refused() -> None:
    with pytest.raises(InputError, match=r"charmm36/water.xml: OpenMM cannot load these as one force field"):
        load_files(("amber14-all.xml", "charmm36/water.xml"))
