"""Numbers as a reader sees them, in Unicode; `latex.escape` knows every character used here."""

import math
from typing import Any

NOTHING = "–"
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def missing(value: float | None) -> bool:
    """Say whether there is no number."""
    return value is None or not math.isfinite(value)


def spread(value: float | None, std: float | None, digits: int = 1) -> str:
    """Return "71.8 ± 0.2"; without a standard deviation only the value."""
    if value is None or missing(value):
        return NOTHING
    return f"{value:.{digits}f}" if std is None or missing(std) else f"{value:.{digits}f} ± {std:.{digits}f}"


def difference(value: float | None, digits: int = 1) -> str:
    """Return "+1.2" or "−0.3", never a signed zero."""
    if value is None or missing(value):
        return NOTHING
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text[1:] if not any(digit in text for digit in "123456789") else text


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """Return "+0.10 to +0.52"."""
    ends = difference(low, digits), difference(high, digits)
    return NOTHING if NOTHING in ends else " to ".join(ends)


def ratio(value: float | None) -> str:
    """Return "0.25×", with a third decimal below 0.1 and none from 100 on."""
    if value is None or missing(value):
        return NOTHING
    if value >= 99.995:
        return f"{value:,.0f}×"
    return f"{value:.3f}×" if value < 0.0995 else f"{value:.2f}×"


def printed_ratio(value: float | None) -> str:
    """Return "0.07×" as the sources print it."""
    return NOTHING if value is None or missing(value) else f"{value:.2f}×"


def count(value: float | None) -> str:
    """Return "528,760"."""
    return NOTHING if value is None or missing(value) else f"{value:,.0f}"


def scientific(value: float | None) -> str:
    """Return "1.71·10¹³"."""
    if value is None or missing(value):
        return NOTHING
    return _power_of_ten(value, 2)


def minutes(value: float | None, std: float | None) -> str:
    """Return minutes with their spread, with a second decimal below ten minutes."""
    return spread(value, std, 1 if value is None or missing(value) or value >= 10 else 2)


def number(value: float | int | None) -> str:
    """Return a setting such as epsilon without a needless ".0"."""
    return "" if value is None or missing(value) else f"{value:g}"


def p_value(value: float | None) -> str:
    """Return "0.023", or "8.7·10⁻⁷" below a thousandth."""
    if value is None or missing(value):
        return NOTHING
    if value >= 0.001:
        return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"
    return _power_of_ten(value, 1)


def setting(value: Any) -> str:
    """Return a value of the configuration: "1000-1000-1000", "yes", "edst rg"."""
    if isinstance(value, list):
        return "-".join(map(setting, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("_", " ")


def _power_of_ten(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}·10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
