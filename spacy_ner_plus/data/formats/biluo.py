"""Tags of single tokens as spaCy 2 has them: BILUO, and "-" where annotation is missing."""

from collections.abc import Iterable, Iterator, Sequence

from ...tags import Span

OUTSIDE, MISSING = "O", "-"


def read_biluo(tags: Sequence[str | None]) -> tuple[list[Span], list[bool]]:
    """The entities of a text, and for each token whether its annotation is missing.

    tags (Sequence[str | None]): A token's each; None is as good as "-".
    RAISES (ValueError): A tag is none, or can't follow the one before, with the token's number.
    """
    spans: list[Span] = []
    opened: tuple[int, str] | None = None
    for i, tag in enumerate(tags):
        prefix, _, label = (tag or MISSING).partition("-")
        is_known = tag in (None, "", OUTSIDE, MISSING) or (prefix in "BILU" and label != "")
        if not is_known or (opened is None) != (prefix not in ("I", "L")):
            raise ValueError(_refusal(i, tag, tags))
        if opened is not None and label != opened[1]:
            raise ValueError(_refusal(i, tag, tags))
        if prefix == "B":
            opened = (i, label)
        elif prefix == "U":
            spans.append((i, i + 1, label))
        elif prefix == "L" and opened is not None:
            spans.append((opened[0], i + 1, label))
            opened = None
    if opened is not None:
        raise ValueError(_refusal(len(tags), None, tags))
    return spans, [tag in (None, "", MISSING) for tag in tags]


def _refusal(i: int, tag: str | None, tags: Sequence[str | None]) -> str:
    before = f", after {tags[i - 1]!r}," if i else ""
    return (
        f"the ner tag of token {i}, {tag!r}{before} is not BILUO: B-X, I-X and L-X make an entity "
        "of several tokens, U-X one of a single token, O is none, and - is missing."
    )


def write_biluo(n_tokens: int, spans: Iterable[Span], missing: Iterable[int]) -> list[str]:
    """The tags of a text.

    missing (Iterable[int]): Tokens whose annotation is missing, unless they are in an entity.
    RAISES (ValueError): Two entities overlap.
    """
    tags = [OUTSIDE] * n_tokens
    for i in missing:
        tags[i] = MISSING
    taken: set[int] = set()
    for start, end, label in spans:
        if not taken.isdisjoint(range(start, end)):
            raise ValueError(
                f"{label} at tokens {start}-{end} overlaps another entity, which in tags of "
                "single tokens it can't. Correct it, or write .jsonl, which holds all."
            )
        taken.update(range(start, end))
        tags[start:end] = _of_entity(end - start, label)
    return tags


def _of_entity(n_tokens: int, label: str) -> Iterator[str]:
    if n_tokens == 1:
        return iter([f"U-{label}"])
    return iter([f"B-{label}", *[f"I-{label}"] * (n_tokens - 2), f"L-{label}"])
