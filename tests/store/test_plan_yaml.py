"""The plan file's format: what a reviewer sees, and what any YAML reader makes of it."""

import subprocess
import sys
from io import BytesIO
from textwrap import dedent

import pytest
import yaml
from hypothesis import given, settings

from rollout.domain.plan.entries import AccountPlan, Header
from rollout.domain.verdicts.verdict import Code, Impact, Kind
from rollout.files import bounded_yaml
from rollout.files.bounded_files import BoundedStream
from rollout.store.formats import plan_yaml
from rollout.store.plan_files import Plans
from tests.builders import a_header, an_account_plan, an_entry, left_out
from tests.store import strategies
from tests.store.memory import MemoryFiles, parted


def text_of(header: Header, *accounts: AccountPlan) -> str:
    files = MemoryFiles()
    return files.kept[Plans(files).save(*parted(header, accounts)).name].decode()


def documents_of(*accounts: AccountPlan, waves: tuple[str, ...] = ("canary", "rest")) -> str:
    return text_of(a_header(*accounts, waves=waves), *accounts).partition("---\n")[2]


def test_an_account_reads_as_in_the_design():
    account = an_account_plan(
        an_entry("bob", impact=Impact.ENROL, wave="canary"),
        an_entry("alice", impact=Impact.ENROL, wave="canary"),
        an_entry("ci-deployer", Kind.HOLD),
    )

    expected = """\
        account: "012345678901"
        name: "payments-prod"
        ou: "Workloads/Prod"
        users:
        - {name: "alice", verdict: enforce, wave: canary, impact: enrol, via: group, because: [no-mfa]}
        - {name: "bob", verdict: enforce, wave: canary, impact: enrol, via: group, because: [no-mfa]}
        - {name: "ci-deployer", verdict: hold, because: [machine]}
        """
    assert dedent(expected) == documents_of(account)


def test_the_header_reads_from_top_to_bottom():
    account = an_account_plan(an_entry())
    header = text_of(a_header(account, left_out=(left_out(),)), account).partition("---\n")[0]

    keys = [line.partition(":")[0] for line in header.splitlines() if line[0] not in " -#"]
    assert keys == [
        *("schema", "id", "organization_id", "management_account_id", "partition"),
        *(
            "caller",
            "caller_id",
            "created",
            "inventory_at",
            "digests",
            "scps",
            "waves",
            "verdicts",
            "left_out",
            "findings",
        ),
        *("calls", "retries", "checksum"),
    ]
    assert 'created: "2026-11-24T09:00:00Z"\n' in header
    assert "waves:\n  canary: 0\n  rest: 1\n" in header
    assert (
        '- {account_id: "444455556666", name: "legacy", ou: "Workloads/Prod", state: "unreachable",' in header
    )


def test_one_more_user_is_one_more_line_and_another_verdict_is_one_line_that_changes():
    users = [an_entry(name) for name in ("anna", "bert", "dora")]
    before = documents_of(an_account_plan(*users)).splitlines()
    more = documents_of(an_account_plan(*users, an_entry("cleo", Kind.HOLD))).splitlines()
    held = documents_of(an_account_plan(*users[:2], an_entry("dora", Kind.HOLD))).splitlines()

    assert ['- {name: "cleo", verdict: hold, because: [machine]}'] == [
        line for line in more if line not in before
    ]
    assert before == [line for line in more if line in before]
    assert 1 == sum(one != other for one, other in zip(before, held, strict=True))


def test_the_header_says_once_what_to_do_about_each_hold():
    account = an_account_plan(an_entry("a", Kind.HOLD), an_entry("b", Kind.HOLD), an_entry("c"))
    header = text_of(a_header(account), account).partition("---\n")[0]

    assert f'cures:\n  machine: "{Code.MACHINE.cure}"\nleft_out' in header


def test_a_plan_of_schema_1_is_read():
    """It has the users of whom it says the same in one line, with the cure of a hold."""
    text = dedent("""\
        account: "012345678901"
        name: "payments-prod"
        ou: "Workloads/Prod"
        users:
        - {wave: canary, verdict: enforce, impact: enrol, via: group, because: [no-mfa], names: ["alice", "bob"]}
        - {verdict: hold, because: [machine], cure: "exempt it with an owner and an expiry date, move the workload to a
            role, or list it in rules.enforce_machines", names: ["ci-deployer"]}
        """).encode()
    part = plan_yaml.read_account(
        BoundedStream(BytesIO(b"---\n" + text), "a plan", plan_yaml.LIMITS), "a plan", 0
    ).part

    assert [("alice", "bob"), ("ci-deployer",)] == [group.names for group in part.users]
    assert (None, Code.MACHINE.cure) == tuple(group.cure for group in part.users)


def test_an_account_without_users_is_still_shown():
    assert documents_of(an_account_plan()).endswith("users: []\n")


@given(strategies.plans())
@settings(max_examples=20)
def test_ids_and_names_stand_in_double_quotes(plan):
    """YAML 1.1 and 1.2 readers disagree on what is a number; in double quotes all of them see text."""
    files = MemoryFiles()
    content = files.kept[Plans(files).save(*parted(*plan)).name]

    for event in yaml.parse(BytesIO(content), yaml.CSafeLoader):
        if isinstance(event, yaml.ScalarEvent) and event.style is None:
            word = event.value.replace("-", "").replace("_", "")
            assert (word.isascii() and word.isalnum()) or word == ""
            assert word.isdecimal() or word.lower() not in {
                "no",
                "yes",
                "on",
                "off",
                "y",
                "n",
                "null",
                "true",
                "false",
            }


@given(strategies.plans())
@settings(max_examples=20)
def test_a_stream_reads_with_the_pure_loader_too(plan):
    files = MemoryFiles()
    stored = Plans(files).save(*parted(*plan))
    with pytest.MonkeyPatch.context() as without:
        without.setattr(bounded_yaml, "LOADER", yaml.SafeLoader)
        loaded = Plans(files).load(None)
        assert stored.header == loaded.header
        assert plan[1] == tuple(loaded.accounts())


def test_a_machine_without_libyaml_falls_back():
    code = "import yaml; del yaml.CSafeLoader, yaml.CSafeDumper\n"
    code += "from rollout.files.bounded_yaml import LOADER\nassert LOADER == yaml.SafeLoader"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_time_without_a_zone_is_a_mistake():
    header = a_header()
    with pytest.raises(ValueError, match="created"):
        text_of(a_header(created=header.created.replace(tzinfo=None)))


def test_a_value_that_yaml_would_guess_at_is_a_mistake():
    with pytest.raises(TypeError, match="float"):
        text_of(a_header(calls=0.5))
