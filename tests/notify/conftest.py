"""Lends the tests of messages the browser of the report's."""

from tests.reporting.conftest import browser

__all__ = ["browser"]
