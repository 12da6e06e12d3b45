"""Sends mails by Amazon SES, API v2, as fast as the account may (aws-facts.md#notification-channels)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollout.awsapi.failures import CallFailed, one_line
from rollout.awsapi.faults import Fault
from rollout.awsapi.retries import Retries
from rollout.domain.progress.messages import Delivery, Notice, Receipt
from rollout.errors import ChannelUnusable
from rollout.notify.aws_calls import ChannelCalls, unusable
from rollout.notify.building import ChannelSetup
from rollout.notify.mail import CannotBeMail, mail_of
from rollout.workflows.ports import AnswerLost, Notifier

TAG = "rollout-notice"
"""The message tag by which events of SES name a notice."""
_ABOUT_EVERYBODY = {
    "AccountSuspendedException": "AWS has suspended sending for this account: see its mails to you, or ask support",
    "SendingPausedException": "sending is paused: resume it in SES, for the account or the configuration set",
    "MailFromDomainNotVerifiedException": "verify the MAIL FROM domain of the identity in SES",
    "NotFoundException": "correct notify.ses_configuration_set",
    "LimitExceededException": "the quota of the day is used up: run the command again tomorrow, or ask for more",
}
_SANDBOX = (
    "ask for production access in this Region (aws sesv2 put-account-details --production-access-enabled …), or set"
    " notify.ses_region to where you have it; while in the sandbox, ses_sandbox: allowed sends to verified addresses"
)


def build(
    setup: ChannelSetup,
    *,
    ses_region: str | None,
    ses_role: str | None,
    ses_configuration_set: str | None,
    ses_sandbox: str,
    ses_events: str | None,  # noqa: ARG001 - read by whoever collects the events
) -> Ses:
    """Build the channel; nothing is called yet."""
    calls = ChannelCalls("sesv2", setup.clients("sesv2", ses_region or "", ses_role or ""))
    return Ses(setup, calls, ses_configuration_set or "", sandbox=ses_sandbox == "allowed")


class Ses(Notifier):
    """Sends one mail after the other with `SendEmail`, at the account's own rate (`MaxSendRate`).

    A mail whose answer was lost is sent again, with the same tag. SES gives its own Message-ID.
    """

    def __init__(
        self, setup: ChannelSetup, calls: ChannelCalls, configuration_set: str, *, sandbox: bool
    ) -> None:
        """Call nothing yet."""
        self._setup, self._calls = setup, calls
        self._configuration_set, self._sandbox = configuration_set, sandbox
        self.counts = setup.counts
        self._left: float | None = None
        self._unusable: ChannelUnusable | None = None

    @property
    def retries(self) -> Retries:
        """The retries of its calls."""
        return self._calls.retries

    def open(self) -> None:
        """Ask what the account may send, at first and when that is used up. Raises ChannelUnusable."""
        if self._unusable:
            raise self._unusable
        if self._left is not None and self._left >= 1:
            return
        try:
            account = self._calls.call("GetAccount", self._calls.client.get_account)
        except CallFailed as failed:
            raise unusable("SES does not say what may be sent", failed, "ses:GetAccount") from failed
        self._check(account)

    def _check(self, account: Mapping[str, Any]) -> None:
        quota = account.get("SendQuota", {})
        most, rate = float(quota.get("Max24HourSend", -1)), float(quota.get("MaxSendRate", -1))
        region = self._calls.client.meta.region_name
        if not account.get("SendingEnabled", False):
            raise ChannelUnusable(
                f"SES is not allowed to send in {region}", cure=_ABOUT_EVERYBODY["SendingPausedException"]
            )
        if not account.get("ProductionAccessEnabled", False) and not self._sandbox:
            raise ChannelUnusable(
                f"SES is in its sandbox in {region}: it sends to verified addresses only, {most:.0f} mails a day",
                cure=_SANDBOX,
            )
        # -1 is unlimited.
        self._left = float("inf") if most < 0 else most - float(quota.get("SentLast24Hours", 0))
        if self._left < 1:
            raise ChannelUnusable(
                f"all {most:.0f} mails that SES may send in 24 hours in {region} are used up",
                cure=_ABOUT_EVERYBODY["LimitExceededException"],
            )
        if rate > 0:
            self._calls.pace = self.retries.pace(rate)

    def send(self, notice: Notice) -> Receipt:
        """Send one mail."""
        try:
            mail = mail_of(notice, self._setup)
        except CannotBeMail as problem:
            return problem.receipt
        message: dict[str, Any] = {
            "FromEmailAddress": self._setup.sender,
            "Destination": {"ToAddresses": [notice.address]},
            "Content": {"Raw": {"Data": mail}},
            "EmailTags": [{"Name": TAG, "Value": notice.id}],
        }
        if self._configuration_set:
            message["ConfigurationSetName"] = self._configuration_set
        detail = ""
        for _ in range(self.retries.patience.attempts):
            try:
                answer = self._calls.call("SendEmail", lambda: self._calls.client.send_email(**message))
            except AnswerLost:
                detail = f"the answer got lost, and it was sent again with the same tag {TAG}"
            except CallFailed as failed:
                return self._refusal(failed)
            else:
                if self._left is not None:
                    self._left -= 1
                return Receipt(self._setup.delivery, str(answer["MessageId"]), detail)
        return Receipt(Delivery.REFUSED, detail="SES gave no answer")

    def _refusal(self, failed: CallFailed) -> Receipt:
        said = f"{failed.code}: {one_line(failed.message)}"
        cure = _ABOUT_EVERYBODY.get(failed.code)
        if cure or failed.fault is Fault.DENIED:
            self._unusable = unusable(
                "SES sends nothing", failed, "ses:SendEmail and ses:SendRawEmail", cure or ""
            )
        return Receipt(Delivery.REFUSED, detail=said, later=failed.fault is Fault.THROTTLED)
