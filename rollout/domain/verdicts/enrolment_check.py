"""Decides whether, and in which ways, a user can enrol a device: by evaluating policies, never by their names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rollout.domain.iam import Allowed, Decision, ExplicitlyDenied, ImplicitlyDenied, Undecided
from rollout.domain.verdicts.requests import SESSION_TOKEN, AnsweredRequest
from rollout.domain.verdicts.verdict import EnrolmentWay


class Able(StrEnum):
    """Whether something is possible, as far as can be known."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Whether the user can enrol, and in words what prevents it.

    `only_identity`: nothing prevents it but the lack of an Allow in the user's own policies.
    """

    able: Able
    obstacle: str = ""
    only_identity: bool = False


@dataclass(frozen=True, slots=True)
class Ways:
    """Whether each kind of device can be enrolled: an app with access keys, an app or a passkey on the console.

    The console needs a password.
    """

    app_by_keys: Enrolment
    app_on_console: Enrolment
    passkey: Enrolment

    def app(self, *, console: bool) -> Enrolment:
        """Tell whether an authenticator app can be enrolled by a user with, or without, a password."""
        return self.app_on_console if console else self.app_by_keys

    def open_to(self, *, console: bool) -> tuple[EnrolmentWay, ...]:
        """List the ways that are certainly open."""
        app = (EnrolmentWay.APP,) if self.app(console=console).able is Able.YES else ()
        return (*app, EnrolmentWay.PASSKEY) if console and self.passkey.able is Able.YES else app

    def enrolment(self, *, console: bool) -> Enrolment:
        """Combine the ways: one that is open is enough. `only_identity` goes by the authenticator app."""
        if self.open_to(console=console):
            return Enrolment(Able.YES)
        app = self.app(console=console)
        if app.able is not Able.NO or self.passkey.able is Able.NO:
            return app
        if console:
            return self.passkey
        why = f"{app.obstacle}; a passkey is registered on the console, and there is no password for it"
        return Enrolment(Able.NO, why, app.only_identity)


def ways(app: Iterable[AnsweredRequest], passkey: Iterable[AnsweredRequest]) -> Ways:
    """Combine the answers to the steps of enrolling an app, in both states of MFA, and a passkey."""
    app = tuple(app)
    by_keys = (asked for asked in app if asked.mfa == "absent")
    # Whoever enrols on the console uses the codes with access keys, too.
    on_console = (asked for asked in app if asked.mfa == "false" or asked.action == SESSION_TOKEN)
    return Ways(enrolment(by_keys), enrolment(on_console), enrolment(passkey))


def enrolment(answers: Iterable[AnsweredRequest]) -> Enrolment:
    """Combine the answers: one refused step makes enrolling impossible, one undecided step makes it unknown."""
    doubt = ""
    for asked in answers:
        if asked.action == SESSION_TOKEN and not _may_be_denied(asked.decision):
            continue
        match asked.decision:
            case Allowed():
                continue
            case ExplicitlyDenied(because=because):
                return Enrolment(Able.NO, f"{asked.action} is denied by {because[0]}")
            case ImplicitlyDenied(silent=silent):
                layers = " and ".join(layer.name for layer in silent)
                only_identity = [layer.kind for layer in silent] == ["identity"]
                return Enrolment(Able.NO, f"{asked.action} is not allowed by {layers}", only_identity)
            case Undecided(unknown=unknown):
                doubt = (
                    doubt
                    or f"{asked.action} depends on {', '.join(unknown)}, which cannot be known in advance"
                )
    return Enrolment(Able.UNKNOWN, doubt) if doubt else Enrolment(Able.YES)


def session_obstacle(answers: Iterable[AnsweredRequest]) -> str:
    """Say what may deny the console session; empty if nothing does. AWS names a Deny only, no need of an Allow."""
    for asked in answers:
        match asked.decision:
            case ExplicitlyDenied(because=because):
                return f"{asked.action} is denied by {because[0]}"
            case Undecided() if _may_be_denied(asked.decision):
                return f"{asked.action} may be denied, depending on {', '.join(asked.decision.unknown)}"
            case _:
                continue
    return ""


def _may_be_denied(decision: Decision) -> bool:
    """Tell whether a Deny may apply: an action that needs no permission fails only by an explicit Deny."""
    if isinstance(decision, Undecided):
        return "ExplicitlyDenied" in decision.possible
    return isinstance(decision, ExplicitlyDenied)


def covered(answers: Iterable[AnsweredRequest]) -> tuple[str, ...]:
    """Name the documents that deny every probe without MFA; empty as soon as one probe is not denied."""
    sources: dict[str, None] = {}
    for asked in answers:
        if not isinstance(asked.decision, ExplicitlyDenied):
            return ()
        sources.setdefault(asked.decision.because[0].document)
    return tuple(sources)
