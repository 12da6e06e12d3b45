"""Names everything that a proof makes, and says who the throw-away users are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

PATH = "/rollout-proof/"
"""The path of everything that a proof makes; nothing of it is ever in a plan."""
DEEPER_PATH = f"{PATH}team/"
PREFIX = "rollout-proof-"
TAG = "rollout:proof"
"""The tag, with the id of the proof, of all that IAM can tag: users, policies and the role."""
_NAME = re.compile(rf"{PREFIX}(?P<id>[a-z0-9]{{6}})-[a-z-]+")


class Way(StrEnum):
    """How the policy comes to a user."""

    GROUP = "group"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Persona:
    """A kind of user. `enrols`: whether a device is enrolled at all, and `early` before the policy is in force."""

    name: str
    meaning: str
    path: str = PATH
    password: bool = True
    must_change: bool = False
    bounded: bool = False
    enrols: bool = True
    early: bool = False


NO_DEVICE = Persona("no-device", "password and access key, no device yet")
WITH_TOTP = Persona("totp", "a TOTP device, enrolled before the policy is in force", early=True)
PATHED = Persona("pathed", "as no-device, one path deeper", path=DEEPER_PATH)
BOUNDED = Persona(
    "bounded", "a permissions boundary that allows reading and no enrolling", bounded=True, enrols=False
)
KEY_ONLY = Persona("key-only", "an access key, and no password", password=False)
MUST_CHANGE = Persona("must-change", "a password that must be changed", must_change=True, enrols=False)
PERSONAS = (NO_DEVICE, WITH_TOTP, PATHED, BOUNDED, KEY_ONLY, MUST_CHANGE)
VISITOR = Persona("visitor", "a password and no device; a person signs in as it", enrols=False)
CHANGER = Persona(
    "changer",
    "a TOTP device, and a password that must be changed; a person signs in as it",
    must_change=True,
    early=True,
)
GUIDED = (VISITOR, CHANGER)
"""Made only where a person tries what needs a browser."""


@dataclass(frozen=True, slots=True)
class ProofUser:
    """One throw-away user."""

    proof_id: str
    persona: Persona
    way: Way

    @property
    def label(self) -> str:
        """How people read of the user: persona and way."""
        return f"{self.persona.name} by {self.way}"

    @property
    def name(self) -> str:
        """The user's name."""
        return f"{PREFIX}{self.proof_id}-{self.persona.name}-{self.way}"

    @property
    def device(self) -> str:
        """The name of the user's virtual device."""
        return f"{self.name}-device"


@dataclass(frozen=True, slots=True)
class ProofNames:
    """The names of all that one proof makes; `id` is six letters and digits.

    `guided`: a person tries what needs a browser, as users made for that.
    """

    id: str
    guided: bool = False

    @property
    def users(self) -> tuple[ProofUser, ...]:
        """Every persona, through the group and by the user itself."""
        both = tuple(ProofUser(self.id, persona, way) for persona in PERSONAS for way in Way)
        more = (ProofUser(self.id, persona, Way.USER) for persona in GUIDED)
        return (*both, *more) if self.guided else both

    @property
    def policy(self) -> str:
        """The policy of this rollout."""
        return self._named("force-mfa")

    @property
    def enrolment(self) -> str:
        """The enrolment policy of this rollout."""
        return self._named("enrolment")

    @property
    def rights(self) -> str:
        """What the users may do but for the policy: all that is asked of AWS's services."""
        return self._named("rights")

    @property
    def boundary(self) -> str:
        """The permissions boundary of one persona."""
        return self._named("boundary")

    @property
    def policies(self) -> tuple[str, ...]:
        """All of them."""
        return (self.policy, self.enrolment, self.rights, self.boundary)

    @property
    def group(self) -> str:
        """The group through which the policy comes to half of the users."""
        return self._named("group")

    @property
    def role(self) -> str:
        """A role without any rights, for AssumeRole."""
        return self._named("role")

    def is_bounded(self, user: str) -> bool:
        """Tell whether a user, by name, gets the permissions boundary."""
        return any(one.name == user and one.persona.bounded for one in self.users)

    def _named(self, what: str) -> str:
        return f"{PREFIX}{self.id}-{what}"


def proof_of(name: str) -> str:
    """Return the id of the proof that a name belongs to; empty where it is no name of a proof."""
    found = _NAME.fullmatch(name)
    return found["id"] if found else ""


def is_of_a_proof(path: str, name: str, tags: Mapping[str, str]) -> bool:
    """Tell whether something was made by a proof: by its path, its name and its tag together."""
    return path.startswith(PATH) and bool(proof_of(name)) and tags.get(TAG) == proof_of(name)
