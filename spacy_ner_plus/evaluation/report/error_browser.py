"""The errors that the page holds, so that sentences with several errors are in it once."""

from collections import defaultdict
from typing import Any

from ..schema import ErrorKind

Row = dict[str, Any]


def browser_data(errors: list[Row], kinds: list[ErrorKind], most: int) -> Row:
    """What the error browser gets.

    errors (List[dict]): Rows of errors.jsonl.
    kinds (List[ErrorKind]): The kinds of error, in their order.
    most (int): How many errors to keep.
    RETURNS (dict): {"total", "kinds": [[kind, name]], "labels", "texts": [[text, gold, predicted]]
        with entities as [start, end, place of label, probability or None], "errors": [[id, place of
        kind, document, where it starts there, place of text, gold, predicted, pairs]] with entities
        by their place in the text's and pairs of places of labels, -1 for none}.
    """
    labels, texts = _Places(), _Places()
    entities: list[tuple[str, list[Any], list[Any]]] = []
    names = [[kind.kind, kind.name] for kind in kinds]
    place_of_kind = {kind: i for i, (kind, _) in enumerate(names)}
    rows = []
    for row in spread(errors, most):
        meta = row["meta"]
        place = texts[meta["document"], meta["offset"], row["text"]]
        if place == len(entities):
            gold = [_entity(span, labels) for span in row["spans"]]
            predicted = [_entity(span, labels) for span in row["predicted"]]
            entities.append((row["text"], gold, predicted))
        _, gold, predicted = entities[place]
        rows.append(
            [
                meta["id"],
                place_of_kind[meta["kind"]],
                meta["document"],
                meta["offset"] + min(span["start"] for span in meta["gold"] + meta["predicted"]),
                place,
                [gold.index(_entity(span, labels)) for span in meta["gold"]],
                [predicted.index(_entity(span, labels)) for span in meta["predicted"]],
                _pairs(meta["gold"], meta["predicted"], labels),
            ]
        )
    return {
        "total": len(errors),
        "kinds": names,
        "labels": list(labels),
        "texts": entities,
        "errors": rows,
    }


def spread(errors: list[Row], most: int) -> list[Row]:
    """At most so many errors, in their order.

    Rare kinds are there whole, of each other kind equally many, evenly over the data.
    """
    if len(errors) <= most:
        return errors
    places = defaultdict(list)
    for i, row in enumerate(errors):
        places[row["meta"]["kind"]].append(i)
    kept: list[int] = []
    groups = sorted(places.values(), key=len)
    for i, group in enumerate(groups):
        n = min(len(group), (most - len(kept)) // (len(groups) - i))
        kept += [group[j * len(group) // n] for j in range(n)]
    return [errors[i] for i in sorted(kept)]


class _Places(dict[Any, int]):
    """Gives each new key the next number."""

    def __missing__(self, key: Any) -> int:
        self[key] = len(self)
        return self[key]


def _entity(span: Row, labels: _Places) -> list[Any]:
    return [span["start"], span["end"], labels[span["label"]], span.get("probability")]


def _pairs(gold: list[Row], predicted: list[Row], labels: _Places) -> list[list[int]]:
    """The cells of the confusion matrix that an error is counted in: see errors.Finding.pairs."""
    golds = [labels[entity["label"]] for entity in gold]
    others = [labels[entity["label"]] for entity in predicted]
    ties = [(_overlap(g, p), i, j) for i, g in enumerate(gold) for j, p in enumerate(predicted)]
    if not ties:
        return [*([label, -1] for label in golds), *([-1, label] for label in others)]
    _, i, j = max(ties, key=lambda tie: tie[0])
    pair = [golds.pop(i), others.pop(j)]
    return [pair, *([label, -1] for label in golds), *([-1, label] for label in others)]


def _overlap(a: Row, b: Row) -> int:
    return int(max(0, min(a["end"], b["end"]) - max(a["start"], b["start"])))
