"""What the paper does not ask: what zeta is, which images, how epochs are chosen, links that stay, other data."""

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import CONFIRMED
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.reading import confirmed, listed
from truly_sparse.analysis.statements import Statement
from truly_sparse.studies.van_engers.findings.reading import claim, shown, tested
from truly_sparse.studies.van_engers.verdicts.claims import UNCHOSEN

#: Which of the printed numbers are nearer to ours with fewer images than with all: the plateau, the end.
_NEARER = {
    (True, True): "both printed numbers are",
    (True, False): "the printed plateau is, the printed end is not",
    (False, True): "the printed end is, the printed plateau is not",
    (False, False): "neither printed number is",
}


def _links(evidence: Evidence) -> str:
    row = claim(evidence, "links")
    constant = "whatever ζ is" if row["verdict"] == CONFIRMED else "not the same for every ζ"
    return (
        f"What the paper calls sparsity is the fraction of links that is replaced: the networks have {row['ours']}, "
        f"{constant}, which is {row['value']:.1f} % of all places."
    )


def _density(evidence: Evidence) -> str:
    row = claim(evidence, "density")
    if formats.missing(row["value"]):
        raise Missing("the accuracy does not fall with the number of links")
    return (
        "Where the number of links itself is lowered, at ζ = 0.3, the accuracy has fallen by a point at "
        f"{row['value']:.2f} % of all places."
    )


def _choice(evidence: Evidence) -> str:
    row = claim(evidence, "choice")
    return (
        f"The reported accuracy is the highest of all epochs on the test rows: on the plateau {row['value']:.2f} "
        f"points above that of the last epoch ({row['note']})."
    )


def _unchosen(evidence: Evidence) -> str:
    rows = tested(evidence, UNCHOSEN)
    return (
        f"By the mean of the last tenth of the epochs, {confirmed(rows)} of {len(rows)} claims about the fall are "
        "confirmed."
    )


def _images(evidence: Evidence) -> str:
    plateau, end = claim(evidence, "images/plateau"), claim(evidence, "images/end")
    near = _NEARER[plateau["verdict"] == CONFIRMED, end["verdict"] == CONFIRMED]
    return (
        "With the 5,000 images that the implementation takes unless told otherwise, then with all 60,000, the plateau "
        f"is {plateau['ours']} (printed {plateau['printed']}) and the end {end['ours']} (printed {end['printed']}): "
        f"{near} nearer to the first."
    )


def _evolving(evidence: Evidence) -> str:
    best, tail = shown(evidence, "evolving/best"), shown(evidence, "evolving/last_tenth")
    return (
        "The accuracy at ζ = 0.3, where links evolve, less that of links that stay is "
        f"{formats.difference(best['value'], 2)} points ({best['note']}); by the mean of the last tenth of the epochs "
        f"{formats.difference(tail['value'], 2)} ({tail['note']})."
    )


def _datasets(evidence: Evidence) -> str:
    rows = evidence.rows("van_engers_datasets", setting="curve", metric="contour").dropna(subset="value")
    if rows.empty:
        raise Missing("no contour on another dataset")
    where = [f"{row['value']:g} on {dataset_title(row['dataset'])}" for row in rows.to_dict("records")]
    return f"On other data the plateau ends at {listed(where)}."


STATEMENTS = (
    *(Statement("Zeta", say) for say in (_links, _density)),
    *(Statement("Choice", say) for say in (_choice, _unchosen)),
    Statement("Images", _images),
    Statement("Evolving", _evolving),
    Statement("Datasets", _datasets),
)
