"""`ner-plus serve` and `ner-plus serve-key`, up to where the server begins."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_ner_plus.cli import app
from spacy_ner_plus.serving import serve
from spacy_ner_plus.serving.pipelines.model_spec import ModelSpec, TrafficKind, TrafficRule
from spacy_ner_plus.serving.security.api_keys import KeyRing
from spacy_ner_plus.serving.serve_settings import ServeSettings


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[ServeSettings]:
    found: list[ServeSettings] = []
    monkeypatch.setattr(serve, "_run", found.append)
    return found


def test_options_are_the_settings_of_the_server(begun: list[ServeSettings], tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    made = CliRunner().invoke(app, ["serve-key", str(keys), "--name", "a", "--scope", "admin"])
    assert made.exit_code == 0, made.output
    found = KeyRing(keys).find(made.output.strip())
    assert found is not None and found.scopes == ["admin"]
    words = ["serve", "a=blank:en", "a@2=blank:de", "--host", "0.0.0.0", "--port", "0"]
    words += ["--workers", "2", "--threads", "3", "--keys", str(keys), "--allowed-host", "x.org"]
    words += ["--canary", "a@2=0.1", "--shadow", "a@2=1", "--watch", "5", "--max-text", "7"]
    words += ["--max-body", "8", "--max-records", "9", "--max-wait", "2", "--no-warm-up"]
    words += ["--log-texts", "--drain-seconds", "0", "--stop-seconds", "4"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    [settings] = begun
    assert settings.models == (ModelSpec("blank:en", "a"), ModelSpec("blank:de", "a", "2"))
    assert settings.rules == (
        TrafficRule(TrafficKind.CANARY, "a", "2", 0.1),
        TrafficRule(TrafficKind.SHADOW, "a", "2", 1.0),
    )
    assert (settings.host, settings.port, settings.keys) == ("0.0.0.0", 0, keys)
    assert (settings.workers, settings.threads, settings.watch_seconds) == (2, 3, 5)
    assert settings.allowed_hosts == ("x.org",)
    requests = settings.requests
    assert (requests.max_text, requests.max_body, requests.max_records) == (7, 8, 9)
    assert settings.batches.max_wait == 2
    assert (settings.drain_seconds, settings.stop_seconds) == (0, 4)
    assert settings.log_texts and not settings.warms_up


def test_safe_by_default(begun: list[ServeSettings]) -> None:
    assert CliRunner().invoke(app, ["serve", "blank:en"]).exit_code == 0
    assert (begun[0].host, begun[0].keys, begun[0].log_texts) == ("127.0.0.1", None, False)
    refused = CliRunner().invoke(app, ["serve", "blank:en", "--host", "0.0.0.0"])
    assert refused.exit_code == 1
    assert "Error: Others could reach 0.0.0.0" in refused.output
    assert len(begun) == 1


def test_processes_share_the_cores(
    begun: list[ServeSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    for workers, threads in ((1, None), (2, 4), (3, 2), (20, 1)):
        serve.serve("blank:en", workers=workers)
        assert begun[-1].threads == threads
