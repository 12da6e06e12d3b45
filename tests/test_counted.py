"""One is one, and everything else is many."""

from __future__ import annotations

import pytest

from rollout.counted import number_are, number_of


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 users"), (1, "1 user"), (2, "2 users"), (2000, "2,000 users")]
)
def test_a_number_of_things(number: int, said: str):
    assert said == number_of(number, "user")


def test_a_plural_of_its_own():
    assert ("1 user was", "3 users were") == tuple(number_of(n, "user was", "users were") for n in (1, 3))
    assert ("1 is", "0 are") == tuple(map(number_are, (1, 0)))
