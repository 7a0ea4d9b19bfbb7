"""The file that people edit: what is written is read again, what is wrong is said with its line."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.audit.guidelines.decision import Decision, read_block, write_block
from spacy_ner_plus.audit.guidelines.edge import Edge
from spacy_ner_plus.audit.guidelines.guidelines_file import (
    LABEL,
    OVERVIEW,
    QUESTION,
    DataPart,
    DecisionBlock,
    Prose,
    Segment,
    block,
    data_part,
    parse,
    render,
)
from spacy_ner_plus.audit.guidelines.joint import Joined
from spacy_ner_plus.audit.guidelines.nested import Nested
from spacy_ner_plus.audit.guidelines.surface_form import SurfaceForm

# Anything that UTF-8 has, but for what is blank alone.
ANY = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(
    lambda text: bool(text.strip())
)
NAMES = ANY.map(str.strip).filter(bool)
SEVERAL = st.lists(ANY, min_size=1, max_size=3).map(tuple)
OPEN = ["undecided", "depends"]


def decisions() -> st.SearchStrategy[Decision]:
    def answered(
        questions: st.SearchStrategy[Any], rules: st.SearchStrategy[str]
    ) -> st.SearchStrategy[Decision]:
        return st.builds(Decision, questions, rules, st.none() | st.text(max_size=9))

    sides = st.sampled_from(["left", "right"])
    return st.one_of(
        answered(st.builds(Edge, NAMES, sides, SEVERAL), st.sampled_from([*Edge.rules, *OPEN])),
        answered(st.builds(Joined, NAMES, SEVERAL), st.sampled_from([*Joined.rules, *OPEN])),
        answered(st.builds(SurfaceForm, SEVERAL), NAMES),
        answered(st.builds(Nested, NAMES, NAMES), st.sampled_from([*Nested.rules, *OPEN])),
    )


@given(decisions())
@settings(deadline=None)
def test_decision_is_read_as_it_was_written(decision: Decision) -> None:
    source = write_block(decision)
    read = read_block(source, "file", 7)
    assert read == Decision(decision.question, decision.rule, decision.note, 7)
    assert write_block(read) == source


LINES = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=12)
PROSE = st.lists(LINES, min_size=1, max_size=3).map(lambda lines: "\n".join(lines) + "\n")


@given(st.lists(st.tuples(PROSE, decisions(), PROSE, NAMES), max_size=3))
@settings(deadline=None)
def test_file_is_read_as_it_was_rendered(parts: list[tuple[str, Decision, str, str]]) -> None:
    """Whatever people write around: only fences and comments of ours are more than prose to it."""
    segments: list[Segment] = []
    topics: set[object] = set()
    for number, (prose, decision, of_data, label) in enumerate(parts):
        own = set(decision.question.topics())
        if "```" in prose or "~~~" in prose or own & topics:
            continue
        topics |= own
        segments += [
            Prose(f"{number}{prose}"),
            data_part(QUESTION, f"x{of_data}"),
            Prose("\n"),
            block(decision, write_block(decision)),
            data_part(LABEL, f"x{of_data}", label),
        ]
    text = render(segments)
    read = parse(text, "file")
    assert render(read) == text
    assert [type(one) for one in read] == [type(one) for one in segments]
    for one, its in zip(read, segments, strict=True):
        if isinstance(one, DataPart) and isinstance(its, DataPart):
            assert (one.kind, one.label, one.text) == (its.kind, its.label, its.text)
            assert one.is_ours
            assert not DataPart(one.kind, one.label, f"{one.text}!\n", one.digest).is_ours
        elif isinstance(one, DecisionBlock) and isinstance(its, DecisionBlock):
            assert one.decision.question == its.decision.question


EDGE = 'kind = "edge"\nlabel = "A"\nside = "left"\nwords = ["the"]\nrule = "inside"'
FORM = 'kind = "form"\nforms = ["Bonn"]\nrule = "LOC"'


def fenced(*sources: str, language: str = "toml") -> str:
    return "".join(f"```{language}\n{source}\n```\n" for source in sources)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (fenced(EDGE.replace("left", "up")), 4, 'side must be one of "left", "right", got \'up\''),
        (fenced(EDGE.replace("inside", "in")), 6, 'rule must be one of "inside", "outside", "dep'),
        (fenced(EDGE.replace('"edge"', '"edges"')), 2, 'kind must be one of "edge", "joined"'),
        (fenced(EDGE.replace('"edge"', "[1]")), 2, "kind must be one of"),
        (fenced(EDGE.replace("words", "word")), 5, r"no key 'word' \(did you mean words\?\)"),
        (fenced(EDGE.replace('label = "A"\n', "")), 2, "this decision lacks label: add it"),
        (fenced(EDGE.replace('["the"]', '"the"')), 5, r'words must be a list such as \["a", "b"\]'),
        (fenced(EDGE.replace('["the"]', "[]")), 5, "words must be a list"),
        (fenced(EDGE.replace('"A"', '" A"')), 3, "label has blanks around it"),
        (fenced(EDGE.replace('"A"', "1")), 3, "label must be text in quotes, got 1"),
        (fenced(EDGE + "\nnote = 3"), 7, "note must be text in quotes, got 3"),
        (
            fenced(FORM, EDGE.replace('"inside"', "inside")),
            11,
            "column 8: this decision is no TOML",
        ),
        (fenced(FORM + "\n[more]\nx = 1"), 2, "no key 'more'"),
        (fenced(FORM, FORM), 7, r"decided in line 2 already \('Bonn'\)"),
        (fenced(EDGE, EDGE.replace('"the"', '"a", "THE"')), 9, r"line 2 already \('the'\)"),
        (fenced(FORM, language="tml"), 1, "a block with a rule must start with ```toml"),
        (f"a\n```toml\n{FORM}\n", 2, "this block has no end"),
        ("a\n<!-- data overview 12345678 -->\nb\n", 2, 'has no end: add "<!-- /data -->"'),
        ("<!-- data overview -->\n<!-- /data -->", 1, "does not start a part made of the data"),
        ("a\n<!-- /data -->", 2, "does not start a part made of the data"),
        ('<!-- data label "\\x" 12345678 -->\n<!-- /data -->', 1, "no entity type in quotes"),
        (
            "<!-- data overview 12345678 -->\n<!-- data question 12345678 -->\n<!-- /data -->",
            1,
            "has no end",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^my.md, line {line}(:|, ).*{message}"):
        parse(text, "my.md")


def test_other_blocks_and_comments_are_prose() -> None:
    text = "~~~~\n```toml\n~~~\n~~~~\n```python\nx = 1\n```\n<!-- data of mine -->".replace(
        "<!-- data of", "<!-- Data of"
    )
    (prose,) = parse(text, "file")
    assert prose == Prose(text + "\n")


def test_blanks_at_ends_of_lines_are_no_change() -> None:
    """Editors take them off."""
    part = data_part(OVERVIEW, "a  \nb\n")
    assert DataPart(part.kind, None, "a\nb\n", part.digest).is_ours
