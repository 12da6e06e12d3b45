"""What enforcement means: nothing, a new habit on the CLI, a device to enrol, or a passkey that will not do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.people.users import DeviceKind
from rollout.domain.verdicts.impact import impact_of
from rollout.domain.verdicts.verdict import Impact
from tests.builders import a_user

KINDS = st.lists(st.sampled_from(list(DeviceKind)), max_size=3)


@given(KINDS, st.booleans(), st.integers(0, 2), st.integers(0, 200))
def test_the_impact_follows_from_device_password_and_keys(
    kinds: list[DeviceKind], password: bool, keys: int, used: int
):
    user = a_user(mfa=kinds, password=password, keys=keys, used_days_ago=used)
    if not password and not keys:
        assert Impact.NONE == impact_of(user)
    elif set(kinds) <= {DeviceKind.SMS}:  # AWS asks for no such codes any more
        assert Impact.ENROL == impact_of(user)
    elif not keys:
        assert Impact.NONE == impact_of(user)
    else:
        gives_codes = {DeviceKind.TOTP, DeviceKind.HARDWARE} & set(kinds)
        assert (Impact.CLI if gives_codes else Impact.PASSKEY_ONLY) == impact_of(user)


@given(KINDS, st.booleans(), st.integers(0, 2))
def test_a_credential_of_a_service_is_never_no_impact(kinds: list[DeviceKind], password: bool, keys: int):
    assert Impact.NONE is not impact_of(
        a_user(mfa=kinds, password=password, keys=keys, services=["codecommit"])
    )


@pytest.mark.parametrize("credential", ["ssh_keys", "certificates"])
def test_neither_is_an_ssh_key_or_a_signing_certificate(credential: str):
    assert Impact.CLI is impact_of(a_user(**{credential: 1}))  # type: ignore[arg-type]  # a name made here
    assert Impact.ENROL is impact_of(a_user(password=False, mfa=None, **{credential: 1}))  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("devices", "flag", "expected"),
    [((), True, Impact.ENROL), (None, True, Impact.NONE), (None, False, Impact.ENROL)],
)
def test_devices_that_were_listed_are_believed_before_the_flag(devices, flag: bool, expected: Impact):
    assert expected == impact_of(a_user(devices=devices, mfa_active=flag))
