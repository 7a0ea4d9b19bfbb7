"""What must hold of every file and every annotation by offsets: it is read, or refused clearly."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from spacy.language import Language
from spacy.vocab import Vocab

from spacy_ner_plus.annotation.doc_records import to_doc
from spacy_ner_plus.annotation.offsets import set_offset_ents
from spacy_ner_plus.data.formats.column_records import make_record
from tests.fuzz.pipelines import cook
from tests.fuzz.strategies import Recipe
from tests.whole_columns import read_columns

VOCAB = Vocab()
NLP = Language(VOCAB)


def check_column_file(lines: Sequence[tuple[str, str]], junk: bytes, at: int) -> None:
    """A column file becomes Docs with its tokens and entities, or an error that names the file.

    lines: tokens and tags, empty ones for the end of a sentence. junk: bytes put in somewhere.
    """
    content = "\n".join(f"{word}\t{tag}" if word else "" for word, tag in lines).encode()
    at %= len(content) + 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.tsv"
        path.write_bytes(content[:at] + junk + content[at:])
        try:
            sentences = read_columns(path).sentences
        except ValueError as error:
            assert str(path) in str(error), f"which file? {error!r}"
            return
    for sentence in sentences:
        doc, misaligned = to_doc(make_record([sentence]), NLP)
        assert not misaligned
        assert doc.text == (sentence.text or " ".join(sentence.tokens))
        assert (
            tuple((e.start, e.end, e.label_) for e in doc.ents) == sentence.spans or sentence.text
        )
        assert all(doc.text[e.start_char : e.end_char] == e.text for e in doc.ents)


def check_offsets(recipe: Recipe, annotations: Sequence[tuple[int, int, str]]) -> None:
    """Annotations become exactly these entities, or are reported, or are refused."""
    doc = cook(recipe, VOCAB, ("A",), annotated=False)
    text = doc.text
    try:
        misaligned = set_offset_ents(doc, annotations)
    except ValueError as error:
        assert any(label in str(error) or not label for _, _, label in annotations)
        return
    assert doc.text == text
    reported = {(one.start, one.end, one.label) for one in misaligned}
    entities = {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}
    assert entities | reported == set(annotations) and not entities & reported
    assert all(one.text == text[one.start : one.end] and str(one) for one in misaligned)
