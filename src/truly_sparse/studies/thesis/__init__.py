"""The thesis by van der Wal (2023)."""
