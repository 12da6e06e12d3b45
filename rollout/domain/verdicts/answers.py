"""What evaluation says of a user, asked once for all users whom the policies cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rollout.domain.iam import Deciding, Decision, Document
from rollout.domain.people.users import User
from rollout.domain.verdicts.enrolment_check import Enrolment, covered, enrolment
from rollout.domain.verdicts.requests import Asked, Asker, World
from rollout.domain.verdicts.rights import Library, Rights, short
from rollout.domain.verdicts.verdict import Row


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that evaluation says: by what the user is covered, and can they enrol under ForceMFA, and today.

    `password` is whether they can set a new password under ForceMFA before they have a device.
    """

    covered_by: tuple[str, ...]
    under_force_mfa: Enrolment
    today: Enrolment
    password: Enrolment
    matrix: tuple[Row, ...]


class Examiner:
    """Evaluates users against one set of documents of ours, and remembers the answers of those who are alike."""

    def __init__(self, world: World, force_mfa: Document, library: Library) -> None:
        """Remember nothing yet."""
        self._world = world
        self._library = library
        self._force_mfa = force_mfa
        self._remembered: dict[object, Answers] = {}

    def examine(self, user: User, rights: Rights) -> Answers:
        """Ask everything that a verdict turns on, or hand out what was answered for somebody alike."""
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

    def _ask(self, user: User, rights: Rights) -> Answers:
        asker = Asker(user, self._world)
        cover = tuple(asker.denials(rights.policies()))
        forced = rights.policies(self._force_mfa)
        enrol = tuple(asker.enrolment(forced))
        today = enrolment(asker.enrolment(rights.policies()))
        matrix = tuple(_rows("cover", cover)) + tuple(_rows("enrol", enrol))
        password = enrolment(asker.password_change(forced))
        return Answers(covered(cover), enrolment(enrol), today, password, matrix)


def decision_word(decision: Decision) -> str:
    """Name a decision: `Allowed`, `ExplicitlyDenied`, `ImplicitlyDenied` or `Undecided`."""
    return type(decision).__name__


def _rows(question: str, answers: Iterable[Asked]) -> Iterable[Row]:
    for asked in answers:
        decision = asked.decision
        because = "; ".join(dict.fromkeys(_say(statement) for statement in decision.because))
        unknown = getattr(decision, "unknown", ())
        silent = getattr(decision, "silent", ())
        if unknown:
            because = f"turns on {', '.join(unknown)}" + (f"; {because}" if because else "")
        elif silent:
            because = f"no Allow in {' and '.join(silent)}"
        yield Row(question, asked.action, asked.mfa, decision_word(decision), because)


def _say(statement: Deciding) -> str:
    return f"{statement.sid or f'statement {statement.index + 1}'} in {short(statement.document)}"
