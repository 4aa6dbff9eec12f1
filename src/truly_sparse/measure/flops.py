"""Operation counts from the links in use at each step."""

from collections.abc import Iterable, Mapping
from typing import Any

CONVENTION = (
    "one operation per multiply-add of a link and a sample; forward and gradient on every link, backward on every "
    "link outside the input block; biases, activations and updates not counted"
)


def operations(history: Iterable[Mapping[str, Any]], validation_rows: int) -> dict[str, int | str]:
    """Count the multiply-adds of a training run.

    Parameters
    ----------
    history : iterable of mappings
        One per epoch, with `samples` trained on, `connections` and `input_connections` in use, in the mean over steps
        where these differ; of convolutional networks, also with `multiply_adds` and `input_multiply_adds` of a sample,
        where a link counts at all its positions. Where links take part in some steps only, `validated_multiply_adds`
        are those of a row of validation, which goes through the links that predict.
    validation_rows : int
        Rows predicted after each epoch.

    Returns
    -------
    dict
        `forward`, `backward`, `gradient`, their sum `total_training`, `validation`, and the `convention`.
        A dense network counted this way does 3 x weights x samples per epoch, less one pass over the input block,
        which the sources' figure includes.
    """
    forward = backward = validation = 0
    for epoch in history:
        samples, links = epoch["samples"], epoch.get("multiply_adds", epoch["connections"])
        forward += round(links * samples)
        backward += round((links - epoch.get("input_multiply_adds", epoch["input_connections"])) * samples)
        validation += round(epoch.get("validated_multiply_adds", links) * validation_rows)
    return {
        "forward": forward,
        "backward": backward,
        "gradient": forward,
        "total_training": 2 * forward + backward,
        "validation": validation,
        "convention": CONVENTION,
    }
