"""Fetch, verify, split, scale: `prepare` writes tables, `arrays` reads them; nothing here knows of models."""
