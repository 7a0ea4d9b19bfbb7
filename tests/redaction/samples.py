"""Texts with entities, as hypothesis draws them, and what is left of names in a text."""

from hypothesis import strategies as st

from spacy_ner_plus.records import SpanRecord, TextRecord
from spacy_ner_plus.redaction.folded_words import folded_words
from spacy_ner_plus.redaction.redactor import Redactor
from spacy_ner_plus.redaction.substitutes import KeyedHashes, Labels, Masks
from spacy_ner_plus.redaction.surrogates import Surrogates

KEY = b"0123456789abcdef0123456789abcdef"
# Words that fold alike, marks, scripts without blanks, what nobody sees.
WORDS = [
    "Anna", "ANNA", "anna", "Straße", "STRASSE", "Jose\u0301", "José", "ﬁn", "FIN", "北京", "a",
    "Jo\u00adhn", "john", "O'Brien", "-", ".", "é", "İ", "x1", "\u0301", "ǅ", "😀",
]  # fmt: skip
BLANKS = ["", " ", " ", "  ", "\n", "\u00a0"]
LABELS = ["PERX", "LOCX"]
NAMES = {"PERX": ["Mia", "Otto von Tal", "anna", "Zoe"], "LOCX": ["Ulm"]}
METHODS = [Masks(), Masks("*", 3), Labels(), KeyedHashes(KEY)]
SURROGATES = Surrogates(KEY, NAMES)


@st.composite
def records(draw, with_tokens=None):
    """Records with entities anywhere, also within words, on white space and across each other."""
    parts = draw(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(BLANKS)), max_size=12))
    text = "".join(word + blank for word, blank in parts)
    spans = []
    if text:
        for _ in range(draw(st.integers(0, 4))):
            start = draw(st.integers(0, len(text) - 1))
            end = draw(st.integers(start + 1, min(len(text), start + 12)))
            probability = draw(st.none() | st.floats(0, 1))
            label = draw(st.sampled_from(LABELS))
            spans.append(SpanRecord(start, end, label, probability=probability))
    return TextRecord(text, spans=tuple(spans))


redactors = st.builds(
    Redactor,
    st.sampled_from([*METHODS, SURROGATES]),
    labels=st.none() | st.just(frozenset({"PERX"})),
    repeated=st.booleans(),
)


def stands(name: str, text: str) -> bool:
    """Whether the words of a name stand in a text: compared one by one."""
    wanted = [word.folded for word in folded_words(name)]
    words = [word.folded for word in folded_words(text)]
    n = len(wanted)
    return any(words[i : i + n] == wanted for i in range(len(words) - n + 1))
