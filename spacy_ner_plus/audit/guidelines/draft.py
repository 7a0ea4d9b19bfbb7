"""A draft of guidelines, alone or merged into those that people have worked on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..audited import AuditedText
from .case import Question
from .checking import Judge
from .decision import Decision, write_block
from .draft_parts import PartWriter
from .gathered import Gathered, gather
from .guidelines_file import LABEL, OVERVIEW, DataPart, DecisionBlock, Prose, Segment, block, render
from .label_profile import LabelProfile, profiles
from .markdown import escaped
from .marked_text import mark
from .open_questions import open_questions

HEAD = """\
# Annotation guidelines

A draft made of annotated data. Say below each heading what the type is, and answer the questions:
put one of the answers that stand beside it in place of `"undecided"`. `"depends"` means that there
is no rule. A surface form with a rule of its own is an exception from the others.

"""
_GAP = Prose("\n")


@dataclass
class Draft:
    """Guidelines made of data.

    segments (List[Segment]): The file.
    new (List[str]): Questions that were not in it, in Markdown.
    obsolete (List[Decision]): Decisions that the data have no case of.
    edited (List[DataPart]): Parts made of the data that somebody has changed: they are as they
        were.
    gone (List[str]): Entity types of the file that the data lack.
    """

    segments: list[Segment]
    new: list[str] = field(default_factory=list)
    obsolete: list[Decision] = field(default_factory=list)
    edited: list[DataPart] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The file's text."""
        return render(self.segments)

    @property
    def decisions(self) -> list[Decision]:
        """All of them, answered or not."""
        return [one.decision for one in self.segments if isinstance(one, DecisionBlock)]


def make_draft(texts: Sequence[AuditedText], existing: Sequence[Segment], most: int) -> Draft:
    """Guidelines, with all that people have written in those that there are.

    texts (Sequence[AuditedText]): With annotation.
    existing (Sequence[Segment]): Of the file; empty if there is none.
    most (int): Questions of a kind and a type.
    """
    return _Drafting(texts, most).draft(existing)


class _Drafting:
    def __init__(self, texts: Sequence[AuditedText], most: int) -> None:
        self.marked = [mark(text) for text in texts]
        self.writer = PartWriter(texts, self.marked)
        self.profiles = profiles(self.marked)
        self.total = sum(profile.n_entities for profile in self.profiles.values())
        self.asked: dict[str, list[Question]] = {label: [] for label in self.profiles}
        for label, question in open_questions(self.marked, most):
            self.asked[label].append(question)
        self.judge = Judge([])
        self._gathered_before: dict[Question, Gathered] = {}

    def draft(self, existing: Sequence[Segment]) -> Draft:
        made = Draft([])
        if not existing:
            existing = [Prose(HEAD), self.writer.overview(self.profiles)]
        self.judge = Judge([one.decision for one in existing if isinstance(one, DecisionBlock)])
        known = {topic for one in existing for topic in _topics(one)}
        for label, questions in self.asked.items():
            new = [one for one in questions if not known.issuperset(one.topics())]
            self.asked[label] = new
            made.new += [Decision(question).said() for question in new]
        made.segments = list(self._with_new(list(self._renewed(existing, made))))
        return made

    def _renewed(self, segments: Sequence[Segment], made: Draft) -> Iterator[Segment]:
        """What there was, with new counts and examples."""
        for at, segment in enumerate(segments):
            if (
                isinstance(segment, DecisionBlock)
                and not self._gathered(segment.decision.question).cases
            ):
                made.obsolete.append(segment.decision)
            if not isinstance(segment, DataPart):
                yield segment
            elif segment.is_ours:
                yield self._anew(segment, segments[at + 1 :])
            else:
                made.edited.append(segment)
                yield segment
            if isinstance(segment, DataPart) and segment.label not in (None, *self.profiles):
                made.gone.append(str(segment.label))

    def _anew(self, part: DataPart, following: Sequence[Segment]) -> Segment:
        if part.kind == OVERVIEW:
            return self.writer.overview(self.profiles)
        if part.kind == LABEL:
            profile = self.profiles.get(str(part.label), LabelProfile(str(part.label)))
            return self.writer.label(profile, self.total)
        its = next((one for one in following if not isinstance(one, Prose)), None)
        if not isinstance(its, DecisionBlock):
            return part  # its decision was taken out
        return self._question(its.decision)

    def _with_new(self, segments: list[Segment]) -> list[Segment]:
        """New questions below those of their type, new types at the end."""
        for label, questions in self.asked.items():
            added = [one for question in questions for one in self._asking(question)]
            at = _end_of_label(segments, label)
            if at is None:
                segments += [*self._section(label), *added]
            else:
                segments[at:at] = added
        return segments

    def _section(self, label: str) -> Iterator[Segment]:
        name = escaped(label)
        yield Prose(f"\n## {name}\n\n*What is annotated as {name}, and what is not?*\n\n")
        yield self.writer.label(self.profiles[label], self.total)

    def _asking(self, question: Question) -> Iterator[Segment]:
        decision = Decision(question)
        yield from (_GAP, self._question(decision), _GAP)
        yield block(decision, write_block(decision))

    def _question(self, decision: Decision) -> DataPart:
        return self.writer.question(decision, self._gathered(decision.question), self.judge)

    def _gathered(self, question: Question) -> Gathered:
        if question not in self._gathered_before:
            self._gathered_before[question] = gather(question, self.marked)
        return self._gathered_before[question]


def _topics(segment: Segment) -> Iterator[tuple[str, ...]]:
    if isinstance(segment, DecisionBlock):
        yield from segment.decision.question.topics()


def _end_of_label(segments: Sequence[Segment], label: str) -> int | None:
    """Where a type's part of the file ends; None if it has none."""
    end, current = None, None
    for at, segment in enumerate(segments):
        if isinstance(segment, DataPart) and segment.kind == LABEL:
            current = segment.label
        is_about = (
            isinstance(segment, DecisionBlock)
            and current is None
            and label in segment.decision.labels
        )
        if is_about or (current == label and not isinstance(segment, Prose)):
            end = at + 1
    return end
