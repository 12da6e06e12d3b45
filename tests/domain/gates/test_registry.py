"""A gate is one object: what it brings along is all that settings, runs, `status`, the docs and the legend need."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rollout.cli.options import overrides_of
from rollout.domain.gates import GATES, Gate, GateAnswer, GateRules, Needs, Result
from rollout.domain.gates.gate import Form, OverrideHolds, Question, Setting
from rollout.errors import Refused, WrongUsage
from rollout.reporting import legend
from rollout.settings.gate_keys import gate_rules, gates_section
from rollout.settings.section import Section
from rollout.workflows.status import wave_states
from tests.builders import a_caller
from tests.docs import gates as table_of_gates
from tests.workflows.world import World, a_person


def _quiet(question: Question, wait: timedelta) -> GateAnswer:
    """Pass when nothing has failed for so long."""
    ended = [run.at for run in question.progress.ended.values()]
    opens = max(ended) + wait
    if question.now < opens:
        return GateAnswer("quiet", Result.FAIL, f"the last run ended too lately, opens {opens}", opens)
    return GateAnswer("quiet", Result.PASS, "quiet enough", since=opens)


QUIET = Gate(
    name="quiet",
    meaning="no run has ended for so long",
    needs=Needs.JOURNAL,
    cure="have some tea before wave {wave}",
    override_holds=OverrideHolds.WAVE,
    ask=_quiet,
    setting=Setting("From the end of the last run to the next.", Form.DURATION, timedelta(days=2)),
    opens_by_time=True,
)
MORE = (*GATES[:2], QUIET, *GATES[2:])
"""The registry with one gate more."""


def a_world() -> World:
    world = World(a_person("alice"))
    world.gates = GateRules(MORE, failure_tolerance=world.gates.tolerance)
    return world.ripe()


def test_a_new_gate_is_asked_in_its_place_and_lets_the_wave_wait():
    world = a_world()
    world.runs += 1
    world.gates = world.gates.changed(quiet=timedelta(days=60))
    answer = world.enforce()
    assert ["dry_run_done", "soak", "quiet", "failure_tolerance"] == [one.gate for one in answer.gates]
    assert "gate quiet: the last run ended too lately" in answer.why_nothing
    assert set() == world.enforced


def test_its_cure_is_told_and_its_override_outlives_the_run():
    world = a_world()
    world.gates = world.gates.changed(quiet=timedelta(days=60))
    with pytest.raises(Refused) as refusal:
        world.enforce(wave="rest")
    assert "have some tea before wave rest, or --override-gate quiet --reason WHY" == refusal.value.cure
    world.stopping = lambda: True
    world.enforce(wave="rest", overrides={"quiet": "incident 7"})
    world.stopping = lambda: False
    assert f"by {a_caller().arn}: incident 7" in world.enforce().inherited["quiet"]
    assert {"alice"} == world.enforced


def test_status_shows_it():
    world = a_world()
    rules = world.gates.changed(quiet=timedelta(days=60))
    (rest,) = wave_states(
        world.plans.kept[-1], world.done, world.clock.now(), notified=world.notice_rule, gates=rules
    )
    gate = next(one for one in rest.gates if one.gate == "quiet")
    assert (Result.FAIL, True) == (gate.answer, gate.stops)
    assert rest.waits_for.startswith("gate quiet: the last run ended too lately")


def test_the_command_line_takes_it():
    assert {"quiet": "why"} == overrides_of(["quiet"], "why", MORE)
    with pytest.raises(WrongUsage) as unknown:
        overrides_of(["quite"], "why", MORE)
    assert "quiet" in unknown.value.cure


def test_settings_have_its_key_with_default_and_meaning():
    section = gates_section("Gates", Section, MORE)
    assert timedelta(days=2) == gate_rules(section(), MORE).of(QUIET)
    assert timedelta(days=5) == gate_rules(section(quiet="5d"), MORE).of(QUIET)  # type: ignore[call-arg]  # made above
    schema = section.model_json_schema()["properties"]["quiet"]
    assert "From the end of the last run to the next." == schema["description"]
    with pytest.raises(ValueError, match="not a duration"):
        section(quiet="a while")  # type: ignore[call-arg]  # made above


def test_the_docs_have_its_line():
    (line,) = (one for one in table_of_gates(MORE).splitlines() if "quiet" in one)
    assert "no run has ended for so long" in line
    assert "`gates.quiet`" in line


# --- What holds for every gate ---


def test_a_file_that_sets_nothing_leaves_every_gate_its_default():
    rules = gate_rules(gates_section("Gates", Section)())
    assert [gate.setting and gate.setting.default for gate in GATES] == [rules.of(gate) for gate in GATES]


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_the_defaults_of_a_setting_s_keys_make_its_default(gate: Gate[Any]):
    """Where the gate has one; without, a file that sets nothing leaves the gate unasked."""
    setting = gate.setting
    if setting is not None and setting.default is not None and not isinstance(setting.form, Form):
        assert setting.read is not None
        assert setting.default == setting.read(**{name: key.default for name, key in setting.form.items()})


def test_names_are_unique():
    assert len(GATES) == len({gate.name for gate in GATES})


def test_the_registry_is_in_the_order_in_which_gates_are_asked():
    order = list(Needs)
    assert sorted(GATES, key=lambda gate: order.index(gate.needs)) == list(GATES)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
def test_every_gate_brings_its_words(gate: Gate[Any]):
    assert gate.meaning
    assert gate.cure.format(wave="rest")
    assert gate.in_status.format(gate=gate.name, detail="x")
    assert gate.name in legend.GATE_MEANINGS
