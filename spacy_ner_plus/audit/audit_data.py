"""Auditing annotated data: what `ner-plus audit` does, for Python."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..data.blank_pipeline import blank_pipeline
from ..data.formats.record_files import write
from ..records import TextRecord
from ..support.durable import write_atomically
from ..support.output_folder import check_output_folder
from ..support.typed_json import to_json
from .audit_schema import SCHEMA, SCHEMA_VERSION, AuditFindings, AuditWarning
from .audit_settings import MAX_WIDTH, NEAR, AuditSettings
from .audited import AuditedCorpus, read_corpus
from .audited_encoder import load_audited_encoder
from .guidelines.guidelines_file import read_guidelines
from .label_errors.judges import Judge, check_judge
from .report import render_audit
from .review_tasks import review_records
from .section import Absent, Section
from .sections import chosen_sections

FINDINGS, PAGE, REVIEW = "audit.json", "audit.html", "review.jsonl"


@dataclass(frozen=True, repr=False)
class Audit:
    """What an audit found.

    findings (AuditFindings): All of it, as in audit.json.
    review (List[TextRecord]): Texts that somebody should look at, each once, as in review.jsonl:
        what to look at is in their spans, why in their `meta["audit"]`.
    """

    findings: AuditFindings
    review: list[TextRecord]

    def __repr__(self) -> str:
        """In short: there may be thousands of findings."""
        n_warnings = len(self.findings.warnings)
        return f"<Audit of {', '.join(self.findings.parts.values())}: {n_warnings:,} warnings>"

    @property
    def warnings(self) -> list[str]:
        """What to look at first."""
        return [warning.text for warning in self.findings.warnings]

    @property
    def page(self) -> str:
        """All of it as HTML: one page, which loads nothing."""
        return render_audit(self.findings, has_review=bool(self.review))

    def write(self, folder: Path | str) -> list[str]:
        """Write audit.json, audit.html and, if there is anything to review, review.jsonl.

        folder (Union[Path, str]): Is made if it is not there. A review.jsonl that an earlier audit
            left there goes.
        RETURNS (List[str]): The names of the files.
        RAISES ValueError: It is a file, or can't be written to.
        """
        folder = Path(folder)
        check_output_folder(folder)
        (folder / REVIEW).unlink(missing_ok=True)
        text = json.dumps(to_json(self.findings), indent=2, ensure_ascii=False, allow_nan=False)
        # Paths may hold bytes that are no UTF-8, which Python keeps as lone surrogates.
        write_atomically(folder / FINDINGS, _sound(text) + "\n")
        write_atomically(folder / PAGE, _sound(self.page))
        if not self.review:
            return [FINDINGS, PAGE]
        write(self.review, folder / REVIEW)
        return [FINDINGS, PAGE, REVIEW]


def audit_data(
    train: Path | str,
    dev: Path | str | None = None,
    test: Path | str | None = None,
    *,
    lang: str = "en",
    format: str | None = None,
    options: Mapping[str, Any] | None = None,
    group: int | None = None,
    lenient: bool = False,
    encoder: Path | str | None = None,
    near: float = NEAR,
    judge: Judge | None = None,
    guidelines: Path | str | None = None,
    max_width: int = MAX_WIDTH,
    sections: Sequence[str] | None = None,
) -> Audit:
    """Look at annotated data: what is in it, and what is wrong with it.

    train, dev, test (Union[Path, str]): Files or folders with annotated texts, of any format that
        `read` knows.
    lang (str): Language whose tokenizer cuts texts that have no tokens.
    format (str): Of the files; None for what their content says.
    options (Mapping[str, Any]): Of the format: see `read`.
    group (int): Sentences a document, in column files that mark none; None for 1.
    lenient (bool): Repair what is clear in the files, and say how often: see docs/formats.md.
    encoder (Union[Path, str]): Hub name or folder of the encoder whose wordpieces are counted; None
        for the default one where a project has put it (assets/encoder), else words only.
    near (float): The similarity from which texts are near duplicates, over 0, to 1.
    judge (Union[Path, str, Folds]): Who reads the annotation a second time, for likely label
        errors: a trained pipeline that has not seen it, by its name or folder; or how to train some
        by cross-validation. None: nobody does.
    guidelines (Union[Path, str]): Markdown with decisions, as `guidelines` writes it: what goes
        against them is found.
    max_width (int): Of spans that nest or cross, in tokens: how many are wider is counted.
    sections (Sequence[str]): The keys of the sections to look at; None for all.
    RETURNS (Audit): docs/audit.md says what is in it.
    RAISES ValueError: A setting is out of range, data or guidelines can't be read, or a part has no
        annotation.
    """
    chosen = chosen_sections(None if sections is None else list(sections))
    if not 0 < near <= 1:
        raise ValueError(f"--near must be over 0 and 1 at most, got {near}.")
    if max_width < 1:
        raise ValueError(f"--max-width must be 1 token or more, got {max_width}.")
    if judge is not None:
        check_judge(judge)
    given = {"train": train, "dev": dev, "test": test}
    paths = {name: Path(path) for name, path in given.items() if path is not None}
    nlp = blank_pipeline(lang)
    decided = None if guidelines is None else read_guidelines(Path(guidelines))
    settings = AuditSettings(load_audited_encoder(encoder), near, judge, decided, max_width)
    of_format = dict(options or {})
    if group is not None:
        of_format["group"] = group
    if lenient:
        of_format["lenient"] = True
    corpus = read_corpus(paths, nlp, format=format, **of_format)
    found = _find(corpus, chosen, settings)
    results = {key: one for key, one in found.items() if not isinstance(one, Absent)}
    findings = AuditFindings(
        schema=SCHEMA,
        schema_version=SCHEMA_VERSION,
        parts={name: str(path) for name, path in paths.items()},
        lang=lang,
        encoder=settings.encoder.name if settings.encoder else None,
        notes=[f"{part.path}: {one}" for part in corpus.parts.values() for one in part.warnings],
        warnings=[AuditWarning(key, text) for key, one in results.items() for text in one.warnings],
        sections=results,
        absent={key: str(one) for key, one in found.items() if isinstance(one, Absent)},
    )
    return Audit(findings, list(_review(corpus, chosen, results)))


def _find(
    corpus: AuditedCorpus, chosen: Sequence[Section], settings: AuditSettings
) -> dict[str, Any]:
    """What each section finds, or why it does not look."""
    bar = tqdm(chosen, desc="Auditing", unit="sections", disable=None, leave=False)
    found = {}
    for section in bar:
        bar.set_postfix_str(section.title)
        found[section.key] = section.find(corpus, settings)
    return found


def _review(
    corpus: AuditedCorpus, chosen: Sequence[Section], results: Mapping[str, Any]
) -> Iterable[TextRecord]:
    tasks = {
        section.key: section.review(corpus, results[section.key])
        for section in chosen
        if section.review is not None and section.key in results
    }
    return review_records(corpus, tasks)


def _sound(text: str) -> str:
    return text.encode("utf8", errors="replace").decode("utf8")
