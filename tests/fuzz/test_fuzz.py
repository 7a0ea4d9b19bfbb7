"""A short run of the fuzz suite: the same examples every time. `make fuzz` goes on drawing."""

import logging
from collections.abc import Iterator

import pytest
import spacy
from hypothesis import HealthCheck, given, settings
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.tags import TagScheme
from tests.fuzz.checks import Check, extremes, make_checks
from tests.fuzz.learning import check_training
from tests.fuzz.pipelines import DIGITS, SETUPS, Setup, existing_settings, pipeline
from tests.fuzz.properties import check_doc, check_prediction
from tests.fuzz.strategies import PAGE, Mark, Recipe, page_samples, pages, real_texts

pytestmark = pytest.mark.slow

EXAMPLES = 20
CHECKS = make_checks(
    [
        *SETUPS,
        Setup(window=16, overlap=4, existing_ents="overwrite"),
        Setup("roberta", "byte-bpe", "BIO", existing_ents="constrain"),
    ],
    real_texts(),
)
SMALL_EXTREMES = extremes(SETUPS[:4], huge=50_000, long=20_000)
LONE = "a \ud800 b"  # half of a surrogate pair


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.ERROR, logger="spacy_ner_plus"):
        yield


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_property_holds(check: Check) -> None:
    profile = settings(
        max_examples=max(3, EXAMPLES // check.cost),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    def run(**arguments: object) -> None:
        check.function(**arguments)

    profile(given(**check.arguments)(run))()


def test_pages_cover_every_block() -> None:
    """Blocks begin and end on multiples of 16: none is smaller than a page."""
    starts = set(pages())
    # the first and the last of the Basic Multilingual Plane, Gothic, CJK Extension G, Tags
    assert {0x0000, 0xFFF0, 0x10330, 0x30000, 0xE0000} <= starts
    assert all(start % PAGE == 0 for start in starts)
    assert not any(0xD800 <= start <= 0xDFFF for start in starts)


@pytest.mark.parametrize("setup", [SETUPS[i] for i in (0, 1, 3)], ids=lambda s: s.tokenizer)
def test_every_unicode_block(setup: Setup) -> None:
    nlp = pipeline(setup)
    texts = page_samples()
    docs = list(nlp.pipe(texts, batch_size=32))
    assert [doc.text for doc in docs] == texts
    for doc in docs:
        check_doc(doc, nlp.get_pipe("ner_plus"))


@pytest.mark.parametrize(
    ("setup", "recipes"),
    [pytest.param(setup, recipes, id=name) for name, setup, recipes in SMALL_EXTREMES],
)
def test_extreme_document(setup: Setup, recipes: list[Recipe]) -> None:
    check_prediction(setup, recipes)


def test_ten_million_spaces() -> None:
    nlp = pipeline(SETUPS[0])
    doc = nlp(Doc(nlp.vocab, words=["Aspirin", " " * 10_000_000, "helps"]))
    check_doc(doc, nlp.get_pipe("ner_plus"))


@pytest.mark.parametrize("existing_ents", existing_settings())
def test_document_without_any_piece(existing_ents: str) -> None:
    """A tokenizer that knows digits only: nothing in the text becomes a piece."""
    setup = Setup(tokenizer=DIGITS, word_forms=None, existing_ents=existing_ents)
    mark = Mark("entity", 1, 2)
    recipes = [Recipe(("no digits", " here"), marks=(mark,)), Recipe(("a 1 b",), marks=(mark,))]
    check_prediction(setup, recipes)
    check_training(setup, [(recipe, "spacy") for recipe in recipes])


# Lone surrogates: spaCy's own strings are UTF-8, which has none


def test_lone_surrogate_in_a_text_never_gets_past_spacy() -> None:
    nlp = spacy.blank("en")
    with pytest.raises(UnicodeEncodeError):
        nlp.make_doc(LONE)
    with pytest.raises(UnicodeEncodeError):
        Doc(nlp.vocab, words=["\ud800"])
    nlp = pipeline(SETUPS[0])
    with pytest.raises(UnicodeEncodeError):
        nlp(LONE)
    assert nlp("a b").has_annotation("ENT_IOB")


def test_lone_surrogates_put_on_a_doc_by_others_change_nothing() -> None:
    """They fit where spaCy keeps plain Python values. Such a Doc has no bytes, with or without
    the component.
    """
    nlp = pipeline(SETUPS[0])
    doc = nlp.make_doc("a b")
    doc.user_data[LONE] = LONE
    doc.spans[LONE] = [doc[:1]]
    (processed,) = nlp.pipe([doc])
    check_doc(processed, nlp.get_pipe("ner_plus"))
    assert processed.user_data[LONE] == LONE
    for each in (nlp.make_doc("a b"), processed):
        each.user_data[LONE] = LONE
        with pytest.raises(UnicodeEncodeError):
            each.to_bytes()


def test_lone_surrogate_in_a_label_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Label 1 is 'B\\ud800'.*lone surrogate"):
        TagScheme("BIO", ["A", "B\ud800"])
    with pytest.raises(ValueError, match="lone surrogate"):
        spacy.blank("en").add_pipe("ner_plus").add_label("\udfff")


# Docs that spaCy itself can't read


def test_unreadable_annotation_reaches_the_handler_with_its_document_alone() -> None:
    """The retokenizer splits a blocked token into B and I without a type: doc.ents fails."""
    nlp = pipeline(Setup(window=16, overlap=4))
    docs = [nlp.make_doc(text) for text in ("one two", "three four", "five six")]
    docs[1].set_ents([], blocked=[docs[1][:1]])
    with docs[1].retokenize() as retokenizer:
        token = docs[1][0]
        retokenizer.split(token, ["th", "ree"], heads=[(token, 0), (token, 1)])
    with pytest.raises(ValueError, match="E093"):
        _ = docs[1].ents
    failed: list[list[Doc]] = []
    ner = nlp.get_pipe("ner_plus")
    ner.set_error_handler(lambda name, proc, batch, error: failed.append(batch))
    processed = list(ner.pipe(docs))
    assert [doc.text for doc in processed] == ["one two", "five six"]
    assert [[doc.text for doc in batch] for batch in failed] == [["three four"]]


def test_retokenised_gold_is_learned() -> None:
    nlp = pipeline(SETUPS[0])
    reference = nlp.make_doc("New York is big")
    reference.set_ents([Span(reference, 0, 2, "Disease")])
    with reference.retokenize() as retokenizer:
        retokenizer.merge(reference[:2])
    example = Example(nlp.make_doc(reference.text), reference)
    assert nlp.get_pipe("ner_plus").update([example])["ner_plus"] > 0
    nlp.get_pipe("ner_plus").shim.module.zero_grad()
