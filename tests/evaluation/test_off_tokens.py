"""Gold entities that are not on the data's tokens count as missed: nothing is dropped quietly."""

import html
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from spacy_ner_plus.data.conversion import convert
from spacy_ner_plus.data.corpus import make_corpus_v1
from spacy_ner_plus.evaluation.data_notes import off_token_notes
from spacy_ner_plus.evaluation.evaluate import Evaluation, evaluate, read_metrics
from spacy_ner_plus.evaluation.terminal import print_scores
from tests.annotated_texts import write_rows

ASSETS = Path(__file__).parents[2] / "assets" / "bc5cdr"
N_DOCUMENTS = 60


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "test.pubtator"
    text = (ASSETS / "test.pubtator").read_text(encoding="utf8")
    path.write_text("\n\n".join(text.split("\n\n")[:N_DOCUMENTS]), encoding="utf8")
    return path


@pytest.fixture(scope="module")
def nlp() -> Language:
    """It finds much, some on tokens that gold entities are parts of."""
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    known = {
        "Chemical": ("lithium", "dopamine", "calcium", "stz", "nicotine"),
        "Disease": ("pain", "seizures", "hypertension", "nausea"),
    }
    rules = [
        {"label": label, "pattern": [{"LOWER": word}]}
        for label, words in known.items()
        for word in words
    ]
    parts = [{"label": "Chemical", "pattern": [{"TEXT": {"REGEX": r"[(+)]"}, "LENGTH": {">": 2}}]}]
    ruler.add_patterns(rules + parts)
    return nlp


@pytest.fixture(scope="module")
def found(source: Path, nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    path = tmp_path_factory.mktemp("missing") / "test.spacy"
    convert(source, path, misaligned="missing")
    return evaluate(nlp, path, samples=50)


def test_figures_are_those_of_gold_on_its_own_tokens(
    source: Path, nlp: Language, found: Evaluation, tmp_path: Path
) -> None:
    """Another way to lose nothing: cut the data's tokens, and let the pipeline make its own."""
    path = tmp_path / "test.spacy"
    convert(source, path, misaligned="split", exceptions=tmp_path / "exceptions.json")
    whole = evaluate(nlp, path, tokens="pipeline", samples=50).metrics
    its = found.metrics
    assert its.exact == whole.exact
    assert its.tokenisation is not None
    assert its.counts.gold == whole.counts.gold
    assert (its.counts.off_tokens, whole.counts.off_tokens) == (its.tokenisation.lost, 0)
    assert its.counts.off_tokens > 1
    assert whole.on_tokens is None


def test_scores_without_them_are_those_of_before(
    source: Path, found: Evaluation, nlp: Language, tmp_path: Path
) -> None:
    """As spaCy's scorer counts: what touches unknown tokens is neither right nor wrong."""
    path = tmp_path / "test.spacy"
    convert(source, path, misaligned="missing")
    expected = nlp.evaluate(list(make_corpus_v1(path)(nlp)))
    its = found.metrics.on_tokens
    assert its is not None
    scores = [expected[f"ents_{key}"] for key in "prf"]
    assert [its.precision, its.recall, its.f1] == pytest.approx(scores)
    assert its.support + found.metrics.counts.off_tokens == found.metrics.exact.micro.support
    assert its.recall > found.metrics.exact.micro.recall


def test_all_of_it_is_told(
    found: Evaluation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found.write(tmp_path)
    assert read_metrics(tmp_path) == found.metrics
    print_scores(found.metrics)
    shown = capsys.readouterr().out
    its, without = found.metrics.counts, found.metrics.on_tokens
    assert without is not None
    note = f"{its.off_tokens} of the {its.gold:,} gold entities are not on the data's tokens"
    page = html.unescape((tmp_path / "report.html").read_text(encoding="utf8"))
    for text in (shown, page):
        assert note in text
        assert f"F1 {100 * without.f1:.2f}." in text
    version = found.metrics.data_version
    assert version is not None
    assert f"Data: SHA-256 {version.sha256[:12]}." in shown


def test_one_is_found_by_nothing_that_covers_it(tmp_path: Path) -> None:
    row = {"text": "PAN)-induced", "entities": [[0, 3, "X"]]}
    source = write_rows(tmp_path / "in.jsonl", [row])
    convert(source, tmp_path / "a.spacy", misaligned="missing")
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "X", "pattern": "PAN)-induced"}])
    its = evaluate(nlp, tmp_path / "a.spacy", samples=10).metrics.exact.micro
    assert (its.tp, its.fp, its.fn) == (0, 1, 1)


def test_one_is_found_on_tokens_of_the_pipeline(tmp_path: Path) -> None:
    row = {"text": "PAN)-induced pain", "entities": [[0, 3, "X"], [13, 17, "X"]]}
    source = write_rows(tmp_path / "in.jsonl", [row])
    convert(source, tmp_path / "a.spacy", misaligned="missing")
    nlp = spacy.blank("en")
    nlp.tokenizer.add_special_case("PAN)-induced", [{"ORTH": "PAN"}, {"ORTH": ")-induced"}])
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "X", "pattern": "PAN"}])
    missed, found = (
        evaluate(nlp, tmp_path / "a.spacy", tokens=tokens, samples=10).metrics
        for tokens in ("reference", "pipeline")
    )
    assert (missed.exact.micro.tp, missed.exact.micro.fn) == (0, 2)
    assert (found.exact.micro.tp, found.exact.micro.fn) == (1, 1)
    assert off_token_notes(missed)[0].endswith("they count, as missed.")
    assert off_token_notes(found)[0].endswith("they count, 1 are found, on other tokens.")
    assert missed.on_tokens == found.on_tokens
