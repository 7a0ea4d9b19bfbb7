"""The sections of the audit, in the order in which they are shown: another one is an entry more."""

from typing import Any

from .ambiguous import find_ambiguous
from .audit_settings import AuditSettings
from .audited import AuditedCorpus
from .boundaries import find_boundaries
from .counts import find_counts
from .cues import find_cues
from .decision_review import decision_tasks
from .decisions import DecisionFindings, find_decisions
from .duplicate_texts import find_duplicates
from .inconsistency import find_inconsistency
from .inconsistency_review import inconsistency_tasks
from .label_errors.find import find_label_errors
from .label_errors.review import label_error_tasks
from .lengths import find_lengths
from .overlap import find_overlap
from .section import Absent, Section
from .span_nesting import find_nesting
from .terminal.ambiguous import print_ambiguous
from .terminal.boundaries import print_boundaries
from .terminal.counts import print_counts
from .terminal.cues import print_cues
from .terminal.decisions import print_decisions
from .terminal.duplicates import print_duplicates
from .terminal.inconsistency import print_inconsistency
from .terminal.label_errors import print_label_errors
from .terminal.lengths import print_lengths
from .terminal.nesting import print_nesting
from .terminal.overlap import print_overlap
from .terminal.tokens import print_tokens
from .token_checks import find_token_checks

ONE_PART = Absent("it compares parts, and there is train alone", "give DEV or TEST, too")


def _overlap(corpus: AuditedCorpus, _: AuditSettings) -> Any:
    return find_overlap(corpus) if len(corpus.parts) > 1 else ONE_PART


NOBODY_READS = Absent(
    "models that have not seen the texts must read them",
    "give --folds 5, which trains some, or --model with one that was trained on others",
)


def _label_errors(corpus: AuditedCorpus, its: AuditSettings) -> Any:
    return NOBODY_READS if its.judge is None else find_label_errors(corpus, its.judge)


def _decisions(corpus: AuditedCorpus, its: AuditSettings) -> DecisionFindings | Absent:
    if its.guidelines is None:
        return Absent(
            "there are no guidelines", "ner-plus guidelines drafts them, for --guidelines"
        )
    return find_decisions(corpus, its.guidelines)


SECTIONS = (
    Section("counts", "Counts", lambda corpus, _: find_counts(corpus), print_counts),
    Section(
        "lengths", "Lengths", lambda corpus, its: find_lengths(corpus, its.encoder), print_lengths
    ),
    Section(
        "nesting",
        "Spans within others",
        lambda corpus, its: find_nesting(corpus, its.max_width),
        print_nesting,
    ),
    Section(
        "duplicates",
        "Duplicates",
        lambda corpus, its: find_duplicates(corpus, its.near),
        print_duplicates,
    ),
    Section("overlap", "Entities known from train", _overlap, print_overlap),
    Section(
        "tokens",
        "Tokens and characters",
        lambda corpus, its: find_token_checks(corpus, its.encoder),
        print_tokens,
    ),
    Section(
        "inconsistency",
        "The same words, annotated otherwise",
        lambda corpus, _: find_inconsistency(corpus),
        print_inconsistency,
        lambda _, result: inconsistency_tasks(result),
    ),
    Section(
        "boundaries",
        "Boundaries that vary",
        lambda corpus, _: find_boundaries(corpus),
        print_boundaries,
    ),
    Section(
        "cues",
        "Words that go with a label",
        lambda corpus, _: find_cues(corpus),
        print_cues,
    ),
    Section(
        "ambiguous",
        "Words that rightly have several labels",
        lambda corpus, _: find_ambiguous(corpus),
        print_ambiguous,
    ),
    Section(
        "label_errors",
        "Likely label errors",
        _label_errors,
        print_label_errors,
        lambda _, result: label_error_tasks(result),
    ),
    Section("decisions", "Against decisions", _decisions, print_decisions, decision_tasks),
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
