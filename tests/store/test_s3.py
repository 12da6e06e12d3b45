"""Objects of a bucket: conditions are S3's word, a lost answer is settled by reading, and no answer is a traceback."""

import re
import threading
from io import BytesIO
from typing import Any

import pytest

from rollout.awsapi.sessions import Connection
from rollout.errors import (
    AwsFailure,
    ExpiredCredentials,
    InsecureEndpoint,
    NoCredentials,
    RolloutError,
    Unwritable,
)
from rollout.store.s3.objects import S3Objects
from tests.store.bucket import Asked, Between, BucketServer, Ignore, Lose, Refuse, Weather
from tests.store.reaching import BUCKET, OWNER, objects

NAME = "locks/o-1.json"


def first_put(trouble: Any, method: str = "PUT") -> Weather:
    """Bad weather for the first write of an object, and good weather after."""
    seen: list[Asked] = []

    def weather(asked: Asked) -> Any:
        if asked.method != method:
            return None
        seen.append(asked)
        return trouble if len(seen) == 1 else None

    return weather


def always(trouble: Any, *methods: str) -> Weather:
    return lambda asked: trouble if asked.method in methods else None


def etag_of(store: S3Objects) -> str:
    found = store.read(NAME)
    assert found
    return found.etag


# --- What there is ---


def test_what_is_made_is_read_back(bucket: BucketServer):
    store = objects()
    etag = store.create(NAME, b"mine")

    found = store.read(NAME)
    assert found
    assert (found.content, found.etag) == (b"mine", etag)
    assert bucket.keys() == [f"team/{NAME}"]


def test_without_a_prefix_names_are_keys(bucket: BucketServer):
    objects(prefix="").create(NAME, b"mine")

    assert bucket.keys() == [NAME]


def test_what_is_not_there_is_none(bucket: BucketServer):
    store = objects()

    assert store.read(NAME) is None
    assert store.read_part(NAME, 0, 10) is None
    assert store.names("locks") == []


def test_names_are_listed_page_by_page_right_in_a_folder_or_below(
    bucket: BucketServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "7")
    store = objects()
    for number in range(30):
        bucket.put(f"team/plans/{number:04}.yaml", b"")
    bucket.put("team/plans/sample/deep.yaml", b"")
    bucket.put("team/plans/", b"")
    bucket.put("team/plans-of-others/x.yaml", b"")

    assert store.names("plans") == [f"{number:04}.yaml" for number in range(30)]
    assert store.names("plans", deep=True)[-1] == "sample/deep.yaml"


def test_parts_are_of_one_version(bucket: BucketServer):
    store = objects()
    store.put(NAME, BytesIO(b"0123456789"))
    part = store.read_part(NAME, 0, 4)
    assert part
    assert (part.content, part.size) == (b"0123", 10)

    rest = store.read_part(NAME, 4, 100, part.etag)
    assert rest
    assert rest.content == b"456789"
    store.put(NAME, BytesIO(b"another one"))
    assert store.read_part(NAME, 4, 100, part.etag) is None


def test_an_empty_object_has_no_parts(bucket: BucketServer):
    store = objects()
    bucket.put(f"team/{NAME}", b"")
    # moto answers 206 with nothing; S3 says that there is no such range.
    bucket.weather = lambda asked: Refuse("InvalidRange", 416) if "Range" in asked.headers else None

    part = store.read_part(NAME, 0, 4)
    assert part
    assert (part.content, part.size) == (b"", 0)


def test_a_service_without_ranges_gives_the_whole(bucket: BucketServer):
    store = objects()
    store.put(NAME, BytesIO(b"0123456789"))
    bucket.weather = lambda _: Ignore("Range")

    part = store.read_part(NAME, 0, 4)
    assert part
    assert (part.content, part.size) == (b"0123456789", 10)


# --- How it is kept ---


def put_headers(bucket: BucketServer) -> list[dict[str, str]]:
    return [asked.headers for asked in bucket.asked if asked.method == "PUT"]


@pytest.mark.parametrize("writing", ["put", "create", "replace"])
@pytest.mark.parametrize("kms_key", [None, "alias/rollout"])
def test_whatever_is_written_is_encrypted_and_has_no_acl(
    bucket: BucketServer, writing: str, kms_key: str | None
):
    store = objects(kms_key=kms_key)
    if writing == "replace":
        bucket.put(f"team/{NAME}", b"old")
        etag = etag_of(store)
        bucket.asked.clear()
        store.replace(NAME, b"new", etag)
    elif writing == "create":
        store.create(NAME, b"new")
    else:
        store.put(NAME, BytesIO(b"new"))

    [headers] = put_headers(bucket)
    assert headers["X-Amz-Server-Side-Encryption"] == ("aws:kms" if kms_key else "AES256")
    assert headers.get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id") == kms_key
    assert "X-Amz-Acl" not in headers


def test_a_browser_is_told_what_a_report_is(bucket: BucketServer):
    objects().put("reports/x/index.html", BytesIO(b"<!doctype html>"))

    answer = bucket.client().head_object(Bucket=BUCKET, Key="team/reports/x/index.html")
    assert answer["ContentType"] == "text/html; charset=utf-8"


def test_a_bucket_of_another_owner_is_refused(bucket: BucketServer):
    objects(owner=OWNER).create(NAME, b"mine")
    stranger = objects(owner="999999999999")

    for ask in (
        lambda: stranger.read(NAME),
        lambda: stranger.names("locks"),
        lambda: stranger.put(NAME, BytesIO(b"x")),
        lambda: stranger.create("new", b"x"),
        lambda: stranger.replace(NAME, b"x", "tag"),
        lambda: stranger.delete(NAME, "tag"),
    ):
        with pytest.raises(RolloutError, match="AccessDenied") as refused:
            ask()
        assert "belongs to account 999999999999" in refused.value.cure
    assert bucket.content(f"team/{NAME}") == b"mine"


# --- Conditions ---


def test_what_is_there_is_not_made_again(bucket: BucketServer):
    store = objects()
    assert store.create(NAME, b"first")

    assert store.create(NAME, b"second") is None
    assert store.create(NAME, b"first") is None, "the same bytes of somebody else are not ours"
    assert bucket.content(f"team/{NAME}") == b"first"


def test_only_what_was_seen_is_replaced_or_deleted(bucket: BucketServer):
    store = objects()
    store.create(NAME, b"first")
    seen = etag_of(store)

    assert store.replace(NAME, b"second", seen)
    assert not store.replace(NAME, b"third", seen)
    assert not store.delete(NAME, seen)
    assert bucket.content(f"team/{NAME}") == b"second"
    assert store.delete(NAME, etag_of(store))
    assert not store.delete(NAME, seen)
    assert not store.replace(NAME, b"fourth", seen)
    assert bucket.keys() == []


CONFLICTS = [Refuse("ConditionalRequestConflict", 409), Refuse("OperationAborted", 409)]
THROTTLES = [Refuse("SlowDown", 503), Refuse("ServiceUnavailable", 503), Refuse("InternalError", 500)]


@pytest.mark.parametrize("trouble", [*CONFLICTS, *THROTTLES], ids=lambda trouble: trouble.code)
def test_what_passes_is_tried_again(bucket: BucketServer, trouble: Refuse):
    store = objects()
    bucket.weather = first_put(trouble)
    assert store.create(NAME, b"first")
    bucket.weather = first_put(trouble)
    assert store.replace(NAME, b"second", etag_of(store))
    bucket.weather = first_put(trouble)
    store.put("plans/x.yaml", BytesIO(b"third"))
    bucket.weather = first_put(trouble, "GET")
    assert store.names("plans") == ["x.yaml"]
    bucket.weather = first_put(trouble, "GET")
    assert store.read("plans/x.yaml")
    bucket.weather = first_put(trouble, "DELETE")
    assert store.delete(NAME, etag_of(store))


def test_a_conflict_that_another_won_is_no_success(bucket: BucketServer):
    store = objects()

    def won() -> Refuse:
        bucket.put(f"team/{NAME}", b"of another")
        return Refuse("ConditionalRequestConflict", 409)

    state = {"done": False}

    def weather(asked: Asked) -> Any:
        if asked.method != "PUT" or "If-None-Match" not in asked.headers or state["done"]:
            return None
        state["done"] = True
        return won()

    bucket.weather = weather
    assert store.create(NAME, b"mine") is None
    assert bucket.content(f"team/{NAME}") == b"of another"


@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer_is_settled_by_reading(bucket: BucketServer, after: bool):
    store = objects()
    bucket.weather = first_put(Lose(after=after))
    etag = store.create(NAME, b"first")
    assert etag == etag_of(store)
    assert len(put_headers(bucket)) == (1 if after else 2), "what was found is not written again"

    bucket.weather = first_put(Lose(after=after))
    assert store.replace(NAME, b"second", etag)
    bucket.weather = first_put(Lose(after=after), "DELETE")
    store.delete(NAME, etag_of(store))
    assert bucket.keys() == []


def test_a_lost_answer_about_what_another_made_is_no_success(bucket: BucketServer):
    store = objects()
    bucket.put(f"team/{NAME}", b"of another")
    bucket.weather = first_put(Lose(after=True))

    assert store.create(NAME, b"mine") is None
    bucket.weather = first_put(Lose(after=True))
    assert not store.replace(NAME, b"mine", '"d41d8cd98f00b204e9800998ecf8427e"')


def test_a_write_that_lands_late_is_still_ours(bucket: BucketServer):
    """Its answer is lost, a look finds nothing, and the second try meets what the first has made since."""
    store = objects()
    puts: list[Asked] = []

    def weather(asked: Asked) -> Any:
        if asked.method != "PUT" or "If-None-Match" not in asked.headers:
            return None
        puts.append(asked)
        if len(puts) == 1:
            return Lose(after=False)
        return Between(lambda: bucket.put(f"team/{NAME}", b"mine")) if len(puts) == 2 else None

    bucket.weather = weather
    assert store.create(NAME, b"mine")


@pytest.mark.parametrize("writing", ["create", "replace", "delete"])
def test_a_write_without_any_answer_is_given_up(bucket: BucketServer, writing: str):
    waits: list[float] = []
    store = objects(sleep=waits.append)
    bucket.put(f"team/{NAME}", b"old")
    etag = etag_of(store)
    if writing == "create":
        bucket.delete(f"team/{NAME}")
    bucket.weather = always(Lose(after=False), "PUT", "DELETE")

    ask = {
        "create": lambda: store.create(NAME, b"new"),
        "replace": lambda: store.replace(NAME, b"new", etag),
        "delete": lambda: store.delete(NAME, etag),
    }[writing]
    with pytest.raises(Unwritable, match=r"cannot write to s3://.*locks/o-1\.json") as refused:
        ask()
    assert "network" in refused.value.cure
    assert waits


def test_of_many_one_makes_it_and_one_replaces_it(bucket: BucketServer):
    store = objects()
    together = threading.Barrier(8)
    made: list[str] = []
    replaced: list[str] = []

    def work(name: str) -> None:
        together.wait()
        if store.create(NAME, name.encode()):
            made.append(name)
        together.wait()
        etag = etag_of(store)
        together.wait()
        if store.replace(NAME, f"{name} again".encode(), etag):
            replaced.append(name)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(replaced)) == (1, 1)
    assert bucket.content(f"team/{NAME}") == f"{replaced[0]} again".encode()


# --- What S3 says, in our words ---


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        (Refuse("NoSuchBucket", 404), f"aws s3 mb s3://{BUCKET}"),
        (Refuse("AccessDenied", 403), r"s3:ListBucket on state-of-rollout, and s3:GetObject.* on team/\*"),
        (Refuse("PermanentRedirect", 400), "AWS_DEFAULT_REGION"),
        (Refuse("KMS.DisabledException", 400), r"bucket\.kms_key"),
        (Refuse("RequestTimeTooSkewed", 403), "clock"),
        (Refuse("InvalidObjectState", 403), "archived"),
        (Refuse("EntityTooLarge", 400), "check `store`"),
    ],
    ids=lambda part: getattr(part, "code", ""),
)
def test_a_refusal_is_one_sentence_with_a_cure(bucket: BucketServer, said: Refuse, cure: str):
    store = objects()
    bucket.weather = lambda _: said
    reads = (
        lambda: store.read(NAME),
        lambda: store.read_part(NAME, 0, 5),
        lambda: store.names("locks"),
    )
    writes = (
        lambda: store.put(NAME, BytesIO(b"x")),
        lambda: store.create(NAME, b"x"),
        lambda: store.replace(NAME, b"x", "tag"),
        lambda: store.delete(NAME, "tag"),
    )
    for kind, does, asks in ((AwsFailure, "read", reads), (Unwritable, "write to", writes)):
        for ask in asks:
            with pytest.raises(
                kind, match=rf"cannot {does} s3://{BUCKET}/team/locks/.*{said.code}"
            ) as refused:
                ask()
            assert refused.value.exit_code == 1
            assert "\n" not in str(refused.value)
            assert re.search(cure, refused.value.cure), refused.value.cure


def test_an_endpoint_that_is_no_s3_is_told_as_such(bucket: BucketServer):
    store = objects()
    bucket.weather = lambda _: Refuse("NotImplemented", 501)

    for _ in range(2):
        with pytest.raises(Unwritable, match="not offered by this endpoint") as refused:
            store.create(NAME, b"x")
        assert "AWS_ENDPOINT_URL_S3" in refused.value.cure


def test_a_bucket_that_is_not_there(bucket: BucketServer):
    with pytest.raises(AwsFailure, match="NoSuchBucket"):
        objects(bucket="not-there").names("plans")
    with pytest.raises(Unwritable, match="NoSuchBucket"):
        objects(bucket="not-there").create(NAME, b"x")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (Refuse("ExpiredToken", 400), ExpiredCredentials),
        (Refuse("InvalidAccessKeyId", 403), NoCredentials),
        (Refuse("SignatureDoesNotMatch", 403), NoCredentials),
    ],
)
def test_credentials_that_do_not_hold_are_told_as_such(
    bucket: BucketServer, said: Refuse, kind: type[RolloutError]
):
    bucket.weather = lambda _: said
    with pytest.raises(kind):
        objects().read(NAME)
    with pytest.raises(kind):
        objects().create(NAME, b"x")


def test_without_credentials_the_cure_is_a_profile(bucket: BucketServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    with pytest.raises(NoCredentials) as refused:
        objects(by=Connection(region="us-east-1")).names("plans")
    assert "AWS_PROFILE" in refused.value.cure


def test_a_read_that_never_ends_well_is_told_with_its_attempts(bucket: BucketServer):
    bucket.weather = lambda _: Refuse("SlowDown", 503)

    with pytest.raises(AwsFailure, match=r"SlowDown: said the weather \(after 3 attempts\)"):
        objects(attempts=3).read(NAME)


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, bucket: BucketServer):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")

    with pytest.raises(AwsFailure, match="EndpointConnectionError") as refused:
        objects(attempts=2).read(NAME)
    assert "network" in refused.value.cure


def test_plain_http_beyond_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch, bucket: BucketServer):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://s3.example.com")

    with pytest.raises(InsecureEndpoint):
        objects()
