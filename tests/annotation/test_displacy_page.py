"""displaCy's pages of entities with their probabilities."""

import re
from html import unescape

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc, Span

from spacy_ner_plus import render_entities
from spacy_ner_plus.annotation.probabilities import register_probability

NLP = spacy.blank("en")
SCRIPT = "<script>x</script>"


def nested_doc() -> Doc:
    doc = NLP("University of California, Berkeley (UC) <opened>.")
    doc.spans["sc"] = [Span(doc, 0, 5, "ORG"), Span(doc, 2, 3, "LOC"), Span(doc, 4, 5, SCRIPT)]
    doc.spans["sc"].attrs["scores"] = [0.974, 0.5, 1.0]
    return doc


def shown_text(html: str) -> str:
    """What a reader sees, but for labels and lines; blanks that run together are one."""
    unseen = r'(?s)<span style="(background|display: block).*?</span>(</span>)?'
    words = re.sub(unseen, "", html)
    return " ".join(unescape(re.sub(r"<[^>]*>", "", words)).split())


def test_flat_entities_have_probabilities_in_their_labels() -> None:
    register_probability()
    doc = NLP("Aspirin against <headache>")
    doc.ents = [Span(doc, 0, 1, "Chemical"), Span(doc, 3, 4, SCRIPT)]
    for ent, probability in zip(doc.ents, (0.974, 0.5), strict=True):
        ent._.probability = probability
    page = render_entities([doc], page=True)
    assert page.startswith("<!DOCTYPE html>")
    assert "Chemical 0.97" in page
    assert "&lt;script&gt;x&lt;/script&gt; 0.50" in page
    assert "<script>" not in page
    assert "&lt;" in page


def test_entities_within_others_are_below_them() -> None:
    html = render_entities(nested_doc(), "sc")
    assert not html.startswith("<!DOCTYPE html>")
    tops = {
        label: int(top)
        for top, label in re.findall(
            r"top: (\d+)px; height: 4px; left: 0; width: 100%; position: absolute; border"
            r"[^>]*><span[^>]*>([^<]*)<",
            html,
        )
    }
    assert set(tops) == {"ORG 0.97", "LOC 0.50", "&lt;script&gt;x&lt;/script&gt; 1.00"}
    assert tops["ORG 0.97"] < tops["LOC 0.50"]
    assert "<script>" not in html
    colors = {
        label: re.findall(rf"background: ([^;]+);[^>]*>{label} \d", html)[0]
        for label in ("ORG", "LOC")
    }
    assert len(set(colors.values())) == 2
    assert shown_text(html) == "University of California, Berkeley (UC) <opened>."


def test_annotated_entities_have_no_probability() -> None:
    doc = nested_doc()
    del doc.spans["sc"].attrs["scores"]
    assert ">ORG<" in render_entities([doc], "sc")
    assert shown_text(render_entities([NLP("Nothing here")], "sc")) == "Nothing here"


@given(
    st.lists(st.tuples(st.integers(0, 11), st.integers(1, 12)), max_size=6),
    st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_no_word_is_lost_and_each_word_of_a_span_has_a_line(
    places: list[tuple[int, int]], spaces: list[bool]
) -> None:
    words = [f"w{i}" for i in range(12)]
    doc = Doc(NLP.vocab, words=words, spaces=spaces)
    spans = {(start, end) for start, end in places if start < end}
    doc.spans["sc"] = [Span(doc, start, end, "X") for start, end in sorted(spans)]
    html = render_entities(doc, "sc")
    assert re.findall(r"w\d+", shown_text(html)) == words
    n_lines = html.count("height: 4px")  # displaCy draws that of the first word twice
    assert n_lines == sum(end - start + 1 for start, end in spans)


def test_spans_without_tokens_are_not_shown() -> None:
    doc = nested_doc()
    doc.spans["sc"] = [Span(doc, 1, 1, "ORG")]
    assert "ORG" not in render_entities(doc, "sc")
    assert shown_text(render_entities(NLP(""), "sc")) == ""


def test_group_that_is_not_there_shows_the_text_alone() -> None:
    assert shown_text(render_entities(nested_doc(), "other")) == nested_doc().text


@pytest.mark.parametrize("key", [None, "sc"])
def test_generators_are_read_once(key: str | None) -> None:
    docs = (nested_doc() for _ in range(2))
    assert render_entities(docs, key).count("California") == 2
