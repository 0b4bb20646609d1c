"""unfreeze: protein models that learn motion from molecular dynamics."""

__version__ = "0.1.0"
