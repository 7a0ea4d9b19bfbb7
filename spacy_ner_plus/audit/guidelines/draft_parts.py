"""The parts of guidelines that are made of the data, as Markdown."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from ..audited import AuditedText
from .case import code
from .checking import AGAINST, AGREES, EXCEPTION, Judge
from .decision import Decision
from .gathered import Found, Gathered
from .guidelines_file import LABEL, OVERVIEW, QUESTION, DataPart, data_part
from .label_profile import LabelProfile, Place
from .markdown import escaped, excerpt
from .marked_text import MarkedText
from .surface_form import NEVER

TYPICAL, IN_CONTEXT, RARE, EXAMPLES, FORMS = 8, 3, 4, 2, 6
LONG = 4
VERDICTS = (AGREES, EXCEPTION, AGAINST)


class PartWriter:
    """Writes parts that show places in texts.

    texts (Sequence[AuditedText]), marked (Sequence[MarkedText]): The same texts.
    """

    def __init__(self, texts: Sequence[AuditedText], marked: Sequence[MarkedText]) -> None:
        self.texts, self.marked = texts, marked

    def overview(self, profiles: dict[str, LabelProfile]) -> DataPart:
        """All types."""
        total = sum(profile.n_entities for profile in profiles.values())
        rows = [
            f"| {escaped(label)} | {its.n_entities:,} | {_percent(its.n_entities, total)} "
            f"| {len(its.forms):,} | {_shown(its.typical(3) or its.once[:3])} |"
            for label, its in profiles.items()
        ]
        lines = [
            f"{total:,} entities in {len(self.texts):,} texts.",
            "",
            "| type | entities | of all | forms | such as |",
            "|---|--:|--:|--:|---|",
            *rows,
        ]
        return data_part(OVERVIEW, _text(lines))

    def label(self, profile: LabelProfile, total: int) -> DataPart:
        """A type: how often, how long, typical and rare ones."""
        return data_part(LABEL, _text(self._label_lines(profile, total)), profile.label)

    def _label_lines(self, its: LabelProfile, total: int) -> Iterator[str]:
        if not its.n_entities:
            yield "There is none in the data."
            return
        yield (
            f"{its.n_entities:,} entities ({_percent(its.n_entities, total)} of all) in "
            f"{its.n_texts:,} of {len(self.texts):,} texts; {len(its.forms):,} forms, of which "
            f"{len(its.once):,} occur once."
        )
        yield self._lengths(its)
        if its.touching:
            yield f"{its.touching:,} directly follow another {escaped(its.label)}."
        if its.within:
            inside = ", ".join(f"{escaped(name)} {n:,}" for name, n in its.within.most_common())
            yield f"{its.within.total():,} are within others: {inside}."
        typical = its.typical(TYPICAL)
        if typical:
            yield from ("", "Typical:", "")
            for form in typical[:IN_CONTEXT]:
                shown = self._example(its.forms[form][0])
                yield f"- {code(form)} ({len(its.forms[form]):,}): {shown}"
            if rest := typical[IN_CONTEXT:]:
                yield f"- {_shown(rest, {form: len(its.forms[form]) for form in rest})}"
        if rare := its.rare(RARE):
            yield from ("", "Unlike all others:", "")
            yield from (f"- {self._example(its.forms[form][0])}" for form in rare)

    def _lengths(self, its: LabelProfile) -> str:
        shares = [
            f"{n} ({_percent(its.lengths[n], its.n_entities)})"
            for n in range(1, LONG)
            if its.lengths[n]
        ]
        if n_long := sum(count for n, count in its.lengths.items() if n >= LONG):
            shares.append(f"{LONG} or more ({_percent(n_long, its.n_entities)})")
        line = f"Words each: {', '.join(shares)}"
        longest = its.longest()
        if n_long and longest is not None:
            number, (start, end, _) = longest
            form = self.marked[number].surface(start, end)
            line += f"; at most {end - start}: {code(form)}"
        return f"{line}."

    def question(self, decision: Decision, gathered: Gathered, judge: Judge) -> DataPart:
        """A question with examples of each practice, or a rule with what goes against it.

        judge (Judge): Of all decisions.
        """
        return data_part(QUESTION, _text(self._question_lines(decision, gathered, judge)))

    def _question_lines(
        self, decision: Decision, gathered: Gathered, judge: Judge
    ) -> Iterator[str]:
        yield from (f"### {decision.said()}", "")
        if not gathered.cases:
            yield "There is no such case in the data."
        total = gathered.practices.total()
        for (verdict, practice), found in self._by_verdict(decision, gathered, judge):
            said = {AGAINST: ", against the rule", EXCEPTION: ", exceptions"}.get(verdict, "")
            yield f"- {_name(practice)}{said}: {len(found):,} of {total:,}{self._forms(found)}"
            for number, case in gathered.examples(practice, found, self.marked, EXAMPLES):
                shown = excerpt(self.texts[number], self.marked[number], case.whole, case.now)
                yield f"    - {shown}"

    def _by_verdict(
        self, decision: Decision, gathered: Gathered, judge: Judge
    ) -> list[tuple[tuple[str, str], list[Found]]]:
        """The cases by verdict and practice: first those that agree, then the most frequent."""
        groups: dict[tuple[str, str], list[Found]] = defaultdict(list)
        for practice, found in gathered.cases.items():
            for number, case in found:
                verdict = judge.verdict(self.marked[number], decision, case)
                if verdict is not None:
                    groups[verdict, practice].append((number, case))
        return sorted(groups.items(), key=lambda item: VERDICTS.index(item[0][0]))

    def _forms(self, found: Sequence[Found]) -> str:
        """What the cases are of, if that is not the same everywhere."""
        forms = Counter(self.marked[number].surface(*case.whole) for number, case in found)
        if len(forms) < 2:
            return ""
        named = [
            f"{code(form)} ({n:,})" if n > 1 else code(form) for form, n in forms.most_common(FORMS)
        ]
        return f": {', '.join(named)}{', …' if len(forms) > FORMS else ''}"

    def _example(self, place: Place) -> str:
        number, entity = place
        stretch = (entity.start, entity.end)
        return excerpt(self.texts[number], self.marked[number], stretch, [entity])


def _name(practice: str) -> str:
    return "no entity" if practice == NEVER else escaped(practice)


def _shown(forms: Sequence[str], counts: Counter[str] | dict[str, int] | None = None) -> str:
    return ", ".join(
        f"{code(form).replace('|', '&#124;')}{f' ({counts[form]:,})' if counts else ''}"
        for form in forms
    )


def _percent(n: int, total: int) -> str:
    share = 100 * n / total
    return "<1 %".replace("<", "&lt;") if 0 < share < 0.5 else f"{share:.0f} %"


def _text(lines: Sequence[str] | Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
