"""The application: all routes, with what every request passes before and after them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from ...about import __version__
from ..pipelines.model_set import ModelSet
from ..security.access import Access
from ..security.api_keys import KeyRing
from ..security.request_origin import HostRule
from ..serve_settings import ServeSettings
from ..serving_metrics import ServingMetrics
from .api_page import page_headers, render_api_page
from .asking import Asking
from .comparing import Comparing
from .entities_route import EntitiesRoute
from .entities_schema import (
    REQUEST_EXAMPLES,
    EntitiesAnswer,
    EntitiesRequest,
    ErrorAnswer,
    ModelsAnswer,
    Options,
)
from .error_answers import ApiError
from .held_bytes import HeldBytes
from .record_schema import RECORD
from .request_body import ClientGoneError
from .request_log import CLIENT_GONE, RequestLog
from .status_routes import describe_models, is_live
from .stream_route import NDJSON, StreamRoute

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
_DESCRIPTION = (
    "Finds entities in texts. Offsets count characters (code points), ends are exclusive."
)
# The statuses of errors, and when they are sent.
_FAULTS: dict[int, str] = {
    400: "The body can't be unpacked",
    401: "No key that holds",
    403: "The key is not for this, or the page is of another host",
    404: "There is no such model",
    408: "The body did not come in",
    413: "Too large: `where` says what",
    415: "Another Content-Type or Content-Encoding",
    421: "The Host header is not one of this server's",
    422: "Something in the request is wrong: `where` says what",
    429: "Too much to do: try again after `Retry-After` seconds",
    500: "A component of the pipeline failed on the text",
    503: "Not ready, stopping, or the request's time was up",
}


@dataclass(eq=False)
class Serving:
    """What an application stands on.

    models (ModelSet): The models. settings (ServeSettings): How it was started.
    reload (Callable): Has the models loaded anew, in all processes.
    stopping (asyncio.Event): Set when it is to stop.
    """

    models: ModelSet
    settings: ServeSettings
    metrics: ServingMetrics
    reload: Callable[[], Awaitable[None]]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        limits = self.settings.requests
        held = HeldBytes(limits.max_held)
        asking = Asking(self.models, limits)
        comparing = Comparing(self.metrics.count_compared)
        shared = (asking, comparing, limits, held, self.metrics)
        self.entities = EntitiesRoute(*shared)
        self.stream = StreamRoute(*shared, self.stopping)


def make_app(serving: Serving) -> ASGIApp:
    """The application, with logging, counting, and checks of hosts, pages and keys around it."""
    settings = serving.settings
    api = make_api(serving)
    hosts = HostRule((*settings.allowed_hosts, settings.host))
    keys = None if settings.keys is None else KeyRing(settings.keys)
    paths = frozenset(route.path for route in api.routes if hasattr(route, "path"))
    return RequestLog(
        Access(api, hosts, keys),
        paths,
        serving.metrics,
        is_draining=serving.stopping.is_set,
        log_texts=settings.log_texts,
    )


def make_api(serving: Serving) -> FastAPI:
    """The routes."""
    api = FastAPI(
        title="ner-plus serve",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    _add_handlers(api)
    _add_entities(api, serving)
    _add_status(api, serving)

    @api.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(render_api_page(api.openapi()), headers=page_headers())

    return api


def _add_handlers(api: FastAPI) -> None:
    async def refused(_: Request, error: Any) -> Response:
        response: Response = error.response()
        return response

    async def gone(_: Request, error: Any) -> Response:
        return Response(status_code=CLIENT_GONE)

    async def other(_: Request, error: Any) -> Response:
        code = {404: "not_found", 405: "wrong_method"}.get(error.status_code, "refused")
        message = {404: "There is no such page: see /docs.", 405: "Not with this method."}.get(
            error.status_code, str(error.detail)
        )
        return ApiError(error.status_code, code, message, headers=error.headers).response()

    api.add_exception_handler(ApiError, refused)
    api.add_exception_handler(ClientGoneError, gone)
    api.add_exception_handler(HTTPException, other)


def _faults(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {one: {"model": ErrorAnswer, "description": _FAULTS[one]} for one in statuses}


def _schema(model: type[Any]) -> dict[str, Any]:
    """A model's schema, whole: OpenAPI has other places for definitions than pydantic."""
    schema: dict[str, Any] = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return whole(definitions[value["$ref"].rpartition("/")[2]])
            return {key: whole(one) for key, one in value.items()}
        return [whole(one) for one in value] if isinstance(value, list) else value

    found: dict[str, Any] = whole(schema)
    return found


def _add_entities(api: FastAPI, serving: Serving) -> None:
    body = {"application/json": {"schema": _schema(EntitiesRequest), "examples": REQUEST_EXAMPLES}}

    @api.post(
        "/v1/entities",
        summary="The entities of a text, or of some records",
        responses={
            200: {"model": EntitiesAnswer},
            **_faults(400, 401, 403, 404, 408, 413, 415, 421, 422, 429, 500, 503),
        },
        openapi_extra={"requestBody": {"required": True, "content": body}},
    )
    async def entities(request: Request) -> Response:
        return await serving.entities.answer(request)

    lines = {
        NDJSON: {
            "schema": RECORD,
            "example": '{"id": "a", "text": "Selegiline can cause hypotension."}\n',
        }
    }
    parameters = [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in _schema(Options)["properties"].items()
        if name != "timeout"
    ]

    @api.post(
        "/v1/entities/stream",
        summary="Records in, a line each, and out with their entities, in their order",
        description="A line that has no result comes back as `line` (its number, from 1) and "
        "`error`. Read the answer while you send: both sides wait for each other.",
        responses={
            200: {"content": lines, "description": "A line for each that is not empty"},
            **_faults(401, 403, 404, 415, 421, 422, 503),
        },
        openapi_extra={
            "requestBody": {"required": True, "content": lines},
            "parameters": parameters,
        },
    )
    async def stream(request: Request) -> Response:
        return serving.stream.answer(request)


def _add_status(api: FastAPI, serving: Serving) -> None:
    @api.get(
        "/v1/models",
        summary="The models, the first of which is meant by who names none",
        responses={200: {"model": ModelsAnswer}, **_faults(401, 421)},
    )
    async def models() -> Response:
        return JSONResponse(describe_models(serving.models).model_dump(mode="json"))

    @api.post(
        "/v1/reload",
        status_code=202,
        summary="Load all models anew, beside those that answer; needs a key with admin",
        responses=_faults(401, 403, 421),
    )
    async def reload() -> Response:
        await serving.reload()
        return JSONResponse({"status": "begun"}, 202)

    @api.get("/livez", summary="Whether the process lives", responses={503: {}})
    async def livez() -> Response:
        is_well = is_live(serving.models)
        return JSONResponse({"status": "alive" if is_well else "dead"}, 200 if is_well else 503)

    @api.get("/readyz", summary="Whether requests should be sent", responses={503: {}})
    async def readyz() -> Response:
        is_well = serving.models.is_ready and not serving.stopping.is_set()
        return JSONResponse({"status": "ready" if is_well else "not"}, 200 if is_well else 503)

    @api.get(
        "/metrics",
        summary="For Prometheus; needs a key with metrics",
        responses={200: {"content": {"text/plain": {}}}, **_faults(401, 403, 421)},
    )
    async def metrics() -> Response:
        return Response(serving.metrics.exposition(), media_type=EXPOSITION)
