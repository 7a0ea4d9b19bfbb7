"""What rules find in a Doc, by looking at every span and every rule, one after the other."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import regex
from spacy.language import Language
from spacy.matcher import Matcher
from spacy.tokens import Doc

from spacy_ner_plus.annotation.rule_hits import RuleHit
from spacy_ner_plus.pipeline.rule_matching.rule import PHRASE, TOKENS, Rule


class Hit(NamedTuple):
    start: int
    end: int
    order: int  # of the rule
    rule: Rule


def all_hits(nlp: Language, doc: Doc, rules: Sequence[Rule]) -> list[Hit]:
    hits = []
    for order, rule in enumerate(rules):
        spans = sorted(set(spans_of(nlp, doc, rule)))
        hits += [Hit(start, end, order, rule) for start, end in spans]
    return hits


def spans_of(nlp: Language, doc: Doc, rule: Rule) -> list[tuple[int, int]]:
    if rule.form == PHRASE:
        wanted = forms(nlp.make_doc(str(rule.pattern)), rule.attribute)
        n = len(wanted)
        found = forms(doc, rule.attribute)
        return [(i, i + n) for i in range(len(doc) - n + 1) if found[i : i + n] == wanted]
    if rule.form == TOKENS:
        matcher = Matcher(doc.vocab)
        matcher.add("rule", [rule.pattern])  # type: ignore[list-item]
        return [(start, end) for _, start, end in matcher(doc)]
    chars = [match.span() for match in regex.finditer(str(rule.pattern), doc.text)]
    spans = [doc.char_span(*span) for span in chars]
    return [(span.start, span.end) for span in spans if span is not None]


def forms(doc: Doc, attribute: str) -> list[str]:
    return [getattr(token, f"{attribute.lower()}_".replace("orth_", "text")) for token in doc]


def is_blocked(hit: Hit, hits: Sequence[Hit]) -> bool:
    for other in hits:
        if other.rule.label in ("", hit.rule.label):
            same = (other.start, other.end) == (hit.start, hit.end)
            touch = other.start < hit.end and hit.start < other.end
            if (other.rule.kind == "block" and same) or (
                other.rule.kind == "block_words" and touch
            ):
                return True
    return False


def is_free(hit: Hit, existing: Collection[tuple[int, int, str]]) -> bool:
    """Whether a hit touches no entity that is there, or is one of them."""
    touched = [one for one in existing if one[0] < hit.end and hit.start < one[1]]
    return not touched or (hit.start, hit.end, hit.rule.label) in existing


def decide(
    hits: Sequence[Hit],
    *,
    soft_ents: bool = False,
    existing: Collection[tuple[int, int, str]] = (),
) -> tuple[list[tuple[int, int, str, str]], set[tuple[int, int, str, str]]]:
    """The entities, with ids, and the spans, labels and kinds of hits that travel on."""
    order = [
        h
        for h in hits
        if (h.rule.kind == "hard" or (soft_ents and h.rule.kind == "soft" and h.rule.weight > 0))
        and not is_blocked(h, hits)
        and is_free(h, existing)
    ]
    order.sort(key=lambda h: (h.rule.kind != "hard", h.start - h.end, h.start, h.order))
    chosen: list[Hit] = []
    for hit in order:
        if all(hit.end <= other.start or other.end <= hit.start for other in chosen):
            chosen.append(hit)
    travel = [h for h in hits if "block" in h.rule.kind]
    travel += [h for h in hits if h.rule.kind == "soft" and not is_blocked(h, hits)]
    travel += [h for h in chosen if h.rule.kind == "hard"]
    entities = sorted((h.start, h.end, h.rule.label, h.rule.id) for h in chosen)
    return entities, {(h.start, h.end, h.rule.label, h.rule.kind) for h in travel}


def travelling(doc: Doc, hits: list[RuleHit]) -> set[tuple[int, int, str, str]]:
    """The same of doc._.rule_hits."""
    spans = [(doc.char_span(hit.start, hit.end), hit.label, hit.kind) for hit in hits]
    return {(span.start, span.end, label, kind) for span, label, kind in spans}  # type: ignore
