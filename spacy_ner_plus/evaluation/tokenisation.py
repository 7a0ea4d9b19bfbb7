"""Gold entities that a pipeline can't find, because its tokens don't have their boundaries."""

from collections.abc import Iterable

from spacy.language import Language
from spacy.tokens import Doc

from .documents import Document, Entity
from .schema import Tokenisation

MOST_EXAMPLES = 10


def tokenisation(nlp: Language, documents: Iterable[Document]) -> Tokenisation:
    """How many gold entities don't start and end where tokens of the pipeline do.

    They can't be found where the pipeline gets texts, whichever tokens the evaluation has used; nor
    can it learn from them.
    """
    n_gold = 0
    lost: list[str] = []
    for document in documents:
        n_gold += len(document.gold)
        if document.gold:
            # not make_doc, which refuses long texts: nothing that is heavy reads these Docs
            doc = nlp.tokenizer(document.text)
            lost += filter(None, (_loss(document, doc, entity) for entity in document.gold))
    return Tokenisation(gold=n_gold, lost=len(lost), examples=lost[:MOST_EXAMPLES])


def _loss(document: Document, doc: Doc, entity: Entity) -> str:
    """The entity and why it is lost; empty if it is not."""
    start, end = entity.start_char, entity.end_char
    text = document.text[start:end]
    if text.isspace():
        why = "it is whitespace only"
    elif doc.char_span(start, end) is None:
        outer = doc.char_span(start, end, alignment_mode="expand")
        assert outer is not None  # a tokenizer keeps the text, so the offsets are in range
        why = f"the tokens around it are {[token.text for token in outer]}"
    else:
        return ""
    where = f"in document {document.index}, characters {start}-{end}"
    return f"{text!r} ({entity.label}) {where}: {why}"
