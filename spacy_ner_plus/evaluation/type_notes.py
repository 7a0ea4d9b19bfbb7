"""What stands above the figures about entity types that only one side has, or that don't count."""

from collections.abc import Iterator, Mapping, Sequence
from shlex import quote

from .schema import EntityTypes, SideCounts

MOST_LABELS, MOST_PAIRS = 8, 3


def type_notes(types: EntityTypes) -> list[str]:
    """A sentence for each thing to know of the types; none if both sides have the same."""
    return [*_chosen(types), *_one_sided(types), *_advice(types)]


def first_of(items: Sequence[str]) -> str:
    """The first MOST_LABELS items, and how many more there are."""
    more = f" and {len(items) - MOST_LABELS} more" if len(items) > MOST_LABELS else ""
    return ", ".join(items[:MOST_LABELS]) + more


def _chosen(types: EntityTypes) -> Iterator[str]:
    if types.labels is not None:
        yield f"Only these types count (--labels): {first_of(types.labels)}."
    if types.left_out:
        yield f"Left out: {first_of(_with_sides(types.left_out))}."
    if types.renamed:
        new = {f"{old} to {types.label_map[old]}": its for old, its in types.renamed.items()}
        yield f"Renamed (--map): {first_of(_with_sides(new))}."
    if types.unused:
        yield f"No entity has these types, which the options name: {first_of(types.unused)}."


def _one_sided(types: EntityTypes) -> Iterator[str]:
    if types.gold_only:
        named = [f"{label} ({n:,} gold)" for label, n in types.gold_only.items()]
        yield f"Types of the data that the pipeline lacks, all missed: {first_of(named)}."
    if types.predicted_only:
        named = [f"{label} ({n:,} predicted)" for label, n in types.predicted_only.items()]
        yield f"Types of the pipeline that the data lacks, all wrong: {first_of(named)}."


def _advice(types: EntityTypes) -> Iterator[str]:
    if types.gold_only or types.predicted_only:
        if types.shared:
            yield f"For those of both alone: --labels {quote(','.join(types.shared))}"
        pairs = list(_alike(types))[:MOST_PAIRS]
        if types.gold_only and (types.predicted_only or pairs):
            such_as = " ".join(f"--map {quote(f'{old}={new}')}" for old, new in pairs)
            example = f", such as {such_as}" if pairs else ""
            yield f"Where two names are of one type: --map OLD=NEW{example}"


def _alike(types: EntityTypes) -> Iterator[tuple[str, str]]:
    """Types of one side with one of the other that has the same letters, or begins or ends it."""
    for gold in types.gold_only:
        for found in (*types.predicted_only, *types.shared):
            short, long = sorted((_plain(found), _plain(gold)), key=len)
            if short == long:
                yield found, gold
            elif short and (long.startswith(short) or long.endswith(short)):
                yield (found, gold) if long == _plain(found) else (gold, found)


def _plain(label: str) -> str:
    return "".join(filter(str.isalnum, label)).casefold()


def _with_sides(counts: Mapping[str, SideCounts]) -> list[str]:
    return [
        f"{name} ({its.gold:,} gold, {its.predicted:,} predicted)" for name, its in counts.items()
    ]
