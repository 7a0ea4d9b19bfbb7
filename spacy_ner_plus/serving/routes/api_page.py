"""The description of the routes as a page: from the package, without a request to other hosts."""

import json
from functools import cache
from typing import Any

from ...pages.html import environment, script_hash, style

_TEMPLATE = "api_page.html"


def render_api_page(openapi: dict[str, Any]) -> str:
    """A page for people of what OpenAPI says.

    openapi (Dict[str, Any]): The description, as /openapi.json has it.
    """
    return _render(json.dumps(openapi))


@cache
def page_headers() -> dict[str, str]:
    """What keeps the page from loading or running anything but its own style."""
    policy = f"default-src 'none'; style-src '{script_hash(style())}'; base-uri 'none'"
    return {
        "Content-Security-Policy": f"{policy}; form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


@cache
def _render(openapi: str) -> str:
    said = json.loads(openapi)
    routes = [
        {
            "method": method.upper(),
            "path": path,
            "summary": its.get("summary", ""),
            "description": its.get("description", ""),
            "parameters": its.get("parameters", []),
            "body": _body(its),
            "responses": its.get("responses", {}),
        }
        for path, methods in said["paths"].items()
        for method, its in methods.items()
    ]
    template = environment(__package__).get_template(_TEMPLATE)
    return template.render(info=said["info"], routes=routes, style=style())


def _body(its: dict[str, Any]) -> dict[str, Any] | None:
    """What is sent with a request: fields, and examples as text."""
    content = its.get("requestBody", {}).get("content", {})
    for kind, one in content.items():
        named = {name: example["value"] for name, example in one.get("examples", {}).items()}
        examples = {name: json.dumps(value, indent=2) for name, value in named.items()}
        if "example" in one:
            examples["a line"] = one["example"]
        fields = one["schema"].get("properties", {})
        return {"type": kind, "fields": fields, "examples": examples}
    return None
