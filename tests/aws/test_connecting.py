"""Sessions, clients, endpoints and who the caller is.

See aws-facts.md#errors-and-retries, aws-facts.md#partitions-regions-endpoints, aws-facts.md#roles-and-least-privilege.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from rollout import __version__
from rollout.aws.connect.aws_clock import AwsClock
from rollout.aws.connect.identity import WhoAmI, source_keys
from rollout.aws.connect.offline_clock import offline_now
from rollout.awsapi.calls import CallerIdentity, Calls
from rollout.awsapi.endpoints import date_of, is_loopback
from rollout.awsapi.operations import IamGuard
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.errors import AwsFailure, ExpiredCredentials, InsecureEndpoint, NoCredentials
from tests.aws.conftest import FakeTime
from tests.aws.stub import AwsStub, Fail
from tests.aws.world import ACCOUNT

USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/ops/ana"
ROLE_ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/ana"


def identity(arn: str) -> Mapping[str, str]:
    return {"Arn": arn, "Account": arn.split(":")[4], "UserId": "AIDA"}


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write an AWS configuration, and take the keys out of the environment."""

    def configure(text: str) -> None:
        (tmp_path / "config").write_text(text)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    return configure


# --- Clients ---


def test_botocore_itself_tries_once_and_names_us(stub: AwsStub, connection: Connection):
    stub.on("GetUser", Fail("Throttling", 400))
    with pytest.raises(ClientError):
        connection.own_iam(IamGuard(writing=False)).get_user(UserName="ana")
    assert 1 == len(stub.calls)
    assert f"rollout/{__version__}" in stub.calls[0].user_agent


def test_threads_that_share_a_client_sign_with_their_own_keys(stub: AwsStub, connection: Connection):
    stub.on("GetUser", {"User": {"UserName": "ana", "UserId": "AIDA", "Path": "/", "Arn": USER_ARN}})
    iam = connection.role_iam(IamGuard(writing=False))
    together = threading.Barrier(8)

    def ask(number: int) -> None:
        keys = ReadOnlyCredentials(f"ASIA{number}", "secret", "token")
        together.wait()
        for _ in range(5):
            with connection.chosen.use(keys):
                iam.get_user(UserName=f"user-{number}")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(f"ASIA{number}", f"user-{number}") for number in range(8)} == {
        (call.key_id, call.params["UserName"]) for call in stub.calls
    }


def test_a_call_without_a_chosen_session_is_never_signed_with_own_keys(stub: AwsStub, connection: Connection):
    with pytest.raises(RuntimeError, match="no role session"):
        connection.role_iam(IamGuard(writing=False)).get_user(UserName="ana")
    assert [] == stub.calls


# --- Region and endpoints ---


def test_no_region_is_us_east_1_or_the_home_of_the_partition():
    assert "us-east-1" == Connection().region
    assert "us-gov-west-1" == Connection(partition="aws-us-gov").region
    assert "cn-north-1" == Connection(partition="aws-cn").region


def test_a_configured_region_is_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert "eu-central-1" == Connection().region


def test_the_endpoint_of_a_service_wins_over_the_one_for_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://all.example.com")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "https://sts.example.com")
    connection = Connection(endpoint_ok=True)
    connection.sts()
    connection.organizations()
    assert {
        "sts": "https://sts.example.com",
        "organizations": "https://all.example.com",
    } == connection.endpoints


@pytest.mark.parametrize(
    "url", ["http://aws.example.com", "http://10.0.0.7:5000", "http://127.0.0.1.example.com"]
)
def test_plain_http_to_another_machine_is_refused(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_IAM", url)
    with pytest.raises(InsecureEndpoint, match="refusing to call iam at http://"):
        Connection().own_iam(IamGuard(writing=False))


def test_an_endpoint_that_is_no_url_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not a url")
    with pytest.raises(InsecureEndpoint):
        Connection().sts()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine_is_known_by_all_its_names(host: str):
    assert is_loopback(host)


# --- The caller ---


def test_a_user_is_its_own_operator(stub: AwsStub, connection: Connection, retries: Retries):
    stub.on("GetCallerIdentity", identity(USER_ARN))
    caller = WhoAmI(connection, retries).caller()
    assert (USER_ARN, ACCOUNT, "aws", USER_ARN) == (
        caller.arn,
        caller.account_id,
        caller.partition,
        caller.source_user_arn,
    )


@pytest.mark.parametrize("partition", ["aws-us-gov", "aws-cn", "aws-eusc"])
def test_the_partition_is_read_off_the_caller(
    partition: str, stub: AwsStub, connection: Connection, retries: Retries
):
    stub.on("GetCallerIdentity", identity(USER_ARN.replace("arn:aws:", f"arn:{partition}:")))
    assert partition == WhoAmI(connection, retries).caller().partition


def test_the_caller_is_asked_once_whoever_wants_to_know(
    stub: AwsStub, connection: Connection, retries: Retries, fake_time: FakeTime
):
    stub.on("GetCallerIdentity", identity(ROLE_ARN))
    who = WhoAmI(connection, retries)
    for _ in range(3):
        who.caller()
        AwsClock(who).now()
    assert 1 == len(stub.calls)


def test_the_user_behind_the_role_of_a_profile_is_found(configured, stub: AwsStub, retries: Retries):
    configured(
        "[profile work]\nrole_arn = arn:aws:iam::012345678901:role/Admin\nsource_profile = middle\n"
        "[profile middle]\nrole_arn = arn:aws:iam::012345678901:role/Hop\nsource_profile = home\n"
        "[profile home]\naws_access_key_id = AKIAHOME\naws_secret_access_key = secret\n"
    )
    credentials = {
        "AccessKeyId": "ASIAROLE00000000",
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "Expiration": datetime(2099, 1, 1, tzinfo=UTC),
    }
    stub.on(
        "AssumeRole",
        {"Credentials": credentials, "AssumedRoleUser": {"Arn": ROLE_ARN, "AssumedRoleId": "AROA:x"}},
    )
    stub.on("GetCallerIdentity", lambda call: identity(USER_ARN if call.key_id == "AKIAHOME" else ROLE_ARN))
    caller = WhoAmI(Connection(profile="work"), retries).caller()
    assert (ROLE_ARN, USER_ARN) == (caller.arn, caller.source_user_arn)
    assert frozenset({USER_ARN}) == caller.operator_arns


def test_a_token_code_is_asked_for_once_in_a_run(configured, stub: AwsStub, retries: Retries):
    configured(
        "[profile work]\nrole_arn = arn:aws:iam::012345678901:role/Admin\nsource_profile = home\n"
        f"mfa_serial = arn:aws:iam::{ACCOUNT}:mfa/ana\n"
        "[profile home]\naws_access_key_id = AKIAHOME\naws_secret_access_key = secret\n"
    )
    credentials = {
        "AccessKeyId": "ASIAROLE00000000",
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "Expiration": datetime(2099, 1, 1, tzinfo=UTC),
    }
    stub.on(
        "AssumeRole",
        {"Credentials": credentials, "AssumedRoleUser": {"Arn": ROLE_ARN, "AssumedRoleId": "AROA:x"}},
    )
    stub.on("GetCallerIdentity", identity(ROLE_ARN))
    stub.on("DescribeOrganization", Fail("AccessDeniedException", 400))
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "123456"

    connection = Connection(profile="work", ask_token_code=ask)
    WhoAmI(connection, retries).caller()
    WhoAmI(connection, retries).caller()
    with pytest.raises(ClientError):
        connection.organizations().describe_organization()
    assert 1 == len(asked)
    assert ["123456"] == [params["TokenCode"] for params in stub.called("AssumeRole")]


def test_a_token_code_without_a_terminal_is_one_clear_line(configured, retries: Retries):
    configured(
        "[profile work]\nrole_arn = arn:aws:iam::012345678901:role/Admin\nsource_profile = home\n"
        f"mfa_serial = arn:aws:iam::{ACCOUNT}:mfa/ana\n"
        "[profile home]\naws_access_key_id = AKIAHOME\naws_secret_access_key = secret\n"
    )

    def nobody(_: str) -> str:
        raise EOFError

    with pytest.raises(
        NoCredentials, match=rf"Enter MFA code for arn:aws:iam::{ACCOUNT}:mfa/ana: there is no terminal"
    ):
        WhoAmI(Connection(profile="work", ask_token_code=nobody), retries).caller()


@pytest.mark.parametrize(
    ("profiles", "key"),
    [
        ({"me": {"aws_access_key_id": "A"}}, None),
        ({"me": {"role_arn": "r", "source_profile": "me", "aws_access_key_id": "A"}}, "A"),
        (
            {"me": {"role_arn": "r", "source_profile": "x"}, "x": {"role_arn": "r", "source_profile": "me"}},
            None,
        ),
        ({"me": {"role_arn": "r", "source_profile": "sso"}, "sso": {"sso_session": "s"}}, None),
        ({"me": {"role_arn": "r", "source_profile": "missing"}}, None),
        ({}, None),
    ],
)
def test_source_profiles_end_in_keys_or_in_nothing(profiles: dict[str, dict[str, str]], key: str | None):
    found = source_keys("me", profiles)
    assert key == (found and found.get("aws_access_key_id"))


# --- No usable credentials ---


def test_no_credentials_at_all(configured, stub: AwsStub, retries: Retries):
    configured("")
    with pytest.raises(NoCredentials, match="no AWS credentials were found") as caught:
        WhoAmI(Connection(), retries).caller()
    assert "AWS_PROFILE" in caught.value.cure
    assert [] == stub.calls


def test_a_profile_that_is_not_there(configured):
    configured("")
    with pytest.raises(NoCredentials, match="nobody"):
        Connection(profile="nobody")


def test_half_a_pair_of_keys(monkeypatch: pytest.MonkeyPatch, retries: Retries):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NoCredentials, match=r"[Pp]artial"):
        WhoAmI(Connection(), retries).caller()


@pytest.mark.parametrize(
    "kind", ["sso_session = corp", "sso_start_url = https://corp.example.com\nsso_region = eu-west-1"]
)
def test_a_sign_in_that_has_ended(kind: str, configured, retries: Retries, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    configured(
        f"[profile work]\n{kind}\nsso_account_id = 012345678901\nsso_role_name = Admin\nregion = eu-west-1\n"
        "[sso-session corp]\nsso_start_url = https://corp.example.com\nsso_region = eu-west-1\n"
    )
    with pytest.raises(ExpiredCredentials) as caught:
        WhoAmI(Connection(profile="work"), retries).caller()
    assert "aws sso login" in caught.value.cure


def test_a_credential_process_that_fails(configured, retries: Retries):
    configured("[profile work]\ncredential_process = /bin/false\n")
    with pytest.raises(NoCredentials, match="rocess"):
        WhoAmI(Connection(profile="work"), retries).caller()


def test_keys_that_aws_does_not_know(stub: AwsStub, connection: Connection, retries: Retries):
    stub.on("GetCallerIdentity", Fail("InvalidClientTokenId", 403, "The security token is invalid."))
    with pytest.raises(NoCredentials, match="does not accept the credentials"):
        WhoAmI(connection, retries).caller()


def test_a_session_that_has_ended(stub: AwsStub, connection: Connection, retries: Retries):
    stub.on("GetCallerIdentity", Fail("ExpiredToken", 403))
    with pytest.raises(ExpiredCredentials, match="session has expired"):
        WhoAmI(connection, retries).caller()


def test_nobody_at_the_endpoint(monkeypatch: pytest.MonkeyPatch, retries: Retries):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(AwsFailure, match=r"cannot reach AWS: .*127.0.0.1:1") as caught:
        WhoAmI(Connection(), retries).caller()
    assert "AWS_ENDPOINT_URL" in caught.value.cure


# --- Time ---


@dataclass
class Machine:
    """A laptop: its counter stands still while the lid is closed, its clock goes on, and AWS's goes on anyway."""

    stub: AwsStub
    connection: Connection
    counter: FakeTime
    aws: datetime = datetime(2026, 12, 2, 8, tzinfo=UTC)
    local: datetime = datetime(2026, 12, 2, 8, 7, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.retries = Retries(monotonic=self.counter.monotonic, now=lambda: self.local)
        self.who = WhoAmI(self.connection, self.retries)
        self.stub.on("GetCallerIdentity", identity(USER_ARN))
        self.pass_by(timedelta(0))

    def pass_by(self, span: timedelta, *, asleep: bool = False) -> None:
        self.aws, self.local = self.aws + span, self.local + span
        self.stub.headers["Date"] = format_datetime(self.aws, usegmt=True)
        self.counter.at += 0 if asleep else span.total_seconds()


@pytest.fixture
def machine(stub: AwsStub, connection: Connection, fake_time: FakeTime) -> Machine:
    return Machine(stub, connection, fake_time)


EIGHT_HOURS = timedelta(hours=8)


def test_decision_time_is_awss_and_goes_on_by_itself(machine: Machine):
    clock = AwsClock(machine.who)
    assert machine.aws == clock.now()
    machine.pass_by(EIGHT_HOURS)
    assert machine.aws == clock.now()
    assert 1 == len(machine.stub.calls)


def test_a_lid_that_was_closed_for_hours_moves_the_time_by_hours(machine: Machine):
    clock = AwsClock(machine.who)
    clock.now()
    machine.pass_by(timedelta(minutes=5))
    machine.pass_by(EIGHT_HOURS, asleep=True)
    assert machine.aws == clock.now()
    machine.pass_by(timedelta(seconds=30))
    assert machine.aws == clock.now()
    assert 2 == len(machine.stub.calls)


def test_an_answer_that_came_since_the_lid_was_opened_saves_the_question(machine: Machine):
    clock = AwsClock(machine.who)
    clock.now()
    machine.pass_by(EIGHT_HOURS, asleep=True)
    machine.stub.on("GetUser", {"User": {"UserName": "alice"}})
    client = machine.connection.own_iam(IamGuard(writing=False))
    Calls(ACCOUNT, CallerIdentity(), machine.retries, machine.retries.pace()).read(
        client.get_user, UserName="alice"
    )
    assert machine.aws == clock.now()
    assert ["GetCallerIdentity", "GetUser"] == [call.operation for call in machine.stub.calls]


def test_where_aws_cannot_be_asked_again_the_next_answer_tells_the_time(machine: Machine):
    clock = AwsClock(machine.who)
    before = clock.now()
    machine.pass_by(EIGHT_HOURS, asleep=True)
    machine.stub.on("GetCallerIdentity", Fail("AccessDenied", 403), identity(USER_ARN))
    assert before == clock.now()
    assert before == clock.now()
    assert 2 == len(machine.stub.calls), "asked once, not again and again"
    machine.who.ask()
    assert machine.aws == clock.now()


def test_a_clock_that_somebody_sets_changes_no_time(machine: Machine):
    clock = AwsClock(machine.who)
    clock.now()
    machine.local += timedelta(days=3)
    for _ in range(3):
        assert machine.aws == clock.now()
    assert 2 == len(machine.stub.calls), "asked once, not again and again"


def test_an_answer_that_is_a_little_off_changes_no_time(machine: Machine):
    clock = AwsClock(machine.who)
    clock.now()
    machine.stub.headers["Date"] = format_datetime(machine.aws + timedelta(seconds=50), usegmt=True)
    machine.who.ask()
    assert machine.aws == clock.now()


def test_time_never_goes_back(machine: Machine):
    clock = AwsClock(machine.who)
    start = clock.now()
    machine.stub.headers["Date"] = format_datetime(start - EIGHT_HOURS, usegmt=True)
    machine.who.ask()
    assert start == clock.now()


@pytest.mark.parametrize("zone", ["GMT", "+0000", "-0000"])
def test_a_date_has_a_zone_however_it_is_spelled(zone: str):
    assert datetime(2026, 12, 2, 8, tzinfo=UTC) == date_of(f"Wed, 02 Dec 2026 08:00:00 {zone}")


def test_an_answer_without_a_date_leaves_the_local_clock(machine: Machine):
    machine.stub.headers["Date"] = "yesterday"
    clock = AwsClock(machine.who)
    assert (machine.local, None) == (clock.now(), clock.skew())


def test_the_skew_of_this_machine_is_told(machine: Machine):
    assert timedelta(minutes=7) == AwsClock(machine.who).skew()


def test_offline_time_is_that_of_an_endpoint_on_this_machine(stub: AwsStub):
    stub.headers["Date"] = "Wed, 02 Dec 2026 08:00:00 GMT"
    assert datetime(2026, 12, 2, 8, tzinfo=UTC) == offline_now({"AWS_ENDPOINT_URL": stub.endpoint})
    far = {"AWS_ENDPOINT_URL": "https://aws.example.com"}
    assert datetime(2026, 12, 2, 8, tzinfo=UTC) == offline_now(far | {"AWS_ENDPOINT_URL_STS": stub.endpoint})


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"AWS_ENDPOINT_URL": "https://aws.example.com"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
        {"AWS_ENDPOINT_URL": "file://localhost/etc/passwd"},
    ],
)
def test_offline_time_is_local_everywhere_else(environ: dict[str, str]):
    assert abs(offline_now(environ) - datetime.now(UTC)) < timedelta(minutes=1)


def test_offline_time_ignores_what_boto3_ignores(stub: AwsStub):
    stub.headers["Date"] = "Wed, 02 Dec 2020 08:00:00 GMT"
    environ = {"AWS_ENDPOINT_URL": stub.endpoint, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    assert offline_now(environ).year > 2020
