"""The text of a BioC document: its passages at their offsets."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .offset_units import CHARACTERS, UNITS, UTF16

# Of a record's meta: what a BioC file says beside the texts and annotations. Of it, DOCUMENT and
# COLLECTION have the keys of these objects, PASSAGES the keys, start and end of each passage, and
# OFFSET where the first begins, if that is not 0.
BIOC, DOCUMENT, COLLECTION = "bioc", "document", "collection"
PASSAGES, OFFSET = "passages", "offset"
# In infons, which are strings: what BioC has no place for, as JSON.
RECORD = "spacy_ner_plus"
# Of it, the order of spans that is not that of the passages: the number of each in the document.
ORDER = "order"
# Of other keys of spans and relations; KEYS has what else an annotation or relation has.
LOCATIONS, ROLES, INFONS, KEYS = "locations", "roles", "infons", "bioc_keys"


@dataclass(frozen=True)
class PassageLayout:
    """Passages as one text.

    starts (Tuple[int, ...]): The character that each begins at. units (Tuple[int, ...]): The same
        in the unit of the file. offset (int): What the file says of the first.
    """

    text: str
    starts: tuple[int, ...]
    units: tuple[int, ...]
    offset: int


def lay_out(passages: list[tuple[int, str]], unit: str) -> PassageLayout:
    """Passages, each with its offset in a unit, with as many spaces between as offsets leave.

    If they leave less than nothing, as where each passage counts from 0, it is one space.
    """
    offset = passages[0][0] if passages else 0
    parts: list[str] = []
    starts, units = [], []
    n_chars = n_units = 0
    for i, (start, part) in enumerate(passages):
        gap = start - offset - n_units
        if gap < 0:
            gap = int(i > 0)
        parts += [" " * gap, part]
        starts.append(n_chars + gap)
        units.append(n_units + gap)
        n_chars += gap + len(part)
        n_units += gap + length(part, unit)
    return PassageLayout("".join(parts), tuple(starts), tuple(units), offset)


def length(text: str, unit: str) -> int:
    """How long a text is in a unit."""
    if unit == CHARACTERS or text.isascii():
        return len(text)
    if unit == UTF16:
        return len(text.encode("utf-16-le")) // 2
    return len(text.encode("utf8"))


def units_to_try(unit: str | None) -> tuple[str, ...]:
    """The units that offsets may be counted in; the likeliest first."""
    return (unit,) if unit else UNITS


def text_of_passage(passage: dict[str, Any], unit: str) -> str:
    """The text of a passage, or of its sentences."""
    if isinstance(passage.get("text"), str):
        return str(passage["text"])
    sentences = [
        (one.get("offset", 0), one.get("text") or "") for one in passage.get("sentences") or ()
    ]
    if not sentences:
        return ""
    layout = lay_out(sentences, unit)
    # where the first sentence begins later than its passage
    return " " * max(0, layout.offset - passage.get("offset", 0)) + layout.text


def annotations_of(passage: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The annotations of a passage, and of its sentences."""
    yield from passage.get("annotations") or ()
    for sentence in passage.get("sentences") or ():
        yield from sentence.get("annotations") or ()


def relations_of(document: dict[str, Any]) -> Iterator[tuple[int | None, dict[str, Any]]]:
    """The relations of passages and their sentences, each with its passage, then the document's."""
    for i, passage in enumerate(document["passages"]):
        for place in (passage, *(passage.get("sentences") or ())):
            yield from ((i, relation) for relation in place.get("relations") or ())
    yield from ((None, relation) for relation in document.get("relations") or ())


def rest_of(value: dict[str, Any], *taken: str) -> dict[str, Any]:
    """What an object has under other keys, but for what is empty."""
    empty: tuple[Any, ...] = (None, "", [], {})
    return {key: one for key, one in value.items() if one not in empty and key not in taken}


def check_document(document: Any) -> None:
    """RAISES (ValueError): It is no document, and where in it."""
    _check("it", isinstance(document, dict), "a document, an object with passages", document)
    _check_list("passages", document, needed=True)
    _check_list("relations", document)
    _check_infons("the document", document)
    for i, passage in enumerate(document["passages"]):
        name = f"passages[{i}]"
        _check_place(name, passage)
        _check_list(f"{name}.sentences", passage)
        for j, sentence in enumerate(passage.get("sentences") or ()):
            _check_place(f"{name}.sentences[{j}]", sentence)
        for annotation in annotations_of(passage):
            _check_annotation(f"an annotation of {name}", annotation)
    for _, relation in relations_of(document):
        _check_infons("a relation", relation)


def _check_place(name: str, place: Any) -> None:
    _check(name, isinstance(place, dict), "an object", place)
    offset = place.get("offset", 0)
    _check(f"{name}.offset", type(offset) is int and offset >= 0, "a number from 0", offset)
    text = place.get("text")
    _check(f"{name}.text", text is None or isinstance(text, str), "a string", text)
    _check_infons(name, place)
    for key in ("annotations", "relations"):
        _check_list(f"{name}.{key}", place)
        for i, one in enumerate(place.get(key) or ()):
            _check(f"{name}.{key}[{i}]", isinstance(one, dict), "an object", one)


def _check_annotation(name: str, annotation: dict[str, Any]) -> None:
    name = f"{name}, {annotation.get('id')!r}"
    _check_infons(name, annotation)
    locations = annotation.get("locations")
    _check(f"{name}: locations", isinstance(locations, list), "a list", locations)
    for one in annotation["locations"]:
        is_place = isinstance(one, dict) and all(
            type(one.get(key)) is int and one[key] >= 0 for key in ("offset", "length")
        )
        _check(f"{name}: a location", is_place, "an object with offset and length", one)


def _check_list(name: str, place: dict[str, Any], *, needed: bool = False) -> None:
    value = place.get(name.rpartition(".")[2])
    _check(name, isinstance(value, list) or (value is None and not needed), "a list", value)


def _check(name: str, is_sound: bool, wanted: str, value: Any) -> None:
    if not is_sound:
        raise ValueError(f"{name} must be {wanted}, got {str(value)[:80]!r}.")


def _check_infons(name: str, value: Any) -> None:
    _check(name, isinstance(value, dict), "an object", value)
    infons = value.get("infons")
    _check(f"the infons of {name}", infons is None or isinstance(infons, dict), "an object", infons)
