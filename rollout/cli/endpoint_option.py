"""Gives every command that calls AWS the option `--endpoint-ok`, and remembers what was said."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Annotated, ParamSpec, TypeVar

import typer

P = ParamSpec("P")
T = TypeVar("T")

EndpointOk = Annotated[
    bool,
    typer.Option(
        "--endpoint-ok", help="Call an AWS_ENDPOINT_URL that is neither AWS nor on this machine, on purpose."
    ),
]
_NAME = "endpoint_ok"
_said: ContextVar[bool] = ContextVar(_NAME, default=False)


def calling_aws(command: Callable[P, T]) -> Callable[P, T]:
    """Add the option to a command."""

    @functools.wraps(command)
    def with_option(*args: P.args, **kwargs: P.kwargs) -> T:
        _said.set(bool(kwargs.pop(_NAME, False)))
        return command(*args, **kwargs)

    option = inspect.Parameter(_NAME, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=EndpointOk)
    signature = inspect.signature(command, eval_str=True)
    with_option.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what inspect looks for
        parameters=[*signature.parameters.values(), option]
    )
    return with_option


def endpoint_ok() -> bool:
    """Tell whether the option was given to the command that runs."""
    return _said.get()
