"""The commands of a notice, filled in for one user. Each is one line, so that it can be copied into any shell."""

from __future__ import annotations

from shlex import quote

from rollout.domain.progress.messages import Line
from rollout.visible_text import visible

# Where the console of an account is, by partition (aws-facts.md#partitions-regions-endpoints).
_CONSOLES = {
    "aws": "signin.aws.amazon.com",
    "aws-us-gov": "signin.amazonaws-us-gov.com",
    "aws-cn": "signin.amazonaws.cn",
}

AWS_LOGIN = "aws login"
AWS_VAULT = "aws-vault exec default -- aws sts get-caller-identity"

CERTIFICATE = "a signing certificate"
"""As `User.without_mfa_flag` has it; it is the only one of these that is no product's name."""
CREDENTIALS = {
    "codecommit.amazonaws.com": "CodeCommit (HTTPS)",
    "CodeCommit over SSH": "CodeCommit (SSH)",
    "cassandra.amazonaws.com": "Amazon Keyspaces",
    "bedrock.amazonaws.com": "Amazon Bedrock",
    "logs.amazonaws.com": "CloudWatch Logs",
}
"""What credentials that never carry MFA are for, as people call it."""
GIT = {"codecommit.amazonaws.com", "CodeCommit over SSH"}


def console_of(line: Line) -> str:
    """Return the sign-in address of the user's account; empty in a partition of which it is not known."""
    host = _CONSOLES.get(_partition(line), "")
    return f"https://{line.user.account_id}.{host}/console" if host else ""


def device_name(line: Line) -> str:
    """Return the name that a new device of the user should have."""
    return visible(line.user.name)


def serial(line: Line) -> str:
    """Return the serial number of a device that gives codes: the one that there is, else the one to be registered."""
    known = line.situation.serials
    prefix = f"arn:{_partition(line)}:iam::{line.user.account_id}:mfa/"
    return visible(known[0]) if known else f"{prefix}{device_name(line)}"


def enrol(line: Line) -> tuple[str, ...]:
    """Register an authenticator app with an access key."""
    name, number = quote(device_name(line)), quote(serial(line))
    create = f"aws iam create-virtual-mfa-device --virtual-mfa-device-name {name}"
    enable = f"aws iam enable-mfa-device --user-name {name} --serial-number {number}"
    return (
        f"{create} --outfile mfa.png --bootstrap-method QRCodePNG",
        f"{enable} --authentication-code1 FIRST-CODE --authentication-code2 NEXT-CODE",
    )


def profile(line: Line) -> str:
    """Name the profile that the commands make; people may have several users, also in one account."""
    return quote(f"mfa-{device_name(line)}-{line.user.account_id}")


def mfa_login(line: Line) -> tuple[str, ...]:
    """Make a profile with temporary keys by a recent CLI."""
    login = f"aws configure mfa-login --profile default --serial-number {quote(serial(line))}"
    return (
        f"{login} --update-profile {profile(line)}",
        f"aws sts get-caller-identity --profile {profile(line)}",
    )


def session(line: Line) -> tuple[str, ...]:
    """Make the same profile by any CLI."""
    values = {
        "aws_access_key_id": "KEY-ID",
        "aws_secret_access_key": "SECRET",
        "aws_session_token": "TOKEN",
    }
    return (
        f"aws sts get-session-token --serial-number {quote(serial(line))} --token-code CODE",
        *(f"aws configure set {name} {value} --profile {profile(line)}" for name, value in values.items()),
    )


def role_profile(line: Line) -> tuple[str, ...]:
    """Lines of ~/.aws/config for a role that is assumed with MFA."""
    return (
        "[profile ROLE]",
        f"role_arn = arn:{_partition(line)}:iam::{line.user.account_id}:role/ROLE",
        "source_profile = default",
        f"mfa_serial = {serial(line)}",
    )


def _partition(line: Line) -> str:
    return line.user.arn.removeprefix("arn:").partition(":")[0]
