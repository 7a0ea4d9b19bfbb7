import json
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from spacy_ner_plus.data.corpus_with_texts import make_corpus_with_texts_v1


def corpus_of(n: int):
    def read(nlp: Language) -> Iterator[Example]:
        for i in range(n):
            doc = Doc(nlp.vocab, words=["annotated", str(i)], ents=["O", "B-X"])
            yield Example(Doc(nlp.vocab, words=["annotated", str(i)]), doc)

    return read


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "raw.txt"
    path.write_text("".join(f"raw {i}.\n" for i in range(10)) + "\n")
    return path


def read(nlp: Language, corpus: object, **settings: object) -> list[str]:
    examples = list(make_corpus_with_texts_v1(corpus, **settings)(nlp))
    for example in examples:
        is_raw = example.reference.text.startswith("raw")
        assert is_raw != example.reference.has_annotation("ENT_IOB")
        assert example.predicted is not example.reference
        assert example.predicted.text == example.reference.text
    return [example.predicted.text for example in examples]


def test_all_texts_are_mixed_evenly_with_the_corpus(texts: Path) -> None:
    found = read(spacy.blank("en"), corpus_of(5), texts=[str(texts)])
    assert [text for text in found if text.startswith("raw")] == [f"raw {i}." for i in range(10)]
    kinds = [text.split()[0] for text in found]
    assert kinds.count("annotated") == 5
    assert kinds[:6].count("annotated") == 2
    assert read(spacy.blank("en"), corpus_of(0), texts=[str(texts)]) == [
        f"raw {i}." for i in range(10)
    ]


def test_share_draws_other_texts_each_time(texts: Path) -> None:
    reader = make_corpus_with_texts_v1(corpus_of(4), [str(texts)], share=0.5)
    nlp = spacy.blank("en")
    random.seed(0)
    drawn = []
    for _ in range(4):
        found = [example.predicted.text for example in reader(nlp)]
        # the empty line may be among the four
        assert len(found) in (7, 8)
        drawn.append(tuple(text for text in found if text.startswith("raw")))
    assert len(set(drawn)) > 1
    assert sum(e.predicted.text.startswith("raw") for e in reader.every(nlp)) == 10
    random.seed(0)
    again = [example.predicted.text for example in reader(nlp)]
    assert tuple(text for text in again if text.startswith("raw")) == drawn[0]


def test_too_few_texts_for_the_share_are_told_once(
    texts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("spacy_ner_plus").propagate = True
    reader = make_corpus_with_texts_v1(corpus_of(5), [str(texts)], share=0.75)
    nlp = spacy.blank("en")
    assert [len(list(reader(nlp))) for _ in range(2)] == [15, 15]
    told = [record.message for record in caplog.records if "asks for" in record.message]
    assert len(told) == 1
    assert "15 texts beside 5 documents, but there are 11" in told[0]


def test_several_sources_in_their_own_tokens_and_fields(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    lines = [json.dumps({"body": text}) for text in ("raw one", "raw two")]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    doc = Doc(nlp.vocab, words=["raw", "in", "to", "kens"], spaces=[True, False, True, False])
    doc.ents = []
    DocBin(docs=[doc]).to_disk(tmp_path / "b.spacy")
    paths = [str(tmp_path / name) for name in ("a.jsonl", "b.spacy")]
    reader = make_corpus_with_texts_v1(corpus_of(1), paths, text_field="body")
    examples = list(reader(nlp))
    assert [len(example.predicted) for example in examples] == [2, 2, 2, 4]
    assert examples[-1].predicted.text == "raw into kens"
    assert not examples[-1].reference.has_annotation("ENT_IOB")


@pytest.mark.parametrize("share", [0, 1.0, -0.5, True, "a"])
def test_wrong_share_is_refused(share: object) -> None:
    with pytest.raises(ValueError, match="share = "):
        make_corpus_with_texts_v1(corpus_of(1), ["a.txt"], share=share)


def test_missing_and_unreadable_texts_are_named(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    with pytest.raises(ValueError, match="must name at least one file"):
        make_corpus_with_texts_v1(corpus_of(1), [])
    with pytest.raises(ValueError, match="no file or folder"):
        list(make_corpus_with_texts_v1(corpus_of(1), [str(tmp_path / "none.txt")])(nlp))
    (tmp_path / "a.jsonl").write_text('{"text": "raw"}\n{"body": 1}\n')
    with pytest.raises(ValueError, match=r"1 rows of .*a\.jsonl can't be read"):
        list(make_corpus_with_texts_v1(corpus_of(1), [str(tmp_path / "a.jsonl")])(nlp))
