"""Van der Wal and others (2025): claims, tables, figures, and the sentences of the text."""
