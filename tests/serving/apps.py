"""Applications with tiny pipelines, and requests to them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from spacy_ner_plus.serving.batching.admission import BatchLimits
from spacy_ner_plus.serving.batching.batcher import Batcher
from spacy_ner_plus.serving.pipelines.asked_text import AskedText, FoundEntities
from spacy_ner_plus.serving.pipelines.loaded_model import LoadedModel, LoadSettings
from spacy_ner_plus.serving.pipelines.model_info import ModelInfo
from spacy_ner_plus.serving.pipelines.model_set import ModelSet, ModelSlot
from spacy_ner_plus.serving.pipelines.model_spec import ModelSpec, TrafficRule
from spacy_ner_plus.serving.routes.app import Serving, make_app
from spacy_ner_plus.serving.serve_settings import ServeSettings
from spacy_ner_plus.serving.serving_metrics import ServingMetrics

BASE = "http://127.0.0.1:8000"
WAIT = 60


def load(spec: ModelSpec, settings: LoadSettings | None = None, **hooks: Any) -> LoadedModel:
    loaded = LoadedModel(spec, settings or LoadSettings(warms_up=False), **hooks)
    loaded.batcher.ready.result(WAIT)
    return loaded


def load_set(specs: Sequence[ModelSpec], rules: Sequence[TrafficRule] = ()) -> ModelSet:
    models = ModelSet([ModelSlot(spec) for spec in specs], rules)
    for slot in models.slots:
        slot.swap(load(slot.spec))
    models.bind()
    return models


def make_serving(models: ModelSet, **settings: Any) -> Serving:
    async def reload() -> None:
        models.slots[0].failure = "asked"

    specs = tuple(slot.spec for slot in models.slots)
    return Serving(models, ServeSettings(specs, **settings), ServingMetrics(), reload)


@contextmanager
def client(models: ModelSet, **settings: Any) -> Iterator[TestClient]:
    app = make_app(make_serving(models, **settings))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as made:
        yield made


class StandIn:
    """A loaded model whose answers a test gives: an engine in place of a pipeline."""

    def __init__(self, engine: Any, info: ModelInfo, **limits: Any) -> None:
        self.info = info
        self.batcher: Batcher[AskedText, FoundEntities] = Batcher(
            lambda: engine, BatchLimits(**limits)
        ).start()
        self.batcher.ready.result(WAIT)


def spec_of(folder: Path, called: str | None = None) -> ModelSpec:
    return ModelSpec.parse(str(folder) if called is None else f"{called}={folder}")
