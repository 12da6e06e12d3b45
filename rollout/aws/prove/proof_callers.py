"""Asks AWS as the throw-away users of a proof, with their own credentials, which are kept in memory only."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import pyotp
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

from rollout.aws.prove.user_secrets import STEP, TotpDevice, UserKeys, UserSecrets
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed, one_line
from rollout.awsapi.faults import Fault
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.domain.proof.comparing import HowAnswered, ProofAnswer
from rollout.domain.proof.foretelling import other_than
from rollout.domain.proof.proof_questions import ProofQuestion, SignedBy
from rollout.domain.proof.proof_users import PATH, ProofNames, ProofUser
from rollout.errors import RolloutError
from rollout.workflows.ports import Clock, SignIn

PATIENCE = 60.0
"""Seconds until AWS has to show what was changed (aws-facts.md#eventual-consistency)."""
LITTLE_PATIENCE = 5.0
"""The same, once something has not shown: to wait for everything else would take hours."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0
AFTER_THE_RIGHTS = frozenset(
    {
        "DeleteConflict",
        "EntityAlreadyExists",
        "ExpiredTradeInTokenException",
        "InvalidAuthenticationCode",
        "LimitExceeded",
        "OutboundWebIdentityFederationDisabledException",
        "PasswordPolicyViolation",
    }
)
"""Error codes that IAM and STS return only to callers who may make the call: they weigh rights before anything else."""
WRONG_CODE = "MultiFactorAuthentication failed"
"""AWS's message about a code that is wrong or was used: an AccessDenied that is not about rights."""
SHORTEST = 900
"""Seconds; the shortest that sessions of STS can last."""
CONSOLES = {
    "aws": "signin.aws.amazon.com/console",
    "aws-us-gov": "signin.amazonaws-us-gov.com/console",
    "aws-cn": "signin.amazonaws.cn/console",
}
"""Where people sign in to the console of an account, by partition."""
_CODE = re.compile(r"<Code>(\w+)</Code>")


class ProofCallers:
    """The users of one proof. Every error of AWS becomes an answer."""

    def __init__(
        self,
        connection: Connection,
        retries: Retries,
        clock: Clock,
        account_arn: str,
        names: ProofNames,
    ) -> None:
        """Keep the arguments; `account_arn` is how ARNs of IAM in this account begin, up to the last colon."""
        self._connection, self._retries, self._clock = connection, retries, clock
        self._arn, self._names = account_arn, names
        self._pace = retries.pace()
        self._held: dict[str, UserSecrets] = {}
        self._clients: dict[str, Any] = {}
        self._http = URLLib3Session()
        self._patience = PATIENCE

    # --- Credentials, as they are made ---

    def new_password(self, user: str) -> str:
        """Choose a password that any policy accepts, and keep it."""
        password = f"{secrets.token_urlsafe(24)}aA1!"
        self._of(user).password = password
        return password

    def take_key(self, user: str, key: Mapping[str, Any]) -> None:
        """Keep a new access key."""
        keys = ReadOnlyCredentials(key["AccessKeyId"], key["SecretAccessKey"], None)
        self._of(user).key = UserKeys(self._connection.chosen, keys)

    def _of(self, user: str) -> UserSecrets:
        return self._held.setdefault(user, UserSecrets())

    # --- Questions ---

    def ask(self, question: ProofQuestion, until: HowAnswered | None = None) -> ProofAnswer:
        """Ask one question. With `until`, ask until that is the answer, or patience is at its end."""
        began, pause = self._retries.monotonic(), FIRST_PAUSE
        while True:
            answer = self._once(question)
            seconds = self._retries.monotonic() - began
            if until is None or answer.how is until or seconds >= self._patience:
                break
            self._retries.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        if until is not None and answer.how is not until:
            self._patience = LITTLE_PATIENCE
        return ProofAnswer(answer.how, answer.code, answer.request_id, seconds, answer.detail)

    def _once(self, question: ProofQuestion) -> ProofAnswer:
        try:
            said = self._call(question)
        except CallFailed as failed:
            device = self._of(question.user.name).device
            if WRONG_CODE in failed.message and device and device.used > self._step():
                self._wait_for_step(device.used + 1)  # too early for this AWS
                return self._once(question)
            return _of_failure(failed)
        except RolloutError as problem:
            return ProofAnswer(HowAnswered.OTHER, type(problem).__name__, detail=str(problem))
        except _Cannot as cannot:
            return ProofAnswer(HowAnswered.OTHER, detail=str(cannot))
        if isinstance(said, ProofAnswer):
            return said
        metadata = said["ResponseMetadata"]
        request_id = metadata.get("RequestId") or metadata.get("HTTPHeaders", {}).get("x-amzn-requestid", "")
        return ProofAnswer(HowAnswered.ALLOWED, request_id=request_id)

    def _call(self, question: ProofQuestion) -> Any:
        service, _, _ = question.operation.partition(":")
        if question.signed_by in (SignedBy.URL_BEFORE, SignedBy.URL_AFTER):
            return self._fetched(question)
        return {"iam": self._iam, "sts": self._sts}.get(service, self._other)(question)

    def _iam(self, question: ProofQuestion) -> Any:
        user, do, iam = question.user, self._calls(question).write, self._client("iam")
        held, name = self._of(user.name), user.name
        whom = other_than(user).name if question.about == "other" else name
        match question.operation.partition(":")[2]:
            case "GetAccountSummary":
                return do(iam.get_account_summary).value
            case "GetUser":
                return do(iam.get_user, UserName=name).value
            case "ListVirtualMFADevices":
                return do(iam.list_virtual_mfa_devices).value
            case "ListMFADevices":
                return do(iam.list_mfa_devices, UserName=whom).value
            case "CreateVirtualMFADevice":
                second = question.about == "second"
                device = f"{user.device}-2" if second else user.device
                made = do(iam.create_virtual_mfa_device, VirtualMFADeviceName=device, Path=PATH).value
                virtual = made["VirtualMFADevice"]
                new = TotpDevice(virtual["SerialNumber"], virtual["Base32StringSeed"].decode())
                if second:
                    held.second = new
                else:
                    held.device = new
                return made
            case "ResyncMFADevice":
                return do(
                    iam.resync_mfa_device,
                    UserName=name,
                    SerialNumber=self._serial(user),
                    AuthenticationCode1="000000",
                    AuthenticationCode2="000001",
                ).value
            case "EnableMFADevice":
                return self._enable(question, do, iam)
            case "ChangePassword":
                new_password = f"{secrets.token_urlsafe(24)}aA1!"
                changed = do(iam.change_password, OldPassword=held.password, NewPassword=new_password).value
                held.password = new_password
                return changed
            case "CreateAccessKey":
                return do(iam.create_access_key, UserName=whom).value
            case "DeactivateMFADevice":
                serial = f"{self._arn}:mfa{PATH}{other_than(user).device}"
                return do(iam.deactivate_mfa_device, UserName=whom, SerialNumber=serial).value
            case _:
                raise ValueError(f"a proof does not ask {question.operation}")

    def _sts(self, question: ProofQuestion) -> Any:
        user, do, sts = question.user, self._calls(question).write, self._client("sts")
        held = self._of(user.name)
        match question.operation.partition(":")[2]:
            case "GetSessionToken":
                code = self._code(user)
                given = do(sts.get_session_token, DurationSeconds=SHORTEST, **code).value
                keys = given["Credentials"]
                held.session = UserKeys(
                    self._connection.chosen,
                    ReadOnlyCredentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]),
                )
                return given
            case "AssumeRole":
                code = self._code(user) if question.signed_by is SignedBy.CODE else {}
                role = f"{self._arn}:role{PATH}{self._names.role}"
                return do(
                    sts.assume_role,
                    RoleArn=role,
                    RoleSessionName=user.name[:64],
                    DurationSeconds=SHORTEST,
                    **code,
                ).value
            case "GetFederationToken":
                nothing = {"Effect": "Deny", "Action": "*", "Resource": "*"}
                policy = json.dumps({"Version": "2012-10-17", "Statement": [nothing]})
                return do(
                    sts.get_federation_token, Name="rollout-proof", Policy=policy, DurationSeconds=SHORTEST
                ).value
            case "GetWebIdentityToken":
                return do(
                    sts.get_web_identity_token, Audience=["rollout-proof"], SigningAlgorithm="ES384"
                ).value
            case "GetDelegatedAccessToken":
                return do(sts.get_delegated_access_token, TradeInToken="none").value
            case _:
                raise ValueError(f"a proof does not ask {question.operation}")

    def _other(self, question: ProofQuestion) -> Any:
        service, _, name = question.operation.partition(":")
        do, client = self._calls(question).write, self._client(service)
        match name:
            case "CreateBearerToken":
                return do(
                    client.create_bearer_token,
                    grantType="client_credentials",
                    resource="ecr.amazonaws.com",
                    durationSeconds=300,
                ).value
            case "ListResources":
                return do(client.list_resources, TypeName="AWS::SNS::Topic").value
            case _:
                return do(self._read(client, name)).value

    @staticmethod
    def _read(client: Any, name: str) -> Callable[..., Any]:
        reads = {
            "DescribeParameters": lambda: client.describe_parameters,
            "DescribeLogGroups": lambda: client.describe_log_groups,
            "DescribeRegions": lambda: client.describe_regions,
            "DescribeTrails": lambda: client.describe_trails,
            "ListBuckets": lambda: client.list_buckets,
            "ListKeys": lambda: client.list_keys,
            "ListQueues": lambda: client.list_queues,
            "ListTables": lambda: client.list_tables,
            "ListTopics": lambda: client.list_topics,
        }
        read: Callable[..., Any] = reads[name]()
        return read

    # --- People ---

    def sign_in(self, user: ProofUser) -> SignIn:
        """Return how a person signs in as one of the users."""
        _, partition, _, _, account = self._arn.split(":")
        console = CONSOLES.get(partition, CONSOLES["aws"])
        held = self._of(user.name)
        code = (lambda: self._code(user)["TokenCode"]) if held.device and held.device.used else None
        return SignIn(f"https://{account}.{console}", user.name, held.password, code)

    # --- How they are signed ---

    def _calls(self, question: ProofQuestion) -> Calls:
        return Calls(self._arn.split(":")[4], self._keys(question), self._retries, self._pace)

    def _keys(self, question: ProofQuestion) -> UserKeys:
        held = self._of(question.user.name)
        with_session = question.signed_by in (SignedBy.SESSION, SignedBy.URL_AFTER)
        keys = held.session if with_session else held.key
        if keys is None:
            raise _Cannot("there is no session with MFA" if with_session else "there is no access key")
        return keys

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._connection.as_chosen(service)
        return self._clients[service]

    def _serial(self, user: ProofUser) -> str:
        return f"{self._arn}:mfa{PATH}{user.device}"

    def _step(self) -> int:
        return int(self._clock.now().timestamp()) // STEP

    def _enable(self, question: ProofQuestion, do: Callable[..., Any], iam: Any) -> Any:
        """Enable a device by the codes of the last two steps; where AWS's time is another one, once more."""
        held = self._of(question.user.name)
        device = held.second if question.about == "second" else held.device
        if device is None:  # refused before; so is this, or the answer says why not
            device = TotpDevice(self._serial(question.user), pyotp.random_base32())
        for last in (False, True):
            step = self._step()
            try:
                enabled = do(
                    iam.enable_mfa_device,
                    UserName=question.user.name,
                    SerialNumber=device.serial,
                    AuthenticationCode1=device.code(step - 1),
                    AuthenticationCode2=device.code(step),
                ).value
            except CallFailed as failed:
                if last or failed.code != "InvalidAuthenticationCode":
                    raise
                self._wait_for_step(step + 1)
            else:
                device.used = step
                return enabled
        raise AssertionError("the last attempt either returns or raises")

    def _code(self, user: ProofUser) -> dict[str, str]:
        """Return the device and a code of it that was not used yet: AWS takes each code once, also one step early."""
        device = self._of(user.name).device
        if device is None or not device.used:
            raise _Cannot("no device could be enrolled")
        self._wait_for_step(device.used)
        device.used = max(self._step(), device.used + 1)
        return {"SerialNumber": device.serial, "TokenCode": device.code(device.used)}

    def _wait_for_step(self, step: int) -> None:
        while (missing := step * STEP - self._clock.now().timestamp()) > 0:
            self._retries.sleep(max(missing, 0.1))

    # --- Presigned URLs ---

    def _fetched(self, question: ProofQuestion) -> ProofAnswer:
        held, keys = self._of(question.user.name), self._keys(question)
        if question.signed_by not in held.urls:
            with keys.signing():
                url = self._client("s3").generate_presigned_url("list_buckets", HttpMethod="GET")
            held.urls[question.signed_by] = url
        try:
            got = self._http.send(AWSRequest("GET", held.urls[question.signed_by]).prepare())
        except HTTPClientError as problem:
            return ProofAnswer(HowAnswered.OTHER, type(problem).__name__)
        request_id = got.headers.get("x-amz-request-id", got.headers.get("x-amzn-RequestId", ""))
        code = _CODE.search(got.text)
        if got.status_code == 200:
            return ProofAnswer(HowAnswered.ALLOWED, request_id=request_id)
        denied = code is not None and code[1] == "AccessDenied"
        how = HowAnswered.DENIED if denied else HowAnswered.OTHER
        return ProofAnswer(how, code[1] if code else str(got.status_code), request_id)


class _Cannot(Exception):
    """A question cannot be asked, for a question before it was not answered as it needs."""


def _of_failure(failed: CallFailed) -> ProofAnswer:
    """Tell a denial from an error after the rights were weighed, and from one that tells nothing about them."""
    detail = one_line(failed.message)
    if failed.fault is Fault.DENIED and WRONG_CODE not in failed.message:
        how = HowAnswered.DENIED
    elif failed.fault is Fault.NOT_FOUND or failed.code in AFTER_THE_RIGHTS:
        how = HowAnswered.ALLOWED
    else:
        how = HowAnswered.OTHER
    return ProofAnswer(how, failed.code, failed.request_id, detail=detail)
