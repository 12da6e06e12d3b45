"""The condition operators, rule by rule, each as an Allow and as a Deny."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.domain.iam import UNKNOWN
from tests.domain.iam.asking import (
    CONDITION,
    GLOBAL_KEYS,
    MULTIVALUED,
    OPERATORS,
    SEVERAL,
    Case,
    Truth,
    a_request,
    decisions_on,
    expected_types,
)

MFA = "aws:MultiFactorAuthPresent"
AGE = "aws:MultiFactorAuthAge"
NOW = "aws:CurrentTime"
IP = "aws:SourceIp"
TAGS = "aws:TagKeys"
WHO = "aws:PrincipalArn"
FACTS_6_1 = "aws-facts.md#when-the-keys-exist When the keys exist"
FACTS_6_2 = "aws-facts.md#operators Operators"
NOTED = "not documented; see the module docstring of rollout.domain.iam.conditions"


def when(says: str, source: str, operator: str, key: str, values: Any, given: Any, applies: Truth) -> Case:
    """One key under one operator; `given` is the key's value in the request, None for absent."""
    request = a_request(context={} if given is None else {key: given})
    return Case(
        says,
        source,
        {"Action": "*", "Resource": "*", "Condition": {operator: {key: values}}},
        applies,
        request,
    )


STRINGS = [
    when("StringEquals matches the same text", OPERATORS, "StringEquals", "k", "v", "v", True),
    when("StringEquals minds case", OPERATORS, "StringEquals", "k", "v", "V", False),
    when("StringEquals takes a star literally", OPERATORS, "StringEquals", "k", "v*", "value", False),
    when("StringEquals finds a literal star", OPERATORS, "StringEquals", "k", "v*", "v*", True),
    when("StringEquals matches any of its values", SEVERAL, "StringEquals", "k", ["a", "b"], "b", True),
    when("StringEquals matches none of its values", SEVERAL, "StringEquals", "k", ["a", "b"], "c", False),
    when("StringEquals is false without the key", OPERATORS, "StringEquals", "k", "v", None, False),
    when("StringEquals compares an empty text", OPERATORS, "StringEquals", "k", "", "", True),
    when("StringNotEquals is the opposite", OPERATORS, "StringNotEquals", "k", "v", "w", True),
    when("StringNotEquals fails on the same text", OPERATORS, "StringNotEquals", "k", "v", "v", False),
    when("StringNotEquals is true without the key", OPERATORS, "StringNotEquals", "k", "v", None, True),
    when("StringNotEquals fails when one of its values matches", SEVERAL, "StringNotEquals", "k", ["a", "b"], "b",
        False),
    when("StringNotEquals holds when none of its values matches", SEVERAL, "StringNotEquals", "k", ["a", "b"], "c",
        True),
    when("StringEqualsIgnoreCase forgets case", OPERATORS, "StringEqualsIgnoreCase", "k", "Alice", "aLICE", True),
    when("StringEqualsIgnoreCase still compares all of it", OPERATORS, "StringEqualsIgnoreCase", "k", "Alice", "alic",
        False),
    when("StringNotEqualsIgnoreCase forgets case", OPERATORS, "StringNotEqualsIgnoreCase", "k", "Alice", "ALICE",
        False),
    when("StringNotEqualsIgnoreCase is true without the key", OPERATORS, "StringNotEqualsIgnoreCase", "k", "v", None,
        True),
    when("StringLike knows the star", OPERATORS, "StringLike", "k", "home/*", "home/alice/x", True),
    when("StringLike lets a star be nothing", OPERATORS, "StringLike", "k", "home/*", "home/", True),
    when("StringLike knows the question mark", OPERATORS, "StringLike", "k", "t?.micro", "t3.micro", True),
    when("StringLike wants a character for a question mark", OPERATORS, "StringLike", "k", "t?.micro", "t.micro",
        False),
    when("StringLike knows wildcards anywhere", OPERATORS, "StringLike", "k", "*a?c*", "xxabcyy", True),
    when("StringLike matches the whole text", OPERATORS, "StringLike", "k", "home", "home/alice", False),
    when("StringLike minds case", OPERATORS, "StringLike", "k", "Home/*", "home/alice", False),
    when("StringLike takes brackets and dots literally", OPERATORS, "StringLike", "k", "a.[bc]", "axb", False),
    when("StringLike crosses line breaks", OPERATORS, "StringLike", "k", "a*b", "a\n\nb", True),
    when("StringLike lists alternatives, the empty text too", OPERATORS, "StringLike", "k", ["", "home/"], "", True),
    when("StringLike needs the key even for a lone star", OPERATORS, "StringLike", "k", "*", None, False),
    when("StringNotLike fails on likeness", OPERATORS, "StringNotLike", "k", "home/*", "home/x", False),
    when("StringNotLike holds for another text", OPERATORS, "StringNotLike", "k", "home/*", "away/x", True),
    when("StringNotLike is true without the key", OPERATORS, "StringNotLike", "k", "*", None, True),
    when("operator names are read in any case", CONDITION, "stringequals", "k", "v", "v", True),
    when("key names match in any case", CONDITION, "StringEquals", "AWS:sourceVPC", "v", "v", True),
]  # fmt: skip

NUMBERS = [
    when("NumericEquals compares numbers, not texts", OPERATORS, "NumericEquals", "s3:max-keys", "10", "10.0", True),
    when("NumericEquals takes a JSON number", GLOBAL_KEYS, "NumericEquals", "s3:max-keys", 10, 10, True),
    when("NumericNotEquals holds for another number", OPERATORS, "NumericNotEquals", "s3:max-keys", "10", "11", True),
    when("NumericNotEquals fails on the same number", OPERATORS, "NumericNotEquals", "s3:max-keys", "10", "1e1", False),
    when("NumericNotEquals is true without the key", OPERATORS, "NumericNotEquals", "s3:max-keys", "10", None, True),
    when("NumericLessThan excludes its limit", OPERATORS, "NumericLessThan", AGE, "3600", "3600", False),
    when("NumericLessThan holds below its limit", OPERATORS, "NumericLessThan", AGE, "3600", "3599.9", True),
    when("NumericLessThan is false without the key", FACTS_6_1, "NumericLessThan", AGE, "3600", None, False),
    when("NumericLessThanEquals includes its limit", OPERATORS, "NumericLessThanEquals", AGE, "3600", "3600", True),
    when("NumericGreaterThan excludes its limit", OPERATORS, "NumericGreaterThan", AGE, "3600", "3600", False),
    when("NumericGreaterThan holds above its limit", OPERATORS, "NumericGreaterThan", AGE, "3600", "3601", True),
    when("NumericGreaterThanEquals includes its limit", OPERATORS, "NumericGreaterThanEquals", AGE, "3600", "3600",
        True),
    when("NumericGreaterThan knows the sign", OPERATORS, "NumericGreaterThan", "n", "-2", "-1", True),
    when("NumericGreaterThan does not compare as text", OPERATORS, "NumericGreaterThan", "n", "9", "10", True),
    when("NumericLessThanIfExists holds without the key", OPERATORS, "NumericLessThanIfExists", AGE, "3600", None,
        True),
    when("NumericEquals never matches what is no number", OPERATORS, "NumericEquals", "n", "ten", "ten", False),
    when("NumericEquals does not take infinity for a number", OPERATORS, "NumericEquals", "n", "Infinity", "Infinity",
        False),
    when("NumericNotEquals over no number is left open", NOTED, "NumericNotEquals", "n", "10", "ten", UNKNOWN),
]  # fmt: skip

DATES = [
    when("DateGreaterThan holds after the date", OPERATORS, "DateGreaterThan", NOW, "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:01Z", True),
    when("DateGreaterThan excludes the moment itself", OPERATORS, "DateGreaterThan", NOW, "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z", False),
    when("DateGreaterThanEquals includes the moment itself", OPERATORS, "DateGreaterThanEquals", NOW,
        "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", True),
    when("DateLessThan holds before the date", OPERATORS, "DateLessThan", NOW, "2026-01-01", "2025-12-31T23:59:59Z",
        True),
    when("DateLessThanEquals includes the moment itself", OPERATORS, "DateLessThanEquals", NOW, "2026-01",
        "2026-01-01T00:00Z", True),
    when("DateEquals minds the offset", OPERATORS, "DateEquals", NOW, "2026-01-01T01:00:00+01:00",
        "2026-01-01T00:00:00Z", True),
    when("DateEquals knows negative offsets", OPERATORS, "DateEquals", NOW, "2025-12-31T18:30:00-05:30",
        "2026-01-01T00:00:00Z", True),
    when("DateEquals knows fractions of a second", OPERATORS, "DateEquals", NOW, "2026-01-01T00:00:00.5Z",
        "2026-01-01T00:00:00.50Z", True),
    when("DateEquals knows epoch seconds", OPERATORS, "DateEquals", "aws:EpochTime", "1767225600",
        "2026-01-01T00:00:00Z", True),
    when("DateLessThan compares epoch seconds", OPERATORS, "DateLessThan", "aws:EpochTime", "1767225600", "1767225599",
        True),
    when("DateNotEquals holds for another moment", OPERATORS, "DateNotEquals", NOW, "2026-01-01", "2026-01-02", True),
    when("DateNotEquals fails on the same moment", OPERATORS, "DateNotEquals", NOW, "2026-01-01",
        "2026-01-01T00:00:00Z", False),
    when("DateNotEquals is true without the key", OPERATORS, "DateNotEquals", NOW, "2026-01-01", None, True),
    when("DateGreaterThan is false without the key", OPERATORS, "DateGreaterThan", "aws:TokenIssueTime",
        "2020-01-01T00:00:01Z", None, False),
    when("DateGreaterThan knows no wildcards", OPERATORS, "DateGreaterThan", NOW, "*", "2026-01-01T00:00:00Z", False),
    when("DateEquals never matches a day that does not exist", OPERATORS, "DateEquals", NOW, "2026-02-30", "2026-02-30",
        False),
    when("four digits are a year to one notation and seconds to the other", OPERATORS, "DateLessThan", NOW, "2027",
        "2026-01-01", UNKNOWN),
    when("four digits in a request too", OPERATORS, "DateLessThan", NOW, "2027-01-01", "2026", UNKNOWN),
    when("DateNotEquals over no date is left open", NOTED, "DateNotEquals", NOW, "soon", "2026-01-01", UNKNOWN),
]  # fmt: skip

BOOLEANS = [
    when("Bool matches true", OPERATORS, "Bool", "aws:SecureTransport", "true", "true", True),
    when("Bool takes JSON truth values", GLOBAL_KEYS, "Bool", "aws:SecureTransport", True, True, True),
    when("Bool forgets case", OPERATORS, "Bool", "aws:SecureTransport", "False", "FALSE", True),
    when("Bool tells true from false", OPERATORS, "Bool", "aws:SecureTransport", "false", "true", False),
    when("Bool is false without the key", FACTS_6_2, "Bool", MFA, "false", None, False),
    when("BoolIfExists is true without the key", FACTS_6_2, "BoolIfExists", MFA, "false", None, True),
    when("BoolIfExists matches false", FACTS_6_2, "BoolIfExists", MFA, "false", "false", True),
    when("BoolIfExists fails on the opposite", FACTS_6_2, "BoolIfExists", MFA, "false", "true", False),
    when("BoolIfExists true lets long-term keys through", FACTS_6_2, "BoolIfExists", MFA, "true", None, True),
    when("Bool never matches what is no truth value", OPERATORS, "Bool", MFA, "yes", "yes", False),
    when("Bool does not take 1 for true", OPERATORS, "Bool", MFA, "true", "1", False),
    when("Bool with both values matches either", SEVERAL, "Bool", MFA, ["true", "false"], "false", True),
    when("Bool with both values still needs the key", SEVERAL, "Bool", MFA, ["true", "false"], None, False),
]  # fmt: skip

ADDRESSES = [
    when("IpAddress matches inside the network", OPERATORS, "IpAddress", IP, "203.0.113.0/24", "203.0.113.7", True),
    when("IpAddress fails outside the network", OPERATORS, "IpAddress", IP, "203.0.113.0/24", "203.0.114.7", False),
    when("IpAddress takes a plain address for one host", OPERATORS, "IpAddress", IP, "203.0.113.7", "203.0.113.7",
        True),
    when("IpAddress takes host bits for the network", OPERATORS, "IpAddress", IP, "203.0.113.9/24", "203.0.113.7",
        True),
    when("IpAddress knows IPv6", OPERATORS, "IpAddress", IP, "2001:DB8:1234:5678::/64", "2001:db8:1234:5678::1", True),
    when("IpAddress fails outside the IPv6 network", OPERATORS, "IpAddress", IP, "2001:db8::/64", "2001:db8:1::1",
        False),
    when("IpAddress mixes both families", OPERATORS, "IpAddress", IP, ["203.0.113.0/24", "2001:db8::/32"],
        "2001:db8::9", True),
    when("IpAddress never matches across families", OPERATORS, "IpAddress", IP, "0.0.0.0/0", "2001:db8::1", False),
    when("IpAddress is false without the key", OPERATORS, "IpAddress", IP, "0.0.0.0/0", None, False),
    when("IpAddress never matches what is no address", OPERATORS, "IpAddress", IP, "0.0.0.0/0", "somewhere", False),
    when("NotIpAddress holds outside the network", OPERATORS, "NotIpAddress", IP, "203.0.113.0/24", "198.51.100.1",
        True),
    when("NotIpAddress fails inside any of its networks", SEVERAL, "NotIpAddress", IP,
        ["203.0.113.0/24", "198.51.100.0/24"], "198.51.100.1", False),
    when("NotIpAddress holds for the other family", OPERATORS, "NotIpAddress", IP, "203.0.113.0/24", "2001:db8::1",
        True),
    when("NotIpAddress is true without the key", OPERATORS, "NotIpAddress", IP, "203.0.113.0/24", None, True),
    when("NotIpAddressIfExists is true without the key", OPERATORS, "NotIpAddressIfExists", IP, "203.0.113.0/24", None,
        True),
    when("NotIpAddress over no address is left open", NOTED, "NotIpAddress", IP, "203.0.113.0/24", "somewhere",
        UNKNOWN),
]  # fmt: skip

ARN = "arn:aws:iam::111122223333:user/team/alice"
ARNS = [
    when("ArnEquals matches the same ARN", OPERATORS, "ArnEquals", WHO, ARN, ARN, True),
    when("ArnEquals knows wildcards like ArnLike", OPERATORS, "ArnEquals", WHO, "arn:aws:iam::*:user/*", ARN, True),
    when("ArnLike knows wildcards in every part", OPERATORS, "ArnLike", WHO, "arn:a?s:i*::*:user/*/alice", ARN, True),
    when("ArnLike minds case", OPERATORS, "ArnLike", WHO, "arn:aws:iam::*:user/*/Alice", ARN, False),
    when("ArnLike keeps a star inside its part", OPERATORS, "ArnLike", WHO,
        "arn:aws:someservice:*:111122223333:finance/*",
        "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt", False),
    when("StringLike does not", OPERATORS, "StringLike", WHO, "arn:aws:someservice:*:111122223333:finance/*",
        "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt", True),
    when("ArnLike lets a star run through the resource part", OPERATORS, "ArnLike", "aws:SourceArn",
        "arn:aws:logs:*:*:log-group:*", "arn:aws:logs:eu-west-1:111122223333:log-group:a:log-stream:b", True),
    when("ArnLike is false without the key", OPERATORS, "ArnLike", "aws:SourceArn", "arn:aws:sns:*:*:*", None, False),
    when("ArnNotEquals fails on likeness", OPERATORS, "ArnNotEquals", WHO, "arn:aws:iam::*:user/*", ARN, False),
    when("ArnNotLike holds for another ARN", OPERATORS, "ArnNotLike", WHO, "arn:aws:iam::*:role/*", ARN, True),
    when("ArnNotLike fails when one of its values is like it", SEVERAL, "ArnNotLike", WHO,
        ["arn:aws:iam::*:role/*", "arn:aws:iam::*:user/*"], ARN, False),
    when("ArnNotLike is true without the key", OPERATORS, "ArnNotLike", "aws:SourceArn", "arn:aws:sns:*:*:*", None,
        True),
    when("ArnLikeIfExists is true without the key", OPERATORS, "ArnLikeIfExists", "aws:SourceArn", "arn:aws:sns:*:*:*",
        None, True),
    when("ArnLike never matches what is no ARN", OPERATORS, "ArnLike", "aws:SourceArn", "arn:aws:sns:*:*:*", "a topic",
        False),
    when("ArnLike with an incomplete ARN matches nothing", OPERATORS, "ArnLike", WHO, "*", ARN, False),
    when("ArnLike with five parts matches nothing", OPERATORS, "ArnLike", WHO, "arn:aws:iam::*", ARN, False),
    when("ArnNotLike with an incomplete ARN always holds", OPERATORS, "ArnNotLike", WHO, "arn:aws:iam::*", ARN, True),
    when("ArnLike with a variable for all parts is left open", NOTED, "ArnLike", WHO, "${aws:PrincipalArn}", ARN, UNKNOWN),
    when("ArnNotLike over no ARN is left open", NOTED, "ArnNotLike", "aws:SourceArn", "arn:aws:sns:*:*:*", "a topic",
        UNKNOWN),
]  # fmt: skip

BINARY_AND_NULL = [
    when("BinaryEquals compares the bytes", OPERATORS, "BinaryEquals", "k", "QmluYXJ5", "QmluYXJ5", True),
    when("BinaryEquals minds every byte", OPERATORS, "BinaryEquals", "k", "QmluYXJ5", "QmluYXJ6", False),
    when("BinaryEquals never matches what is no base64", OPERATORS, "BinaryEquals", "k", "%", "%", False),
    when("BinaryEquals takes any text for a value", OPERATORS, "BinaryEquals", "k", "QmluYXJ5", "\ud800", False),
    when("BinaryEquals is false without the key", OPERATORS, "BinaryEquals", "k", "QmluYXJ5", None, False),
    when("BinaryEquals with unencoded bytes is left open", NOTED, "BinaryEquals", "k", "QmluYXJ5", "Binary", UNKNOWN),
    when("Null true holds without the key", OPERATORS, "Null", "aws:TokenIssueTime", "true", None, True),
    when("Null true fails with the key", OPERATORS, "Null", "aws:TokenIssueTime", "true", "2026-01-01", False),
    when("Null false holds with the key", OPERATORS, "Null", "aws:TokenIssueTime", "false", "2026-01-01", True),
    when("Null false fails without the key", OPERATORS, "Null", "aws:TokenIssueTime", "false", None, False),
    when("Null takes JSON truth values", GLOBAL_KEYS, "Null", MFA, True, None, True),
    when("Null with both values always holds", SEVERAL, "Null", MFA, ["true", "false"], None, True),
    when("Null looks at a list as a whole", MULTIVALUED, "Null", TAGS, "false", ["a", "b"], True),
    when("Null over an empty value is left open", MULTIVALUED, "Null", "aws:PrincipalTag/x", "true", "", UNKNOWN),
]  # fmt: skip

IF_EXISTS = [
    when("StringEqualsIfExists compares a present key", OPERATORS, "StringEqualsIfExists", "k", "v", "w", False),
    when("StringEqualsIfExists is true without the key", OPERATORS, "StringEqualsIfExists", "k", "v", None, True),
    when("StringLikeIfExists compares a present key", OPERATORS, "StringLikeIfExists", "ec2:InstanceType",
        ["t1.*", "t2.*"], "t2.nano", True),
    when("StringLikeIfExists is true for resources without the key", OPERATORS, "StringLikeIfExists",
        "ec2:InstanceType", ["t1.*"], None, True),
    when("StringNotEqualsIfExists is true without the key", OPERATORS, "StringNotEqualsIfExists", "k", "v", None, True),
    when("StringNotEqualsIfExists compares a present key", OPERATORS, "StringNotEqualsIfExists", "k", "v", "v", False),
    when("IfExists is read in any case", CONDITION, "stringequalsifexists", "k", "v", None, True),
]  # fmt: skip

SETS = [
    when("ForAllValues holds when every value is listed", MULTIVALUED, "ForAllValues:StringEquals", TAGS,
        ["a", "b", "c"], ["a", "c"], True),
    when("ForAllValues fails on one value that is not listed", MULTIVALUED, "ForAllValues:StringEquals", TAGS,
        ["a", "b"], ["a", "z"], False),
    when("ForAllValues is true without the key", MULTIVALUED, "ForAllValues:StringEquals", TAGS, "a", None, True),
    when("ForAllValues is true for an empty list", MULTIVALUED, "ForAllValues:StringEquals", TAGS, "a", [], True),
    when("ForAllValues knows wildcards", MULTIVALUED, "ForAllValues:StringLike", TAGS, "Post*",
        ["PostDate", "PostTime"], True),
    when("ForAllValues of a negated operator wants every value to differ", MULTIVALUED, "ForAllValues:StringNotEquals",
        TAGS, ["a", "b"], ["c", "d"], True),
    when("ForAllValues of a negated operator fails on one listed value", MULTIVALUED, "ForAllValues:StringNotEquals",
        TAGS, ["a", "b"], ["c", "b"], False),
    when("ForAllValues of a negated operator is true without the key", MULTIVALUED, "ForAllValues:StringNotEquals",
        TAGS, "a", None, True),
    when("ForAllValues takes a single value for a set of one", MULTIVALUED, "ForAllValues:StringEquals", TAGS, "a", "a",
        True),
    when("ForAllValues with IfExists is true without the key", OPERATORS, "ForAllValues:StringEqualsIfExists", TAGS,
        "a", None, True),
    when("ForAnyValue holds when one value is listed", MULTIVALUED, "ForAnyValue:StringEquals", TAGS, ["a", "b"],
        ["z", "b"], True),
    when("ForAnyValue fails when no value is listed", MULTIVALUED, "ForAnyValue:StringEquals", TAGS, ["a", "b"],
        ["x", "y"], False),
    when("ForAnyValue is false without the key", MULTIVALUED, "ForAnyValue:StringEquals", TAGS, "a", None, False),
    when("ForAnyValue is false for an empty list", MULTIVALUED, "ForAnyValue:StringEquals", TAGS, "a", [], False),
    when("ForAnyValue of a negated operator wants one value to differ from all listed", MULTIVALUED,
        "ForAnyValue:StringNotEquals", TAGS, ["a", "b"], ["a", "z"], True),
    when("ForAnyValue of a negated operator fails when all values are listed", MULTIVALUED,
        "ForAnyValue:StringNotEquals", TAGS, ["a", "b"], ["a", "b"], False),
    when("ForAnyValue of a negated operator is false without the key", MULTIVALUED, "ForAnyValue:StringNotEquals", TAGS,
        "a", None, False),
    when("ForAnyValue compares addresses one by one", MULTIVALUED, "ForAnyValue:IpAddress", "aws:VpcSourceIp",
        "10.0.0.0/8", ["192.0.2.1", "10.1.2.3"], True),
    when("set prefixes are read in any case", CONDITION, "foranyvalue:stringequals", TAGS, "a", ["a"], True),
    when("an empty value counts as none to ForAllValues, or it does not", MULTIVALUED, "ForAllValues:StringEquals",
        TAGS, "a", "", UNKNOWN),
    when("an empty value that is listed passes ForAllValues either way", MULTIVALUED, "ForAllValues:StringEquals", TAGS,
        ["a", ""], "", True),
    when("an empty value that is not listed fails ForAnyValue either way", MULTIVALUED, "ForAnyValue:StringEquals",
        TAGS, "a", "", False),
    when("an empty value that is listed leaves ForAnyValue open", MULTIVALUED, "ForAnyValue:StringEquals", TAGS, "", "",
        UNKNOWN),
    when("an absent key under ForAnyValue with IfExists is left open", NOTED, "ForAnyValue:StringEqualsIfExists", TAGS,
        "a", None, UNKNOWN),
    when("an empty list under ForAnyValue with IfExists is left open", NOTED, "ForAnyValue:StringEqualsIfExists", TAGS,
        "a", [], UNKNOWN),
    when("an empty value is there, so IfExists saves no ForAnyValue", MULTIVALUED, "ForAnyValue:StringEqualsIfExists",
        TAGS, "a", "", False),
    when("a list of one is a single value", MULTIVALUED, "StringEquals", "k", "v", ["v"], True),
    when("a single value of a multivalued key needs a set prefix all the same", MULTIVALUED, "StringEquals", TAGS, "a",
        "a", UNKNOWN),
    when("a single value of a multivalued key that does not match does not", MULTIVALUED, "StringEquals", TAGS, "a",
        "b", False),
    when("several values need a set prefix, so a match is left open", NOTED, "StringEquals", TAGS, "a", ["a", "b"],
        UNKNOWN),
    when("several values of which none matches do not match", NOTED, "StringEquals", TAGS, "a", ["b", "c"], False),
    when("several values that all match fail a negated operator", NOTED, "StringNotEquals", TAGS, ["a", "b"],
        ["a", "b"], False),
    when("several values of which one differs leave a negated operator open", NOTED, "StringNotEquals", TAGS, "a",
        ["a", "b"], UNKNOWN),
    when("an empty list without set prefix does not match", NOTED, "StringEquals", TAGS, "a", [], False),
    when("an empty list leaves a negated operator open", NOTED, "StringNotEquals", TAGS, "a", [], UNKNOWN),
]  # fmt: skip

OF_UNKNOWN = [
    when("an unknown key leaves StringEquals open", "design.md#verdicts", "StringEquals", "k", "v", UNKNOWN, UNKNOWN),
    when("an unknown key leaves a lone star open: it may be absent", "design.md#verdicts", "StringLike", "k", "*", UNKNOWN,
        UNKNOWN),
    when("an unknown key leaves a negated operator open", "design.md#verdicts", "StringNotEquals", "k", "v", UNKNOWN, UNKNOWN),
    when("an unknown key leaves IfExists open", "design.md#verdicts", "BoolIfExists", MFA, "false", UNKNOWN, UNKNOWN),
    when("an unknown key leaves Null open", "design.md#verdicts", "Null", MFA, "true", UNKNOWN, UNKNOWN),
    when("an unknown key leaves ForAllValues open", "design.md#verdicts", "ForAllValues:StringEquals", TAGS, "a", UNKNOWN,
        UNKNOWN),
    when("Null that takes both answers holds for an unknown key", "design.md#verdicts", "Null", MFA, ["true", "false"], UNKNOWN,
        True),
]  # fmt: skip


def among(says: str, source: str, condition: dict[str, Any], context: dict[str, Any], applies: Truth) -> Case:
    """A whole Condition element."""
    request = a_request(context=context)
    return Case(says, source, {"Action": "*", "Resource": "*", "Condition": condition}, applies, request)


BLOCKS = [
    among("no conditions hold", CONDITION, {}, {}, True),
    among("keys under one operator must all hold", SEVERAL, {"StringEquals": {"a": "1", "b": "2"}},
        {"a": "1", "b": "2"}, True),
    among("one key that fails is enough", SEVERAL, {"StringEquals": {"a": "1", "b": "2"}}, {"a": "1", "b": "3"}, False),
    among("operators must all hold", SEVERAL, {"Bool": {MFA: "true"}, "IpAddress": {IP: "203.0.113.0/24"}},
        {MFA: "true", IP: "203.0.113.9"}, True),
    among("one operator that fails is enough", SEVERAL, {"Bool": {MFA: "true"}, "IpAddress": {IP: "203.0.113.0/24"}},
        {MFA: "true", IP: "192.0.2.1"}, False),
    among("a sure failure outweighs the unknown", "design.md#verdicts", {"StringEquals": {"a": "1", "b": "2"}},
        {"a": UNKNOWN, "b": "3"}, False),
    among("the unknown outweighs sure success", "design.md#verdicts", {"StringEquals": {"a": "1", "b": "2"}},
        {"a": UNKNOWN, "b": "2"}, UNKNOWN),
    among("Null false beside ForAllValues asks for the key", MULTIVALUED,
        {"ForAllValues:StringEquals": {TAGS: "a"}, "Null": {TAGS: "false"}}, {}, False),
    among("Null false beside ForAllValues lets listed values pass", MULTIVALUED,
        {"ForAllValues:StringEquals": {TAGS: "a"}, "Null": {TAGS: "false"}}, {TAGS: ["a"]}, True),
    among("an MFA Deny narrowed to direct calls spares calls through services", FACTS_6_2,
        {"BoolIfExists": {MFA: "false", "aws:ViaAWSService": "false"}}, {"aws:ViaAWSService": "true"}, False),
]  # fmt: skip

CASES = [
    *STRINGS,
    *NUMBERS,
    *DATES,
    *BOOLEANS,
    *ADDRESSES,
    *ARNS,
    *BINARY_AND_NULL,
    *IF_EXISTS,
    *SETS,
    *OF_UNKNOWN,
    *BLOCKS,
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_condition(case: Case) -> None:
    """A statement applies, or not, or it cannot be told, as the cited page says."""
    assert expected_types(case.applies) == tuple(map(type, decisions_on(case))), case.source


def test_every_case_has_a_name_of_its_own_and_a_source() -> None:
    """The table can be read, and checked against AWS's pages."""
    assert len({case.says for case in CASES}) == len(CASES)
    assert all(case.source for case in CASES)
