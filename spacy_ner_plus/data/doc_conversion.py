"""Annotated texts to a .spacy file: what is wanted of it, and how it is written."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from ..annotation.placement import MISALIGNED, Placing
from ..support.durable import write_atomically, written_whole
from ..support.output_folder import check_output_folder
from ..text.token_exceptions import exceptions_text, read_exceptions
from .blank_pipeline import blank_pipeline
from .conversion_result import Conversion
from .formats.form import RecordSource
from .formats.repairs import Errors
from .formats.spacy_files import DocFile
from .formats.unsound_spans import UnsoundSpan
from .known_parts import KnownParts
from .needed_exceptions import find_exceptions
from .placed_texts import TextPlacer
from .placement_report import limit_of, refusal, reporting
from .renaming import all_renamed, renamed

SPACY = "spacy"


@dataclass(frozen=True)
class DocWishes:
    """What is wanted of a .spacy file: the arguments of convert."""

    lang: str
    spans_key: str | None
    misaligned: str = "error"
    trim: str = "off"
    overlaps: str = "error"
    max_refused: float | None = None
    report: Path | None = None
    exceptions: Path | None = None

    def check(self, to: str) -> None:
        """RAISES ValueError: If what is wanted can't be.

        to (str): The format that is written.
        """
        plain = DocWishes(self.lang, self.spans_key)
        given = [
            f"--{field.name.replace('_', '-')} {value}"
            for field in fields(self)
            if (value := getattr(self, field.name)) != getattr(plain, field.name)
        ]
        if to != SPACY and given:
            raise ValueError(
                f"{', '.join(given)} is for .spacy files: {to} takes annotations as they are."
            )
        if self.misaligned == "split" and self.exceptions is None:
            raise ValueError("--misaligned split needs --exceptions: a file to write them to.")
        for path in (self.report, self.exceptions):
            if path is not None:
                check_output_folder(path.parent)


def write_docs(
    done: Conversion,
    output: Path,
    label_map: Mapping[str, str],
    wishes: DocWishes,
    opened: Callable[[], RecordSource],
    parts: KnownParts,
) -> None:
    """Write Docs. `opened` opens the source once more, `parts` says what is known of texts."""
    placing = Placing(
        wishes.misaligned, trim=wishes.trim, overlaps=wishes.overlaps, merges_repeated=True
    )
    limit = limit_of(wishes.misaligned, wishes.max_refused)
    is_split, path = wishes.misaligned == "split", wishes.exceptions
    known = read_exceptions(path) if path is not None and (path.exists() or not is_split) else {}
    if is_split:
        source = opened()
        source.unsound = [] if wishes.max_refused is not None else None
        records = (renamed(record, label_map, {}) for _, record in source.records())
        done.needed = find_exceptions(records, blank_pipeline(wishes.lang), known, wishes.trim)
        known = done.needed.exceptions
    unsound: list[UnsoundSpan] | None = None if wishes.max_refused is None else []
    done.source.unsound = unsound
    file, errors = DocFile(), Errors("texts can't be converted")
    with reporting(wishes.report) as done.placements:
        nlp = blank_pipeline(wishes.lang, known)
        placer = TextPlacer(nlp, placing, wishes.spans_key, done.placements)
        for where, record in all_renamed(done, label_map, parts):
            if unsound:
                done.placements.refuse_unsound(where, record, _counted(unsound, label_map))
                unsound.clear()
            try:
                placed = placer.place(where, record)
                done.uses_tokenizer |= record.tokens is None
                if placed is None:
                    done.n_skipped += 1
                    continue
                done.lost["relations of refused annotations"] += placed.fitted.n_relations_lost
                done.lost["rejected annotations that are not on tokens"] += placed.n_rejected_lost
                done.count(placed.doc, record, wishes.spans_key)
                refused = [one.span for one in placed.fitted.placements if MISALIGNED in one.done]
                file.add(placed.doc, placed.fitted.record, wishes.spans_key, refused)
            except ValueError as error:
                errors.add(f"{where}: {error}")
        errors.check()
        done.lost += file.lost
        if done.placements.exceeds(limit):
            raise ValueError(refusal(done.placements, limit, wishes.lang))
    if is_split and path is not None:
        write_atomically(path, exceptions_text(known))
    with written_whole(output) as unfinished:
        file.write(unfinished)


def _counted(unsound: Iterable[UnsoundSpan], label_map: Mapping[str, str]) -> Iterator[UnsoundSpan]:
    """Those that are accepted, with their new names; without those of dropped types."""
    for one in unsound:
        old = one.span.get("label")
        label = label_map.get(old, old) if isinstance(old, str) else old
        if label != "" and one.span.get("status") in (None, "accepted"):
            yield replace(one, span={**one.span, "label": label})
