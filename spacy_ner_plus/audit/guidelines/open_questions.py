"""The questions that data raise: what was done in two ways, often enough to be no slip."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from itertools import permutations

from .case import Question
from .edge_counts import open_edges
from .form_counts import count_forms
from .joint import ONE, TWO, Joined
from .marked_text import MarkedText
from .nested import Nested, is_within
from .surface_form import NEVER, SurfaceForm

# The rarer practices must be so frequent; below these shares they are more likely slips, and of
# forms also names that are common words elsewhere.
FEWEST_CASES, LEAST_SHARE, LEAST_SHARE_OF_FORMS = 2, 0.05, 0.1
# Forms in one question.
MOST_FORMS = 6


def open_questions(texts: Sequence[MarkedText], most: int) -> Iterator[tuple[str, Question]]:
    """What is to be decided, with the entity type that it is about most.

    most (int): Questions of a kind and a type, the most doubtful first.
    """
    for edge in open_edges(texts, most):
        yield edge.label, edge
    yield from _open_joints(texts, most)
    yield from _open_forms(texts, most)
    yield from _open_nestings(texts, most)


def is_open(practices: Counter[str], least_share: float) -> bool:
    """Whether more than one thing is done, and that is hardly a slip."""
    rest = _doubt(practices)
    return rest >= FEWEST_CASES and rest >= least_share * practices.total()


def _doubt(practices: Counter[str]) -> int:
    """Cases of other practices than the most frequent."""
    return practices.total() - max(practices.values(), default=0)


def _open_joints(texts: Sequence[MarkedText], most: int) -> Iterator[tuple[str, Question]]:
    joints: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for text in texts:
        _count_joints(text, joints)
    asked = {
        (label, word): its
        for (label, word), its in joints.items()
        if is_open(its, LEAST_SHARE) and not _closes(word)
    }
    for label, words in _ranked(asked).items():
        for word in words[:most]:
            yield label, Joined(label, (word,))


def _count_joints(text: MarkedText, joints: dict[tuple[str, str], Counter[str]]) -> None:
    """Words within entities, and single ones between two of one type."""
    after = defaultdict(set)
    for entity in text.entities:
        after[entity.start, entity.label].add(entity)
        for word in set(text.words[entity.start + 1 : entity.end - 1]):
            joints[entity.label, word][ONE] += 1
    for start, end, label in text.entities:
        for other in after.get((end + 1, label), ()):
            whole = (start, other.end)
            word = text.words[end]
            is_between = text.is_one_sentence(*whole) and text.is_free((end, end + 1), whole)
            if is_between and not text.has(whole, label):
                joints[label, word][TWO] += 1


def _closes(word: str) -> bool:
    """Closing brackets and quotes join nothing."""
    return all(unicodedata.category(char) in ("Pe", "Pf") for char in word)


def _open_forms(texts: Sequence[MarkedText], most: int) -> Iterator[tuple[str, Question]]:
    """Forms one by one; together where the doubt is between the same two types."""
    forms: dict[tuple[str, str], Counter[str]] = {}
    for form, practices in count_forms(texts).items():
        counts = Counter({name or NEVER: n for name, n in practices.items()})
        if is_open(counts, LEAST_SHARE_OF_FORMS):
            forms[_first_two(counts)[0], form] = counts
    for label, found in _ranked(forms).items():
        groups: dict[Hashable, list[str]] = {}
        for form in found:
            _, second = _first_two(forms[label, form])
            groups.setdefault(second if second != NEVER else (form,), []).append(form)
        for group in list(groups.values())[:most]:
            yield label, SurfaceForm(tuple(group[:MOST_FORMS]))


def _first_two(practices: Counter[str]) -> tuple[str, str]:
    """The most frequent type, and what is most frequent besides it."""
    ranked = sorted(practices, key=lambda name: (-practices[name], name))
    first = next(name for name in ranked if name != NEVER)
    return first, next(name for name in ranked if name != first)


def _open_nestings(texts: Sequence[MarkedText], most: int) -> Iterator[tuple[str, Question]]:
    """Types that are within others, the most frequent first: flat data have none."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for owners in text.owners.values():
            for inner, outer in permutations(owners, 2):
                # once for each pair: at the first word of the inner one
                if is_within(inner, outer) and text.owners[inner.start] is owners:
                    found[inner.label][outer.label] += 1
    for label, counts in sorted(found.items()):
        frequent = [(-n, within) for within, n in counts.items() if n >= FEWEST_CASES]
        for _, within in sorted(frequent)[:most]:
            yield label, Nested(label, within)


def _ranked(counts: dict[tuple[str, str], Counter[str]]) -> dict[str, list[str]]:
    """What is counted by type, the most doubtful first."""
    by_label: dict[str, list[str]] = defaultdict(list)
    for label, thing in sorted(counts, key=lambda key: (key[0], -_doubt(counts[key]), key[1])):
        by_label[label].append(thing)
    return by_label
