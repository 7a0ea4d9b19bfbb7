"""What hits of rules on a Doc do to ner_plus, against the enumeration of all tag sequences."""

import math
import pickle
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Adam

from spacy_ner_plus.annotation.gold import allowed_tags
from spacy_ner_plus.annotation.rule_hits import RuleHit, set_rule_hits
from spacy_ner_plus.models.decoding.losses import loss_and_gradient
from spacy_ner_plus.nn.crf import SpanFactors
from spacy_ner_plus.pipeline.ner_plus import rule_learning
from spacy_ner_plus.pipeline.ner_plus.factory import NerPlus
from spacy_ner_plus.pipeline.ner_plus.rule_scores import IgnoredHits
from spacy_ner_plus.pipeline.ner_plus.rule_weights import PULL
from tests.pipeline.samples import (
    assert_same_predictions,
    found_in,
    gradients,
    initialized_nlp,
    make_examples,
    shake_head,
    weights,
)
from tests.pipeline.test_existing import Span3, annotated, ents, enumerate_sequences, trimmed

Hit = tuple[int, int, str, str, float]
"""Start and end in tokens, label, kind, weight."""
WORDS = ["the", "heart", "failure", "of"]
SPACED = ["the", "heart", "\n", "failure", "of"]
LABELS = ("Chemical", "Disease")


def hit(doc: Doc, hits: Iterable[Hit], component: str = "rules", rule: str = "list") -> Doc:
    """Leave hits on a Doc."""
    found = [
        RuleHit(doc[start:end].start_char, doc[start:end].end_char, *values, rule, "")
        for start, end, *values in hits
    ]
    set_rule_hits(doc, component, found)
    return doc


@pytest.fixture(scope="module", params=["BIO-crf", "BILOU-crf", "BIO-softmax"])
def random_nlp(encoder_dir: Path, request: pytest.FixtureRequest) -> Language:
    """Random scores, some for each tag."""
    scheme, kind = request.param.split("-")
    nlp = initialized_nlp(encoder_dir, tag_scheme=scheme, model_use_crf=kind == "crf")
    shake_head(nlp.get_pipe("ner_plus"), scale=0.2, seed=3)
    return nlp


def covers(span: Span3, token: int) -> bool:
    return span[0] <= token < span[1]


def permits(doc: Doc, spans: set[Span3], hits: list[Hit]) -> bool:
    """Whether hard hits and blocks permit these entities."""
    for start, end, label, kind, _ in hits:
        about = {span for span in spans if label in ("", span[2])}
        exact = trimmed(doc, (start, end, label))
        inside = range(start, end)
        if kind == "hard":
            others = spans - {exact}
            is_there = exact in spans or label not in LABELS or exact is None
            if not is_there or any(covers(s, i) for s in others for i in inside):
                return False
        if kind == "block" and any(span[:2] == (exact or (-1, -1))[:2] for span in about):
            return False
        if kind == "block_words" and any(covers(s, i) for s in about for i in inside):
            return False
    return True


def weight_of(doc: Doc, spans: set[Span3], hits: list[Hit]) -> float:
    soft = [h for h in hits if h[3] == "soft" and h[2] in LABELS]
    return sum(w for start, end, label, _, w in soft if trimmed(doc, (start, end, label)) in spans)


# Words and hits
CASES: dict[str, tuple[list[str], list[Hit]]] = {
    "soft": (WORDS, [(1, 3, "Disease", "soft", 2.5)]),
    "soft against": (WORDS, [(1, 2, "Disease", "soft", -2.0), (0, 4, "Chemical", "soft", -1.0)]),
    "soft of one word": (WORDS, [(2, 3, "Chemical", "soft", 3.0)]),
    "soft nested": (
        WORDS,
        [
            (1, 3, "Disease", "soft", 2.0),
            (1, 2, "Disease", "soft", 1.5),
            (1, 4, "Disease", "soft", 1),
        ],
    ),
    "soft overlapping": (
        WORDS,
        [
            (0, 2, "Disease", "soft", 2.0),
            (1, 4, "Disease", "soft", 2.5),
            (1, 3, "Chemical", "soft", 2),
        ],
    ),
    "soft twice": (WORDS, [(1, 3, "Disease", "soft", 1.0), (1, 3, "Disease", "soft", 1.5)]),
    "soft over space": (SPACED, [(1, 4, "Disease", "soft", 3.0)]),
    "soft with space around": (SPACED, [(1, 3, "Disease", "soft", 3.0)]),
    "hard": (WORDS, [(1, 3, "Disease", "hard", 0.0)]),
    "hard over space": (SPACED, [(1, 4, "Chemical", "hard", 0.0)]),
    "hard of two": (WORDS, [(0, 1, "Disease", "hard", 0.0), (1, 3, "Disease", "hard", 0.0)]),
    "hard of another type": (WORDS, [(1, 3, "ORG", "hard", 0.0)]),
    "block": (WORDS, [(1, 3, "Disease", "block", 0.0), (0, 1, "Chemical", "block", 0.0)]),
    "block of any type": (WORDS, [(0, 4, "", "block", 0.0), (1, 3, "", "block", 0.0)]),
    "block of blocked words": (
        WORDS,
        [
            (1, 2, "Disease", "block_words", 0.0),
            (0, 4, "Disease", "block", 0.0),
            (0, 3, "Chemical", "block", 0.0),
            (2, 4, "", "block", 0.0),
            (0, 4, "Disease", "soft", 3.0),
        ],
    ),
    "block words": (WORDS, [(1, 2, "Disease", "block_words", 0.0)]),
    "block words of any type": (WORDS, [(0, 2, "", "block_words", 0.0)]),
    "block space": (SPACED, [(2, 3, "", "block_words", 0.0)]),
    "all kinds": (
        WORDS,
        [
            (0, 1, "Chemical", "hard", 0.0),
            (1, 3, "Disease", "soft", 3.0),
            (1, 2, "", "block", 0.0),
            (3, 4, "Chemical", "block_words", 0.0),
        ],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_hits_act_exactly_as_stated(random_nlp: Language, case: str) -> None:
    words, hits = CASES[case]
    ner = random_nlp.get_pipe("ner_plus")
    doc = Doc(random_nlp.vocab, words=words)
    sequences = [
        (spans, score + weight_of(doc, spans, hits))
        for spans, score in enumerate_sequences(ner, doc)
        if permits(doc, spans, hits)
    ]
    scores = np.array([score for _, score in sequences])
    shares = np.exp(scores - np.logaddexp.reduce(scores))
    hit(doc, hits)
    by_reading = dict(zip([tuple(sorted(s)) for s, _ in sequences], shares, strict=True))
    assert len(by_reading) == len(sequences)
    for reading in ner.alternatives(doc, k=4):
        found = tuple(sorted((s.start, s.end, s.label_) for s in reading.entities))
        assert reading.probability == pytest.approx(by_reading[found], abs=1e-5)
    entropy = -float(np.sum(shares * np.log(shares)))
    assert ner.sequence_entropy(doc) == pytest.approx(entropy, abs=1e-4)

    doc = ner(doc)
    best = sorted(sequences[int(shares.argmax())][0])
    assert ents(doc) == best
    expected = [
        sum(p for (spans, _), p in zip(sequences, shares, strict=True) if one in spans)
        for one in best
    ]
    np.testing.assert_allclose([e._.probability for e in doc.ents], expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_cases_are_worth_testing(random_nlp: Language) -> None:
    """In most, hits change what is found."""
    ner = random_nlp.get_pipe("ner_plus")
    changed = 0
    for words, hits in CASES.values():
        plain = ents(ner(Doc(random_nlp.vocab, words=words)))
        changed += ents(ner(hit(Doc(random_nlp.vocab, words=words), hits))) != plain
    assert changed >= 7


@pytest.fixture(scope="module")
def nlp(encoder_dir: Path) -> Language:
    """Random scores; not to be changed."""
    nlp = initialized_nlp(encoder_dir)
    shake_head(nlp.get_pipe("ner_plus"), scale=0.2, seed=3)
    return nlp


def test_documents_with_hits_leave_others_of_a_batch_alone(nlp: Language) -> None:
    ner = nlp.get_pipe("ner_plus")
    texts = [eg.predicted.text for eg in make_examples(nlp, 6)]
    plain = list(ner.pipe([nlp.make_doc(text) for text in texts]))
    docs = [nlp.make_doc(text) for text in texts]
    for doc in docs[::2]:
        hit(doc, [(0, 2, "Disease", "soft", 9.0), (2, 3, "Chemical", "hard", 0.0)])
    found = list(ner.pipe(docs))
    assert_same_predictions(found[1::2], plain[1::2], within=1e-12)
    for doc in found[::2]:
        assert (2, 3, "Chemical") in ents(doc)
    alone = [
        ner(
            hit(
                nlp.make_doc(texts[0]),
                [(0, 2, "Disease", "soft", 9.0), (2, 3, "Chemical", "hard", 0.0)],
            )
        )
    ]
    assert_same_predictions(alone, found[:1], within=1e-5)


# What is on the Doc already


def with_settings(nlp: Language, **settings: Any) -> NerPlus:
    """The component under other settings, which are put back by the fixture that gave it."""
    ner = nlp.get_pipe("ner_plus")
    for name, value in settings.items():
        setattr(ner, name, value)
    return ner


@pytest.fixture
def own_nlp(nlp: Language) -> Iterable[Language]:
    """The pipeline for tests that change a setting."""
    ner = nlp.get_pipe("ner_plus")
    before = ner.existing_ents
    yield nlp
    ner.existing_ents = before
    ner._ignored_hits.counts.clear()


@pytest.mark.parametrize("mode", ["keep", "constrain", "overwrite"])
@pytest.mark.parametrize("label", ["Disease", "ORG"])
def test_hard_entities_stay_whatever_existing_ents_says(
    own_nlp: Language, mode: str, label: str
) -> None:
    """With their ids, and others find their place around them."""
    ner = with_settings(own_nlp, existing_ents=mode)
    doc = annotated(own_nlp, [*WORDS, "aspirin"], [(4, 5, "Other")])
    doc.set_ents([Span(doc, 1, 3, label, span_id="R1"), *doc.ents])
    hit(doc, [(1, 3, label, "hard", 0.0)])
    doc = ner(doc)
    [hard] = [ent for ent in doc.ents if ent.start == 1]
    assert (hard.end, hard.label_, hard.id_, hard._.probability) == (3, label, "R1", None)
    assert (Span(doc, 4, 5, "Other") in doc.ents) == (mode != "overwrite")
    assert ents(ner(doc)) == ents(doc)
    assert not ner.ignored_hits


def test_hard_hits_that_are_not_on_the_doc_are_predicted_as_certain(own_nlp: Language) -> None:
    ner = with_settings(own_nlp, existing_ents="overwrite")
    doc = ner(hit(annotated(own_nlp, WORDS, []), [(1, 3, "Disease", "hard", 0.0)]))
    [hard] = [ent for ent in doc.ents if ent.start == 1]
    assert (hard.end, hard.label_) == (3, "Disease")
    assert hard._.probability == pytest.approx(1.0)


def test_overwrite_removes_others_that_overlap_no_hard_hit(own_nlp: Language) -> None:
    ner = with_settings(own_nlp, existing_ents="overwrite")
    doc = annotated(own_nlp, WORDS, [(0, 1, "Other"), (1, 3, "Disease")])
    assert "Other" not in [e.label_ for e in ner(doc).ents]
    doc = annotated(own_nlp, WORDS, [(0, 1, "Other"), (1, 3, "Disease")])
    doc = ner(hit(doc, [(1, 3, "Chemical", "hard", 0.0)]))  # another type than what is there
    assert (1, 3, "Chemical") in ents(doc) and (1, 3, "Disease") not in ents(doc)


def test_of_conflicting_hard_hits_the_first_one_wins(own_nlp: Language) -> None:
    ner = own_nlp.get_pipe("ner_plus")
    doc = hit(Doc(own_nlp.vocab, words=WORDS), [(1, 2, "Disease", "hard", 0.0)], "one")
    hit(doc, [(1, 3, "Chemical", "hard", 0.0), (3, 4, "Chemical", "hard", 0.0)], "two")
    with pytest.warns(UserWarning, match="contradicts an entity that is fixed"):
        doc = ner(doc)
    assert {(1, 2, "Disease"), (3, 4, "Chemical")} <= set(ents(doc))
    assert ner.ignored_hits == {"conflicting": 1}


def test_hard_hits_give_way_to_entities_that_are_constraints(own_nlp: Language) -> None:
    ner = with_settings(own_nlp, existing_ents="constrain")
    doc = hit(annotated(own_nlp, WORDS, [(2, 4, "Chemical")]), [(1, 3, "Disease", "hard", 0.0)])
    with pytest.warns(UserWarning, match="contradicts"):
        doc = ner(doc)
    assert (2, 4, "Chemical") in ents(doc)


def test_blocks_give_way_to_hard_hits(own_nlp: Language) -> None:
    ner = own_nlp.get_pipe("ner_plus")
    blocks: list[Hit] = [(1, 3, "Disease", "block", 0.0), (2, 3, "", "block_words", 0.0)]
    doc = hit(Doc(own_nlp.vocab, words=WORDS), [*blocks, (1, 3, "Disease", "hard", 0.0)])
    with pytest.warns(UserWarning, match="contradicts"):
        doc = ner(doc)
    assert (1, 3, "Disease") in ents(doc)
    assert ner.ignored_hits == {"conflicting": 2}


def test_hits_without_effect_are_counted_and_told_once(own_nlp: Language) -> None:
    ner = own_nlp.get_pipe("ner_plus")
    plain = ner(Doc(own_nlp.vocab, words=SPACED))
    doc = Doc(own_nlp.vocab, words=SPACED)
    unknown: list[Hit] = [(0, 1, "ORG", "soft", 5.0), (1, 2, "GPE", "block", 0.0)]
    hit(doc, [*unknown, (3, 4, "LOC", "block_words", 0.0), (2, 3, "Disease", "soft", 5.0)])
    set_rule_hits(doc, "within", [RuleHit(1, 3, "Disease", "soft", 9.0, "list", "")])
    with pytest.warns(UserWarning) as told:
        assert_same_predictions([ner(doc)], [plain])
    messages = " ".join(str(one.message) for one in told)
    assert len(told) == 3
    for words in ("inside of what is one token", "a type that the model does not know", "no token"):
        assert words in messages
    assert ner.ignored_hits == {"unknown_label": 3, "untagged": 1, "misaligned": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ner(doc)
    assert ner.ignored_hits["unknown_label"] == 6


def test_very_many_overlapping_hits_are_bounded_and_counted(own_nlp: Language) -> None:
    ner = own_nlp.get_pipe("ner_plus")
    rng = np.random.default_rng(0)
    words = ["word"] * 120
    hits: list[Hit] = [
        (i, int(rng.integers(100, 121)), "Disease", "soft", float(rng.normal()))
        for i in range(100)
        for _ in range(3)
    ]
    with pytest.warns(UserWarning, match="so many that overlap"):
        ner(hit(Doc(own_nlp.vocab, words=words), hits))
    assert 0 < ner.ignored_hits["crowded"] < 250


def test_blocks_are_kept_however_many_overlap(own_nlp: Language) -> None:
    """All spans of many words, and many that have nothing in common."""
    ner = own_nlp.get_pipe("ner_plus")
    words = ["word"] * 90
    every = [(i, j, "", "block", 0.0) for i in range(20) for j in range(i + 1, 21)]
    nested = [(20 + i, 90 - i, label, "block", 0.0) for i in range(34) for label in LABELS]
    doc = ner(hit(Doc(own_nlp.vocab, words=words), every + nested))
    assert ner.ignored_hits == {}
    blocked = {(start, end) for start, end, *_ in every + nested}
    assert not {(ent.start, ent.end) for ent in doc.ents} & blocked


def test_blocks_that_are_too_many_are_no_entities_and_counted(
    own_nlp: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    ner = own_nlp.get_pipe("ner_plus")
    free = ner(Doc(own_nlp.vocab, words=WORDS * 3)).ents
    assert len(free) > 1
    start, end, label = free[0].start, free[0].end, free[0].label_
    monkeypatch.setattr(SpanFactors, "strongest", lambda self: np.zeros(0, dtype=np.int64))
    hits = [(start, end, label, "block", 0.0), (start, end + 1, label, "soft", 1.0)]
    with pytest.warns(UserWarning, match="a span that is blocked is no entity all the same"):
        doc = ner(hit(Doc(own_nlp.vocab, words=WORDS * 3), hits))
    expected = [(ent.start, ent.end, ent.label_) for ent in free[1:]]
    assert [(ent.start, ent.end, ent.label_) for ent in doc.ents] == expected
    assert ner.ignored_hits == {"crowded": 2}


def test_other_things_on_the_doc_are_an_error_that_says_so(nlp: Language) -> None:
    doc = nlp.make_doc("heart failure")
    doc._.rule_hits = {"rules": "heart"}
    with pytest.raises(ValueError, match="holds no hits of rules"):
        nlp.get_pipe("ner_plus")(doc)


def test_hits_act_in_the_second_reading_and_in_calibration(nlp: Language) -> None:
    ner = nlp.get_pipe("ner_plus")
    [example] = make_examples(nlp, 1)
    gold = example.reference.ents[0]
    before = ner.second_readings([example])[0]
    hit(example.predicted, [(gold.start, gold.end, gold.label_, "soft", 8.0)])
    after = ner.second_readings([example])[0]
    sure = [{c.label: c.total for c in r.confidences} for r in (before, after)]
    assert sure[1][gold.label_] > sure[0][gold.label_]


# Learned weights


def annotating(nlp: Language, examples: list[Example], wrong: bool = True) -> list[Example]:
    """Hits on all gold diseases (rule "good"), and on words that are none (rule "bad")."""
    for example in examples:
        doc = example.predicted
        gold = [e for e in example.reference.ents if e.label_ == "Disease"]
        hits = [(e.start, e.end, "Disease", "soft", 1.0) for e in gold]
        hit(doc, hits, "first", "good")
        taken = {i for ent in example.reference.ents for i in range(ent.start, ent.end)}
        free = [i for i in range(len(doc)) if i not in taken][:2]
        hit(doc, [(i, i + 1, "Disease", "soft", 0.5) for i in free], "second", "bad")
    return examples


@pytest.fixture
def all_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every hit teaches its rule's weight, and no document with hits the model."""
    monkeypatch.setattr(rule_learning, "HELD_OUT", 1)


def learn(nlp: Language, examples: list[Example], n_steps: int = 12) -> NerPlus:
    ner = nlp.get_pipe("ner_plus")
    optimizer = Adam(1e-5, L2=0.0, grad_clip=1.0)
    for _ in range(n_steps):
        ner.update(examples, sgd=optimizer)
    return ner


@pytest.mark.usefixtures("all_held_out")
@pytest.mark.parametrize("use_crf", [True, False])
def test_weights_of_right_rules_rise_and_of_wrong_ones_fall(
    encoder_dir: Path, use_crf: bool
) -> None:
    nlp = initialized_nlp(encoder_dir, learn_rule_weights=True, model_use_crf=use_crf)
    ner = learn(nlp, annotating(nlp, make_examples(nlp, 8)))
    learned = ner.rule_weights
    assert learned["good"]["Disease"] > 1.5
    assert learned["bad"]["Disease"] < 0.2


@pytest.mark.usefixtures("all_held_out")
def test_learned_weights_act_in_place_of_those_of_the_hits(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir, learn_rule_weights=True)
    ner = learn(nlp, annotating(nlp, make_examples(nlp, 4)), 3)
    text = make_examples(nlp, 4)[0].predicted.text
    learned = ner.rule_weights["good"]["Disease"]
    with_hit = ner.emissions(
        [hit(nlp.make_doc(text), [(0, 2, "Disease", "soft", 1.0)], rule="good")]
    )
    assert with_hit.spans is not None
    assert with_hit.spans.scores.tolist() == [pytest.approx(learned)]
    # one that differs from its rule's keeps the difference; other rules have their own
    others = hit(nlp.make_doc(text), [(0, 2, "Disease", "soft", 3.0)], "a", rule="good")
    hit(others, [(0, 1, "Chemical", "soft", 4.0)], "b", rule="good")
    spans = ner.emissions([others]).spans
    assert spans is not None
    assert spans.scores.tolist() == [pytest.approx(learned + 2.0), 4.0]


@pytest.mark.usefixtures("all_held_out")
@pytest.mark.parametrize("way", ["disk", "bytes", "pickle"])
def test_learned_weights_are_saved_and_go_on_alike(
    encoder_dir: Path, way: str, tmp_path: Path
) -> None:
    nlp = initialized_nlp(encoder_dir, learn_rule_weights=True)
    ner = learn(nlp, annotating(nlp, make_examples(nlp, 4)), 3)
    if way == "disk":
        nlp.to_disk(tmp_path)
        other = spacy.load(tmp_path)
    elif way == "bytes":
        other = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    else:
        other = pickle.loads(pickle.dumps(nlp))
    assert other.get_pipe("ner_plus").rule_weights == ner.rule_weights
    collected = {("good", "Disease"): 0.1}
    ner._rule_learner._gradients = dict(collected)
    again = other.get_pipe("ner_plus")
    again._rule_learner._gradients = dict(collected)
    for pipe in (ner, again):
        pipe._rule_learner.step(pipe.cfg, Adam(0.1))
    assert again.rule_weights == ner.rule_weights


@pytest.mark.usefixtures("all_held_out")
def test_damaged_weights_of_rules_are_refused(encoder_dir: Path, tmp_path: Path) -> None:
    nlp = initialized_nlp(encoder_dir, learn_rule_weights=True)
    ner = learn(nlp, annotating(nlp, make_examples(nlp, 2)), 1)
    state = {"given": 1, "weight": 1, "mean": 0, "square": 0, "n_steps": 1}
    fields = ({"weight": math.nan}, state | {"weight": math.nan}, state | {"weight": 10**400})
    for wrong in ([1], {"good": {"Disease": 2.0}}, *({"good": {"Disease": own}} for own in fields)):
        ner.cfg["rule_weights"] = wrong
        nlp.to_disk(tmp_path)
        with pytest.raises(ValueError, match="has no weights of rules"):
            spacy.load(tmp_path)


@pytest.mark.usefixtures("all_held_out")
def test_a_new_start_forgets_weights_of_rules(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir, learn_rule_weights=True)
    ner = learn(nlp, annotating(nlp, make_examples(nlp, 2)), 1)
    assert ner.rule_weights
    nlp.initialize(lambda: make_examples(nlp, 2))
    assert ner.rule_weights == {}


@pytest.mark.parametrize("use_crf", [True, False])
def test_held_out_phrases_teach_weights_and_not_the_model(
    encoder_dir: Path, use_crf: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those with a hit, for the model, neither the phrase nor an entity on it is annotated."""
    nlp = initialized_nlp(encoder_dir, learn_rule_weights=True, model_use_crf=use_crf)
    ner = nlp.get_pipe("ner_plus")
    examples = make_examples(nlp, 6)
    hits: list[Hit] = [(0, 1, "Disease", "soft", 1.0), (2, 4, "Disease", "soft", 1.0)]
    for example in examples[:4]:
        hit(example.predicted, hits)
    hit(examples[1].predicted, [hits[0], (7, 8, "Disease", "soft", 1.0)])  # within an entity
    held_out = [examples[1].predicted[7].text, examples[3].predicted[0].text]
    held_out.append(examples[5].predicted[0].text)
    monkeypatch.setattr(rule_learning, "is_held_out", lambda phrase: phrase in held_out)
    emissions = ner.model.predict([eg.predicted for eg in examples])
    loss, gradient = ner.get_loss(examples, emissions)
    own = gradients(ner)
    ner.shim.module.zero_grad()
    ner.learn_rule_weights = False
    taken = {1: {7}, 3: {0}}
    for i, tokens in taken.items():
        reference = examples[i].reference
        for ent in reference.ents:
            if tokens & set(range(ent.start, ent.end)):
                tokens |= set(range(ent.start, ent.end))
        kept = [ent for ent in reference.ents if ent.start not in tokens]
        missing = [reference[token : token + 1] for token in sorted(tokens)]
        reference.set_ents(kept, missing=missing, default="outside")
    assert taken[1] == {5, 6, 7, 8}
    expected, other_gradient = ner.get_loss(examples, emissions)
    ner.learn_rule_weights = True
    assert loss == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, other_gradient, rtol=1e-4, atol=1e-7)
    for name, other in gradients(ner).items():
        np.testing.assert_allclose(own[name], other, rtol=1e-4, atol=1e-6)
    assert ner.rule_weights == {}  # nothing is learned before a step
    ner.finish_update(Adam(1e-5))
    assert list(ner.rule_weights) == ["list"]
    # the hits that are not on such phrases say nothing about the weight
    docs = [eg.predicted for eg in examples]
    found = rule_learning.RuleLearner("other")
    spans = found.hits(examples, emissions, ner.shim.scheme, {}, IgnoredHits("other"))
    assert spans is not None and spans.factors.sequences.tolist() == [1, 1, 3, 3]
    teaches = rule_learning._held_out(spans, docs, emissions)
    assert teaches.tolist() == [False, True, True, False]


def test_weights_go_down_the_gradient_of_the_loss_with_the_hits(
    encoder_dir: Path, all_held_out: None
) -> None:
    """And are pulled to where they came from."""
    nlp = initialized_nlp(encoder_dir, learn_rule_weights=True)
    ner = learn(nlp, annotating(nlp, make_examples(nlp, 4)), 2)
    examples = annotating(nlp, make_examples(nlp, 4))
    given, weight = 1.0, ner.rule_weights["good"]["Disease"]
    n_hits = sum(e.label_ == "Disease" for eg in examples for e in eg.reference.ents)

    def loss(weight: float) -> float:
        ner.cfg["rule_weights"]["good"]["Disease"]["weight"] = weight
        docs = [eg.predicted for eg in examples]
        emissions = ner.emissions(docs)
        allowed = [
            allowed_tags(eg, tokens, ner.shim.scheme)
            for eg, tokens in zip(examples, emissions.row_tokens, strict=True)
        ]
        return float(loss_and_gradient(ner.shim.decoder, emissions, allowed)[0].sum())

    step = 1e-3
    slope = (loss(weight + step) - loss(weight - step)) / (2 * step)
    loss(weight)
    ner.get_loss(examples, ner.model.predict([eg.predicted for eg in examples]))
    pull = PULL * n_hits * (weight - given)
    found = ner._rule_learner._gradients["good", "Disease"]
    assert found == pytest.approx(slope + pull, rel=1e-3)


def test_rules_without_a_held_out_phrase_keep_their_weights_and_it_is_told(
    encoder_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rule_learning, "is_held_out", lambda _: False)
    monkeypatch.setattr(rule_learning, "MOST_UNTAUGHT", 5)
    nlp = initialized_nlp(encoder_dir, learn_rule_weights=True)
    ner = learn(nlp, annotating(nlp, make_examples(nlp, 4)), 3)
    told = [m for m in caplog.messages if "has learned no weight of the rule 'good'" in m]
    assert len(told) == len(set(told)) > 0  # of each type at most once
    assert ner.rule_weights == {}
    doc = hit(nlp.make_doc("heart failure"), [(0, 2, "Disease", "soft", 1.0)], rule="good")
    spans = ner.emissions([doc]).spans
    assert spans is not None and spans.scores.tolist() == pytest.approx([1.0])


def test_one_in_ten_phrases_is_held_out_however_it_is_written() -> None:
    phrases = [f"Number {i}" for i in range(1000)]
    held_out = list(map(rule_learning.is_held_out, phrases))
    assert 70 <= sum(held_out) <= 130
    assert list(map(rule_learning.is_held_out, map(str.upper, phrases))) == held_out
    broken = [phrase.replace(" ", "\n  ") for phrase in phrases]
    assert list(map(rule_learning.is_held_out, broken)) == held_out


def test_without_the_setting_training_does_not_see_hits(encoder_dir: Path) -> None:
    nlps = [initialized_nlp(encoder_dir) for _ in range(2)]
    plain, hits = (make_examples(nlp, 4) for nlp in nlps)
    ners = [learn(nlps[0], plain, 2), learn(nlps[1], annotating(nlps[1], hits), 2)]
    own, other = (weights(ner) for ner in ners)
    assert all((own[name] == other[name]).all() for name in own)
    assert ners[1].rule_weights == {}


def test_weights_can_be_learned_only_where_the_rules_annotate(
    encoder_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule_learning, "MOST_WITHOUT_HITS", 8)
    nlp = initialized_nlp(encoder_dir, learn_rule_weights=True)
    learn(nlp, make_examples(nlp, 4), 1)
    with pytest.raises(ValueError, match="annotating_components"):
        learn(nlp, make_examples(nlp, 4), 1)
    # batches without any among others that have some are as they should be
    nlp = initialized_nlp(encoder_dir, learn_rule_weights=True)
    learn(nlp, annotating(nlp, make_examples(nlp, 4)), 1)
    learn(nlp, make_examples(nlp, 4), 4)


@pytest.mark.usefixtures("all_held_out")
def test_rules_that_annotate_are_learned(encoder_dir: Path) -> None:
    """In nlp.update, as spacy train calls it."""
    nlp = initialized_nlp(encoder_dir, learn_rule_weights=True)

    @Language.component("tests_of_rule_hits")
    def rules(doc: Doc) -> Doc:
        return hit(doc, [(0, 1, "Disease", "soft", 1.0)])

    nlp.add_pipe("tests_of_rule_hits", first=True)
    nlp.update(make_examples(nlp, 4), sgd=Adam(1e-5), annotates=["tests_of_rule_hits"])
    assert list(nlp.get_pipe("ner_plus").rule_weights) == ["list"]


def test_hits_that_contradict_the_annotation_do_no_harm(encoder_dir: Path) -> None:
    """Hard hits and blocks teach nothing, and the loss stays finite."""
    nlp = initialized_nlp(encoder_dir, learn_rule_weights=True)
    examples = annotating(nlp, make_examples(nlp, 4))
    for example in examples:
        gold = example.reference.ents[0]
        other = "Disease" if gold.label_ == "Chemical" else "Chemical"
        block: Hit = (gold.start, gold.end, "", "block_words", 0.0)
        hard: Hit = (gold.start, gold.end, other, "hard", 0.0)
        hit(example.predicted, [block, hard], "third")
    ner = nlp.get_pipe("ner_plus")
    assert math.isfinite(ner.update(examples, sgd=Adam(1e-5))["ner_plus"])


@pytest.mark.slow
def test_processes_read_hits(encoder_dir: Path) -> None:
    nlp = initialized_nlp(encoder_dir)
    shake_head(nlp.get_pipe("ner_plus"), scale=0.2, seed=3)
    docs = [eg.predicted for eg in make_examples(nlp, 4)]
    for doc in docs:
        hit(doc, [(1, 3, "Disease", "soft", 50.0)])
    copies = [doc.copy() for doc in docs]
    alone = list(nlp.pipe(docs))
    together = list(nlp.pipe(copies, n_process=2))
    assert [found_in(doc) for doc in together] == [found_in(doc) for doc in alone]
    assert all((1, 3, "Disease") in ents(doc) for doc in alone)
