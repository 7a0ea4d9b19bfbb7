"""Keys, hosts and origins: who is let in."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_ner_plus import serve_key
from spacy_ner_plus.serving.pipelines.model_set import ModelSet
from spacy_ner_plus.serving.security import api_keys
from spacy_ner_plus.serving.security.api_keys import KeyRing, Scope, read_keys
from spacy_ner_plus.serving.security.request_origin import HostRule, is_loopback, is_own
from tests.serving.apps import client

ASK = {"text": "Nothing of interest here."}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_file_of_keys_holds_hashes_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first = serve_key(path, name="first")
    second = serve_key(path, name="second", scopes=["metrics", "admin"], days=1)
    assert len({first, second}) == 2 and len(first) > 40
    text = path.read_text(encoding="utf8")
    assert first not in text and second not in text
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    one, two = read_keys(path)
    assert (one.name, one.scopes, one.expires) == ("first", ["entities"], None)
    assert two.scopes == ["metrics", "admin"] and two.expires
    ring = KeyRing(path)
    assert ring.find(first) == one and ring.find(second) == two
    for wrong in ("", first[:-1], f"{first} ", one.sha256, "\udc80"):
        assert ring.find(wrong) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": ""}, "must be of 1 to 100 characters"),
        ({"name": "a\nb"}, "must be of 1 to 100 characters"),
        ({"name": "there"}, "has a key 'there' already"),
        ({"name": "a", "scopes": ["all"]}, "Scopes are entities, metrics, admin, got all"),
        ({"name": "a", "days": 0}, "must be above 0"),
    ],
)
def test_keys_that_cannot_be_made(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    serve_key(tmp_path / "keys.json", name="there")
    with pytest.raises(ValueError, match=message):
        serve_key(tmp_path / "keys.json", **arguments)


def test_files_that_are_no_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with pytest.raises(ValueError, match="can't be read"):
        read_keys(path)
    for text in ("", "[]", '{"version": 1}', '{"version": 1, "keys": [{"name": "a"}]}'):
        path.write_text(text, encoding="utf8")
        with pytest.raises(ValueError, match="no file of keys"):
            read_keys(path)
    path.write_text('{"version": 2, "keys": []}', encoding="utf8")
    with pytest.raises(ValueError, match="has version 2"):
        read_keys(path)
    key = {"name": "a", "sha256": "0", "created": "2026-01-01", "scopes": ["all"]}
    for fault in ({}, {"scopes": [], "expires": "2026-01-01"}, {"scopes": [], "expires": "soon"}):
        path.write_text(json.dumps({"version": 1, "keys": [key | fault]}), encoding="utf8")
        with pytest.raises(ValueError, match="no file of keys"):
            read_keys(path)
    if os.name != "nt":
        path.write_text('{"version": 1, "keys": []}', encoding="utf8")
        path.chmod(0o666)
        with pytest.raises(ValueError, match="chmod 600"):
            read_keys(path)


def test_keys_follow_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "_LOOK_SECONDS", 0.0)
    path = tmp_path / "keys.json"
    first = serve_key(path, name="first")
    ring = KeyRing(path)
    second = serve_key(path, name="second")
    assert ring.find(second) is not None
    held = json.loads(path.read_text(encoding="utf8"))
    held["keys"][0]["expires"] = "2026-01-01T00:00:00+00:00"
    path.write_text(json.dumps(held), encoding="utf8")
    assert ring.find(first) is None and ring.find(second) is not None
    path.write_text("{", encoding="utf8")  # somebody edits it: what held before holds on
    assert ring.find(second) is not None
    path.unlink()
    assert ring.find(second) is None


def test_each_route_needs_its_scope(models: ModelSet, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys = {scope: serve_key(path, name=scope, scopes=[scope]) for scope in Scope}
    needed = {
        ("POST", "/v1/entities"): Scope.ENTITIES,
        ("GET", "/metrics"): Scope.METRICS,
        ("POST", "/v1/reload"): Scope.ADMIN,
    }
    with client(models, keys=path) as made:
        for (method, route), wanted in needed.items():
            for scope, key in keys.items():
                response = made.request(method, route, json=ASK, headers=bearer(key))
                assert response.status_code == (
                    (202 if wanted is Scope.ADMIN else 200) if scope is wanted else 403
                )
            for headers in ({}, bearer("nerp_x"), {"Authorization": keys[wanted]}):
                response = made.request(method, route, json=ASK, headers=headers)
                assert response.status_code == 401
                assert response.headers["www-authenticate"] == "Bearer"
        stream = "/v1/entities/stream"
        assert made.post(stream, content=b"", headers=bearer(keys[Scope.ADMIN])).status_code == 403
        for key in keys.values():
            assert made.get("/v1/models", headers=bearer(key)).status_code == 200
        assert made.get("/v1/models").status_code == 401
        for route in ("/livez", "/readyz", "/docs", "/openapi.json"):
            assert made.get(route).status_code == 200
    models.slots[0].failure = None


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1:8000", True),
        ("localhost", True),
        ("LOCALHOST:1", True),
        ("[::1]:8000", True),
        ("10.0.0.7", True),
        ("ner.example.org", True),
        ("ner.example.org.:443", True),
        ("example.org", False),
        ("evil.ner.example.org", False),
        ("ner.example.org.evil.com", False),
        ("127.0.0.1.evil.com", False),
        ("", False),
        ("127.0.0.1@evil.com", False),
        ("a b", False),
        ("localhost:99999999", False),
    ],
)
def test_hosts_are_numbers_or_names_that_were_given(host: str, is_ours: bool) -> None:
    assert HostRule(["NER.example.org"]).accepts(host) is is_ours
    assert HostRule(["*"]).accepts("anything.example")


@pytest.mark.parametrize(
    ("origin", "host", "is_ours"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("https://ner.example.org", "ner.example.org", True),
        ("http://ner.example.org:80", "ner.example.org", True),
        ("http://127.0.0.1:8000", "127.0.0.1:9000", False),
        ("http://localhost:8000", "127.0.0.1:8000", False),
        ("http://evil.com", "127.0.0.1:8000", False),
        ("null", "127.0.0.1:8000", False),
        ("", "127.0.0.1:8000", False),
        ("file://127.0.0.1:8000", "127.0.0.1:8000", False),
        ("http://[", "127.0.0.1:8000", False),
    ],
)
def test_origins_are_those_of_the_host(origin: str, host: str, is_ours: bool) -> None:
    assert is_own(origin, host) is is_ours


@given(st.text(), st.text())
def test_no_header_makes_the_checks_fail(one: str, other: str) -> None:
    HostRule().accepts(one)
    is_own(one, other)


def test_loopback_is_this_machine_alone() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "localhost", "::1", "[::1]", "127.5.5.5")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "", "10.0.0.1", "myhost")))


def test_requests_of_other_hosts_and_pages_are_refused(models: ModelSet) -> None:
    with client(models, allowed_hosts=("ner.example.org",)) as made:
        for host, status in [("ner.example.org", 200), ("evil.com", 421)]:
            assert made.get("/v1/models", headers={"Host": host}).status_code == status
            assert made.get("/readyz", headers={"Host": host}).status_code == 200
        for origin, status in [("http://127.0.0.1:8000", 200), ("http://evil.com", 403)]:
            response = made.post("/v1/entities", json=ASK, headers={"Origin": origin})
            assert response.status_code == status
            assert "access-control-allow-origin" not in response.headers
        asked = {"Origin": "http://evil.com", "Access-Control-Request-Method": "POST"}
        assert made.options("/v1/entities", headers=asked).status_code == 403
