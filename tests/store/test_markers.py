"""Words of releases, as runs that have begun already find them: in a folder and in a bucket alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from threading import Thread
from typing import BinaryIO

import pytest

from rollout.domain.progress.records import Released, ReleaseEnded
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.errors import Unwritable
from rollout.store.formats.journal_lines import LIMITS
from rollout.store.markers import StoredMarker
from tests.builders import NOW, OPERATOR, ORGANIZATION, a_ref
from tests.store.places import Place

FOLDER = f".rollout/releases/{ORGANIZATION}"


def released(run: str = "20261124T090000Z-aaaa", release_scope: ReleaseScope | None = None) -> Released:
    return Released(
        run, NOW, release_scope or ReleaseScope(everybody=True), NOW + timedelta(hours=4), "INC-7", OPERATOR
    )


def ended(run: str = "20261124T100000Z-bbbb") -> ReleaseEnded:
    return ReleaseEnded(run, NOW, ReleaseScope(users=(a_ref("alice"), a_ref("bob"))), "all well", OPERATOR)


def marker(
    place: Place, every: float = 0.0, now: float = 0.0, organization: str = ORGANIZATION
) -> StoredMarker:
    return StoredMarker(place.files(), organization, every, lambda: now)


def test_where_nothing_was_put_there_is_nothing(place: Place):
    assert [] == list(marker(place).records())


def test_what_one_run_puts_another_finds_word_for_word_and_in_order(place: Place):
    """Made with a later run's name first: the order is that of the runs."""
    mine, theirs = marker(place), marker(place)
    assert [] == list(theirs.records())
    mine.add(ended())
    mine.add(released())
    assert [released(), ended()] == list(theirs.records()) == list(mine.records())


def test_organizations_do_not_hear_each_other(place: Place):
    marker(place, organization="o-other00000").add(released())
    assert [] == list(marker(place).records())


def test_a_release_and_its_end_by_one_run_are_two_words(place: Place):
    one = marker(place)
    one.add(released("run-1"))
    one.add(ended("run-1"))
    assert 2 == len(one.records())


def test_what_is_no_word_of_ours_is_passed_over(place: Place):
    """The journal has the word too; a run that is under way must not stop because of a stray file."""
    for number, content in enumerate(
        (b"", b"{", b'{"type": "Released"}\n', b'{"type": "Waved", "at": "2026-11-24T09:00:00Z"}\n')
    ):
        place.put(f"{FOLDER}/stray-{number}.json", content)
    marker(place).add(released())
    assert [released()] == list(marker(place).records())


def test_a_bucket_is_not_asked_again_before_its_time(place: Place):
    time = [0.0]
    patient = StoredMarker(place.files(), ORGANIZATION, 2.0, lambda: time[0])
    assert [] == list(patient.records())
    marker(place).add(released())
    time[0] = 1.9
    assert [] == list(patient.records())
    time[0] = 2.0
    assert [released()] == list(patient.records())


def test_one_s_own_word_is_seen_at_once(place: Place):
    impatient = StoredMarker(place.files(), ORGANIZATION, 2.0, lambda: 0.0)
    assert [] == list(impatient.records())
    impatient.add(released())
    assert [released()] == list(impatient.records())


def test_many_threads_may_ask_while_words_come(place: Place):
    shared, writer = marker(place), marker(place)
    found: list[int] = []
    threads = [Thread(target=lambda: found.append(len(shared.records()))) for _ in range(8)]
    for number, thread in enumerate(threads):
        writer.add(released(f"run-{number}"))
        thread.start()
    for thread in threads:
        thread.join()
    assert 8 == len(found)
    assert 8 == len(shared.records())


class Full:
    """NamedFiles on a full disk."""

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        if name:
            raise Unwritable(f"no space left for {name}")
        yield BytesIO()


def test_a_store_that_takes_no_word_says_so():
    with pytest.raises(Unwritable, match="no space left"):
        StoredMarker(Full(), ORGANIZATION).add(released())  # type: ignore[arg-type]  # a fake that only fails


def test_what_is_too_long_to_be_ours_is_passed_over(place: Place):
    """Whoever can write to the store could take the memory of every run."""
    marker(place).add(released())
    place.put(f"{FOLDER}/20261124T080000Z-zzzz.let-out.json", b" " * (LIMITS.line + 1))
    assert [released()] == list(marker(place).records())


def test_a_record_that_nobody_could_read_again_is_not_written(place: Place):
    many = ReleaseScope(users=tuple(a_ref(f"user{number}") for number in range(60_000)))
    with pytest.raises(Unwritable, match="does not fit into a line of the journal"):
        marker(place).add(released(release_scope=many))
    assert [] == list(marker(place).records())
