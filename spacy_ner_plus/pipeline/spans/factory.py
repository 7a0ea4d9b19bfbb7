"""`nlp.add_pipe("ner_plus_spans")`: the component's factory and its settings."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config, Model

from ...annotation.unknown_group import INCORRECT_SPANS
from ...models.decoding.row_features import RowFeatures
from ..scorer import nested_score_weights
from ..shared_keys import warn_of_shared_key
from ..validators import Validators
from .component import NerPlusSpans

DEFAULT_CONFIG = """
[ner_plus_spans]
spans_key = "sc"
allow = "all"
threshold = null
set_ents = false
existing_ents = "keep"
learn_ents = true
label_weights = null
negative_weight = 1.0
boundary_smoothing = 0.0
validators = null
incorrect_spans_key = "incorrect_spans"

[ner_plus_spans.scorer]
@scorers = "spacy_ner_plus.ner_scorer.v1"
spans_key = null

[ner_plus_spans.model]
@architectures = "spacy_ner_plus.TransformerSpans.v1"
name = "roberta-base"
word_forms = "auto"
pooling = "first"
window = 256
overlap = 16
head = "biaffine"
max_width = 12
hidden_width = 128
convolutions = 1
channels = 64
chains = "labels"
max_levels = 3
tag_scheme = "BILOU"
dropout = 0.1
head_lr_scale = 10.0
lr_decay = 1.0
freeze = null
precision = "auto"
device = "auto"
max_batch_pieces = 8192
gradient_checkpointing = false
runtime = "torch"
mix_layers = 0
context = 0
characters = null
"""


@Language.factory(
    "ner_plus_spans",
    assigns=["doc.spans"],
    default_config=Config().from_str(DEFAULT_CONFIG)["ner_plus_spans"],
    default_score_weights=nested_score_weights("sc"),
)
def make_ner_plus_spans(
    nlp: Language,
    name: str,
    model: Model[list[Doc], RowFeatures],
    spans_key: str,
    allow: str,
    threshold: float | dict[str, float] | None,
    set_ents: bool,
    existing_ents: str,
    learn_ents: bool,
    label_weights: str | dict[str, float] | None,
    negative_weight: float,
    boundary_smoothing: float,
    scorer: Callable[..., dict[str, Any]] | None,
    validators: Validators = None,
    incorrect_spans_key: str | None = INCORRECT_SPANS,
) -> NerPlusSpans:
    """Create the component.

    The probability of a span is that of exactly this span with exactly this label. With a biaffine
    head, each span and label is a question of its own, whose answer is the sigmoid of its score.
    With a CRF for each label and level it is 1 - product of (1 - p) over the levels, with the exact
    p of each. Either is put on the line of `calibrate`, if there is one.

    model (Model[List[Doc], RowFeatures]): TransformerSpans.v1 or TokenSpans.v1, with a head that
        is "biaffine", "crf_per_label" or "both": see build_transformer_spans_v1.
    spans_key (str): doc.spans[spans_key] is where annotated spans are looked for, and where found
        ones are written, with their probabilities as .attrs["scores"]. The default is that of
        spaCy's spancat, displaCy and scorer: data and code made for these work as they are.
    allow (str): Which spans may be found together: "all"; "nested", none that cross, which means to
        overlap with neither inside the other; "flat", none that overlap. It is the best such set.
    threshold (float / Dict[str, float]): The least probability of a span: one value for all, or one
        per type. Where none is set, it is 0.5 before the model is calibrated, and what `calibrate`
        finds best after: half of the F1 that is expected then.
    set_ents (bool): Whether doc.ents gets the best spans that do not overlap, whatever `allow` is,
        with ent._.probability given that none overlap.
    existing_ents (str): What becomes of entities and blocked tokens that are in doc.ents already,
        with set_ents: "keep" leaves them, and takes the best spans beside them; "overwrite"
        replaces them.
    learn_ents (bool): Whether the entities of doc.ents are learned, too, and so are gold in scores.
        What is in both counts once. A document that lacks doc.spans[spans_key] is annotated as its
        doc.ents says.
    label_weights (Dict[str, float] / str): What training multiplies the odds of each type's spans
        by, beyond what the data say: recall for precision. "balanced" takes the inverse of the
        types' numbers.
    negative_weight (float): How much a span that is none counts in the loss of a biaffine head.
        Probabilities are corrected for it. CRFs know no such spans, and refuse it.
    boundary_smoothing (float): Of a biaffine head: share of each annotated span that is given to
        those whose start or end differs by a token.
    scorer (Callable): The scoring method. That of the default config scores doc.spans[spans_key].
        With another key than "sc", name its scores in [training.score_weights]: spans_KEY_f.
    validators (Dict[str, Union[str, Dict[str, str]]]): What the text of spans must satisfy, by
        type: the name of a checksum ("iban", "isbn", "luhn"), or {"regex": "..."} that all of it
        must match. Others are left out, and counted in `refused`.
    incorrect_spans_key (str): doc.spans[incorrect_spans_key] of the annotation holds spans that are
        known to be wrong, as with spaCy's ner; None for no such. They are learned where nothing
        else is known, too: a biaffine head takes them for known not to have the label, and CRFs,
        exactly, for spans that are in none of the label's chains.
    """
    warn_of_shared_key(nlp, name, spans_key)
    return NerPlusSpans(
        nlp.vocab,
        model,
        name,
        spans_key=spans_key,
        allow=allow,
        threshold=threshold,
        set_ents=set_ents,
        existing_ents=existing_ents,
        learn_ents=learn_ents,
        label_weights=label_weights,
        negative_weight=negative_weight,
        boundary_smoothing=boundary_smoothing,
        scorer=scorer,
        validators=validators,
        incorrect_spans_key=incorrect_spans_key,
    )
