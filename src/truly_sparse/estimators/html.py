"""What a notebook shows of a fitted estimator below its parameters: layers, their links, and how dense these lie."""

from collections.abc import Sequence
from html import escape
from typing import Any

from sklearn.utils import estimator_html_repr

from truly_sparse.engine.linked import Linked

_STYLE = """
.truly-sparse {border-collapse: collapse; font: 0.9em sans-serif; margin: 0.5em 0; font-variant-numeric: tabular-nums}
.truly-sparse caption {text-align: left; padding: 0.2em 0}
.truly-sparse th, .truly-sparse td {text-align: right; padding: 0.15em 0.7em; border-bottom: 1px solid currentColor}
.truly-sparse svg {vertical-align: middle}
"""
#: Length of the bar of a layer that has all its links, in pixels.
_BAR = 120
_HEADS = ("layer", "from", "to", "links", "of all possible", "")


def described(estimator: Any, networks: Sequence[Linked]) -> str:
    """Return scikit-learn's picture of an estimator, and, once it is fitted, a table of its networks' layers.

    Parameters
    ----------
    estimator : estimator
    networks : sequence of Linked
        Its members, which have the same layers; none before it is fitted.
    """
    shown: str = estimator_html_repr(estimator)
    return shown + _table(networks) if networks else shown


def _table(networks: Sequence[Linked]) -> str:
    rows = []
    for number, block in enumerate(networks[0].blocks, 1):
        counts = [network.link_counts[number - 1] for network in networks]
        density = sum(counts) / len(counts) / block.places
        ends = " to ".join(f"{count:,}" for count in sorted({min(counts), max(counts)}))
        cells = (number, f"{block.n_in:,}", f"{block.n_out:,}", ends, f"{density:.1%}")
        rows.append("".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + f"<td>{_bar(density)}</td>")
    links = sum(sum(network.link_counts) for network in networks)
    who = "One network" if len(networks) == 1 else f"{len(networks)} members of these layers"
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEADS)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<style>{_STYLE}</style><table class="truly-sparse"><caption>{who}, {links:,} links in all</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _bar(density: float) -> str:
    """Return a bar of a length that is the share of links that are there."""
    whole = f'<rect width="{_BAR}" height="8" fill="currentColor" opacity="0.15"/>'
    own = f'<rect width="{_BAR * density:.1f}" height="8" fill="currentColor"/>'
    return f'<svg width="{_BAR}" height="8" role="img" aria-label="{density:.1%}">{whole}{own}</svg>'
