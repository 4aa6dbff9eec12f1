"""What van Engers claims, claim by claim, and what is asked beside it."""

from collections.abc import Iterator

from truly_sparse.analysis.judging import Claim, Rule
from truly_sparse.studies.van_engers.structure import KINDS
from truly_sparse.studies.van_engers.verdicts import accuracy, form, ours, structure

RULES: tuple[Rule, ...] = (*accuracy.RULES, *form.RULES, *structure.RULES, *ours.RULES)
#: Topics; the claims of the second are those of the first and of the formula, by another reading of accuracy.
FALL, UNCHOSEN, FORMULA = "Plateau and fall", "The same without choosing the epoch on test rows", "The formula"
STRUCTURE, ASKED = "Structure of the input block", "What the paper does not ask"
#: The reading without a choice: the mean of the last tenth of the epochs.
TAIL = "last_tenth"


def claims() -> list[Claim]:
    """Return all claims."""
    return [
        *_fall("", FALL, "best"),
        *_formula(),
        *_structure(),
        *_asked(),
        *_fall("unchosen/", UNCHOSEN, TAIL),
    ]


def _fall(beginning: str, topic: str, metric: str) -> Iterator[Claim]:
    keys = {"metric": metric}
    said = [
        ("plateau", "The accuracy on the plateau.", "formula 1", accuracy.LEVEL),
        ("flat", "The accuracy is practically unaffected up to ζ = 0.9.", "5.1", accuracy.FLAT),
        ("no_loss", "ζ can be 0.96 without a loss of accuracy.", "5.2, 6", accuracy.NO_LOSS),
        ("start", "A significant decrease starts around ζ = 0.98.", "5.1", accuracy.START_RULE),
        ("rapid", "The accuracy decreases rapidly after ζ = 0.987.", "5.1", accuracy.RAPID),
        ("contour", "The extreme sparsity contour lies at ζ = 0.96.", "5.2", accuracy.CONTOUR_RULE),
        ("end", "The accuracy where all links are replaced.", "formula 1 at ζ = 1", accuracy.END),
    ]
    for name, text, where, rule in said:
        yield Claim(f"{beginning}{name}", topic, text, where, rule, keys)


def _formula() -> Iterator[Claim]:
    keys, topic = {"metric": "best"}, FORMULA
    text = "The formula models the relation of accuracy and ζ with very high accuracy."
    yield Claim("form", topic, text, "5.3, formula 2", form.FITS, keys)
    yield Claim("printed_curve", topic, "The printed curve itself.", "formula 1", form.PRINTED_CURVE, keys)
    yield Claim("rivals", topic, "The relation is exponential.", "5.3, 6", form.RIVALS, keys)
    why = "the body of the printed table is not in the text that is at hand; the printed curve stands for it"
    yield Claim("points", topic, "The accuracies of Table 1, point by point.", "Table 1", ours.ABSENT, {"why": why})
    why = "ESPN is no part of this package, and the remark rests on other authors' figures"
    yield Claim("espn", topic, "The contour of ESPN lies around 0.96, too.", "7", ours.ABSENT, {"why": why})


def _structure() -> Iterator[Claim]:
    topic, where = STRUCTURE, "5.2, figure 4"
    for kind, words in KINDS.items():
        text = f"The pictures are seen in the {words} per pixel up to ζ = 0.6, and no more at 0.96."
        yield Claim(f"structure/{kind}", topic, text, where, structure.STRUCTURE_RULE, {"kind": kind})
    for kind, words in KINDS.items():
        text = f"The {words} per pixel stops following the pictures where the accuracy starts to fall."
        yield Claim(f"cessation/{kind}", topic, text, "5.2", structure.TOGETHER, {"kind": kind, "metric": "best"})


def _asked() -> Iterator[Claim]:
    topic, ours_ = ASKED, "ours"
    text = "He trained on 5,000 and tested on 1,000 images, as the implementation does by default: "
    yield Claim("images/plateau", topic, text + "the plateau.", ours_, ours.DATA, {"what": "plateau"})
    yield Claim("images/end", topic, text + "the end, ζ = 1.", ours_, ours.DATA, {"what": "end"})
    text = "ζ is not sparsity: it changes no number of links."
    yield Claim("links", topic, text, "against 4.1", ours.LINKS)
    text = "Accuracy falls with the number of links, which the paper keeps."
    yield Claim("density", topic, text, ours_, ours.DENSITY)
    yield Claim("choice", topic, "The reported accuracy is too high by the choice of its epoch.", ours_, ours.BIAS)
    text = "At the usual ζ of 0.3, links that evolve are better than links that stay"
    yield Claim("evolving/best", topic, f"{text}.", ours_, ours.EVOLVING, {"metric": "best"})
    yield Claim(
        f"evolving/{TAIL}", topic, f"{text}, without a choice of the epoch.", ours_, ours.EVOLVING, {"metric": TAIL}
    )
