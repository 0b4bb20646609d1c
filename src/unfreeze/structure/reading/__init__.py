"""From the bytes of a PDB or mmCIF file to a `Complex`, one step a module; `unfreeze.structure.read` is the way in."""
