"""What of van Engers' paper came out again, and what did not."""

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.reading import confirmed, listed
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.statements import Statement
from truly_sparse.studies.van_engers.findings.reading import FIT, claim, number, shown, tested
from truly_sparse.studies.van_engers.structure import KINDS
from truly_sparse.studies.van_engers.verdicts.claims import FALL, FORMULA, STRUCTURE
from truly_sparse.studies.van_engers.verdicts.structure import SEEN


def _counts(evidence: Evidence) -> str:
    rows = tested(evidence, FALL, FORMULA, STRUCTURE)
    good = confirmed(rows)
    return (
        f"Of {len(rows)} claims of the paper that could be tested, with accuracies read as it reads them, {good} are "
        f"confirmed and {len(rows) - good} are not."
    )


def _levels(evidence: Evidence) -> str:
    plateau, end = claim(evidence, "plateau"), claim(evidence, "end")
    return (
        f"The highest test accuracy of any epoch is {plateau['ours']} on average up to ζ = 0.96 (printed "
        f"{plateau['printed']}), and {end['ours']} where every link is replaced after every epoch (printed "
        f"{end['printed']})."
    )


def _flat(evidence: Evidence) -> str:
    row = claim(evidence, "flat")
    return f"Up to ζ = 0.9 the mean accuracies differ by {row['value']:.2f} points at most ({row['note']})."


def _contour(evidence: Evidence) -> str:
    ours = claim(evidence, "contour")
    where = "nowhere" if formats.missing(ours["value"]) else f"at ζ = {ours['value']:g}"
    tenth, half = (number(evidence, name) for name in ("falls_tenth", "falls_half"))
    printed = [number(evidence, name, "published") for name in ("falls_tenth", "falls_half")]
    return (
        f"The plateau ends {where} by the rule of two standard errors (the paper takes {ours['published']:g}, by eye). "
        f"The fitted curve has lost 0.1 points at {tenth:.3f} and 0.5 at {half:.3f}, the printed one at "
        f"{printed[0]:.3f} and {printed[1]:.3f}."
    )


def _loss(evidence: Evidence) -> str:
    row = shown(evidence, "no_loss")
    return (
        f"At ζ = 0.96 the accuracy differs from the plateau by {formats.difference(row['value'], 2)} points "
        f"({row['note']}; by the printed curve {formats.difference(row['published'], 2)})."
    )


def _formula(evidence: Evidence) -> str:
    a, b, error, other = (number(evidence, name) for name in ("a", "b", "error", "printed_error"))
    known = {name: number(evidence, name, "published") for name in ("a", "b", "error")}
    return (
        f"The curve fitted here has a = {a:.3f} and b = {b:.0f} (printed {known['a']:.3f} and {known['b']:.0f}) and a "
        f"mean squared error of {formats.scientific(error)} (printed, read as a squared fraction: "
        f"{formats.scientific(known['error'])}); the printed curve has {formats.scientific(other)} on our accuracies."
    )


def _rivals(evidence: Evidence) -> str:
    own, *others = evidence.rows(FIT, metric="aic", accuracy="best").to_dict("records")
    best = min(others, key=lambda row: float(row["value"]))
    gap = less(best["value"], own["value"])
    return (
        f"Of other forms of few parameters the best is the {best['note']}: Akaike's criterion lies {abs(gap):.1f} "
        f"{'above' if gap >= 0 else 'below'} that of the exponential curve, and smaller is better."
    )


def _structure(evidence: Evidence) -> list[str]:
    sentences = []
    for kind in ("links", "survivors"):
        found = evidence.rows("van_engers_structure", metric="rank_correlation", kind=kind).set_index("zeta")["value"]
        if not {*SEEN, 0.96} <= set(found.dropna().index):
            continue
        seen = listed([f"{found[zeta]:.2f} at {zeta:g}".replace("-", "−") for zeta in (*SEEN, 0.96)])
        sentences.append(f"The rank correlation of the {KINDS[kind]} per pixel with the mean image is {seen}.")
    return sentences


STATEMENTS = (
    *(Statement("Reproduced", say) for say in (_counts, _levels, _flat)),
    *(Statement("Contour", say) for say in (_contour, _loss)),
    *(Statement("Formula", say) for say in (_formula, _rivals)),
    Statement("Structure", _structure),
)
