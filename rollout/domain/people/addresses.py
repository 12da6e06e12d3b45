"""Finds a person's email address, which IAM users do not have by themselves (aws-facts.md#notification-channels)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from rollout.domain.people.organization import Account
from rollout.domain.people.users import User, tag

# Plain and in ASCII on both sides: nothing in it can act in a header, and every mail server takes it.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+"
_PLAIN = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@([A-Za-z0-9.-]+)")
_LONGEST = 254


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom notices about a user go to, found by the rule `found_by`; all is empty for nobody.

    `manager` is another address; `language` and `zone` are those in which the person reads. Empty is not known.
    """

    address: str = ""
    found_by: str = ""
    manager: str = ""
    language: str = ""
    zone: str = ""


NOBODY = Addressee()


@dataclass(frozen=True, slots=True)
class AddressTag:
    """`{tag: email}`: the address is the value of a user tag."""

    key: str


@dataclass(frozen=True, slots=True)
class NameIsAddress:
    """`{username_is_address: true}`: the user name is the address, if it looks like one."""


@dataclass(frozen=True, slots=True)
class NameAtDomain:
    """`{username_at: example.com}`: the address is the user name at this domain."""

    domain: str


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """Whose a user is: one named by ARN, or by name, in one account or (`account` empty) in all."""

    user: str
    addressee: Addressee
    account: str = ""


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """`{file: people.csv}`: the address is in a file; or `{identity_center: REGION}`, in what was read there.

    An ARN counts before an account and a name, and these before a name alone. Names are compared without regard to
    case, as IAM does.
    """

    people: Mapping[tuple[str, str], Addressee] = field(default_factory=dict)

    @classmethod
    def of(cls, listed: Iterable[ListedPerson]) -> PeopleFile:
        """Prepare the lines for looking users up."""
        return cls({(one.account, one.user.casefold()): one.addressee for one in listed})

    def find(self, user: User) -> Addressee:
        """Return whom the file names for a user; nobody if it has no such line."""
        keys = (("", user.arn), (user.account_id, user.name), ("", user.name))
        found = (self.people.get((account, name.casefold())) for account, name in keys)
        return next((one for one in found if one is not None), NOBODY)


@dataclass(frozen=True, slots=True)
class AccountAddress:
    """`{account_email: true}`: the address is that of the user's account in AWS Organizations, as a last resort."""


@dataclass(frozen=True, slots=True)
class CatchAll:
    """`{catch_all: address}`: one address for everybody who is found in no other way."""

    address: str


AddressRule = AddressTag | NameIsAddress | NameAtDomain | PeopleFile | AccountAddress | CatchAll


def addressee_of(user: User, account: Account, rules: tuple[AddressRule, ...]) -> Addressee:
    """Find whom notices about a user go to, by the first rule that gives an address; nobody when none does."""
    found = (_try(rule, user, account) for rule in rules)
    return next((one for one in found if is_address(one.address)), NOBODY)


def why_nobody(user: User, account: Account, rules: tuple[AddressRule, ...]) -> str:
    """Say why no rule gives an address; names what looks like one, such as a tag with a mistyped address."""
    found = (_try(rule, user, account) for rule in rules)
    unfit = [f'{one.found_by} has "{one.address}"' for one in found if "@" in one.address]
    more = f"; {', '.join(unfit)}, which is no address that may have mail" if unfit else ""
    return f"no address is known{more}"


def is_address(text: str) -> bool:
    """Tell whether the text is one plain address, fit for a To: header, at a domain that may have mail."""
    plain = _PLAIN.fullmatch(text) if len(text) <= _LONGEST else None
    return plain is not None and _may_have_mail(plain[1].casefold())


@lru_cache(maxsize=4096)
def _may_have_mail(domain: str) -> bool:
    """Ask email-validator about a domain, without DNS: once, since a whole company shares it."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - 20 ms that only judging needs

    try:
        validate_email(f"a@{domain}", check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        return False
    return True


def normalised_address(address: str) -> str:
    """Return an address for comparison: one in other capitals is the same person's."""
    return address.casefold()


def _try(rule: AddressRule, user: User, account: Account) -> Addressee:
    match rule:
        case AddressTag(key=key):
            return Addressee(tag(user, key) or "", f"tag {key}")
        case NameIsAddress():
            return Addressee(user.name, "user name")
        case NameAtDomain(domain=domain):
            return Addressee(f"{user.name}@{domain}", f"user name at {domain}")
        case PeopleFile():
            return rule.find(user)
        case AccountAddress():
            return Addressee(account.email, "address of the account")
        case CatchAll(address=address):
            return Addressee(address, "catch-all")
