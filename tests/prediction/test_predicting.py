"""What a run finds, and what it does with documents that fail."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.annotation.entity_source import EntitySource
from spacy_ner_plus.pipeline.ner_plus.factory import NerPlus
from spacy_ner_plus.prediction.predict import predict
from spacy_ner_plus.prediction.predicted import Found
from tests.prediction.samples import TEXTS, read_lines, read_output, run, run_well, write_input


@Language.component("test_fails_on_a_word")
def fails_on_a_word(doc: Doc) -> Doc:
    if any(token.text == "fail" for token in doc):
        raise KeyError("no\nluck \ud800")
    return doc


@Language.factory("test_fails_altogether")
class FailsAltogether:
    """A batch ends with the first failure, and no error handler is asked."""

    def __init__(self, nlp: Language, name: str) -> None:
        pass

    def __call__(self, doc: Doc) -> Doc:
        return fails_on_a_word(doc)

    def pipe(self, stream: Iterator[Doc], batch_size: int) -> Iterator[Doc]:
        return map(fails_on_a_word, stream)


@Language.component("test_leaves_a_huge_number")
def leaves_a_huge_number(doc: Doc) -> Doc:
    if doc.text == TEXTS[1]:
        doc.user_data["number"] = 2**70
    return doc


def use(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "load_model", lambda _: nlp)


@pytest.mark.slow
@pytest.mark.parametrize("component", ["test_fails_on_a_word", "test_fails_altogether"])
@pytest.mark.parametrize("k_best", [[], ["--k-best", 1]])
def test_documents_that_fail_are_rejected_alone(
    component: str,
    k_best: list[object],
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = spacy.load(model)
    own.add_pipe(component, first=True)
    own.max_length = 200
    use(own, monkeypatch)
    texts = [TEXTS[0], "I fail.", "x" * 201, TEXTS[3], "fail", TEXTS[1]]
    source = write_input(tmp_path / "in.jsonl", "jsonl", texts)
    output = tmp_path / "out.jsonl"
    result = run_well(model, source, output, *k_best)
    assert [row["id"] for row in read_lines(output)] == ["a0", "a3", "a5"]
    rejects = read_lines(tmp_path / "out.jsonl.rejects.jsonl")
    assert [(row["file"], row["row"]) for row in rejects] == [("in.jsonl", n) for n in (2, 3, 5)]
    reasons = [row["reason"] for row in rejects]
    assert reasons[1] == ("ValueError: the text has 201 characters, more than nlp.max_length = 200")
    assert reasons[0] == reasons[2] != reasons[1]
    assert [row["raw"] for row in rejects] == [
        line for i, line in enumerate(source.read_text().splitlines()) if i in (1, 2, 4)
    ]
    assert "Warning: 3 rows rejected" in result.stderr
    assert str(tmp_path / "out.jsonl.rejects.jsonl") in result.stderr


def test_rejects_may_be_too_many(
    model: Path, nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(nlp, monkeypatch)
    source = tmp_path / "in.txt"
    source.write_bytes(b"\xff\nfine\n\xff\n")
    result = run(model, source, tmp_path / "out.jsonl", "--max-rejects", 1)
    assert result.exit_code == 1
    assert "2 of 3 rows were rejected, --max-rejects is 1" in result.stderr
    assert not (tmp_path / "out.jsonl").exists()
    run_well(model, source, tmp_path / "out.jsonl", "--max-rejects", 2)


@pytest.mark.slow
def test_strings_do_not_pile_up(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each document has words of its own, which are forgotten after its chunk."""
    own = spacy.load(model)
    use(own, monkeypatch)
    texts = [f"Severe heart{i} failure{i} followed." for i in range(60)]
    write_input(tmp_path / "few.jsonl", "jsonl", texts[:20])
    write_input(tmp_path / "all.jsonl", "jsonl", texts)
    write_input(tmp_path / "all.spacy", "spacy", texts)
    arguments = ["--chunk-size", 20, "--k-best", 2]
    run_well(model, tmp_path / "few.jsonl", tmp_path / "few_out.jsonl", *arguments)
    n_strings = len(own.vocab.strings)
    run_well(model, tmp_path / "all.jsonl", tmp_path / "out.jsonl", *arguments)
    run_well(model, tmp_path / "all.spacy", tmp_path / "out.spacy", "--chunk-size", 20)
    assert len(own.vocab.strings) == n_strings
    assert "heart50" not in own.vocab.strings
    rows = read_lines(tmp_path / "out.jsonl")
    assert [row["text"] for row in rows] == texts


def test_any_pipeline_with_entities_will_do(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "DRUG", "pattern": "selegiline"}])
    nlp.to_disk(tmp_path / "model")
    source = write_input(tmp_path / "in.txt", "text", ["😀 selegiline works"])
    run_well(tmp_path / "model", source, tmp_path / "out.jsonl")
    [row] = read_lines(tmp_path / "out.jsonl")
    drug = {"start": 2, "end": 12, "label": "DRUG", "text": "selegiline"}
    assert row == {"id": 1, "row": 1, "text": "😀 selegiline works", "spans": [drug]}
    refused = run(tmp_path / "model", source, tmp_path / "b.jsonl", "--k-best", 2)
    assert refused.exit_code == 1
    assert "has no component 'ner_plus' that gives readings" in refused.stderr
    assert "It has: entity_ruler" in refused.stderr


@pytest.mark.parametrize("given", [None, "7"])
def test_torch_keeps_few_kernels_unless_the_environment_says_how_many(
    given: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 1024 in each of two caches a run grows by hundreds of megabytes."""
    names = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")
    for name in names:
        monkeypatch.setenv(name, given or "")
        if given is None:
            monkeypatch.delenv(name)
    (tmp_path / "in.txt").write_text("a document")
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "X", "pattern": "document"}])
    predict(nlp, tmp_path / "in.txt", tmp_path / "out.jsonl")
    assert {os.environ[name] for name in names} == {given or "32"}


def test_spans_key_takes_spans_with_their_scores(
    model: Path, nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(nlp, monkeypatch)
    source = write_input(tmp_path / "in.jsonl", "jsonl", TEXTS)
    run_well(model, source, tmp_path / "ents.jsonl")
    result = run_well(model, source, tmp_path / "spans.jsonl", "--spans-key", "ner_plus")
    rows = read_lines(tmp_path / "spans.jsonl")
    assert rows == read_lines(tmp_path / "ents.jsonl")
    assert f"{sum(len(row['spans']) for row in rows)} entities" in result.output


def test_rows_have_the_ids_that_a_pipeline_sets(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    pattern = {"label": "DRUG", "pattern": "selegiline", "id": "D012642"}
    nlp.add_pipe("entity_ruler").add_patterns([pattern])
    nlp.to_disk(tmp_path / "model")
    source = write_input(tmp_path / "in.txt", "text", ["selegiline works"])
    for name in ("out.jsonl", "out.parquet"):
        run_well(tmp_path / "model", source, tmp_path / name)
        [row] = read_output(tmp_path / name)
        drug = {"start": 0, "end": 10, "label": "DRUG", "text": "selegiline", "id": "D012642"}
        assert row["spans"] == [drug]


def test_spans_without_a_label_are_no_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = spacy.blank("en")

    @Language.component("test_suggests_spans")
    def suggests(doc: Doc) -> Doc:
        doc.spans["all"] = [doc[:1]]
        return doc

    nlp.add_pipe("test_suggests_spans")
    nlp.to_disk(tmp_path / "model")
    source = write_input(tmp_path / "in.txt", "text", ["one"])
    result = run(tmp_path / "model", source, tmp_path / "out.jsonl", "--spans-key", "all")
    assert result.exit_code == 1
    assert "Row 1: what was found can't be written: label must be a string" in result.stderr


def test_own_ner_of_spacy_will_do(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    examples = [
        Example.from_dict(nlp.make_doc(text), {"entities": [(0, 10, "DRUG")]})
        for text in ("selegiline helps", "selegiline works", "Tetrandrin and mice")
    ]
    nlp.initialize(lambda: examples)
    nlp.add_pipe("test_fails_on_a_word", first=True)
    nlp.to_disk(tmp_path / "model")
    texts = ["selegiline helps", "I fail.", *TEXTS]
    source = write_input(tmp_path / "in.txt", "text", texts)
    run_well(tmp_path / "model", source, tmp_path / "out.jsonl", "--chunk-size", 3)
    rows = read_lines(tmp_path / "out.jsonl")
    fine = [text for text in texts if "fail." not in text]
    nlp.remove_pipe("test_fails_on_a_word")
    found = [[(ent.text, ent.label_) for ent in doc.ents] for doc in nlp.pipe(fine)]
    assert [row["text"] for row in rows] == fine
    assert [[(e["text"], e["label"]) for e in row["spans"]] for row in rows] == found
    assert len(read_lines(tmp_path / "out.jsonl.rejects.jsonl")) == 1


def test_groups_of_spans_may_lack_in_some_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = spacy.blank("en")

    @Language.component("test_sets_spans_where_there_are_some")
    def sets_spans(doc: Doc) -> Doc:
        if len(doc) > 1:
            doc.spans["some"] = [Span(doc, 0, 2, "X")]
        return doc

    nlp.add_pipe("test_sets_spans_where_there_are_some")
    nlp.to_disk(tmp_path / "model")
    source = write_input(tmp_path / "in.txt", "text", ["one", "two words", "three"])
    run_well(tmp_path / "model", source, tmp_path / "out.jsonl", "--spans-key", "some")
    assert [len(row["spans"]) for row in read_lines(tmp_path / "out.jsonl")] == [0, 1, 0]


def test_pipeline_without_entities_is_refused_but_for_spacy_files(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "model")
    source = write_input(tmp_path / "in.txt", "text", TEXTS)
    result = run(tmp_path / "model", source, tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert "No component of the pipeline sets doc.ents in the first 5 documents" in result.stderr
    run_well(tmp_path / "model", source, tmp_path / "out.spacy")


def test_spans_may_overlap_and_be_without_scores(nlp: Language) -> None:
    doc = nlp.make_doc("a b c d")
    doc.spans["both"] = [Span(doc, 1, 4, "X"), Span(doc, 0, 2, "Y"), Span(doc, 0, 1, "X")]
    found = list(EntitySource("both").scored(doc))
    assert [(span.text, p) for span, p in found] == [("a", None), ("a b", None), ("b c d", None)]
    assert Found(EntitySource("both")).count(doc) == 3
    doc.spans["both"].attrs["scores"] = np.array([0.1, 0.2, 0.3], dtype="float32")
    assert [p for _, p in EntitySource("both").scored(doc)] == pytest.approx([0.3, 0.2, 0.1])


@pytest.mark.slow
@pytest.mark.parametrize("has_sentences", [False, True])
def test_readings_are_those_of_alternatives(
    has_sentences: bool, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = spacy.load(model)
    if has_sentences:
        own.add_pipe("sentencizer", config={"punct_chars": [","]})
    use(own, monkeypatch)
    texts = ["Severe pain, then thrombosis. It   went away.", "", " ", *TEXTS]
    source = write_input(tmp_path / "in.jsonl", "jsonl", texts)
    run_well(model, source, tmp_path / "out.jsonl", "--k-best", 3)
    ner = own.get_pipe("ner_plus")
    assert isinstance(ner, NerPlus)
    sentencizer = spacy.blank("en")
    sentencizer.add_pipe("sentencizer")
    n_readings = 0
    for row, text in zip(read_lines(tmp_path / "out.jsonl"), texts, strict=True):
        doc = own(text)
        marked = doc if has_sentences else sentencizer(text)
        bounds = [(sent.start_char, sent.end_char) for sent in marked.sents]
        assert [(sent["start"], sent["end"]) for sent in row["sentences"]] == bounds
        for sentence in row["sentences"]:
            span = doc.char_span(sentence["start"], sentence["end"])
            assert span is not None
            expected = ner.alternatives(span, k=3)
            for found, reading in zip(sentence["readings"], expected, strict=True):
                assert found["probability"] == pytest.approx(reading.probability, rel=1e-4)
                assert found["entities"] == [
                    {
                        "text": ent.text,
                        "label": ent.label_,
                        "start": ent.start_char,
                        "end": ent.end_char,
                    }
                    for ent in reading.entities
                ]
                n_readings += 1
    assert n_readings > 20
    assert own("A b. C d.").has_annotation("SENT_START") == has_sentences


def test_what_spacys_format_cannot_hold_is_named_with_its_row(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("test_leaves_a_huge_number")
    nlp.to_disk(tmp_path / "model")
    source = write_input(tmp_path / "in.jsonl", "jsonl", TEXTS)
    refused = run(tmp_path / "model", source, tmp_path / "out.spacy")
    assert refused.exit_code == 1
    assert "Row 2 can't be saved in spaCy's format" in refused.stderr
    assert "Give another --output-format" in refused.stderr
    assert not (tmp_path / "out.spacy").exists()
