"""Mentions of entities to put in the place of others: those of a corpus, and of phrase lists."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random

from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ...annotation.unknown_group import entity_keys
from ...records import check_tidy
from ...text.phrases.phrase_lists import list_rows
from ..doc_files import find_files, read_file

_PHRASE, _LABEL, _ID = "phrase", "label", "id"


@dataclass(frozen=True, slots=True)
class MentionForm:
    """What stands for an entity in a text.

    text (str): Its characters.
    words, spaces: Its tokens, and whether a space follows each; None for what the pipeline's
        tokenizer makes of it.
    kb_id (str): What it is linked to; "" if that is not known.
    """

    text: str
    words: tuple[str, ...] | None = None
    spaces: tuple[bool, ...] | None = None
    kb_id: str = ""

    def tokens(self, nlp: Language) -> tuple[tuple[str, ...], tuple[bool, ...]]:
        """Its words, and whether a space follows each; none does the last one."""
        words, spaces = self.words, self.spaces
        if words is None or spaces is None:
            doc = nlp.make_doc(self.text)
            words = tuple(token.text for token in doc)
            spaces = tuple(bool(token.whitespace_) for token in doc)
        return words, (*spaces[:-1], False)


class MentionLists:
    """The different mentions of each label. Files are read when they are first asked for.

    corpus (Path): A .spacy file, or a folder of such: the entities of doc.ents and all groups of
        doc.spans.
    gazetteer (Path): A phrase list as ner_plus_rules reads it, .csv, .tsv or .jsonl, with the
        columns `phrase` and `label`, and `id` if it has one.
    RAISES ValueError: Neither is given.
    """

    def __init__(self, corpus: Path | None, gazetteer: Path | None) -> None:
        if corpus is None and gazetteer is None:
            raise ValueError(
                "There are no mentions to choose from: set corpus, a .spacy file such as the "
                "training data, or gazetteer, a list of phrases with their labels."
            )
        self.corpus, self.gazetteer = corpus, gazetteer

    @cached_property
    def by_label(self) -> dict[str, list[MentionForm]]:
        """The mentions of each label, in the order in which they are read; each text once.

        RAISES ValueError: A file is not there or can't be read, or there is none in it.
        """
        found: dict[str, dict[str, MentionForm]] = {}
        for label, mention in (*self._of_corpus(), *self._of_gazetteer()):
            found.setdefault(label, {}).setdefault(mention.text, mention)
        if not found:
            names = " and ".join(str(path) for path in (self.corpus, self.gazetteer) if path)
            raise ValueError(f"There is no entity in {names}: there is nothing to choose from.")
        return {label: list(mentions.values()) for label, mentions in found.items()}

    def draw(self, label: str, chance: Random, but: str | None = None) -> MentionForm | None:
        """One of a label's mentions, all alike, or None if there is none.

        but (str): The text of one that is not meant.
        """
        mentions = self.by_label.get(label, [])
        for _ in range(min(len(mentions), 8)):  # one text is there once at most
            found = chance.choice(mentions)
            if found.text != but:
                return found
        return None

    def _of_corpus(self) -> Iterator[tuple[str, MentionForm]]:
        if self.corpus is None:
            return
        vocab = Vocab()
        for file in find_files(Path(self.corpus)):
            for doc in read_file(file).get_docs(vocab):
                yield from _mentions_in(doc)

    def _of_gazetteer(self) -> Iterator[tuple[str, MentionForm]]:
        if self.gazetteer is None:
            return
        path = Path(self.gazetteer)
        for line, row in list_rows(path):
            phrase, label = row.get(_PHRASE), row.get(_LABEL)
            place = f"{path}, line {line}"
            is_sound = isinstance(phrase, str) and phrase.strip() != ""
            if not is_sound or not isinstance(label, str) or label == "":
                raise ValueError(
                    f"{place}: a row of a gazetteer must have {_PHRASE!r} and {_LABEL!r}, got "
                    f"{row!s:.80}."
                )
            check_tidy(f"{place}: the label", label)
            yield label, MentionForm(str(phrase).strip(), kb_id=str(row.get(_ID) or ""))


def _mentions_in(doc: Doc) -> Iterator[tuple[str, MentionForm]]:
    groups = (doc.spans[key] for key in entity_keys(doc))
    for span in (*doc.ents, *(span for group in groups for span in group)):
        if len(span) and not span.text.isspace():
            words = tuple(token.text for token in span)
            spaces = tuple(bool(token.whitespace_) for token in span)
            yield span.label_, MentionForm(span.text, words, spaces, span.kb_id_)
