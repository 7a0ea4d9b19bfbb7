"""Sentences and their entities."""

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

SENTENCES = [
    ("Ada Lovelace wrote to Babbage.", [(0, 12, "PERSON"), (22, 29, "PERSON")]),
    ("They met in Turin and in Geneva.", [(12, 17, "PLACE"), (25, 31, "PLACE")]),
    ("Babbage left Turin.", [(0, 7, "PERSON"), (13, 18, "PLACE")]),
    ("Nothing is named in this one.", []),
]
TEXTS = [text for text, _ in SENTENCES]


def examples(nlp: Language) -> list[Example]:
    return [
        Example.from_dict(nlp.make_doc(text), {"entities": entities})
        for text, entities in SENTENCES
    ]


def found(doc: Doc) -> list[tuple[int, int, str]]:
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]


def iobs(doc: Doc) -> list[str]:
    return [token.ent_iob_ for token in doc]


def types(doc: Doc) -> list[str]:
    return [token.ent_type_ for token in doc]
