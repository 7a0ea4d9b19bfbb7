"""The record of a changed document, with what the original's record says and a Doc does not."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from spacy.tokens import Doc

from ...annotation.doc_records import to_record
from ...records import SpanRecord, TextRecord, among

# What a changed document lacks of the original, as counts call it.
RELATIONS = "relations of replaced entities"
OTHERS = "rejected and ignored annotations"
DETAILS = "details of entities"
AUGMENTED = "augmented"  # in the meta of a record


def changed_record(
    doc: Doc, original: TextRecord, spans_key: str | None, left_out: Counter[str]
) -> TextRecord:
    """The record of a document that an augmenter has made of another one's.

    Its meta says `augmented`. Relations stay between entities whose ids stay, which are strings
    then.

    spans_key (str): Where its entities are; None for doc.ents.
    left_out (Counter[str]): What the original says and this one does not is counted here.
    """
    made = to_record(doc, spans_key)
    spans = original.spans or ()
    relations = tuple(
        replace(one, head=str(one.head), tail=str(one.tail)) for one in original.relations
    )
    kept = among(relations, made.spans or ())
    left_out[RELATIONS] += len(relations) - len(kept)
    left_out[OTHERS] += _n_not_accepted(spans) - _n_not_accepted(made.spans or ())
    left_out[DETAILS] += sum(
        span.is_accepted and bool(span.meta or span.other or span.grounding) for span in spans
    )
    return replace(
        made,
        id=original.id,
        meta={**original.meta, AUGMENTED: True},
        other=original.other,
        relations=kept,
    )


def _n_not_accepted(spans: Iterable[SpanRecord]) -> int:
    return sum(not span.is_accepted for span in spans)
