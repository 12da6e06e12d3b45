"""What of an account a verdict can turn on, worked out once per account and not once per user."""

from __future__ import annotations

from dataclasses import dataclass, field

from rollout.domain.force_mfa.standing import Documents, Standing, stand
from rollout.domain.iam import Document
from rollout.domain.inventory import Observed
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import Rules


@dataclass(frozen=True, slots=True)
class Surroundings:
    """One observed account beside our documents and what stands there under our names."""

    observed: Observed
    standing: Standing
    library: Library
    force_mfa: Document
    enrolment: Document
    without: frozenset[str] = field(default_factory=frozenset)


def surroundings(
    observed: Observed, rules: Rules, library: Library, ours: frozenset[str] = frozenset()
) -> Surroundings:
    """Prepare an account for judging. `ours`: the groups that the journal knows to be ours."""
    standing = stand(observed.facts, observed.account.id, rules.partition, rules.names, rules.documents, ours)
    force_mfa, enrolment = _compiled(
        rules.documents, rules.names.policy, rules.names.enrolment_policy, library
    )
    return Surroundings(observed, standing, library, force_mfa, enrolment, standing.our_policy_arns)


def _compiled(
    documents: Documents, name: str, enrolment_name: str, library: Library
) -> tuple[Document, Document]:
    return library.parse(documents.full, name), library.parse(documents.enrolment, enrolment_name)
