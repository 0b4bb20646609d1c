"""Training of the learned model: recipes, examples from a corpus, losses, the loop, and what comes out of it.

Modules that need torch import it at their top and are themselves imported only when something is trained.
"""

from __future__ import annotations

from unfreeze.errors import InputError

__all__ = ["require_torch"]


def require_torch() -> None:
    """Refuse with one clear sentence where torch or Lightning Fabric is not installed.

    Raises
    ------
    InputError
        If one of the two cannot be imported.
    """
    try:
        import lightning_fabric  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise InputError(f"This needs torch and Lightning Fabric ({error}): pip install 'unfreeze[train]'") from None
