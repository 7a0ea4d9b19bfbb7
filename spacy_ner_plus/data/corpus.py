"""`spacy_ner_plus.Corpus.v1`: .spacy files to training examples, in the corpus's own tokens."""

from collections.abc import Callable, Iterator
from pathlib import Path

from spacy import registry
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ..annotation.gold import ANNOTATED_LABELS, register_annotated_labels
from .doc_files import find_files, read_file

TOKENS = ("reference", "pipeline")

Reader = Callable[[Language], Iterator[Example]]


@registry.readers("spacy_ner_plus.Corpus.v1")
def make_corpus_v1(
    path: Path, tokens: str = "reference", labels: list[str] | None = None
) -> Reader:
    """Create a reader of annotated documents.

    path (Path): A .spacy file, or a folder that is searched for such files.
    tokens (str): Which tokens the pipeline gets to tag. "reference": those of the corpus, as
        published results on tokenised corpora are scored, so no entity is lost to tokens that
        differ. "pipeline": what the pipeline's tokenizer makes of the text, as spacy.Corpus.v1
        does. They are the same where the corpus was made with the pipeline's tokenizer.
    labels (List[str]): The entity types that the corpus is annotated for, if there are others in
        the pipeline: where no entity is, there may be one of another type, so the corpus neither
        teaches nor proves anything about those. None: for all types, or as the documents
        themselves say (doc._.annotated_labels).
    RETURNS (Callable[[Language], Iterator[Example]]): Gives the examples; empty documents, from
        which nothing can be learned, are left out.
    RAISES ValueError: On another value of tokens, or if there is no such file.
    """
    if tokens not in TOKENS:
        raise ValueError(f"tokens = {tokens!r} is unknown: use one of {TOKENS}.")

    register_annotated_labels()

    def read(nlp: Language) -> Iterator[Example]:
        for file in find_files(Path(path)):
            for reference in read_file(file).get_docs(nlp.vocab):
                if labels is not None:
                    reference._.set(ANNOTATED_LABELS, labels)
                if len(reference):
                    yield Example(unannotated(nlp, reference, tokens), reference)

    return read


def unannotated(nlp: Language, reference: Doc, tokens: str = "reference") -> Doc:
    """A Doc of the same text of which nothing is known yet.

    tokens (str): See make_corpus_v1.
    """
    if tokens == "pipeline":
        return nlp.make_doc(reference.text)
    words = [token.text for token in reference]
    spaces = [bool(token.whitespace_) for token in reference]
    return Doc(nlp.vocab, words=words, spaces=spaces)
