"""All cases of a question in the data, by what was done."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from .case import Case, Question
from .marked_text import MarkedText

Found = tuple[int, Case]
"""The number of a text, and a case in it."""


@dataclass(frozen=True)
class Gathered:
    """The cases of a question.

    question (Question): The question.
    cases (Dict[str, List[Found]]): By practice, the most frequent first.
    """

    question: Question
    cases: dict[str, list[Found]]

    @property
    def practices(self) -> Counter[str]:
        """How often each is done."""
        return Counter({practice: len(found) for practice, found in self.cases.items()})

    def examples(
        self, practice: str, found: Sequence[Found], texts: Sequence[MarkedText], most: int
    ) -> list[Found]:
        """Cases that show a practice best, of some of its cases.

        First those of words that were treated otherwise elsewhere, each of other words.
        """
        core = {id(case): _core(texts[number], case) for number, case in found}
        elsewhere = {
            _core(texts[number], case)
            for other, cases in self.cases.items()
            if other != practice
            for number, case in cases
        }
        seen: Counter[str] = Counter()
        ranks = []
        for at, (_, case) in enumerate(found):
            form = core[id(case)]
            ranks.append((seen[form], form not in elsewhere, at))
            seen[form] += 1
        return [found[at] for _, _, at in sorted(ranks)[:most]]


def gather(question: Question, texts: Sequence[MarkedText]) -> Gathered:
    """Find all cases of a question."""
    cases: dict[str, list[Found]] = defaultdict(list)
    for number, text in enumerate(texts):
        for case in question.cases(text):
            cases[case.practice].append((number, case))
    return Gathered(question, dict(sorted(cases.items(), key=lambda it: (-len(it[1]), it[0]))))


def _core(text: MarkedText, case: Case) -> str:
    """What all practices have in common, as it is compared."""
    start, end = case.parts[0] if case.parts else case.whole
    return " ".join(text.words[start:end])
