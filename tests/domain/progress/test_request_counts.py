"""What a run asked of AWS, in a sentence."""

from __future__ import annotations

from rollout.domain.progress.request_counts import ApiRequests, describe_requests


def test_a_calm_run_says_how_many_requests_there_were():
    assert "1,200 requests" == describe_requests(
        [ApiRequests("GetUser", 1_000), ApiRequests("ListUsers", 200)]
    )
    assert "1 request" == describe_requests([ApiRequests("GetUser", 1)])


def test_what_was_throttled_is_named_the_most_often_first():
    counts = [ApiRequests(f"Get{letter}", 10, throttled=place) for place, letter in enumerate("ABCDE")]
    counts.append(ApiRequests("GetUser", 50, waited=7))
    expected = "100 requests, 10 throttled (GetE 4, GetD 3, GetC 2 and 1 more), 7 s waited"
    assert expected == describe_requests(counts)


def test_of_runs_of_earlier_versions_nothing_is_known():
    assert "" == describe_requests(())
