"""From foreign files to entries of a corpus: what an importer is, checks that all data go through, and the driver."""
