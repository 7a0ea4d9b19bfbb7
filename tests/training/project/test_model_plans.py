"""Plans of the kinds of models beside transformers, and which plan data get."""

from math import ceil

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus.training.project.encoders import choose_encoder
from spacy_ner_plus.training.project.model_choice import ModelWishes
from spacy_ner_plus.training.project.model_plans import BILSTM_PASSES, plan_bilstm, plan_model
from spacy_ner_plus.training.project.model_table import AUTO, KINDS
from spacy_ner_plus.training.project.planning import DataFacts
from tests.training.project.test_planning import CPU, CUDA, MINILM, data_of, values_of

NLP = spacy.blank("en")
words = st.integers(min_value=1, max_value=3_000_000)


@given(words, words, st.sampled_from([CPU, CUDA]))
def test_any_plan_of_a_bilstm_can_be_trained(n_words: int, n_dev: int, device: object) -> None:
    data = DataFacts(n_words, n_dev, long_document=60, is_counted=True)
    plan = values_of(plan_bilstm(data, MINILM, device))
    assert plan["max_steps"] % plan["eval_frequency"] == 0
    assert 1 <= plan["warmup_steps"] < plan["max_steps"]
    pass_steps = ceil(n_words / plan["batch_words"])
    most = max(
        BILSTM_PASSES.usual * pass_steps,
        min(BILSTM_PASSES.least_steps, BILSTM_PASSES.most * pass_steps),
    )
    assert BILSTM_PASSES.usual * pass_steps <= plan["max_steps"] <= 1.11 * most + 10


def test_a_bilstm_reads_its_data_more_often_than_a_transformer() -> None:
    data = data_of(118_170, 117_453)
    plan = plan_bilstm(data, MINILM, CPU)
    assert plan.max_steps.why == f"{BILSTM_PASSES.usual} passes over 118,170 words"


@pytest.mark.parametrize("kind", KINDS)
def test_plan_is_of_the_kind_that_is_asked_for(kind: str) -> None:
    train = [NLP.make_doc("Aspirin helps.")]
    plan = plan_model(ModelWishes(kind), train, [], choose_encoder(None), CPU)
    assert (plan.kind, plan.why) == (kind, "")
    assert "3 words" in plan.about


def test_plan_says_why_it_is_of_its_kind() -> None:
    train = [NLP.make_doc("Aspirin helps.")]
    plan = plan_model(ModelWishes(AUTO), train, [], choose_encoder(None), CPU)
    assert plan.kind == "rules"
    assert plan.why.startswith("1 annotated sentences")
    assert plan.rows() == []
