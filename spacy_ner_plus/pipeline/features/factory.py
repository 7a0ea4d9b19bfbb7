"""`nlp.add_pipe("ner_plus_features")`: the component's factory and its settings."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config, Model

from ...annotation.unknown_group import INCORRECT_SPANS
from ...models.decoding.emissions import Emissions
from ..scorer import SCORE_WEIGHTS
from ..shared_keys import warn_of_shared_key
from ..validators import Validators
from .component import NerFeatures
from .options import TrainerSettings

DEFAULT_CONFIG = """
[ner_plus_features]
tag_scheme = "BILOU"
existing_ents = "keep"
spans_key = "ner_plus"
threshold = null
label_weights = null
label_smoothing = 0.0
focal_gamma = 0.0
within_lines = "never"
within_sentences = false
validators = null
incorrect_spans_key = "incorrect_spans"
trainer = "auto"
c1 = 0.1
c2 = 0.1
max_iterations = 100
min_freq = 1
fine_tune = false

[ner_plus_features.scorer]
@scorers = "spacy_ner_plus.ner_scorer.v1"
spans_key = null

[ner_plus_features.model]
@architectures = "spacy_ner_plus.FeatureTagger.v1"
clusters = null
"""


@Language.factory(
    "ner_plus_features",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config=Config().from_str(DEFAULT_CONFIG)["ner_plus_features"],
    default_score_weights=SCORE_WEIGHTS,
)
def make_ner_plus_features(
    nlp: Language,
    name: str,
    model: Model[list[Doc], Emissions],
    tag_scheme: str,
    existing_ents: str,
    spans_key: str | None,
    threshold: float | dict[str, float] | None,
    label_weights: str | dict[str, float] | None,
    label_smoothing: float,
    within_lines: str,
    within_sentences: bool,
    trainer: str,
    c1: float,
    c2: float,
    max_iterations: int,
    min_freq: int,
    fine_tune: bool,
    scorer: Callable[..., dict[str, Any]] | None,
    validators: Validators = None,
    focal_gamma: float = 0.0,
    incorrect_spans_key: str | None = INCORRECT_SPANS,
) -> NerFeatures:
    """Create the component.

    model (Model[List[Doc], Emissions]): FeatureTagger.v1.
    tag_scheme, existing_ents, spans_key, threshold, label_weights, label_smoothing, focal_gamma,
        within_lines, within_sentences, validators, incorrect_spans_key, scorer: See make_ner_plus.
    trainer (str): What learns the weights in initialize: "crfsuite", for complete annotation
        without label_weights, label_smoothing and focal_gamma, and without spans that are known to
        be wrong where it is missing; "torch", for any; "auto" takes the first that can. Only
        "crfsuite" needs the extra `features`, and only in training.
    c1, c2 (float): Weights of the sums of absolute values and of squares in the objective. With a
        larger c1, fewer features are kept.
    max_iterations (int): Of L-BFGS.
    min_freq (int): Features that fewer tokens of the training data have are left out.
    fine_tune (bool): Whether `update` learns on, by steps of the optimizer. If not, it measures the
        loss alone.
    """
    warn_of_shared_key(nlp, name, spans_key)
    return NerFeatures(
        nlp.vocab,
        model,
        name,
        tag_scheme=tag_scheme,
        existing_ents=existing_ents,
        spans_key=spans_key,
        threshold=threshold,
        label_weights=label_weights,
        label_smoothing=label_smoothing,
        focal_gamma=focal_gamma,
        within_lines=within_lines,
        within_sentences=within_sentences,
        validators=validators,
        incorrect_spans_key=incorrect_spans_key,
        training=TrainerSettings(
            trainer=trainer, c1=c1, c2=c2, max_iterations=max_iterations, min_freq=min_freq
        ),
        fine_tune=fine_tune,
        scorer=scorer,
    )
