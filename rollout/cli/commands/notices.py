"""`rollout notices`: lists who was told what and when, and previews messages."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.options import Accounts, Config, Json, Ous, PlanArgument, Profile, Users
from rollout.cli.startup import Doubts, load_plan, read_settings, selection
from rollout.cli.terminal.console import echo, echo_lines, out, print_json, table

if TYPE_CHECKING:
    from rollout.domain.progress.messages import Notice
    from rollout.settings import Settings
    from rollout.workflows.notices import Said


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
    from rollout.domain.progress.history import replay_all
    from rollout.wiring import Files, offline_now
    from rollout.workflows.notices import NoticeRules, who_was_told
    from rollout.workflows.notices import preview as previewed

    settings = read_settings(config)
    doubts = Doubts()
    files = Files(settings, profile, tell=doubts)
    stored = load_plan(files, plan)
    history = replay_all(files.journal("notices").records(), stored.header.organization_id)
    rules = NoticeRules(settings.domain_notified(), settings.gates.soak)
    now = offline_now()
    if preview is not None:
        _print_message(previewed(stored, history, rules, now, preview), settings, json=json)
    else:
        _print(who_was_told(stored, history, rules, now, selection(account, ou, user)), json=json)
    doubts.leave()


def _print_message(notice: Notice, settings: Settings, *, json: bool) -> None:
    from rollout.wiring import message_of

    subject, body = message_of(notice, settings)
    if json:
        print_json({"from": settings.notify.sender, "to": notice.address, "subject": subject, "body": body})
        return
    for line in (f"From: {settings.notify.sender}", f"To: {notice.address}", f"Subject: {subject}", ""):
        echo(line)
    echo_lines(body)


def _print(messages: list[Said], *, json: bool) -> None:
    if json:
        print_json([one.as_dict() for one in messages])
        return
    if not messages:
        out.print("No notices have been sent yet.")
        return
    rows = [
        (
            f"{one.at:%Y-%m-%d %H:%M} UTC",
            one.kind,
            one.user_arn,
            one.address,
            f"{one.wave}, {one.impact}",
            one.due,
            one.delivery,
            ": ".join(text for text in (one.state, one.why) if text),
        )
        for one in messages
    ]
    columns = ("at", "", "user", "address", "wave, impact", "due", "delivery", "worth now")
    out.print(table("", columns, rows))
    latest = {one.user_arn: one.delivery for one in messages if one.kind == "notice"}
    counts = Counter(latest.values())
    out.print()
    out.print(f"{counts['delivered']} users were told; the notices of {counts['queued']} are queued.")
