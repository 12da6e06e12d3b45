"""`--account`, `--ou` and `--user`: every glob has to match something, or the command says which did not."""

import pytest

from rollout.domain.people.scope import Selection, Unmatched
from rollout.errors import EmptySelection
from rollout.workflows.selecting import check_accounts
from tests.builders import an_account


def unmatched(selection: Selection) -> str:
    left = Unmatched(selection)
    left.see_account("111122223333", "payments-prod", "Workloads/Prod")
    left.see_user("arn:aws:iam::111122223333:user/alice", "alice", "AIDAALICE")
    return left.words


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(accounts=("1111*", "payments-*")),
        Selection(ous=("Workloads", "Workloads/Prod")),
        Selection(users=("ali*", "*/alice", "AIDAALICE")),
    ],
)
def test_globs_that_match_leave_nothing(selection: Selection):
    assert not unmatched(selection)


def test_each_glob_in_vain_is_named_as_it_was_typed():
    selection = Selection(("payments-*", "paymints-*"), ("Worklods",), ("bob", "alice"))
    assert '--account "paymints-*", --ou "Worklods", --user "bob"' == unmatched(selection)


def test_one_glob_in_vain_among_others_is_refused():
    """Two accounts asked for and one of them misspelled: doing the other alone would go unnoticed."""
    accounts = [an_account(name="payments-prod")]
    with pytest.raises(EmptySelection, match='o-1 matches --account "paymints"') as refusal:
        check_accounts(Selection(accounts=("payments-prod", "paymints")), accounts, "o-1")
    assert 2 == refusal.value.exit_code
