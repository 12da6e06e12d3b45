"""Plans in a bucket, beside what all plans promise: read part by part, and found on this machine too."""

import tempfile
from pathlib import Path

import pytest

from rollout.errors import AwsFailure, NoPlan, Unwritable
from rollout.store.plan_files import FolderPlans
from rollout.store.s3 import bucket_files
from rollout.store.s3.bucket_files import S3Files, S3Plans
from tests.builders import a_header
from tests.store.bucket import Asked, BucketServer, Refuse
from tests.store.memory import parted
from tests.store.places import BucketPlace
from tests.store.reaching import BUCKET, objects
from tests.store.test_contract import ACCOUNTS, EVIDENCE, INDEX, PLAN, saved


@pytest.fixture
def place(bucket: BucketServer) -> BucketPlace:
    return BucketPlace(bucket)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_files, "_FIRST_PART", 100)
    monkeypatch.setattr(bucket_files, "_NEXT_PARTS", 70)


def ranges(bucket: BucketServer) -> list[str]:
    return [asked.headers["Range"] for asked in bucket.asked if "Range" in asked.headers]


def test_a_plan_says_where_it_is(place: BucketPlace):
    assert saved(place).location == f"s3://{BUCKET}/team/{PLAN}"


@pytest.mark.usefixtures("small_parts")
def test_a_long_file_is_read_part_by_part(place: BucketPlace):
    content = bytes(range(240))
    place.put("plans/x", content)

    with S3Files(objects()).reading("plans/x") as stream:
        assert ranges(place.server) == ["bytes=0-99"]
        assert stream.read(3) == content[:3]
        assert stream.read() == content[3:]
    assert ranges(place.server) == ["bytes=0-99", "bytes=100-169", "bytes=170-239"]


@pytest.mark.usefixtures("small_parts")
def test_a_plan_is_whole_whatever_the_parts(place: BucketPlace):
    saved(place)

    assert tuple(place.plans().load(None).accounts()) == ACCOUNTS


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("deleted", [False, True])
def test_a_file_that_changes_while_it_is_read_is_no_mixture(place: BucketPlace, deleted: bool):
    place.put("plans/x", b"a" * 240)
    with S3Files(objects()).reading("plans/x") as stream:
        assert stream.read(3) == b"aaa"
        if deleted:
            place.remove("plans/x")
        else:
            place.put("plans/x", b"b" * 240)
        with pytest.raises(AwsFailure, match="replaced or deleted") as refused:
            stream.read()
    assert refused.value.cure == "run the command again"


def test_a_plan_that_may_not_be_read_is_told_with_the_rights_it_takes(place: BucketPlace):
    saved(place)
    place.server.weather = lambda asked: Refuse("AccessDenied", 403) if "Range" in asked.headers else None

    with pytest.raises(AwsFailure, match=r"AccessDenied") as refused:
        place.plans().load(None)
    assert "s3:GetObject" in refused.value.cure


def test_a_plan_that_cannot_be_written_leaves_none_that_can_be_seen(place: BucketPlace):
    place.server.weather = lambda asked: (
        Refuse("AccessDenied", 403) if asked.method == "PUT" and asked.name.endswith(".yaml") else None
    )
    with pytest.raises(Unwritable):
        saved(place)

    place.server.weather = None
    assert place.names() == [EVIDENCE, INDEX]
    with pytest.raises(NoPlan):
        place.plans().load(None)


def test_a_disk_without_room_for_what_is_to_be_sent_is_told(
    place: BucketPlace, monkeypatch: pytest.MonkeyPatch
):
    def full(*_args: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", full)
    with pytest.raises(Unwritable, match="No space left") as refused:
        saved(place)
    assert "free some space" in refused.value.cure


def test_a_plan_beside_its_evidence_on_this_machine_is_found_by_path(
    place: BucketPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As it lies in the work tree in which it was reviewed."""
    saved(place, id="newr")
    local = FolderPlans(tmp_path).save(*parted(a_header(*ACCOUNTS), ACCOUNTS))
    monkeypatch.chdir(tmp_path)

    for reference in (local.location, PLAN, PLAN.removesuffix(".yaml")):
        assert place.plans().load(reference).header.id == "k3f9"
    with pytest.raises(NoPlan):
        place.plans().load("k3f9")


def test_plans_of_one_prefix_are_none_of_another(place: BucketPlace):
    saved(place)

    with pytest.raises(NoPlan):
        S3Plans(objects(prefix="others")).load(None)
    with pytest.raises(NoPlan):
        S3Plans(objects(prefix="others")).load(f"s3://{BUCKET}/team/{PLAN}")
    assert S3Plans(objects(prefix="")).load(f"s3://{BUCKET}/team/{PLAN}").header.id == "k3f9"


def test_to_find_the_newest_little_is_read_of_the_others(place: BucketPlace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bucket_files, "_FIRST_PART", 1500)
    for number in range(4):
        saved(place, id=f"pln{number}")
    place.server.asked.clear()
    place.plans().load(None)

    asked = [asked.name for asked in place.server.asked if "Range" in asked.headers]
    assert [f"plans/2026-11-24-pln{number}.yaml" for number in range(4)] == sorted(set(asked[:4]))
    assert set(asked[4:]) == {
        f"plans/2026-11-24-pln3{ending}" for ending in (".yaml", ".evidence.jsonl.gz", ".renewed.json")
    }


def test_a_plan_altered_between_two_parts_is_refused(place: BucketPlace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bucket_files, "_FIRST_PART", 64)
    stored = saved(place)
    content = place.content(PLAN)

    def altered(asked: Asked) -> None:
        if asked.headers.get("If-Match"):
            place.server.weather = None
            place.put(PLAN, content.replace(b"alice", b"mallo"))

    place.server.weather = altered
    with pytest.raises(AwsFailure, match="replaced or deleted"):
        list(place.plans().load(stored.stem).accounts())
