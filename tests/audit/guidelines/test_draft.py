"""Drafts of guidelines: what is asked, what is counted, and what stays when they are made anew."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus import guidelines
from spacy_ner_plus.audit.audited import AuditedText
from spacy_ner_plus.audit.guidelines.draft import Draft, make_draft
from spacy_ner_plus.audit.guidelines.edge import Edge
from spacy_ner_plus.audit.guidelines.edge_counts import count_edges
from spacy_ner_plus.audit.guidelines.form_counts import count_forms
from spacy_ner_plus.audit.guidelines.gathered import gather
from spacy_ner_plus.audit.guidelines.guidelines_file import (
    DataPart,
    DecisionBlock,
    digest,
    parse,
    read_guidelines,
)
from spacy_ner_plus.audit.guidelines.label_profile import profiles
from spacy_ner_plus.audit.guidelines.markdown import escaped, excerpt
from spacy_ner_plus.audit.guidelines.marked_text import MarkedText, mark
from spacy_ner_plus.audit.guidelines.nested import Nested
from spacy_ner_plus.audit.guidelines.open_questions import open_questions
from spacy_ner_plus.audit.guidelines.surface_form import NEVER, SurfaceForm
from tests.audit.corpora import make_corpus, write_parts
from tests.audit.guidelines.texts import LABELS, flat_texts, make_text, nested_texts

TRAIN = [
    "We saw [the Alps](LOC) and [the Hague](LOC).",
    "In the [Alps](LOC) it snows, in the [Harz](LOC) too.",
    "[Paul](PER) sang [Paul](ORG), and [Paul](PER), and [Paul](ORG).",
    "Nobody here.",
]


def audited(texts: Iterable[str] = TRAIN) -> list[AuditedText]:
    return list(make_corpus({"data": texts}).texts())


def questions(draft: Draft) -> list[str]:
    return [decision.said() for decision in draft.decisions]


def test_draft_asks_what_was_done_in_two_ways() -> None:
    draft = make_draft(audited(), [], 3)
    # the type with more entities first; Paul is as often PER as ORG
    expected = ["Does LOC include `the` before it?", "What is `Paul`?"]
    assert sorted(questions(draft)) == expected
    assert draft.new == questions(draft)
    for shown in (
        "8 entities in 4 texts.",
        "4 entities (50 % of all) in 2 of 4 texts; 4 forms, of which 4 occur once.",
        "Words each: 1 (50 %), 2 (50 %).",
        "- inside: 2 of 4",
        "- outside: 2 of 4",
        "“We saw **the Alps** and the Hague.” (data.jsonl, line 1)",
        "“In the **Alps** it snows, in the Harz too.” (data.jsonl, line 2)",
        "- ORG: 2 of 4",
        "- PER: 2 of 4",
    ):
        assert shown in draft.text
    assert make_draft(audited(), [], 0).decisions == []


def test_draft_is_read_again_and_made_anew_without_change() -> None:
    texts = audited()
    draft = make_draft(texts, [], 3)
    segments = parse(draft.text, "file")
    assert all(one.is_ours for one in segments if isinstance(one, DataPart))
    again = make_draft(texts, segments, 3)
    assert again.text == draft.text
    assert (again.new, again.obsolete, again.edited, again.gone) == ([], [], [], [])


def test_what_people_wrote_stays_when_data_change() -> None:
    text = make_draft(audited(), [], 3).text
    theirs = (
        text.replace("*What is annotated as LOC, and what is not?*", "Places.\n\nNo `inhabitants`.")
        .replace(
            'rule = "undecided"  # "inside"', 'rule = "outside"  # we said so on Monday; "inside"'
        )
        .replace("# Annotation guidelines", "# Our guidelines")
        .replace("## PER", "## PER: people")
    )
    more = [*TRAIN, "[Ulm](GPE) or Ulm, [Ulm](GPE) or Ulm.", "[Paul](PER) and [Bo](PER)."]
    draft = make_draft(audited(more), parse(theirs, "file"), 3)
    assert draft.new == ["What is `Ulm`?"]
    for kept in (
        "Places.\n\nNo `inhabitants`.",
        'rule = "outside"  # we said so on Monday; "inside"',
        "# Our guidelines",
        "## PER: people",
    ):
        assert kept in draft.text
    assert "12 entities in 6 texts." in draft.text
    assert "### LOC does not include `the` before it\n\n- outside: 2 of 4" in draft.text
    assert "- inside, against the rule: 2 of 4" in draft.text
    assert draft.text.index("## PER: people") < draft.text.index("## GPE")
    rules = {decision.said(): decision.rule for decision in draft.decisions}
    assert rules["LOC does not include `the` before it"] == "outside"


def test_rule_is_shown_with_its_exceptions_and_what_goes_against_it() -> None:
    """As the audit judges them."""
    rules = """
```toml
kind = "form"
forms = ["the Hague"]
rule = "LOC"
```
<!-- data question 00000000 -->
<!-- /data -->
```toml
kind = "edge"
label = "LOC"
side = "left"
words = ["the"]
rule = "outside"
```
"""
    ours = rules.replace("00000000", digest(""))
    text = make_draft(audited(), parse(ours, "file"), 0).text
    assert text.count("### ") == 1
    lines = [line for line in text.split("\n") if line.startswith(("### ", "- "))]
    assert lines[:4] == [
        "### LOC does not include `the` before it",
        "- outside: 2 of 4: `the Alps`, `the Harz`",
        "- inside, exceptions: 1 of 4",
        "- inside, against the rule: 1 of 4",
    ]


def test_new_questions_come_below_those_of_their_type() -> None:
    text = make_draft(audited(), [], 3).text + "\n## Appendix\n\nOurs.\n"
    more = [*TRAIN, "in old [Harz](LOC), [old Harz](LOC), old [Rome](LOC), [old Rome](LOC)"]
    draft = make_draft(audited(more), parse(text, "file"), 3)
    assert draft.new == ["Does LOC include `old` before it?"]
    at = [draft.text.index(one) for one in ("## LOC", "`old` before it?", "## Appendix", "Ours.")]
    assert at == sorted(at)
    assert draft.text.index("`old` before it?") < draft.text.index("*What is annotated as PER")


def test_what_data_no_longer_have_is_told() -> None:
    text = make_draft(audited(), [], 3).text
    draft = make_draft(audited(["[Ann](PER) sang."]), parse(text, "file"), 3)
    said = [one.said() for one in draft.obsolete]
    assert said == ["Does LOC include `the` before it?", "What is `Paul`?"]
    assert sorted(draft.gone) == ["LOC", "ORG"]
    assert "There is none in the data." in draft.text
    assert "There is no such case in the data." in draft.text


def test_parts_that_somebody_changed_are_theirs() -> None:
    text = make_draft(audited(), [], 3).text
    theirs = text.replace("- inside: 2 of 4", "- inside: hardly ever")
    draft = make_draft(audited(), parse(theirs, "file"), 3)
    assert draft.text == theirs
    assert len(draft.edited) == 1
    assert theirs.split("\n")[draft.edited[0].line - 1].startswith("<!-- data question ")


def test_parts_that_somebody_took_out_do_not_come_back() -> None:
    """As long as a decision speaks of the type."""
    segments = parse(make_draft(audited(), [], 3).text, "file")
    blocks = [one for one in segments if isinstance(one, DecisionBlock) and one.decision.labels]
    draft = make_draft(audited(), blocks, 3)
    assert draft.text.startswith(blocks[0].text)
    assert "## LOC" not in draft.text
    assert "## PER" in draft.text


def test_examples_show_first_what_was_done_otherwise_elsewhere() -> None:
    texts = [
        make_text(
            ["the", "Harz", ",", "the", "Harz", ",", "the", "Rhine"],
            [(1, 2, "X"), (4, 5, "X"), (7, 8, "X")],
        ),
        make_text(["the", "Alps", ",", "the", "Alps"], [(0, 2, "X"), (4, 5, "X")]),
    ]
    gathered = gather(Edge("X", "left", ("the",)), texts)
    shown = gathered.examples("outside", gathered.cases["outside"], texts, 4)
    assert [texts[n].surface(*case.whole) for n, case in shown] == [
        "the Alps",
        "the Harz",
        "the Rhine",
        "the Harz",
    ]


def asked(*texts: MarkedText) -> list[str]:
    return [question.said("undecided") for _, question in open_questions(texts, 9)]


def test_what_a_capital_tells_is_no_question() -> None:
    """All four are entities once each."""
    words = ["The", "Hague", ",", "The", "Wash", ",", "the", "Alps", ",", "the", "Harz"]
    inside = [(0, 2, "X"), (3, 5, "X"), (7, 8, "X"), (10, 11, "X")]
    assert asked(make_text(words, inside)) == []
    lower = [word.lower() for word in words]
    assert asked(make_text(lower, inside)) == ["Does X include `the` before it?"]


def test_what_closes_joins_nothing() -> None:
    words = ["(", "a", ")", "b", "(", "c", ")", "d", "(", "e", ")", "f", "(", "g", ")", "h"]
    one = [(1, 4, "X"), (5, 8, "X")]
    two = [(9, 10, "X"), (11, 12, "X"), (13, 14, "X"), (15, 16, "X")]
    assert asked(make_text(words, one + two)) == []
    opening = ["(" if word == ")" else "-" if word == "(" else word for word in words]
    assert "Is X with `(` between one entity or two?" in asked(make_text(opening, one + two))


@given(st.lists(flat_texts(), min_size=1, max_size=4))
@settings(deadline=None)
def test_counts_that_questions_come_from_are_those_of_their_cases(texts: list[MarkedText]) -> None:
    for (label, side, word), counts in count_edges(texts).items():
        cases = gather(Edge(label, side, (word,)), texts).practices
        assert cases["inside"] == counts.inside.total()
        assert cases["outside"] <= counts.outside.total()
    for form, practices in count_forms(texts).items():
        cases = gather(SurfaceForm((form,)), texts).practices
        for label in LABELS:
            assert cases[label] == practices[label]
        # cases of one form are those within longer ones, too
        assert cases[NEVER] >= practices[None]


@given(st.lists(nested_texts(), min_size=1, max_size=4))
@settings(deadline=None, max_examples=50)
def test_nestings_are_asked_about_from_two_on(texts: list[MarkedText]) -> None:
    asked = {one for _, one in open_questions(texts, 9) if isinstance(one, Nested)}
    for inner, outer in product(LABELS, LABELS):
        n_cases = gather(Nested(inner, outer), texts).practices.total()
        assert (Nested(inner, outer) in asked) == (n_cases >= 2)


@given(st.lists(nested_texts(), min_size=1, max_size=3))
@settings(deadline=None, max_examples=50)
def test_profiles_count_each_entity_once(texts: list[MarkedText]) -> None:
    found = profiles(texts)
    entities = [(n, one) for n, text in enumerate(texts) for one in text.entities]
    assert sum(its.n_entities for its in found.values()) == len(entities)
    for label, its in found.items():
        ours = [one for one in entities if one[1].label == label]
        assert sorted(place for places in its.forms.values() for place in places) == ours
        assert its.n_texts == len({n for n, _ in ours})
        assert its.touching == sum(
            any(m == n and other.end == one.start for m, other in ours) for n, one in ours
        )
        for m in range(4):
            assert len(set(its.rare(m))) == min(m, len(its.rare(9)))
            assert set(its.rare(m)) <= set(its.once)


def test_excerpts_obey_no_text() -> None:
    (text,) = audited(["<!-- /data --> *a* `d` x_y _z_ &amp; *[Bonn](LOC)* ~~n~~ | a"])
    marked = mark(text)
    shown = excerpt(text, marked, marked.entities[0][:2], marked.entities)
    assert shown == (
        r"“\<!-- /data --\> \*a\* \`d\` x_y \_z\_ \&amp; \***Bonn**\* \~\~n\~\~ \| a”"
        " (data.jsonl, line 1)"
    )
    assert escaped("[a](b) x_y _z_\n*") == "[a]\\(b) x_y \\_z\\_ \\*"


def test_entities_within_others_are_underlined() -> None:
    (text,) = audited(["The Bank of England says."])
    marked = make_text(["The", "Bank", "of", "England", "says."], [(1, 4, "ORG"), (3, 4, "LOC")])
    shown = excerpt(text, marked, (1, 4), marked.entities)
    assert shown == "“The **Bank of <u>England</u>** says.” (data.jsonl, line 1)"


def test_function_writes_and_says_what_is_wrong_first(tmp_path: Path) -> None:
    write_parts(tmp_path, {"data": TRAIN})
    path = tmp_path / "our" / "guidelines.md"
    draft = guidelines(tmp_path / "data.jsonl", path)
    assert path.read_text(encoding="utf8") == draft.text
    assert read_guidelines(path).decisions == [
        one.decision for one in parse(draft.text, "file") if isinstance(one, DecisionBlock)
    ]
    path.write_text("```toml\nkind = 3\n```\n", encoding="utf8")
    with pytest.raises(ValueError, match=r"guidelines.md, line 2: kind must be one of"):
        guidelines("nowhere.jsonl", path)
    assert path.read_text(encoding="utf8") == "```toml\nkind = 3\n```\n"
    path.write_text("Nothing decided.", encoding="utf8")
    with pytest.raises(ValueError, match=r"guidelines.md has no decision"):
        read_guidelines(path)
    path.write_bytes("Müller".encode("latin1"))
    with pytest.raises(ValueError, match=r"guidelines.md: byte 2 is not UTF-8"):
        guidelines("nowhere.jsonl", path)
    with pytest.raises(ValueError, match=r"our is a folder: name a Markdown file"):
        guidelines("nowhere.jsonl", path.parent)
    with pytest.raises(ValueError, match=r"name a file that ends in \.md, not .*data\.jsonl"):
        guidelines(tmp_path / "data.jsonl", tmp_path / "data.jsonl")
    with pytest.raises(ValueError, match=r"as .*data\.jsonl is a file: name another one"):
        guidelines("nowhere.jsonl", tmp_path / "data.jsonl" / "out.md")
    with pytest.raises(ValueError, match=r"none.md is not there"):
        read_guidelines(path.with_name("none.md"))
    with pytest.raises(ValueError, match="questions must be 0 or more"):
        guidelines("nowhere.jsonl", questions=-1)
