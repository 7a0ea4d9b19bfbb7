"""One training with spaCy's own API, and the scores of its best model on other documents."""

import gc
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from spacy import util
from spacy.language import Language
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.training.loop import DIR_MODEL_BEST, DIR_MODEL_LAST
from spacy.training.loop import train as train_nlp
from spacy.util import registry
from thinc.api import Config

from ..annotation.entity_source import FLAT, EntitySource, EntitySources
from ..data.splitting.annotated_corpus import AnnotatedCorpus
from ..metrics.depth_scores import GOLD, count_by_depth, depth_scores
from ..metrics.spans import count_spans, scores_of
from ..pages.telling import say
from ..pipeline.scorer import judged_spans, prefix_of
from ..tags import Span as EntitySpan
from ..training.settings import INDIFFERENT, settings_without
from .results import RunScores, SupportedMeasures
from .runs import Run

DATA_NAMES = ("train.spacy", "dev.spacy", "test.spacy")
CORPORA = {"train_corpus": "corpora.train", "dev_corpus": "corpora.dev"}


def corpus_names(config: Config) -> dict[str, str]:
    """The dotted names of the corpora to train and to evaluate with.

    config (Config): The interpolated config.
    RAISES ValueError: If they are the same, or have no path that could be set.
    """
    names = {key: config["training"].get(key, name) for key, name in CORPORA.items()}
    if len(set(names.values())) == 1:
        raise ValueError("training.train_corpus and training.dev_corpus must be two corpora.")
    for key, name in names.items():
        block: Any = config
        for part in name.split("."):
            block = block.get(part) if isinstance(block, dict) else None
        if not isinstance(block, dict) or "path" not in block:
            raise ValueError(
                f"The config has no setting {name}.path, which would be set to the documents of "
                f"each run (training.{key} = {name!r}). Use a reader with a path, such as "
                "spacy_ner_plus.Corpus.v1 or spacy.Corpus.v1; spacy init fill-config adds what a "
                "config lacks."
            )
    return names


def config_settings(config: Config) -> dict[str, Any]:
    """What of an interpolated config decides about scores, by dotted names."""
    set_by_runs = [f"{name}.path" for name in corpus_names(config).values()]
    return settings_without([*INDIFFERENT, *set_by_runs], config)


def config_of_run(config: Config, folder: Path, seed: int) -> Config:
    """The config of a run: its documents, its seed and its own log file, if there is one.

    config (Config): The config, not interpolated.
    folder (Path): The folder with the run's train.spacy and dev.spacy.
    """
    config = config.copy()
    names = corpus_names(config.interpolate())
    for key, file_name in zip(CORPORA, DATA_NAMES[:2], strict=True):
        util.set_dot_to_object(config, f"{names[key]}.path", str(folder / file_name))
    util.set_dot_to_object(config, "training.seed", seed)
    log_file = config.interpolate()["training"].get("logger", {}).get("output_file")
    if log_file:
        own_file = str(folder / Path(log_file).name)
        util.set_dot_to_object(config, "training.logger.output_file", own_file)
    return config


def carry_out(
    run: Run,
    folder: Path,
    *,
    config: Config,
    corpus: AnnotatedCorpus,
    test: Path | None = None,
    gpu_id: int = -1,
    predicted: EntitySource | None = None,
) -> RunScores:
    """Train on documents of a run, choose the checkpoint by others, and score the best model.

    folder (Path): The folder of the run, which gets the documents, model-best and model-last.
    config (Config): The config, not interpolated.
    corpus (AnnotatedCorpus): What the run's documents are of.
    test (Optional[Path]): The documents to score, if they are not of the corpus. Read as the config
        reads its development data.
    predicted (EntitySource): Where the pipeline's entities are; None for where the corpus has them.
    RETURNS (RunScores): See score_model.
    RAISES ValueError: If no component of the pipeline scores entities, or there are none.
    """
    paths = [folder / name for name in DATA_NAMES]
    for documents, path in zip((run.train, run.dev, run.test), paths, strict=True):
        if documents is not None:
            corpus.write(documents, path)
    say.info(
        f"Training on {len(run.train):,} documents, choosing the checkpoint by {len(run.dev):,}"
    )
    config = config_of_run(config, folder, run.seed)
    sources = EntitySources(corpus.source, predicted or corpus.source)
    _train(config, folder, gpu_id, sources.predicted)
    gc.collect()  # of what was trained before the model is loaded
    nlp = util.load_model(folder / DIR_MODEL_BEST)
    path = test or paths[2]
    return score_model(nlp, read_examples(nlp, path), path, sources)


def read_examples(nlp: Language, path: Path) -> list[Example]:
    """Documents as the pipeline's config reads its development data, with the tokens it gives."""
    config = nlp.config.interpolate()
    reader = util.dot_to_object(config, corpus_names(config)["dev_corpus"])
    read = registry.resolve({"reader": {**reader, "path": str(path)}})["reader"]
    return list(read(nlp))


def score_model(
    nlp: Language, examples: list[Example], path: Path, sources: EntitySources = FLAT
) -> RunScores:
    """Score the entities of a pipeline, by the rules of pipeline.scorer whichever scorer it has.

    path (Path): Where the examples are from.
    sources (EntitySources): Where entities are.
    RAISES ValueError: If there are no entities to score.
    """
    docs = nlp.pipe(example.predicted for example in examples)
    pairs = zip(docs, examples, strict=True)
    spans = judged_spans((Example(doc, example.reference) for doc, example in pairs), sources)
    labels, by_document = count_spans(*spans)
    counts = by_document.sum(axis=0)  # (n_labels, 3)
    if not labels:
        raise ValueError(
            f"The {len(examples):,} documents to score, those of {path}, have no annotated "
            "entities, and none is found in them: annotate more, or make fewer parts of them."
        )
    scores = scores_of(counts)
    support = counts[:, 0] + counts[:, 2]  # (n_labels,)
    return RunScores(
        micro=_supported(scores.micro, support.sum()),
        macro=_supported(scores.macro, support.sum()),
        per_type={
            label: _supported(its, n)
            for label, its, n in zip(labels, scores.types, support, strict=True)
        },
        **_of_levels(*spans),
    )


def _of_levels(
    gold: list[list[EntitySpan]], predicted: list[list[EntitySpan]]
) -> dict[str, SupportedMeasures]:
    """Scores of outermost and of inner entities; none if there are no inner ones."""
    by_depth = count_by_depth(gold, predicted).sum(axis=0)  # (n_depths, 4)
    if len(by_depth) == 1:
        return {}
    levels = {"outer": by_depth[0], "inner": by_depth[1:].sum(axis=0)}
    return {name: _supported(depth_scores(its), its[GOLD]) for name, its in levels.items()}


def _supported(scores: np.ndarray, support: np.int64) -> SupportedMeasures:
    """scores: (3,) float."""
    precision, recall, f1 = scores.tolist()
    return SupportedMeasures(precision, recall, f1, int(support))


def remove_models(folder: Path) -> None:
    """Remove the models and the data of a run."""
    for name in (DIR_MODEL_BEST, DIR_MODEL_LAST):
        if (folder / name).exists():
            shutil.rmtree(folder / name)
    for name in DATA_NAMES:
        (folder / name).unlink(missing_ok=True)


def _train(config: Config, folder: Path, gpu_id: int, predicted: EntitySource) -> None:
    nlp = init_nlp(config, use_gpu=gpu_id)
    # before hours are spent
    first = read_examples(nlp, folder / DATA_NAMES[1])[:1]
    if f"{prefix_of(predicted)}_per_type" not in nlp.evaluate(first):
        raise ValueError(
            f"No component of this pipeline scores entities in {predicted.where}. It has: "
            f"{', '.join(nlp.pipe_names) or 'no components'}."
        )
    train_nlp(nlp, folder, use_gpu=gpu_id, stdout=sys.stdout, stderr=sys.stderr)
