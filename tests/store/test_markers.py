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
from rollout.errors import KeyUnusable, RecordAltered, Unwritable
from rollout.store.formats.journal_lines import LIMITS
from rollout.store.formats.seals import Trust
from rollout.store.markers import StoredMarker
from tests.builders import NOW, OPERATOR, ORGANIZATION, a_ref
from tests.store.places import Place
from tests.store.sealing import Told, lenient, sealed

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


# --- In a store that has a key ---

KEY = sealed()


def keyed(place: Place, trust: Trust = KEY, *, cautious: bool = False) -> StoredMarker:
    return StoredMarker(place.files(), ORGANIZATION, trust=trust, cautious=cautious)


def test_a_sealed_word_is_found_word_for_word(place: Place):
    keyed(place).add(released())
    assert [released()] == list(keyed(place).records())
    keyed(place).check()


def test_a_word_without_a_seal_counts_for_nothing_and_is_refused_where_people_come_under_the_policy(
    place: Place,
):
    marker(place).add(released())
    keyed(place, sealed(b"!" * 32)).add(ended())
    told = Told()
    shown = keyed(place, lenient(KEY, told))
    assert [] == list(shown.records())
    shown.check()
    assert [True, True] == [
        f"{released().run}.let-out.json is not sealed" in told.text,
        "under this name" in told.text,
    ]
    with pytest.raises(RecordAltered, match="is not sealed"):
        keyed(place).check()
    assert [released(), ended()] == keyed(place).unsealed()


def test_a_run_that_enforces_stops_for_a_release_whoever_put_it_there_but_goes_on_for_no_end(place: Place):
    """Leaving people alone does no harm; bringing them back would."""
    marker(place).add(released())
    marker(place).add(ended())
    assert [released()] == list(keyed(place, cautious=True).records())


def test_a_sealed_word_under_another_name_counts_for_nothing(place: Place):
    """Else the end of an old release could be put forward again."""
    keyed(place).add(ended())
    [name] = [name for name in place.names() if name.endswith(".json")]
    place.put(name.replace(ended().run, "20261130T000000Z-zzzz"), place.content(name))
    assert [ended()] == list(keyed(place).records())


def test_with_the_key_down_a_release_is_published_without_a_seal(place: Place):
    down = lenient(sealed(down=True), Told())
    keyed(place, down).add(released())
    assert [released()] == list(keyed(place, down).records())
    assert [released()] == list(keyed(place, cautious=True).records())
    with pytest.raises(KeyUnusable):
        keyed(place, sealed(down=True)).add(ended())
