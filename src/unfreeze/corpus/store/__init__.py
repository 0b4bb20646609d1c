"""The corpus on disk: entries that are written in commits and read through memory maps, checked and mended."""

from unfreeze.corpus.store.entry import Entry, Files, LocalFiles
from unfreeze.corpus.store.entry_writer import EntryWriter
from unfreeze.corpus.store.index import EntrySummary, IndexView, TrajectorySummary
from unfreeze.corpus.store.lock import BusyError
from unfreeze.corpus.store.reader import TrajectoryView
from unfreeze.corpus.store.repair import Mending, RepairReport, repair
from unfreeze.corpus.store.sealed import DamagedCorpusError
from unfreeze.corpus.store.store import Corpus, safe_identifier
from unfreeze.corpus.store.trajectory_writer import TrajectoryWriter
from unfreeze.corpus.store.verify import Fault, VerifyReport, verify

__all__ = [
    "BusyError",
    "Corpus",
    "DamagedCorpusError",
    "Entry",
    "EntrySummary",
    "EntryWriter",
    "Fault",
    "Files",
    "IndexView",
    "LocalFiles",
    "Mending",
    "RepairReport",
    "TrajectorySummary",
    "TrajectoryView",
    "TrajectoryWriter",
    "VerifyReport",
    "repair",
    "safe_identifier",
    "verify",
]
