"""Words that go with a label, and where they do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.audit.cues import find_cues, log_likelihood_ratio
from spacy_ner_plus.audit.terminal.cues import print_cues
from tests.audit.corpora import make_corpus

NAMES = ["Ann", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal", "Ike", "Joe", "Kim", "Lee"] * 3
PEOPLE = [f"then Mr. [{name}](PER) left" for name in NAMES]
OTHERS = [f"so {word} came" for word in ("Sun", "Rain", "Snow", "Wind")] * 5


def test_ratio_is_that_of_dunning() -> None:
    """ "the swiss" in table 1 of the paper: 110 2442 111 29114."""
    assert log_likelihood_ratio(110, 110 + 2442, 111, 111 + 29114) == pytest.approx(
        270.72, abs=0.01
    )


@given(st.integers(0, 50), st.integers(1, 50), st.integers(1, 20))
def test_equal_shares_say_nothing(k: int, more: int, times: int) -> None:
    assert log_likelihood_ratio(k, k + more, k * times, (k + more) * times) == pytest.approx(
        0, abs=1e-6
    )


def test_exceptions_to_a_cue(capsys: pytest.CaptureFixture[str]) -> None:
    texts = [*PEOPLE, *OTHERS, "then Mr. Max left", "then Mr. [Opel](ORG) left", "Mr. speaker came"]
    found = find_cues(make_corpus({"train": texts}))
    [mr] = [cue for cue in found.broken if cue.word == "Mr."]
    assert (mr.side, mr.casing, mr.label) == ("left", "title", "PER")
    assert (mr.places, mr.with_label, mr.unlabelled) == (38, 36, 1)
    assert [(one.text, one.label) for one in mr.exceptions] == [("Max", None), ("Opel", "ORG")]
    assert found.unlabelled >= 1
    print_cues(found)
    assert "Mr. (PER), but" in capsys.readouterr().out


def test_rare_words_and_weak_ones_are_no_cues() -> None:
    few = PEOPLE[:9]
    mixed = [f"at [{name}](LOC) now" for name in NAMES[:12]] + ["at Sun now"] * 5
    found = find_cues(make_corpus({"train": few + mixed + OTHERS}))
    assert not {cue.word for cue in [*found.sure, *found.broken]} & {"Mr.", "at"}


def test_words_within_an_entity_are_no_cues_of_it() -> None:
    texts = [f"then [Mr. {name}](PER) left" for name in NAMES] + OTHERS
    found = find_cues(make_corpus({"train": texts}))
    assert "Mr." not in {cue.word for cue in [*found.sure, *found.broken]}


def test_warning_is_about_what_is_nearly_certain() -> None:
    texts = [*PEOPLE, *PEOPLE, *OTHERS, "then Mr. Max left"]
    found = find_cues(make_corpus({"train": texts}))
    assert found.strong >= 1
    [warning] = found.warnings
    assert "'Mr.' (PER)" in warning
    assert find_cues(make_corpus({"train": PEOPLE + OTHERS})).warnings == []


def test_warning_names_those_that_it_counts() -> None:
    """Weak ones have exceptions that are no entity, too."""
    weak = [f"at [{name}](LOC) now" for name in NAMES[:12]] + ["at Sun now"]
    found = find_cues(make_corpus({"train": [*PEOPLE, *OTHERS, *weak, "then Mr. Max left"]}))
    assert "at" in {cue.word for cue in found.broken if cue.unlabelled}
    [warning] = found.warnings
    assert "'Mr.' (PER)" in warning
    assert "'at'" not in warning
