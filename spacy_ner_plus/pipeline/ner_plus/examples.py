"""What the training data hold, and which labels a component learns."""

import warnings
from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from ...annotation.bounds import Bounds
from ...annotation.gold import Lost, describe_lost, lost_entities
from ...models.pretrained.tag_names import CheckpointTags
from ...records import check_tidy
from ...text.word_counts import WordCounts
from ..incorrect_survey import IncorrectSurvey
from .legibility import TokenFit

# Docs that a tok2vec gets to see at initialize.
SAMPLE_SIZE = 10


@dataclass(frozen=True)
class Survey:
    """What was seen of the training data.

    n_examples, n_annotated (int): All, and those of which something is known about entities.
    counts (Counter): Entities by label.
    sample (List[Doc]): A few documents that are not empty.
    incorrect (IncorrectSurvey): Spans that are known to be wrong.
    """

    n_examples: int
    n_annotated: int
    counts: Counter[str]
    sample: list[Doc]
    incorrect: IncorrectSurvey = field(default_factory=lambda: IncorrectSurvey(None))


def survey(
    examples: Iterable[Example],
    name: str,
    bounds: Bounds,
    nlp: Language | None = None,
    word_counts: WordCounts | None = None,
    incorrect_spans_key: str | None = None,
) -> Survey:
    """Look through the training data once, and warn of entities that can't be learned or found.

    name (str): The component, for the warnings.
    bounds (Bounds): What no entity is found across.
    nlp (Language): The pipeline, whose own tokens texts will have; None if that is not known.
    word_counts (WordCounts): Counts the words of all documents, if somebody wants to know.
    incorrect_spans_key (str): Where spans are that are known to be wrong.
    RAISES ValueError: If one of these is an entity as well.
    """
    n_examples = n_annotated = 0
    incorrect = IncorrectSurvey(incorrect_spans_key)
    counts: Counter[str] = Counter()
    lost: list[Lost] = []
    crossing: list[Span] = []
    sample: list[Doc] = []
    fit = TokenFit()
    for example in examples:
        n_examples += 1
        if word_counts is not None:
            word_counts.add(example.predicted)
        if nlp is not None:
            fit.look_at(nlp, example.reference)
        says_wrong = incorrect.look_at(example)
        n_annotated += says_wrong or example.reference.has_annotation("ENT_IOB")
        _check_new_labels(example.reference, counts)
        counts.update(ent.label_ for ent in example.reference.ents)
        lost.extend(lost_entities(example))
        crossing.extend(bounds.crossing(example.reference))
        if len(sample) < SAMPLE_SIZE and len(example.predicted):
            sample.append(example.predicted)
    if lost:
        warnings.warn(
            f"{len(lost)} of {counts.total()} gold entities can't be learned by '{name}':\n"
            f"{describe_lost(lost)}",
            stacklevel=3,
        )
    fit.warn(name)
    if crossing:
        warnings.warn(
            f"{len(crossing)} of {counts.total()} gold entities go across the end of a line or the "
            f"start of a sentence, such as {crossing[0].text!r}: '{name}' never finds them, as "
            "within_lines or within_sentences is set.",
            stacklevel=3,
        )
    return Survey(n_examples, n_annotated, counts, sample, incorrect)


def _check_new_labels(doc: Doc, known: Container[str]) -> None:
    for ent in doc.ents:
        if ent.label_ not in known:
            check_tidy(f"The type of {ent.text!r} in the document {doc.text[:80]!r}", ent.label_)


def choose_labels(
    seen: Survey,
    given: list[str] | None,
    added: Iterable[str],
    origin: CheckpointTags | None,
    name: str,
) -> list[str]:
    """The labels to learn, in order.

    given (List[str]): What initialize was given; None for those of the data and those added.
    added (Iterable[str]): Labels that were added before.
    origin (CheckpointTags): Of the checkpoint whose head is taken over: its labels come first.
    name (str): The component, for errors.
    RAISES ValueError: If there are none, one has white space around it, or the data have one that
        is not among those given.
    """
    labels = sorted({*seen.counts, *added}) if given is None else given
    for label in given or ():
        if isinstance(label, str):  # what is none is refused with its place
            check_tidy(f"A label given to '{name}'", label)
    unknown = set(seen.counts) - set(labels)
    if unknown:
        raise ValueError(
            f"The training data has entities of type {sorted(unknown)}, but the labels given to "
            f"'{name}' are {list(labels)}: add the types or take their entities out."
        )
    if origin is not None:
        labels = [*origin.labels, *(label for label in labels if label not in origin.labels)]
    if not labels:
        raise ValueError(
            f"'{name}' found no entities {_in(seen)} and was given no labels. Annotate "
            f"doc.ents, give labels in [initialize.components.{name}] or with add_label, or name a "
            "checkpoint that was fine-tuned for token classification, which has labels of its own."
        )
    return labels


def _in(seen: Survey) -> str:
    if not seen.n_examples:
        return (
            "in the training data, as get_examples gave no example (it is called more than once, "
            "and must give all examples each time: a function that returns a list does)"
        )
    return f"in the {seen.n_examples:,} training documents ({seen.n_annotated:,} are annotated)"


def check_losses(losses: np.ndarray, examples: list[Example]) -> None:
    """RAISES ValueError: If a loss is not finite. It names the worst document."""
    if not np.isfinite(losses).all():
        worst = int(np.flatnonzero(~np.isfinite(losses))[0])
        raise ValueError(_no_loss(examples[worst], float(losses[worst])))


def _no_loss(example: Example, loss: float) -> str:
    text = example.predicted.text
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    if loss == float("inf"):
        return (
            f"The annotation of the document {shown!r} permits no valid sequence of tags: two "
            "parts of it contradict each other. Check its entities, and spans that are known to be "
            "wrong."
        )
    return (
        f"The loss on the document {shown!r} is {loss}: the weights or activations have "
        'overflowed. Lower the learning rate, or use precision = "fp32".'
    )
