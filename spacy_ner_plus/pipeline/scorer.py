"""The registered scorer: entities against gold, with spaCy's rules for missing annotation."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from spacy import registry
from spacy.tokens import Doc
from spacy.training import Example

from ..annotation.gold import annotated_labels
from ..metrics.spans import Counts, count_spans, summarise
from ..tags import Span

Scorer = Callable[..., dict[str, Any]]


@registry.scorers("spacy_ner_plus.ner_scorer.v1")
def make_ner_scorer_v1() -> Scorer:
    """A scorer of doc.ents: see score_entities."""
    return score_entities


def score_entities(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score doc.ents by exact span and label.

    Same rules as spacy.scorer.get_ner_prf: documents without any entity annotation are skipped,
    and a predicted entity that touches a token without annotation, or is of a type that the
    document is not annotated for (doc._.annotated_labels), is neither right nor wrong.

    examples (Iterable[Example]): The predicted and the reference Docs.
    RETURNS (Dict[str, Any]): ents_p, ents_r, ents_f and ents_micro_f (the same as ents_f) over
        all entities; ents_macro_f, the mean of the types' F1; ents_per_type with p, r, f and
        support by label. All are None if no document has annotation or any entity.
    """
    summary = summarise(
        _count(example) for example in examples if example.y.has_annotation("ENT_IOB")
    )
    if not summary.per_type:
        keys = ("p", "r", "f", "micro_f", "macro_f", "per_type")
        return {f"ents_{key}": None for key in keys}
    return {
        "ents_p": summary.micro.precision,
        "ents_r": summary.micro.recall,
        "ents_f": summary.micro.f1,
        "ents_micro_f": summary.micro.f1,
        "ents_macro_f": summary.macro_f1,
        "ents_per_type": {
            label: {
                "p": counts.precision,
                "r": counts.recall,
                "f": counts.f1,
                "support": counts.support,
            }
            for label, counts in summary.per_type.items()
        },
    }


def in_reference(example: Example, predicted: list[Span]) -> list[Span | None]:
    """Spans of the predicted Doc in tokens of the reference.

    RETURNS: None in place of a span that can't be judged: see judgeable.
    """
    return judgeable(example.y, aligned(example, predicted)) if predicted else []


def aligned(example: Example, predicted: Iterable[Span]) -> list[Span | None]:
    """Spans of the predicted Doc on all tokens of the reference that they touch; None for one
    that touches none.
    """
    to_reference = example.alignment.x2y
    spans: list[Span | None] = []
    for start, end, label in predicted:
        tokens = to_reference[start:end]
        spans.append((int(tokens[0]), int(tokens[-1]) + 1, label) if len(tokens) else None)
    return spans


def judgeable(reference: Doc, predicted: Iterable[Span | None]) -> list[Span | None]:
    """Spans on the reference's tokens, with None in place of one that touches a token without
    annotation, or is of a type that the reference is not annotated for.
    """
    missing = reference.to_array("ENT_IOB") == 0
    annotated = annotated_labels(reference)
    return [
        span
        if span is not None
        and (annotated is None or span[2] in annotated)
        and not np.any(missing[span[0] : span[1]])
        else None
        for span in predicted
    ]


def _count(example: Example) -> dict[str, Counts]:
    """Counts of one Example, in tokens of the reference."""
    gold: list[Span] = [(ent.start, ent.end, ent.label_) for ent in example.y.ents]
    found = [(ent.start, ent.end, ent.label_) for ent in example.x.ents]
    predicted = [span for span in in_reference(example, found) if span is not None]
    counts = count_spans(gold, predicted)
    # entities on parts of one reference token fall together: one of them may be right, not all
    for (_, _, label), n_more in (Counter(predicted) - Counter(set(predicted))).items():
        counts[label] += Counts(fp=n_more)
    return counts
