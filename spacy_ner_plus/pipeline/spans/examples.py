"""What the training data hold, and which labels a component of spans learns."""

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from spacy.tokens import Doc
from spacy.training import Example

from ...annotation.gold import Lost, describe_lost
from ...annotation.nested_gold import GoldSources, nested_gold
from ...nesting.nesting_counts import NestingCounts, count_nesting
from ...records import check_tidy
from ...support.numbers import counted
from ...text.word_counts import WordCounts
from ..incorrect_survey import IncorrectSurvey

# Docs that a tok2vec gets to see at initialize.
SAMPLE_SIZE = 10


@dataclass(frozen=True)
class SpanSurvey:
    """What was seen of the training data.

    n_examples, n_annotated (int): All, and those of which something is known.
    counts (Counter): Spans by label, those that do not fit the tokens included.
    sample (List[Doc]): A few documents that are not empty.
    nesting (NestingCounts): How those lie that fit the tokens.
    incorrect (IncorrectSurvey): Spans that are known to be wrong.
    """

    n_examples: int
    n_annotated: int
    counts: Counter[str]
    sample: list[Doc]
    nesting: NestingCounts = field(default_factory=NestingCounts)
    incorrect: IncorrectSurvey = field(default_factory=lambda: IncorrectSurvey(None))


def survey_spans(
    examples: Iterable[Example],
    name: str,
    sources: GoldSources,
    word_counts: WordCounts | None = None,
    incorrect_spans_key: str | None = None,
) -> SpanSurvey:
    """Look through the training data once, and warn of spans that do not fit the tokens.

    name (str): The component, for the warnings.
    sources (GoldSources): Where the annotation is.
    word_counts (WordCounts): Counts the words of all documents, if somebody wants to know.
    incorrect_spans_key (str): Where spans are that are known to be wrong.
    RAISES ValueError: A span has no label, or one with white space around it; or one that is known
        to be wrong is annotated.
    """
    n_examples = n_annotated = 0
    incorrect = IncorrectSurvey(incorrect_spans_key)
    counts: Counter[str] = Counter()
    lost: list[Lost] = []
    sample: list[Doc] = []
    nesting = NestingCounts()
    of_group, of_ents = Counter[str](), Counter[str]()
    for example in examples:
        n_examples += 1
        if word_counts is not None:
            word_counts.add(example.predicted)
        gold = nested_gold(example, sources)
        says_wrong = incorrect.look_at(example, gold.spans)
        n_annotated += bool(gold.known.any() or gold.spans or gold.lost or says_wrong)
        lost += gold.lost
        nesting += count_nesting((span.start, span.end, span.label_) for span in gold.spans)
        for span in [*gold.spans, *(one.entity for one in gold.lost)]:
            if span.label_ not in counts:
                where = f"The type of {span.text!r} in the document {span.doc.text[:80]!r}"
                check_span_label(where, span.label_)
            counts[span.label_] += 1
        if sources.with_ents and sources.group and sources.group.is_set(example.reference):
            of_group.update(label for _, _, label in sources.group.spans(example.reference))
            of_ents.update(ent.label_ for ent in example.reference.ents)
        if len(sample) < SAMPLE_SIZE and len(example.predicted):
            sample.append(example.predicted)
    if lost:
        warnings.warn(
            f"{len(lost)} of {counts.total()} gold spans can't be learned by '{name}':\n"
            f"{describe_lost(lost)}",
            stacklevel=3,
        )
    _warn_of_other_types(of_group, of_ents, name)
    return SpanSurvey(n_examples, n_annotated, counts, sample, nesting, incorrect)


def _warn_of_other_types(of_group: Counter[str], of_ents: Counter[str], name: str) -> None:
    """Say that doc.ents has types of its own: it may be another annotation than the group's.

    of_group, of_ents (Counter): Spans by label, of documents that have the group.
    """
    others = {label: n for label, n in sorted(of_ents.items()) if label not in of_group}
    if others and of_group:
        listed = ", ".join(f"{label}: {n}" for label, n in others.items())
        warnings.warn(
            f"'{name}' learns entities of types that are in doc.ents alone, of documents that have "
            f"spans in the group, too ({listed}). Set learn_ents to false if they are not meant.",
            stacklevel=4,
        )


def choose_span_labels(
    seen: SpanSurvey, given: Sequence[str] | None, added: Iterable[str], name: str, where: str
) -> list[str]:
    """The labels to learn, in order.

    given (Sequence[str]): What initialize was given; None for those of the data and those added.
    added (Iterable[str]): Labels that were added before.
    name (str): The component, and where (str) its annotation is, for errors.
    RAISES ValueError: If there are none, one is there twice, empty or has white space around it, or
        the data have one that is not among those given.
    """
    labels = sorted({*seen.counts, *added}) if given is None else list(given)
    for label in labels:
        check_span_label(f"A label given to '{name}'", label)
    if len(set(labels)) < len(labels):
        raise ValueError(f"The labels given to '{name}' have some twice: {labels}.")
    if unknown := set(seen.counts) - set(labels):
        raise ValueError(
            f"The training data has spans of type {sorted(unknown)} in {where}, but the labels "
            f"given to '{name}' are {labels}: add the types, or take their spans out (learn_ents = "
            "false leaves out those of doc.ents)."
        )
    if not labels:
        raise ValueError(
            f"'{name}' found no spans in {where} of {counted(seen.n_examples, 'training document')}"
            f" ({seen.n_annotated:,} are annotated) and was given no labels. Annotate them, set "
            f"spans_key to where they are, or give labels in [initialize.components.{name}] or "
            "with add_label."
        )
    return labels


def check_span_label(what: str, label: object) -> None:
    """RAISES ValueError: A label is no name. what (str): What it is, for the error."""
    if not (isinstance(label, str) and label):
        raise ValueError(f"{what} is {label!r}: labels are non-empty strings.")
    check_tidy(what, label)
