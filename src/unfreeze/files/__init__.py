"""Files without a subject: written whole or not at all, and YAML that is read safely. No molecules here."""
