"""PDB and mmCIF text from a `Complex`; `unfreeze.structure.write` is the way in."""
