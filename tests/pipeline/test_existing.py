"""existing_ents: what becomes of entities and blocked tokens that are on a Doc already."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_ner_plus.nn.crf import CRF
from spacy_ner_plus.pipeline.ner_plus.factory import NerPlus
from tests.pipeline.samples import (
    TEXTS,
    assert_same_predictions,
    found_in,
    initialized_nlp,
    make_examples,
    probabilities,
    shake_head,
)

Span3 = tuple[int, int, str]


def ents(doc: Doc) -> list[Span3]:
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


def annotated(
    nlp: Language, words: list[str], spans: list[Span3], blocked: tuple[int, ...] = ()
) -> Doc:
    """A Doc with entities and blocked tokens; all else is O, as an entity ruler leaves it."""
    doc = Doc(nlp.vocab, words=words)
    doc.set_ents(
        [Span(doc, *span) for span in spans],
        blocked=[doc[i : i + 1] for i in blocked],
        default="outside",
    )
    return doc


# Constrain, against the enumeration of all tag sequences


def enumerate_sequences(ner: NerPlus, doc: Doc) -> list[tuple[set[Span3], float]]:
    """The entities, in tokens, and the score of each valid tag sequence of a Doc."""
    emissions = ner.model.predict([doc])
    scores, (rows,) = emissions.scores.double(), emissions.row_tokens
    scheme, decoder = ner.shim.scheme, ner.shim.decoder
    found = []
    for path in product(range(scheme.n_tags), repeat=len(rows)):
        inner = scheme.transitions[path[:-1], path[1:]].all()
        if not (scheme.starts[path[0]] and inner and scheme.ends[path[-1]]):
            continue
        score = float(scores[range(len(path)), path].sum())
        if isinstance(decoder, CRF):
            steps = decoder.transition[list(path[:-1]), list(path[1:])].sum()
            score += (decoder.start[path[0]] + decoder.end[path[-1]] + steps).item()
        starts, ends, labels = scheme.decode(np.array(path))
        spans = {
            (int(rows[start]), int(rows[end - 1]) + 1, scheme.labels[label])
            for start, end, label in zip(starts, ends, labels, strict=True)
        }
        found.append((spans, score))
    return found


def trimmed(doc: Doc, span: Span3) -> Span3 | None:
    """Without whitespace at its edges, which has no tag."""
    tokens = [i for i in range(span[0], span[1]) if not doc[i].is_space]
    return (tokens[0], tokens[-1] + 1, span[2]) if tokens else None


def agrees(doc: Doc, spans: set[Span3], fixed: list[Span3], taken: set[int]) -> bool:
    """Whether all that is fixed is there, and all else keeps off what is taken."""
    wanted = {trimmed(doc, span) for span in fixed if span[2] in ("Chemical", "Disease")} - {None}
    others = {i for start, end, _ in spans - wanted for i in range(start, end)}
    return wanted <= spans and not others & taken


CASES: dict[str, tuple[list[str], list[Span3], tuple[int, ...]]] = {
    "nothing": (["the", "heart", "failure", "of"], [], ()),
    "one": (["the", "heart", "failure", "of"], [(1, 3, "Disease")], ()),
    "at the start": (["the", "heart", "failure", "of"], [(0, 1, "Chemical")], ()),
    "at the end": (["the", "heart", "failure", "of"], [(2, 4, "Chemical")], ()),
    "adjacent": (["the", "heart", "failure", "of"], [(1, 2, "Disease"), (2, 3, "Disease")], ()),
    "blocked": (["the", "heart", "failure", "of"], [], (1,)),
    "both": (["the", "heart", "failure", "of"], [(0, 1, "Disease")], (3,)),
    "unknown label": (["the", "heart", "failure", "of"], [(1, 3, "ORG")], ()),
    "all": (["the", "heart", "failure", "of"], [(0, 4, "Disease")], ()),
    "around space": (["the", "heart", "\n", "failure", "of"], [(1, 4, "Disease")], ()),
    "space at the edges": (["the", "\n", "heart", "\n", "of"], [(1, 4, "Chemical")], ()),
    "space only": (["the", "heart", "\n", "failure", "of"], [(2, 3, "Disease")], ()),
    "blocked space": (["the", "heart", "\n", "failure", "of"], [], (2,)),
}


@pytest.fixture(scope="module", params=["BIO-crf", "BILOU-crf", "BIO-softmax"])
def random_nlp(encoder_dir: Path, request: pytest.FixtureRequest) -> Language:
    """Random scores, some for each tag."""
    scheme, kind = request.param.split("-")
    nlp = initialized_nlp(
        encoder_dir, tag_scheme=scheme, model_use_crf=kind == "crf", existing_ents="constrain"
    )
    shake_head(nlp.get_pipe("ner_plus"), scale=0.2, seed=3)
    return nlp


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_constrain_finds_the_best_entities_around_what_is_there(
    random_nlp: Language, case: str
) -> None:
    """With probabilities that are conditional on it."""
    words, fixed, blocked = CASES[case]
    ner = random_nlp.get_pipe("ner_plus")
    doc = annotated(random_nlp, words, fixed, blocked)
    taken = {i for start, end, _ in fixed for i in range(start, end)} | set(blocked)
    sequences = [
        (spans, score)
        for spans, score in enumerate_sequences(ner, doc)
        if agrees(doc, spans, fixed, taken)
    ]
    best = max(sequences, key=lambda sequence: sequence[1])[0]
    wanted = {trimmed(doc, span) for span in fixed}
    new = sorted(best - wanted)
    shares = torch.softmax(torch.tensor([score for _, score in sequences]).double(), 0)
    expected = [
        float(sum(p for (spans, _), p in zip(sequences, shares, strict=True) if one in spans))
        for one in new
    ]

    doc = ner(doc)
    assert ents(doc) == sorted([*new, *fixed])
    group = doc.spans["ner_plus"]
    assert [(span.start, span.end, span.label_) for span in group] == new
    np.testing.assert_allclose(np.asarray(group.attrs["scores"]), expected, rtol=0, atol=1e-5)
    assert [ent._.probability is None for ent in doc.ents] == [s in fixed for s in ents(doc)]
    is_blocked = [token.ent_iob_ == "B" and not token.ent_type_ for token in doc]
    assert [i for i, is_so in enumerate(is_blocked) if is_so] == list(blocked)


@pytest.mark.slow
def test_constrained_cases_are_worth_testing(random_nlp: Language) -> None:
    """In most, constraints change what is found; in some, entities are found beside them."""
    ner = random_nlp.get_pipe("ner_plus")
    beside = changed = 0
    for words, fixed, blocked in CASES.values():
        sequences = enumerate_sequences(ner, Doc(random_nlp.vocab, words=words))
        free = max(sequences, key=lambda sequence: sequence[1])[0]
        doc = ner(annotated(random_nlp, words, fixed, blocked))
        new = {(span.start, span.end, span.label_) for span in doc.spans["ner_plus"]}
        beside += bool(new and (fixed or blocked))
        changed += new != free
    assert beside >= 3 and changed >= 3


@pytest.mark.parametrize("default", ["outside", "missing"])
def test_constrain_leaves_tokens_free_that_are_o_or_missing(
    random_nlp: Language, default: str
) -> None:
    ner = random_nlp.get_pipe("ner_plus")
    words = TEXTS[0].split()
    doc = Doc(random_nlp.vocab, words=words)
    doc.set_ents([], default=default)
    plain = ner(Doc(random_nlp.vocab, words=words))
    assert_same_predictions([ner(doc)], [plain])
    assert len(plain.ents)


def test_constraint_of_one_document_leaves_others_alone(random_nlp: Language) -> None:
    """In one batch, with Docs that have no tokens or none that can be tagged."""
    ner = random_nlp.get_pipe("ner_plus")

    def make() -> list[Doc]:
        docs = [random_nlp.make_doc(text) for text in TEXTS]
        docs[1].set_ents([Span(docs[1], 0, 2, "Disease")])
        return docs

    together = list(ner.pipe(make(), batch_size=len(TEXTS)))
    alone = [ner(doc) for doc in make()]
    for doc, other in zip(together, alone, strict=True):
        assert found_in(doc) == found_in(other)
    assert ents(together[1])[0] == (0, 2, "Disease")


# Keep and overwrite


def known_doc(nlp: Language) -> Doc:
    """A sentence with two known entities, one of which overlaps a predicted one, and a blocked
    token on another predicted one.
    """
    doc = nlp.make_doc(TEXTS[0])
    first = Span(doc, 1, 3, "Drug", kb_id="Q1", span_id="mine")
    doc.set_ents([first, Span(doc, 11, 12, "Species")], blocked=[doc[4:5]], default="outside")
    return doc


def settings_nlp(trained_dir: Path, value: str) -> Language:
    return spacy.load(trained_dir, config={"components.ner_plus.existing_ents": value})


def test_keep_drops_predictions_that_touch_what_is_there(
    trained_dir: Path, trained_docs: list[Doc]
) -> None:
    nlp = settings_nlp(trained_dir, "keep")
    predicted = ents(trained_docs[0])
    doc = known_doc(nlp)
    before = ents(doc)
    taken = {1, 2, 4, 11}
    kept = [s for s in predicted if not taken & set(range(s[0], s[1]))]
    assert 0 < len(kept) < len(predicted)
    doc = nlp.get_pipe("ner_plus")(doc)
    assert ents(doc) == sorted([*before, *kept])
    assert (doc.ents[0].kb_id_, doc.ents[0].ent_id_) == ("Q1", "mine")
    assert [span.label_ for span in doc.spans["ner_plus"]] == [label for _, _, label in kept]
    assert (doc[4].ent_iob_, doc[4].ent_type_) == ("B", "")
    # unlike with constrain, probabilities are those of the text alone
    full = {(e.start, e.end): e._.probability for e in trained_docs[0].ents}
    for ent in doc.ents:
        expected = full.get((ent.start, ent.end))
        assert ent._.probability == (pytest.approx(expected, abs=1e-5) if expected else None)


def test_overwrite_replaces_what_is_there(trained_dir: Path, trained_docs: list[Doc]) -> None:
    nlp = settings_nlp(trained_dir, "overwrite")
    doc = nlp.get_pipe("ner_plus")(known_doc(nlp))
    assert_same_predictions([doc], [trained_docs[0]], within=1e-5)
    assert (doc[4].ent_iob_ == "B") == (4 in {ent.start for ent in doc.ents})
    assert {token.ent_iob_ for token in doc} <= {"B", "I", "O"}


def test_unknown_value_is_an_error(encoder_dir: Path) -> None:
    with pytest.raises(ValueError, match=r"existing_ents = 'drop' is unknown: use one of .*'keep'"):
        spacy.blank("en").add_pipe("ner_plus", config={"existing_ents": "drop"})


@pytest.mark.parametrize("value", ["keep", "constrain", "overwrite"])
def test_second_time_changes_nothing(trained_dir: Path, value: str) -> None:
    """What ner_plus has found is there already when it runs again; it keeps its probabilities."""
    nlp = settings_nlp(trained_dir, value)
    docs = [nlp(text) for text in TEXTS]
    before = [(found_in(doc), probabilities(doc)) for doc in docs]
    again = [nlp.get_pipe("ner_plus")(doc) for doc in docs]
    assert [(found_in(doc), probabilities(doc)) for doc in again] == before


# In a pipeline


def with_ruler(trained_dir: Path, value: str) -> Language:
    nlp = settings_nlp(trained_dir, value)
    ruler = nlp.add_pipe("entity_ruler", before="ner_plus")
    ruler.add_patterns(
        [{"label": "Species", "pattern": "mice"}, {"label": "Disease", "pattern": "platelet"}]
    )
    return nlp


@pytest.mark.parametrize("value", ["keep", "constrain"])
def test_entity_ruler_before_it_is_respected(
    trained_dir: Path, trained_docs: list[Doc], value: str
) -> None:
    """The ruler leaves all else O: ner_plus finds its entities there all the same."""
    doc = with_ruler(trained_dir, value)(TEXTS[0])
    ruled = [(ent.text, ent.label_) for ent in doc.ents if ent._.probability is None]
    assert ruled == [("mice", "Species"), ("platelet", "Disease")]
    found = {(ent.text, ent.label_) for ent in doc.ents if ent._.probability is not None}
    assert {("tetrandrine", "Chemical"), ("fangchinoline", "Chemical")} <= found


def test_entity_ruler_before_it_is_overwritten(trained_dir: Path, trained_docs: list[Doc]) -> None:
    doc = with_ruler(trained_dir, "overwrite")(TEXTS[0])
    assert_same_predictions([doc], [trained_docs[0]])


def test_evaluate_with_keep_scores_what_the_whole_pipeline_finds(trained_dir: Path) -> None:
    """The ruler's entities count, for better or worse."""
    nlp = with_ruler(trained_dir, "keep")
    scores = nlp.evaluate(make_examples(nlp))["ents_per_type"]
    assert scores["Species"] == {"p": 0.0, "r": 0.0, "f": 0.0, "support": 0}
    assert scores["Disease"]["p"] < 1.0


@pytest.mark.parametrize(("value", "score"), [("keep", 1.0), ("constrain", 1.0)])
def test_scoring_docs_that_carry_their_gold_entities_proves_nothing(
    encoder_dir: Path, value: str, score: float
) -> None:
    """A model that has learned nothing gets full marks; with overwrite it does not."""
    nlp = initialized_nlp(encoder_dir, existing_ents=value)
    gold = [Example(eg.reference.copy(), eg.reference) for eg in make_examples(nlp)]
    found = nlp.evaluate(gold)
    assert found["ents_r"] == score
    honest = nlp.evaluate(make_examples(nlp))
    assert honest["ents_f"] < 0.2


def test_annotating_component_hands_its_entities_on_while_others_learn(
    trained_dir: Path,
) -> None:
    """In nlp.update with annotates, the component's entities and the ruler's are on the Docs that
    the next component learns from, and not on those of the next step.
    """
    nlp = with_ruler(trained_dir, "keep")
    seen: list[list[tuple[str, str]]] = []

    @Language.component("see_entities")
    def see(doc: Doc) -> Doc:
        seen.append([(ent.text, ent.label_) for ent in doc.ents])
        return doc

    nlp.add_pipe("see_entities", last=True)
    example = make_examples(nlp, 20)
    texts = [eg for eg in example if "tetrandrine" in eg.predicted.text][:1]
    for _ in range(2):
        nlp.update(
            texts,
            exclude=["ner_plus"],
            annotates=["entity_ruler", "ner_plus", "see_entities"],
            sgd=False,
        )
    assert seen[0] == seen[1]
    assert {("mice", "Species"), ("tetrandrine", "Chemical")} <= set(seen[0])
    assert not texts[0].predicted.ents
