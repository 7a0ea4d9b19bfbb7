"""What stands below the scores about the data: its version, and gold that is not on its tokens."""

from collections.abc import Iterator

from .schema import Metrics


def data_notes(metrics: Metrics) -> list[str]:
    """A sentence for each thing to know."""
    return [*_versions(metrics), *off_token_notes(metrics)]


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
    # no other gold entity overlaps them, so all that is right beyond the rest is right there
    n_found = metrics.exact.micro.tp - without.tp
    outcome = f"{n_found:,} are found, on other tokens" if n_found else "as missed"
    return [
        f"{counts.off_tokens:,} of the {counts.gold:,} gold entities are not on the data's tokens: "
        f"they count, {outcome}.",
        f"Without them: precision {precision}, recall {recall}, F1 {f1}.",
    ]
