"""The benchmark of speed, as far as it is not about time."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.tokens import Doc, Span

from benchmarks.speed.bare import by_length
from benchmarks.speed.growth import make_untrained
from benchmarks.speed.machine import Memory
from benchmarks.speed.plain_training import IGNORED, PlainTraining
from benchmarks.speed.rounds import Pass, as_json, summarise
from benchmarks.speed.spacy_training import SpacyTraining, ner_plus_config
from benchmarks.speed.stages import STAGES, TOKENISE, Clock, ProfiledPipeline, find
from benchmarks.speed.tables import latency_table, report, table
from benchmarks.speed.texts import Counted, Text, blank, in_shape, one_document, read_docs, sample
from benchmarks.speed.workers import Worker, WorkerError
from tests.tiny import sample_texts

TSV = "Ann\tB-PER\nSmith\tI-PER\nleft\tO\n\nParis\tB-LOC\n.\tO\n\nYes\tO\n"
SENTENCES = ["Ann Smith left", "Paris .", "Yes"]


def make_pass(seconds: float, pieces: int = 100, others: float = 0.0) -> Pass:
    return Pass(seconds, words=50, pieces=pieces, memory=Memory(1.0, seconds, 0.0), others=others)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "train.tsv").write_text(TSV)
    return tmp_path


# Data


def test_read_docs_groups_sentences(data: Path) -> None:
    docs = read_docs(data, "train", blank("en"), group=2)
    assert [doc.text for doc in docs] == ["Ann Smith left Paris .", "Yes"]


def test_read_docs_names_the_files_it_wants(data: Path) -> None:
    with pytest.raises(ValueError, match=r"no test data in .*eng\.testb"):
        read_docs(data, "test", blank("en"), group=1)


def test_in_shape_keeps_entities_at_their_characters(data: Path) -> None:
    docs = read_docs(data, "train", blank("en"), group=3)
    [document] = in_shape(docs, "documents")
    assert [document.text[s:e] for s, e, _ in document.entities] == ["Ann Smith", "Paris"]
    sentences = in_shape(docs, "sentences")
    assert [text.text for text in sentences] == SENTENCES
    assert [text.entities for text in sentences] == [((0, 9, "PER"),), ((0, 5, "LOC"),), ()]


def test_in_shape_takes_a_document_without_sentences_as_one() -> None:
    doc = Doc(blank("en").vocab, words=["Ann", "left"])
    doc.set_ents([Span(doc, 0, 1, "PER")])
    assert in_shape([doc], "sentences") == [Text("Ann left", ((0, 3, "PER"),))]


def test_sample_stops_at_enough_words_and_smaller_samples_are_part_of_larger() -> None:
    texts = [Text(f"a{i} b c", ()) for i in range(20)]
    few, more = (sample(texts, n, blank("en")) for n in (7, 30))
    assert len(few) == 3
    assert more[:3] == few
    assert len(sample(texts, 1000, blank("en"))) == 20
    assert len(sample(texts, 90, blank("en"), again=True)) == 30


def test_one_document_repeats_sentences_until_long_enough() -> None:
    assert one_document(["a b c.", "d e"], 7, blank("en")) == "a b c. d e a b c."


def test_counted_f1_counts_exact_spans() -> None:
    texts = Counted((Text("Ann left", ((0, 3, "PER"),)), Text("Paris", ((0, 5, "LOC"),))), 3, 3)
    assert texts.f1([[(0, 3, "PER")], [(0, 5, "LOC")]]) == 1.0
    assert texts.f1([[(0, 3, "PER")], [(0, 5, "PER")]]) == 0.5
    assert texts.n_entities == 2


# Turns


def test_summarise_takes_ratios_within_rounds() -> None:
    # the machine gets slower from round to round, for both
    turns = {
        "limit": [make_pass(1.0), make_pass(2.0), make_pass(4.0)],
        "other": [make_pass(2.0), make_pass(4.0), make_pass(10.0)],
    }
    summary = summarise(turns, {"limit": "limit", "gone": "left out"})["other"]
    assert summary.ratios == {"limit": 0.5}
    assert summary.ratio_range == {"limit": (0.4, 0.5)}
    assert summary.pieces_per_second == 25.0
    assert summary.words_per_second == 12.5
    assert summary.peak_mib == 10.0


def test_as_json_holds_every_round() -> None:
    turns = {"limit": [make_pass(1.0), make_pass(2.0)]}
    figures = as_json(turns, summarise(turns, {}))
    assert [done["seconds"] for done in figures["limit"]["rounds"]] == [1.0, 2.0]


def test_by_length_fills_batches_within_the_budget() -> None:
    windows = [[0] * n for n in (3, 9, 4, 2, 4, 30)]
    batches = [list(map(len, batch)) for batch in by_length(windows, 12)]
    assert batches == [[30], [9], [4, 4, 3], [2]]


def test_latency_table_has_a_row_for_each_system_that_read_any_length() -> None:
    seconds = {"10": {"limit fp32": 0.0104, "ner_plus fp32": 0.012}, "50": {"limit fp32": 0.02}}
    lines = latency_table({"reads": 300, "seconds": seconds}).splitlines()
    assert lines[0] == "One text by itself, ms (median of 300)"
    assert [line.split() for line in lines[1:]] == [
        ["system", "10", "words", "50", "words"],
        ["limit", "fp32", "10.4", "20.0"],
        ["ner_plus", "fp32", "12.0"],
    ]


@pytest.mark.slow
def test_worker_answers_and_says_when_it_ends() -> None:
    worker = Worker("text", str, threads=1, object="abc")
    worker.wait()
    assert worker.call("upper").value == "ABC"
    with pytest.raises(WorkerError, match="text: its process ended"):
        worker.call("index", "z")


# Tables


def test_table_aligns_columns() -> None:
    lines = table(["name", "n"], [["a", "1,000"], ["long name", "2"]]).split("\n")
    assert lines == ["name           n", "a          1,000", "long name      2"]


def test_report_shows_all_parts() -> None:
    turns = {"limit fp32": [make_pass(1.0)], "ner_plus fp32": [make_pass(2.0, others=0.25)]}
    systems: dict[str, Any] = as_json(turns, summarise(turns, {"limit fp32": "limit fp32"}))
    systems["ner_plus fp32"] |= {"f1": 0.9, "entities": 7}
    machine = {
        "gpu": None, "cpu": "a cpu", "threads": 2, "cores": 4, "cpu_flags": ["avx2"],
        "packages": {"torch": "2"}, "load": 0.1, "time": "now",
    }  # fmt: skip
    shape = {"texts": 1, "words": 50, "scored_entities": 8, "systems": systems}
    stages = {"encode": 3.0, "the rest": 1.0}
    grown = {"words": 10, "docs": 2, "seconds": 1e-3, "peak_mib": 5, "resident_mib": [1.0, 2.0]}
    grown["others"] = 0.0
    text = report(
        {
            "training": {
                "machine": machine, "steps": 3, "passes_over_data": 0.5, "systems": systems,
            },
            "inference": {"machine": machine, "model": "m", "shapes": {"documents": shape}},
            "profile": {
                "machine": machine, "shapes": {"documents": {"fp32": {"seconds": stages}}}
            },
            "growth": {
                "machine": machine, "encoder": "tiny", "length": [grown], "documents": [grown],
                "tags": [{"tags": 3, "words": 10, "seconds": 1e-3, "decoding_share": 0.25,
                          "others": 0.0}],
            },
        }
    )  # fmt: skip
    assert "ner_plus fp32       25        50          0.50         2  90.00         7" in text
    assert text.count("Other processes used up to 25%") == 2  # training and inference
    assert "encode              75.0%" in text
    assert "3         100.0     25.0%" in text


# Training and profile


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    nlp = spacy.blank("en")
    docs = []
    for number in range(12):
        doc = nlp.make_doc(f"Aspirin and naloxone{number} were given to Ann in Paris.")
        doc.set_ents([Span(doc, 0, 1, "Drug"), Span(doc, 2, 3, "Drug")], default="outside")
        docs.append(doc)
    path = tmp_path / "train.spacy"
    spacy.tokens.DocBin(docs=docs).to_disk(path)
    return path


def test_plain_training_reads_what_it_says(corpus: Path, tiny_encoder_dir: Path) -> None:
    training = PlainTraining(
        corpus, str(tiny_encoder_dir), "fp32", "cpu",
        lang="en", window=16, batch_words=40, rate=1e-3, n_steps=2,
    )  # fmt: skip
    docs = list(spacy.tokens.DocBin().from_disk(corpus).get_docs(spacy.blank("en").vocab))
    assert sum(part.n_words for part in training.windows) == sum(map(len, docs))
    assert max(len(part.ids) for part in training.windows) <= 16
    first = training.windows[0]
    names = {i: tag for tag, i in training.tag_ids.items()}
    tags = [names[tag] for tag in first.tags if tag != IGNORED]
    assert tags[0] == "B-Drug"
    assert first.tags[0] == first.tags[-1] == IGNORED
    training.prepare(2)
    before = training.model.classifier.weight.clone()
    training.learn(2)
    assert not before.equal(training.model.classifier.weight)
    n_words, n_pieces = training.learned()
    assert 0 < n_words <= n_pieces


def test_spacy_training_goes_on_where_it_stopped(corpus: Path, tiny_encoder_dir: Path) -> None:
    overrides = {
        "paths.train": str(corpus), "paths.dev": str(corpus),
        "paths.encoder": str(tiny_encoder_dir), "training.batcher.size": 20,
        "components.ner_plus.model.window": 64, "components.ner_plus.model.overlap": 8,
    }  # fmt: skip
    settings = {"overrides": overrides, "precision": "fp32", "device": "cpu"}
    training = SpacyTraining(ner_plus_config, settings, "cpu")
    seen = []
    for _ in range(2):
        training.learn(1)
        seen.append([example.reference.text for example in training._learned])
        words, pieces = training.learned()
        assert 0 < words <= pieces
    assert seen[0] != seen[1]


@pytest.mark.parametrize("path", [path for paths in STAGES.values() for path in paths])
def test_stages_name_functions_of_the_package(path: str) -> None:
    holder, name = find(path)
    assert callable(getattr(holder, name))


def test_find_refuses_what_is_not_there() -> None:
    with pytest.raises(ValueError, match="adapt STAGES"):
        find("nn.crf:TagDecoder.gone")


def test_profile_reaches_every_stage(tmp_path: Path, tiny_encoder_dir: Path) -> None:
    texts = sample_texts(30)
    make_untrained(str(tiny_encoder_dir), tmp_path, lang="en", n_tags=5, texts=texts, window=64)
    pipeline = ProfiledPipeline(tmp_path, {}, "cpu")
    before = [find(path) for paths in STAGES.values() for path in paths]
    functions = [getattr(holder, name) for holder, name in before]
    seconds = pipeline.profile(texts)
    assert all(seconds[stage] > 0 for stage in (TOKENISE, *STAGES))
    assert functions == [getattr(holder, name) for holder, name in before]


def test_clock_counts_inner_stages_once() -> None:
    clock = Clock()
    inner = clock.timed("decode", lambda: sum(range(100_000)))
    with clock.stage("encode"):
        inner()
    assert 0 < clock.seconds["encode"] < clock.seconds["decode"]


def test_untrained_pipeline_tags_about_one_token_in_twenty(
    tmp_path: Path, tiny_encoder_dir: Path
) -> None:
    texts = sample_texts(100)
    make_untrained(str(tiny_encoder_dir), tmp_path, lang="en", n_tags=9, texts=texts, window=64)
    nlp = spacy.load(tmp_path)
    docs = list(nlp.pipe(texts))
    share = sum(len(doc.ents) for doc in docs) / sum(map(len, docs))
    assert 0.01 < share < 0.1
    assert len({ent.label_ for doc in docs for ent in doc.ents}) > 1
