"""Makes the caller's one boto3 Session and every client, and says where they talk to.

See aws-facts.md#errors-and-retries, aws-facts.md#partitions-regions-endpoints.

A Session and its data loader cost 26 to 237 ms of CPU an account, a client 7 ms. So there is one Session, and one
IAM client for all member accounts: it is thread-safe, and each call chooses its credentials (`RoleCredentials`).
"""

from __future__ import annotations

import getpass
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypedDict, TypeVar

import boto3
import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError
from botocore.utils import parse_timestamp

from rollout import __version__
from rollout.awsapi.endpoints import refuse_insecure
from rollout.awsapi.failures import caller_failure
from rollout.errors import InsecureEndpoint, NoCredentials

if TYPE_CHECKING:
    from mypy_boto3_accessanalyzer import AccessAnalyzerClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

Client = TypeVar("Client", bound=BaseClient)


class _Options(TypedDict):
    region_name: str
    config: Config


log = logging.getLogger(__name__)

HOME_REGIONS = {
    "aws": "us-east-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-cn": "cn-north-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}
"""Where IAM and STS of a partition can always be asked (aws-facts.md#partitions-regions-endpoints)."""


class Guard(Protocol):
    """Looks at every call before it is signed, and raises on one that must not be made."""

    def __call__(self, operation: str, params: dict[str, object]) -> None:
        """Raise `OutsideTheTable` unless the operation is ours to call."""


class RoleCredentials(Credentials):
    """Credentials that are chosen call by call, in the calling thread; signing without a choice is an error."""

    def __init__(self) -> None:
        """Start without a choice."""
        super().__init__("chosen-per-call", "chosen-per-call")
        self._chosen: ContextVar[ReadOnlyCredentials | None] = ContextVar("role credentials", default=None)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Hand botocore's signer the chosen keys."""
        chosen = self._chosen.get()
        if chosen is None:
            raise RuntimeError("no role session was chosen for this call")
        return chosen

    @contextmanager
    def use(self, keys: ReadOnlyCredentials) -> Iterator[None]:
        """Sign with these keys while the block runs, in this thread only."""
        token = self._chosen.set(keys)
        try:
            yield
        finally:
            self._chosen.reset(token)


class _OneProvider(CredentialProvider):
    METHOD = "rollout-role-sessions"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials:
        return self._credentials


class Connection:
    """The caller's Session and its clients; safe to share between threads.

    Without a Region in the profile or the environment, the home Region of `partition` is used. `AWS_ENDPOINT_URL`
    and `AWS_ENDPOINT_URL_<SERVICE>` are honoured as boto3 does. Raises NoCredentials when the profile does not exist.
    """

    def __init__(
        self,
        *,
        profile: str | None = None,
        region: str | None = None,
        partition: str = "aws",
        pool: int = 64,
        connect_timeout: float = 10,
        read_timeout: float = 60,
        ask_token_code: Callable[[str], str] = getpass.getpass,
    ) -> None:
        """Make the Session; no call is made, and no client yet."""
        self._pool = pool
        self._timeouts = (connect_timeout, read_timeout)
        self._making = threading.Lock()  # making clients is not thread-safe, using them is
        self.endpoints: dict[str, str] = {}
        """The effective endpoint of each service asked so far, for the log and `doctor`."""
        try:
            self._core = _core_session(profile)
            configured = region or self._core.get_config_variable("region")
            self.region_chosen = bool(configured)
            self.region: str = configured or HOME_REGIONS.get(partition, HOME_REGIONS["aws"])
            # Before anything else: the STS client that takes the profile's own role wants a Region too.
            self._core.set_config_variable("region", self.region)
            _prompt_by(self._core, ask_token_code)
            self.session = boto3.Session(botocore_session=self._core)
        except BotoCoreError as error:
            raise caller_failure(error) from error
        self.chosen = RoleCredentials()
        core = _core_session(profile)
        core.register_component("credential_provider", CredentialResolver([_OneProvider(self.chosen)]))
        self._for_roles = boto3.Session(botocore_session=core)

    def sts(self) -> STSClient:
        """The caller's STS."""
        return self._make(lambda: self.session.client("sts", **self._options()))

    def organizations(self) -> OrganizationsClient:
        """The caller's Organizations."""
        return self._make(lambda: self.session.client("organizations", **self._options()))

    def analyzer(self) -> AccessAnalyzerClient:
        """The caller's Access Analyzer, which is regional."""
        return self._make(lambda: self.session.client("accessanalyzer", **self._options()))

    def s3(self) -> S3Client:
        """The caller's S3, for a store that is a bucket."""
        return self._make(lambda: self.session.client("s3", **self._options()))

    def own_iam(self, guard: Guard) -> IAMClient:
        """IAM of the caller's own account, signed with the caller's own keys, behind the guard (design.md#accounts)."""
        return _guarded(self._make(lambda: self.session.client("iam", **self._options())), guard)

    def role_iam(self, guard: Guard) -> IAMClient:
        """IAM of any account, signed with the keys that `self.chosen.use(...)` chooses."""
        return _guarded(self._make(lambda: self._for_roles.client("iam", **self._options())), guard)

    def role_sts(self) -> STSClient:
        """STS, signed with the keys that `self.chosen.use(...)` chooses: the second hop."""
        return self._make(lambda: self._for_roles.client("sts", **self._options()))

    def sts_with(self, keys: Mapping[str, str]) -> STSClient:
        """STS, signed with the keys of a profile (`aws_access_key_id`, …)."""
        session = boto3.Session(
            aws_access_key_id=keys.get("aws_access_key_id"),
            aws_secret_access_key=keys.get("aws_secret_access_key"),
            aws_session_token=keys.get("aws_session_token"),
        )
        return self._make(lambda: session.client("sts", **self._options()))

    def dns_suffixes(self) -> frozenset[str]:
        """Under which names AWS itself answers, in every partition."""
        outputs = (partition["outputs"] for partition in self._core.get_data("partitions")["partitions"])
        suffixes = (each.get(key) for each in outputs for key in ("dnsSuffix", "dualStackDnsSuffix"))
        return frozenset(suffix for suffix in suffixes if suffix)

    def profiles(self) -> Mapping[str, Mapping[str, str]]:
        """The profiles of the AWS configuration and credentials files, by name."""
        profiles: Mapping[str, Mapping[str, str]] = self._core.full_config.get("profiles", {})
        return profiles

    def _make(self, make: Callable[[], Client]) -> Client:
        with self._making:
            try:
                client = make()
            except BotoCoreError as error:
                raise caller_failure(error) from error
            except ValueError as error:  # botocore's word for an endpoint that is no URL
                raise InsecureEndpoint(f"{error}", cure="mend AWS_ENDPOINT_URL") from error
        service, url = client.meta.service_model.service_name, client.meta.endpoint_url
        refuse_insecure(service, url)
        if self.endpoints.get(service) != url:
            self.endpoints[service] = url
            log.info("%s is asked at %s", service, url)
        return client

    def _options(self) -> _Options:
        return {"region_name": self.region, "config": self._config()}

    def _config(self) -> Config:
        connect, read = self._timeouts
        return Config(
            # A fresh dict: botocore writes into it. One attempt: retries.py owns them all
            # (aws-facts.md#errors-and-retries).
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=connect,
            read_timeout=read,
            max_pool_connections=self._pool,
            user_agent_extra=f"rollout/{__version__}",
        )


def partition_of(arn: str) -> str:
    """The partition is the second field of any ARN (aws-facts.md#partitions-regions-endpoints)."""
    return arn.split(":")[1]


def _core_session(profile: str | None) -> botocore.session.Session:
    core = botocore.session.Session(profile=profile)
    # botocore's timestamp parser is half of what a page of 1,000 users costs.
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_instant)
    return core


def _instant(value: str) -> datetime:
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return parse_timestamp(value)  # seconds since 1970, as number or text, and the form of RFC 822
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _prompt_by(core: botocore.session.Session, ask: Callable[[str], str]) -> None:
    """A profile with `mfa_serial` asks for a token code: once, since there is one Session.

    See aws-facts.md#cli-after-enforcement.
    """

    def prompt(question: str) -> str:
        try:
            return ask(question)
        except (EOFError, getpass.GetPassWarning) as error:
            raise NoCredentials(
                f"{question.strip().rstrip(':')}: there is no terminal to enter it at",
                cure="take a session first (aws sts get-session-token), and use its keys",
            ) from error

    core.get_component("credential_provider").get_provider("assume-role")._prompter = prompt  # noqa: SLF001 - botocore has no other place for it


def _guarded(client: Client, guard: Guard) -> Client:
    def look(*, params: dict[str, object], model: object, **_: object) -> None:
        guard(str(getattr(model, "name", "")), params)

    client.meta.events.register_last(f"provide-client-params.{client.meta.service_model.service_name}", look)
    return client
