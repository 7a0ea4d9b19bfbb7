"""New names of entity types."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..records import TextRecord, check_tidy
from .conversion_result import Conversion
from .formats.written import among
from .known_parts import KnownParts


def check_names(label_map: Mapping[str, str]) -> None:
    """RAISES ValueError: If a name has white space around it."""
    for old, new in label_map.items():
        check_tidy("A type to be renamed", old)
        check_tidy(f"The new name of {old!r}", new)


def renamed(record: TextRecord, label_map: Mapping[str, str], mapped: dict[str, int]) -> TextRecord:
    """A record with the new names of types, and without those that have none.

    mapped (Dict[str, int]): Entities of each type in the map, counted on.
    """
    if not label_map:
        return record
    labels = record.annotated_labels
    if labels is not None:
        labels = tuple(dict.fromkeys(new for old in labels if (new := label_map.get(old, old))))
    if record.spans is None:
        return replace(record, annotated_labels=labels)
    for span in record.spans:
        if span.is_accepted and span.label in mapped:
            mapped[span.label] += 1
    pairs = [(span, label_map.get(span.label, span.label)) for span in record.spans]
    spans = tuple(replace(span, label=label) for span, label in pairs if label)
    relations = among(record.relations, spans)
    return replace(record, spans=spans, annotated_labels=labels, relations=relations)


def all_renamed(
    done: Conversion, label_map: Mapping[str, str], parts: KnownParts
) -> Iterator[tuple[str, TextRecord]]:
    """The records of the source with the new names of types, as they are meant.

    parts (KnownParts): What is known of them, by the new names.
    RAISES (ValueError): There is none, or one has entities of types that were not looked for.
    """
    for where, record in done.source.records():
        n_relations = len(record.relations)
        record = renamed(record, label_map, done.mapped)
        try:
            record = parts.of(record)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        done.lost["relations of dropped types"] += n_relations - len(record.relations)
        done.look_at(record)
        yield where, record
    done.check_read()
