"""Tells which operation a request asks for, and in which protocol, as botocore's models describe it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl

from botocore.exceptions import UnknownServiceError
from moto.core.utils import get_service_model

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

_METHODS = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "POST": "Put", "DELETE": "Delete"}


@dataclass(frozen=True)
class _Route:
    """An operation of a service whose requests name it by method, path and query only."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: frozenset[tuple[str, str]]


def action_of(request: Request, service: str) -> str:
    """Return the operation that a request asks for; for S3, the action, derived from method and path alone."""
    target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    if target:
        return target
    if request.mimetype == "application/x-www-form-urlencoded":
        body = request.get_data(cache=True)
        actions = parse_qs(body.decode(errors="replace")).get("Action", [])
        if actions:
            return actions[0]
    if "Action" in request.args:
        return request.args["Action"]
    asked = set(parse_qsl(request.query_string.decode(errors="replace"), keep_blank_values=True))
    for route in _routes(service):
        if (
            route.method == request.method
            and route.path.fullmatch(request.path)
            and route.query.issubset(asked)
        ):
            return route.operation
    return "ListAllMyBuckets" if request.path == "/" else f"{_METHODS.get(request.method, 'Put')}Object"


def speaks_json(request: Request, service: str) -> bool:
    """Tell whether errors are to be JSON."""
    return "X-Amz-Target" in request.headers or bool(_routes(service))


@lru_cache(maxsize=64)
def _routes(service: str) -> tuple[_Route, ...]:
    """List the operations of a service with the protocol `rest-json`, the most particular ones first."""
    if service in ("", "s3"):
        return ()
    try:
        model: Any = get_service_model(service)
    except UnknownServiceError:
        return ()
    if model.metadata["protocol"] != "rest-json":
        return ()
    asked = ((name, model.operation_model(name).http) for name in model.operation_names)
    routes = [_route(name, http["method"], http["requestUri"]) for name, http in asked]
    return tuple(sorted(routes, key=lambda route: ("[^/]" in route.path.pattern, -len(route.query))))


def _route(name: str, method: str, uri: str) -> _Route:
    path, _, query = uri.partition("?")
    parts = re.split(r"\{(\w+\+?)\}", path.rstrip("/"))
    patterns = [
        re.escape(part) if place % 2 == 0 else ".+" if part.endswith("+") else "[^/]+"
        for place, part in enumerate(parts)
    ]
    return _Route(
        name,
        method,
        re.compile(f"{''.join(patterns)}/?"),
        frozenset(parse_qsl(query, keep_blank_values=True)),
    )
