"""What every request passes before it is looked at: Host, Origin and key."""

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from ..routes.error_answers import ApiError, send_error
from .api_keys import KeyRing, StoredKey
from .api_keys import Scope as KeyScope
from .request_origin import HostRule, is_own

KEY_NAME = "key_name"  # in the state of a request
# Probes ask by the number of a machine or by none, and learn nothing.
PROBES = ("/livez", "/readyz")
# What needs which scope; where none is named, any key will do. What is not here is open.
SCOPES: dict[str, KeyScope | None] = {
    "/v1/entities": KeyScope.ENTITIES,
    "/v1/entities/stream": KeyScope.ENTITIES,
    "/v1/models": None,
    "/v1/reload": KeyScope.ADMIN,
    "/metrics": KeyScope.METRICS,
}


class Access:
    """Refuses requests that are for another host, of another page, or without the right key.

    app (ASGIApp): Gets the others.
    hosts (HostRule): The names of this server.
    keys (KeyRing): None where no keys are needed.
    """

    def __init__(self, app: ASGIApp, hosts: HostRule, keys: KeyRing | None) -> None:
        self._app = app
        self._hosts = hosts
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""
        if scope["type"] == "http":
            try:
                self._check(scope)
            except ApiError as error:
                await send_error(error, send)
                return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        """RAISES ApiError: If it is refused."""
        path = scope["path"]
        if path in PROBES:
            return
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        hosts = _values(headers, b"host")
        if len(hosts) != 1 or not self._hosts.accepts(hosts[0]):
            raise ApiError(
                400 if len(hosts) != 1 else 421,
                "wrong_host",
                "The Host header must name this server. If it is its name, start it with "
                "--allowed-host NAME.",
            )
        for origin in _values(headers, b"origin"):
            if not is_own(origin, hosts[0]):
                raise ApiError(403, "wrong_origin", "Pages of other hosts may not ask this server.")
        if self._keys is not None and path in SCOPES:
            _state(scope)[KEY_NAME] = _permitted(self._keys, headers, SCOPES[path]).name


def _permitted(
    keys: KeyRing, headers: list[tuple[bytes, bytes]], wanted: KeyScope | None
) -> StoredKey:
    """The key of a request. RAISES ApiError: If there is none that holds, or it is not for this."""
    given = _values(headers, b"authorization")
    kind, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    found = keys.find(key.strip()) if kind.lower() == "bearer" else None
    if found is None:
        raise ApiError(
            401,
            "no_key",
            "Send a key that holds: Authorization: Bearer KEY.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if wanted is not None and wanted not in found.scopes:
        raise ApiError(403, "wrong_scope", f"The key is not for this: it lacks the scope {wanted}.")
    return found


def _values(headers: list[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin1") for its, value in headers if its == name]


def _state(scope: Scope) -> dict[str, Any]:
    state: dict[str, Any] = scope.setdefault("state", {})
    return state
