"""Where the data go against what was decided: the section `decisions`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .audited import AuditedCorpus, AuditedText
from .guidelines.case import DEPENDS, UNDECIDED, Case, plain
from .guidelines.checking import AGAINST, AGREES, EXCEPTION, Judge
from .guidelines.decision import Decision
from .guidelines.guidelines_file import Guidelines
from .guidelines.marked_text import MarkedEntity, MarkedText, mark
from .occurrences import Occurrence, occurrence
from .plain_span import PlainSpan


@dataclass(frozen=True, slots=True)
class Violation:
    """A place that goes against a decision.

    found (Occurrence): All that it is about; its label is that of an entity of just these
        characters.
    now (List[PlainSpan]): The entities there; none if a surface form is not annotated.
    suggested (List[PlainSpan]): What the decision makes of them.
    """

    found: Occurrence
    now: list[PlainSpan]
    suggested: list[PlainSpan]


@dataclass(frozen=True)
class CheckedDecision:
    """A decision, and what the data have of it.

    line (int): Of the file.
    kind (str): "edge", "joined", "form" or "nested".
    said (str): It as a sentence; the question, if it is undecided.
    rule (str): The answer.
    practices (Dict[str, int]): How often each was done, the most frequent first.
    agreeing (int): Places that are as decided; all, if there is no rule.
    exceptions (int): Places that are otherwise, since their surface form has a rule of its own.
    against (List[Violation]): All others.
    """

    line: int
    kind: str
    said: str
    rule: str
    practices: dict[str, int]
    agreeing: int
    exceptions: int
    against: list[Violation]

    @property
    def is_decided(self) -> bool:
        """Whether somebody has answered it."""
        return self.rule != UNDECIDED

    @property
    def has_rule(self) -> bool:
        """Whether data can go against it."""
        return self.rule not in (UNDECIDED, DEPENDS)


@dataclass(frozen=True, slots=True)
class CorrectedText:
    """A text as all decisions together would have it.

    part (str), number (int): Which text.
    removed, added (List[PlainSpan]): What is different.
    agrees (bool): Whether nothing goes against a decision then; else they contradict each other.
    """

    part: str
    number: int
    removed: list[PlainSpan]
    added: list[PlainSpan]
    agrees: bool


@dataclass(frozen=True)
class DecisionFindings:
    """The section.

    path (str): The file of guidelines.
    decisions (List[CheckedDecision]): All of it, in its order.
    corrected (List[CorrectedText]): The texts that go against any.
    unknown_labels (Dict[str, int]): Entity types that decisions name and the data lack, with the
        line where they are first.
    """

    path: str
    decisions: list[CheckedDecision]
    corrected: list[CorrectedText]
    unknown_labels: dict[str, int]

    @property
    def n_against(self) -> int:
        """Places that go against decisions."""
        return sum(len(decision.against) for decision in self.decisions)

    @property
    def n_undecided(self) -> int:
        """Questions that nobody has answered."""
        return sum(not decision.is_decided for decision in self.decisions)

    @property
    def warnings(self) -> list[str]:
        """See SectionResult."""
        return list(self._warnings())

    def _warnings(self) -> Iterator[str]:
        if self.n_against:
            worst = max(self.decisions, key=lambda decision: len(decision.against))
            yield (
                f"{self.n_against:,} places in {len(self.corrected):,} texts go against decisions "
                f"of {self.path}, most of them ({len(worst.against):,}) against line {worst.line}: "
                f"{worst.said}."
            )
        if n_contradicting := sum(not text.agrees for text in self.corrected):
            yield (
                f"Decisions of {self.path} contradict each other in {n_contradicting:,} texts: "
                "following one goes against another."
            )
        for label, line in self.unknown_labels.items():
            yield (
                f"{self.path}, line {line}: no entity is of the type {label}. Is it written as in "
                "the data?"
            )
        if self.n_undecided:
            yield f"Questions of {self.path} that nobody has decided: {self.n_undecided:,}."


def find_decisions(corpus: AuditedCorpus, guidelines: Guidelines) -> DecisionFindings:
    """Hold all annotated texts to decisions.

    guidelines (Guidelines): As `guidelines` writes them, with answers.
    """
    judge = Judge(guidelines.decisions)
    texts = [(text, mark(text)) for text in corpus.texts()]
    checked = [_checked(decision, judge, texts) for decision in guidelines.decisions]
    to_correct = {(one.found.part, one.found.number) for its in checked for one in its.against}
    return DecisionFindings(
        path=guidelines.path,
        decisions=checked,
        corrected=[
            _corrected(judge, text, marked)
            for text, marked in texts
            if (text.part, text.number) in to_correct
        ],
        unknown_labels=_unknown_labels(guidelines.decisions, texts),
    )


def _unknown_labels(
    decisions: Sequence[Decision], texts: Sequence[tuple[AuditedText, MarkedText]]
) -> dict[str, int]:
    known = {entity.label for _, marked in texts for entity in marked.entities}
    unknown: dict[str, int] = {}
    for decision in decisions:
        for label in decision.labels:
            if label not in known:
                unknown.setdefault(label, decision.line)
    return unknown


def _checked(
    decision: Decision, judge: Judge, texts: Sequence[tuple[AuditedText, MarkedText]]
) -> CheckedDecision:
    practices: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    against = []
    for text, marked in texts:
        for case, verdict in judge.verdicts(marked, decision):
            practices[case.practice] += 1
            verdicts[verdict] += 1
            if verdict == AGAINST:
                against.append(_violation(text, marked, decision, case))
    return CheckedDecision(
        line=decision.line,
        kind=decision.question.kind,
        said=plain(decision.said()),
        rule=decision.rule,
        practices=dict(practices.most_common()),
        agreeing=verdicts[AGREES],
        exceptions=verdicts[EXCEPTION],
        against=against,
    )


def _violation(text: AuditedText, marked: MarkedText, decision: Decision, case: Case) -> Violation:
    labels = [one.label for one in case.now if (one.start, one.end) == case.whole]
    start, end = marked.starts[case.whole[0]], marked.ends[case.whole[1] - 1]
    return Violation(
        occurrence(text, start, end, labels[0] if labels else None),
        _plain(marked, case.now),
        _plain(marked, decision.question.mended(case, decision.rule)),
    )


def _corrected(judge: Judge, text: AuditedText, marked: MarkedText) -> CorrectedText:
    mended, agrees = judge.mended(marked)
    before, after = set(marked.entities), set(mended.entities)
    removed, added = sorted(before - after), sorted(after - before)
    return CorrectedText(
        text.part, text.number, _plain(marked, removed), _plain(marked, added), agrees
    )


def _plain(marked: MarkedText, entities: Sequence[MarkedEntity]) -> list[PlainSpan]:
    return [
        PlainSpan(start, end, label, marked.text[start:end])
        for start, end, label in (
            (marked.starts[one.start], marked.ends[one.end - 1], one.label) for one in entities
        )
    ]
