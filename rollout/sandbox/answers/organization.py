"""Organizations as AWS answers it: short pages, states beside statuses, and only for those who may list."""

from __future__ import annotations

from moto.organizations.responses import OrganizationsResponse

from rollout.sandbox.answers.base import AnswersFor


class OrganizationAnswers(AnswersFor, OrganizationsResponse):
    """What a client of Organizations meets."""
