"""Turns what botocore raises into our own words; nothing of botocore leaves this package.

See aws-facts.md#errors-and-retries, aws-facts.md#roles-and-least-privilege.
"""

from __future__ import annotations

from botocore.exceptions import (
    CredentialRetrievalError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    RefreshWithMFAUnsupportedError,
    SSOError,
    TokenRetrievalError,
    UnknownCredentialError,
)

from rollout.awsapi.faults import Fault, code_of, fault_of, request_id_of, said_by
from rollout.errors import AwsFailure, ExpiredCredentials, NoCredentials, RolloutError

SESSION_ENDED = (
    SSOError,
    LoginError,
    TokenRetrievalError,
    NoAuthTokenError,
    RefreshWithMFAUnsupportedError,
)
NO_SESSION = (
    ProfileNotFound,
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    UnknownCredentialError,
)
SIGN_IN = "sign in again (aws sso login, aws login, or a fresh aws sts get-session-token), then run the same command"
NO_KEYS = "set AWS_PROFILE or pass --profile, or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


class CallFailed(Exception):
    """One AWS call failed for good; the modules of this package decide what that means to the account.

    `fault` says of what kind it is, `code` and `said` are AWS's own words, `attempts` how often it was tried,
    `request_id` what AWS support asks for; empty where nothing answered.
    """

    def __init__(
        self,
        operation: str,
        account_id: str,
        fault: Fault,
        code: str,
        said: str,
        attempts: int = 1,
        request_id: str = "",
    ) -> None:
        """Keep AWS's words; botocore's exception stays behind."""
        self.operation = operation
        self.account_id = account_id
        self.fault = fault
        self.code = code
        self.said = said
        self.attempts = attempts
        self.request_id = request_id
        super().__init__(self.sentence)

    @classmethod
    def of(cls, error: Exception, operation: str, account_id: str, attempts: int = 1) -> CallFailed:
        """Read an error of botocore's."""
        return cls(
            operation,
            account_id,
            fault_of(error),
            code_of(error),
            said_by(error),
            attempts,
            request_id_of(error),
        )

    @classmethod
    def missing(cls, operation: str, account_id: str) -> CallFailed:
        """The endpoint is known not to offer the operation: it was not asked again."""
        return cls(operation, account_id, Fault.NOT_OFFERED, "NotOffered", "asked before", attempts=0)

    @property
    def not_offered(self) -> bool:
        """Tell whether this endpoint has no such operation: a finding, not a missing fact (design.md#verdicts)."""
        return self.fault in {Fault.NOT_OFFERED, Fault.UNPARSABLE}

    @property
    def short(self) -> str:
        """`GetLoginProfile: AccessDenied`: the operation and the code."""
        if self.not_offered:
            return f"{self.operation}: not offered by this endpoint"
        return f"{self.operation}: {self.code}"

    @property
    def sentence(self) -> str:
        """All that is known, on one line."""
        tries = f" (after {self.attempts} attempts)" if self.attempts > 1 else ""
        where = f" in account {self.account_id}" if self.account_id else ""
        return f"{self.operation}{where}: {self.code}: {one_line(self.said)}{tries}"

    @property
    def cure(self) -> str:
        """What to do about it."""
        match self.fault:
            case Fault.DENIED:
                return f"allow the action of {self.operation} to this identity, and look for a service control policy"
            case Fault.THROTTLED:
                return "AWS is throttling: run again later, or with fewer accounts side by side (engine.max_accounts)"
            case Fault.UNSENT | Fault.UNANSWERED:
                return "check the network, the proxy and AWS_ENDPOINT_URL, then run again"
            case Fault.EXPIRED:
                return SIGN_IN
            case Fault.UNKNOWN_KEYS:
                return (
                    "the keys are deleted, inactive, mistyped or of another partition: set profile and Region"
                )
            case _:
                return ""


def one_line(text: str) -> str:
    """Fold a text of any number of lines into one."""
    return " ".join(text.split())


def caller_failure(error: Exception, operation: str = "", account_id: str = "") -> RolloutError:
    """Say what an error with the caller's own credentials or network means to the whole command."""
    what = f"{operation}: " if operation else ""
    said = one_line(str(error))
    match error:
        case ProfileNotFound():
            return NoCredentials(
                f"{what}{said}", cure="run `aws configure list-profiles`, then set AWS_PROFILE"
            )
        case NoCredentialsError():
            return NoCredentials(f"{what}no AWS credentials were found", cure=NO_KEYS)
        case PartialCredentialsError():
            return NoCredentials(f"{what}{said}", cure=NO_KEYS)
        case CredentialRetrievalError() | UnknownCredentialError():
            return NoCredentials(f"{what}{said}", cure="run the credential process by hand to see why")
        case NoRegionError():
            return AwsFailure(f"{what}no AWS Region is set", cure="set AWS_DEFAULT_REGION")
        case _ if isinstance(error, SESSION_ENDED):
            return ExpiredCredentials(f"{what}{said}", cure=SIGN_IN)
        case _:
            return ending_of(CallFailed.of(error, operation or "AWS", account_id))


def ending_of(failed: CallFailed) -> RolloutError:
    """Say what a failed call means that the whole command depends on."""
    if failed.fault is Fault.EXPIRED:
        return ExpiredCredentials(f"the AWS session of the caller has ended ({failed.short})", cure=SIGN_IN)
    if failed.fault is Fault.UNKNOWN_KEYS:
        return NoCredentials(f"AWS does not accept the credentials ({failed.sentence})", cure=failed.cure)
    if failed.fault is Fault.UNSENT:
        return AwsFailure(f"cannot reach AWS: {failed.sentence}", cure=failed.cure)
    return AwsFailure(failed.sentence, cure=failed.cure)


def is_about_caller(error: Exception) -> bool:
    """Tell whether an error says that the caller has no usable credentials; no account can be worked on then."""
    return isinstance(error, (*SESSION_ENDED, *NO_SESSION, NoRegionError))
