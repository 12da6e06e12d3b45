"""Account contexts for tests of what is written: as read, and with places for users as a judgement would give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from rollout.domain.actions.account_context import AccountContext, account_context
from rollout.domain.people.observations import AccountFacts, Observed
from rollout.domain.people.users import User
from rollout.domain.policy.attachment import Attachment
from rollout.domain.progress.projection import Progress
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import DecisionRules
from rollout.domain.verdicts.verdict import Kind, Verdict
from tests.builders import ACCOUNT, NOW, a_user, account_facts, an_account
from tests.domain.judging import ENROLMENT_GROUP, OURS_ARN, made_by_us, the_rules

TAGS = {"rollout:tool": "rollout"}


def context_of(
    facts: AccountFacts,
    progress: Progress | None = None,
    rules: DecisionRules | None = None,
    tags: Mapping[str, str] | None = None,
) -> AccountContext:
    """The context of the first account."""
    observed = Observed(an_account(ACCOUNT), "role", facts)
    known = progress or Progress()
    releases = tuple(known.releases.records)
    return account_context(observed, rules or the_rules(), Library(), known, releases, NOW, tags or {})


def a_context(
    *users: User,
    ours: Iterable[str] = ("ForceMFA", ENROLMENT_GROUP),
    attached: Iterable[str] = (),
    **facts: Any,
) -> AccountContext:
    """An account with these users; `ours` are known to the journal, `attached` names carry our policy themselves."""
    names = set(attached)
    people = [replace(user, attached=(OURS_ARN,)) if user.name in names else user for user in users]
    others = (a_user(name, attached=(OURS_ARN,)) for name in sorted(names - {user.name for user in users}))
    there = account_facts(*people, *others, **facts)
    return context_of(there, Progress(made={ACCOUNT: made_by_us(there, ours)}), tags=TAGS)


def with_places(
    context: AccountContext, users: Iterable[User], attachment: Attachment = Attachment.GROUP
) -> AccountContext:
    """Let these users be judged fit for the policy, by this way."""
    verdicts = {user.id: (user, Verdict(Kind.ENFORCE, (), attachment=attachment)) for user in users}
    return replace(context, _verdicts={**context._verdicts, **verdicts})
