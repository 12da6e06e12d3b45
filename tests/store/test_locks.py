"""Locks, beside what all of them promise (test_contract.py): closed files, restless buckets, services without locks."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from rollout.errors import AwsFailure, LockHeld, Refused, Unwritable
from rollout.store.lock_holder import Holder
from tests.builders import ORGANIZATION
from tests.store.bucket import Asked, Between, BucketServer, Ignore, Lose, Refuse
from tests.store.places import PURPOSE, BucketPlace, FolderPlace, Place, left_behind


def test_a_lock_too_large_to_be_ours_is_held_by_nobody_known(place: Place):
    place.put(place.lock_name, b'{"owner": "' + b"x" * 2_000_000 + b'"}')

    with pytest.raises(LockHeld, match="cannot be read"), place.lock().hold(ORGANIZATION, PURPOSE):
        pass
    assert place.lock().break_open(ORGANIZATION) == Holder()
    with place.lock().hold(ORGANIZATION, PURPOSE):
        pass


# --- In a folder ---


def test_a_lock_file_is_closed_to_others(tmp_path: Path):
    place = FolderPlace(tmp_path)
    with place.lock().hold(ORGANIZATION, PURPOSE):
        assert stat.S_IMODE((tmp_path / place.lock_name).stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / ".rollout").write_text("in the way")

    with pytest.raises(Unwritable), FolderPlace(tmp_path).lock().hold(ORGANIZATION, PURPOSE):
        pass


@pytest.mark.parametrize("how", ["a link", "another user"])
def test_a_folder_that_somebody_else_prepared_is_refused(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = FolderPlace(tmp_path / "store")
    place.put(place.lock_name, b"{}")
    if how == "a link":
        (tmp_path / "store" / ".rollout").rename(tmp_path / "theirs")
        (tmp_path / "store" / ".rollout").symlink_to(tmp_path / "theirs")
    else:
        somebody = os.getuid() + 1
        monkeypatch.setattr(os, "getuid", lambda: somebody)
    with pytest.raises(Unwritable, match=how), place.lock().hold(ORGANIZATION, PURPOSE):
        pass
    with pytest.raises(Unwritable, match=how):
        place.lock().break_open(ORGANIZATION)
    assert place.lock().holder(ORGANIZATION) == Holder()  # looking does no harm


# --- In a bucket ---


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_lost_answers_neither_lose_nor_leave_a_lock(bucket: BucketServer, method: str, after: bool):
    place = BucketPlace(bucket)
    lock = place.lock()
    seen: list[Asked] = []

    def weather(asked: Asked) -> Any:
        if asked.method != method:
            return None
        seen.append(asked)
        return Lose(after) if len(seen) == 1 else None

    bucket.weather = weather
    with lock.hold(ORGANIZATION, PURPOSE):
        assert lock.still_held()
    assert seen
    assert place.names() == []


def test_a_lock_taken_over_with_a_lost_answer_is_held(bucket: BucketServer):
    place = BucketPlace(bucket)
    left_behind(place)
    lock = place.lock()
    bucket.weather = lambda asked: (
        Lose(after=True) if "If-Match" in asked.headers and asked.method == "PUT" else None
    )

    with lock.hold(ORGANIZATION, PURPOSE):
        assert lock.still_held()


def test_of_two_who_find_a_dead_lock_the_faster_one_has_it(bucket: BucketServer):
    place = BucketPlace(bucket)
    left_behind(place)

    def taken_over() -> None:
        bucket.weather = None
        left_behind(place, host="server", owner="carol")

    bucket.weather = lambda asked: Between(taken_over) if "If-Match" in asked.headers else None
    with pytest.raises(LockHeld, match="carol on server"), place.lock().hold(ORGANIZATION, PURPOSE):
        pass


def test_a_lock_released_while_it_is_looked_at_is_taken(bucket: BucketServer):
    place = BucketPlace(bucket)
    left_behind(place, host="server")

    def released() -> None:
        bucket.weather = None
        place.remove(place.lock_name)

    bucket.weather = lambda asked: Between(released) if asked.method == "GET" else None
    with place.lock().hold(ORGANIZATION, PURPOSE):
        pass


def test_a_lock_that_changes_hands_all_the_time_is_given_up(bucket: BucketServer):
    place = BucketPlace(bucket)
    turns = iter(range(99))
    left_behind(place)
    bucket.weather = lambda asked: (
        Between(lambda: left_behind(place, owner=f"bob-{next(turns)}"))
        if "If-Match" in asked.headers
        else None
    )

    with pytest.raises(Unwritable, match="changed every time"), place.lock().hold(ORGANIZATION, PURPOSE):
        pass
    with pytest.raises(Unwritable, match="changed every time"):
        place.lock().break_open(ORGANIZATION)


def test_a_service_that_ignores_conditions_is_no_store(bucket: BucketServer):
    place = BucketPlace(bucket)
    bucket.weather = lambda _: Ignore("If-None-Match")

    with (
        pytest.raises(Refused, match="ignores `If-None-Match`") as refused,
        place.lock().hold(ORGANIZATION, PURPOSE),
    ):
        pass
    assert refused.value.exit_code == 5
    assert place.names() == []


def test_a_bucket_that_may_not_be_written_locks_nobody(bucket: BucketServer):
    place = BucketPlace(bucket)
    bucket.weather = lambda asked: Refuse("AccessDenied", 403) if asked.method == "PUT" else None

    with pytest.raises(Unwritable, match="AccessDenied"), place.lock().hold(ORGANIZATION, PURPOSE):
        pass


def test_who_cannot_look_at_his_lock_is_told_so(bucket: BucketServer):
    lock = BucketPlace(bucket).lock()
    with lock.hold(ORGANIZATION, PURPOSE):
        bucket.weather = lambda _: Refuse("AccessDenied", 403)
        with pytest.raises(AwsFailure, match="AccessDenied"):
            lock.still_held()
        bucket.weather = None


def test_a_lock_that_cannot_be_given_back_spoils_no_run(
    bucket: BucketServer, caplog: pytest.LogCaptureFixture
):
    place = BucketPlace(bucket)
    with place.lock().hold(ORGANIZATION, PURPOSE):
        bucket.weather = lambda _: Refuse("AccessDenied", 403)

    assert "rollout unlock" in caplog.text
    assert place.names() == [place.lock_name]
