"""The schema of the configuration: workflow/schemas/config.schema.yaml, with the settings of training put in."""

from functools import cache
from pathlib import Path
from typing import Any

from truly_sparse.schema import check, checkout_file, fill, load_schema, read_texts, suggest
from truly_sparse.training import config

__all__ = ["check", "fill", "read_texts", "schema", "suggest"]

SCHEMA_FILE = Path("workflow/schemas/config.schema.yaml")


@cache
def schema(near: Path | None = None) -> dict[str, Any]:
    """Return the configuration schema, found by walking up from the working folder, the package or `near`.

    Raises
    ------
    UserError
        Where none of these is part of a checkout.
    """
    root = load_schema(checkout_file(SCHEMA_FILE, near))
    training = config.schema()
    root["$defs"]["training"] = training
    axes = {
        name: {"description": f"{own.pop('description')} Sparse models need it or another of its kind.", "items": own}
        for name, own in config.density_schemas().items()
    } | {
        name: {"description": f"Values of training.{name}.", "items": {"$ref": f"#/$defs/training/properties/{name}"}}
        for name in training["properties"]
    }
    root["$defs"]["block"]["properties"] |= {name: {"$ref": "#/$defs/axis"} | axis for name, axis in axes.items()}
    return root
