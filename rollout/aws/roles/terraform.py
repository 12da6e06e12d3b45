"""Renders parts as Terraform modules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rollout.aws.roles.template_resources import (
    ACCOUNT,
    EXTERNAL_ID,
    PARTITION,
    PATH,
    AccessRole,
    OrganizationPolicy,
    Part,
    Resource,
    RightsPolicy,
    Statement,
    StoreBucket,
    document,
)

_SUBSTITUTES = {
    PARTITION: "${data.aws_partition.current.partition}",
    ACCOUNT: "${data.aws_caller_identity.current.account_id}",
    EXTERNAL_ID: "${var.external_id}",
}
_PROVIDER = """\
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}
"""
_DATA = {
    PARTITION: 'data "aws_partition" "current" {}\n',
    ACCOUNT: 'data "aws_caller_identity" "current" {}\n',
    EXTERNAL_ID: """\
variable "external_id" {
  description = "The external ID that rollout sends to this account: access.external_id or an override of it."
  type        = string
  sensitive   = true
}
""",
}
_TARGETS = """\
variable "target_ids" {
  description = "IDs of the roots (r-), OUs (ou-) or accounts to attach the policy to."
  type        = set(string)
}
"""


def module(part: Part) -> str:
    """Return the `main.tf` of a part, with its preface as comments."""
    blocks = [block for resource in part.resources for block in _rendered(resource)]
    body = "\n".join(blocks)
    head = [_PROVIDER, *(text for token, text in _DATA.items() if _SUBSTITUTES[token] in body)]
    if any(isinstance(resource, OrganizationPolicy) for resource in part.resources):
        head.append(_TARGETS)
    comments = "".join(f"# {line}\n" for line in part.preface)
    return "\n".join([comments, *head, body])


def _rendered(resource: Resource) -> Iterator[str]:
    match resource:
        case RightsPolicy():
            yield _rights(resource)
        case AccessRole(rights=rights):
            yield _rights(rights)
            policy = f"aws_iam_policy.{_label(rights.key)}.arn"
            name = _label(resource.key)
            yield _block(
                "aws_iam_role",
                name,
                name=rights.name,
                path=PATH,
                description=resource.description,
                permissions_boundary=_Expression(policy),
                assume_role_policy=_policy(resource.trust),
            )
            yield _block(
                "aws_iam_role_policy_attachment",
                name,
                role=_Expression(f"aws_iam_role.{name}.name"),
                policy_arn=_Expression(policy),
            )
        case OrganizationPolicy():
            name = _label(resource.key)
            yield _block(
                "aws_organizations_policy",
                name,
                name=resource.name,
                description=resource.description,
                type="SERVICE_CONTROL_POLICY",
                content=_policy(resource.statements),
            )
            yield _block(
                "aws_organizations_policy_attachment",
                name,
                for_each=_Expression("var.target_ids"),
                policy_id=_Expression(f"aws_organizations_policy.{name}.id"),
                target_id=_Expression("each.value"),
            )
        case StoreBucket():
            yield from _bucket(resource)


def _rights(rights: RightsPolicy) -> str:
    return _block(
        "aws_iam_policy",
        _label(rights.key),
        name=rights.name,
        path=PATH,
        description=rights.description,
        policy=_policy(rights.statements),
    )


def _bucket(bucket: StoreBucket) -> Iterator[str]:
    yield _block("aws_s3_bucket", "store", bucket=bucket.name, lifecycle=_Nested(prevent_destroy=True))
    here = _Expression("aws_s3_bucket.store.id")
    versions = _Nested(status="Enabled")
    yield _block("aws_s3_bucket_versioning", "store", bucket=here, versioning_configuration=versions)
    by_kms: dict[str, Any] = {"sse_algorithm": "aws:kms", "kms_master_key_id": bucket.kms_key}
    encryption = by_kms if bucket.kms_key else {"sse_algorithm": "AES256"}
    rule = _Nested(apply_server_side_encryption_by_default=_Nested(**encryption))
    yield _block("aws_s3_bucket_server_side_encryption_configuration", "store", bucket=here, rule=rule)
    private = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    yield _block("aws_s3_bucket_public_access_block", "store", bucket=here, **dict.fromkeys(private, True))
    owned = _Nested(object_ownership="BucketOwnerEnforced")
    yield _block("aws_s3_bucket_ownership_controls", "store", bucket=here, rule=owned)
    yield _block("aws_s3_bucket_policy", "store", bucket=here, policy=_policy(bucket.statements))


class _Expression(str):
    """Terraform's own words, as opposed to a text."""

    __slots__ = ()


class _Nested(dict[str, Any]):
    """A block within a block."""


def _block(kind: str, label: str, /, **values: Any) -> str:
    return f'resource "{kind}" "{label}" {{\n' + "".join(_lines(values, "  ")) + "}\n"


def _lines(values: dict[str, Any], indent: str) -> Iterator[str]:
    # As `terraform fmt` aligns them: those of one line; whatever takes more stands apart.
    plain = {key: _value(value, indent) for key, value in values.items() if not isinstance(value, _Nested)}
    short = [len(key) for key, text in plain.items() if "\n" not in text]
    for key, text in plain.items():
        several = "\n" in text
        yield f"\n{indent}{key} = {text}\n" if several else f"{indent}{key:<{max(short)}} = {text}\n"
    for key, value in values.items():
        if isinstance(value, _Nested):
            yield f"\n{indent}{key} {{\n" + "".join(_lines(value, indent + "  ")) + f"{indent}}}\n"


def _value(value: Any, indent: str) -> str:
    if isinstance(value, _Expression):
        return value.replace("\n", f"\n{indent}")
    return _text(json.dumps(value))


def _policy(statements: tuple[Statement, ...]) -> _Expression:
    # JSON is an expression of Terraform's language, but for what its texts take for a template.
    return _Expression(
        f"jsonencode({_text(json.dumps(document(statements), indent=2, separators=(',', ' : ')))})"
    )


def _text(escaped: str) -> str:
    text = escaped.replace("${", "$${").replace("%{", "%%{")
    for token, substitute in _SUBSTITUTES.items():
        text = text.replace(token, substitute)
    return text


def _label(key: str) -> str:
    """Return a name as Terraform writes them: `reader_rights`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key).lstrip("_")
