"""Writes the text of a notice for people who may never have heard of MFA: what happens, from when, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from shlex import quote
from textwrap import fill

from rollout.domain.progress.messages import Line, Notice
from rollout.domain.verdicts.verdict import EnrolmentWay, Impact
from rollout.visible_text import visible

WIDTH = 76
_KEYS = "Access keys with MFA"

_MEANING = {
    Impact.NONE: "MFA is mandatory. As far as we can see, nothing changes for you.",
    Impact.CLI: "access keys no longer work without MFA. Signing in to the AWS console stays the same.",
    Impact.ENROL: (
        "you can only register an MFA device, and nothing else, until you have registered one. This user has no"
        " device yet, so please register one before then."
    ),
    Impact.PASSKEY_ONLY: (
        "access keys no longer work without MFA. The only MFA device of this user is a passkey or security key, and"
        " access keys cannot be used with it. Signing in to the AWS console stays the same."
    ),
}
_IN_THE_CONSOLE = (
    'Sign in, choose your name at the top right, then "Security credentials".',
    (
        'Under "Multi-factor authentication (MFA)", choose "Assign MFA device", then "Authenticator app" (a free app'
        " on your phone that shows a new code every 30 seconds). It works for the console and for access keys; a"
        " passkey works for the console only."
    ),
    "Scan the QR code with the app, then enter two consecutive codes from the app.",
    "Sign out, and sign in again: MFA takes effect at your next sign-in.",
)


_PASSKEY_IN_THE_CONSOLE = (
    _IN_THE_CONSOLE[0],
    (
        'Under "Multi-factor authentication (MFA)", choose "Assign MFA device", then "Passkey or security key". An'
        " authenticator app is not allowed for this user."
    ),
    "Follow your browser: use its password manager, your phone, or a security key that you plug in.",
    _IN_THE_CONSOLE[3],
)


def subject(notice: Notice) -> str:
    """Return the subject line, with the time of the first change; it contains no text from outside."""
    again = "Reminder: " if notice.reminder else ""
    users = "AWS user" if len(notice.lines) == 1 else f"{len(notice.lines)} AWS users"
    to_act = [line.due for line in notice.lines if line.impact is not Impact.NONE]
    if to_act:
        first = min(to_act).astimezone(notice.zone)
        return (
            f"{again}Action required: MFA for your {users} from {_day(first)}, {first:%H:%M} {_zone(first)}"
        )
    return f"{again}MFA for your {users}: no action required"


def body(notice: Notice, sender: str) -> str:
    """Return the message: each of this person's users with its own time, then what to do in each situation, once."""
    lines = sorted(notice.lines, key=lambda line: (line.due, line.user.account_id, line.user.name))
    parts = ["Hello,"]
    if notice.reminder:
        parts.append(_paragraph("this is a reminder of our earlier message. The dates have not changed."))
    parts.append(_opening(notice.address, len(lines)))
    parts += [_user(number, line, notice.zone) for number, line in enumerate(lines, 1)]
    for impact in (Impact.ENROL, Impact.PASSKEY_ONLY, Impact.CLI, Impact.NONE):
        if concerned := [line for line in lines if line.impact is impact]:
            parts += _todo(impact, concerned)
    if any(line.impact is not Impact.NONE for line in lines):
        parts += _keys_with_mfa(lines)
    parts.append(_closing(sender))
    return "\n\n".join(parts) + "\n"


def moment(when: datetime, zone: tzinfo) -> str:
    """Format a time unambiguously: `Tuesday, 8 December 2026, 00:00 Europe/Berlin time (UTC+01:00)`."""
    local = when.astimezone(zone)
    return f"{local:%A}, {_day(local)}, {local:%H:%M} {_zone(local)}"


def _day(local: datetime) -> str:
    return f"{local.day} {local:%B %Y}"


def _zone(local: datetime) -> str:
    """Name the time zone of a time in full, for abbreviations mean different zones in different places."""
    name = str(local.tzinfo)
    if name in ("UTC", "Etc/UTC"):
        return "UTC"
    offset = f"{local:%z}"
    return f"{name} time (UTC{offset[:3]}:{offset[3:5]})"


def _opening(address: str, count: int) -> str:
    whose = "the AWS user below belongs" if count == 1 else f"the {count} AWS users below belong"
    return _paragraph(
        f"You receive this message at {visible(address)} because, as far as we know, {whose} to you. AWS will soon"
        " require multi-factor authentication (MFA): in addition to your password or access key, you prove who you are"
        " in a second way, for example with a code from an app on your phone. Without MFA, AWS will deny nearly every"
        " request, both in the console (the AWS website) and on the command line. For each user, nothing changes"
        " before the time given, wherever you are."
    )


def _user(number: int, line: Line, zone: tzinfo) -> str:
    head = f"{visible(line.user.name)} in account {visible(line.account_name)} ({line.user.account_id})"
    text = [
        _paragraph(head, first=f"{number}. ", rest="   "),
        _paragraph(f"From {moment(line.due, zone)}: {_MEANING[line.impact]}", first="   ", rest="   "),
    ]
    if expires := line.situation.password_expires:
        text.append(
            _paragraph(
                f"The password of this user expires on {moment(expires, zone)}. Sign in and change it before then:"
                " afterwards you could not.",
                first="   ",
                rest="   ",
            )
        )
    if line.forecast:
        text.append(_paragraph(f"What we expect: {visible(line.forecast)}", first="   ", rest="   "))
    return "\n".join(text)


def _todo(impact: Impact, lines: list[Line]) -> Iterator[str]:
    yield _paragraph(f"What to do for {_names(lines)}", first="== ", rest="   ")
    match impact:
        case Impact.NONE:
            yield _paragraph("Nothing. If you sign in with this user, keep your MFA device ready.")
        case Impact.CLI:
            yield _paragraph(f'From then on, use your access keys with MFA: see "{_KEYS}" below.')
        case Impact.ENROL:
            yield from _enrol(lines)
        case Impact.PASSKEY_ONLY:
            yield from _beside_the_passkey(lines)


def _beside_the_passkey(lines: list[Line]) -> Iterator[str]:
    if any(EnrolmentWay.APP in line.situation.ways for line in lines):
        yield _paragraph(
            "Add an authenticator app as a second device (in the console: your name at the top right, then"
            f' "Security credentials", then "Assign MFA device"), and use it as described in "{_KEYS}" below.'
        )
    else:
        yield _paragraph(
            "An authenticator app, which would give codes for access keys, is not allowed for you."
        )
    if any(line.situation.aws_login for line in lines):
        yield _paragraph("Or keep using only your passkey, and replace your access keys by `aws login`.")


def _enrol(lines: list[Line]) -> Iterator[str]:
    if any(line.situation.sms_only for line in lines):
        yield _paragraph(
            "Your phone is registered for codes by SMS. AWS no longer sends or asks for them, so this phone number does"
            " not count as MFA. If AWS refuses to register another device beside it, ask us to remove it."
        )
    app = [
        line
        for line in lines
        if EnrolmentWay.PASSKEY not in line.situation.ways or EnrolmentWay.APP in line.situation.ways
    ]
    if passkey := [line for line in lines if line not in app]:
        yield _steps("Register a passkey or security key. In the console:", _PASSKEY_IN_THE_CONSOLE)
        if any(line.situation.active_keys for line in passkey):
            yield _paragraph(
                "A passkey gives no codes, so your access keys stop working."
                + (
                    " Replace them by `aws login`."
                    if all(line.situation.aws_login for line in passkey)
                    else " Ask us what to use instead."
                )
            )
    if app:
        yield from _enrol_an_app(app)


def _steps(title: str, steps: tuple[str, ...]) -> str:
    numbered = (_paragraph(step, first=f"  {number}. ", rest="     ") for number, step in enumerate(steps, 1))
    return "\n".join((title, "", *numbered))


def _enrol_an_app(lines: list[Line]) -> Iterator[str]:
    if any(line.situation.console for line in lines):
        yield _steps("Register an MFA device. In the console:", _IN_THE_CONSOLE)
    yield "Or on the command line, with your access key:"
    user = _user_in_commands(lines)
    device = f"{_arn_root(lines[0])}:mfa/{user}" if len(lines) == 1 else "SERIAL-NUMBER"
    yield _command(
        f"aws iam create-virtual-mfa-device --virtual-mfa-device-name {user} \\",
        "    --outfile mfa.png --bootstrap-method QRCodePNG",
        f"aws iam enable-mfa-device --user-name {user} \\",
        f"    --serial-number {device} \\",
        "    --authentication-code1 FIRST-CODE --authentication-code2 NEXT-CODE",
    )
    yield _paragraph(
        "The first command prints the serial number, and saves a QR code in mfa.png: scan it with an authenticator"
        " app on your phone. Delete mfa.png afterwards, because anyone who has it can create your codes. If you stop"
        " half-way, an unfinished device may remain that you are not allowed to delete; in that case, use another"
        " device name, or ask us."
    )
    yield _paragraph(
        "Until you have signed in with MFA, the console may show some messages that access is denied, for example on"
        " overview pages. They are harmless."
    )
    yield _paragraph(f'If you use access keys, they need MFA from then on, too: see "{_KEYS}" below.')


def _keys_with_mfa(lines: list[Line]) -> Iterator[str]:
    concerned = [line for line in lines if line.impact is not Impact.NONE]
    yield f"== {_KEYS}"
    yield _paragraph(
        "With a recent AWS CLI version 2, this command asks for a code from your device and creates a profile that"
        " works for 12 hours:"
    )
    yield _command("aws configure mfa-login --profile YOUR-PROFILE")
    yield _paragraph(
        "With any other version, the first of these commands shows your device's serial number, and the second prints"
        " temporary keys that work for 12 hours:"
    )
    yield _command(
        f"aws iam list-mfa-devices --user-name {_user_in_commands(concerned)}",
        "aws sts get-session-token --serial-number SERIAL-NUMBER --token-code CODE",
    )
    if allowed := [line for line in concerned if line.situation.aws_login]:
        for_all = len(allowed) == len(concerned)
        yield (
            "Or sign in with your password and MFA in the browser"
            + ("" if for_all else f" ({_names(allowed)})")
            + ":"
        )
        yield _command("aws login")
        yield _paragraph("This requires AWS CLI 2.32 or newer.")
    yield _paragraph(
        "A program that uses these keys unattended cannot enter a code, and will stop working. If you have such a"
        " program, tell us now: we can help you find a replacement, and exempt the user until then."
    )


def _names(lines: list[Line]) -> str:
    return ", ".join(f"{visible(line.user.name)} ({line.user.account_id})" for line in lines)


def _user_in_commands(lines: list[Line]) -> str:
    """Return the user name if there is only one, so that the commands can be copied; otherwise a placeholder."""
    return quote(visible(lines[0].user.name)) if len(lines) == 1 else "YOUR-USER"


def _closing(sender: str) -> str:
    return _paragraph(
        f"If you have questions, write to {visible(sender)} before then. We never ask you for a password, a code or"
        " a key, and this message contains no link for signing in: open AWS the way you always do."
    )


def _arn_root(line: Line) -> str:
    """Return the start of IAM ARNs in the user's account, with its partition."""
    partition = line.user.arn.removeprefix("arn:").partition(":")[0]
    return f"arn:{partition}:iam::{line.user.account_id}"


def _paragraph(text: str, first: str = "", rest: str = "") -> str:
    # Do not break long names and addresses, so that they can still be copied.
    return fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _command(*lines: str) -> str:
    return "\n".join(f"    {line}" for line in lines)
