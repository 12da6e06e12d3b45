"""`rollout notices`: lists who was told what and when, and previews messages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.options import Accounts, Config, Json, Ous, PlanArgument, Profile, Users
from rollout.cli.startup import Doubts, load_plan, read_settings, selection
from rollout.cli.terminal.console import (
    echo,
    echo_lines,
    next_step,
    out,
    print_json,
    print_json_list,
    print_long_table,
)
from rollout.counted import number_are, number_of
from rollout.domain.progress.messages import Delivery

if TYPE_CHECKING:
    from rollout.domain.progress.messages import Notice
    from rollout.settings import Settings
    from rollout.workflows.notices import Messages


def notices(
    plan: PlanArgument = None,
    preview: Annotated[
        str | None,
        typer.Option(
            "--preview",
            metavar="ARN",
            help="Print the message that this user of the plan would get; sends nothing.",
            show_default=False,
        ),
    ] = None,
    unreached: Annotated[
        Path | None,
        typer.Option(
            "--unreached",
            metavar="FILE",
            help="Write the users of the plan without a known address into a CSV file, to fill in for notify.find.",
            show_default=False,
        ),
    ] = None,
    account: Accounts = None,
    ou: Ous = None,
    user: Users = None,
    config: Config = None,
    profile: Profile = None,
    json: Json = False,
) -> None:
    """List the notices and reminders sent, their delivery, and whether they still count. Reads only the store.

    Example: [bold]rollout notices[/], and [bold]rollout notices --preview arn:aws:iam::111122223333:user/alice[/]
    """
    from rollout.wiring import Files, offline_now, write_unreached
    from rollout.workflows.apply.planned_notices import NoticeRules
    from rollout.workflows.notices import Messages, who_was_told
    from rollout.workflows.notices import preview as previewed
    from rollout.workflows.notices import unreached as unreached_users

    settings = read_settings(config)
    doubts = Doubts()
    files = Files(settings, profile, tell=doubts, endpoint_ok=endpoint_ok())
    stored = load_plan(files, plan)
    journal, organization_id = files.journal("notices"), stored.header.organization_id
    rules = NoticeRules(settings.domain_notified(), settings.domain_schedule())
    now = offline_now()
    if unreached is not None:
        number = write_unreached(unreached, unreached_users(stored.accounts()))
        out.print(
            f"Wrote {unreached}: {number} users. Fill in their addresses, and name the file in notify.find."
        )
    elif preview is not None:
        progress = journal.progress(organization_id)
        _print_message(previewed(stored, progress, rules, now, preview), settings, json=json)
    else:
        # The progress of a large organization is let go of before the messages are read.
        receivers = who_was_told(stored, journal.progress(organization_id), rules, now)
        _print(Messages(journal.sent(), receivers, selection(account, ou, user)), json=json)
    doubts.leave()


def _print_message(notice: Notice, settings: Settings, *, json: bool) -> None:
    from rollout.wiring import message_of

    letter, sender = message_of(notice, settings), settings.notify.sender
    if json:
        print_json(
            {
                "from": sender,
                "to": notice.address,
                "subject": letter.subject,
                "body": letter.text,
                "html": letter.html,
            }
        )
        return
    for line in (f"From: {sender}", f"To: {notice.address}", f"Subject: {letter.subject}", ""):
        echo(line)
    echo_lines(letter.text)


def _print(messages: Messages, *, json: bool) -> None:
    if json:
        print_json_list(one.as_dict() for one in messages)
        return
    if not messages:
        out.print("No notices have been sent yet.")
        next_step("notify the first wave: rollout apply --stage notify")
        return
    rows = (
        (
            f"{one.at:%Y-%m-%d %H:%M} UTC",
            one.kind,
            one.user_arn,
            one.address,
            f"{one.wave}, {one.impact}",
            f"{one.due:%Y-%m-%d %H:%M} UTC",
            one.delivery,
            ": ".join(text for text in (one.state, one.why) if text),
        )
        for one in messages
    )
    columns = ("at", "", "user", "address", "wave, impact", "due", "delivery", "worth now")
    print_long_table(columns, rows)
    counts = messages.deliveries()
    told, queued = counts[Delivery.DELIVERED], counts[Delivery.QUEUED]
    out.print()
    out.print(f"{number_of(told, 'user was', 'users were')} told; {number_are(queued)} queued.")
    next_step("see what each wave waits for: rollout status")
