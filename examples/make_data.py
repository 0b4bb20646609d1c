"""Write `examples/data/1hvr.cif` from the copy of PDB entry 1HVR that MDAnalysisTests carries."""

from pathlib import Path

import MDAnalysisTests

import unfreeze
from unfreeze.structure.write import write_cif

entry = Path(MDAnalysisTests.__file__).with_name("data") / "1hvr.pdb"
write_cif(Path(__file__).with_name("data") / "1hvr.cif", unfreeze.load(entry))
