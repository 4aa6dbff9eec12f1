"""Tests and intervals: the authors' own (authors), over seeds or datasets (paired, ranks), of factors (factorial)."""
