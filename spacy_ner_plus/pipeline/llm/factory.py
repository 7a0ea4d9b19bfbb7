"""`nlp.add_pipe("ner_plus_llm")`: the component's factory and its settings."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from thinc.api import Config

from ..llm_reading.llm_settings import LlmSettings
from ..scorer import SCORE_WEIGHTS
from ..shared_keys import warn_of_shared_key
from ..thresholds import Threshold
from ..validators import Validators
from .component import NerPlusLlm

DEFAULT_CONFIG = """
[ner_plus_llm]
model = "model"
base_url = "http://127.0.0.1:8000/v1"
labels = ["ENTITY"]
api = "chat"
key_variable = "OPENAI_API_KEY"
n_shots = 5
shots_by = "nearest"
encoder = null
max_example_tokens = 100
temperature = 0.0
max_tokens = 1024
log_probabilities = false
extra = {}
samples = 1
least_share = 0.5
seed = 0
schema = "auto"
chunk_tokens = 400
chunk_overlap = 40
repeats = "in_order"
fuzzy = 0.75
check_prompt_length = true
cache = null
workers = 4
timeout = 120.0
max_attempts = 5
max_failures = 5
max_bytes = 4000000
prompt_price = 0.0
completion_price = 0.0
max_cost = null
max_total_tokens = null
existing_ents = "keep"
spans_key = null
threshold = null
validators = null

[ner_plus_llm.scorer]
@scorers = "spacy_ner_plus.ner_scorer.v1"
spans_key = null
"""


@Language.factory(
    "ner_plus_llm",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type"],
    default_config=Config().from_str(DEFAULT_CONFIG)["ner_plus_llm"],
    default_score_weights=SCORE_WEIGHTS,
)
def make_ner_plus_llm(
    nlp: Language,
    name: str,
    model: str,
    base_url: str,
    labels: dict[str, Any] | list[str],
    api: str,
    key_variable: str,
    n_shots: int,
    shots_by: str,
    encoder: str | None,
    max_example_tokens: int,
    temperature: float,
    max_tokens: int,
    log_probabilities: bool,
    extra: dict[str, Any],
    samples: int,
    least_share: float,
    seed: int,
    schema: str,
    chunk_tokens: int,
    chunk_overlap: int,
    repeats: str,
    fuzzy: float | None,
    check_prompt_length: bool,
    cache: str | None,
    workers: int,
    timeout: float,
    max_attempts: int,
    max_failures: int,
    max_bytes: int,
    prompt_price: float,
    completion_price: float,
    max_cost: float | None,
    max_total_tokens: int | None,
    existing_ents: str,
    spans_key: str | None,
    threshold: Threshold,
    validators: Validators,
    scorer: Callable[..., dict[str, Any]] | None,
) -> NerPlusLlm:
    """Create the component. Nothing is asked before a document comes.

    encoder (str): A folder with a transformer, by whose vectors examples are chosen; None to choose
        them by their words.
    existing_ents (str): "keep" drops entities that overlap those that are on the Doc already;
        "overwrite" replaces these.
    spans_key (str): doc.spans[spans_key] holds the entities; None to leave it out.
    threshold (float / Dict[str, float]): Entities with a lower probability are left out; those
        whose probability is not known stay.
    validators (Dict[str, Union[str, Dict[str, str]]]): What entities must satisfy, by type: see
        make_ner_plus_rules.
    scorer (Callable): The scoring method.
    model, base_url, labels, api, key_variable, n_shots, shots_by, max_example_tokens, temperature,
        max_tokens, log_probabilities, extra, samples, least_share, seed, schema, chunk_tokens,
        chunk_overlap, repeats, fuzzy, check_prompt_length, cache, workers, timeout, max_attempts,
        max_failures, max_bytes, prompt_price, completion_price, max_cost, max_total_tokens: See
        LlmSettings.
    """
    warn_of_shared_key(nlp, name, spans_key)
    llm = LlmSettings(
        model=model,
        base_url=base_url,
        labels=labels,
        api=api,
        key_variable=key_variable,
        n_shots=n_shots,
        shots_by=shots_by,
        max_example_tokens=max_example_tokens,
        temperature=temperature,
        max_tokens=max_tokens,
        log_probabilities=log_probabilities,
        extra=extra,
        samples=samples,
        least_share=least_share,
        seed=seed,
        schema=schema,
        chunk_tokens=chunk_tokens,
        chunk_overlap=chunk_overlap,
        repeats=repeats,
        fuzzy=fuzzy,
        check_prompt_length=check_prompt_length,
        cache=cache,
        workers=workers,
        timeout=timeout,
        max_attempts=max_attempts,
        max_failures=max_failures,
        max_bytes=max_bytes,
        prompt_price=prompt_price,
        completion_price=completion_price,
        max_cost=max_cost,
        max_total_tokens=max_total_tokens,
    )
    return NerPlusLlm(
        nlp,
        name,
        llm=llm,
        encoder=encoder,
        existing_ents=existing_ents,
        spans_key=spans_key,
        threshold=threshold,
        validators=validators,
        scorer=scorer,
    )
