"""What a training of nested entities needs, looked at before it begins."""

from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin
from thinc.api import Config

from spacy_ner_plus.pipeline.scorer import nested_score_weights
from spacy_ner_plus.training.prerequisites import check_corpora, check_pipeline
from spacy_ner_plus.training.sourced import check_sourced_labels
from tests.pipeline.spans.nested_samples import (
    LABELS,
    nested_example,
    nested_examples,
    spans_nlp,
    spans_pipe,
)

NAME = "a.cfg"


def config(**settings: object) -> Config:
    """That of a pipeline with a component of spans, as `spacy init fill-config` leaves it."""
    return spans_nlp(**settings).config


def test_scores_of_the_components_group_choose_the_checkpoint() -> None:
    made = config()
    weights = made["training"]["score_weights"]
    assert weights == nested_score_weights("sc")
    assert isinstance(check_pipeline(made, NAME), Language)


def test_scores_of_another_group_are_refused() -> None:
    made = config(spans_key="genia")
    message = r"a\.cfg: .*spans_sc_f, but 'ner_plus_spans' writes to .*'genia'.*Weigh spans_genia_f"
    with pytest.raises(ValueError, match=message):
        check_pipeline(made, NAME)
    made["training"]["score_weights"] = {**nested_score_weights("genia"), "spans_sc_f": None}
    check_pipeline(made, NAME)


@pytest.mark.parametrize("place", ["group", "doc.ents", None])
def test_corpora_are_looked_at_where_the_component_learns_from(
    place: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nlp = spans_nlp()
    docs = [example.reference for example in nested_examples(spacy.blank("en"))]
    assert not any(doc.ents for doc in docs)
    if place is None:
        docs = [doc for doc in docs if not doc.spans["sc"]]
    elif place == "doc.ents":
        docs[0].ents = list(docs[0].spans.pop("sc"))[:1]
        docs = docs[:1]
    DocBin(docs=docs).to_disk(tmp_path / "data.spacy")
    made = nlp.config
    for part in ("train", "dev"):
        made["corpora"][part]["path"] = str(tmp_path / "data.spacy")
    check_corpora(made, nlp, NAME)
    assert ("has no entities" in " ".join(capsys.readouterr().out.split())) == (place is None)


@pytest.mark.parametrize("in_group", [True, False])
def test_types_that_a_component_from_elsewhere_lacks_are_refused(in_group: bool) -> None:
    nlp = spans_nlp()
    for label in LABELS:
        spans_pipe(nlp).add_label(label)
    sourced = Config({"components": {"ner_plus_spans": {"source": "elsewhere"}}})
    known, unknown = (nested_example(nlp, "a b c", [(0, 2, x)]) for x in (LABELS[0], "NEW"))
    if not in_group:
        unknown.reference.ents = unknown.reference.spans.pop("sc")
    check_sourced_labels(nlp, lambda nlp: [known], sourced, frozen=[])
    check_sourced_labels(nlp, lambda nlp: [known, unknown], sourced, frozen=["ner_plus_spans"])
    with pytest.raises(ValueError, match=r"has the entity 'a b' of type 'NEW', but .* knows only"):
        check_sourced_labels(nlp, lambda nlp: [known, unknown], sourced, frozen=[])
