"""Which entities can be judged by the annotation, and which of the predicted ones are right.

The rules are those of spacy.scorer.get_ner_prf: a predicted entity that touches a token without
annotation, or is of a type that the document is not annotated for (doc._.annotated_labels), is
neither right nor wrong. In a group of doc.spans there may be annotated entities on such tokens all
the same (see unknown_group). They are neither found nor missed: as nobody can tell which of the
others that are predicted there are wrong, precision would be too high if right ones counted.
"""

from collections import Counter
from collections.abc import Collection, Iterable

from spacy.tokens import Doc
from spacy.training import Example

from ..tags import Span
from .entity_source import DOC_ENTS, EntitySource
from .gold import annotated_labels


def in_reference(
    example: Example, predicted: list[Span], gold: EntitySource = DOC_ENTS
) -> list[Span | None]:
    """Spans of the predicted Doc in tokens of the reference.

    gold (EntitySource): Where the entities of the reference are.
    RETURNS: None in place of a span that can't be judged: see judgeable.
    """
    if not predicted:
        return []
    return judgeable(example.y, aligned(example, predicted), annotated_labels(example.y), gold)


def aligned(example: Example, predicted: Iterable[Span]) -> list[Span | None]:
    """Spans of the predicted Doc on all tokens of the reference that they touch.

    None stands for one that touches none.
    """
    to_reference = example.alignment.x2y
    spans: list[Span | None] = []
    for start, end, label in predicted:
        tokens = to_reference[start:end]
        spans.append((int(tokens[0]), int(tokens[-1]) + 1, label) if len(tokens) else None)
    return spans


def judgeable(
    reference: Doc,
    predicted: Iterable[Span | None],
    annotated: Collection[str] | None,
    gold: EntitySource = DOC_ENTS,
) -> list[Span | None]:
    """Spans on the reference's tokens, with None in place of one that can't be judged.

    That is one that touches a token without annotation, or is of a type that the reference is not
    annotated for.

    annotated (Collection[str]): The types that it is annotated for; None for all.
    gold (EntitySource): Where its entities are.
    """
    unknown = gold.missing(reference)  # (n_tokens,)
    return [
        span
        if span is not None
        and (annotated is None or span[2] in annotated)
        and not unknown[span[0] : span[1]].any()
        else None
        for span in predicted
    ]


def judged_gold(reference: Doc, gold: EntitySource = DOC_ENTS) -> list[Span]:
    """The annotated entities that touch no token without annotation; of doc.ents all.

    gold (EntitySource): Where they are.
    """
    found = judgeable(reference, gold.spans(reference), None, gold)
    return [span for span in found if span is not None]


def verdicts(
    example: Example, predicted: list[Span], gold: EntitySource = DOC_ENTS
) -> list[bool | None]:
    """Whether each span of the predicted Doc is right; None for one that can't be judged.

    Of spans that come to cover the same tokens of the reference, the first is right.

    gold (EntitySource): Where the entities of the reference are.
    """
    waiting = Counter(gold.spans(example.y))
    found: list[bool | None] = []
    for span in in_reference(example, predicted, gold):
        if span is None:
            found.append(None)
        else:
            found.append(waiting[span] > 0)
            waiting[span] -= 1
    return found
