"""Shuts the tests off from the machine they run on: no network, no AWS profile, no local time zone, no settings."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import settings

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
}

CHROMIUM = Path("/usr/bin/chromium")


def pytest_configure(config: pytest.Config) -> None:
    """Run before any test module is imported, in every worker; child processes inherit it."""
    if os.environ.get("ROLLOUT_REQUIRE_BROWSER"):  # as .ci/run sets it
        os.environ["BROWSER_REQUIRED"] = "1"  # a name that the product does not take for a setting
    for name in list(os.environ):
        if name.startswith(FOREIGN_PREFIXES) or name.lower() in FOREIGN_NAMES:
            del os.environ[name]
    nowhere = Path(os.devnull) / "aws"
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_CONFIG_FILE": str(nowhere / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(nowhere / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "COLUMNS": "120",
        "TERM": "dumb",
        # An odd zone: whatever takes local time for UTC is off by 5 h 45 min.
        "TZ": "ODD-5:45",
    }
    time.tzset()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a browser where there is none, unless told that there must be one."""
    if item.get_closest_marker("browser") and not CHROMIUM.exists():
        reason = f"there is no {CHROMIUM} here"
        pytest.fail(reason) if os.environ.get("BROWSER_REQUIRED") else pytest.skip(reason)
