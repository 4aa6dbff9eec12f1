"""A user's rows as one matrix of numbers: pandas, polars and Arrow tables by one route, arrays and lists by another.

A column holds numbers or categories. Categories are text, what a table's own type calls a category, and columns that
the user names. In the matrix a category is its place among the sorted ones of the first fit, -1 if it is none of them;
what is missing is NaN in any column.
"""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import numpy.typing as npt
from narwhals.exceptions import DuplicateError
from scipy.sparse import issparse

from truly_sparse.errors import UserError

Objects = npt.NDArray[np.object_]
#: The sorted categories of each column that has some, by its place: float64, or objects that are text.
Categories = dict[int, npt.NDArray[Any]]
#: Whole numbers below this one are not rounded to others.
EXACT = 2.0**53
#: Place in the matrix of a category that the first fit did not see.
UNSEEN = -1.0
#: Of a table's columns: numbers, text, and what holds objects of any kind, such as pandas' older columns of text.
_TEXT = (nw.String, nw.Categorical, nw.Enum)
_ANY = (nw.Object, nw.Unknown)


class Rows(NamedTuple):
    """Rows as they were given.

    `values` is an array-like of numbers, of a table float64 or float32, with NaN where a value is missing and in
    columns of text; `texts` has those by their place, None where a value is missing; `typed` are the places of the
    columns whose type says that they are categories; `names` are those of the columns, where there are some; `single`
    are the places of a table's columns of float32, which `values` may have as float64.
    """

    values: Any
    texts: dict[int, Objects]
    typed: frozenset[int]
    names: Sequence[Any] | None
    single: frozenset[int] = frozenset()

    def column(self, place: int) -> str:
        """Return what a message calls a column."""
        return _called(self.names, place)


def read(x: Any) -> Rows:
    """Take a table or an array apart; what is none of these is left for scikit-learn to refuse.

    Raises
    ------
    UserError
        For columns that hold neither numbers nor text, or both, or share a name; for arrays of text, in which numbers
        are text, too, or of dates or times; and for tables that are not in memory.
    """
    if isinstance(x, np.ma.MaskedArray):
        raise UserError("X is a masked array; give X.astype(float).filled(np.nan), in which what is masked is missing")
    if type(x).__name__ == "RecordBatch":
        raise UserError("X is a batch of records; give pyarrow.Table.from_batches([X]), whose columns have names")
    if (isinstance(x, np.ndarray) and x.dtype.kind in "biufc") or issparse(x):
        return Rows(x, {}, frozenset(), None)
    try:
        table = nw.from_native(x, pass_through=True)
    except DuplicateError as error:
        raise UserError("columns of X share a name; give each its own, or X as an array") from error
    if isinstance(table, nw.LazyFrame):
        raise UserError("X is a query, not a table in memory; collect it first")
    if isinstance(table, nw.DataFrame):
        return _of_table(table)
    try:
        array = np.asarray(x)
        if array.dtype.kind == "U" and not isinstance(x, np.ndarray):
            array = np.asarray(x, object)  # a list, whose numbers would become text
    except ValueError:  # rows of several lengths
        return Rows(x, {}, frozenset(), None)
    if array.dtype.kind in "mM":
        raise UserError("X is an array of dates or times; turn them into numbers, all in the same unit")
    if array.ndim != 2 or array.dtype.kind not in "USO":
        return Rows(x, {}, frozenset(), None)
    if array.dtype.kind != "O":
        raise UserError("X is an array of text; give a table or an array of objects, in which numbers stay numbers")
    columns = [_of_objects(own.copy(), _gaps(own), _called(None, place)) for place, own in enumerate(array.T)]
    return _assembled(columns, (), None)


def _of_table(table: "nw.DataFrame[Any]") -> Rows:
    names = list(table.columns)
    columns = list(table.iter_columns())
    typed = [place for place, column in enumerate(columns) if isinstance(column.dtype, _TEXT)]
    single = frozenset(place for place, column in enumerate(columns) if isinstance(column.dtype, nw.Float32))
    rows = _assembled([_of_column(own, _called(names, place)) for place, own in enumerate(columns)], typed, names)
    return rows._replace(single=single)


def _assembled(columns: Sequence[npt.NDArray[Any]], typed: Iterable[int], names: Sequence[Any] | None) -> Rows:
    """Return rows of columns of numbers, and of objects, which are text."""
    single = bool(columns) and all(column.dtype == np.float32 for column in columns)
    values = np.full((len(columns[0]) if columns else 0, len(columns)), np.nan, np.float32 if single else np.float64)
    for place, column in enumerate(columns):
        if column.dtype != object:
            values[:, place] = column
    texts = {place: column for place, column in enumerate(columns) if column.dtype == object}
    return Rows(values, texts, frozenset(typed), names)


def _of_column(column: "nw.Series[Any]", name: str) -> npt.NDArray[Any]:
    """Return a column as numbers, or as objects that are text."""
    kind, values = column.dtype, column.to_numpy()
    if not (kind.is_numeric() or isinstance(kind, (*_TEXT, *_ANY, nw.Boolean))):
        raise UserError(f"{name} holds {kind}; turn it into numbers or text, or leave it out")
    gaps = np.asarray(column.is_null().to_numpy(), bool)  # Arrow's categories have any value there
    if values.dtype.kind not in "biuf":
        return _of_objects(values.astype(object), gaps, name)
    if values.dtype == np.float32 and not gaps.any():
        return values
    return np.where(gaps, np.nan, values.astype(np.float64))


def _of_objects(values: Objects, gaps: npt.NDArray[np.bool_], name: str) -> npt.NDArray[Any]:
    """Return objects as numbers or as text, whichever all of them are; text is given back in the same array."""
    kinds = sorted({type(value) for value in values[~gaps]}, key=lambda kind: kind.__name__)
    text = [issubclass(kind, str) for kind in kinds]
    if kinds and all(text):
        values[gaps] = None
        return values
    other = [kind for kind, is_text in zip(kinds, text, strict=True) if not is_text and not _is_number(kind)]
    if other:
        raise UserError(f"{name} holds values of type {other[0].__name__}; turn them into numbers or text")
    if any(text):
        some = next(value for value in values[~gaps] if isinstance(value, str))
        raise UserError(f"{name} holds text ({some!r}) among its numbers; correct that, or turn all of it into text")
    numbers = np.full(len(values), np.nan)
    try:
        numbers[~gaps] = values[~gaps].astype(np.float64)
    except OverflowError:
        raise UserError(f"{name} holds whole numbers that are too large for float64; lower or replace them") from None
    return numbers


def _is_number(kind: type) -> bool:
    return issubclass(kind, Real | np.bool_) or kind.__name__ == "Decimal"


def _gaps(values: Objects) -> npt.NDArray[np.bool_]:
    """Return where objects are None, NaN, or one of pandas' own marks."""
    marks = ("NAType", "NaTType")
    return np.array([v is None or (isinstance(v, float) and v != v) or type(v).__name__ in marks for v in values], bool)


def _called(names: Sequence[Any] | None, place: int) -> str:
    return f"column {place if names is None else names[place]} of X"


def places_of(named: Any, count: int, names: Sequence[Any] | None) -> frozenset[int]:
    """Return the places of the columns that `categorical_features` names, by place, name or mask.

    Raises
    ------
    UserError
        For a place or name that there is not.
    """
    if named is None:
        return frozenset()
    given = named.tolist() if isinstance(named, np.ndarray) else named
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise UserError(f"categorical_features is {named!r}; give a list of names or places, or a mask")
    wanted = list(given)
    if wanted and all(isinstance(one, bool | np.bool_) for one in wanted):
        if len(wanted) != count:
            raise UserError(f"categorical_features marks {len(wanted)} columns, but X has {count}")
        return frozenset(np.flatnonzero(wanted).tolist())
    found = set()
    for one in wanted:
        if isinstance(one, str):
            if names is None or one not in names:
                raise UserError(f"categorical_features names {one!r}, " + _known(names))
            found.add(list(names).index(one))
        elif isinstance(one, int | np.integer) and not isinstance(one, bool) and -count <= one < count:
            found.add(int(one) % count)
        else:
            raise UserError(f"categorical_features names {one!r}; X has columns 0 to {count - 1}")
    return frozenset(found)


def _known(names: Sequence[Any] | None) -> str:
    if names is None:
        return "but the columns of X have no names; give their places"
    return "which is no column of X; it has " + ", ".join(map(str, names[:8])) + (", ..." if len(names) > 8 else "")


def learned(
    rows: Rows, x: npt.NDArray[np.floating], named: frozenset[int], kept: npt.NDArray[np.bool_] | None
) -> Categories:
    """Return the categories of the columns that have some: those that rows hold.

    Parameters
    ----------
    rows : Rows
    x : ndarray, shape (rows, columns)
        Their values.
    named : frozenset of int
        Columns whose numbers are categories.
    kept : ndarray of bool, shape (rows,), optional
        Rows that count.

    Raises
    ------
    UserError
        For numbers that float64 does not tell from all others.
    """
    found: Categories = {}
    for place in sorted(rows.typed | rows.texts.keys() | named):
        if place in rows.texts:
            own = rows.texts[place] if kept is None else rows.texts[place][kept]
            found[place] = np.array(sorted({str(value) for value in own if value is not None}), object)
        else:
            numbers = x[:, place] if kept is None else x[kept, place]
            found[place] = categories_of_numbers(numbers, rows.column(place))
    return found


def categories_of_numbers(values: npt.NDArray[np.floating], column: str) -> npt.NDArray[np.float64]:
    """Return the sorted categories of a column of numbers.

    Raises
    ------
    UserError
        For numbers that float64 does not tell from all others.
    """
    found = np.unique(values[~np.isnan(values)]).astype(np.float64)
    large = found[(np.abs(found) >= EXACT) & np.isfinite(found)]
    if len(large):
        raise UserError(
            f"{column} holds categories that are numbers as large as {large[0]:.0f}; from 2**53 on, one cannot be told "
            "from the next, so turn them into text"
        )
    return found


def coded(rows: Rows, x: npt.NDArray[np.floating], categories: Categories) -> npt.NDArray[np.floating]:
    """Return `x` with categories as their places among the sorted ones, `UNSEEN` if they are none of them.

    Raises
    ------
    UserError
        For text where there were numbers, and numbers where there was text.
    """
    for place in rows.texts:
        refuse_text(categories.get(place), rows.texts[place], rows.column(place))
    if not categories:
        return x
    x = x.copy()
    for place, known in categories.items():
        if place in rows.texts:
            places = {value: float(number) for number, value in enumerate(known)} | {None: np.nan}
            x[:, place] = [places.get(value, UNSEEN) for value in rows.texts[place]]
        elif known.dtype != object:
            x[:, place] = places_of_numbers(x[:, place], known, place in rows.single)
        elif not np.isnan(x[:, place]).all():
            raise UserError(f"{rows.column(place)} holds numbers, but held text when the model was fitted")
    return x


def refuse_text(known: npt.NDArray[Any] | None, texts: Iterable[str | None], column: str) -> None:
    """Refuse text in a column of which some categories, or none, are known, unless these are text."""
    if known is None or (len(known) and known.dtype != object):
        some = next(value for value in texts if value is not None)
        raise UserError(f"{column} holds text ({some!r}), but held numbers when the model was fitted")


def places_of_numbers(
    values: npt.NDArray[np.floating], known: npt.NDArray[Any], single: bool = False
) -> npt.NDArray[np.float64]:
    """Return the places of numbers among sorted categories, `UNSEEN` if they are none of them.

    Values that were given as float32, as they are or `single` says, are those of categories rounded to it.
    """
    gaps = np.isnan(values)
    if single or values.dtype == np.float32:
        with np.errstate(over="ignore"):
            known = known.astype(np.float32)
    if not len(known):
        return np.where(gaps, np.nan, UNSEEN)
    place = np.searchsorted(known, values).clip(max=len(known) - 1)
    return np.where(gaps, np.nan, np.where(known[place] == values, place, UNSEEN))


def refuse_infinite(x: npt.NDArray[np.floating], rows: Rows) -> None:
    """Refuse infinite values, naming the first column that has some."""
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(x.sum()):
            return
    found = np.flatnonzero(np.isinf(x).any(axis=0))
    if len(found):
        raise UserError(f"{rows.column(int(found[0]))} holds infinite values; replace them or leave the rows out")


def is_missing(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which of some values are None, NaN, not a time, or one of pandas' own marks of a gap."""
    if values.dtype.kind == "O":
        return _gaps(values)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    return np.isnan(values) if values.dtype.kind in "fc" else np.zeros(values.shape, bool)


def refuse_missing_targets(y: Any) -> None:
    """Refuse targets of which one is None, or another mark of a gap that scikit-learn does not know."""
    targets = np.asarray(y)
    if not targets.ndim or targets.dtype.kind not in "OmM":
        return
    gaps = is_missing(targets.ravel())
    if gaps.any():
        row = int(gaps.reshape(len(targets), -1).any(axis=1).argmax())
        raise UserError(f"y holds no value in row {row} (counted from 0); leave rows without a target out")


def plain(categories: Mapping[int, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return categories as a file keeps them: arrays of float64 or of text."""
    return {
        str(place): text_of(own, f"a category of column {place}") if own.dtype == object else own
        for place, own in categories.items()
    }


def text_of(values: Objects, what: str) -> npt.NDArray[np.str_]:
    """Return objects as an array of text, which cannot hold a text that ends in a null character.

    Raises
    ------
    UserError
        For such a text; `what` it is.
    """
    if any(str(value).endswith("\0") for value in values):
        raise UserError(f"{what} ends in a null character, which a file cannot hold; strip it")
    return values.astype(str)


def restored(arrays: Mapping[str, npt.NDArray[Any]], features: int) -> Categories:
    """Return what `plain` made into arrays of a file.

    Raises
    ------
    UserError
        For columns that there are not, and for categories that are not sorted or neither numbers nor text.
    """
    found: Categories = {}
    for name, own in arrays.items():
        if not (name.isdecimal() and int(name) < features) or own.ndim != 1 or own.dtype.kind not in "fU":
            raise UserError(f"there are no categories of column {name} like these")
        if (own[1:] <= own[:-1]).any():
            raise UserError(f"the categories of column {name} are not sorted or not distinct")
        found[int(name)] = own.astype(object) if own.dtype.kind == "U" else own.astype(np.float64)
    return dict(sorted(found.items()))
