"""Why it decides so: against the model's own scores, weights and probabilities."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from typer.testing import CliRunner

from spacy_ner_plus import explain
from spacy_ner_plus.annotation.rule_hits import SOFT, RuleHit, set_rule_hits
from spacy_ner_plus.cli import app
from spacy_ner_plus.pipeline.features import NerFeatures
from tests.pipeline.samples import TEXTS, make_examples, read_sentences

TEXT = TEXTS[0]


@pytest.fixture(scope="module")
def nlp() -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner_plus_features", name="ner_plus", config={"within_lines": "always"})
    examples = make_examples(nlp, 30)
    nlp.initialize(lambda: examples)
    return nlp


@pytest.fixture(scope="module")
def ner(nlp: Language) -> NerFeatures:
    ner = nlp.get_pipe("ner_plus")
    assert isinstance(ner, NerFeatures)
    return ner


@pytest.fixture(scope="module")
def model_dir(nlp: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explained")
    nlp.to_disk(folder)
    return folder


def hits_on(span: Span, label: str, weight: float) -> list[RuleHit]:
    """One soft hit."""
    return [RuleHit(span.start_char, span.end_char, label, SOFT, weight, "r", "")]


def sentences(nlp: Language) -> list[Doc]:
    return [Doc(nlp.vocab, words=words) for words, _ in read_sentences(45)]


def test_contributions_add_up_to_the_emissions(nlp: Language, ner: NerFeatures) -> None:
    """Exactly: the sums of fp32 weights are taken in fp64."""
    tags = ner.shim.scheme.tags
    for doc in sentences(nlp):
        scores = ner.emissions([doc]).scores.numpy()
        for row, token in enumerate(ner.reasons(doc)):
            for tag, parts in (
                (token.tag, [part.for_tag for part in token.features]),
                (token.other, [part.for_other for part in token.features]),
            ):
                assert np.float32(sum(parts)) == scores[row, tags.index(tag)]


def test_tags_are_those_of_the_entities_with_their_probabilities(
    nlp: Language, ner: NerFeatures
) -> None:
    for doc in sentences(nlp):
        found, tags = ner.reasons(doc), ner.tag_probabilities(doc)
        best = {token: ent for ent in ner(doc).ents for token in range(ent.start, ent.end)}
        assert [reason.token for reason in found] == list(range(len(doc)))
        for reason, row in zip(found, tags.probabilities, strict=True):
            ent = best.get(reason.token)
            assert reason.tag.partition("-")[2] == (ent.label_ if ent else "")
            assert reason.text == doc[reason.token].text
            assert reason.probability == pytest.approx(row[tags.tags.index(reason.tag)])
            others = np.delete(row, tags.tags.index(reason.tag))
            assert reason.other_probability == pytest.approx(others.max())
            differences = [abs(part.difference) for part in reason.features]
            assert differences == sorted(differences, reverse=True)


def test_hits_of_rules_act_on_the_tags(nlp: Language, ner: NerFeatures) -> None:
    """As they do in prediction: on the tags, and not on their probabilities alone."""
    n_changed = 0
    for doc in sentences(nlp)[:10]:
        plain = [reason.tag for reason in ner.reasons(doc)]
        end = min(2, len(doc))
        set_rule_hits(doc, "rules", hits_on(doc[:end], "Chemical", weight=30.0))
        found = ner.reasons(doc)
        n_changed += [reason.tag for reason in found] != plain
        own = [reason.tag.partition("-")[2] for reason in found]
        assert own == [token.ent_type_ for token in ner(doc)]
        assert own[:end] == ["Chemical"] * end
        assert min(reason.probability for reason in found[:end]) > 0.99
    assert n_changed > 5


def test_scores_explain_the_choice(nlp: Language, ner: NerFeatures) -> None:
    """The other tag in a token's place makes no better sequence."""
    for doc in sentences(nlp):
        for reason in ner.reasons(doc):
            gain = sum(part.difference for part in reason.features)
            if reason.before is not None and reason.before_other is not None:
                gain += reason.before - reason.before_other
            if reason.after is not None and reason.after_other is not None:
                gain += reason.after - reason.after_other
            assert gain >= -1e-4


def test_white_space_has_no_reasons(nlp: Language, ner: NerFeatures) -> None:
    doc = Doc(nlp.vocab, words=["a", "\n", "b"])
    assert [reason.token for reason in ner.reasons(doc)] == [0, 2]
    assert ner.reasons(Doc(nlp.vocab)) == []


def test_strongest_weights_are_the_strongest(ner: NerFeatures) -> None:
    shim = ner.shim
    weights, tags = shim.module.head.weight.detach().numpy(), shim.scheme.tags
    names = shim.index.names(np.arange(shim.index.n_rows))
    for label in (*ner.labels, "O"):
        own = [i for i, tag in enumerate(tags) if tag == label or tag.endswith(f"-{label}")]
        expected = sorted(weights[:, own].ravel())
        found = ner.strongest_weights(label, 7)
        assert [one.weight for one in found.pro] == pytest.approx(expected[::-1][:7])
        assert [one.weight for one in found.contra] == pytest.approx(expected[:7])
        for one in (*found.pro, *found.contra):
            assert weights[names.index(one.feature), tags.index(one.tag)] == one.weight
        transition = shim.decoder.transition.detach().numpy()
        for pair in found.transitions:
            before, after = tags.index(pair.before), tags.index(pair.after)
            assert shim.scheme.transitions[before, after]
            assert {before, after} & set(own)
            assert transition[before, after] == pair.weight


def test_few_features_speak_against_nothing(ner: NerFeatures) -> None:
    """Of more than there are, weights of 0 are left out."""
    found = ner.strongest_weights("Disease", 10**6)
    assert all(one.weight > 0 for one in found.pro)
    assert all(one.weight < 0 for one in found.contra)


# The face and the command


def test_explain_gives_labels_or_a_text(nlp: Language, model_dir: Path) -> None:
    found = explain(model_dir, n=3)
    assert [one.label for one in found.labels] == ["Chemical", "Disease", "O"]
    assert not found.tokens
    assert all(len(one.pro) == 3 for one in found.labels)
    found = explain(nlp, text=TEXT)
    assert not found.labels
    assert [one.text for one in found.tokens] == TEXT.split()
    doc = nlp(TEXT)
    assert found.entities == [(e.text, e.label_, e._.probability) for e in doc.ents] != []


def test_explain_prints(model_dir: Path) -> None:
    run = CliRunner()
    done = run.invoke(app, ["explain", str(model_dir), "--label", "Disease", "-n", "2"])
    assert done.exit_code == 0, done.output
    assert "B-Disease -> L-Disease" in done.output
    assert "Chemical" not in done.output.replace("-Chemical", "")
    done = run.invoke(app, ["explain", str(model_dir), "--text", TEXT])
    assert done.exit_code == 0, done.output
    assert all(word in done.output for word in TEXT.split())
    assert "forbidden" in done.output
    assert "'thrombosis'  Disease" in done.output
    done = run.invoke(app, ["explain", str(model_dir), "--text", "Nothing ."])
    assert "No entity is found." in done.output


def test_explain_tells_what_rules_decide(model_dir: Path, tmp_path: Path) -> None:
    nlp = spacy.load(model_dir)
    rules: Any = nlp.add_pipe("ner_plus_rules", before="ner_plus")
    rules.add_phrases(["a"], "Disease", rule="letters")
    rules.add_rules([{"phrase": "b", "kind": "block", "rule": "none"}])
    found = explain(nlp, text="a b c")
    assert found.rules == [("a", "Disease", "hard", "letters"), ("b", "", "block", "none")]
    assert explain(nlp, text="c").rules == []
    nlp.to_disk(tmp_path)
    done = CliRunner().invoke(app, ["explain", str(tmp_path), "--text", "a b c"])
    assert "The rule 'letters' acts on 'a': hard, Disease" in done.output
    assert "The rule 'none' acts on 'b': block, any type" in done.output


def test_explain_refuses(model_dir: Path) -> None:
    with pytest.raises(ValueError, match="knows no label 'Gene'"):
        explain(model_dir, labels=["Gene"])
    with pytest.raises(ValueError, match="n = 0 must be at least 1"):
        explain(model_dir, n=0)
    blank = spacy.blank("en")
    with pytest.raises(ValueError, match="no component 'ner_plus' that can say why"):
        explain(blank)
    blank.add_pipe("ner_plus")
    with pytest.raises(ValueError, match="one with hand-written features"):
        explain(blank)
    blank.remove_pipe("ner_plus")
    blank.add_pipe("ner_plus_features", name="ner_plus").add_label("X")
    with pytest.raises(ValueError, match="no weights yet"):
        explain(blank)
