"""What nobody has annotated, beside a group of spans.

doc.ents says of each token whether anything is known about it; doc.spans[key] can't: a token in no
span is outside. Nor do the two agree on what is unknown: within an entity of doc.ents there may be
others that nobody has looked for, and of spans that cross only one is in doc.ents. So a group has
its unknown stretches in another beside it, as spans without a label, where they are copied, saved
and retokenized with it.
"""

import numpy as np
from spacy.tokens import Doc, Span

from .scored_group import ScoredGroup

_SUFFIX = "_unknown"
# Where spans are that are known to be wrong, unless somebody says otherwise: what spaCy's own
# documentation calls it.
INCORRECT_SPANS = "incorrect_spans"


def unknown_key(spans_key: str) -> str:
    """Where the stretches are about which doc.spans[spans_key] says nothing."""
    return spans_key + _SUFFIX


def entity_keys(doc: Doc) -> list[str]:
    """The groups of a Doc that hold entities.

    Neither unknown stretches are such, whose spans have no label, nor what is known to be wrong.
    """
    beside = {unknown_key(key) for key in doc.spans}
    return [
        key
        for key, group in doc.spans.items()
        if key != INCORRECT_SPANS and (key not in beside or any(span.label for span in group))
    ]


def set_unknown(doc: Doc, spans_key: str, is_unknown: np.ndarray) -> None:
    """Note the tokens about which doc.spans[spans_key] says nothing but for the spans on them.

    is_unknown: (n_tokens,) bool. If there are none, there is no such group.
    """
    key = unknown_key(spans_key)
    doc.spans.pop(key, None)
    if runs := token_runs(is_unknown):
        doc.spans[key] = ScoredGroup(doc, name=key, spans=[Span(doc, *run) for run in runs])


def clear_unknown(doc: Doc, spans_key: str) -> None:
    """Take away what is beside doc.spans[spans_key], as the group says all now."""
    key = unknown_key(spans_key)
    if key in doc.spans and not any(span.label for span in doc.spans[key]):
        del doc.spans[key]


def unknown_tokens(doc: Doc, spans_key: str) -> np.ndarray:
    """The tokens about which doc.spans[spans_key] says nothing: there may be more spans on them.

    Of a Doc without such a group, all tokens.

    RETURNS: (n_tokens,) bool
    """
    if spans_key not in doc.spans:
        return np.ones(len(doc), dtype=bool)
    found = np.zeros(len(doc), dtype=bool)
    for span in doc.spans.get(unknown_key(spans_key), ()):
        if not span.label:  # else it is somebody's own group
            found[span.start : span.end] = True
    return found


def token_runs(chosen: np.ndarray) -> list[tuple[int, int]]:
    """The first token and the end of each run of tokens.

    chosen: (n_tokens,) bool
    """
    steps = np.diff(chosen.astype(np.int8), prepend=0, append=0)
    firsts, ends = np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)
    return list(zip(firsts.tolist(), ends.tolist(), strict=True))
