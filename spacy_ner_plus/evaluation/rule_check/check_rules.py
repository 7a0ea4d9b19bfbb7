"""Checking rules on annotated data: what `ner-plus rules check` does, for Python."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.training import Example
from tqdm import tqdm

from ...annotation.rule_hits import BLOCK, BLOCK_WORDS
from ...data.blank_pipeline import blank_pipeline
from ...data.corpus import make_corpus_v1
from ...data.doc_files import check_files
from ...pipeline.capabilities import HasRules
from ...pipeline.entity_sources import source_of
from ...pipeline.preparing import load_pipeline
from ...pipeline.rule_matching.rule_reading import is_rules_file
from ..predictions import model_name
from .rule_check_schema import RuleCheck, RuleConflict, RuleScores
from .rule_tally import RuleTally

# By what rules can be sorted: the greatest first, but for names.
SORTS = ("hits", "wrong", "precision", "recall", "never", "name")
_BATCH = 1000
# Phrases that never match are as many as there are phrases; so many are named of each list.
MAX_NEVER = 100


def check_rules(
    rules: Language | str | Path,
    data: str | Path,
    *,
    component: str | None = None,
    lang: str = "en",
    label: str | None = None,
    tokens: str = "reference",
    sort: str = "hits",
    spans_key: str | None = None,
) -> RuleCheck:
    """Check rules on annotated data: what each finds, whether it is right, and what is in its way.

    rules (Union[Language, str, Path]): A file of rules, which is read as
        [initialize.components.ner_plus_rules] does, or a pipeline with a component of rules, or its
        name or folder. The components before it are run.
    data (Union[str, Path]): .spacy file with gold annotation, or a folder of such files.
    component (str): Name of the component, if the pipeline has several of rules.
    lang (str): The language whose tokenizer takes phrases of a file apart.
    label (str): The type of the rules of a file that say none.
    tokens (str): Which tokens are searched: "reference" or "pipeline", see evaluate.
    sort (str): By what the rules are sorted: one of SORTS.
    spans_key (str): Where the annotated entities are: a key of doc.spans, where a hit may be right
        that lies inside another entity; None, or "doc.ents", for doc.ents.
    RETURNS (RuleCheck): All figures.
    RAISES ValueError: If there are no such rules or data, nothing of the data is annotated, or a
        component of a file is named.
    """
    if sort not in SORTS:
        raise ValueError(f"--sort {sort}: use one of {', '.join(SORTS)}.")
    check_files(Path(data))
    nlp, pipe = _rules_of(rules, component, lang, label)
    gold = source_of(None, spans_key)
    tally, limits = RuleTally(pipe.search.meaning.groups, gold), pipe.search.regexes.limits
    n_documents = n_known = n_off_tokens = 0
    before = pipe.refused.copy()
    stream = tqdm(make_corpus_v1(Path(data), tokens)(nlp), unit="docs", disable=None, leave=False)
    for examples in _batches(stream):
        known = [example for example in examples if gold.is_set(example.reference)]
        n_documents, n_known = n_documents + len(examples), n_known + len(known)
        _run_others(nlp, pipe, known)
        found = pipe.find([example.predicted for example in known])
        n_off_tokens += found.n_off_tokens
        tally.add(known, found)
    if not n_known:
        raise ValueError(
            f"None of the {n_documents:,} documents in {data} is annotated in {gold.where}."
        )
    labels = pipe.labels
    return RuleCheck(
        rules=model_name(rules),
        data=str(data),
        spans_key=gold.spans_key,
        documents=n_known,
        documents_without_annotation=n_documents - n_known,
        scores=_sorted(list(_scores(pipe, tally, limits)), sort),
        conflicts=_conflicts(tally, pipe.search.meaning.groups),
        entities=tally.entities.total(),
        right=tally.n_right,
        gold=sum(tally.gold[label] for label in labels),
        off_tokens=n_off_tokens,
        refused=dict(pipe.refused - before),
    )


def _rules_of(
    rules: Language | str | Path, component: str | None, lang: str, label: str | None
) -> tuple[Language, Any]:
    """A pipeline and its component of rules."""
    if not isinstance(rules, Language) and is_rules_file(Path(rules)):
        if component is not None:
            raise ValueError(f"--component {component}: {rules} is a file, so leave it out.")
        nlp = blank_pipeline(lang)
        pipe: Any = nlp.add_pipe("ner_plus_rules")
        pipe.add_rules(Path(rules), **({} if label is None else {"label": label}))
        return nlp, pipe
    nlp = load_pipeline(rules)
    found = {name: pipe for name, pipe in nlp.pipeline if isinstance(pipe, HasRules)}
    if component is None and len(found) == 1:
        [component] = found
    if component not in found:
        one = "one component" if component is None else f"a component {component!r}"
        raise ValueError(
            f"There must be {one} of rules in {model_name(rules)}; it has "
            f"{', '.join(found) or 'none'}. Name one with --component, or give a file of rules."
        )
    return nlp, found[component]


def _batches(stream: Iterable[Example]) -> Iterator[list[Example]]:
    examples = iter(stream)
    while batch := list(islice(examples, _BATCH)):
        yield batch


def _run_others(nlp: Language, pipe: Any, examples: Sequence[Example]) -> None:
    """Run the components that are before the one of rules: patterns may ask for what they set."""
    later = nlp.pipe_names[nlp.pipe_names.index(pipe.name) :]
    docs = nlp.pipe((example.predicted for example in examples), disable=later)
    for example, doc in zip(examples, docs, strict=True):
        example.predicted = doc


def _scores(pipe: Any, tally: RuleTally, limits: Any) -> Iterator[RuleScores]:
    for row in pipe.search.overview(tally.seen, MAX_NEVER):
        group = row.group
        label, kind, name = tally.groups[group]
        is_single = row.form != "phrase"
        n_never = int(not tally.hits[group]) if is_single else row.n_never
        right, wrong, found = tally.right[group], tally.wrong[group], tally.found[group]
        gold = tally.gold[label] if label else tally.gold.total()
        is_block = kind in (BLOCK, BLOCK_WORDS)
        yield RuleScores(
            name=name,
            label=label,
            kind=kind,
            form=row.form,
            n_rules=row.n_rules,
            n_never=n_never,
            never=row.never,
            hits=tally.hits[group],
            right=right,
            wrong=wrong,
            not_judged=tally.not_judged[group],
            entities=tally.entities[group],
            blocked=tally.blocked[group],
            found=found,
            gold=gold,
            timeouts=limits.timeouts[group],
            is_switched_off=group in limits.switched_off,
            precision=right / (right + wrong) if right + wrong else None,
            recall=found / gold if gold and not is_block else None,
        )


def _sorted(scores: list[RuleScores], sort: str) -> list[RuleScores]:
    keys = {
        "hits": lambda its: -its.hits,
        "wrong": lambda its: -its.wrong,
        "precision": lambda its: -(its.precision or 0.0),
        "recall": lambda its: -(its.recall or 0.0),
        "never": lambda its: -its.n_never,
        "name": lambda its: its.name,
    }
    return sorted(scores, key=lambda its: (keys[sort](its), its.name, its.label, its.kind))


def _conflicts(tally: RuleTally, groups: Sequence[Any]) -> list[RuleConflict]:
    return [
        RuleConflict(
            winner=groups[winner].name,
            winner_label=groups[winner].label,
            loser=groups[loser].name,
            loser_label=groups[loser].label,
            n=n,
            example=tally.examples[winner, loser][0],
            winner_example=tally.examples[winner, loser][1],
        )
        for (winner, loser), n in tally.conflicts.most_common()
    ]
