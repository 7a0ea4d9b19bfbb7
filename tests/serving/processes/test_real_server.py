"""The server as a process: signals, reloads and kills under load. Nothing that it took is lost."""

import os
import re
import shutil
import signal
from pathlib import Path

import pytest

from tests.pipeline.samples import TEXTS
from tests.serving.processes.real_server import Load, RealServer

needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX signals")
COUNTED = r'requests_total\{route="/v1/entities",status="200"\} ([\d.]+)'
LONGER = [text for text in TEXTS if len(text) > 20]


@needs_signals
@pytest.mark.slow
def test_stopped_under_load_it_answers_all_that_it_took(model: Path) -> None:
    with RealServer(model, "--drain-seconds", "0.3") as server:
        assert server.get("/livez")[0] == 200
        server.wait_until_ready()
        assert server.get("/readyz") == (200, '{"status":"ready"}')
        load = Load(server, LONGER)
        load.wait_for(50)
        assert server.stop() == 0
        load.join()
        assert load.lost == []
        assert load.statuses == {200}
        requests = server.said("request")
        assert len([one for one in requests if one["route"] == "/v1/entities"]) == load.answered
        assert not re.search("|".join(map(re.escape, LONGER)), "".join(server.lines))


@needs_signals
@pytest.mark.slow
def test_reloaded_under_load_it_loses_nothing(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "one")
    link = tmp_path / "current"
    link.symlink_to("one")
    with RealServer(f"tiny={link}", "--watch", "0.1") as server:
        server.wait_until_ready()
        load = Load(server, LONGER, n=3)
        load.wait_for(5)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: len(server.said("reloaded")) == 1, "reload by signal")
        load.wait_for(5)
        shutil.copytree(model, tmp_path / "two")
        (tmp_path / "new").symlink_to("two")
        (tmp_path / "new").replace(link)
        server.wait_for(lambda: len(server.said("reloaded")) == 2, "reload by another link")
        load.wait_for(5)
        (tmp_path / "two" / "ner_plus" / "cfg").write_text("broken", encoding="utf8")
        server.wait_for(lambda: server.said("reload failed"), "a reload that fails")
        load.wait_for(5)
        load.join()
        assert load.lost == [] and load.statuses == {200}
        assert '"reload_failed":true' in server.get("/v1/models")[1]
        assert 'ner_plus_reloads_total{result="failed"} 1.0' in server.get("/metrics")[1]
        assert server.stop() == 0


@needs_signals
@pytest.mark.slow
def test_killed_process_is_replaced_and_others_go_on(model: Path) -> None:
    with RealServer(model, "--workers", "2", "--drain-seconds", "0.3", "--no-warm-up") as server:
        server.wait_until_ready(2)
        load = Load(server, LONGER, n=4)
        load.wait_for(20)
        first, second = (one["pid"] for one in server.said("process started"))
        os.kill(first, signal.SIGKILL)
        load.wait_for(20)
        assert server.said("process ended")[0]["pid"] == first
        server.wait_until_ready(3)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: len(server.said("reloaded")) == 2, "reload of both")
        load.wait_for(20)
        n_lost, pids = len(load.lost), {one["pid"] for one in server.said("ready")}
        assert second in pids and len(pids) == 3
        found = re.search(COUNTED, server.get("/metrics")[1])
        assert found is not None and float(found[1]) >= load.answered - 4  # of all three
        assert server.stop() == 0
        load.join()
        assert len(load.lost) == n_lost <= 4  # those that the killed one had
        assert load.statuses == {200}


@pytest.mark.slow
def test_model_that_cannot_be_loaded_ends_the_server(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "broken")
    (tmp_path / "broken" / "ner_plus" / "cfg").write_text("broken", encoding="utf8")
    with RealServer(tmp_path / "broken", "--workers", 2) as server:
        assert server.process.wait(120) == 1
        server.__exit__()
        said = "".join(server.lines)
        assert "broken" in said and "Error: " in said and "Traceback" not in said
