"""Texts held to decisions: planted violations, exceptions, and texts put right."""

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_ner_plus.audit.guidelines.checking import AGAINST, AGREES, EXCEPTION, Judge, put_right
from spacy_ner_plus.audit.guidelines.decision import Decision
from spacy_ner_plus.audit.guidelines.edge import Edge
from spacy_ner_plus.audit.guidelines.joint import Joined
from spacy_ner_plus.audit.guidelines.marked_text import MarkedEntity, MarkedText
from spacy_ner_plus.audit.guidelines.nested import Nested
from spacy_ner_plus.audit.guidelines.surface_form import SurfaceForm
from tests.audit.guidelines.test_questions import FORMS as SPELT
from tests.audit.guidelines.test_questions import edge_cases, form_cases, joined_cases
from tests.audit.guidelines.texts import flat_texts, make_text, nested_texts

LEFT = Edge("LOC", "left", ("the",))
RIGHT = Edge("LOC", "right", ("and",))
JOINED = Joined("LOC", ("and",))
FORMS = SurfaceForm(SPELT)


def verdicts(text: MarkedText, *decisions: Decision) -> list[str]:
    judge = Judge(decisions)
    return [verdict for one in decisions for _, verdict in judge.verdicts(text, one)]


@st.composite
def decided(draw: st.DrawFn) -> list[Decision]:
    rules: dict[Any, tuple[str, ...]] = {
        LEFT: LEFT.rules,
        RIGHT: RIGHT.rules,
        JOINED: JOINED.rules,
        FORMS: ("never", "LOC", "ORG"),
        SurfaceForm(("the Zoo",)): ("LOC", "never"),
        Nested("LOC", "ORG"): Nested.rules,
    }
    questions = draw(st.permutations(list(rules)))
    answers = [draw(st.sampled_from([*rules[one], "depends", "undecided"])) for one in questions]
    return [Decision(one, rule) for one, rule in zip(questions, answers, strict=True)]


@given(flat_texts(), st.sampled_from(["inside", "outside"]), st.sampled_from(["one", "two"]))
@settings(deadline=None)
def test_what_is_not_done_as_decided_is_against_it(
    text: MarkedText, edge_rule: str, joined_rule: str
) -> None:
    judge = Judge([Decision(LEFT, edge_rule), Decision(JOINED, joined_rule)])
    found = {(one.rule, case.practice, case.whole) for one, case in judge.against(text)}
    edges = {(edge_rule, *case) for case in edge_cases(text, "left", "the") if case[0] != edge_rule}
    joints = {(joined_rule, *case) for case in joined_cases(text, "and") if case[0] != joined_rule}
    assert found == edges | joints


@given(flat_texts(), st.sampled_from(["LOC", "ORG", "never"]))
@settings(deadline=None)
def test_forms_of_other_types_are_against_a_rule(text: MarkedText, rule: str) -> None:
    """A form that is never an entity may have others within it."""
    found = {
        (case.practice, case.whole) for _, case in Judge([Decision(FORMS, rule)]).against(text)
    }
    fine = {rule, "in part"} if rule == "never" else {rule}
    assert found == {case for case in form_cases(text) if case[0] not in fine}


@given(flat_texts() | nested_texts(), decided())
@settings(deadline=None)
def test_corrected_text_agrees_or_says_so(text: MarkedText, decisions: list[Decision]) -> None:
    judge = Judge(decisions)
    mended, agrees = judge.mended(text)
    assert agrees == (not list(judge.against(mended)))
    if not list(judge.against(text)):
        assert mended == text
    assert (mended.text, mended.starts) == (text.text, text.starts)


@given(flat_texts(), decided())
@settings(deadline=None)
def test_corrected_text_has_no_overlaps_where_there_were_none(
    text: MarkedText, decisions: list[Decision]
) -> None:
    mended, _ = Judge(decisions).mended(text)
    for left, right in zip(mended.entities, mended.entities[1:], strict=False):
        assert left.end <= right.start


@given(flat_texts(), decided())
@settings(deadline=None)
def test_one_place_put_right_is_no_longer_against_its_decision(
    text: MarkedText, decisions: list[Decision]
) -> None:
    judge = Judge(decisions)
    for decision, case in judge.against(text):
        right = text.with_entities(put_right(text.entities, decision, case))
        again = {
            (other.practice, other.whole, other.now) for other in decision.question.cases(right)
        }
        assert (case.practice, case.whole, case.now) not in again


PLAIN = ["we", "like", "the", "Bonn", "and", "the", "Ulm", "Zoo"]
PLANTED: Iterable[tuple[Decision, list[tuple[int, int, str]], list[tuple[int, int, str]]]] = [
    (Decision(LEFT, "outside"), [(2, 4, "LOC"), (6, 7, "LOC")], [(3, 4, "LOC"), (6, 7, "LOC")]),
    (Decision(LEFT, "inside"), [(2, 4, "LOC"), (6, 7, "LOC")], [(2, 4, "LOC"), (5, 7, "LOC")]),
    (Decision(JOINED, "two"), [(3, 7, "LOC")], [(3, 4, "LOC"), (5, 7, "LOC")]),
    (Decision(JOINED, "one"), [(3, 4, "LOC"), (5, 8, "LOC")], [(3, 8, "LOC")]),
    (Decision(SurfaceForm(("Bonn",)), "LOC"), [], [(3, 4, "LOC")]),
    (Decision(SurfaceForm(("Bonn",)), "LOC"), [(3, 4, "ORG")], [(3, 4, "LOC")]),
    (Decision(SurfaceForm(("Ulm Zoo",)), "ORG"), [(6, 7, "LOC")], [(6, 8, "ORG")]),
    (Decision(SurfaceForm(("Bonn",)), "never"), [(3, 4, "ORG")], []),
    (Decision(Nested("LOC", "ORG"), "outer"), [(6, 8, "ORG"), (6, 7, "LOC")], [(6, 8, "ORG")]),
    (Decision(Nested("LOC", "ORG"), "inner"), [(6, 8, "ORG"), (6, 7, "LOC")], [(6, 7, "LOC")]),
]


def test_each_rule_puts_right_what_it_should() -> None:
    for decision, entities, expected in PLANTED:
        text = make_text(PLAIN, entities)
        assert verdicts(text, decision).count(AGAINST) == 1, decision
        mended, agrees = Judge([decision]).mended(text)
        assert agrees
        assert mended.entities == tuple(MarkedEntity(*one) for one in expected), decision


def test_form_with_a_rule_is_an_exception_from_others() -> None:
    hague = make_text(["to", "the", "Hague", "and", "the", "Bonn"], [(1, 3, "LOC"), (4, 6, "LOC")])
    rules = [Decision(LEFT, "outside"), Decision(SurfaceForm(("the  Hague",)), "LOC")]
    assert verdicts(hague, *rules) == [EXCEPTION, AGAINST, AGREES]
    mended, agrees = Judge(rules).mended(hague)
    assert agrees
    assert mended.entities == (MarkedEntity(1, 3, "LOC"), MarkedEntity(5, 6, "LOC"))
    # of another type it is none
    assert verdicts(hague, rules[0], Decision(rules[1].question, "ORG"))[0] == AGAINST


def test_open_questions_go_against_nothing() -> None:
    text = make_text(PLAIN, [(2, 4, "LOC"), (6, 7, "LOC")])
    for rule in ("undecided", "depends"):
        assert verdicts(text, Decision(LEFT, rule)) == [AGREES, AGREES]


def test_types_that_nobody_annotated_are_not_missed() -> None:
    bonn = Decision(SurfaceForm(("Bonn",)), "LOC")
    assert verdicts(make_text(["Bonn"], labels=["ORG"]), bonn) == []
    assert verdicts(make_text(["Bonn"], labels=["LOC"]), bonn) == [AGAINST]
    assert verdicts(make_text(["Bonn"], missing=[0]), bonn) == []


def test_contradicting_decisions_come_to_an_end() -> None:
    """Both are entities, with `and` between they are one, and that is none."""
    rules = [
        Decision(SurfaceForm(("Bonn", "Ulm")), "LOC"),
        Decision(JOINED, "one"),
        Decision(SurfaceForm(("Bonn and Ulm",)), "never"),
    ]
    assert Judge(rules).mended(make_text(["Bonn", "and", "Ulm"]))[1] is False
    assert Judge(rules[:2]).mended(make_text(["Bonn", "and", "Ulm"]))[1] is True
