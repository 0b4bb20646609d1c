"""Measured values as an input: what is known of some mutants of a complex or a protein makes the rest better told.

A model that is 8 kJ/mol too low for one mutation of a complex is too low for others of it too: for those nearby, for
those that exchange the like, and somewhat for all. How far errors go together was found on complexes and proteins that
were held out (`likeness`, a Gaussian process on measured − predicted); measured values then move the predictions of all
other mutations, and make their errors smaller (`updating`). Nothing here knows how the predictions were made, and
nothing is trained in use. Tables of measured values are read, and refused, in `reading`.
"""

from unfreeze.properties.known.likeness import Likeness, Rows, load_likeness
from unfreeze.properties.known.reading import KnownValues, Measured, parse_constant, read_known
from unfreeze.properties.known.side_chains import side_chain_points
from unfreeze.properties.known.telling import GivenValue, Told, tell
from unfreeze.properties.known.updating import Measurements, Updated, Wild, left_out_in_turn, update

__all__ = [
    "GivenValue",
    "KnownValues",
    "Likeness",
    "Measured",
    "Measurements",
    "Rows",
    "Told",
    "Updated",
    "Wild",
    "left_out_in_turn",
    "load_likeness",
    "parse_constant",
    "read_known",
    "side_chain_points",
    "tell",
    "update",
]
