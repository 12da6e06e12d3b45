"""The policies that bind one user, each parsed once; what was not read counts as unknown and not as nothing."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from rollout.domain.people.observations import Observed
from rollout.domain.people.users import NamedPolicy, User
from rollout.domain.verdicts.rights import Library, rights_of, short
from tests.builders import a_user, an_observed
from tests.domain.judging import EVERYTHING, a_document, a_group, a_level, a_managed, allow, inline

READ, WRITE = a_managed("Read", allow("s3:Get*")), a_managed("Write", allow("s3:Put*"))


def names(user: User, observed: Observed, without: tuple[str, ...] = ()) -> list[str]:
    return [
        document.name
        for document in rights_of(user, observed.facts, observed.scps, Library(), without).identity
    ]


def test_inline_attached_and_group_policies_are_all_gathered():
    user = a_user(inline=(inline("A", allow("a:B")),), attached=(READ.arn,), groups=("Staff",))
    staff = a_group("Staff", WRITE.arn, inline=[inline("A", allow("a:C"))])
    expected = ["inline policy A", READ.arn, "inline policy A of group Staff", WRITE.arn]
    assert expected == names(user, an_observed(user, groups=(staff,), policies=(READ, WRITE)))


def test_a_policy_that_comes_twice_counts_once():
    user = a_user(attached=(READ.arn,), groups=("Staff",))
    assert [READ.arn] == names(
        user, an_observed(user, groups=(a_group("Staff", READ.arn),), policies=(READ,))
    )


def test_without_leaves_policies_away_wherever_they_hang_and_whole_groups():
    user = a_user(attached=(READ.arn,), groups=("Staff", "OurNames"))
    groups = (
        a_group("Staff", READ.arn, WRITE.arn),
        a_group("OurNames", WRITE.arn, inline=[inline("A", allow("*"))]),
    )
    observed = an_observed(user, groups=groups, policies=(READ, WRITE))
    assert [WRITE.arn] == names(user, observed, (READ.arn, "OurNames"))


@pytest.mark.parametrize(
    "user",
    [
        a_user(attached=(READ.arn,)),
        a_user(groups=("Staff",)),
        a_user(boundary=READ.arn),
        a_user(inline=(NamedPolicy("A", "{"),)),
    ],
    ids=["policy", "group", "boundary", "text"],
)
def test_what_was_not_read_has_a_problem(user: User):
    rights = rights_of(user, an_observed(user).facts, (), Library())
    found = [*rights.identity, rights.boundary] if rights.boundary else list(rights.identity)
    assert [True] == [document.problem is not None for document in found]


def test_scps_keep_their_levels_and_unread_ones_stay_unread():
    user = a_user()
    seen = an_observed(user)
    levels = (a_level(), a_level(allow("s3:*"), name="S3"))
    rights = rights_of(user, seen.facts, levels, Library())
    assert rights.scps is not None
    assert [["SCP FullAWSAccess"], ["SCP FullAWSAccess", "SCP S3"]] == [
        [one.name for one in level] for level in rights.scps
    ]
    assert None is rights_of(user, seen.facts, None, Library()).scps


def test_a_document_is_parsed_once_for_all_who_have_it():
    library = Library()
    first = library.parse(a_document(allow("s3:*")), "P")
    assert first is library.parse(a_document(allow("s3:*")), "P")
    assert first is not library.parse(a_document(allow("s3:*")), "Q")
    assert first is not library.parse(a_document(allow("s3:Get*")), "P")
    assert 3 == library.distinct


def test_the_same_object_under_two_names_keeps_both():
    library, document = Library(), a_document(allow("s3:*"))
    assert ["P", "Q", "P", "Q"] == [library.parse(document, name).name for name in ("P", "Q", "P", "Q")]
    assert 2 == library.distinct


def test_a_document_of_any_mapping_is_read():
    assert None is Library().parse(MappingProxyType(EVERYTHING), "P").problem


def test_a_document_that_is_something_else_is_a_problem():
    assert Library().parse(["x"], "P").problem


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("arn:aws:iam::012345678901:policy/team/Mfa", "Mfa"),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "ReadOnlyAccess"),
        ("inline policy A/B of group C", "inline policy A/B of group C"),
        ("SCP Guard", "SCP Guard"),
    ],
)
def test_a_policy_s_own_name(name: str, said: str):
    assert said == short(name)


def test_documents_of_many_accounts_are_not_all_kept():
    library = Library()
    for number in range(10_000):
        library.parse(a_document(allow(f"s3:Get{number}")), "P")

    assert library.distinct < 5_000
