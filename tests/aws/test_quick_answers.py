"""What is parsed in one pass equals what botocore makes of the same answer; what is wrong stays with botocore."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import boto3
import pytest
from botocore.handlers import json_decode_policies
from botocore.parsers import ResponseParserError
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.awsapi.sessions import Connection
from tests.aws.stub import AwsStub
from tests.aws.world import ACCOUNT, Person, World

NAMESPACE = ' xmlns="https://iam.amazonaws.com/doc/2010-05-08/"'
IAM: Any = Connection().own_iam(lambda *_: None)
FACTORY: Any = Connection()._core.get_component("response_parser_factory")


def botocores(operation: str, body: bytes) -> dict[str, Any]:
    model = IAM.meta.service_model.operation_model(operation)
    response = {"body": body, "headers": {}, "status_code": 200}
    parsed: dict[str, Any] = FACTORY.create_parser("query").parse(response, model.output_shape)
    json_decode_policies(parsed=parsed, model=model)
    return parsed


def ours(operation: str, body: bytes, status: int = 200) -> dict[str, Any]:
    """As `Endpoint` and the client do it, with the events of a client of ours."""
    model, events = IAM.meta.service_model.operation_model(operation), IAM.meta.events
    response = {"body": body, "headers": {}, "status_code": status}
    quick: dict[str, Any] = {}
    events.emit(
        f"before-parse.iam.{operation}",
        operation_model=model,
        response_dict=response,
        customized_response_dict=quick,
    )
    parsed: dict[str, Any] = FACTORY.create_parser("query").parse(response, model.output_shape)
    parsed.update(quick)
    events.emit(f"after-call.iam.{operation}", parsed=parsed, model=model, http_response=None, context={})
    return parsed


# --- Answers made at random, by the model ---

TEXTS = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), max_size=12)
DOCUMENTS = st.one_of(
    TEXTS,
    st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(), st.lists(TEXTS)), max_size=3).map(json.dumps),
).map(quote)


def written(shape: Any, draw: Any) -> str:
    """Draw an element's content by its shape; members may be missing, unknown ones may come between."""
    match shape.type_name:
        case "structure":
            parts = []
            for name, member in shape.members.items():
                if draw(st.integers(0, 9)):
                    parts.append(f"<{name}>{written(member, draw)}</{name}>")
            return "".join(parts) + str(
                draw(st.sampled_from(["", "<Newer><member>x</member></Newer>", "\n "]))
            )
        case "list":
            count = draw(st.integers(0, 2))
            return "".join(f"<member>{written(shape.member, draw)}</member>" for _ in range(count))
        case "timestamp":
            times = ["2026-11-24T09:00:00Z", "2026-11-24T09:00:00.123+01:00", "1764000000"]
            return str(draw(st.sampled_from(times)))
        case "boolean":
            return str(draw(st.sampled_from(["true", "false", ""])))
        case "integer":
            return str(draw(st.integers(-5, 10**9)))
        case "blob":
            return "c2VlZA=="
        case _ if shape.name == "policyDocumentType":
            return escape(draw(DOCUMENTS))
        case _:
            return escape(draw(TEXTS))


@st.composite
def answers(draw: Any, operation: str) -> bytes:
    shape = IAM.meta.service_model.operation_model(operation).output_shape
    wrapper, namespace = shape.serialization["resultWrapper"], draw(st.sampled_from([NAMESPACE, ""]))
    metadata = (
        "<ResponseMetadata><RequestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</RequestId></ResponseMetadata>"
    )
    content = written(shape, draw)
    return f"<Answer{namespace}><{wrapper}>{content}</{wrapper}>{metadata}</Answer>".encode()


@pytest.mark.parametrize("operation", ["GetAccountAuthorizationDetails", "ListVirtualMFADevices"])
def test_any_answer_of_the_model_is_parsed_as_botocore_does(operation: str):
    @settings(max_examples=40)
    @given(answers(operation))
    def check(body: bytes) -> None:
        assert botocores(operation, body) == ours(operation, body)

    check()


# --- Recorded answers ---


def test_the_pages_of_an_account_are_those_that_boto3_makes(stub: AwsStub, connection: Connection):
    """Over the wire, with documents, boundaries and tags; each page has a request id of its own."""
    own = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}]}
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/Narrow"
    people = [
        Person(
            "ana", groups=("b", "a"), inline={"own": own}, boundary=boundary, tags={"email": "a@example.com"}
        ),
        Person("bo", attached=(boundary,), inline={"own": own}),
        Person("cy", totp=False),
    ]
    World(stub, people, page=2)
    plain = boto3.client("iam", region_name="us-east-1", aws_access_key_id="AKIA", aws_secret_access_key="x")
    quick = connection.own_iam(lambda *_: None)
    for operation in ("get_account_authorization_details", "list_virtual_mfa_devices"):
        expected, found = (
            [{**page, "ResponseMetadata": None} for page in client.get_paginator(operation).paginate()]
            for client in (plain, quick)
        )
        assert expected == found
    details = quick.get_account_authorization_details()
    assert details["ResponseMetadata"]["RequestId"]
    documents = [user["UserPolicyList"][0]["PolicyDocument"] for user in details["UserDetailList"][:2]]
    assert documents[0] is documents[1], "the same text is decoded once"


# --- What is wrong ---


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Answer><GetAccountAuthorizationDetailsResult><UserDet",
        b"<html>proxy</html>",
        b'{"not": "xml"}',
        (
            b"<Answer><GetAccountAuthorizationDetailsResult><UserDetailList><member><CreateDate>x</CreateDate>"
            b"</member></UserDetailList></GetAccountAuthorizationDetailsResult>"
            b"<ResponseMetadata><RequestId/></ResponseMetadata></Answer>"
        ),
    ],
    ids=["nothing", "cut off", "of a proxy", "JSON", "a time that is none"],
)
def test_what_cannot_be_parsed_is_the_same_error(body: bytes):
    operation = "GetAccountAuthorizationDetails"
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever botocore raises
        botocores(operation, body)
    with pytest.raises(type(expected.value)):
        ours(operation, body)


def test_an_error_is_left_to_botocore():
    body = b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
    parsed = ours("GetAccountAuthorizationDetails", body, status=400)
    assert "Throttling" == parsed["Error"]["Code"]


def test_a_garbled_answer_raises_what_retries_know():
    with pytest.raises(ResponseParserError):
        ours("GetAccountAuthorizationDetails", b"<Answer><cut")
