"""Rules about the formula: does its form fit, does the printed curve, and do others fit better?"""

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence
from truly_sparse.analysis.judging import Finding, Rule, verdict
from truly_sparse.studies.van_engers import formula
from truly_sparse.studies.van_engers.verdicts.reading import printed, sweep

#: By how much a and b may differ from the printed ones.
A, B = (0.15, 0.26), (92.0, 366.0)
#: How many times its own error the printed curve may have on our points.
WORSE = 2.0
#: How much smaller Akaike's criterion of a rival must be to beat the curve.
BEATEN = 10.0


def _fits(evidence: Evidence, metric: str) -> Finding:
    said, runs = printed(evidence), sweep(evidence, metric)
    own = formula.fitted(runs, metric)
    error, most = own.error(formula.fractions_of(runs, metric)), said["error_percent"] / 100
    holds = error <= most and A[0] <= own.a <= A[1] and B[0] <= own.b <= B[1]
    small = "also" if error <= most / 100 else "not"
    why = f"a = {own.a:.3f}, b = {own.b:.0f}; the error is {small} within 0.013 squared percent"
    return Finding(formats.scientific(error), formats.scientific(most), verdict(holds), why, error, most)


FITS = Rule(
    "form",
    "Mean squared error, in squared fractions, of the curve with a and b of the least error (Table F1). Confirmed: at "
    f"most the printed 0.013 %, read as 1.3·10⁻⁴; a from {A[0]} to {A[1]} and b from {B[0]:.0f} to {B[1]:.0f} (printed "
    "0.204 and 183). The note says whether the error is as small as the other reading asks, too: 0.013 squared percent.",
    _fits,
)


def _printed_curve(evidence: Evidence, metric: str) -> Finding:
    said, runs = printed(evidence), sweep(evidence, metric)
    error, most = said.curve.error(formula.fractions_of(runs, metric)), said["error_percent"] / 100
    holds = error <= WORSE * most
    return Finding(formats.scientific(error), formats.scientific(most), verdict(holds), "", error, most)


PRINTED_CURVE = Rule(
    "printed curve",
    "Mean squared error of formula 1, as it is printed, on our accuracies. Confirmed: at most "
    f"{WORSE:.0f} times the printed error of 1.3·10⁻⁴.",
    _printed_curve,
)


def _rivals(evidence: Evidence, metric: str) -> Finding:
    compared = formula.rivals(sweep(evidence, metric), metric).set_index("form")
    others = compared.drop(index="curve")
    best = others["aic"].idxmin()
    ahead = float(compared["aic"]["curve"] - others["aic"][best])
    why = f"the best other form: {others['words'][best]}"
    return Finding(formats.difference(-ahead), formats.NOTHING, verdict(ahead <= BEATEN), why, -ahead)


RIVALS = Rule(
    "rivals",
    "Akaike's criterion of the best rival form (Table F2) less that of the curve; smaller is better. Confirmed: no "
    f"rival is more than {BEATEN:.0f} below the curve.",
    _rivals,
)
RULES: tuple[Rule, ...] = (FITS, PRINTED_CURVE, RIVALS)
