"""The page: a template for each section, styles and the script within, nothing loaded."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from ....pages import figures, html
from ..agreement_schema import KINDS, AgreementMetrics, Dispute, Ends

# To stay quick to open.
MOST_PLACES = 1000
MOST_CONFUSED = 12
MOST_CONFUSIONS = 10
NO_ENTITY = -1


def render_agreement(metrics: AgreementMetrics, most_places: int = MOST_PLACES) -> str:
    """The page as HTML.

    most_places (int): How many disagreements the page holds at most, evenly over all.
    """
    sections = {
        "labels": "Labels",
        "alpha": "Alpha",
        "pairs": "Annotators",
        "kinds": "Kinds of disagreement",
        **({"places": "Disagreements"} if metrics.disagreements else {}),
    }
    script = (
        f'"use strict";\n{html.static(__package__, "agreement.js")}'
        if metrics.disagreements
        else ""
    )
    style = f"{html.style()}\n{html.static(__package__, 'agreement.css')}"
    confusions = [
        (pair, figures.confusion(pair.confusion.labels, pair.confusion.counts))
        for pair in metrics.pairs[:MOST_CONFUSIONS]
    ]
    return (
        html.environment(__package__)
        .get_template("agreement_page.html")
        .render(
            metrics=metrics,
            names=", ".join(one.name for one in metrics.annotators),
            sections=sections,
            confusions=confusions,
            confused=metrics.confused[:MOST_CONFUSED],
            n_differences=sum(metrics.kinds.values()),
            not_judged=sum(pair.not_judged for pair in metrics.pairs),
            kind_names=KINDS,
            places=_with_labels(_spread(metrics.disagreements, most_places), list(metrics.labels)),
            names_of=lambda kinds: ", ".join(KINDS[kind] for kind in kinds),
            ends=_ends,
            style=Markup(style),
            script=Markup(script),
            script_hash=html.script_hash(script),
        )
    )


def _spread(places: Sequence[Dispute], most: int) -> list[Dispute]:
    """At most so many, evenly over all."""
    if len(places) <= most:
        return list(places)
    return [places[i * len(places) // most] for i in range(most)]


def _with_labels(places: Sequence[Dispute], labels: Sequence[str]) -> list[Any]:
    """Each with the numbers of the labels that somebody has there, NO_ENTITY if one has none."""
    number = {label: i for i, label in enumerate(labels)}
    found = []
    for place in places:
        numbers = {number[span.label] for side in place.sides for span in side.spans}
        if not all(side.spans for side in place.sides):
            numbers.add(NO_ENTITY)
        found.append((place, sorted(numbers)))
    return found


def _ends(ends: Ends | None) -> str:
    """The interval of an alpha."""
    return figures.NONE if ends is None else " to ".join(figures.decimals(end) for end in ends)
