"""Holding texts to decisions: what agrees, what goes against them, and what would mend it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .case import Case
from .decision import Decision
from .marked_text import MarkedEntity, MarkedText
from .nested import Nested
from .surface_form import NEVER, SurfaceForm

AGREES, AGAINST, EXCEPTION = "agrees", "against", "exception"


@dataclass(frozen=True)
class Judge:
    """Judges cases by decisions.

    decisions (Sequence[Decision]): Those that have a rule are judged by.
    """

    decisions: Sequence[Decision]
    _fixed: set[tuple[str, str]] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        for decision in self.decisions:
            question = decision.question
            if decision.is_checked and isinstance(question, SurfaceForm):
                self._fixed.update((form, decision.rule) for form in question.normal_forms)

    def verdicts(self, text: MarkedText, decision: Decision) -> Iterator[tuple[Case, str]]:
        """All cases of a decision in a text, with AGREES, AGAINST or EXCEPTION.

        An exception is an entity with a rule for its surface form, and which is as that says.
        """
        for case in decision.question.cases(text):
            verdict = self.verdict(text, decision, case)
            if verdict is not None:
                yield case, verdict

    def verdict(self, text: MarkedText, decision: Decision, case: Case) -> str | None:
        """AGREES, AGAINST or EXCEPTION; None if nobody knows."""
        if not decision.is_checked or decision.question.agrees(case, decision.rule):
            return AGREES
        if not self._is_known(text, decision, case):
            return None
        return EXCEPTION if self._is_fixed(text, decision, case) else AGAINST

    def _is_known(self, text: MarkedText, decision: Decision, case: Case) -> bool:
        """Whether the text is annotated for the type that a form should have."""
        is_blank = case.practice == NEVER and isinstance(decision.question, SurfaceForm)
        return not is_blank or text.labels is None or decision.rule in (*text.labels, NEVER)

    def _is_fixed(self, text: MarkedText, decision: Decision, case: Case) -> bool:
        if isinstance(decision.question, (SurfaceForm, Nested)) or len(case.now) != 1:
            return False
        entity = case.now[0]
        return (text.form(entity), entity.label) in self._fixed

    def against(self, text: MarkedText) -> Iterator[tuple[Decision, Case]]:
        """All that goes against decisions in a text, in the order of the decisions."""
        for decision in self.decisions:
            if decision.is_checked:
                for case, verdict in self.verdicts(text, decision):
                    if verdict == AGAINST:
                        yield decision, case

    def mended(self, text: MarkedText) -> tuple[MarkedText, bool]:
        """A text as the decisions would have it: one thing after the other is put right.

        RETURNS (Tuple[MarkedText, bool]): The text, and whether nothing goes against decisions any
            more. Else they contradict each other there.
        """
        seen = {text.entities}
        while (found := next(self.against(text), None)) is not None:
            decision, case = found
            text = text.with_entities(put_right(text.entities, decision, case))
            if text.entities in seen:
                return text, False
            seen.add(text.entities)
        return text, True


def put_right(
    entities: Sequence[MarkedEntity], decision: Decision, case: Case
) -> set[MarkedEntity]:
    """Entities with one case as its decision has it."""
    return (set(entities) - set(case.now)) | set(decision.question.mended(case, decision.rule))
