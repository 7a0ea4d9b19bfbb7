"""Rules and pipelines as voters: what each says of some texts, in characters."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from spacy.language import Language
from spacy.tokens import Doc

from ..annotation.rule_hits import BLOCK, BLOCK_WORDS
from ..data.blank_pipeline import blank_pipeline
from ..data.sources.rows import SourceDocument
from ..pipeline.entity_sources import source_of
from ..pipeline.preparing import load_pipeline
from .free_places import FreePlaces


class Vote(NamedTuple):
    """What a voter says of a text.

    start, end (int): Characters, the end exclusive.
    label (str): The type; of blocks ANY_LABEL for every type.
    kind (str): BLOCK: exactly this is no entity of the label; BLOCK_WORDS: no word of it is in one;
        else that it is one.
    voter (str): Who says it.
    """

    start: int
    end: int
    label: str
    kind: str
    voter: str

    @property
    def is_block(self) -> bool:
        """Whether it says what is none."""
        return self.kind in (BLOCK, BLOCK_WORDS)

    @property
    def length(self) -> int:
        """Its characters."""
        return self.end - self.start


class Voter(Protocol):
    """Somebody who reads texts, or several who do so at once."""

    @property
    def names(self) -> Sequence[str]:
        """Who votes."""

    def votes(self, documents: Sequence[SourceDocument]) -> list[list[Vote]]:
        """What is said of each text."""


class RuleVoters:
    """The rules of some files. Those that share a name, as all phrases of a list do, are one voter.

    rules (Sequence[Path]): Files of rules, as [initialize.components.ner_plus_rules] takes them.
    lang (str): The language whose tokenizer cuts texts and phrases.
    label (str): The type of rules that say none.
    RAISES ValueError: A file can't be read, or a row is no rule.
    """

    def __init__(self, rules: Sequence[Path], lang: str, label: str | None) -> None:
        self._nlp = blank_pipeline(lang)
        pipe: Any = self._nlp.add_pipe("ner_plus_rules")
        pipe.add_rules(list(rules), **({} if label is None else {"label": label}))
        self._pipe = pipe
        self._groups = pipe.search.meaning.groups

    @property
    def names(self) -> Sequence[str]:
        """See Voter.names."""
        return list(dict.fromkeys(group.name for group in self._groups))

    def votes(self, documents: Sequence[SourceDocument]) -> list[list[Vote]]:
        """See Voter.votes. All hits are votes, whether or not others contradict them."""
        docs = [make_doc(self._nlp, document) for document in documents]
        hits = self._pipe.find(docs).hits
        found: list[list[Vote]] = [[] for _ in docs]
        columns = (hits.docs, hits.starts, hits.ends, hits.groups)
        for i, start, end, number in zip(*(c.tolist() for c in columns), strict=True):
            span, group = docs[i][start:end], self._groups[number]
            place = (span.start_char, span.end_char)
            found[i].append(Vote(*place, group.label, group.kind, group.name))
        return found


class PipelineVoter:
    """A pipeline, whose entities are its votes.

    pipeline (Union[Language, str, Path]): It, or its name or folder.
    RAISES ValueError: There is no such pipeline, or it does not say where its entities are.
    """

    def __init__(self, pipeline: Language | str | Path) -> None:
        self._nlp = load_pipeline(pipeline)
        self._source = source_of(self._nlp)
        meta = self._nlp.meta
        self._name = f"{meta['lang']}_{meta['name']}"
        if not isinstance(pipeline, Language):
            self._name = Path(pipeline).name

    @property
    def names(self) -> Sequence[str]:
        """See Voter.names. It is that of its package or folder."""
        return [self._name]

    def votes(self, documents: Sequence[SourceDocument]) -> list[list[Vote]]:
        """See Voter.votes."""
        docs = self._nlp.pipe(make_doc(self._nlp, document) for document in documents)
        return [list(self._of_doc(doc)) for doc in docs]

    def _of_doc(self, doc: Doc) -> Iterator[Vote]:
        for span, _ in self._source.scored(doc):
            yield Vote(span.start_char, span.end_char, span.label_, "", self._name)


def make_doc(nlp: Language, document: SourceDocument) -> Doc:
    """A text as a pipeline gets it, in its own tokens if the input has some."""
    if document.tokens is None:
        return nlp.make_doc(document.text)
    return Doc(nlp.vocab, words=document.tokens.words, spaces=document.tokens.spaces)


def check_names(voters: Iterable[Voter]) -> list[str]:
    """The names of all voters. RAISES ValueError: Two have the same."""
    names = list(chain.from_iterable(voter.names for voter in voters))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"Two voters are called {', '.join(map(repr, twice))}: rules and pipelines, or folders "
            "of pipelines, must have different names."
        )
    return names


def without_own_overlaps(votes: Iterable[Vote]) -> list[Vote]:
    """Of votes of one voter that overlap the longest, and of those the first; all blocks.

    A voter has one opinion of a word.
    """
    free = FreePlaces()
    ordered = sorted(votes, key=lambda one: (-one.length, one.start))
    return [vote for vote in ordered if vote.is_block or free.take(vote[:2])]
