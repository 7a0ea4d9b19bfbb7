"""Whether all of a text is annotated, as formats need it that can't say what is not known."""

from collections.abc import Iterator

from ...records import TextRecord


def check_complete(record: TextRecord, what: str) -> None:
    """RAISES ValueError: If it is not known everywhere whether there are entities.

    what (str): The format, in the plural: "columns".
    """
    if places := list(open_places(record)):
        raise ValueError(
            f"its annotation is not complete, and {what} can't say that: {', '.join(places)}. "
            "Complete it, leave the record out, or write .jsonl or .spacy."
        )


def open_places(record: TextRecord) -> Iterator[str]:
    """Where it is not known whether there are entities, in words."""
    if record.spans is None:
        yield "nothing is known about its entities"
    if record.annotated_labels is not None:
        yield f"it is annotated for {', '.join(record.annotated_labels) or 'no type'} only"
    for start, end in record.unknown:
        yield f"characters {start}-{end} are unknown"
    for span in record.spans or ():
        if span.status == "ignored":
            yield f"{span.label} at characters {span.start}-{span.end} is ignored"
