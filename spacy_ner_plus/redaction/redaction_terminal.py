"""What redaction took out, and what it leaves visible, as tables on a terminal."""

import json
from collections.abc import Sequence

from wasabi import msg
from wasabi.util import locale_escape

from ..pages.telling import say
from ..support.typed_json import to_json
from .leakage import Leakage, ThresholdLeakage, TypeLeakage
from .redact import Redaction

_WIDTH = 40
_ALL = "all types"


def print_redaction(its: Redaction) -> None:
    """Print what was taken out, by type."""
    rows = [
        (
            _short(label),
            f"{one.found:,}",
            f"{one.likely:,}",
            f"{one.repeated:,}",
            f"{one.characters:,}",
        )
        for label, one in its.types.items()
    ]
    _print_table(("Type", "Found", "Likely", "Repeated", "Characters"), rows)
    counts = its.counts
    print(f"{counts.documents:,} documents with {counts.words:,} words")
    say.good(f"Wrote {its.output}")
    if its.map is not None:
        say.good(f"Wrote {its.map}, with which all of it can be undone: keep it apart")


def print_leakage(its: Leakage) -> None:
    """Print what stays visible, by type and threshold."""
    msg.divider(locale_escape(f"What redaction leaves visible of {its.data}"))
    labels = sorted({label for one in its.thresholds for label in one.types})
    heads = [_name(one) for one in its.thresholds]
    for title, share in (("entities", _entities), ("characters", _characters)):
        rows = []
        for label in [*labels, _ALL] if len(labels) > 1 else labels:
            types = [_of(one, label) for one in its.thresholds]
            n = types[0].entities if title == "entities" else types[0].characters
            rows.append((_short(label), f"{n:,}", *(share(one) for one in types)))
        print(f"% of annotated {title} that stay visible, by threshold")
        _print_table(("Type", title.capitalize(), *heads), rows)
    print("% of all other characters that are hidden")
    rows = [("", f"{its.thresholds[0].other:,}", *map(_other, its.thresholds))]
    _print_table(("", "Characters", *heads), rows)
    print(
        f"{its.documents:,} documents; {its.failed:,} failed, and redaction would not write them; "
        f"of {its.without_annotation:,} nothing is known. An entity is visible if a character of "
        "it is."
    )
    for warning in its.warnings:
        say.warn(warning)


def leakage_json(its: Leakage) -> str:
    """All figures as JSON."""
    return json.dumps(to_json(its), indent=2, ensure_ascii=False)


def _of(one: ThresholdLeakage, label: str) -> TypeLeakage:
    """The counts of a type, or of all together."""
    if label in one.types or label != _ALL:
        return one.types.get(label, TypeLeakage())
    total = TypeLeakage()
    for its in one.types.values():
        total.entities += its.entities
        total.visible += its.visible
        total.whole += its.whole
        total.characters += its.characters
        total.visible_characters += its.visible_characters
    return total


def _name(one: ThresholdLeakage) -> str:
    return "found" if one.threshold is None else f"{one.threshold:g}"


def _entities(its: TypeLeakage) -> str:
    return _percent(its.visible, its.entities)


def _characters(its: TypeLeakage) -> str:
    return _percent(its.visible_characters, its.characters)


def _other(one: ThresholdLeakage) -> str:
    return _percent(one.hidden_other, one.other)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}" if whole else "-"


def _print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    aligns = ("l",) + ("r",) * (len(header) - 1)
    msg.table(rows, header=header, divider=True, aligns=aligns, max_col=60)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
