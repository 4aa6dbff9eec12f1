"""The registry of datasets: where each comes from and what it must look like."""

import difflib
from pathlib import Path
from typing import Any

import yaml

from truly_sparse.errors import UserError

REGISTRY_FILE = Path("config/datasets.yaml")
#: Keys every entry must have.
REQUIRED = ("sources", "rows", "features", "class_counts", "target", "licence", "citation")
#: Keys the sources of a dataset made from files must have.
FILE_SOURCE = ("mirror", "zip", "files")


def entry(name: str, path: Path | None = None) -> dict[str, Any]:
    """Return the registry's entry of a dataset.

    Raises
    ------
    UserError
        Where there is no registry, it is damaged, or it does not know the dataset.
    """
    path = path or _find()
    try:
        datasets = yaml.safe_load(path.read_text(encoding="utf-8"))["datasets"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a readable registry of datasets ({' '.join(str(error).split())})") from None
    if name not in datasets:
        close = difflib.get_close_matches(name, datasets, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"known: {', '.join(sorted(datasets))}"
        raise UserError(f'unknown dataset "{name}" in {path}; {hint}')
    found: dict[str, Any] = datasets[name] if isinstance(datasets[name], dict) else {}
    missing = [key for key in REQUIRED if key not in found]
    if missing:
        raise UserError(f"{path}: dataset {name} lacks {', '.join(missing)}")
    sources = found["sources"] or {}
    if not ("sklearn" in sources or all(key in sources for key in FILE_SOURCE)):
        raise UserError(f"{path}: sources of dataset {name} need sklearn, or {', '.join(FILE_SOURCE)}")
    return found


def _find() -> Path:
    """Return the registry of the checkout that holds the working folder or this package."""
    for start in (Path.cwd() / "x", Path(__file__).resolve()):
        for folder in start.parents:
            if (folder / REGISTRY_FILE).is_file():
                return folder / REGISTRY_FILE
    raise UserError(f"{REGISTRY_FILE} is not in any folder above; run this from a checkout of the repository")
