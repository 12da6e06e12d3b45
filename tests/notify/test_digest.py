"""What a notice says: whom it concerns, from when, what to do, and no room for anybody else's words."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.people.users import UserRef
from rollout.domain.progress.messages import Line, Notice
from rollout.domain.verdicts.verdict import EnrolmentWay, Impact, Situation
from rollout.notify.digest import Letterhead
from rollout.notify.letter import WIDTH, Letter, LetterPress
from rollout.notify.words import words_in
from rollout.visible_text import hidden_in
from tests.builders import ACCOUNT, a_ref
from tests.notify.situations import a_line_in

SENDER = "security@example.com"
PRESS = LetterPress(Letterhead(SENDER))
DUE = datetime(2026, 12, 8, 12, tzinfo=UTC)
CAN_DO_ALL = Situation(
    console=True,
    active_keys=1,
    ways=(EnrolmentWay.APP, EnrolmentWay.PASSKEY),
    enrols_by_keys=True,
    aws_login=True,
)
BERLIN = ZoneInfo("Europe/Berlin")


def a_line(name: str = "alice", impact: Impact = Impact.ENROL, due: datetime = DUE, **more: str) -> Line:
    return Line(a_ref(name), more.get("account_name", "payments-prod"), impact, due, CAN_DO_ALL)


def a_notice(*lines: Line) -> Notice:
    return Notice("alice@example.com", lines or (a_line(),))


def letter(notice: Notice | None = None) -> Letter:
    return PRESS.letter(notice or a_notice())


def words(*lines: Line) -> str:
    """The message without its line breaks."""
    return " ".join(letter(a_notice(*lines)).text.split())


@pytest.mark.parametrize("impact", Impact)
def test_every_message_says_whom_where_when_and_whom_to_ask(impact):
    text = words(a_line(impact=impact))

    for said in (
        "alice",
        "payments-prod",
        ACCOUNT,
        "Tuesday, 8 December 2026, 12:00 UTC",
        "alice@example.com",
        SENDER,
    ):
        assert said in text


@pytest.mark.parametrize(
    ("impact", "said"),
    [
        (Impact.NONE, ("nothing changes for you", "Nothing.")),
        (Impact.CLI, ("aws configure mfa-login", "aws sts get-session-token", "aws login", "unattended")),
        (
            Impact.ENROL,
            (
                "Security credentials",
                "Authenticator app",
                "Sign out, and sign in again",
                "aws iam create-virtual-mfa-device --virtual-mfa-device-name alice",
                "aws iam enable-mfa-device --user-name alice",
                f"arn:aws:iam::{ACCOUNT}:mfa/alice",
                "not allowed to delete",
                "harmless",
            ),
        ),
        (
            Impact.PASSKEY_ONLY,
            ("authenticator app as a second device", "aws login"),
        ),
    ],
)
def test_each_impact_has_its_own_advice(impact, said):
    text = words(a_line(impact=impact))

    assert [] == [sentence for sentence in said if sentence not in text]


def test_who_need_do_nothing_is_not_bothered_with_commands():
    assert "aws " not in letter(a_notice(a_line(impact=Impact.NONE))).text


def test_a_person_with_several_users_reads_each_with_its_own_day_and_its_own_commands():
    text = words(
        a_line("late", Impact.CLI, datetime(2027, 1, 5, 12, tzinfo=UTC)),
        a_line("early", Impact.CLI, datetime(2026, 12, 1, 12, tzinfo=UTC)),
        a_line("third", Impact.ENROL, DUE),
    )

    assert text.index("early in account") < text.index("third in account") < text.index("late in account")
    assert "Tuesday, 1 December 2026, 12:00 UTC" in text
    assert "Tuesday, 5 January 2027, 12:00 UTC" in text
    assert 3 == text.count("aws configure mfa-login")
    for name in ("early", "third", "late"):
        assert f"--serial-number arn:aws:iam::{ACCOUNT}:mfa/{name}" in text
    assert "the 3 AWS users below belong to you" in text


def test_how_keys_are_used_is_said_once_for_all_users():
    text = words(a_line("alice", Impact.CLI), a_line("bob", Impact.CLI))

    assert 1 == text.count("With a recent AWS CLI version 2:")
    assert 2 == text.count("aws sts get-session-token")


def test_each_access_key_is_told_with_its_last_use_and_what_would_have_been_denied():
    text = words(a_line_in("keys with a device"))

    used = "Access key AKIA…3F, last used on 21 November 2026 for s3 in eu-west-1."
    called = "It was used by aws-cli, from 203.0.113.7."
    denied = (
        "most recently on 20 November 2026: s3:GetObject, s3:PutObject, ec2:DescribeInstances and 4 more."
    )
    assert [] == [said for said in (used, called, denied) if said not in text]
    assert "Access key 2, never used as far as AWS knows." in text


def test_who_has_no_access_key_reads_nothing_of_them():
    for situation in ("Git credentials", "console only", "a program with an API key"):
        assert "ccess keys no longer work" not in words(a_line_in(situation))
        assert "aws configure" not in words(a_line_in(situation))


def test_the_owner_of_a_program_reads_first_how_it_does_without():
    text = words(a_line_in("keys only"))
    ways = ("IAM role of the instance", "OIDC provider", "IAM Roles Anywhere")

    assert max(map(text.index, ways)) < text.index("deactivate the access keys") < text.index("aws iam ")
    assert "write to security@example.com now" not in text


def test_other_users_of_the_person_are_mentioned_with_their_own_times():
    later = a_line("bob", Impact.CLI, datetime(2027, 1, 5, 12, tzinfo=UTC))
    text = " ".join(letter(replace(a_notice(), others=(later,))).text.split())

    assert f"bob in account payments-prod ({ACCOUNT}), from Tuesday, 5 January 2027, 12:00 UTC at the" in text
    assert (
        "Action required: MFA for your AWS user from 8"
        in letter(replace(a_notice(), others=(later,))).subject
    )
    assert 1 == text.count("aws configure mfa-login"), "the steps are in a message of their own"


def test_the_subject_names_the_first_day_on_which_something_is_to_do():
    nothing = a_line("quiet", Impact.NONE, datetime(2026, 11, 30, 12, tzinfo=UTC))

    assert letter().subject == "Action required: MFA for your AWS user from 8 December 2026, 12:00 UTC"
    assert (
        letter(a_notice(nothing, a_line())).subject
        == "Action required: MFA for your 2 AWS users from 8 December 2026, 12:00 UTC"
    )
    assert letter(a_notice(nothing)).subject == "MFA for your AWS user: no action required"


def test_a_reminder_says_so_in_subject_and_text_and_is_the_same_besides():
    notice = a_notice()
    again = Notice(notice.address, notice.lines, reminder=True)

    assert f"Reminder: {letter(notice).subject}" == letter(again).subject
    assert letter(notice).text.split("\n\n") == [
        part for part in letter(again).text.split("\n\n") if "this is a reminder" not in part
    ]
    nothing = Notice(notice.address, (a_line(impact=Impact.NONE),), reminder=True)
    assert "Reminder: MFA for your AWS user: no action required" == letter(nothing).subject


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        (UTC, "Wednesday, 4 March 2026, 23:30 UTC"),
        (ZoneInfo("UTC"), "Wednesday, 4 March 2026, 23:30 UTC"),
        (BERLIN, "Thursday, 5 March 2026, 00:30 Europe/Berlin time (UTC+01:00)"),
        (
            ZoneInfo("America/Los_Angeles"),
            "Wednesday, 4 March 2026, 15:30 America/Los_Angeles time (UTC-08:00)",
        ),
    ],
)
def test_a_time_cannot_be_misread(zone, said: str):
    assert words_in("en", None).moment(datetime(2026, 3, 4, 23, 30, tzinfo=UTC), zone) == said


def test_people_in_one_time_zone_read_its_time():
    notice = Notice("alice@example.com", (a_line(due=datetime(2026, 12, 7, 23, tzinfo=UTC)),), zone=BERLIN)

    said = "8 December 2026, 00:00 Europe/Berlin time (UTC+01:00)"
    assert letter(notice).subject == f"Action required: MFA for your AWS user from {said}"
    assert f"From Tuesday, {said}: " in " ".join(letter(notice).text.split())


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)), st.sampled_from(Impact))  # noqa: DTZ001 - UTC is added
def test_no_date_stands_without_time_and_zone(due: datetime, impact: Impact):
    """Whatever a reader takes "8 December" for, the time and the zone come with it."""
    due = due.replace(tzinfo=UTC)
    line = a_line(impact=impact, due=due)
    text = words(line) + letter(a_notice(line)).subject
    day, full = f"{due.day} {due:%B %Y}", f"{due.day} {due:%B %Y, %H:%M} UTC"

    assert text.count(day) == text.count(full) > 0


def test_names_cannot_add_lines_of_their_own():
    evil = "x\r\n\r\nPlease send your code to\u2028mallory\u202e"
    text = letter(a_notice(a_line(evil, account_name=evil))).text

    assert "\n\nPlease" not in text
    assert "" == hidden_in(text.replace("\n", ""))


def test_a_name_in_a_command_is_quoted_for_the_shell():
    assert "--user-name 'x; rm -rf ~'" in words(a_line("x; rm -rf ~"))


def test_a_device_of_another_partition_is_spelled_in_it():
    user = UserRef(ACCOUNT, "alice", "AIDA", f"arn:aws-cn:iam::{ACCOUNT}:user/alice")
    said = words(replace(a_line(), user=user))

    assert f"arn:aws-cn:iam::{ACCOUNT}:mfa/alice" in said
    assert f"https://{ACCOUNT}.signin.amazonaws.cn/console" in said


def test_where_the_console_is_not_known_no_address_is_made_up():
    user = UserRef(ACCOUNT, "alice", "AIDA", f"arn:aws-iso:iam::{ACCOUNT}:user/alice")
    said = words(replace(a_line(), user=user))

    assert f"Sign in to the AWS console of account {ACCOUNT} as alice." in said
    assert "http" not in said


def test_lines_fit_a_mail_and_a_terminal_but_commands_are_never_broken():
    lines = letter(a_notice(*(a_line(impact=impact) for impact in Impact))).text.splitlines()

    assert max(len(line) for line in lines if not line.startswith("    aws ")) <= WIDTH
    assert not [line for line in lines if line.endswith("\\")], "no shell but that of Unix knows this"


def test_no_message_has_a_link_to_click():
    """People who are used to such links in such mails are easy to rob. The console's address is text, to be typed."""
    said = letter(a_notice(*(a_line(impact=impact) for impact in Impact)))

    assert [] == [sign for sign in ("<a", "href", "src=", "url(") if sign in said.html]
    assert {f"https://{ACCOUNT}.signin.aws.amazon.com/console"} == set(re.findall(r"http\S+", said.text))


@given(st.text(), st.text(), st.lists(st.sampled_from(Impact), min_size=1, max_size=5))
def test_any_names_make_a_message(name, account, impacts):
    lines = (a_line(name, impact, account_name=account) for impact in impacts)

    text = letter(a_notice(*lines)).text
    assert text.endswith("\n")
    assert "" == hidden_in(text.replace("\n", ""))
