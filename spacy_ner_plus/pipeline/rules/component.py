"""The component itself: its rules, its settings, and what it finds."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from ...annotation.rule_hits import register_rule_hits
from ...models.decoding.entities import Entities
from ...models.storage.files import Unsaved, read_json
from ...models.storage.manifest import Content, damage
from ...support.numbers import as_float, as_int
from ..base import EntityPipe
from ..rule_matching.found_hits import FoundHits
from ..rule_matching.regex_search import ALIGNMENT_MODES
from ..rule_matching.rule import ATTRIBUTES, TOKENS, check_defaults
from ..rule_matching.rule_reading import RuleSource, read_rules
from ..rule_matching.rule_search import RuleSearch
from ..rule_matching.rule_set import RuleSet
from ..rule_matching.token_patterns import UNUSABLE, TokenPatterns
from .counts import RuleCounts
from .deciding import NOTHING, Decider
from .rule_annotator import IDS, RuleAnnotator
from .rule_files import RULES, TABLES, read_tables, table_files


class NerPlusRules(EntityPipe):
    """Entities by rules: patterns of tokens, phrase lists and regexes.

    Sets doc.ents, and doc._.rule_hits for models behind it: see RuleHit.

    nlp (Language): The pipeline, whose tokenizer takes phrases apart.
    name (str): The component's name in the pipeline.
    rules, phrase_matcher_attr, soft_ents, ids, alignment_mode, regex_budget, regex_max_timeouts,
        settings: See make_ner_plus_rules.
    RAISES ValueError: If a setting is unknown, or a rule is none.

    Attributes:
        counts (RuleCounts): What became of the hits, in this process.
    """

    file_names = (RULES, *TABLES.values())

    def __init__(
        self,
        nlp: Language,
        name: str = "ner_plus_rules",
        *,
        rules: Sequence[Mapping[str, Any]] | None = None,
        phrase_matcher_attr: str = "ORTH",
        soft_ents: bool = False,
        ids: str = "ent_id",
        alignment_mode: str = "strict",
        regex_budget: float = 1.0,
        regex_max_timeouts: int = 3,
        **settings: Any,
    ) -> None:
        super().__init__(nlp.vocab, name, **settings)
        self.nlp = nlp
        self.phrase_matcher_attr = phrase_matcher_attr
        self.soft_ents = soft_ents
        self.ids = ids
        self.alignment_mode = alignment_mode
        self.regex_budget = as_float(regex_budget, "regex_budget")
        self.regex_max_timeouts = as_int(regex_max_timeouts, "regex_max_timeouts")
        self.counts = RuleCounts()
        self._configured = _plain(rules or ())
        self._rules = RuleSet()
        self._search: RuleSearch | None = None
        register_rule_hits()
        self._check_own_settings()
        if self._configured:
            self.add_rules(self._configured)

    # Rules

    @property
    def labels(self) -> tuple[str, ...]:
        """The types of entities that there are hard or soft rules for."""
        return self._rules.labels

    @property
    def rules(self) -> list[dict[str, Any]]:
        """All rules as rows: those that are no phrases, then the phrases.

        add_rules makes the same of them.
        """
        return [rule.to_row() for rule in self._rules.rules()]

    def __len__(self) -> int:
        """How many rules there are."""
        return len(self._rules)

    def add_rules(
        self, rules: RuleSource | Iterable[RuleSource], **defaults: Any
    ) -> "NerPlusRules":
        """Add rules.

        Phrases that there are already are tokenised anew with those that come, so add those of one
        kind at once.

        rules: Paths of files, objects with a "path" and values for all rows of that file, and rules
            as rows, such as {"label": "CODE", "regex": "XG-[0-9]+", "kind": "soft", "weight": 2};
            or one of these.
        defaults: Values for rows that have none, such as label="CODE", kind="soft".
        RETURNS (NerPlusRules): The component.
        RAISES ValueError: If a file can't be read, or a row is no rule: with its place. Nothing was
            added then.
        """
        check_defaults(defaults)
        found = {"attribute": self.phrase_matcher_attr, **defaults}
        sources = [rules] if isinstance(rules, str | Path | Mapping) else list(rules)
        told: set[Path] = set()
        self._take(self._rules.plus(lambda: read_rules(sources, found, told), self.nlp))
        return self

    def add_patterns(self, patterns: Iterable[Mapping[str, Any]]) -> None:
        """Add rules as rows, as EntityRuler.add_patterns does: see add_rules."""
        self.add_rules(list(patterns))

    def add_phrases(self, phrases: Iterable[str], label: str, **defaults: Any) -> None:
        """Add phrases.

        phrases (Iterable[str]): The phrases.
        label (str): Their type.
        defaults: As in add_rules: kind, weight, id, rule (what the list is called), attribute.
        """
        self.add_rules([{"phrase": phrase} for phrase in phrases], label=label, **defaults)

    def add_regex(self, regex: str, label: str, **values: Any) -> None:
        """Add a regex over the text: see add_rules."""
        self.add_rules([{"regex": regex, "label": label, **values}])

    def clear(self) -> None:
        """Remove all rules."""
        self._take(RuleSet())

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]] | None = None,
        *,
        nlp: Language | None = None,
        rules: str | dict[str, Any] | list[Any] | None = None,
    ) -> None:
        """Load rules from files: [initialize.components.ner_plus_rules].

        get_examples (Callable): Is not called.
        nlp (Language): The pipeline.
        rules: See add_rules. They replace all but those of the component's own config; without any,
            all rules stay.
        RAISES ValueError: See add_rules.
        """
        if rules is None:
            return
        self.nlp = nlp or self.nlp
        former = self._rules
        try:
            self.clear()
            self.add_rules(
                [*self._configured, *([rules] if isinstance(rules, str | dict) else rules)]
            )
        except Exception:
            self._take(former)
            raise

    def _take(self, rules: RuleSet) -> None:
        self._rules = rules
        self._search = None
        for label in rules.labels:
            self.vocab.strings.add(label)

    # Finding

    @property
    def search(self) -> RuleSearch:
        """What looks for the rules, made when it is first needed."""
        if self._search is None:
            if not len(self._rules):
                warnings.warn(
                    f"'{self.name}' has no rules, and finds nothing: add some with add_rules, or "
                    f"by [initialize.components.{self.name}].",
                    stacklevel=3,
                )
            self._search = RuleSearch(self._rules, self.vocab)
        # they may have been set since it was made
        self._search.alignment_mode = self.alignment_mode
        self._search.regexes.limits.seconds = self.regex_budget
        self._search.regexes.limits.max_timeouts = self.regex_max_timeouts
        return self._search

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 1000) -> Iterator[Doc]:
        """See EntityPipe.pipe. Many Docs at once take little more time than a few."""
        return super().pipe(stream, batch_size=batch_size)

    def predict(self, docs: Iterable[Doc]) -> list[Entities]:
        """Find the entities of some Docs, without changing them.

        docs (Iterable[Doc]): The documents, of any length.
        RETURNS (List[Entities]): Per Doc, RuledEntities: with ids, and hits for models behind.
        """
        docs = list(docs)
        found = self.find(docs)
        if not len(found.hits):
            return [NOTHING] * len(docs)
        return self._decider().by_doc(docs, found, self.labels)

    def find(self, docs: Sequence[Doc]) -> FoundHits:
        """All hits in some Docs, and what becomes of them. The Docs stay as they are."""
        searched = self.search.find(docs)
        annotator = self.annotator()
        with_hits = set(searched.hits.docs.tolist())
        known = {i: annotator.kept(docs[i]) for i in with_hits if docs[i].has_annotation("ENT_IOB")}
        # nothing fails from here on: a batch with a Doc that does is read again, one by one
        self._count_search(len(docs), searched.n_off_tokens)
        return self._decider().decide(docs, searched, known)

    def _decider(self) -> Decider:
        found = self.checks()
        by_label = {self.labels[i]: check for i, check in found.items()}
        return Decider(self.search, self.soft_ents, by_label, self.counts, self.refused)

    def _count_search(self, n_docs: int, n_off_tokens: int) -> None:
        counts, limits = self.counts, self.search.regexes.limits
        counts.documents += n_docs
        counts.off_tokens += n_off_tokens
        if limits.timeouts:
            names = self.search.meaning.groups
            counts.timeouts.clear()
            for group, n in limits.timeouts.items():
                counts.timeouts[names[group].name] += n
            counts.switched_off = [names[group].name for group in limits.switched_off]

    def tallies(self) -> list[Counter[Any]]:
        """See EntityPipe.tallies. `counts` are of documents that have not failed."""
        return [*super().tallies(), self.search.regexes.limits.timeouts]

    def check_settings(self) -> None:
        """RAISES ValueError: If a setting is unknown or out of range."""
        super().check_settings()
        self._check_own_settings()
        self.checks()

    def _check_own_settings(self) -> None:
        _one_of("phrase_matcher_attr", self.phrase_matcher_attr, ATTRIBUTES)
        _one_of("soft_ents", self.soft_ents, (True, False))
        _one_of("ids", self.ids, tuple(IDS))
        _one_of("alignment_mode", self.alignment_mode, ALIGNMENT_MODES)
        if not 0 < self.regex_budget < float("inf") or self.regex_max_timeouts < 1:
            raise ValueError(
                f"regex_budget = {self.regex_budget} must be over 0, and regex_max_timeouts = "
                f"{self.regex_max_timeouts} at least 1."
            )

    def annotator(self) -> RuleAnnotator:
        """See EntityPipe.annotator."""
        self.check_settings()
        return RuleAnnotator(
            self.name,
            [self.vocab.strings.add(label) for label in self.labels],
            self.thresholds(),
            overwrites=self.existing_ents == "overwrite",
            spans_key=self.spans_key,
            soft_ents=self.soft_ents,
            ids=self.ids,
        )

    # What is saved of it

    def to_files(self) -> dict[str, Unsaved]:
        """See SavedPipe.to_files. They are the rules, and the phrases by kind and attribute."""
        return {RULES: self._rules.to_json(), **table_files(self._rules.tables)}

    def read_files(self, files: Mapping[str, Content], *, is_verified: bool) -> Callable[[], None]:
        """See SavedPipe.read_files."""
        if RULES not in files:
            raise ValueError(f"The saved pipeline lacks {RULES}.")
        saved = read_json(RULES, files[RULES])
        try:
            rules = RuleSet.from_json(saved, read_tables(files))
            TokenPatterns(self.vocab, rules.of_form(TOKENS))  # else the first document would fail
        except UNUSABLE as error:
            raise damage(RULES, files[RULES], str(error)) from error
        return lambda: self._take(rules)

    def __getstate__(self) -> dict[str, Any]:
        """Its state without what is made of the rules anew."""
        return {**self.__dict__, "_search": None}


def _plain(rules: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rules of a config, which is saved with the pipeline.

    RAISES ValueError: If a file is among them, which would have to be there whenever it is loaded.
    """
    for rule in rules:
        if not isinstance(rule, Mapping) or "path" in rule:
            raise ValueError(
                f"rules = [{rule!r:.80}] names a file: a component's own section may have rules as "
                "rows only, as a saved pipeline needs no files. Name it in [initialize.components] "
                "or give it to add_rules: the rules are saved with the pipeline."
            )
    return list(rules)


def _one_of(setting: str, value: Any, choices: tuple[Any, ...]) -> None:
    """RAISES ValueError: If a setting is none of the choices."""
    if value not in choices or type(value) is not type(choices[0]):
        shown = ", ".join(map(str, choices))
        raise ValueError(f"{setting} = {value!r} is unknown: use one of {shown}.")
