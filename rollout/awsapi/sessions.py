"""Creates the caller's boto3 Session and every client, so that all share one configuration.

See aws-facts.md#errors-and-retries, aws-facts.md#partitions-regions-endpoints.

A Session with its data loader costs 26 to 237 ms of CPU time per account, a client 7 ms. There is therefore one Session
and one IAM client for all member accounts; the client is thread-safe, and each call chooses its credentials
(`RoleCredentials`).
"""

from __future__ import annotations

import getpass
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar

import boto3
import botocore.session
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError
from botocore.utils import parse_timestamp

from rollout import __version__
from rollout.awsapi.endpoints import OwnHosts, credential_endpoints, host_of, refuse_foreign, refuse_insecure
from rollout.awsapi.failures import caller_failure
from rollout.awsapi.quick_answers import parse_quickly
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
"""The Region in which IAM and STS of a partition are always available (aws-facts.md#partitions-regions-endpoints)."""


class Guard(Protocol):
    """Checks every call before it is signed, and raises when the call must not be made."""

    def __call__(self, operation: str, params: dict[str, object]) -> None:
        """Raise `OperationNotAllowed` unless `rollout` may make this call."""


class RoleCredentials(Credentials):
    """Credentials chosen for each call in the calling thread; signing without a choice is an error."""

    def __init__(self) -> None:
        """Start with no keys chosen."""
        super().__init__("chosen-per-call", "chosen-per-call")
        self._chosen: ContextVar[ReadOnlyCredentials | None] = ContextVar("role credentials", default=None)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return the chosen keys to botocore's signer. Raises RuntimeError when none were chosen."""
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

    When neither the profile nor the environment sets a Region, the home Region of `partition` applies.
    `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>` work as in boto3. Where one is neither AWS's nor on this
    machine, making a client raises ForeignEndpoint, unless it is known to be right (`endpoint_ok`). Raises
    NoCredentials when the profile does not exist.
    """

    def __init__(
        self,
        *,
        profile: str | None = None,
        region: str | None = None,
        partition: str = "aws",
        pool: int = 64,
        timeouts: tuple[float, float] = (10, 60),
        ask_token_code: Callable[[str], str] = getpass.getpass,
        endpoint_ok: bool = False,
    ) -> None:
        """Create the Session; make no call and no client yet. `timeouts`: seconds to connect, and to read."""
        self._pool = pool
        self._timeouts = timeouts
        self._endpoint_ok = endpoint_ok
        self._making = threading.Lock()  # creating clients is not thread-safe; using them is
        self.endpoints: dict[str, str] = {}
        """The endpoint URL of each service used so far, for the log and `doctor`."""
        self._prefixes: dict[str, str] = {}
        try:
            self._core = _core_session(profile)
            configured = region or self._core.get_config_variable("region")
            self.region_chosen = bool(configured)
            self.region: str = configured or HOME_REGIONS.get(partition, HOME_REGIONS["aws"])
            # Set this first: the STS client that assumes the profile's own role needs a Region too.
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
        """Create an STS client that signs with the caller's credentials."""
        return self._make(lambda: self.session.client("sts", **self._options()))

    def organizations(self) -> OrganizationsClient:
        """Create an Organizations client that signs with the caller's credentials."""
        return self._make(lambda: self.session.client("organizations", **self._options()))

    def analyzer(self) -> AccessAnalyzerClient:
        """Create an IAM Access Analyzer client (a regional service) that signs with the caller's credentials."""
        return self._make(lambda: self.session.client("accessanalyzer", **self._options()))

    def s3(self) -> S3Client:
        """Create an S3 client that signs with the caller's credentials, for a store in a bucket."""
        return self._make(lambda: self.session.client("s3", **self._options()))

    def kms(self, region: str = "") -> Callable[..., Mapping[str, Any]]:
        """Return `GenerateMac` of a KMS client, signed with the caller's credentials; it gives up within seconds.

        `region` is that of the key, if its ARN names one.
        """
        config = self._config().merge(Config(connect_timeout=3, read_timeout=5))
        client: Any = self._make(
            lambda: self.session.client("kms", region_name=region or self.region, config=config)
        )
        method: Callable[..., Mapping[str, Any]] = client.generate_mac
        return method

    def for_notices(self, service: str, region: str = "", keys: Credentials | None = None) -> Any:
        """Create a client for notices: their channel, its secrets, or people.

        It signs with the caller's credentials, or with the `keys` of a role, which renew themselves.
        """
        session: Any = self.session  # its stubs want to know which service
        if keys is not None:
            core = _core_session(None)
            core.register_component("credential_provider", CredentialResolver([_OneProvider(keys)]))
            session = boto3.Session(botocore_session=core)
        return self._make(
            lambda: session.client(service, region_name=region or self.region, config=self._config())
        )

    def own_sign_in(self) -> Any:
        """Create an AWS Sign-In client that signs with the caller's credentials."""
        return self._sign_in(self.session)

    def role_sign_in(self) -> Any:
        """Create an AWS Sign-In client that signs with the keys that `self.chosen.use(...)` sets."""
        return self._sign_in(self._for_roles)

    def _sign_in(self, session: boto3.Session) -> Any:
        # It is seldom used: a network that lets nothing through to it is to be noticed soon.
        config = self._config().merge(Config(connect_timeout=3, read_timeout=10))
        client: Any = self._make(lambda: session.client("signin", region_name=self.region, config=config))
        url: str = client.meta.endpoint_url
        if not host_of(url).startswith(("signin.", "signin-fips.")):
            # For the operations of its control plane, botocore overlooks the endpoint that is configured.
            client.meta.events.register("before-call.signin", partial(_send_to, url))
        return client

    def own_iam(self, guard: Guard) -> IAMClient:
        """Create a guarded IAM client for the caller's own account and credentials (design.md#accounts)."""
        return self._guarded_iam(self.session, guard)

    def role_iam(self, guard: Guard) -> IAMClient:
        """Create a guarded IAM client for any account, which signs with the keys that `self.chosen.use(...)` sets."""
        return self._guarded_iam(self._for_roles, guard)

    def _guarded_iam(self, session: boto3.Session, guard: Guard) -> IAMClient:
        client = self._make(lambda: session.client("iam", **self._options()))
        parse_quickly(client, _instant)
        return _guarded(client, guard)

    def trail(self, region: str, *, own: bool) -> BaseClient:
        """Create a CloudTrail client for a Region: for the caller's `own` account, or for any, as `role_iam` does."""
        session: Any = self.session if own else self._for_roles
        client: BaseClient = self._make(
            lambda: session.client("cloudtrail", region_name=region, config=self._config())
        )
        return client

    def role_sts(self) -> STSClient:
        """Create an STS client for the second hop, which signs with the keys that `self.chosen.use(...)` sets."""
        return self._make(lambda: self._for_roles.client("sts", **self._options()))

    def as_chosen(self, service: str) -> Any:
        """Create a client of any service that signs with the keys that `self.chosen.use(...)` sets.

        For a proof, which asks as users that it has made; presigned URLs of S3 are as it makes them everywhere.
        """
        config = self._config().merge(Config(signature_version="s3v4")) if service == "s3" else self._config()
        return self._make(
            lambda: self._for_roles.client(service, region_name=self.region, config=config)  # type: ignore[call-overload]  # any service
        )

    def sts_with(self, keys: Mapping[str, str]) -> STSClient:
        """Create an STS client that signs with the keys of a profile (`aws_access_key_id`, …)."""
        session = boto3.Session(
            aws_access_key_id=keys.get("aws_access_key_id"),
            aws_secret_access_key=keys.get("aws_secret_access_key"),
            aws_session_token=keys.get("aws_session_token"),
        )
        return self._make(lambda: session.client("sts", **self._options()))

    @cached_property
    def own_hosts(self) -> OwnHosts:
        """The hosts of AWS's own endpoints in the partition of the Region."""
        partitions = self._core.get_data("partitions")["partitions"]
        fits = (each for each in partitions if re.match(each["regionRegex"], self.region))
        partition = next(fits, partitions[0])  # as botocore does: a Region that is new is one of `aws`
        outputs = partition["outputs"]
        return OwnHosts(
            (outputs["dnsSuffix"], outputs["dualStackDnsSuffix"]), partition["regionRegex"].strip("^$")
        )

    def is_own(self, service: str, url: str) -> bool:
        """Tell whether a URL is AWS's own endpoint of a service."""
        prefix = self._prefixes.get(service, service)
        return self.own_hosts.include(prefix, host_of(url))

    def profiles(self) -> Mapping[str, Mapping[str, str]]:
        """The profiles in the AWS configuration and credentials files, by name."""
        profiles: Mapping[str, Mapping[str, str]] = self._core.full_config.get("profiles", {})
        return profiles

    @property
    def asks_for_codes(self) -> bool:
        """Whether a profile on the way to the credentials may ask a person for a code, or start a program."""
        profiles, name = self.profiles(), self.session.profile_name
        seen: set[str] = set()
        while name and name not in seen:
            seen.add(name)
            profile = profiles.get(name, {})
            if {"mfa_serial", "credential_process"} & set(profile):
                return True
            name = profile.get("source_profile", "")
        return False

    def _make(self, make: Callable[[], Client]) -> Client:
        with self._making:
            try:
                self._refuse_configured()
                client = make()
            except BotoCoreError as error:
                raise caller_failure(error) from error
            except ValueError as error:  # botocore raises this when the endpoint is not a URL
                raise InsecureEndpoint(f"{error}", cure="correct AWS_ENDPOINT_URL") from error
        model, url = client.meta.service_model, client.meta.endpoint_url
        service = model.service_name
        refuse_insecure(service, url)
        self._prefixes[service] = model.endpoint_prefix
        if not self._endpoint_ok:
            refuse_foreign(model.endpoint_prefix, url, self.own_hosts)
        if self.endpoints.get(service) != url:
            self.endpoints[service] = url
            log.info("calling %s at %s", service, url)
        return client

    def _refuse_configured(self) -> None:
        """Look at the endpoints that botocore itself calls for credentials. Raises ForeignEndpoint."""
        core = self._core
        if self._endpoint_ok or core.get_config_variable("ignore_configured_endpoint_urls"):
            return
        profile = core.get_scoped_config()
        services = core.full_config.get("services", {}).get(profile.get("services"), {})
        for prefix, url in credential_endpoints(os.environ, profile, services):
            refuse_insecure(prefix, url)
            refuse_foreign(prefix, url, self.own_hosts)

    def _options(self) -> _Options:
        return {"region_name": self.region, "config": self._config()}

    def _config(self) -> Config:
        connect, read = self._timeouts
        return Config(
            # A fresh dict, because botocore writes into it. One attempt, because retries.py owns all retries
            # (aws-facts.md#errors-and-retries).
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=connect,
            read_timeout=read,
            max_pool_connections=self._pool,
            user_agent_extra=f"rollout/{__version__}",
        )


def partition_of(arn: str) -> str:
    """Return the partition, the second field of any ARN (aws-facts.md#partitions-regions-endpoints)."""
    return arn.split(":")[1]


def _core_session(profile: str | None) -> botocore.session.Session:
    core = botocore.session.Session(profile=profile)
    # botocore's timestamp parser accounts for half the cost of a page of 1,000 users.
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_instant)
    return core


def _instant(value: str) -> datetime:
    try:
        instant = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return parse_timestamp(value)  # seconds since 1970, as a number or text, and RFC 822 dates
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _prompt_by(core: botocore.session.Session, ask: Callable[[str], str]) -> None:
    """Ask for the token code that a profile with `mfa_serial` needs: once, since there is one Session.

    See aws-facts.md#cli-after-enforcement.
    """

    def prompt(question: str) -> str:
        try:
            return ask(question)
        except (EOFError, getpass.GetPassWarning) as error:
            raise NoCredentials(
                f"{question.strip().rstrip(':')}: there is no terminal to enter the code",
                cure="run aws sts get-session-token first, and use the temporary keys it prints",
            ) from error

    core.get_component("credential_provider").get_provider("assume-role")._prompter = prompt  # noqa: SLF001 - botocore has no other place for it


def _send_to(endpoint: str, *, params: dict[str, Any], **_: object) -> None:
    params["url"] = endpoint.rstrip("/") + str(params["url_path"])


def _guarded(client: Client, guard: Guard) -> Client:
    def look(*, params: dict[str, object], model: object, **_: object) -> None:
        guard(str(getattr(model, "name", "")), params)

    client.meta.events.register_last(f"provide-client-params.{client.meta.service_model.service_name}", look)
    return client
