"""The starter file, the JSON Schema and docs/settings.md say the same as the models."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollout.domain.gates.enrolment import ENROLMENT
from rollout.domain.gates.proof import PROOF
from rollout.settings import SCHEMA_FILE_NAME, json_schema, starter_text
from rollout.settings.keys import Known, known_keys
from tests.docs import schema_at
from tests.settings.test_loading import EXAMPLE

REFERENCE = Path(__file__).parents[2] / "docs/settings.md"
VALUES = [known for known in known_keys() if known.section is None]


def schema_of(known: Known) -> dict[str, Any]:
    return schema_at(known.key)


def test_the_starter_file_turns_on_what_a_gate_recommends_and_says_why(load):
    started = load(starter_text())
    assert 90 == started.gates.enrolment
    assert 90 == started.domain_gates().of(ENROLMENT)
    above = starter_text().partition("  enrolment: 90")[0].splitlines()[-3:]
    assert timedelta(days=90) == started.domain_gates().of(PROOF)
    assert "can do nothing but enrol" in " ".join(line.strip().removeprefix("# ") for line in above)


def test_the_starter_file_changes_nothing_else(load):
    without = {"source", "warnings"}
    text = starter_text().replace("  enrolment: 90", "  enrolment: null")
    text = text.replace("  proof: 90d", "  proof: null")
    recommended = load(text.replace("  cloudtrail: lookup", "  cloudtrail: off"))
    assert recommended.model_dump(exclude=without) == load("").model_dump(exclude=without)


def test_the_starter_file_shows_every_key():
    starter = yaml.load(starter_text(), Loader=yaml.CSafeLoader)
    for known in known_keys():
        value = starter
        for name in known.key:
            assert name in value, known.name
            value = value[name]


def test_the_starter_file_tells_editors_where_its_schema_is():
    assert starter_text().splitlines()[0] == f"# yaml-language-server: $schema={SCHEMA_FILE_NAME}"


def test_the_examples_in_the_comments_of_the_starter_file_load(load):
    lines = starter_text().splitlines()
    examples = [line.removeprefix("# ").rstrip() for line in lines if line.startswith("#   ")]
    overrides, exclude, wave = (
        next(line for line in examples if word in line) for word in ("overrides", "exclude", "- {")
    )
    start = next(index for index, line in enumerate(examples) if "- user:" in line)
    exemption = examples[start : start + 5]
    text = (
        f"access:\n{overrides}\nscope:\n{exclude}\nexemptions:\n"
        + "\n".join(exemption)
        + f"\nwaves:\n{wave}\n"
    )
    settings = load(text)
    assert settings.access.overrides["222233334444"].roles == ("SecurityAudit",)
    assert settings.scope.exclude.accounts == ("111122223333", "sandbox-*")
    assert settings.exemptions[0].ticket == "SEC-42"
    assert settings.waves[0].name == "non-production"


@pytest.mark.parametrize("text", [EXAMPLE, starter_text(), "{}"], ids=["example", "starter", "empty"])
def test_what_loads_is_valid_by_the_schema(text):
    jsonschema: Any = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(yaml.load(text, Loader=_JsonLoader), json_schema(), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "text",
    [
        "lead_time: 7d",
        "gates: {lead_time: 7}",
        "waves: []",
        "waves: [{percent: 5}]",
        "waves: [{name: a, ous: }]",
        "waves: [{name: a, percent: }]",
        "exemptions: [{user: alice, owner: x, reason: y, expires: 2027-01-31}]",
        "exemptions: [{user: 'team=*', owner: x, reason: y, expires: 2027-01-31}]",
        'access: {overrides: {"1": {roles: [A]}}}',
        "rules: {context: {SourceIp: x}}",
        "access: {roles: [A, A]}",
    ],
)
def test_what_editors_can_know_is_wrong_is_invalid_by_the_schema(text):
    jsonschema: Any = pytest.importorskip("jsonschema")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(
            yaml.load(text, Loader=_JsonLoader), json_schema(), jsonschema.Draft202012Validator
        )


class _JsonLoader(yaml.CSafeLoader):
    """Reads as editors do: a day is text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as PyYAML spells it
        first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


@pytest.mark.parametrize("known", known_keys(), ids=lambda known: known.name)
def test_every_key_is_in_the_schema_with_its_meaning(known):
    assert schema_of(known)["description"].endswith((".", "group."))


def test_defaults_stand_in_the_schema_as_they_would_in_the_file():
    defaults = {known.name: schema_of(known).get("default") for known in VALUES}
    assert defaults["gates.lead_time"] == "14d"
    assert defaults["notify.remind_at"] == ["7d", "1d"]
    assert defaults["waves"] == [{"name": "canary", "percent": 5.0}, {"name": "rest"}]
    assert defaults["store"] == "."


@pytest.mark.parametrize("known", VALUES, ids=lambda known: known.name)
def test_every_key_is_in_the_reference_with_its_default_and_its_variable(known):
    rows = [line for line in REFERENCE.read_text().splitlines() if line.startswith(f"| `{known.name}`")]
    assert len(rows) == 1, known.name
    [row] = rows
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert yaml.load(cells[1].strip("`"), Loader=yaml.CSafeLoader) == schema_of(known).get("default")
    assert cells[2] == f"`{known.variable}`"
    assert len(cells[3]) > 10, "what it means"


def test_the_reference_knows_no_other_keys():
    rows = [
        line for line in REFERENCE.read_text().splitlines() if "`ROLLOUT_" in line and line.startswith("| `")
    ]
    assert len(rows) == len(VALUES)


def test_the_reference_explains_what_stands_in_exemptions_and_waves():
    reference = REFERENCE.read_text()
    for name in ("ExemptionItem", "WaveItem", "Finder", "AccessOverride"):
        for key in json_schema()["$defs"][name]["properties"]:
            assert f"`{key}`" in reference or f"`{{{key}: " in reference, key
