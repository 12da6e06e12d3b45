"""Translates botocore's exceptions into our own, so that none of them leaves this package.

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

from rollout.awsapi.faults import Fault, code_of, fault_of, message_of, request_id_of
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
CLOCK_IS_OFF = ("Signature expired", "Signature not yet current")
"""Messages of `SignatureDoesNotMatch` that are about the clock of this machine."""
SYNCHRONISE = "synchronise this machine's clock: AWS refuses requests that are more than five minutes off"
NO_KEYS = "set AWS_PROFILE or pass --profile, or export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


class CallFailed(Exception):
    """One AWS call failed for good; the caller decides what that means for the account.

    `fault` is the kind of failure, `code` and `message` are AWS's error code and message, `attempts` is the number of
    requests sent (0 when none was), `request_id` is what AWS support asks for ("" without a response).
    """

    def __init__(
        self,
        operation: str,
        account_id: str,
        fault: Fault,
        code: str,
        message: str,
        attempts: int = 1,
        request_id: str = "",
    ) -> None:
        """Keep AWS's code and message, but not botocore's exception."""
        self.operation = operation
        self.account_id = account_id
        self.fault = fault
        self.code = code
        self.message = message
        self.attempts = attempts
        self.request_id = request_id
        super().__init__(self.sentence)

    @classmethod
    def of(cls, error: Exception, operation: str, account_id: str, attempts: int = 1) -> CallFailed:
        """Translate one of botocore's exceptions."""
        return cls(
            operation,
            account_id,
            fault_of(error),
            code_of(error),
            message_of(error),
            attempts,
            request_id_of(error),
        )

    @classmethod
    def missing(cls, operation: str, account_id: str) -> CallFailed:
        """Describe a call that was not sent, because the endpoint is known not to offer the operation."""
        return cls(
            operation,
            account_id,
            Fault.NOT_OFFERED,
            "NotOffered",
            "this endpoint rejected the operation before",
            attempts=0,
        )

    @property
    def not_offered(self) -> bool:
        """Whether this endpoint lacks the operation: a finding, not a missing fact (design.md#verdicts)."""
        return self.fault in {Fault.NOT_OFFERED, Fault.UNPARSABLE}

    @property
    def short(self) -> str:
        """The operation and the error code, such as `GetLoginProfile: AccessDenied`."""
        if self.not_offered:
            return f"{self.operation}: not offered by this endpoint"
        return f"{self.operation}: {self.code}"

    @property
    def sentence(self) -> str:
        """Operation, account, code, message and number of attempts, on one line."""
        tries = f" (after {self.attempts} attempts)" if self.attempts > 1 else ""
        where = f" in account {self.account_id}" if self.account_id else ""
        return f"{self.operation}{where}: {self.code}: {one_line(self.message)}{tries}"

    @property
    def cure(self) -> str:
        """What the operator should do; empty when there is no general advice."""
        match self.fault:
            case Fault.DENIED:
                return f"allow this identity to call {self.operation}, and check the service control policies"
            case Fault.THROTTLED:
                return "AWS is throttling: run again later, or work on fewer accounts at once (engine.max_accounts)"
            case Fault.UNSENT | Fault.UNANSWERED:
                return "check the network, the proxy and AWS_ENDPOINT_URL, then run again"
            case Fault.EXPIRED:
                return SIGN_IN
            case Fault.UNKNOWN_KEYS if any(words in self.message for words in CLOCK_IS_OFF):
                return SYNCHRONISE
            case Fault.UNKNOWN_KEYS:
                return (
                    "the access key was deleted, deactivated or mistyped, or belongs to another partition: "
                    "check the profile and the Region"
                )
            case _:
                return ""


def one_line(text: str) -> str:
    """Collapse all white space, so that the text fits on one line."""
    return " ".join(text.split())


def caller_failure(error: Exception, operation: str = "", account_id: str = "") -> RolloutError:
    """Translate an error with the caller's own credentials or network, which ends the whole command."""
    what = f"{operation}: " if operation else ""
    message = one_line(str(error))
    match error:
        case ProfileNotFound():
            return NoCredentials(
                f"{what}{message}",
                cure="run `aws configure list-profiles`, then set AWS_PROFILE to one of them",
            )
        case NoCredentialsError():
            return NoCredentials(f"{what}no AWS credentials were found", cure=NO_KEYS)
        case PartialCredentialsError():
            return NoCredentials(f"{what}{message}", cure=NO_KEYS)
        case CredentialRetrievalError() | UnknownCredentialError():
            return NoCredentials(
                f"{what}{message}", cure="run the credential process by hand to see why it fails"
            )
        case NoRegionError():
            return AwsFailure(f"{what}no AWS Region is set", cure="set AWS_DEFAULT_REGION")
        case _ if isinstance(error, SESSION_ENDED):
            return ExpiredCredentials(f"{what}{message}", cure=SIGN_IN)
        case _:
            return fatal_error_of(CallFailed.of(error, operation or "AWS", account_id))


def fatal_error_of(failed: CallFailed) -> RolloutError:
    """Translate a failed call that the whole command depends on into the error that ends the command."""
    if failed.fault is Fault.EXPIRED:
        return ExpiredCredentials(f"your AWS session has expired ({failed.short})", cure=SIGN_IN)
    if failed.fault is Fault.UNKNOWN_KEYS:
        return NoCredentials(f"AWS does not accept the credentials ({failed.sentence})", cure=failed.cure)
    if failed.fault is Fault.UNSENT:
        return AwsFailure(f"cannot reach AWS: {failed.sentence}", cure=failed.cure)
    return AwsFailure(failed.sentence, cure=failed.cure)


def is_about_caller(error: Exception) -> bool:
    """Tell whether an error says that the caller has no usable credentials; no account can be worked on then."""
    return isinstance(error, (*SESSION_ENDED, *NO_SESSION, NoRegionError))
