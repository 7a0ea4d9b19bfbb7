"""Forms with several labels that their neighbours tell apart, and forms whose labels they don't."""

import random

import pytest

from spacy_ner_plus.audit.ambiguous import find_ambiguous
from spacy_ner_plus.audit.inconsistency import find_inconsistency
from spacy_ner_plus.audit.terminal.ambiguous import print_ambiguous
from tests.audit.corpora import make_corpus

PEOPLE = [
    f"Mr. [{name}](PER) said so" for name in ("Ford", "Lee", "Bo", "Ford", "May", "Ford", "Ann")
]
FIRMS = [f"shares of [{name}](ORG) fell" for name in ("Ford", "Opel", "BP", "Ford", "Aral", "Ford")]


def test_neighbours_tell_ambiguous_forms(capsys: pytest.CaptureFixture[str]) -> None:
    corpus = make_corpus({"train": PEOPLE + FIRMS})
    found = find_ambiguous(corpus)
    [its] = found.found
    assert (its.text, its.places, its.predicted) == ("Ford", 6, 6)
    senses = {one.label: (one.places, one.predicted) for one in its.senses}
    assert senses == {"PER": (3, 3), "ORG": (3, 3)}
    assert {one.example.label for one in its.senses} == {"PER", "ORG"}
    assert (found.several_labels, found.also_unlabelled, found.warnings) == (1, 0, [])
    assert find_inconsistency(corpus).found == []
    print_ambiguous(found)
    assert "Ford" in capsys.readouterr().out


def test_words_that_are_names_in_places_are_ambiguous() -> None:
    months = [f"{word} May {n} it rained" for word in ("in", "until") for n in (1, 2)]
    # another form that is no entity there
    months += [f"in June {n} it rained" for n in (1, 2)]
    people = [f"Mr. [{name}](PER) said" for name in ("May", "May", "May", "June", "Ann")]
    found = find_ambiguous(make_corpus({"train": months + people}))
    [its] = found.found
    assert {one.label: one.places for one in its.senses} == {None: 4, "PER": 3}
    assert (found.several_labels, found.also_unlabelled) == (0, 1)


def test_labels_at_random_are_inconsistent_and_not_ambiguous() -> None:
    """The same words around all of them."""
    rng = random.Random(0)
    texts = [f"see [Ulm]({rng.choice(['LOC', 'ORG'])}) now" for _ in range(9)]
    texts += ["see [Rom](LOC) now", "see [Opel](ORG) now"]
    corpus = make_corpus({"train": texts})
    assert find_ambiguous(corpus).found == []
    [its] = find_inconsistency(corpus).found
    assert its.text == "Ulm"
    assert not its.is_ambiguous
    assert all(one.has_twin for one in its.suspects)


def test_a_slip_in_an_ambiguous_form_is_found_still() -> None:
    texts = [*PEOPLE, *FIRMS, "Mr. [Ford](ORG) said so"]
    found = find_inconsistency(make_corpus({"train": texts}))
    [its] = found.found
    assert its.is_ambiguous
    assert [(one.place.label, one.suggested) for one in its.suspects] == [("ORG", "PER")]
