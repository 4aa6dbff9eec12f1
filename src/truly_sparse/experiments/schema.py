"""The schema of the configuration, workflow/schemas/config.schema.yaml."""

from functools import cache
from pathlib import Path
from typing import Any

from truly_sparse.schema import check, checkout_file, fill, load_schema, read_texts, suggest

__all__ = ["check", "fill", "read_texts", "schema", "suggest"]

SCHEMA_FILE = Path("workflow/schemas/config.schema.yaml")


@cache
def schema(near: Path | None = None) -> dict[str, Any]:
    """Return the configuration schema, found by walking up from the working folder, the package or `near`.

    Raises
    ------
    UserError
        Where neither is part of a checkout.
    """
    return load_schema(checkout_file(SCHEMA_FILE, near))
