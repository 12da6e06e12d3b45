"""Evaluates the policies of a user, once for all users whom they do not distinguish."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rollout.domain.iam import Allowed, Deciding, Document, ExplicitlyDenied, ImplicitlyDenied, Undecided
from rollout.domain.people.users import User
from rollout.domain.verdicts.enrolment_check import Enrolment, covered, enrolment
from rollout.domain.verdicts.requests import AnsweredRequest, Asker, RequestEnvironment
from rollout.domain.verdicts.rights import Library, UserRights, short
from rollout.domain.verdicts.verdict import MatrixRow


@dataclass(frozen=True, slots=True)
class Answers:
    """The results of evaluation: which documents cover the user, and whether the user can enrol.

    `under_force_mfa` and `today` say whether the user can enrol with ForceMFA attached and as things are. `password`
    says whether a user without a device can set a new password under ForceMFA.
    """

    covered_by: tuple[str, ...]
    under_force_mfa: Enrolment
    today: Enrolment
    password: Enrolment
    matrix: tuple[MatrixRow, ...]


class Examiner:
    """Evaluates users against one ForceMFA document; users with the same policies share their answers."""

    def __init__(self, world: RequestEnvironment, force_mfa: Document, library: Library) -> None:
        """Start without answers."""
        self._world = world
        self._library = library
        self._force_mfa = force_mfa
        self._remembered: dict[object, Answers] = {}

    def examine(self, user: User, rights: UserRights) -> Answers:
        """Answer everything that a verdict depends on, from earlier answers where the policies are the same."""
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
        forced = rights.policies(self._force_mfa)
        enrol = tuple(asker.enrolment(forced))
        today = enrolment(asker.enrolment(rights.policies()))
        matrix = tuple(_rows("cover", cover)) + tuple(_rows("enrol", enrol))
        password = enrolment(asker.password_change(forced))
        return Answers(covered(cover), enrolment(enrol), today, password, matrix)


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
