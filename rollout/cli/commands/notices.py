"""`rollout notices`: lists who was told what and when, and previews messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.endpoint_option import endpoint_ok
from rollout.cli.options import Accounts, Config, Json, Ous, PlanArgument, Profile, Users, Yes
from rollout.cli.startup import Doubts, load_plan, read_settings, selection
from rollout.cli.terminal.console import (
    echo,
    echo_lines,
    err,
    next_step,
    out,
    print_json,
    print_json_list,
    print_long_table,
)
from rollout.counted import number_are, number_of
from rollout.domain.progress.messages import Delivery, NoticeWorth
from rollout.errors import ChannelUnusable, WrongUsage

if TYPE_CHECKING:
    from rollout.domain.progress.messages import Notice
    from rollout.settings import Settings
    from rollout.wiring import Live
    from rollout.workflows.notices import Messages


def notices(
    plan: PlanArgument = None,
    preview: Annotated[
        str | None,
        typer.Option(
            "--preview",
            metavar="ARN",
            help="Print the message that this user of the plan would get, and write it into previews/; sends nothing.",
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
    test: Annotated[
        str | None,
        typer.Option(
            "--test",
            metavar="ADDRESS",
            help="Send such a message to yourself, by the channel of rollout.yaml; nothing is recorded.",
            show_default=False,
        ),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="List only messages of this delivery (refused, bounced, …) or worth (void, counts, …).",
            show_default=False,
        ),
    ] = None,
    fetch: Annotated[
        bool,
        typer.Option("--fetch", help="Record what the channel says by now: the queue in notify.ses_events."),
    ] = False,
    import_from: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="FILE",
            help="Record what an export of the channel says: events of SES, or CSV (docs/channels.md).",
            show_default=False,
        ),
    ] = None,
    digest: Annotated[
        bool,
        typer.Option(
            "--digest",
            help="Tell the teams of notify.teams, and managers, where their users stand; by mail with names, in chats"
            " without.",
        ),
    ] = False,
    account: Accounts = None,
    ou: Ous = None,
    user: Users = None,
    config: Config = None,
    profile: Profile = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """List the notices and reminders sent, their delivery, and whether they still count. Reads only the store.

    Example: [bold]rollout notices[/], and [bold]rollout notices --preview arn:aws:iam::111122223333:user/alice[/]
    """
    from rollout.cli.commands.telling.team_messages import tell_teams
    from rollout.domain.status.user_status import Statuses
    from rollout.wiring import Files, Live, offline_now, write_unreached
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
    elif test is not None:
        progress = journal.progress(organization_id)
        notice = previewed(stored, progress, rules, now, preview)
        _send_test(replace(notice, address=test), Live(settings, profile, endpoint_ok=endpoint_ok()))
    elif digest:
        statuses = Statuses(stored.header, journal.progress(organization_id), rules.notified, now)
        live = Live(settings, profile, tell=doubts, endpoint_ok=endpoint_ok())
        tell_teams(live, stored, statuses, now, yes=yes)
    elif fetch or import_from is not None:
        live = Live(settings, profile, tell=doubts, endpoint_ok=endpoint_ok())
        _record_deliveries(live, organization_id, import_from)
    elif preview is not None:
        progress = journal.progress(organization_id)
        _print_message(previewed(stored, progress, rules, now, preview), settings, now, json=json)
    else:
        # The progress of a large organization is let go of before the messages are read.
        receivers = who_was_told(stored, journal.progress(organization_id), rules, now)
        _print(
            Messages(journal.sent(organization_id), receivers, selection(account, ou, user)),
            _known(state),
            json=json,
        )
    doubts.leave()


def _known(state: str | None) -> str | None:
    choices = dict.fromkeys((*map(str, Delivery), *map(str, NoticeWorth)))
    if state is not None and state not in choices:
        raise WrongUsage(f'no message is "{state}"', cure=f"use one of {', '.join(choices)}")
    return state


def _send_test(notice: Notice, live: Live) -> None:
    """Send a message that has an id of its own each time. Raises ChannelUnusable."""
    notifier = live.notifier()
    try:
        notifier.open()
        sent_at = live.clock.now()
        receipt = notifier.send(replace(notice, id=f"test-{sent_at:%Y%m%dT%H%M%S%f}"))
    finally:
        notifier.close()
    if receipt.delivery.failed:
        raise ChannelUnusable(f"the message to {notice.address} was refused: {receipt.detail}")
    out.print(
        f"Handed to {live.settings.notify.channel} for {notice.address}: {receipt.delivery}, {receipt.message_id}"
    )


def _record_deliveries(live: Live, organization_id: str, file: Path | None) -> None:
    """Record what the channel says by now, and say what is new."""
    deliveries = live.record_deliveries(organization_id, file)
    if deliveries is None:
        raise WrongUsage(
            "no queue tells how messages fared", cure="set notify.ses_events, or use --import FILE"
        )
    news = ", ".join(f"{count} {state}" for state, count in sorted(deliveries.counts.items()))
    out.print(f"New: {news or 'nothing'}.")
    if deliveries.unknown:
        err.print(
            f"{number_of(deliveries.unknown, 'report is', 'reports are')} about messages that this store does not know."
        )
    if any(state.failed for state in deliveries.counts):
        next_step(
            "tell these users again: correct their addresses, rollout plan, then rollout apply --stage notify"
        )


def _print_message(notice: Notice, settings: Settings, now: datetime, *, json: bool) -> None:
    from rollout.wiring import message_of, write_preview

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
    mail, page = write_preview(notice, settings, now)
    err.print(f"Also written: {mail} and {page}")


def _print(messages: Messages, state: str | None, *, json: bool) -> None:
    wanted = (one for one in messages if state is None or state in (one.delivery, one.state))
    if json:
        print_json_list(one.as_dict() for one in wanted)
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
        for one in wanted
    )
    columns = ("at", "", "user", "address", "wave, impact", "due", "delivery", "worth now")
    print_long_table(columns, rows)
    counts = messages.deliveries()
    told = counts[Delivery.DELIVERED]
    rest = [f"{number_are(counts[one])} {one}" for one in Delivery if one is Delivery.QUEUED or counts[one]]
    rest = [text for text in rest if not text.endswith(str(Delivery.DELIVERED))]
    out.print()
    out.print(f"{number_of(told, 'user was', 'users were')} told; {', '.join(rest)}.")
    next_step("see what each wave waits for: rollout status")
