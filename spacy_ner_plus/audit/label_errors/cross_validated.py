"""Every text read again by a model that was trained without it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training.loop import DIR_MODEL_BEST
from spacy.util import load_model

from ...data.formats.spacy_files import ATTRS
from ...data.splitting import annotated_corpus
from ...evaluation.calibrate import calibrate
from ...experiments.carrying_out import (
    content_settings,
    describe_scores,
    usable_config,
    warn_of_rare_labels,
)
from ...experiments.fold_plan import plan_cross_validation
from ...experiments.results import RunScores
from ...experiments.runs import Experiment, Run
from ...experiments.trial import DATA_NAMES, carry_out, remove_models
from ...pages.telling import say
from ...pipeline.capabilities import HasCalibration, SecondReading
from ...support.durable import write_atomically, written_whole
from ...support.output_folder import check_output_folder
from ...support.typed_json import from_json, to_json
from ...training.project.init_config import init_config
from ..audited import AuditedCorpus, AuditedText
from .judges import Folds
from .second_readings import read_again, second_reader

PLAN, SCHEMA = "label-errors.json", "spacy_ner_plus.label-errors"
TEXTS, CONFIG, READINGS = "texts.spacy", "config.cfg", "second_readings.json"


@dataclass(frozen=True)
class _Readings:
    """The second readings of a fold, as its file has them.

    texts (List[int]): Which texts, by their places among all annotated ones.
    readings (List[SecondReading]): Of each.
    """

    texts: list[int]
    readings: list[SecondReading]


def cross_validated_readings(corpus: AuditedCorpus, folds: Folds) -> list[SecondReading]:
    """Train a model for each fold on the texts of all others, and let it read its own.

    RETURNS (List[SecondReading]): Of each annotated text, in the order of corpus.texts().
    RAISES ValueError: If there are too few texts, a setting can't be, or the folder holds folds
        that were begun otherwise.
    """
    code = None if folds.code is None else Path(folds.code)
    check_output_folder(folds.folder)
    folds.folder.mkdir(parents=True, exist_ok=True)
    texts = list(corpus.texts())
    data = folds.folder / TEXTS
    _write_texts(texts, data)
    config, _ = usable_config(
        folds.config or _default_config(data, str(corpus.nlp.lang), folds),
        folds.overrides,
        output=folds.folder,
        code=code,
        gpu_id=folds.gpu_id,
    )
    written = annotated_corpus.read_corpus(data)
    plan = plan_cross_validation(
        config.interpolate(),
        written,
        folds=folds.n,
        dev_share=folds.dev_share,
        seed=folds.seed,
        further_settings=content_settings(config.interpolate(), code),
    )
    plan = replace(plan, file_name=PLAN, schema=SCHEMA)
    warn_of_rare_labels(written.rare_labels(folds.n), f"for {folds.n} folds")
    train = partial(carry_out, config=config, corpus=written, gpu_id=folds.gpu_id)
    experiment = Experiment(folds.folder, plan, overwrite=folds.overwrite)
    clean_up = (lambda folder: None) if folds.keep_models else remove_models
    experiment.carry_out(partial(_train_and_read, train, texts), clean_up, describe_scores)
    return _collect([folds.folder / run.name for run in plan.runs], len(texts))


def _write_texts(texts: Sequence[AuditedText], path: Path) -> None:
    docs = DocBin(attrs=ATTRS, docs=[text.doc for text in texts], store_user_data=True)
    with written_whole(path) as unfinished:
        docs.to_disk(unfinished)


def _default_config(data: Path, lang: str, folds: Folds) -> Path:
    """What was made before is used again, unless all is begun anew."""
    path = folds.folder / CONFIG
    if folds.overwrite:
        path.unlink(missing_ok=True)
    if not path.exists():
        init_config(data, path, encoder=folds.overrides.get("paths.encoder"), lang=lang)
    return path


def _train_and_read(
    train: Callable[[Run, Path], RunScores], texts: Sequence[AuditedText], run: Run, folder: Path
) -> RunScores:
    scores = train(run, folder)
    nlp = _calibrated(folder / DIR_MODEL_BEST, folder / DATA_NAMES[1])
    own = run.test or []
    readings = list(read_again(nlp, [texts[i] for i in own]))
    content = json.dumps(to_json(_Readings(own, readings)))
    write_atomically(folder / READINGS, content + "\n")
    return scores


def _calibrated(model: Path, dev: Path) -> Language:
    """With probabilities that mean the same in all folds, if there is enough to fit them to."""
    nlp = load_model(model)
    name = second_reader(nlp)
    if isinstance(nlp.get_pipe(name), HasCalibration):
        problem = calibrate(nlp, dev, model, if_enough=True, component=name).problem
        if problem is not None:
            say.warn(f"Probabilities are taken as they are: {problem}")
    return nlp


def _collect(folders: Sequence[Path], n_texts: int) -> list[SecondReading]:
    found: dict[int, SecondReading] = {}
    for folder in folders:
        path = folder / READINGS
        its = from_json(_Readings, json.loads(path.read_text(encoding="utf8")), str(path))
        found |= dict(zip(its.texts, its.readings, strict=True))
    return [found[i] for i in range(n_texts)]
