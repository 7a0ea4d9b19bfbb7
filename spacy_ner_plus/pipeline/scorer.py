"""The registered scorer: entities against gold, with spaCy's rules for missing annotation."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from spacy import registry
from spacy.training import Example

from ..annotation.entity_source import FLAT, EntitySource, EntitySources
from ..annotation.judging import in_reference, judged_gold
from ..metrics.depth_scores import GOLD, PREDICTED, count_by_depth, depth_scores
from ..metrics.spans import count_spans, scores_of
from ..tags import Span as EntitySpan

Scorer = Callable[..., dict[str, Any]]
KEYS = ("p", "r", "f", "micro_f", "macro_f", "per_type")
# What these scores count in choosing a checkpoint, by default; None for those that are only shown.
SCORE_WEIGHTS = {
    "ents_f": 1.0,
    "ents_p": 0.0,
    "ents_r": 0.0,
    "ents_micro_f": None,
    "ents_macro_f": None,
    "ents_per_type": None,
}


@registry.scorers("spacy_ner_plus.ner_scorer.v1")
def make_ner_scorer_v1(spans_key: str | None = None) -> Scorer:
    """A scorer of doc.ents, or of doc.spans[spans_key], where entities may nest.

    spans_key (str): The key; None for where the component that is scored writes all of its
        entities: its own key if they may nest, else doc.ents.
    RETURNS (Callable): See score_entities and score_nested.
    """
    if spans_key is None:
        return score_own_entities
    return partial(score_nested, source=EntitySource(spans_key))


def score_own_entities(
    examples: Iterable[Example],
    *,
    nested_key: str | None = None,
    with_ents: bool = False,
    **kwargs: Any,
) -> dict[str, Any]:
    """Score the entities of the component that asks.

    nested_key (str): Where in doc.spans one whose entities may nest has them; None for doc.ents.
    with_ents (bool): See score_nested.
    RETURNS (Dict[str, Any]): See score_entities and score_nested.
    """
    if nested_key is None:
        return score_entities(examples)
    source = EntitySource(nested_key)
    return score_nested(examples, source=source, nested_key=nested_key, with_ents=with_ents)


def score_entities(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score doc.ents by exact span and label.

    Same rules as spacy.scorer.get_ner_prf: documents without any entity annotation are skipped,
    and a predicted entity that touches a token without annotation, or is of a type that the
    document is not annotated for (doc._.annotated_labels), is neither right nor wrong.

    examples (Iterable[Example]): The predicted and the reference Docs.
    RETURNS (Dict[str, Any]): ents_p, ents_r, ents_f and ents_micro_f (the same as ents_f) over
        all entities; ents_macro_f, the mean of the types' F1; ents_per_type with p, r, f and
        support by label. All are None if no document has annotation or any entity.
    """
    scores = _exact_scores(*count_entities(examples))
    return {f"ents_{key}": value for key, value in scores.items()}


def score_nested(
    examples: Iterable[Example],
    *,
    source: EntitySource,
    nested_key: str | None = None,
    with_ents: bool = False,
    **kwargs: Any,
) -> dict[str, Any]:
    """Score a group of doc.spans by exact span and label, with scores of those inside of others.

    The group is a set of spans: one that is there twice counts once. Documents without annotation
    are skipped, and a predicted span of a type that the document is not annotated for is neither
    right nor wrong. Spans of either side that touch a token without annotation don't count.

    examples (Iterable[Example]): The predicted and the reference Docs.
    source (EntitySource): Where entities are in both.
    nested_key (str): Where in doc.spans the component that asks has its entities.
    with_ents (bool): Whether it learns those of doc.ents, too: then they are gold there.
    RETURNS (Dict[str, Any]): spans_KEY_p and so on, named as spancat's with our further ones: see
        score_entities; spans_KEY_outer_p, _r, _f of outermost spans, spans_KEY_inner_p, _r, _f of
        those inside of others, and spans_KEY_per_depth with p, r, f and support by depth: see
        metrics.depth_scores. Scores of spans that there are none of are None.
    """
    gold = replace(source, with_ents=with_ents and source.spans_key == nested_key)
    spans = judged_spans(examples, EntitySources(gold, source))
    labels, counts = count_spans(*spans)
    scores = _exact_scores(labels, counts.sum(axis=0))
    by_depth = count_by_depth(*spans).sum(axis=0)  # (n_depths, 4)
    for name, its in (("outer", by_depth[:1]), ("inner", by_depth[1:])):
        of_level = _of_depth(its.sum(axis=0))
        scores |= {f"{name}_{key}": of_level[key] for key in "prf"}
    scores["per_depth"] = {
        str(depth): _of_depth(row) for depth, row in enumerate(by_depth) if row.any()
    }
    return {f"{prefix_of(source)}_{key}": value for key, value in scores.items()}


def prefix_of(source: EntitySource) -> str:
    """What the names of scores of entities at a place begin with: "ents", or "spans_KEY"."""
    return f"spans_{source.spans_key}" if source.may_nest else "ents"


def nested_score_weights(spans_key: str) -> dict[str, float | None]:
    """What the scores of a group count in choosing a checkpoint, by default."""
    flat = {key.removeprefix("ents_"): weight for key, weight in SCORE_WEIGHTS.items()}
    further = [f"{level}_{key}" for level in ("outer", "inner") for key in "prf"]
    weights = flat | dict.fromkeys([*further, "per_depth"])
    return {f"spans_{spans_key}_{key}": weight for key, weight in weights.items()}


def count_entities(
    examples: Iterable[Example], sources: EntitySources = FLAT
) -> tuple[list[str], np.ndarray]:
    """Count right, wrong and missed entities, by the rules of score_entities.

    sources (EntitySources): Where the entities of both are.
    RETURNS (Tuple[List[str], np.ndarray]): The labels with gold or predicted entities, and
        (n_labels, 3) true positives, false positives and false negatives.
    """
    labels, counts = count_spans(*judged_spans(examples, sources))
    return labels, counts.sum(axis=0)


def judged_spans(
    examples: Iterable[Example], sources: EntitySources
) -> tuple[list[list[EntitySpan]], list[list[EntitySpan]]]:
    """Gold and predicted entities that can be judged, of each document with annotation.

    RETURNS (Tuple[List[List[Span]], List[List[Span]]]): By document: start, end and label on the
        tokens of the reference.
    """
    known = [example for example in examples if sources.gold.is_set(example.y)]
    found = (
        in_reference(example, sources.predicted.spans(example.x), sources.gold) for example in known
    )
    return (
        [judged_gold(example.y, sources.gold) for example in known],
        [[span for span in spans if span is not None] for spans in found],
    )


def _exact_scores(labels: Sequence[str], counts: np.ndarray) -> dict[str, Any]:
    """Scores by KEYS, all None without labels. counts: (n_labels, 3)."""
    if not labels:
        return dict.fromkeys(KEYS)
    scores = scores_of(counts)
    p, r, f = scores.micro.tolist()
    support = (counts[:, 0] + counts[:, 2]).tolist()
    per_type = {
        label: {**dict(zip("prf", its, strict=True)), "support": n}
        for label, its, n in zip(labels, scores.types.tolist(), support, strict=True)
    }
    return dict(zip(KEYS, (p, r, f, f, float(scores.macro[2]), per_type), strict=True))


def _of_depth(counts: np.ndarray) -> dict[str, Any]:
    """Scores of a row of counts by depth, None where it is of no spans. counts: (4,)."""
    p, r, f = depth_scores(counts).tolist()
    has_gold, has_predicted = bool(counts[GOLD]), bool(counts[PREDICTED])
    return {
        "p": p if has_predicted else None,
        "r": r if has_gold else None,
        "f": f if has_gold or has_predicted else None,
        "support": int(counts[GOLD]),
    }
