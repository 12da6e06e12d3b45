"""Works in one account, the same for every command that writes.

Enter, settle open intents, read, judge, guard, write, read back (design.md#apply-journal-store). A command says only
what it wants of the account; stop, lock, releases, failure budget, journal and progress are minded here.
"""

from rollout.workflows.account_run.account_command import AccountCommand, AccountWork, Wanted
from rollout.workflows.account_run.account_results import AccountResult, RunResult
from rollout.workflows.account_run.account_runner import AccountRunner

__all__ = ["AccountCommand", "AccountResult", "AccountRunner", "AccountWork", "RunResult", "Wanted"]
