"""Reports the Region, the endpoints, the clock skew and the size of the session policies, for `rollout doctor`."""

from __future__ import annotations

from botocore.exceptions import UnknownRegionError

from rollout.aws.connect.aws_clock import AwsClock
from rollout.aws.connect.identity import WhoAmI
from rollout.aws.connect.session_policy import LONGEST, session_policy
from rollout.awsapi.endpoints import host_of, is_loopback
from rollout.awsapi.sessions import Connection
from rollout.domain.diagnosis.facts import Endpoint, EnvironmentFacts, NoAnswer, Region, SessionSize
from rollout.domain.people.organization import Caller
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_arns import our_arns
from rollout.domain.policy.our_resources import Names
from rollout.errors import BadSettings

ANY_ACCOUNT = "0" * 12
"""All account ids are of the same length."""


class AwsRunEnvironment:
    """Implements `RunEnvironment` from the caller's Session; the only call it makes identifies the caller."""

    def __init__(self, connection: Connection, who: WhoAmI, names: Names, *, trail: bool = False) -> None:
        """Keep the arguments; make no call yet. `trail`: sessions may ask CloudTrail."""
        self._connection = connection
        self._who = who
        self._names = names
        self._trail = trail

    def environment_facts(self, caller: Caller | None) -> EnvironmentFacts:
        """Collect the facts. The clock skew is None when the caller is unknown or AWS sent no time."""
        partition = caller.partition if caller else self._partition_of_region()
        return EnvironmentFacts(
            region=Region(
                self._connection.region, self._connection.region_chosen, self._partition_of_region()
            ),
            endpoints=tuple(
                self._endpoint(service, url) for service, url in self._connection.endpoints.items()
            ),
            skew=AwsClock(self._who).skew() if caller else None,
            sessions=self._sessions(partition),
        )

    def _partition_of_region(self) -> str:
        try:
            return self._connection.session.get_partition_for_region(self._connection.region)
        except UnknownRegionError:
            return "unknown"

    def _endpoint(self, service: str, url: str) -> Endpoint:
        of_aws = self._connection.is_own(service, url)
        return Endpoint(service, url, of_aws=of_aws, here=is_loopback(host_of(url)))

    def _sessions(self, partition: str) -> tuple[SessionSize, ...] | NoAnswer:
        ours = our_arns(partition, ANY_ACCOUNT, self._names, Made())
        try:
            return tuple(
                SessionSize(
                    "writing" if writing else "reading",
                    len(session_policy(ours, writing=writing, trail=self._trail)),
                    LONGEST,
                )
                for writing in (False, True)
            )
        except BadSettings as error:
            return NoAnswer(str(error), error.cure)
