"""The page a person looks at: one self-contained HTML file an ensemble. See :mod:`unfreeze.report.page`."""

from __future__ import annotations

__all__: list[str] = []
