"""What is known of texts whose files can't say it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..records import TextRecord, check_tidy
from .formats.prodigy_answers import beside


@dataclass(frozen=True)
class KnownParts:
    """What the annotation of all texts of a file says, and what it leaves open.

    positives_only (bool): That its spans are entities, and nothing else: there may be others.
    annotated_labels (Sequence[str]): That other types were not looked for; None for what the
        records say themselves.
    may_nest (bool): Whether entities may lie within others.
    RAISES ValueError: A type is empty or has white space around it, or there is none.
    """

    positives_only: bool = False
    annotated_labels: Sequence[str] | None = None
    may_nest: bool = False

    def __post_init__(self) -> None:
        if self.annotated_labels is not None and not self.annotated_labels:
            raise ValueError("There must be a type that the texts are annotated for: name it.")
        for label in self.annotated_labels or ():
            if not label:
                raise ValueError("A type that the texts are annotated for is empty: leave it out.")
            check_tidy("A type that the texts are annotated for", label)

    def of(self, record: TextRecord) -> TextRecord:
        """A record as it is meant.

        RAISES ValueError: It has entities of a type that was not looked for.
        """
        if self.annotated_labels is not None:
            found = {span.label for span in record.spans or () if span.is_accepted}
            if others := sorted(found.difference(self.annotated_labels)):
                raise ValueError(
                    f"there are entities of type {', '.join(others)}, but only "
                    f"{', '.join(self.annotated_labels)} was looked for: name all types that were."
                )
            record = replace(record, annotated_labels=tuple(self.annotated_labels))
        if self.positives_only and record.spans is not None and record.text:
            n_chars = len(record.text)
            unknown = ((0, n_chars),) if self.may_nest else beside(record.spans, n_chars)
            record = replace(record, unknown=unknown)
        return record
