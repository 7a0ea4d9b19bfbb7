"""`spacy_ner_plus.FilledTemplates.v1`: made-up documents, from sentences with gaps."""

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
from spacy import registry
from spacy.language import Language
from spacy.tokens import Doc, Span

from ...annotation.offsets import set_flat_ents
from .doc_augmenter import DOCUMENTS, ChanceAugmenter
from .mention_lists import MentionForm, MentionLists

SYNTHETIC = "documents added"
_PIECES = re.compile(r"(\{\{|\}\}|\{[^{}]+\})")


@registry.augmenters("spacy_ner_plus.FilledTemplates.v1")
def make_filled_templates_v1(
    templates: Path,
    level: float = 0.1,
    seed: int | None = None,
    corpus: Path | None = None,
    gazetteer: Path | None = None,
) -> "FilledTemplates":
    """Create an augmenter that adds made-up documents to those that there are.

    templates (Path): A text file in UTF-8 with a template a line: "{Chemical} may cause {Disease}."
        has gaps for entities of these labels. "{{" and "}}" are braces. Empty lines are passed
        over. What is in no gap is in no entity.
    level (float): How many are added for each document.
    seed (int): See TextAugmenter.
    corpus, gazetteer (Path): Where mentions come from: see MentionReplacement.v1.
    RAISES ValueError: A setting is out of range, or there is neither corpus nor gazetteer.
    """
    return FilledTemplates(
        level, seed, templates=templates, mentions=MentionLists(corpus, gazetteer)
    )


class FilledTemplates(ChanceAugmenter):
    """See make_filled_templates_v1."""

    def __init__(
        self, level: float, seed: int | None = None, *, templates: Path, mentions: MentionLists
    ) -> None:
        super().__init__(level, seed)
        self.path, self.mentions = Path(templates), mentions
        self._templates: list[list[str]] = []

    def references(self, nlp: Language, reference: Doc) -> Iterator[Doc]:
        """The document, and for a share of documents a made-up one."""
        self.counts[DOCUMENTS] += 1
        chance = self.chance(reference)
        yield reference
        if chance.random() < self.level:
            self.counts[SYNTHETIC] += 1
            yield self._filled(chance.choice(self.templates), chance, nlp)

    @property
    def templates(self) -> list[list[str]]:
        """Pieces of text and gaps, in turn, beginning with text; read when first asked for.

        RAISES ValueError: The file is not there or has none, or a gap is for a label that there is
            no mention of.
        """
        if not self._templates:
            self._templates = read_templates(self.path, set(self.mentions.by_label))
        return self._templates

    def _filled(self, template: list[str], chance: Random, nlp: Language) -> Doc:
        words: list[str] = []
        spaces: list[bool] = []
        places: list[tuple[int, int, str, str]] = []
        for number, piece in enumerate(template):
            if number % 2 == 0:
                _add_text(piece, words, spaces, nlp)
                continue
            mention = self.mentions.draw(piece, chance)
            assert mention is not None  # read_templates has looked
            start = len(words)
            _add_mention(mention, words, spaces, nlp)
            places.append((start, len(words), piece, mention.kb_id))
        doc = Doc(nlp.vocab, words=words, spaces=spaces)
        ents = [Span(doc, start, end, label, kb_id=kb_id) for start, end, label, kb_id in places]
        nothing = np.zeros(len(doc), dtype=bool)
        set_flat_ents(doc, ents, is_missing=nothing, is_blocked=nothing)
        return doc


def read_templates(path: Path, labels: set[str]) -> list[list[str]]:
    """The templates of a file: pieces of text and labels of gaps, in turn.

    RAISES ValueError: It is not there or has none, or one is not sound, with its line.
    """
    if not path.is_file():
        raise ValueError(f"There is no file {path} with templates.")
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if line.strip():
            try:
                found.append(read_template(line.strip(), labels))
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from None
    if not found:
        raise ValueError(f"{path} has no templates: write one a line.")
    return found


def read_template(line: str, labels: set[str]) -> list[str]:
    """Pieces of text and labels of gaps, in turn, beginning and ending with text.

    RAISES ValueError: A brace is alone, a gap is for another label than those, or two gaps are next
        to each other without anything between.
    """
    pieces = [""]
    for part in _PIECES.split(line):
        if part in ("{{", "}}"):
            pieces[-1] += part[0]
        elif part[:1] == "{" and part[-1:] == "}" and len(part) > 1:
            if len(pieces) > 1 and pieces[-1] == "":
                raise ValueError("two gaps have nothing between them: put a space there.")
            label = part[1:-1]
            if label not in labels:
                raise ValueError(
                    f"{part} is for entities of type {label!r}, but there are mentions of "
                    f"{sorted(labels)} only."
                )
            pieces += [label, ""]
        elif "{" in part or "}" in part:
            raise ValueError(
                f"{part!r} has a brace of its own: write {{{{ or }}}} for one in text."
            )
        else:
            pieces[-1] += part
    return pieces


def _add_text(text: str, words: list[str], spaces: list[bool], nlp: Language) -> None:
    if text.startswith(" ") and words:
        spaces[-1], text = True, text[1:]
    doc = nlp.make_doc(text)
    words += [token.text for token in doc]
    spaces += [bool(token.whitespace_) for token in doc]


def _add_mention(mention: MentionForm, words: list[str], spaces: list[bool], nlp: Language) -> None:
    its_words, its_spaces = mention.tokens(nlp)
    words += its_words
    spaces += its_spaces
