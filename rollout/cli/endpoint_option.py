"""Adds options to commands that need not know of them: `--endpoint-ok` for all that call AWS, `--all` for lists."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Annotated, ParamSpec, TypeVar

import typer

from rollout.cli.terminal.console import show_whole_lists

P = ParamSpec("P")
T = TypeVar("T")

EndpointOk = Annotated[
    bool,
    typer.Option(
        "--endpoint-ok", help="Call an AWS_ENDPOINT_URL that is neither AWS nor on this machine, on purpose."
    ),
]
All = Annotated[bool, typer.Option("--all", help="Show long lists to their end.")]
_said: ContextVar[bool] = ContextVar("endpoint_ok", default=False)


def calling_aws(command: Callable[P, T]) -> Callable[P, T]:
    """Add `--endpoint-ok` to a command."""
    return _with(command, "endpoint_ok", EndpointOk, _said.set)


def with_lists(command: Callable[P, T]) -> Callable[P, T]:
    """Add `--all` to a command that prints lists."""
    return _with(command, "everything", All, show_whole_lists)


def _with(
    command: Callable[P, T], name: str, annotation: object, hear: Callable[[bool], object]
) -> Callable[P, T]:
    @functools.wraps(command)
    def with_option(*args: P.args, **kwargs: P.kwargs) -> T:
        hear(bool(kwargs.pop(name, False)))
        return command(*args, **kwargs)

    option = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=annotation)
    signature = inspect.signature(command, eval_str=True)
    with_option.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what inspect looks for
        parameters=[*signature.parameters.values(), option]
    )
    return with_option


def endpoint_ok() -> bool:
    """Tell whether the option was given to the command that runs."""
    return _said.get()
