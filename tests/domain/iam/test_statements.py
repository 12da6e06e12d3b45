"""What a statement's actions and resources cover, rule by rule, each as an Allow and as a Deny."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.domain.iam import UNKNOWN
from tests.domain.iam.asking import (
    ACTION,
    ALICE,
    GRAMMAR,
    NAMES,
    NOT_ACTION,
    NOT_RESOURCE,
    PATHED_ALICE,
    RESOURCE,
    SESSION,
    VARIABLES,
    VERSION,
    Case,
    Truth,
    a_request,
    decisions_on,
    expected_types,
)

TEAM = "aws:PrincipalTag/team"
S3 = "arn:aws:s3:::bucket/1/2/test/3/object.jpg"


def asked(says: str, source: str, action: str, applies: Truth, **statement: Any) -> Case:
    return Case(says, source, {"Resource": "*", **statement}, applies, a_request(action))


def on(says: str, source: str, resource: str, applies: Truth, **statement: Any) -> Case:
    return Case(says, source, {"Action": "*", **statement}, applies, a_request(resource=resource))


def filled(
    says: str,
    source: str,
    pattern: str,
    resource: str,
    applies: Truth,
    *,
    principal: str = ALICE,
    version: str | None = "2012-10-17",
    element: str = "Resource",
    **context: Any,
) -> Case:
    """A resource pattern with a variable; context keys are written `aws_username`, tags `tag_team`."""
    values = {
        name.replace("tag_", "aws:PrincipalTag/").replace("aws_", "aws:"): value
        for name, value in context.items()
    }
    request = a_request(resource=resource, principal=principal, context=values)
    return Case(says, source, {"Action": "*", element: pattern}, applies, request, version)


ACTIONS = [
    asked("an action matches its name", ACTION, "iam:GetUser", True, Action="iam:GetUser"),
    asked("an action does not match another", ACTION, "iam:GetUser", False, Action="iam:GetUsers"),
    asked("action names match in any case", ACTION, "iam:getUSER", True, Action="IAM:GetUser"),
    asked("a lone star is every action", ACTION, "made:Up", True, Action="*"),
    asked("a star ends a name", ACTION, "iam:GetUser", True, Action="iam:Get*"),
    asked("a star stands inside a name", ACTION, "iam:DeleteAccessKey", True, Action="iam:*AccessKey*"),
    asked("a star does not reach another service", ACTION, "s3:GetObject", False, Action="iam:*"),
    asked("a question mark is one character", ACTION, "s3:GetObject", True, Action="s3:?etObject"),
    asked("a question mark is not none", ACTION, "s3:GetObject", False, Action="s3:GetObject?"),
    asked("wildcards match in any case", ACTION, "iam:getuser", True, Action="IAM:GET*"),
    asked("a star may stand in the service", ACTION, "iam:ListUsers", True, Action="*:List*"),
    asked("one action of a list is enough", ACTION, "ec2:StopInstances", True, Action=["ec2:Start*", "ec2:Stop*"]),
    asked("an action outside the list does not match", ACTION, "ec2:RunInstances", False,
        Action=["ec2:Start*", "ec2:Stop*"]),
    asked("dots and brackets are plain text", ACTION, "s3:GetObject", False, Action="s3:[G]etObject"),
    asked("a variable is plain text in an action", VARIABLES, "iam:alice", False, Action="iam:${aws:username}"),
    asked("NotAction covers every other action", NOT_ACTION, "s3:GetObject", True, NotAction="iam:*"),
    asked("NotAction leaves out what it lists", NOT_ACTION, "iam:GetUser", False, NotAction="iam:*"),
    asked("NotAction leaves out each of its list", NOT_ACTION, "s3:GetObject", False,
        NotAction=["iam:*", "S3:getobject"]),
    asked("NotAction covers what is in no entry of its list", NOT_ACTION, "s3:PutObject", True,
        NotAction=["iam:*", "s3:Get*"]),
    asked("NotAction of everything covers nothing", NOT_ACTION, "iam:GetUser", False, NotAction="*"),
]  # fmt: skip

RESOURCES = [
    on("a lone star is every resource", RESOURCE, "arn:aws:s3:::b", True, Resource="*"),
    on("a lone star is what has no ARN", RESOURCE, "*", True, Resource="*"),
    on("an ARN matches itself", RESOURCE, ALICE, True, Resource=ALICE),
    on("ARNs mind case", RESOURCE, ALICE, False, Resource=ALICE.replace("alice", "Alice")),
    on("an ARN matches the whole", RESOURCE, ALICE + "2", False, Resource=ALICE),
    on("a star ends an ARN", RESOURCE, ALICE, True, Resource="arn:aws:iam::111122223333:user/*"),
    on("a star stands for the account", RESOURCE, ALICE, True, Resource="arn:aws:iam::*:user/alice"),
    on("a star runs across slashes", RESOURCE, PATHED_ALICE, True, Resource="arn:aws:iam::*:user/*"),
    on("a star runs across slashes in the middle", RESOURCE, S3, True, Resource="arn:aws:s3:::bucket/*/test/*"),
    on("slashes around a star count", RESOURCE, "arn:aws:s3:::bucket/test/object.jpg", False,
        Resource="arn:aws:s3:::bucket/*/test/*"),
    on("a star may be nothing", RESOURCE, "arn:aws:s3:::bucket/1/test/", True, Resource="arn:aws:s3:::bucket/*/test/*"),
    on("text after the last star must end the ARN", RESOURCE, "arn:aws:s3:::bucket/a.png/b", False,
        Resource="arn:aws:s3:::bucket/*.png"),
    on("a question mark is one character", RESOURCE, "arn:aws:s3:::bucket-1", True, Resource="arn:aws:s3:::bucket-?"),
    on("two question marks are two", RESOURCE, "arn:aws:s3:::bucket-1", False, Resource="arn:aws:s3:::bucket-??"),
    on("a star that ends a part runs on past the colon", RESOURCE, ALICE, True, Resource="arn:aws:iam:*"),
    on("a star runs past colons of the resource part", RESOURCE, "arn:aws:logs:eu-west-1:1:log-group:a:log-stream:b",
        True, Resource="arn:aws:logs:*:*:log-group:*"),
    on("an ARN that lacks parts may be all below it", NAMES, ALICE, UNKNOWN, Resource="arn:aws:iam"),
    on("an ARN that lacks parts is nothing else", NAMES, ALICE, False, Resource="arn:aws:s3"),
    on("an ARN that lacks parts leaves NotResource open", NAMES, ALICE, UNKNOWN,
        NotResource="arn:aws:iam::111122223333"),
    on("a wildcard in the type of a resource is left open", NAMES, ALICE, UNKNOWN, Resource="arn:aws:iam::*:us*/alice"),
    on("a wildcard in the type of a resource cannot make another name fit", NAMES, ALICE, False,
        Resource="arn:aws:iam::*:us*/bob"),
    on("a wildcard that ends the resource part is none in its type", NAMES, ALICE, True, Resource="arn:aws:iam::*:us*"),
    on("a bucket's name has no type", NAMES, "arn:aws:s3:::bucket/x", True, Resource="arn:aws:s3:::buck*/x"),
    on("an ARN of another partition does not match", "aws-facts.md#partitions-regions-endpoints", ALICE.replace(":aws:", ":aws-cn:"), False,
        Resource="arn:aws:iam::*:user/alice"),
    on("an ARN does not match what has none", RESOURCE, "*", False, Resource="arn:aws:s3:::*"),
    on("one resource of a list is enough", RESOURCE, ALICE, True, Resource=["arn:aws:s3:::*", ALICE]),
    on("NotResource covers every other resource", NOT_RESOURCE, "arn:aws:s3:::b", True, NotResource="arn:aws:iam::*:*"),
    on("NotResource leaves out what it lists", NOT_RESOURCE, ALICE, False,
        NotResource=["arn:aws:s3:::*", "arn:aws:iam::*:*"]),
    on("NotResource of everything covers nothing", NOT_RESOURCE, ALICE, False, NotResource="*"),
]  # fmt: skip

OWN = "arn:aws:iam::*:user/${aws:username}"
HOME = "arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*"
BLUE = "arn:aws:s3:::bucket/blue/x"
FILLED = [
    filled("${aws:username} is the user's name", VARIABLES, OWN, ALICE, True),
    filled("${aws:username} is nobody else's name", VARIABLES, OWN, ALICE.replace("alice", "bob"), False),
    filled("${aws:username} is the name without the path", VARIABLES, OWN, ALICE, True, principal=PATHED_ALICE),
    filled("the ForceMFA pattern misses users with a path", "aws-facts.md#caveats", OWN, PATHED_ALICE, False,
        principal=PATHED_ALICE),
    filled("user/*/${aws:username} finds users with a path", "aws-facts.md#caveats", "arn:aws:iam::*:user/*/${aws:username}",
        PATHED_ALICE, True, principal=PATHED_ALICE),
    filled("user/*/${aws:username} misses users without", "aws-facts.md#caveats", "arn:aws:iam::*:user/*/${aws:username}",
        ALICE, False),
    filled("key names in variables match in any case", VARIABLES, "arn:aws:iam::*:user/${AWS:UserName}", ALICE, True),
    filled("a role session has no username", VARIABLES, OWN, ALICE, False, principal=SESSION),
    filled("without a version variables are plain text", VERSION, OWN, ALICE, False, version=None),
    filled("in version 2008-10-17 variables are plain text", VERSION, OWN, ALICE, False, version="2008-10-17"),
    filled("plain text that looks like a variable matches itself", VERSION, "a/${aws:username}", "a/${aws:username}",
        True, version=None),
    filled("a tag fills a variable", VARIABLES, HOME, BLUE, True, tag_team="blue"),
    filled("tag keys match in any case", "aws-facts.md#names-paths-arns-tags", HOME.replace("team", "TEAM"), BLUE, True, tag_team="blue"),
    filled("another tag value does not match", VARIABLES, HOME, BLUE, False, tag_team="red"),
    filled("a variable without a value matches no resource", VARIABLES, HOME, BLUE, False),
    filled("a variable without a value leaves NotResource open", VARIABLES, HOME, BLUE, UNKNOWN, element="NotResource"),
    filled("a variable with a default works in NotResource", VARIABLES, HOME.replace("team", "team, 'blue'"), BLUE,
        False, element="NotResource"),
    filled("a variable with a value works in NotResource", VARIABLES, HOME, BLUE, False, element="NotResource",
        tag_team="blue"),
    filled("a value's own star is literal", VARIABLES, HOME, BLUE, False, tag_team="*"),
    filled("a value's own star matches a star", VARIABLES, HOME, "arn:aws:s3:::bucket/b*/x", True, tag_team="b*"),
    filled("a value's own question mark is literal", VARIABLES, HOME, BLUE, False, tag_team="blu?"),
    filled("a value is not filled in twice", VARIABLES, HOME, "arn:aws:s3:::bucket/alice/x", False,
        tag_team="${aws:username}"),
    filled("a default stands in for a missing value", VARIABLES, HOME.replace("team", "team, 'shared'"),
        "arn:aws:s3:::bucket/shared/x", True),
    filled("a default stands back for a value", VARIABLES, HOME.replace("team", "team, 'shared'"),
        "arn:aws:s3:::bucket/shared/x", False, tag_team="blue"),
    filled("a default may be empty", VARIABLES, "a${k, ''}b", "ab", True),
    filled("a default's own star is literal", VARIABLES, "a/${k, '*'}", "a/b", False),
    filled("a key with several values is no variable", "Single-valued vs. multivalued context keys", HOME, BLUE, False,
        tag_team=["blue", "red"]),
    filled("a key with several values leaves the default", "Single-valued vs. multivalued context keys", "a/${k, 'd'}",
        "a/d", True, k=["x", "y"]),
    filled("${*} is a literal star", VARIABLES, "a/${*}", "a/b", False),
    filled("${*} matches a star", VARIABLES, "a/${*}", "a/*", True),
    filled("${?} matches a question mark only", VARIABLES, "a/${?}", "a/b", False),
    filled("${$} is a dollar sign", VARIABLES, "a/${$}{aws:username}", "a/${aws:username}", True),
    filled("two variables fill side by side", VARIABLES, "a/${aws:username}-${aws:PrincipalTag/team}", "a/alice-blue",
        True, tag_team="blue"),
    filled("one variable without a value is enough to miss", VARIABLES, "a/${aws:username}-${aws:PrincipalTag/team}",
        "a/alice-blue", False),
    filled("an unknown value leaves a fitting resource open", "design.md#verdicts", HOME, BLUE, UNKNOWN, tag_team=UNKNOWN),
    filled("an unknown value cannot make another resource fit", "design.md#verdicts", HOME, "arn:aws:s3:::other/blue/x", False,
        tag_team=UNKNOWN),
    filled("an unknown value leaves NotResource open", "design.md#verdicts", HOME, BLUE, UNKNOWN, element="NotResource",
        tag_team=UNKNOWN),
    filled("an unknown value beside a missing one still misses", "design.md#verdicts", "a/${aws:PrincipalTag/team}/${k}",
        "a/b/c", False, tag_team=UNKNOWN),
    filled("an empty value is a value, or none", VARIABLES, HOME, "arn:aws:s3:::bucket//x", UNKNOWN, tag_team=""),
    filled("a variable before the fifth colon is left open", VARIABLES, "arn:aws:iam::${aws:PrincipalAccount}:user/*",
        ALICE, UNKNOWN),
    filled("a variable before the fifth colon of another account fits no way", VARIABLES,
        "arn:aws:iam::${aws:PrincipalAccount}:user/*", ALICE.replace("1111", "9999"), False),
]  # fmt: skip


def compared(says: str, operator: str, value: str, context: dict[str, Any], applies: Truth) -> Case:
    """A condition on `k` whose value holds a variable."""
    statement = {"Action": "*", "Resource": "*", "Condition": {operator: {"k": value}}}
    return Case(says, VARIABLES, statement, applies, a_request(context=context))


COMPARED = [
    compared("StringEquals fills variables", "StringEquals", "${aws:username}", {"k": "alice"}, True),
    compared("StringEquals takes a filled star literally", "StringEquals", "${v}", {"k": "x", "v": "*"}, False),
    compared("StringLike fills variables beside wildcards", "StringLike", "home/${aws:username}/*",
        {"k": "home/alice/x"}, True),
    compared("StringLike takes a filled star literally", "StringLike", "${v}", {"k": "x", "v": "*"}, False),
    compared("StringEqualsIgnoreCase forgets case in values", "StringEqualsIgnoreCase", "${v}",
        {"k": "BLUE", "v": "Blue"}, True),
    compared("a variable without a value equals nothing", "StringEquals", "${v}", {"k": "x"}, False),
    compared("a variable without a value leaves a negation open", "StringNotEquals", "${v}", {"k": "x"}, UNKNOWN),
    compared("a variable without a value leaves a negated ARN open", "ArnNotLike", "arn:aws:iam::*:role/${v}",
        {"k": ALICE}, UNKNOWN),
    compared("ArnLike fills variables", "ArnLike", "arn:aws:iam::*:user/${aws:username}", {"k": ALICE}, True),
    compared("ArnLike is not split inside a variable", "ArnLike", "arn:aws:iam::${aws:PrincipalAccount}:user/*",
        {"k": ALICE}, True),
    compared("Bool with a variable is left open", "Bool", "${v}", {"k": "true", "v": "true"}, UNKNOWN),
    compared("numbers know no variables", "NumericEquals", "${v}", {"k": "1", "v": "1"}, False),
    compared("addresses know no variables", "IpAddress", "${v}", {"k": "10.0.0.1", "v": "10.0.0.1"}, False),
    compared("an unknown variable leaves a fitting value open", "StringLike", "home/${v}",
        {"k": "home/x", "v": UNKNOWN}, UNKNOWN),
    compared("an unknown variable cannot make another value fit", "StringLike", "home/${v}",
        {"k": "away/x", "v": UNKNOWN}, False),
    compared("an unknown variable with a default cannot make a negation fail for another value", "StringNotLike",
        "home/${v, 'x'}", {"k": "away/x", "v": UNKNOWN}, True),
    compared("an unknown variable may have no value, which leaves a negation open", "StringNotLike", "home/${v}",
        {"k": "away/x", "v": UNKNOWN}, UNKNOWN),
]  # fmt: skip

CASES = [*ACTIONS, *RESOURCES, *FILLED, *COMPARED]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_statement(case: Case) -> None:
    """A statement applies, or not, or it cannot be told, as the cited page says."""
    assert expected_types(case.applies) == tuple(map(type, decisions_on(case))), case.source


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    """No policy text can keep the evaluator busy."""
    text = "a" * 5000
    case = on("", GRAMMAR, text, applies=False, Resource="*a*a*a*a*a*a*a*a*a*a*a?b*b")
    assert expected_types(applies=False) == tuple(map(type, decisions_on(case)))
