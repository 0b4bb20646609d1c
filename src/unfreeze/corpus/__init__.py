"""One corpus for all molecular dynamics: a store, importers into it, splits that do not leak, and a loader."""
