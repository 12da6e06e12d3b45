"""A large plan is written and read in seconds, one account at a time."""

import time
import tracemalloc
from collections.abc import Iterator

from rollout.domain.plan.entries import AccountPlan
from rollout.domain.verdicts.verdict import Impact, Kind
from rollout.files.private_files import FolderStore
from rollout.store.plan_files import FolderPlans
from tests.builders import a_header, an_account_plan, an_entry
from tests.store.memory import parted

ACCOUNTS, USERS = 100, 200


def an_account(number: int, users: int) -> AccountPlan:
    account_id = f"{number:012}"
    entries = []
    for user in range(users):
        name = f"user.{user:05}"
        if user % 4 == 3:
            entries.append(an_entry(name, Kind.HOLD, account_id=account_id))
        else:
            impact, wave = [(Impact.ENROL, "canary"), (Impact.CLI, "rest"), (Impact.NONE, "rest")][user % 4]
            entries.append(an_entry(name, impact=impact, wave=wave, account_id=account_id))
    return an_account_plan(*entries, account_id=account_id, name=f"account {number}")


def test_twenty_thousand_users_take_a_second(tmp_path):
    accounts = [an_account(number, USERS) for number in range(ACCOUNTS)]
    plans = FolderPlans(tmp_path)
    begun = time.process_time()
    plans.save(*parted(a_header(*accounts), accounts))
    saved = time.process_time()
    count = sum(len(account.entries) for account in plans.load(None).accounts())
    read = time.process_time()

    assert count == ACCOUNTS * USERS
    # Seconds of this process's own work, so that a busy machine is no failure; it takes about half of one each.
    assert saved - begun < 5
    assert read - saved < 5


def test_memory_does_not_grow_with_the_number_of_accounts(tmp_path):
    def peak(number: int, where: str) -> int:
        def accounts() -> Iterator[AccountPlan]:
            return (an_account(place, 50) for place in range(number))

        plans = FolderPlans(tmp_path / where)
        tracemalloc.start()
        files = FolderStore(tmp_path / where, lasting=False)
        plans.save(*parted(a_header(), accounts(), files))
        for _ in plans.load(None).accounts():
            pass
        _, found = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return found

    # Twice: threads that other tests have left behind may allocate something meanwhile, too.
    small, large = peak(10, "10"), min(peak(60, "60"), peak(60, "60 again"))

    # What the index says of each account waits in memory for the header: less than its document.
    documents = (tmp_path / "60" / "plans" / "2026-11-24-k3f9.yaml").stat().st_size
    assert large < small + 3 * documents
