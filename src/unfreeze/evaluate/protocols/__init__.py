"""Named, versioned lists of metrics with their settings, and how they are put together over targets."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from unfreeze.errors import InputError

if TYPE_CHECKING:
    from unfreeze.evaluate.protocol import Protocol

__all__ = ["PROTOCOLS", "find_protocol"]

PROTOCOLS = {
    "unfreeze": ("unfreeze.evaluate.protocols.unfreeze", "UNFREEZE"),
    "alphaflow": ("unfreeze.evaluate.protocols.alphaflow", "ALPHAFLOW"),
    "interface": ("unfreeze.evaluate.protocols.interface", "INTERFACE"),
    "bioemu": ("unfreeze.evaluate.protocols.bioemu", "BIOEMU"),
    "mdgen": ("unfreeze.evaluate.protocols.mdgen", "MDGEN"),
    "bound-from-unbound": ("unfreeze.evaluate.protocols.bound_from_unbound", "BOUND_FROM_UNBOUND"),
    "conformations": ("unfreeze.evaluate.protocols.conformations", "CONFORMATIONS"),
}
"""Name of every protocol, and the module and the constant that hold it; they are imported when asked for."""


def find_protocol(name: str) -> Protocol:
    """The protocol of this name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in PROTOCOLS:
        raise InputError(f"there is no protocol {name!r}; choose one of {', '.join(PROTOCOLS)}")
    module, constant = PROTOCOLS[name]
    return getattr(import_module(module), constant)
