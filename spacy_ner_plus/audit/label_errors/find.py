"""Finding likely label errors in an audited corpus."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from ...pipeline.capabilities import Disagreement, SecondReading
from ...pipeline.preparing import load_pipeline
from ...tags import Span as EntitySpan
from ..audited import AuditedCorpus, AuditedText
from ..occurrences import occurrence
from ..plain_span import PlainSpan
from .cross_validated import cross_validated_readings
from .judges import Folds, Judge
from .likely_errors import KINDS, LabelErrors, LikelyError
from .ranking import Ranking, kind_of
from .second_readings import read_again


def find_label_errors(corpus: AuditedCorpus, judge: Judge) -> LabelErrors:
    """Let models that have not seen the texts read them, and rank what they read otherwise.

    judge (Judge): A trained pipeline, by its name or folder, which has not seen the texts; or how
        to train some by cross-validation.
    RAISES ValueError: There is no such pipeline, or see cross_validated_readings.
    """
    texts = list(corpus.texts())
    if isinstance(judge, Folds):
        readings, judged_by = cross_validated_readings(corpus, judge), f"{judge.n} folds"
    else:
        readings = list(read_again(load_pipeline(judge), texts))
        judged_by = str(judge)
    return label_errors(texts, readings, judged_by)


def label_errors(
    texts: Sequence[AuditedText], readings: Sequence[SecondReading], judged_by: str
) -> LabelErrors:
    """Rank the disagreements of second readings.

    readings (Sequence[SecondReading]): One a text.
    """
    ranking = Ranking(readings)
    likely = [
        (text, one)
        for text, reading in zip(texts, readings, strict=True)
        for one in reading.disagreements
        if ranking.is_likely(one)
    ]
    findings = [_finding(text, one, ranking.score(one)) for text, one in likely]
    findings.sort(key=lambda one: -one.score)  # of equal ones, as they are in the corpus
    by_kind = Counter(one.kind for one in findings)
    known = {one.label for reading in readings for one in reading.confidences}
    labels = {ent.label_ for text in texts for ent in text.flat_entities}
    return LabelErrors(
        judged_by=judged_by,
        n_texts=len(texts),
        n_entities=sum(len(text.flat_entities) for text in texts),
        n_disagreements=sum(len(reading.disagreements) for reading in readings),
        n_not_judged=sum(reading.n_not_judged for reading in readings),
        unknown_labels=sorted(labels - known),
        confidences=ranking.confidences,
        by_kind={kind: by_kind[kind] for kind in KINDS if by_kind[kind]},
        findings=findings,
        left_out=sum(text.n_hidden for text in texts),
    )


def _finding(text: AuditedText, one: Disagreement, score: float) -> LikelyError:
    stretch = text.doc[one.start : one.end]
    label = " + ".join(label for *_, label in one.annotated) or None
    return LikelyError(
        occurrence=occurrence(text, stretch.start_char, stretch.end_char, label),
        kind=kind_of(one),
        annotated=list(_marked(text, one.annotated)),
        suggested=list(_marked(text, one.predicted)),
        annotated_probability=math.exp(one.annotated_log_prob),
        suggested_probability=math.exp(one.predicted_log_prob),
        score=score,
    )


def _marked(text: AuditedText, spans: Sequence[EntitySpan]) -> Iterator[PlainSpan]:
    for start, end, label in spans:
        span = text.doc[start:end]
        yield PlainSpan(span.start_char, span.end_char, label, span.text)
