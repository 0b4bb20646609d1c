"""Corpora for other programs: XTC with PDB or mmCIF, HDF5 in the layout of mdCATH, and zarr."""

from unfreeze.corpus.export.exporting import FORMATS, ExportProgress, ExportReport, export

__all__ = ["FORMATS", "ExportProgress", "ExportReport", "export"]
