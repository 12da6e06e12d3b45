"""AWS's clock tells whole seconds: of two runs that began within one, the journal may be read in either order."""

from rollout.domain.policy.changes import Applied
from rollout.domain.progress.history import replay_all
from rollout.domain.progress.records import Record
from tests.builders import ORGANIZATION, a_run, a_settlement, an_intent


def test_an_outcome_that_is_read_before_its_intent_counts():
    """Else the change would stay open for ever, and be settled anew by every run."""
    outcome = Applied("", unconfirmed=True)
    dead: list[Record] = [a_run("dead"), an_intent(run="dead")]
    next_one: list[Record] = [a_run("next"), a_settlement(outcome, run="next", of="dead")]
    for records in ([*dead, *next_one], [*next_one, *dead]):
        progress = replay_all(records, ORGANIZATION)
        assert () == progress.open
        assert [outcome] == [done.outcome for done in progress.changes]
        assert 1 == len(progress.placed)


def test_an_outcome_of_a_run_in_another_organization_changes_nothing():
    records: list[Record] = [a_run("next"), a_settlement(run="next", of="elsewhere")]
    assert [] == replay_all(records, ORGANIZATION).changes
