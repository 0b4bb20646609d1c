"""The table of mutation effects from a corpus: ``python recipes/properties/build_tables.py CORPUS OUT``.

OUT becomes a folder with ``mutation_effects.jsonl``, to be read with ``unfreeze.properties.tables.load_tables``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from unfreeze.corpus import Corpus
from unfreeze.errors import InputError
from unfreeze.properties.tables import read_tables, save_tables


def main(arguments: list[str] | None = None) -> int:
    """Read, save, and tell what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="with entries of SKEMPI and of stability, and their label sets")
    parser.add_argument("out", type=Path, help="folder to write to")
    given = parser.parse_args(arguments)
    try:
        tables = read_tables(Corpus.open(given.corpus))
        given.out.mkdir(parents=True, exist_ok=True)
        save_tables(given.out / "mutation_effects.jsonl", tables)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    counts = {"mutations": tables.counts(), "absolute": len(tables.absolute), "left_out": dict(tables.left_out)}
    print(json.dumps(counts, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
