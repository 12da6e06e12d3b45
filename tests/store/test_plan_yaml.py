"""The plan file's format: what a reviewer sees, and what any YAML reader makes of it."""

import subprocess
import sys
from io import BytesIO
from textwrap import dedent

import pytest
import yaml
from hypothesis import given, settings

from rollout.domain.plan.entries import AccountPlan, Header
from rollout.domain.policy.attachment import Attachment
from rollout.domain.verdicts.verdict import Impact, Kind
from rollout.files import bounded_yaml
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
        - {wave: canary, verdict: enforce, impact: enrol, via: group, because: [no-mfa], names: ["alice", "bob"]}
        - {verdict: hold, because: [machine], cure: "exempt with an owner, or move to a role", names: ["ci-deployer"]}
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


def test_groups_come_in_the_order_of_waves_then_verdicts_then_impact():
    account = an_account_plan(
        an_entry("a", Kind.COVERED),
        an_entry("b", Kind.EXEMPT),
        an_entry("c", Kind.HOLD),
        an_entry("d", wave="rest", impact=Impact.ENROL),
        an_entry("e", wave="rest", impact=Impact.NONE, attachment=Attachment.USER),
        an_entry("f", wave="rest", impact=Impact.NONE, attachment=Attachment.GROUP),
        an_entry("g", wave="zebra"),
        an_entry("h", wave="canary"),
    )
    groups = yaml.load(documents_of(account, waves=("zebra", "canary", "rest")), yaml.CSafeLoader)["users"]

    assert list("ghfedcba") == [name for group in groups for name in group["names"]]


def test_long_lists_of_names_break_into_lines_that_fit_a_review():
    account = an_account_plan(*(an_entry(f"user-number-{number:04}") for number in range(500)))
    lines = documents_of(account).splitlines()

    assert max(len(line) for line in lines) <= 110 + len("user-number-0000") + 4
    assert len(lines) < 4 + 500 * 20 / 100 + 5


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


@given(strategies.plans())
@settings(max_examples=20)
def test_the_pure_dumper_writes_what_the_fast_loader_reads(plan):
    files = MemoryFiles()
    with pytest.MonkeyPatch.context() as without:
        without.setattr(plan_yaml, "Dumper", yaml.SafeDumper)
        Plans(files).save(*parted(*plan))

    assert plan[1] == tuple(Plans(files).load(None).accounts())


def test_for_names_of_iam_both_dumpers_write_the_same_bytes(monkeypatch):
    account = an_account_plan(
        *(an_entry(f"user+number=,.@_{number}") for number in range(100)), name="Zürich: 1e3"
    )
    fast = documents_of(account)
    monkeypatch.setattr(plan_yaml, "Dumper", yaml.SafeDumper)

    assert fast == documents_of(account)


def test_a_machine_without_libyaml_falls_back():
    code = "import yaml; del yaml.CSafeLoader, yaml.CSafeDumper\n"
    code += (
        "from rollout.store.formats.plan_yaml import Dumper\nfrom rollout.files.bounded_yaml import LOADER\n"
    )
    code += "assert (LOADER, Dumper) == (yaml.SafeLoader, yaml.SafeDumper)"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_time_without_a_zone_is_a_mistake():
    header = a_header()
    with pytest.raises(ValueError, match="created"):
        text_of(a_header(created=header.created.replace(tzinfo=None)))


def test_a_value_that_yaml_would_guess_at_is_a_mistake():
    with pytest.raises(TypeError, match="float"), plan_yaml.DocumentWriter(BytesIO()) as writer:
        writer.write({"share": 0.5})
