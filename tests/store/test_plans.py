"""Plans: equal after a round trip, refused when altered, found by path, stem, id or age."""

import stat
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.plan.outline import outline_of
from rollout.domain.verdicts.verdict import Impact, Kind
from rollout.errors import NoPlan, PlanRefused, Unwritable
from rollout.files.bounded_files import BoundedStream
from rollout.store.filed_plan import FiledPlan
from rollout.store.formats import plan_yaml
from rollout.store.plan_files import FolderPlans, Plans
from tests.builders import (
    NOW,
    ORGANIZATION,
    a_header,
    an_account_plan,
    an_entry,
    the_facts,
)
from tests.store import strategies
from tests.store.memory import MemoryFiles, parted

ACCOUNTS = (
    an_account_plan(
        an_entry("alice", impact=Impact.ENROL, wave="canary"),
        an_entry("bob", impact=Impact.ENROL, wave="canary"),
        an_entry("ci-deployer", Kind.HOLD),
        account_id="012345678901",
    ),
    an_account_plan(
        an_entry("=x", Kind.EXEMPT, account_id="111122223333"), account_id="111122223333", name="<script>"
    ),
)


@pytest.fixture
def plans(tmp_path: Path) -> FolderPlans:
    return FolderPlans(tmp_path)


def saved(plans: Plans, **header) -> FiledPlan:
    return plans.save(*parted(a_header(*ACCOUNTS, **header), ACCOUNTS))


# --- Round trip ---


# Takes a second or more: a hundred plans, for all else rests on this.
@given(strategies.plans())
@settings(max_examples=100)
def test_any_plan_is_equal_after_a_round_trip(plan):
    header, accounts = plan
    files = MemoryFiles()
    stored = Plans(files).save(*parted(header, accounts))
    loaded = Plans(files).load(None)

    assert stored.header == loaded.header
    assert header == replace(loaded.header, checksum="", digests=header.digests, cures=header.cures)
    assert accounts == tuple(loaded.accounts())
    # Mappings are equal in any order; a person meets waves in that of rollout.yaml.
    assert list(header.waves) == list(loaded.header.waves)


@given(strategies.plans())
@settings(max_examples=20)
def test_the_same_plan_makes_the_same_bytes(plan):
    first, second = MemoryFiles(), MemoryFiles()
    for files in (first, second):
        Plans(files).save(*parted(*plan))

    assert first.kept == second.kept


def test_a_loaded_plan_makes_the_same_bytes_again(plans, tmp_path):
    stored = saved(plans)
    again = FolderPlans(tmp_path / "again").save(*parted(stored.header, stored.accounts()))

    assert Path(stored.location).read_bytes() == Path(again.location).read_bytes()


def test_mappings_need_not_be_dicts(plans):
    account = an_account_plan(
        an_entry(facts=the_facts(tags=MappingProxyType({"email": "alice@example.com"})))
    )
    header = a_header(account, verdicts=MappingProxyType({"enforce": 1}))

    assert [account] == list(plans.save(*parted(header, [account])).accounts())


def test_only_the_owner_may_read(plans, tmp_path):
    saved(plans)

    assert stat.S_IMODE((tmp_path / "plans").stat().st_mode) == 0o700
    assert [0o600] * 3 == [stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "plans").iterdir()]


def test_users_out_of_order_are_sorted(plans):
    account = replace(ACCOUNTS[0], entries=ACCOUNTS[0].entries[::-1])
    stored = plans.save(*parted(a_header(account), [account]))

    assert [ACCOUNTS[0]] == list(stored.accounts())


def test_a_user_twice_or_of_another_account_is_a_mistake(plans):
    alice = an_entry("alice")
    for account in (an_account_plan(alice, alice), an_account_plan(alice, account_id="111122223333")):
        with pytest.raises(ValueError, match="user"):
            plans.save(*parted(a_header(account), [account]))


def test_an_id_that_could_leave_the_folder_is_a_mistake(plans):
    with pytest.raises(ValueError, match="cannot be a plan ID"):
        plans.save(*parted(a_header(id="../../x"), []))


def test_a_folder_that_cannot_be_written_is_named_with_a_cure(tmp_path):
    (tmp_path / "plans").write_text("in the way")

    with pytest.raises(Unwritable, match=str(tmp_path / "plans")) as refused:
        saved(FolderPlans(tmp_path))
    assert refused.value.cure


# --- Finding ---


def test_a_plan_elsewhere_is_found_by_path(plans, tmp_path, monkeypatch):
    other = saved(FolderPlans(tmp_path / "other"))
    monkeypatch.chdir(tmp_path / "other")

    assert plans.load(other.location).location == other.location
    assert list(ACCOUNTS) == list(plans.load("plans/2026-11-24-k3f9.yaml").accounts())


def test_foreign_files_in_the_folder_are_passed_over(plans, tmp_path):
    saved(plans)
    (tmp_path / "plans" / "notes.yaml").write_text("buy: milk\n")
    (tmp_path / "plans" / ".2026-11-24-k3f9.yaml.x.part").write_text("half")
    (tmp_path / "plans" / "sample").mkdir()

    assert plans.load(None).header.id == "k3f9"


def test_an_old_broken_plan_does_not_stand_in_the_way_of_a_newer_one(plans):
    old = saved(plans, id="oldd", created=NOW - timedelta(days=1))
    Path(old.location).write_text("{")
    saved(plans)

    assert plans.load(None).header.id == "k3f9"


# --- Refusing ---


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('created: "2026', 'created: "2025'),
        (f'organization_id: "{ORGANIZATION}', 'organization_id: "o-xxxxxxxxxx'),
        ("schema: 2", "schema: 3"),
        ("schema: 2", "scheme: 2"),
        ("id: ", "id: ["),
    ],
)
def test_an_altered_header_does_not_make_way_for_an_older_plan(plans, old, new):
    saved(plans, id="oldd", created=NOW - timedelta(days=1))
    path = Path(saved(plans).location)
    path.write_text(path.read_text().replace(old, new, 1))

    with pytest.raises(PlanRefused, match=str(path)):
        plans.load(None, ORGANIZATION)


@pytest.mark.parametrize("ends", [1, 6, 10_000])
def test_line_ends_that_git_has_changed_are_named(plans, ends):
    """`core.autocrlf` changes all of them, an editor perhaps those of some lines."""
    path = Path(saved(plans).location)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n", ends))

    for reference in (None, "k3f9", str(path)):
        with pytest.raises(PlanRefused, match="Windows line ends") as refused:
            plans.load(reference)
        assert ".gitattributes" in refused.value.cure


@given(strategies.plans(), st.data())
@settings(max_examples=30)
def test_one_byte_changed_anywhere_is_found(plan, data):
    files = MemoryFiles()
    stored = Plans(files).save(*parted(*plan))
    content = bytearray(files.kept[stored.name])
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    files.kept[stored.name] = bytes(content)

    for reference in (None, stored.stem):
        with pytest.raises(PlanRefused) as refused:
            Plans(files).load(reference)
        assert refused.value.exit_code == 6
        assert stored.location in str(refused.value)


def test_any_byte_of_a_plan_counts():
    files = MemoryFiles()
    stored = Plans(files).save(*parted(a_header(*ACCOUNTS), ACCOUNTS))
    content = files.kept[stored.name]
    for place in range(len(content)):
        files.kept[stored.name] = content[:place] + bytes([content[place] ^ 0x04]) + content[place + 1 :]
        with pytest.raises(PlanRefused):
            Plans(files).load(None)


@given(st.data())
def test_a_plan_cut_short_or_added_to_is_found(data):
    files = MemoryFiles()
    stored = Plans(files).save(*parted(a_header(*ACCOUNTS), ACCOUNTS))
    content = files.kept[stored.name]
    cut = data.draw(st.integers(0, len(content) - 1))
    for altered in (
        content[:cut],
        content[cut:],
        content + b"\n",
        content + content,
        content.replace(b"\n", b"\r\n"),
    ):
        if altered != content:
            files.kept[stored.name] = altered
            with pytest.raises(PlanRefused):
                Plans(files).load(None)


@given(st.data())
def test_evidence_with_other_content_is_found(data):
    """A byte of the gzip header may change without changing what is read."""
    files = MemoryFiles()
    name = (
        Plans(files).save(*parted(a_header(*ACCOUNTS), ACCOUNTS)).name.replace(".yaml", ".evidence.jsonl.gz")
    )
    content = bytearray(files.kept[name])
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    files.kept[name] = bytes(content)

    loaded = Plans(files).load(None, whole=False)
    for only in (None, frozenset(part.account_id for part in ACCOUNTS)):
        try:
            read = list(loaded.accounts(only))
        except PlanRefused as refused:
            assert name in str(refused)  # noqa: PT017 - it may also be harmless
        else:
            assert list(ACCOUNTS) == read


@pytest.mark.parametrize("cut", [0, 5, -9, -1])
def test_evidence_cut_short_is_found(plans, cut):
    beside = Path(saved(plans).location).with_suffix(".evidence.jsonl.gz")
    beside.write_bytes(beside.read_bytes()[:cut])

    with pytest.raises(PlanRefused, match=str(beside)):
        plans.load(None)


def test_the_evidence_of_another_plan_is_refused(plans, tmp_path):
    saved(plans)
    other = an_account_plan(an_entry("mallory"))
    plans.save(*parted(a_header(other, id="othr"), [other]))
    folder = tmp_path / "plans"
    (folder / "2026-11-24-othr.evidence.jsonl.gz").replace(folder / "2026-11-24-k3f9.evidence.jsonl.gz")

    with pytest.raises(PlanRefused, match="not the evidence that the plan was written with"):
        plans.load("k3f9")


def test_a_plan_of_a_newer_version_says_so(plans):
    saved(plans, schema=3)

    with pytest.raises(PlanRefused, match="schema 3") as refused:
        plans.load(None)
    assert "version" in refused.value.cure


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schema: 1\nid: [\n", r"line 3.*the plan was altered and is not valid YAML"),
        ("\tschema: 1\n", r"line 1.*the plan was altered and is not valid YAML"),
        (
            "schema: 1\nid: !!python/object/apply:os.system ['true']\n",
            r"line 2.*the plan was altered and is not valid YAML",
        ),
        (b"schema: 1\nid: \xff\xfe\n", r"the plan was altered and is not valid YAML"),
        ("apiVersion: v1\nkind: Pod\n", r"line 1.*this is not a valid plan"),
        ("- schema: 1\n", r"this is not a valid plan"),
        ("", r"this is not a valid plan"),
        ("schema: 1\nid: k3f9\nowner: me\n", r'line 3.*"owner"'),
        ("schema: 1\nid: k3f9\n", r"this is not a valid plan"),
        ("schema: true\n", r"this is not a valid plan"),
    ],
)
def test_broken_or_foreign_yaml_is_refused_with_file_and_line(plans, tmp_path, text, told):
    path = tmp_path / "plans" / "2026-11-24-xxxx.yaml"
    path.parent.mkdir()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    for reference in (None, str(path)):
        with pytest.raises(PlanRefused, match=rf"2026-11-24-xxxx\.yaml.*{told}"):
            plans.load(reference)


BOB = '- {name: "bob", verdict: enforce, wave: canary, impact: enrol, via: group, because: [no-mfa]}\n'


def resealed(files: MemoryFiles, stored: FiledPlan, old: str, new: str) -> FiledPlan:
    """Alter the documents and make the checksum right again, as only somebody who means it would."""
    content = files.kept[stored.name].decode().replace(old, new)
    before, after = content.split("checksum: ")
    rest = before + after.partition("\n")[2]
    line = f'checksum: "sha256:{sha256(rest.encode()).hexdigest()}"\n'
    files.kept[stored.name] = (before + line + after.partition("\n")[2]).encode()
    return Plans(files).load(None)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"bob"', '"eve"', "bob"),
        (BOB, "", "bob"),
        (BOB, BOB * 2, "bob"),
        ("[no-mfa]", "[has-mfa]", "alice"),
        ("verdict: hold", "verdict: maybe", "verdict"),
        ("[no-mfa]", "no-mfa", "because"),
        ('name: "ci-deployer"', "name: 12", "name"),
        ('account: "111122223333"', 'account: "111122223334"', "111122223334"),
        ('account: "111122223333"', 'account: "000000000000"', "out of order"),
        ('account: "111122223333"', "account: 111122223333", "account"),
        ("wave: canary", "wife: canary", "wife"),
        ("users:\n", "users: [\n", "YAML"),
        ("[no-mfa]", "&a [no-mfa, *a]", "aliases"),
    ],
)
def test_a_forged_plan_does_not_fit_its_evidence(old, new, told):
    files = MemoryFiles()
    stored = Plans(files).save(*parted(a_header(*ACCOUNTS), ACCOUNTS))

    with pytest.raises(PlanRefused, match=told) as refused:
        list(resealed(files, stored, old, new).accounts())
    assert "line " in str(refused.value)


def test_a_forged_plan_with_an_account_cut_off_does_not_fit_its_evidence():
    files = MemoryFiles()
    stored = Plans(files).save(*parted(a_header(*ACCOUNTS), ACCOUNTS))
    last = files.kept[stored.name].decode().rpartition("---\n")
    forged = resealed(files, stored, last[1] + last[2], "")

    with pytest.raises(PlanRefused, match="has accounts that are missing from its plan"):
        list(forged.accounts())


def test_a_plan_that_may_not_be_read_is_no_riddle(plans):
    stored = saved(plans)

    class Closed(MemoryFiles):
        def names(self, folder):
            return [f"{stored.stem}.yaml"]

        def reading(self, name, start=0):
            raise PermissionError(13, "Permission denied")

    with pytest.raises(NoPlan, match="cannot be read: Permission denied"):
        Plans(Closed()).load(None)


def test_documents_are_read_one_at_a_time():
    files = MemoryFiles()
    content = files.kept[Plans(files).save(*parted(a_header(*ACCOUNTS), ACCOUNTS)).name]
    accounts = plan_yaml.read_accounts(
        BoundedStream(BytesIO(content + b"---\n[ broken"), "a plan", plan_yaml.LIMITS), "a plan"
    )

    assert ["012345678901", "111122223333"] == [next(accounts).part.account for _ in ACCOUNTS]
    with pytest.raises(PlanRefused, match="the plan was altered and is not valid YAML"):
        next(accounts)


def test_the_header_is_all_that_is_read_to_find_the_newest(plans, tmp_path):
    """A broken document further down is met when the plan is opened, not when another one is looked for."""
    old = saved(plans, id="oldd", created=NOW - timedelta(days=9))
    Path(old.location).write_bytes(Path(old.location).read_bytes() + b"---\n[")
    saved(plans)

    assert plans.load(None).header.id == "k3f9"


# --- The index ---

THREE = (
    *ACCOUNTS,
    an_account_plan(
        an_entry("zoé \u202e", impact=Impact.CLI, wave="canary", account_id="300040005000"),
        account_id="300040005000",
        name="a name\nof two lines",
    ),
)


@given(st.frozensets(st.sampled_from([part.account_id for part in THREE]), min_size=1))
def test_chosen_accounts_are_the_same_with_and_without_the_index(chosen):
    files = MemoryFiles()
    stored = Plans(files).save(*parted(a_header(*THREE), THREE))
    wanted = [part for part in THREE if part.account_id in chosen]
    assert wanted == list(stored.accounts(chosen))
    assert [outline_of(part) for part in THREE] == list(stored.outlines())
    del files.kept[stored.name.replace(".yaml", ".index.jsonl")]
    assert wanted == list(stored.accounts(chosen))
    assert [outline_of(part) for part in THREE] == list(stored.outlines())


@given(st.data())
def test_an_altered_index_is_not_believed(data):
    files = MemoryFiles()
    stored = Plans(files).save(*parted(a_header(*THREE), THREE))
    name = stored.name.replace(".yaml", ".index.jsonl")
    content = bytearray(files.kept[name])
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    files.kept[name] = bytes(content)

    assert [outline_of(part) for part in THREE] == list(stored.outlines())
    for part in THREE:
        assert [part] == list(stored.accounts(frozenset({part.account_id})))


def test_an_index_that_names_other_places_costs_time_and_nothing_else():
    files = MemoryFiles()
    stored = Plans(files).save(*parted(a_header(*THREE), THREE))
    name = stored.name.replace(".yaml", ".index.jsonl")
    contents, places = zip(*(line.split(b"\t") for line in files.kept[name].splitlines()), strict=True)
    moved = zip(contents, (*places[:1], *reversed(places[1:])), strict=True)
    files.kept[name] = b"".join(content + b"\t" + place + b"\n" for content, place in moved)

    assert list(THREE) == list(stored.accounts(frozenset(part.account_id for part in THREE)))


def test_accounts_that_are_not_chosen_are_not_read(plans):
    stored = saved(plans)
    place = Path(stored.location).with_suffix(".evidence.jsonl.gz")
    last = place.read_bytes().rfind(b"\x1f\x8b\x08\x00\x00\x00\x00\x00")
    place.write_bytes(place.read_bytes()[: last + 20])

    first, second = (part.account_id for part in ACCOUNTS)
    assert [ACCOUNTS[0]] == list(plans.load(None, whole=False).accounts(frozenset({first})))
    with pytest.raises(PlanRefused):
        list(plans.load(None, whole=False).accounts(frozenset({second})))
