"""What tests of augmenters draw: Docs with all kinds of annotation."""

import numpy as np
import spacy
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus.annotation.gold import register_annotated_labels
from spacy_ner_plus.annotation.scored_group import ScoredGroup
from spacy_ner_plus.annotation.unknown_group import set_unknown

NLP = spacy.blank("xx")
LABELS = ("A", "B")
WORDS = (
    *("aspirin", "Drug", "x", "naïve", "nai\u0308ve", "e\u0301", "👩\u200d👩\u200d👧", "🇩🇪", "25"),
    *("the", "rn", "don't", ".", ",", "(", "“", "-", "日本", "कि", "\U0001d538b", "ß", "Ärger"),
    *("\n", " "),
)


@st.composite
def spans(draw, n_tokens: int, words: list[str]) -> tuple[int, int, str]:
    """Of tokens, not of white space alone at its edges."""
    solid = [i for i in range(n_tokens) if not words[i].isspace()]
    start = draw(st.sampled_from(solid))
    end = draw(st.sampled_from([i for i in solid if i >= start][:4])) + 1
    return start, end, draw(st.sampled_from(LABELS))


@st.composite
def documents(draw, words: tuple[str, ...] = WORDS, *, is_annotated: bool = True) -> Doc:
    """Documents with flat entities, groups, unknown and blocked tokens, and sentence starts."""
    chosen = draw(st.lists(st.sampled_from(words), min_size=1, max_size=12))
    if all(word.isspace() for word in chosen):
        chosen.append("x")
    n = len(chosen)
    spaces = [draw(st.booleans()) for _ in chosen]
    starts = [True, *(draw(st.sampled_from([True, False, False, None])) for _ in chosen[1:])]
    doc = Doc(NLP.vocab, chosen, spaces, sent_starts=starts if draw(st.booleans()) else None)
    if not is_annotated:
        return doc
    taken = np.zeros(n, dtype=bool)
    ents = []
    for start, end, label in draw(st.lists(spans(n, chosen), max_size=3)):
        if not taken[start:end].any():
            taken[start:end] = True
            ents.append(Span(doc, start, end, label, kb_id=draw(st.sampled_from(["", "Q1"]))))
    states = [draw(st.sampled_from("OOOM!")) for _ in chosen]
    free = [i for i in range(n) if not taken[i]]
    doc.set_ents(
        ents,
        missing=[doc[i : i + 1] for i in free if states[i] == "M"],
        blocked=[doc[i : i + 1] for i in free if states[i] == "!"],
        default="outside",
    )
    group = [Span(doc, s, e, label) for s, e, label in draw(st.lists(spans(n, chosen), max_size=3))]
    scores = np.array([draw(st.floats(0, 1)) for _ in group])
    doc.spans["sc"] = ScoredGroup(doc, name="sc", spans=group, attrs={"scores": scores})
    set_unknown(doc, "sc", np.array([draw(st.booleans()) for _ in chosen]))
    doc.cats = {"kind": 0.5}
    register_annotated_labels()
    doc._.annotated_labels = list(LABELS)
    return doc


def spans_of(doc: Doc) -> list[tuple[str, int, int, str, str]]:
    """All entities, in the order in which they are kept."""
    found = [("ents", e.start, e.end, e.label_, e.kb_id_) for e in doc.ents]
    return found + [("sc", s.start, s.end, s.label_, s.kb_id_) for s in doc.spans.get("sc", ())]


def states_of(doc: Doc) -> list[int]:
    """0 where annotation is missing, 3 for blocked ones among others, see token_states."""
    return doc.to_array("ENT_IOB").tolist()


def content(doc: Doc) -> tuple[object, ...]:
    """All that is compared of two Docs."""
    return (
        [(token.text, token.whitespace_, token.is_sent_start) for token in doc],
        spans_of(doc),
        states_of(doc),
        {key: [(span.start, span.end) for span in group] for key, group in doc.spans.items()},
        doc.cats,
        doc.user_data,
    )
