"""Shuts the tests off from the machine they run on: no network, no AWS profile, no local time zone, no settings."""

import functools
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

import pytest
import typer.main
from hypothesis import settings

if TYPE_CHECKING:
    from botocore.loaders import Loader

# Slow machines are no failures. CI tries the same examples every time; at home they vary, and failures are kept.
settings.register_profile("home", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")

# What a developer's shell may hold that changes what the product does.
FOREIGN_PREFIXES = ("AWS_", "BOTO", "ROLLOUT_", "MOTO_", "PYTHONWARNINGS")
FOREIGN_NAMES = {
    # proxies, which would stand between boto3 and the embedded organization
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    # what makes rich and typer write colours or wrap lines
    *("force_color", "no_color", "py_colors", "github_actions", "tty_compatible", "columns", "lines"),
    # what makes each of some hundred processes compile the whole package again
    "pythondontwritebytecode",
}

CHROMIUM = Path("/usr/bin/chromium")


def shut_off() -> None:
    """Do it before anything of the product is imported, in every worker; child processes inherit it."""
    for name in list(os.environ):
        if name.startswith(FOREIGN_PREFIXES) or name.lower() in FOREIGN_NAMES:
            del os.environ[name]
    sys.dont_write_bytecode = False
    nowhere = Path(os.devnull) / "aws"
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_CONFIG_FILE": str(nowhere / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(nowhere / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        # What a machine remembers of a store's journal: nothing, unless a test names a folder for it.
        "XDG_STATE_HOME": str(nowhere / "state"),
        "TERM": "dumb",
        # An odd zone: whatever takes local time for UTC is off by 5 h 45 min.
        "TZ": "ODD-5:45",
    }
    time.tzset()


shut_off()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a browser where there is none."""
    if item.get_closest_marker("browser") and not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM} here")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI everything is there: a test that finds something missing fails, unless a `skipif` told so before."""
    report = yield
    if os.environ.get("CI") and report.skipped and not item.get_closest_marker("skipif"):
        report.outcome, report.longrepr = "failed", f"skipped, and nothing may be in CI: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files with slow tests first: with those at the end, one worker would go on alone for minutes."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def shared_loader() -> "Callable[..., Loader]":
    """Make what gives all Sessions one loader: reading the services' models again takes 0.2 s a command."""
    import botocore.session  # noqa: PLC0415 - only now is the environment as it is to be

    made = functools.cache(botocore.session.create_loader)

    def shared(search_path: str | None = None) -> "Loader":
        loader = made(search_path)
        # Each Session of boto3 adds its own path, again.
        loader.search_paths[:] = dict.fromkeys(loader.search_paths)
        return loader

    return shared


def signature_once() -> Callable[[Callable[..., object]], object]:
    """Make what remembers which handlers take `**kwargs`: each Session asks some hundred of them."""
    import botocore.compat  # noqa: PLC0415 - only now is the environment as it is to be

    of_function = functools.cache(botocore.compat.accepts_kwargs)

    def of(handler: Callable[..., object]) -> object:
        function = getattr(handler, "__func__", handler)
        return (
            of_function(function)
            if isinstance(function, FunctionType)
            else botocore.compat.accepts_kwargs(handler)
        )

    return of


@pytest.fixture(scope="session", autouse=True)
def _data_of_botocore() -> Iterator[None]:
    """Let all Sessions of a worker share one loader."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", shared_loader())
        patch.setattr("botocore.hooks.accepts_kwargs", signature_once())
        yield


@pytest.fixture(scope="session", autouse=True)
def _commands_of_typer() -> Iterator[None]:
    """Let typer look at the signatures of all commands once a worker; in a process of its own, it does so once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.main.get_command", functools.cache(typer.main.get_command))
        yield
