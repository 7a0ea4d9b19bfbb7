"""The sections of the audit, in the order in which they are shown: another one is an entry more."""

from .audit_settings import AuditSettings
from .audited import AuditedCorpus
from .counts import find_counts
from .decision_review import review_decisions
from .decisions import DecisionFindings, find_decisions
from .section import Absent, Section
from .terminal.counts import print_counts
from .terminal.decisions import print_decisions


def _decisions(corpus: AuditedCorpus, its: AuditSettings) -> DecisionFindings | Absent:
    if its.guidelines is None:
        return Absent(
            "There are no guidelines", "ner-plus guidelines drafts some, for --guidelines"
        )
    return find_decisions(corpus, its.guidelines)


SECTIONS = (
    Section("counts", "Counts", lambda corpus, its: find_counts(corpus), print_counts),
    Section("decisions", "Decisions", _decisions, print_decisions, review_decisions),
)


def chosen_sections(keys: list[str] | None) -> list[Section]:
    """The sections of these keys, in their own order.

    keys (List[str]): None for all.
    RAISES ValueError: There is no such section.
    """
    known = {section.key: section for section in SECTIONS}
    if keys is None:
        return list(known.values())
    if unknown := [key for key in keys if key not in known]:
        raise ValueError(
            f"There is no section {unknown[0]!r}: --sections takes {', '.join(known)}, parted by "
            "commas."
        )
    return [section for key, section in known.items() if key in keys]
