"""Writes notices for people who may never have heard of MFA: what happens, from when, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from shlex import quote
from textwrap import fill

from rollout.domain.progress.messages import Line, Notice
from rollout.domain.verdicts.verdict import Impact

WIDTH = 76
_KEYS = "Access keys with MFA"

_MEANING = {
    Impact.NONE: "MFA is mandatory. As far as we can see, nothing changes for you.",
    Impact.CLI: "access keys alone no longer work. In the console nothing changes.",
    Impact.ENROL: "as long as no MFA device is registered, and there is none yet, that is all you can do.",
    Impact.PASSKEY_ONLY: (
        "access keys alone no longer work, and a passkey or security key, the only kind of device this user has,"
        " cannot be used with them. In the console nothing changes."
    ),
}
_IN_THE_CONSOLE = (
    'Sign in, choose your name at the top right, then "Security credentials".',
    (
        'Under "Multi-factor authentication (MFA)" choose "Assign MFA device", and there "Authenticator app". It works'
        " for the console and for access keys; a passkey works for the console only."
    ),
    "Scan the QR code with the app, and enter two of its codes, one after the other.",
    "Sign out and sign in again: MFA takes effect with the next sign-in.",
)


def subject(notice: Notice) -> str:
    """Write the subject: what it is about and the first day. It contains no text from outside."""
    again = "Reminder: " if notice.reminder else ""
    users = "AWS user" if len(notice.lines) == 1 else f"{len(notice.lines)} AWS users"
    to_act = [line.due for line in notice.lines if line.impact is not Impact.NONE]
    if to_act:
        first = min(to_act)
        return f"{again}Please act: MFA for your {users} from {first.day} {first:%B %Y}"
    return f"{again}MFA for your {users}: nothing to do"


def body(notice: Notice, sender: str) -> str:
    """Write the message: every user of this person with the day, then what to do, once for each impact."""
    lines = sorted(notice.lines, key=lambda line: (line.due, line.user.account_id, line.user.name))
    parts = ["Hello,"]
    if notice.reminder:
        parts.append(_paragraph("this is a reminder of our earlier message. The day has not changed."))
    parts.append(_opening(notice.address, len(lines)))
    parts += [_user(number, line) for number, line in enumerate(lines, 1)]
    for impact in (Impact.ENROL, Impact.PASSKEY_ONLY, Impact.CLI, Impact.NONE):
        if concerned := [line for line in lines if line.impact is impact]:
            parts += _todo(impact, concerned)
    if any(line.impact is not Impact.NONE for line in lines):
        parts += _keys_with_mfa(lines)
    parts.append(_closing(sender))
    return "\n\n".join(parts) + "\n"


def day(date_: date) -> str:
    """Spell a day so that nobody mistakes the month for the day: `Tuesday, 8 December 2026`."""
    return f"{date_:%A}, {date_.day} {date_:%B %Y}"


def clean(text: str) -> str:
    """Replace by � what could make a foreign text look like a line of ours: breaks, control and bidi marks."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _opening(address: str, count: int) -> str:
    whose = "this AWS user is yours" if count == 1 else f"these {count} AWS users are yours"
    return _paragraph(
        f"As far as we know, {whose}; that is why you, {clean(address)}, get this message. AWS will soon ask for"
        " multi-factor authentication (MFA): besides the password or the access key, a second proof, such as a code"
        " from an app on your phone. Without it, AWS will deny nearly every request, in the console and on the"
        " command line. Nothing changes before the day named with each user."
    )


def _user(number: int, line: Line) -> str:
    head = f"{clean(line.user.name)} in account {clean(line.account_name)} ({line.user.account_id})"
    text = [
        _paragraph(head, first=f"{number}. ", rest="   "),
        _paragraph(f"From {day(line.due)}: {_MEANING[line.impact]}", first="   ", rest="   "),
    ]
    if line.forecast:
        text.append(_paragraph(f"We expect: {clean(line.forecast)}", first="   ", rest="   "))
    return "\n".join(text)


def _todo(impact: Impact, lines: list[Line]) -> Iterator[str]:
    names = ", ".join(f"{clean(line.user.name)} ({line.user.account_id})" for line in lines)
    yield _paragraph(f"What to do for {names}", first="== ", rest="   ")
    match impact:
        case Impact.NONE:
            yield _paragraph("Nothing. If you sign in with this user, keep your MFA device at hand.")
        case Impact.CLI:
            yield _paragraph(f'Use your access keys with MFA from that day on: see "{_KEYS}" below.')
        case Impact.ENROL:
            yield from _enrol(lines)
        case Impact.PASSKEY_ONLY:
            yield _paragraph(
                "Add an authenticator app as a second device (in the console: your name at the top right, then"
                f' "Security credentials", then "Assign MFA device"), and use it as described in "{_KEYS}" below. Or'
                " keep your passkey and use the last of the ways described there, `aws login`."
            )


def _enrol(lines: list[Line]) -> Iterator[str]:
    yield "Register an MFA device. In the console:"
    yield "\n".join(
        _paragraph(step, first=f"  {number}. ", rest="     ")
        for number, step in enumerate(_IN_THE_CONSOLE, 1)
    )
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
        "The first command's answer names the serial number. Delete mfa.png afterwards: whoever has it can make your"
        " codes. If you stop half-way, a device may remain that you are not allowed to delete: use another device name"
        " then, or ask us."
    )
    yield _paragraph(
        "Until MFA is on, the console may show a few messages that something is denied, for example in overviews. They"
        " are harmless."
    )
    yield _paragraph(f'If you use access keys, they need MFA from then on, too: see "{_KEYS}" below.')


def _keys_with_mfa(lines: list[Line]) -> Iterator[str]:
    concerned = [line for line in lines if line.impact is not Impact.NONE]
    yield f"== {_KEYS}"
    yield _paragraph(
        "With a recent AWS CLI, version 2, this asks for a code from your device and makes a profile that works for 12"
        " hours:"
    )
    yield _command("aws configure mfa-login --profile YOUR-PROFILE")
    yield _paragraph(
        "With any other version, the first of these commands shows your device's serial number, and the second"
        " answers with keys that work for 12 hours:"
    )
    yield _command(
        f"aws iam list-mfa-devices --user-name {_user_in_commands(concerned)}",
        "aws sts get-session-token --serial-number SERIAL-NUMBER --token-code CODE",
    )
    yield "Or through the browser, where you sign in with your password and MFA:"
    yield _command("aws login")
    yield _paragraph(
        "That needs AWS CLI 2.32 or newer, a console password, and the AWS policy SignInLocalDevelopmentAccess; ask us"
        " if it is denied."
    )
    yield _paragraph(
        "A program that runs on such keys unattended cannot give a code and will stop working. If there is one, tell"
        " us now: there are ways, and it can be left out until then."
    )


def _user_in_commands(lines: list[Line]) -> str:
    """Name the user in commands to copy; for several users, a placeholder to fill in."""
    return quote(clean(lines[0].user.name)) if len(lines) == 1 else "YOUR-USER"


def _closing(sender: str) -> str:
    return _paragraph(
        f"Questions? Ask {clean(sender)} before that day. We never ask for a password, a code or a key, and this"
        " message holds no link to sign in with: go to AWS as you always do."
    )


def _arn_root(line: Line) -> str:
    """Give the beginning of an IAM ARN in the user's account and partition."""
    partition = line.user.arn.removeprefix("arn:").partition(":")[0]
    return f"arn:{partition}:iam::{line.user.account_id}"


def _paragraph(text: str, first: str = "", rest: str = "") -> str:
    # Long names and addresses are not broken, so that they can be copied.
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
