"""Parses the large answers of IAM in one pass, by functions made once for each shape of botocore's own model.

botocore looks up each shape again for each element, and decodes each policy document each time it occurs. What comes
out here is equal to what botocore makes of it; signing, retries, errors and everything unusual stay with botocore.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError, XMLParser

from botocore.handlers import json_decode_policies

if TYPE_CHECKING:
    from botocore.client import BaseClient

LARGE = frozenset({"GetAccountAuthorizationDetails", "ListVirtualMFADevices"})
"""The operations whose answers have a thousand items."""
_DECODED = "PolicyDocumentsDecoded"
_REMEMBERED_DOCUMENTS = 4_096

Parse = Callable[[Element], Any]


def parse_quickly(client: BaseClient, timestamp: Callable[[str], object]) -> None:
    """Let an IAM client parse `LARGE` answers so; `timestamp` reads a time as the client's own parser does.

    Policy documents with the same text become the same object, which nobody may change.
    """
    shapes = _Shapes(timestamp)

    def before_parse(
        *,
        operation_model: Any,
        response_dict: dict[str, Any],
        customized_response_dict: dict[str, Any],
        **_: object,
    ) -> None:
        body, shape = response_dict["body"], operation_model.output_shape
        if operation_model.name not in LARGE or response_dict["status_code"] >= 300 or shape is None:
            return
        try:
            result, request_id = shapes.result(body, shape)
        except (ParseError, ValueError, LookupError, TypeError, AttributeError):
            return  # botocore says what is wrong with it
        customized_response_dict.update(result)
        customized_response_dict[_DECODED] = True
        wrapper = shape.serialization["resultWrapper"]
        metadata = f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
        response_dict["body"] = f"<Answer><{wrapper}/>{metadata}</Answer>".encode()

    def after_call(*, parsed: dict[str, Any], model: Any, **more: object) -> None:
        if not parsed.pop(_DECODED, False):
            json_decode_policies(parsed=parsed, model=model, **more)

    events = client.meta.events
    events.unregister("after-call.iam", json_decode_policies)
    events.register("after-call.iam", after_call)
    events.register("before-parse.iam", before_parse)


@lru_cache(maxsize=_REMEMBERED_DOCUMENTS)
def _document(text: str) -> object:
    try:
        return json.loads(unquote(text))
    except ValueError:
        return text


class _Shapes:
    """The functions that parse an element, by the name of its shape and the length of the namespace before its tag."""

    def __init__(self, timestamp: Callable[[str], object]) -> None:
        self._made: dict[tuple[str, int], Parse] = {}
        self._of_text: dict[str, Callable[[str], object]] = {
            "string": str,
            "timestamp": timestamp,
            "boolean": lambda text: text == "true",
            "integer": int,
            "long": int,
            "blob": b64decode,
        }

    def result(self, body: bytes, shape: Any) -> tuple[dict[str, Any], str]:
        """Parse a whole answer into its members and the request id. Raises ParseError, LookupError and others."""
        parser = XMLParser(encoding="utf-8")  # noqa: S314 - as botocore does, which reads the same answers
        parser.feed(body)
        root: Element = parser.close()
        namespace = root.tag.rfind("}") + 1
        parts = {child.tag[namespace:]: child for child in root}
        result: dict[str, Any] = self._parse(shape, namespace)(parts[shape.serialization["resultWrapper"]])
        request_id = next(child.text or "" for child in parts["ResponseMetadata"])
        return result, request_id if request_id.replace("-", "").isalnum() else ""

    def _parse(self, shape: Any, namespace: int) -> Parse:
        made = self._made.get((shape.name, namespace))
        if made is None:
            made = self._made[shape.name, namespace] = self._make(shape, namespace)
        return made

    def _make(self, shape: Any, namespace: int) -> Parse:
        if "flattened" in shape.serialization:
            raise LookupError(f"{shape.name} is flattened")
        match shape.type_name:
            case "structure":
                return self._structure(shape, namespace)
            case "list":
                parse = self._parse(shape.member, namespace)
                return lambda node: [parse(item) for item in node]
            case "string" if shape.name == "policyDocumentType":
                return lambda node: _document(node.text or "")
            case kind:
                of_text = self._of_text[kind]
                return lambda node: of_text(node.text or "")

    def _structure(self, shape: Any, namespace: int) -> Parse:
        members = {
            member.serialization.get("name", name): (name, self._parse(member, namespace))
            for name, member in shape.members.items()
        }

        def parse(node: Element) -> dict[str, Any]:
            found = {}
            for child in node:
                known = members.get(child.tag[namespace:])
                if known is not None:
                    found[known[0]] = known[1](child)
            return found

        return parse
