"""Composes a notice: each of a person's users with its time, and for each only the steps that fit it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo

from rollout.domain.progress.messages import Line, Notice
from rollout.domain.verdicts.verdict import EnrolmentWay, Impact
from rollout.notify import commands
from rollout.notify.words import Words


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What all notices of an organization say about their origin (`notify` in rollout.yaml); empty where not set.

    `company` requires MFA, `ticket` records the decision, `intranet` announces it too, and `ask` says how to ask for an
    exemption.
    """

    sender: str
    company: str = ""
    ticket: str = ""
    intranet: str = ""
    ask: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a message, for the layouts: a `heading`, `user`, `subheading` or `paragraph` has a text.

    `steps` and a `command` have items: sentences to number, and lines to copy.
    """

    kind: str
    text: str = ""
    items: tuple[str, ...] = ()


def subject(notice: Notice, words: Words) -> str:
    """Return the subject line, with the time of the first change; it contains no text from outside."""
    act = [line.due for line in notice.lines if line.impact is not Impact.NONE]
    count = len(notice.lines)
    part = f"subject_{'' if act else 'nothing_'}{'one' if count == 1 else 'many'}"
    first = words.moment(min(act), notice.zone, "moment_in_subject") if act else ""
    said = words.say(part, count=count, moment=first)
    return words.say("subject_reminder", subject=said) if notice.reminder else said


def blocks(notice: Notice, words: Words, head: Letterhead) -> Iterator[Block]:
    """Yield the pieces of a message, in order."""
    lines = sorted(notice.lines, key=lambda line: (line.due, line.user.account_id, line.user.name))

    def paragraph(part: str, **values: object) -> Block:
        return Block("paragraph", words.say(part, **values))

    yield paragraph("hello")
    if notice.reminder:
        yield paragraph("reminder")
    opening = "opening_one" if len(lines) == 1 else "opening_many"
    company = head.company or words.say("company")
    yield paragraph(opening, company=company, address=notice.address, count=len(lines))
    yield paragraph("what_is_mfa")
    if head.ticket:
        yield paragraph("reason", ticket=head.ticket)
    for line in lines:
        yield from _UserPart(line, words, head.sender, notice.zone).blocks()
    if any(line.impact is not Impact.NONE for line in lines):
        ask = head.ask or words.say("ask_by_mail", sender=head.sender)
        yield Block("heading", words.say("exemption"))
        yield paragraph("ask_exemption", ask=ask)
    yield Block("heading", words.say("genuine"))
    yield paragraph("genuine_sender", sender=head.sender)
    if head.ticket:
        yield paragraph("genuine_ticket", ticket=head.ticket)
    if head.intranet:
        yield paragraph("genuine_intranet", intranet=head.intranet)
    yield paragraph("genuine_no_secrets")


@dataclass(frozen=True, slots=True)
class _UserPart:
    """What a notice says about one user."""

    line: Line
    words: Words
    sender: str
    zone: tzinfo

    def blocks(self) -> Iterator[Block]:
        line, now = self.line, self.line.situation
        yield Block("user", self._say("user", account=line.account_name, account_id=line.user.account_id))
        meaning = self._say(self._meaning())
        yield self._paragraph("from", moment=self.words.moment(line.due, self.zone), meaning=meaning)
        if now.password_expires is not None:
            moment = self.words.moment(now.password_expires, self.zone)
            yield self._paragraph("password_expires", moment=moment)
        if line.forecast:
            yield self._paragraph("forecast", forecast=line.forecast)
        yield Block("subheading", self._say("todo"))
        yield from self._steps()

    def _meaning(self) -> str:
        if self.line.impact is Impact.CLI and not self.line.situation.console:
            return "meaning_cli_no_console"
        return f"meaning_{self.line.impact.replace('-', '_')}"

    def _steps(self) -> Iterator[Block]:
        line, now = self.line, self.line.situation
        if line.impact is Impact.NONE:
            yield self._paragraph("nothing")
            return
        if now.sms_only:
            yield self._paragraph("sms")
        if line.impact is Impact.ENROL:
            yield from self._enrol()
        elif line.impact is Impact.PASSKEY_ONLY and EnrolmentWay.APP in now.ways:
            yield self._paragraph("add_app")
            yield self._on_console("assign_app", "scan")
        if now.active_keys:
            yield from self._keys()
        if now.without_mfa:
            yield self._paragraph("without_mfa", credentials=", ".join(now.without_mfa))
        if now.machine:
            yield self._paragraph("machine")
        elif now.active_keys or now.without_mfa:
            yield self._paragraph("unattended")

    def _enrol(self) -> Iterator[Block]:
        line, now = self.line, self.line.situation
        app, passkey = (way in now.ways for way in EnrolmentWay)
        if now.console:
            yield self._paragraph("enrol_on_console")
            if not app:
                yield self._on_console("assign_passkey", "follow_browser", "sign_in_again")
            elif now.active_keys:
                yield self._on_console("assign_app", "scan", "sign_in_again")
            else:
                assign = "assign_any" if passkey else "assign_app_only"
                yield self._on_console(assign, "scan", "sign_in_again")
            yield self._paragraph("harmless")
        if now.enrols_by_keys:
            yield self._paragraph("enrol_by_cli_too" if now.console else "enrol_by_cli")
            yield Block("command", items=commands.enrol(line))
            yield self._paragraph("enrol_by_cli_notes")

    def _on_console(self, *steps: str) -> Block:
        address = commands.console_of(self.line)
        sign_in = self._say("sign_in_at" if address else "sign_in", address=address)
        return Block("steps", items=(sign_in, *(self._say(step) for step in steps)))

    def _keys(self) -> Iterator[Block]:
        line, now = self.line, self.line.situation
        if not now.serials and EnrolmentWay.APP not in now.ways:
            yield self._paragraph("keys_end_with_passkey")
            yield self._paragraph("login" if now.aws_login else "ask_about_keys")
            if now.aws_login:
                yield Block("command", items=(commands.AWS_LOGIN,))
            return
        if line.impact is not Impact.CLI:
            yield self._paragraph("after_that")
        for part, lines in (
            ("keys_by_mfa_login", commands.mfa_login(line)),
            ("keys_by_session", commands.session(line)),
            ("keys_by_role", commands.role_profile(line)),
            ("keys_by_vault", (commands.AWS_VAULT,)),
        ):
            yield self._paragraph(part)
            yield Block("command", items=lines)
        if now.aws_login:
            yield self._paragraph("login_too")
            yield Block("command", items=(commands.AWS_LOGIN,))
        yield self._paragraph("presigned")

    def _paragraph(self, part: str, **values: object) -> Block:
        return Block("paragraph", self._say(part, **values))

    def _say(self, part: str, **values: object) -> str:
        user = self.line.user
        known = {"user": user.name, "account_id": user.account_id, "sender": self.sender}
        device = {"device": commands.device_name(self.line), "profile": commands.profile(self.line)}
        return self.words.say(part, **(known | device | values))
