"""What stands below the scores about the data.

That is where entities are, the version of the data, and gold that is not on its tokens.
"""

from collections.abc import Iterator

from ..annotation.entity_source import EntitySource
from .schema import Metrics


def data_notes(metrics: Metrics) -> list[str]:
    """A sentence for each thing to know."""
    return [*source_notes(metrics), *_versions(metrics), *off_token_notes(metrics)]


def source_notes(metrics: Metrics) -> list[str]:
    """Where entities are, if not all in doc.ents, and those that are there twice."""
    return [*_sources(metrics), *_repeated(metrics)]


def _sources(metrics: Metrics) -> Iterator[str]:
    gold = EntitySource(metrics.spans_key, with_ents=metrics.gold_in_ents)
    predicted = EntitySource(metrics.predicted_key)
    if gold != predicted:
        yield f"Gold entities are those in {gold.where}, predicted ones those in {predicted.where}."
    elif gold.may_nest:
        yield f"Entities are those in {gold.where}."
    elif metrics.nesting is not None:
        yield (
            f"Predicted entities overlap each other, which gold ones in {gold.where} can't: "
            "--spans-key KEY takes those in doc.spans."
        )


def _repeated(metrics: Metrics) -> Iterator[str]:
    if n := metrics.counts.repeated:
        yield f"{n:,} entities are there twice, with the same characters and type: they count once."


def _versions(metrics: Metrics) -> Iterator[str]:
    data, train = metrics.data_version, metrics.train_version
    if data is not None:
        yield f"Data: {data.shown}."
    if train is not None and data is not None and train.data_set != data.data_set:
        yield f"The training data are of another data set, or version: {train.shown}."


def off_token_notes(metrics: Metrics) -> list[str]:
    """Gold entities that are not on the data's tokens, and the scores without them."""
    without, counts = metrics.on_tokens, metrics.counts
    if without is None:
        return []
    shown = (without.precision, without.recall, without.f1)
    precision, recall, f1 = (f"{100 * score:.2f}" for score in shown)
    # what is right beyond the rest is right there
    n_found = metrics.exact.micro.tp - without.tp
    outcome = f"{n_found:,} are found, on other tokens" if n_found else "as missed"
    return [
        f"{counts.off_tokens:,} of the {counts.gold:,} gold entities are not on the data's tokens: "
        f"they count, {outcome}.",
        f"Without them: precision {precision}, recall {recall}, F1 {f1}.",
    ]
