"""Texts and sentences that are there more than once: the section `duplicates`.

What is in train and test alike makes a score too high; copies that are annotated differently are
mistakes of which nobody need be convinced.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..data.splitting.near_duplicates import EXTRA, folded, near_duplicates
from ..support.extras import check_installed
from .audited import AuditedCorpus
from .audited_unit import AuditedUnit, sentences_as_units, texts_as_units
from .differing import Differing, differing_exact, differing_near, signature
from .occurrences import Occurrence, occurrence

# Shorter sentences are repeated in any text.
SHORTEST = 5
MOST_DIFFERING, MOST_OTHERS, MOST_COPIES, MOST_OF_GROUP = 200, 20, 5, 5
LENGTH_SHOWN = 160
# Shares from which on somebody should know: of units that another part has, and of those repeated.
LEAK, REPEATED = 0.01, 0.1
LEAST_REPEATED = 5


@dataclass(frozen=True)
class Leak:
    """Units of a part that another part has, too.

    part, source (str): The parts, such as "test" and "train".
    units (int): Of the first.
    exact (int): Those of them that the other has, but for case and white space.
    near (int): Those of the others that it has nearly so.
    """

    part: str
    source: str
    units: int
    exact: int
    near: int

    @property
    def share(self) -> float:
        """Of both among all."""
        return (self.exact + self.near) / self.units if self.units else 0.0


@dataclass(frozen=True)
class DuplicateGroup:
    """Units that are the same, or nearly.

    is_exact (bool): Whether all are the same but for case and white space.
    parts (Dict[str, int]): How many are in each part.
    first (List[Occurrence]): The first characters of the first of them.
    differing_total (int): Where they are annotated differently.
    differing (List[Differing]): The first of that.
    """

    is_exact: bool
    parts: dict[str, int]
    first: list[Occurrence]
    differing_total: int
    differing: list[Differing]


@dataclass(frozen=True)
class DuplicateLevel:
    """Duplicates among texts, or among sentences.

    unit (str): "texts" or "sentences".
    units (Dict[str, int]): How many were compared, by part.
    exact, near (Dict[str, int]): Those that repeat an earlier one of the same part, exactly or
        nearly, by part.
    leaks (List[Leak]): Of parts in other parts.
    groups_total (int): Groups of duplicates.
    differing_total (int): Those of them that are annotated differently.
    groups (List[DuplicateGroup]): At most MOST_DIFFERING of these, and MOST_OTHERS of the others:
        first those with most differences, then those that are in several parts, then the largest.
    """

    unit: str
    units: dict[str, int]
    exact: dict[str, int]
    near: dict[str, int]
    leaks: list[Leak]
    groups_total: int
    differing_total: int
    groups: list[DuplicateGroup]


@dataclass(frozen=True)
class Duplicates:
    """The section.

    near (Optional[float]): The similarity from which units are nearly the same (Jaccard, of runs of
        5 characters); null if near duplicates were not looked for.
    note (str): Why not; else empty.
    shortest (int): Sentences of fewer tokens are left out.
    levels (List[DuplicateLevel]): Texts, and sentences where texts have several.
    """

    near: float | None
    note: str
    shortest: int
    levels: list[DuplicateLevel]

    @property
    def warnings(self) -> list[str]:
        """What somebody should act on."""
        return [warning for level in self.levels for warning in _warnings(level)]


def find_duplicates(corpus: AuditedCorpus, near: float) -> Duplicates:
    """Compare all texts with each other, and all sentences.

    near (float): The similarity from which units are nearly the same, over 0, to 1.
    """
    note, least = "", None
    try:
        check_installed("rensa", EXTRA, what="Looking for near duplicates")
        least = near
    except ValueError as error:
        note = str(error)
    levels = {"texts": texts_as_units(corpus), "sentences": sentences_as_units(corpus, SHORTEST)}
    return Duplicates(
        near=least,
        note=note,
        shortest=SHORTEST,
        levels=[
            _level(unit, units, list(corpus.parts), least)
            for unit, units in levels.items()
            if units
        ],
    )


def _level(
    unit: str, units: Sequence[AuditedUnit], parts: list[str], near: float | None
) -> DuplicateLevel:
    exact = _groups(folded(one.text) for one in units)
    if near is None:
        numbers: list[int] = exact
    else:
        numbers = near_duplicates([one.text for one in units], near).tolist()
    members: defaultdict[int, list[int]] = defaultdict(list)
    for i, number in enumerate(numbers):
        members[number].append(i)
    groups = [
        _group([units[i] for i in group], [exact[i] for i in group])
        for group in members.values()
        if len(group) > 1
    ]
    differing = sorted((g for g in groups if g.differing_total), key=lambda g: -g.differing_total)
    others = sorted((g for g in groups if not g.differing_total), key=_weight)
    of_part = [one.within.part for one in units]
    in_exact, in_near = _repeated(of_part, exact), _repeated(of_part, numbers)
    return DuplicateLevel(
        unit=unit,
        units={name: of_part.count(name) for name in parts},
        exact={name: in_exact[name] for name in parts},
        near={name: in_near[name] - in_exact[name] for name in parts},
        leaks=list(_leaks(of_part, exact, numbers, parts)),
        groups_total=len(groups),
        differing_total=len(differing),
        groups=differing[:MOST_DIFFERING] + others[:MOST_OTHERS],
    )


def _groups(keys: Iterator[str]) -> list[int]:
    """The number of the first with the same key, for each."""
    firsts: dict[str, int] = {}
    return [firsts.setdefault(key, i) for i, key in enumerate(keys)]


def _weight(group: DuplicateGroup) -> tuple[bool, int]:
    return len(group.parts) < 2, -sum(group.parts.values())


def _repeated(parts: Sequence[str], numbers: Sequence[int]) -> Counter[str]:
    """How many of each part are in the group of an earlier one of it."""
    sizes = Counter(zip(parts, numbers, strict=True))
    repeated: Counter[str] = Counter()
    for (part, _), n in sizes.items():
        repeated[part] += n - 1
    return repeated


def _leaks(
    parts: Sequence[str], exact: Sequence[int], near: Sequence[int], names: list[str]
) -> Iterator[Leak]:
    """Later parts in earlier ones."""
    in_exact: defaultdict[str, set[int]] = defaultdict(set)
    in_near: defaultdict[str, set[int]] = defaultdict(set)
    for part, its_exact, its_near in zip(parts, exact, near, strict=True):
        in_exact[part].add(its_exact)
        in_near[part].add(its_near)
    for i, part in enumerate(names):
        for source in names[:i]:
            own = [j for j, its in enumerate(parts) if its == part]
            n_exact = sum(exact[j] in in_exact[source] for j in own)
            n_all = sum(near[j] in in_near[source] for j in own)
            yield Leak(part, source, len(own), n_exact, n_all - n_exact)


def _group(units: Sequence[AuditedUnit], exact: Sequence[int]) -> DuplicateGroup:
    by_text: defaultdict[int, list[AuditedUnit]] = defaultdict(list)
    for unit, number in zip(units, exact, strict=True):
        by_text[number].append(unit)
    found: list[Differing] = []
    chosen = []
    for same in by_text.values():
        first, *others = _by_annotation(same)
        chosen.append(first)
        for other in others:
            found += differing_exact(first, other)
    for other in chosen[1:]:
        found += differing_near(chosen[0], other)
    return DuplicateGroup(
        is_exact=len(by_text) == 1,
        parts=dict(Counter(unit.within.part for unit in units)),
        first=[_beginning(unit) for unit in units[:MOST_COPIES]],
        differing_total=len(found),
        differing=found[:MOST_OF_GROUP],
    )


def _beginning(unit: AuditedUnit) -> Occurrence:
    end = min(unit.end, unit.start + LENGTH_SHOWN)
    return occurrence(unit.within, unit.start, end, None, context=0)


def _by_annotation(units: Sequence[AuditedUnit]) -> list[AuditedUnit]:
    """The first unit of each annotation, that of the most frequent one before the others."""
    groups: defaultdict[object, list[AuditedUnit]] = defaultdict(list)
    for unit in units:
        groups[signature(unit)].append(unit)
    return [group[0] for group in sorted(groups.values(), key=lambda group: -len(group))]


def _warnings(level: DuplicateLevel) -> Iterator[str]:
    if level.differing_total:
        n = level.differing_total
        yield (
            f"{n:,} groups of {level.unit} that are the same, or nearly, are annotated "
            "differently: see which is right."
            if n > 1
            else f"A group of {level.unit} that are the same, or nearly, is annotated differently: "
            "see which is right."
        )
    for leak in level.leaks:
        if leak.share >= LEAK:
            yield (
                f"{100 * leak.share:.1f} % of the {level.unit} of {leak.part} are in "
                f"{leak.source}, too ({leak.exact:,} exactly, {leak.near:,} nearly): a score on "
                f"them is too high.{' `split` keeps such together.' * (level.unit == 'texts')}"
            )
    for name, n_units in level.units.items():
        n_repeated = level.exact[name] + level.near[name]
        if n_repeated >= max(LEAST_REPEATED, REPEATED * n_units):
            yield (
                f"{100 * n_repeated / n_units:.0f} % of the {level.unit} of {name} repeat others "
                f"of it ({level.exact[name]:,} exactly, {level.near[name]:,} nearly), and count "
                "as often."
            )
