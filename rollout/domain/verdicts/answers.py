"""Evaluates the policies of a user, once for all users whom they do not distinguish."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rollout.domain.iam import (
    Allowed,
    Deciding,
    Document,
    ExplicitlyDenied,
    ImplicitlyDenied,
    Undecided,
    beyond,
    left_open,
)
from rollout.domain.people.users import User
from rollout.domain.verdicts.enrolment_check import (
    Able,
    Enrolment,
    Ways,
    covered,
    enrolment,
    session_obstacle,
    ways,
)
from rollout.domain.verdicts.requests import AnsweredRequest, Asker, RequestEnvironment
from rollout.domain.verdicts.rights import Library, UserRights, short
from rollout.domain.verdicts.verdict import MatrixRow


@dataclass(frozen=True, slots=True)
class Answers:
    """The results of evaluation: which documents cover the user, and whether the user can enrol.

    `covered_by` is empty where the documents leave more open than `rules.covered_may_leave_open`; `left_open` names
    what is open without MFA beyond what ForceMFA itself leaves open, and `too_open` what of it is not accepted.

    `under_force_mfa` and `today` say in which ways a user can enrol with ForceMFA attached and as things are.
    `password` says whether a user without a device can set a new password under ForceMFA, and `aws_login` whether a
    user who has signed in with MFA can use `aws login`.
    `no_session` says what may deny the console session under ForceMFA; empty if nothing does, or where identity
    policies are not weighed for it.
    """

    covered_by: tuple[str, ...]
    under_force_mfa: Ways
    today: Ways
    password: Enrolment
    aws_login: bool
    matrix: tuple[MatrixRow, ...]
    left_open: tuple[str, ...] = ()
    too_open: tuple[str, ...] = ()
    no_session: str = ""


class Examiner:
    """Evaluates users against one ForceMFA document; users with the same policies share their answers."""

    def __init__(
        self,
        world: RequestEnvironment,
        force_mfa: Document,
        library: Library,
        may_leave_open: tuple[str, ...] = (),
        *,
        weighs_sign_in: bool = False,
    ) -> None:
        """Start without answers. Others' policies may leave open `may_leave_open` and what `force_mfa` leaves open.

        `weighs_sign_in`: console authorization is on in the account.
        """
        denials = [statement for statement in force_mfa.statements if statement.effect == "Deny"]
        self._open_by_us = left_open(denials)
        self.may_leave_open = (*may_leave_open, *self._open_by_us)
        """What a policy of others may leave open without MFA, and still count as enforcing it."""
        self._weighs_sign_in = weighs_sign_in
        self._world = world
        self._library = library
        self._force_mfa = force_mfa
        self._remembered: dict[object, Answers] = {}

    def examine(self, user: User, rights: UserRights) -> Answers:
        """Answer everything that a verdict depends on, from earlier answers where the same policies matter."""
        rights = replace(rights, identity=tuple(filter(self._library.matters, rights.identity)))
        documents = (*rights.identity, *(level for levels in rights.scps or () for level in levels))
        if rights.boundary is not None:
            documents = (*documents, rights.boundary)
        if not all(self._library.says_same_for_all(document) for document in documents):
            return self._ask(user, rights)
        key = (user.account_id, user.path == "/", rights.identity, rights.boundary, rights.scps)
        answers = self._remembered.get(key)
        if answers is None:
            answers = self._remembered[key] = self._ask(user, rights)
        return answers

    def _ask(self, user: User, rights: UserRights) -> Answers:
        asker = Asker(user, self._world)
        cover = tuple(asker.denials(rights.policies()))
        by = covered(cover)
        open_too = beyond(asker.left_open(rights.policies()), self._open_by_us) if by else ()
        too_open = beyond(open_too, self.may_leave_open)
        forced = rights.policies(self._force_mfa)
        enrol, passkey = tuple(asker.enrolment(forced)), tuple(asker.passkey(forced))
        now = rights.policies()
        today = ways(asker.enrolment(now), asker.passkey(now))
        login = tuple(asker.aws_login(forced))
        session = tuple(asker.console_session(forced)) if self._weighs_sign_in else ()
        asked = {"cover": cover, "enrol": enrol, "passkey": passkey, "aws-login": login, "session": session}
        return Answers(
            covered_by=() if too_open else by,
            under_force_mfa=ways(enrol, passkey),
            today=today,
            password=enrolment(asker.password_change(forced)),
            aws_login=enrolment(login).able is Able.YES,
            matrix=tuple(row for question, answers in asked.items() for row in _rows(question, answers)),
            left_open=open_too,
            too_open=too_open,
            no_session=session_obstacle(session),
        )


def _rows(question: str, answers: Iterable[AnsweredRequest]) -> Iterable[MatrixRow]:
    for asked in answers:
        decision = asked.decision
        because = "; ".join(dict.fromkeys(_say(statement) for statement in decision.because))
        match decision:
            case Undecided(unknown=unknown):
                because = f"depends on {', '.join(unknown)}" + (f"; {because}" if because else "")
            case ImplicitlyDenied(silent=silent):
                because = f"no Allow in {' and '.join(layer.name for layer in silent)}"
            case Allowed() | ExplicitlyDenied():
                pass
        yield MatrixRow(question, asked.action, asked.mfa, type(decision).__name__, because)


def _say(statement: Deciding) -> str:
    return f"{statement.sid or f'statement {statement.index + 1}'} in {short(statement.document)}"
