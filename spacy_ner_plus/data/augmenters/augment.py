"""Annotated texts with what augmenters make of them: what `ner-plus augment` does."""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from ...annotation.doc_records import place_record, to_record
from ...annotation.entity_source import EntitySource
from ...annotation.offsets import TokenEdges
from ...records import TextRecord, TokenRecord
from ...support.output_folder import check_output_folder
from ..blank_pipeline import blank_pipeline
from ..formats.form import RecordSource
from ..formats.record_files import (
    FORMATS,
    open_several,
    options_known,
    output_format,
    write_counted,
)
from .augmentation import Augmentation, Change
from .augmentation_page import render_changes
from .changed_record import changed_record
from .doc_augmenter import DocAugmenter, SpacyAugmenter, varied
from .named_augmenters import augmenter_of

SPACY = "spacy"


def augment(
    data: str | Path | Sequence[str | Path],
    output: str | Path,
    augmenters: Sequence[str | SpacyAugmenter] = (),
    *,
    config: str | Path | None = None,
    format: str | None = None,
    to: str | None = None,
    options: Mapping[str, Any] | None = None,
    lang: str = "en",
    spans_key: str | None = None,
    seed: int = 0,
    page: str | Path | None = None,
    shown: int = 20,
) -> Augmentation:
    """Write annotated texts as augmenters change them, to look at it or to train with it.

    data (str / Path / Sequence): The file or folder, or several.
    output (str / Path): A file of any format, which is there whole in the end, or as it was before.
        It has all documents, changed ones in the place of those that they are made of.
    augmenters (Sequence[str / Callable]): What acts, one after the other: augmenters, or their
        names, "KeyboardTypos", perhaps with settings: 'KeyboardTypos={"level": 1, "p": 0.05}'.
    config (str / Path): A config whose training data have an augmenter, which acts first.
    format, to, options: Of the data and the output: see `convert`.
    lang (str): The language whose tokenizer cuts texts without tokens, and new words.
    spans_key (str): Take the entities of doc.spans[spans_key], where they may nest; None for
        doc.ents.
    seed (int): Another one gives other changes, but of augmenters that have their own.
    page (str / Path): An HTML file with documents before and after.
    shown (int): How many changed documents that and the result have.
    RETURNS (Augmentation): What was done.
    RAISES ValueError: Data, augmenters or options are not sound. Nothing is written then.
    """
    inputs = [Path(one) for one in ([data] if isinstance(data, (str, Path)) else data)]
    output, page = Path(output), None if page is None else Path(page)
    to = output_format(output, to)
    for path in (output, *([page] if page else [])):
        check_output_folder(path.parent)
        if any(path.resolve().is_relative_to(one.resolve()) for one in inputs):
            raise ValueError(f"{path} is an input, or within one: name another file.")
    augmenter = augmenter_of(augmenters, None if config is None else Path(config))
    nlp = blank_pipeline(lang)
    source = _opened(inputs, format, options or {}, spans_key)
    done = Augmentation(output)
    writing = {"nlp": nlp} if to == SPACY else {}
    if spans_key is not None and "spans_key" in options_known(FORMATS[to].write):
        writing["spans_key"] = spans_key  # type: ignore[assignment]
    with _seeded(seed):
        records = _changed(source, augmenter, nlp, spans_key, done, shown)
        done.lost = write_counted(records, output, to, **writing).lost
    if isinstance(augmenter, DocAugmenter):
        done.tallies = augmenter.tallies()
    done.warnings = list(source.warnings)
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(render_changes(done, spans_key), encoding="utf8", newline="\n")
    return done


def _opened(
    inputs: Sequence[Path], format: str | None, options: Mapping[str, Any], spans_key: str | None
) -> RecordSource:
    def options_of(name: str) -> dict[str, Any]:
        has_key = "spans_key" in options_known(FORMATS[name].source)
        return {**options, **({"spans_key": spans_key} if has_key else {})}

    return open_several(inputs, format, options_of)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Python's generator begins with a seed, and is as before in the end."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def _changed(
    source: RecordSource,
    augmenter: SpacyAugmenter,
    nlp: Language,
    spans_key: str | None,
    done: Augmentation,
    shown: int,
) -> Iterator[TextRecord]:
    """The records of what an augmenter makes of each document; what is done is counted."""
    entities = EntitySource(spans_key)
    for where, record in source.records():
        try:
            placed = place_record(record, nlp, spans_key)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        doc = placed.doc
        done.n_documents += 1
        done.n_misplaced += sum(one.placed is None for one in placed.fitted.placements)
        done.entities_before.update(span.label_ for span, _ in entities.scored(doc))
        made = list(varied(augmenter, nlp, doc))
        is_there = any(one is doc for one in made)
        for one in made:
            done.n_written += 1
            done.entities_after.update(span.label_ for span, _ in entities.scored(one))
            if one is doc:
                kept = placed.fitted.record
                yield kept if kept.tokens is not None else replace(kept, tokens=_tokens_of(doc))
                continue
            done.n_changed += 1
            done.n_off_tokens += _n_off_tokens(one, nlp, entities)
            if len(done.changes) < shown:
                done.changes.append(Change(None if is_there else doc, one))
            yield changed_record(one, record, spans_key, done.left_out)
    if not done.n_documents:
        raise ValueError("There is no text in the data: there is nothing to change.")


def _n_off_tokens(doc: Doc, nlp: Language, entities: EntitySource) -> int:
    """Entities that do not start and end where the tokenizer's tokens would."""
    edges = TokenEdges(nlp.make_doc(doc.text))
    places = ((span.start_char, span.end_char) for span, _ in entities.scored(doc))
    return sum(edges.tokens(start, end) is None for start, end in places)


def _tokens_of(doc: Doc) -> tuple[TokenRecord, ...]:
    return to_record(doc).tokens or ()
