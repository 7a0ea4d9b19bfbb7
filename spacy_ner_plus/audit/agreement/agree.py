"""Agreement of annotators: what `ner-plus agreement` does, for Python."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...data.blank_pipeline import blank_pipeline
from ...data.formats.annotators import ANNOTATOR
from ...data.formats.record_files import write
from ...evaluation.label_choice import choose
from ...evaluation.result_files import write_result
from ...records import TextRecord
from ...support.durable import written_whole
from ...support.output_folder import check_output_folder
from .agreement_schema import AgreementMetrics
from .annotator_files import read_annotators
from .measuring import measure_agreement
from .report import render_agreement
from .shared_texts import AUTO, find_shared

METRICS, PAGE, ADJUDICATION = "agreement.json", "agreement.html", "adjudication.jsonl"


@dataclass(frozen=True, repr=False)
class AnnotatorAgreement:
    """How far annotators agree.

    metrics (AgreementMetrics): All figures and disagreements, as in agreement.json.
    adjudication (List[TextRecord]): The texts on which they disagree, to be decided on: what they
        agree on as entities, the rest undecided, with who has it in `meta`.
    """

    metrics: AgreementMetrics
    adjudication: list[TextRecord]

    def __repr__(self) -> str:
        """In short: there may be thousands of disagreements."""
        names = ", ".join(one.name for one in self.metrics.annotators)
        return f"<Agreement of {names} on {self.metrics.texts:,} texts: alpha {self.alpha}>"

    @property
    def alpha(self) -> float | None:
        """Krippendorff's alpha on all tokens; None where all values are the same."""
        return self.metrics.alphas.all.alpha

    @property
    def f1(self) -> float | None:
        """F1 of exact matches of entities, over all pairs; None if there are no entities."""
        return self.metrics.micro.f1

    @property
    def report(self) -> str:
        """The figures and disagreements as HTML: one page, which loads nothing."""
        return render_agreement(self.metrics)

    def write(self, folder: Path | str) -> None:
        """Write agreement.json, agreement.html and adjudication.jsonl.

        folder (Union[Path, str]): Is made if it is not there.
        RAISES ValueError: It is a file, or can't be written to.
        """
        folder = Path(folder)
        check_output_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_result(folder / METRICS, self.metrics)
        write(self.adjudication, folder / ADJUDICATION)
        # Paths may hold bytes that are no UTF-8, which Python keeps as lone surrogates.
        with written_whole(folder / PAGE) as unfinished:
            unfinished.write_text(self.report, encoding="utf8", errors="replace", newline="\n")


def agreement(
    paths: str | Path | Sequence[str | Path],
    *,
    format: str | None = None,
    options: Mapping[str, Any] | None = None,
    match: str = AUTO,
    lang: str = "en",
    labels: Iterable[str] | None = None,
    label_map: Mapping[str, str] | None = None,
    samples: int = 2000,
    seed: int = 0,
) -> AnnotatorAgreement:
    """Measure how far several annotators of the same texts agree.

    paths (Sequence[Union[str, Path]]): A file or folder for each annotator, of any format that
        `read` knows; or one or more in which several annotators are named: Label Studio's and
        Prodigy's exports, or records with `annotator` in their `meta`.
    format (str), options (Mapping[str, Any]): Of the files: see `read`.
    match (str): How texts are found to be the same: by "id", by "text", or "auto": by id if all
        have one and annotators share some.
    lang (str): The language whose tokenizer cuts texts that have no tokens, or not the same ones
        for all annotators.
    labels (Iterable[str]): The types that count, by the names that label_map gives; None for all.
    label_map (Mapping[str, str]): New names of types; an empty name drops the type.
    samples, seed (int): Of the bootstrap for the intervals, which draws texts.
    RETURNS (AnnotatorAgreement): docs/agreement.md says what the figures mean.
    RAISES ValueError: There are not two annotators, they share no text, or have other texts under
        the same id; an option is wrong, or a file can't be read.
    """
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not given:
        raise ValueError("There is no file: give one for each annotator.")
    options = dict(options or {})
    if ANNOTATOR in options:
        raise ValueError("agreement compares all annotators of a file: leave 'annotator' out.")
    if samples < 1 or seed < 0:
        raise ValueError(f"samples = {samples} must be 1 or more, and seed = {seed} 0 or more.")
    choice = choose(labels, label_map)
    nlp = blank_pipeline(lang)
    files = read_annotators([Path(path) for path in given], format, options, choice)
    found = find_shared(files, match, nlp)
    return AnnotatorAgreement(*measure_agreement(found, files.warnings, samples, seed))
