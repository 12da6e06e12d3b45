"""Composes a notice: each of a person's users with its time, and for each only the steps that fit it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rollout.domain.progress.messages import Line, Notice
from rollout.domain.verdicts.verdict import EnrolmentWay, Impact, KeyOutlook
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

    The others have items: `steps` sentences to number, a `list` sentences without an order, a `command` lines to copy.
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
    if notice.enforced:
        return words.say("subject_enforced")
    said = words.say(part, count=count, moment=first)
    return words.say("subject_reminder", subject=said) if notice.reminder else said


def blocks(notice: Notice, words: Words, head: Letterhead) -> Iterator[Block]:
    """Yield the pieces of a message, in order."""
    return _Digest(notice, words, head).blocks()


def in_order(lines: Sequence[Line]) -> list[Line]:
    """Sort the users of a person as the message has them: by time, account and name."""
    return sorted(lines, key=lambda line: (line.due, line.user.account_id, line.user.name))


def goes_on_with_keys(line: Line) -> bool:
    """Tell whether the user has access keys, and a device that gives the codes they need, or may register one."""
    now = line.situation
    if line.impact is Impact.NONE or not now.active_keys:
        return False
    return bool(now.serials) or EnrolmentWay.APP in now.ways


@dataclass(frozen=True, slots=True)
class _Digest:
    """One message: what is said once, and the part of each user."""

    notice: Notice
    words: Words
    head: Letterhead

    def blocks(self) -> Iterator[Block]:
        notice, lines = self.notice, in_order(self.notice.lines)
        yield self._paragraph("hello")
        if notice.reminder:
            yield self._paragraph("reminder")
        if notice.enforced:
            yield self._paragraph("enforced", sender=self.head.sender)
        opening = "opening_one" if len(lines) == 1 else "opening_many"
        company = self.head.company or self.words.say("company")
        yield self._paragraph(opening, company=company, address=notice.address, count=len(lines))
        yield self._paragraph("what_is_mfa")
        if self.head.ticket:
            yield self._paragraph("reason", ticket=self.head.ticket)
        for line in lines:
            yield from _UserPart(line, notice, self.words, self.head.sender).blocks()
        yield from self._keys(list(filter(goes_on_with_keys, lines)))
        yield from self._other_users()
        if any(line.impact is not Impact.NONE for line in lines):
            ask = self.head.ask or self.words.say("ask_by_mail", sender=self.head.sender)
            yield self._heading("exemption")
            yield self._paragraph("ask_exemption", ask=ask)
        yield from self._genuine()

    def _keys(self, lines: Sequence[Line]) -> Iterator[Block]:
        """Say once how access keys are used with MFA, with the commands of each user that has some."""
        if not lines:
            return
        yield self._heading("keys")
        if any(line.impact is not Impact.CLI for line in lines):
            yield self._paragraph("keys_after_enrolment")
        of_each: tuple[tuple[str, Callable[[Line], tuple[str, ...]]], ...] = (
            ("keys_by_mfa_login", commands.mfa_login),
            ("keys_by_session", commands.session),
            ("keys_by_role", commands.role_profile),
        )
        for part, written in of_each:
            yield self._paragraph(part)
            for line in lines:
                yield Block("command", items=written(line))
        yield self._paragraph("keys_by_vault")
        yield Block("command", items=(commands.AWS_VAULT,))
        yield self._paragraph("presigned")
        if not all(line.situation.machine for line in lines):
            yield self._paragraph("unattended", sender=self.head.sender)

    def _other_users(self) -> Iterator[Block]:
        if self.notice.others:
            yield self._heading("others")
            yield self._paragraph("others_intro")
            parts = (_UserPart(line, self.notice, self.words) for line in in_order(self.notice.others))
            yield Block("list", items=tuple(part.in_short() for part in parts))

    def _genuine(self) -> Iterator[Block]:
        head = self.head
        yield self._heading("genuine")
        yield self._paragraph("genuine_sender", sender=head.sender)
        if head.ticket:
            yield self._paragraph("genuine_ticket", ticket=head.ticket)
        if head.intranet:
            yield self._paragraph("genuine_intranet", intranet=head.intranet)
        yield self._paragraph("genuine_no_secrets")

    def _heading(self, part: str) -> Block:
        return Block("heading", self.words.say(part))

    def _paragraph(self, part: str, **values: object) -> Block:
        return Block("paragraph", self.words.say(part, **values))


@dataclass(frozen=True, slots=True)
class _UserPart:
    """What a notice says about one user."""

    line: Line
    notice: Notice
    words: Words
    sender: str = ""

    def blocks(self) -> Iterator[Block]:
        line, now = self.line, self.line.situation
        yield Block("user", self._say("user", account=line.account_name))
        yield self._paragraph("from", moment=self._moment, meaning=self._meaning)
        if now.password_expires is not None:
            moment = self.words.moment(now.password_expires, self.notice.zone)
            yield self._paragraph("password_expires", moment=moment)
        if now.keys:
            yield self._paragraph("keys_seen")
            yield Block("list", items=tuple(map(self._key, now.keys)))
        yield Block("subheading", self._say("todo"))
        yield from self._steps()

    def in_short(self) -> str:
        """Say in one sentence what changes, and from when."""
        return self._say("other", account=self.line.account_name, moment=self._moment, meaning=self._meaning)

    @property
    def _moment(self) -> str:
        return self.words.moment(self.line.due, self.notice.zone)

    @property
    def _meaning(self) -> str:
        impact, now = self.line.impact, self.line.situation
        if impact in (Impact.CLI, Impact.ENROL) and now.without_mfa and not (now.console or now.active_keys):
            return self._say("meaning_credentials", credentials=self._credentials)
        if impact is Impact.CLI and not now.active_keys and now.without_mfa:
            return self._say("meaning_credentials_console", credentials=self._credentials)
        if impact is Impact.CLI and not now.console:
            return self._say("meaning_cli_no_console")
        return self._say(f"meaning_{impact.replace('-', '_')}")

    @property
    def _credentials(self) -> str:
        certificate = self.words.say("certificate")
        named = commands.CREDENTIALS | {commands.CERTIFICATE: certificate}
        return ", ".join(named.get(one, one) for one in self.line.situation.without_mfa)

    def _key(self, key: KeyOutlook) -> str:
        """Say what was seen of one access key."""
        name, place = key.label.removeprefix("key "), key.service
        if key.service and key.region:
            place = self._say("service_in_region", service=key.service, region=key.region)
        part = "key_not_used" if key.last_used is None else "key_used_for" if place else "key_used"
        used = self.words.on_day(key.last_used.astimezone(self.notice.zone)) if key.last_used else ""
        said = [self._say(part, key=name, day=used, place=place)]
        if key.agents and key.addresses:
            agents, addresses = ", ".join(key.agents), ", ".join(key.addresses)
            said.append(self._say("key_called", agents=agents, addresses=addresses))
        if key.denied and key.last_denied:
            names, more = ", ".join(key.denied), key.operations - len(key.denied)
            operations = self._say("and_more", names=names, count=more) if more > 0 else names
            said.append(
                self._say("key_denied", operations=operations, day=self.words.on_day(key.last_denied))
            )
        return " ".join(said)

    def _steps(self) -> Iterator[Block]:
        line, now = self.line, self.line.situation
        if line.impact is Impact.NONE:
            yield self._paragraph("nothing")
            return
        if now.machine:
            yield from self._machine()
        if now.sms_only:
            yield self._paragraph("sms")
        if line.impact is Impact.ENROL:
            yield from self._enrol()
        elif line.impact is Impact.PASSKEY_ONLY and EnrolmentWay.APP in now.ways:
            yield self._paragraph("add_app")
            yield self._on_console("assign_app", "scan")
        if now.active_keys:
            yield from self._without_keys()
        if now.without_mfa:
            yield self._paragraph("without_mfa", credentials=self._credentials)
            if commands.GIT & {*now.without_mfa}:
                yield self._paragraph("git")

    def _machine(self) -> Iterator[Block]:
        yield self._paragraph("machine")
        where = ("machine_on_aws", "machine_in_pipeline", "machine_elsewhere")
        yield Block("list", items=tuple(map(self._say, where)))
        yield self._paragraph("machine_then")
        if self.line.situation.console or self.line.situation.active_keys:
            yield self._paragraph("machine_person")

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
        return Block("steps", items=(sign_in, *map(self._say, steps)))

    def _without_keys(self) -> Iterator[Block]:
        """Say what there is instead of access keys: for some the only way, for others one more."""
        login = self.line.situation.aws_login
        if not goes_on_with_keys(self.line):
            yield self._paragraph("keys_end_with_passkey")
            yield self._paragraph("login" if login else "ask_about_keys")
        elif login:
            yield self._paragraph("login_too")
        if login:
            yield Block("command", items=(commands.AWS_LOGIN,))

    def _paragraph(self, part: str, **values: object) -> Block:
        return Block("paragraph", self._say(part, **values))

    def _say(self, part: str, **values: object) -> str:
        user = self.line.user
        known = {"user": user.name, "account_id": user.account_id, "sender": self.sender}
        device = {"device": commands.device_name(self.line)}
        return self.words.say(part, **(known | device | values))
