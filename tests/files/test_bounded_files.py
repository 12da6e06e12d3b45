"""Whatever is read within limits is read whole, or not at all: nothing is cut off unnoticed."""

import gzip
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.files.bounded_files import (
    KIB,
    MIB,
    MOST_VALUES,
    BadZip,
    BeyondLimit,
    BoundedStream,
    Limits,
    parse_json,
    size_text,
    unzipped,
)

ROOMY = Limits(total=16 * MIB, line=16 * MIB)


def stream(content: bytes, limits: Limits) -> BoundedStream:
    return BoundedStream(BytesIO(content), "a/file", limits)


@given(st.binary(max_size=50), st.integers(1, 60), st.integers(1, 60))
def test_lines_are_all_there_or_the_limit_is_told(content: bytes, total: int, line: int):
    wanted = BytesIO(content).readlines()
    bounded = stream(content, Limits(total, line))
    if len(content) <= total and all(len(one) <= line for one in wanted):
        assert wanted == list(bounded)
    else:
        with pytest.raises(BeyondLimit, match="a/file "):
            list(bounded)


@given(st.binary(max_size=50), st.integers(1, 60), st.integers(-1, 60))
def test_content_is_all_there_or_the_limit_is_told(content: bytes, total: int, size: int):
    bounded = stream(content, Limits(total, 1))
    wanted = content if size < 0 else content[:size]
    if len(wanted) > total:
        with pytest.raises(BeyondLimit, match="a/file is larger than"):
            bounded.read(size)
    else:
        assert wanted == bounded.read(size)


def read_all(bounded: BoundedStream, step: int) -> None:
    while bounded.read(step):
        pass


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_the_limit_is_about_the_whole_however_it_is_read(step: int):
    bounded = stream(b"x" * 1000, Limits(999, 999))
    with pytest.raises(BeyondLimit):
        read_all(bounded, step)


def test_what_is_packed_is_read_as_it_was():
    packed = gzip.compress(b"one\ntwo\n") + gzip.compress(b"three\n")
    with unzipped(BytesIO(packed), "a.gz", ROOMY) as lines:
        assert [b"one\n", b"two\n", b"three\n"] == list(lines)


def test_a_small_file_that_unpacks_to_a_large_one_is_a_bomb():
    # Many members, so that the test need not compress 480 MB.
    packed = gzip.compress(b" " * 8 * MIB) * 60
    with (
        pytest.raises(BeyondLimit, match=r"a\.gz unpacks to more than 250 times its size"),
        unzipped(BytesIO(packed), "a.gz", Limits(total=1024 * MIB, line=MIB)) as inside,
    ):
        read_all(inside, 64 * KIB)


def test_the_limits_are_about_what_is_inside():
    packed = gzip.compress(b" " * 2 * MIB)
    with (
        pytest.raises(BeyondLimit, match=r"a\.gz is larger than 1 MiB"),
        unzipped(BytesIO(packed), "a.gz", Limits(total=MIB, line=MIB)) as inside,
    ):
        inside.read()


@pytest.mark.parametrize(
    "content", [b"no gzip", gzip.compress(b"cut short")[:-4], b""], ids=["text", "cut short", "empty"]
)
def test_no_gzip_is_told_from_a_large_one(content: bytes):
    try:
        with unzipped(BytesIO(content), "a.gz", ROOMY) as inside:
            assert not inside.read()
    except BadZip:
        assert content


def test_a_line_of_tiny_values_is_not_parsed():
    """It would take 72 bytes of memory for 3 in the file."""
    text = b"[" + b"{}," * MOST_VALUES + b"{}]"
    with pytest.raises(BeyondLimit, match="250,000 values"):
        parse_json(text)
    assert [1, {"a": []}] == parse_json(b'[1,{"a":[]}]')


@pytest.mark.parametrize(
    ("size", "text"), [(10, "10 bytes"), (64 * KIB, "64 KiB"), (8 * MIB, "8 MiB"), (1600 * MIB, "1.562 GiB")]
)
def test_sizes_are_spelt_for_people(size: int, text: str):
    assert text == size_text(size)
