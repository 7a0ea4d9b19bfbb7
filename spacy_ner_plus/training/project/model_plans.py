"""The plan of each kind of model, and which kind it is to be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import ClassVar

from spacy.tokens import Doc

from ...annotation.entity_source import EntitySource
from ...annotation.lying_spans import lying_spans
from .encoders import Encoder
from .facts import count_sentences, data_facts
from .model_choice import ModelWishes, choose_model
from .plan_steps import Passes, plan_batch, plan_steps
from .planned import Choice, ModelPlan
from .planning import WARMUP, DataFacts, DeviceFacts, EncoderFacts, make_plan
from .span_plan import plan_spans

# All but the word vectors begins with nothing, so it learns from many small steps.
BILSTM_PASSES = Passes(usual=15, least_steps=800, most=60)
BILSTM_WORDS = {"cpu": 500, "cuda": 1000}
BILSTM_RATE = 0.002


@dataclass(frozen=True)
class BiLstmPlan(ModelPlan):
    """The settings of a BiLSTM's config that depend on data and device."""

    kind: ClassVar[str] = "bilstm"

    batch_words: Choice
    max_steps: Choice
    eval_frequency: Choice
    warmup_steps: Choice
    initial_rate: Choice


@dataclass(frozen=True)
class FeaturesPlan(ModelPlan):
    """A feature CRF: its usual settings suit any data."""

    kind: ClassVar[str] = "features"
    flat_factory: ClassVar[str] = "ner_plus_features"


@dataclass(frozen=True)
class RulesPlan(ModelPlan):
    """Rules, which somebody writes."""

    kind: ClassVar[str] = "rules"
    flat_factory: ClassVar[str] = "ner_plus_rules"
    flat_component: ClassVar[str] = "ner_plus_rules"


def plan_model(
    wishes: ModelWishes,
    train: Sequence[Doc],
    dev: Sequence[Doc],
    encoder: Encoder,
    device: DeviceFacts,
) -> ModelPlan:
    """Choose a kind of model, and plan its training.

    train, dev (Sequence[Doc]): Where entities overlap, they are in the group that wishes name.
    RAISES ValueError: For wishes that can't be.
    """
    choice = choose_model(wishes, count_sentences(train), encoder.facts, device)
    data = data_facts(train, dev, encoder.tokenizer)
    spans = None
    if wishes.spans_key is not None:
        source = EntitySource(wishes.spans_key)
        spans = plan_spans(lying_spans(train, source), wishes.spans_key)
    return replace(_MAKERS[choice.kind](data, encoder.facts, device), why=choice.why, spans=spans)


def plan_bilstm(data: DataFacts, encoder: EncoderFacts, device: DeviceFacts) -> BiLstmPlan:
    """ModelPlan the training of a BiLSTM. It has no encoder that would count."""
    batch_words = plan_batch(data.words, BILSTM_WORDS[device.kind])
    max_steps, eval_frequency = plan_steps(
        data.words, data.dev_words, int(batch_words.value), BILSTM_PASSES
    )
    return BiLstmPlan(
        about=f"For {data.words:,} words of training data, and a {device}",
        batch_words=batch_words,
        max_steps=max_steps,
        eval_frequency=eval_frequency,
        warmup_steps=Choice(ceil(int(max_steps.value) / WARMUP), "A tenth of max_steps"),
        initial_rate=Choice(
            BILSTM_RATE, "A network that begins with nothing: 0.001 to 0.003 are usual"
        ),
    )


def plan_features(data: DataFacts, encoder: EncoderFacts, device: DeviceFacts) -> FeaturesPlan:
    """ModelPlan the training of a feature CRF."""
    return FeaturesPlan(about=f"For {data.words:,} words of training data")


def plan_rules(data: DataFacts, encoder: EncoderFacts, device: DeviceFacts) -> RulesPlan:
    """ModelPlan a pipeline of rules."""
    return RulesPlan(about=f"For the entities of {data.words:,} words of training data")


_MAKERS: dict[str, Callable[[DataFacts, EncoderFacts, DeviceFacts], ModelPlan]] = {
    "transformer": make_plan,
    "bilstm": plan_bilstm,
    "features": plan_features,
    "rules": plan_rules,
}
