"""What the importers of several sets have in common. No layout of a set is known here."""
