"""Annotating texts by votes: what `ner-plus weak-label` does, for Python."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from spacy.language import Language

from ..data.formats.record_files import write_counted
from ..data.sources.document_batches import document_batches
from ..data.sources.inputs import open_input
from ..data.sources.rows import Fields, Input, SourceDocument
from ..records import SpanRecord
from ..support.output_folder import check_output_folder
from ..voting.agreement_of_pairs import count_pairs
from ..voting.dawid_skene import WeighedVotes, weigh_votes
from ..voting.vote_table import SILENT
from .candidates import Candidates
from .statuses import ACCEPTED, IGNORED, REJECTED, StatusLimits, as_record, decide
from .voters import PipelineVoter, RuleVoters, Voter, check_names
from .weak_schema import PairFigures, VoterFigures, WeakLabels

# Texts that voters get at once.
_BATCH = 500
# Fewer voters agree too seldom to tell anything.
FEW_VOTERS = 3
MAX_SHOWN = 5  # of voters that are silent


def weak_label(
    texts: str | Path,
    output: str | Path,
    *,
    rules: Sequence[str | Path] | None = None,
    pipelines: Sequence[Language | str | Path] | None = None,
    threshold: float = 0.8,
    reject_below: float = 0.2,
    unknown_outside: bool = False,
    lang: str = "en",
    label: str | None = None,
    input_format: str | None = None,
    text_field: str = "text",
    id_field: str = "id",
) -> WeakLabels:
    """Annotate texts by rules and pipelines, whose votes are weighed by how they agree.

    Each place that somebody votes a type for gets the probability that it is an entity of that
    type: see voting.dawid_skene for the model. The same input gives the same bytes.

    texts (Union[str, Path]): The texts, in any form that `predict` reads.
    output (Union[str, Path]): The .jsonl file of records that is written.
    rules (Sequence[Union[str, Path]]): Files of rules, as those of ner_plus_rules. Rules of one
        name, such as the phrases of a list, are one voter.
    pipelines (Sequence[Union[Language, str, Path]]): Pipelines whose entities are votes.
    threshold (float): The least probability of an accepted entity.
    reject_below (float): Spans that are not more probable are rejected: known to be wrong. Those
        between are ignored: nothing is known of their words.
    unknown_outside (bool): Whether there may be entities where nobody votes for one; if not, it is
        known that there are none.
    lang (str): The language whose tokenizer cuts texts for rules.
    label (str): The type of rules that say none.
    input_format, text_field, id_field (str): As those of predict.
    RETURNS (WeakLabels): What voters say, and what became of it.
    RAISES ValueError: There are no voters, no text has a vote, or what is given can't be read.
    """
    limits = StatusLimits(threshold, reject_below)
    output = Path(output)
    check_output_folder(output.parent)
    if output.suffix != ".jsonl":
        raise ValueError(
            f"{output} must be a .jsonl file: `ner-plus convert` writes other formats."
        )
    source = open_input(Path(texts), input_format, Fields(text_field, id_field))
    voters = _voters(rules or (), pipelines or (), lang, label)
    candidates, examples = _collected(source, voters)
    table = candidates.table()
    if not len(table):
        raise ValueError(
            f"No voter votes for anything in the {len(candidates.places):,} texts of {texts}."
        )
    weighed = weigh_votes(table)
    counts: dict[str, Counter[str]] = {s: Counter() for s in (ACCEPTED, REJECTED, IGNORED)}
    records = (
        as_record(document, spans, unknown_outside=unknown_outside)
        for document, spans in _decided(source, candidates, weighed, limits, counts)
    )
    write_counted(records, output, "jsonl")
    return WeakLabels(
        texts=str(texts),
        output=str(output),
        documents=len(candidates.places),
        candidates=len(table),
        threshold=threshold,
        reject_below=reject_below,
        accepted=dict(sorted(counts[ACCEPTED].items())),
        rejected=dict(sorted(counts[REJECTED].items())),
        ignored=dict(sorted(counts[IGNORED].items())),
        voters=_voter_figures(weighed),
        pairs=_pair_figures(weighed, candidates, examples),
        dropped=candidates.n_dropped,
        iterations=len(weighed.objective),
        has_converged=weighed.has_converged,
        warnings=_warnings(weighed),
    )


def _voters(
    rules: Sequence[str | Path],
    pipelines: Sequence[Language | str | Path],
    lang: str,
    label: str | None,
) -> list[Voter]:
    """Who votes. RAISES ValueError: Nobody, or one can't be read."""
    voters: list[Voter] = []
    if rules:
        voters.append(RuleVoters([Path(path) for path in rules], lang, label))
    voters += [PipelineVoter(pipeline) for pipeline in pipelines]
    if not voters:
        raise ValueError("There is nobody to vote: give --rules or --pipeline.")
    return voters


def _collected(source: Input, voters: Sequence[Voter]) -> "tuple[Candidates, _Examples]":
    """The candidates of all texts, and their words. RAISES ValueError: Two voters have one name."""
    candidates = Candidates(check_names(voters))
    examples = _Examples(candidates)
    for documents in document_batches(source, _BATCH):
        votes = [voter.votes(documents) for voter in voters]
        for document, *own in zip(documents, *votes, strict=True):
            candidates.add(vote for part in own for vote in part)
            examples.look_at(document)
    return candidates, examples


def _decided(
    source: Input,
    candidates: Candidates,
    weighed: WeighedVotes,
    limits: StatusLimits,
    counts: dict[str, Counter[str]],
) -> Iterator[tuple[SourceDocument, list[SpanRecord]]]:
    """All texts once more, with what becomes of their candidates, which is counted by status."""
    first, table = 0, weighed.table
    batches = document_batches(source, _BATCH)
    documents = (document for batch in batches for document in batch)
    for document, places in zip(documents, candidates.places, strict=True):
        rows = slice(first, first + len(places))
        first += len(places)
        spans = decide(places, table.votes[rows], weighed.probabilities[rows], table, limits)
        for span in spans:
            counts[str(span.status)][span.label] += 1
        yield document, spans


class _Examples:
    """The words of candidates, for the table of conflicts."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._words: list[str] = []

    def look_at(self, document: SourceDocument) -> None:
        """Keep the words of the candidates of the last text."""
        places = self._candidates.places[-1]
        self._words += [" ".join(document.text[start:end].split()) for start, end in places]

    def __getitem__(self, candidate: int) -> str:
        return self._words[candidate]


def _voter_figures(weighed: WeighedVotes) -> list[VoterFigures]:
    table = weighed.table
    is_alone = (table.votes != SILENT).sum(axis=1) == 1  # (n_items,)
    precision, recall = weighed.precision(), weighed.recall()
    figures = []
    for j, name in enumerate(table.voters):
        own, wants = table.votes[:, j], table.for_labels[:, j]
        figures.append(
            VoterFigures(
                name=name,
                labels=[table.labels[vote - 1] for vote in np.unique(own[wants]).tolist()],
                votes=int(wants.sum()),
                blocks=int((own == table.none).sum()),
                alone=int((wants & is_alone).sum()),
                precision=_known(precision[j]),
                recall=_known(recall[j]),
            )
        )
    return figures


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _pair_figures(
    weighed: WeighedVotes, candidates: Candidates, examples: _Examples
) -> list[PairFigures]:
    table, pairs = weighed.table, []
    for i, j, agree, conflict in count_pairs(table):
        one, other = table.voters[i], table.voters[j]
        example = ""
        if conflict.any():
            first = int(np.argmax(conflict))
            said = [table.label_of(int(table.votes[first, k])) or "none" for k in (i, j)]
            example = f"{examples[first]}: {said[0]}, {said[1]}"
        overlap = candidates.overlaps[one, other]
        n_agree, n_conflict = int(agree.sum()), int(conflict.sum())
        if n_agree or n_conflict or overlap:
            pairs.append(PairFigures(one, other, n_agree, n_conflict, overlap, example))
    return sorted(pairs, key=lambda pair: (-pair.conflict, -pair.overlap, -pair.agree))


def _warnings(weighed: WeighedVotes) -> list[str]:
    table, found = weighed.table, []
    n_voting = int(table.for_labels.any(axis=0).sum())
    if n_voting < FEW_VOTERS:
        found.append(
            f"only {n_voting} voted for anything: with fewer than {FEW_VOTERS} voters their "
            "agreement tells little, and probabilities are mostly what a voter is taken for at "
            "first"
        )
    silent = [
        name
        for name, votes in zip(table.voters, table.votes.T, strict=True)
        if not (votes != SILENT).any()
    ]
    if silent:
        shown = ", ".join(silent[:MAX_SHOWN]) + ", ..." * (len(silent) > MAX_SHOWN)
        found.append(f"{len(silent):,} voters say nothing of any candidate: {shown}")
    if not weighed.has_converged:
        found.append("the estimation has not come to an end: probabilities may still move")
    return found
