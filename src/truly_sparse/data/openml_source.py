"""Tables from OpenML, through the `openml` package (the extra `workflow`), which is only imported when needed.

The package keeps what it fetches in its own cache (~/.cache/openml, or OPENML_CACHE_DIR). The ARFF file is taken, not
the Parquet one: only it has a registered checksum, and the package would read its own cached tables with pickle.
"""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

from truly_sparse.data import fetch
from truly_sparse.data.fetch import Passing, SourceFailed
from truly_sparse.errors import one_line

#: Rows turned into arrays at a time.
CHUNK = 8192
_LOCK = threading.Lock()


def download(number: int) -> Path:
    """Return the ARFF file of an OpenML dataset, checked against the checksum OpenML gives for it.

    Parameters
    ----------
    number : int
        OpenML's number of the dataset.

    Raises
    ------
    SourceFailed
        Where `openml` is not installed, the server does not give the dataset, or gives another file than it says.
    """
    openml = _package()
    with _settings():
        path = fetch.retry(lambda: _get(openml, number, refresh=False))
        if path is None:  # a damaged cache: once more, from the server
            path = fetch.retry(lambda: _get(openml, number, refresh=True))
    if path is None:
        raise SourceFailed("it is not the file that its description says (another MD5)")
    return path


def _package() -> ModuleType:
    try:
        import openml
    except ImportError:
        raise SourceFailed('the package openml is not installed; pip install "truly-sparse[workflow]"') from None
    except OSError as error:  # it makes folders when it is imported
        raise SourceFailed(f"openml cannot make its folders ({error})") from None
    # Its own repeats wait a second at least and do not tell faults that pass from those that stay.
    openml.config.set_retry_policy("human", 1)
    return openml


def _get(openml: ModuleType, number: int, refresh: bool) -> Path | None:
    """Fetch a dataset; None where what is cached is damaged."""
    from pyexpat import ExpatError

    import requests

    try:
        dataset = openml.datasets.get_dataset(number, download_data=True, force_refresh_cache=refresh)
        path = Path(dataset.data_file)
        expected = dataset.md5_checksum
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "md5").hexdigest()
        return path if expected in (None, found) else None
    except openml.exceptions.OpenMLHashException:
        raise Passing("the file has another MD5 than its description says") from None
    except openml.exceptions.OpenMLServerException as error:  # an answer of OpenML itself, such as "unknown dataset"
        raise SourceFailed(f"{one_line(error.message)} (code {error.code})") from None
    except openml.exceptions.OpenMLServerError as error:  # something else answered, such as a proxy
        raise Passing(one_line(error)[:200]) from None
    except requests.TooManyRedirects as error:
        raise SourceFailed(f"{error}") from None
    except requests.RequestException as error:
        reason = "no answer" if isinstance(error, requests.ConnectionError | requests.Timeout) else "broken answer"
        raise Passing(f"{reason} ({type(error).__name__})", answered=False) from None
    except (ExpatError, KeyError, TypeError, ValueError, UnicodeError) as error:
        if not refresh:
            return None
        raise SourceFailed(f"the description cannot be read ({type(error).__name__}: {error})") from None


@contextmanager
def _settings() -> Iterator[None]:
    """While `openml` works: no Parquet, and a time limit for every request, which the package does not set."""
    import requests

    class Patient(requests.Session):
        def request(self, *arguments: Any, **options: Any) -> requests.Response:
            options["timeout"] = options.get("timeout") or fetch.TIMEOUT_SECONDS
            return super().request(*arguments, **options)

    with _LOCK:
        session, variable = requests.Session, os.environ.get("OPENML_SKIP_PARQUET")
        requests.Session = Patient  # type: ignore[misc]
        os.environ["OPENML_SKIP_PARQUET"] = "true"
        try:
            yield
        finally:
            requests.Session = session  # type: ignore[misc]
            if variable is None:
                del os.environ["OPENML_SKIP_PARQUET"]
            else:
                os.environ["OPENML_SKIP_PARQUET"] = variable


def read_arff(path: Path) -> Iterator[pd.DataFrame]:
    """Yield an ARFF file, dense or sparse, as tables of at most `CHUNK` rows; nominal values stay text.

    Raises
    ------
    SourceFailed
        Where the file is not ARFF.
    """
    import arff

    try:
        with path.open(encoding="utf-8") as stream:
            mode = arff.LOD_GEN if _is_sparse(path) else arff.DENSE_GEN
            content = arff.load(stream, return_type=mode)
            names = [name for name, _ in content["attributes"]]
            numeric = [isinstance(kind, str) and kind.upper() != "STRING" for _, kind in content["attributes"]]
            rows: list[Any] = []
            for row in content["data"]:
                rows.append(row if mode == arff.DENSE_GEN else _filled(row, content["attributes"]))
                if len(rows) == CHUNK:
                    yield _frame(rows, names, numeric)
                    rows = []
            if rows:
                yield _frame(rows, names, numeric)
    except (arff.ArffException, UnicodeDecodeError, ValueError) as error:
        raise SourceFailed(f"{path} is not a readable ARFF file ({one_line(error)})") from None


def _is_sparse(path: Path) -> bool:
    with path.open(encoding="utf-8") as stream:
        in_data = False
        for line in stream:
            text = line.strip()
            if in_data and text and not text.startswith("%"):
                return text.startswith("{")
            in_data = in_data or text.lower().startswith("@data")
    return False


def _filled(row: dict[int, Any], attributes: list[Any]) -> list[Any]:
    """Return a sparse row in full: 0, or the first nominal value, where nothing is written."""
    return [row.get(i, 0.0 if isinstance(kind, str) else kind[0]) for i, (_, kind) in enumerate(attributes)]


def _frame(rows: list[Any], names: list[str], numeric: list[bool]) -> pd.DataFrame:
    columns = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            name: np.array(column, np.float64) if is_number else pd.Series(list(column), dtype="object")
            for name, is_number, column in zip(names, numeric, columns, strict=True)
        }
    )
