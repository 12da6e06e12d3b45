"""Renders parts as CloudFormation templates, in YAML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

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
    StoreBucket,
    document,
)

_SUBSTITUTES = {PARTITION: "${AWS::Partition}", ACCOUNT: "${AWS::AccountId}", EXTERNAL_ID: "${ExternalId}"}
_EXTERNAL_ID_PARAMETER = {
    "Type": "String",
    "NoEcho": True,
    "MinLength": 2,
    "Description": "The external ID that rollout sends to this account: access.external_id or an override of it.",
}
_TARGETS_PARAMETER = {
    "Type": "CommaDelimitedList",
    "Description": "IDs of the roots (r-), OUs (ou-) or accounts to attach the policy to.",
}


class _Plain(yaml.SafeDumper):
    """Repeats what occurs twice: people who review a template should not have to follow anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Always."""
        del data
        return True


def template(part: Part) -> str:
    """Return the template of a part, with its preface as comments."""
    resources = {key: value for resource in part.resources for key, value in _rendered(resource)}
    text = _filled(resources)
    parameters: dict[str, Any] = {}
    if EXTERNAL_ID in str(resources):
        parameters["ExternalId"] = _EXTERNAL_ID_PARAMETER
    if any(isinstance(resource, OrganizationPolicy) for resource in part.resources):
        parameters["TargetIds"] = _TARGETS_PARAMETER
    whole = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"rollout: {part.stem}",
        **({"Parameters": parameters} if parameters else {}),
        "Resources": text,
    }
    comments = "".join(f"# {line}\n" for line in part.preface)
    return comments + yaml.dump(whole, Dumper=_Plain, sort_keys=False, width=120)


def _rendered(resource: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    match resource:
        case RightsPolicy():
            yield resource.key, _managed_policy(resource)
        case AccessRole(rights=rights):
            yield rights.key, _managed_policy(rights)
            properties = {
                "RoleName": rights.name,
                "Path": PATH,
                "Description": resource.description,
                "AssumeRolePolicyDocument": document(resource.trust),
                "ManagedPolicyArns": [{"Ref": rights.key}],
                "PermissionsBoundary": {"Ref": rights.key},
            }
            yield resource.key, {"Type": "AWS::IAM::Role", "Properties": properties}
        case OrganizationPolicy():
            properties = {
                "Name": resource.name,
                "Description": resource.description,
                "Type": "SERVICE_CONTROL_POLICY",
                "Content": document(resource.statements),
                "TargetIds": {"Ref": "TargetIds"},
            }
            yield resource.key, {"Type": "AWS::Organizations::Policy", "Properties": properties}
        case StoreBucket():
            yield from _bucket(resource)


def _managed_policy(rights: RightsPolicy) -> dict[str, Any]:
    properties = {
        "ManagedPolicyName": rights.name,
        "Path": PATH,
        "Description": rights.description,
        "PolicyDocument": document(rights.statements),
    }
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}


def _bucket(bucket: StoreBucket) -> Iterator[tuple[str, dict[str, Any]]]:
    by_kms = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": bucket.kms_key}
    encryption = by_kms if bucket.kms_key else {"SSEAlgorithm": "AES256"}
    private = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    properties = {
        "BucketName": bucket.name,
        "VersioningConfiguration": {"Status": "Enabled"},
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": encryption}]
        },
        "PublicAccessBlockConfiguration": dict.fromkeys(private, True),
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    }
    kept = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    yield "Store", {"Type": "AWS::S3::Bucket", **kept, "Properties": properties}
    rule = {"Bucket": {"Ref": "Store"}, "PolicyDocument": document(bucket.statements)}
    yield "StorePolicy", {"Type": "AWS::S3::BucketPolicy", "Properties": rule}


def _filled(value: Any) -> Any:
    """Let CloudFormation fill in the partition, the account and the external ID."""
    match value:
        case dict():
            return {key: _filled(one) for key, one in value.items()}
        case list():
            return [_filled(one) for one in value]
        case str() if value == EXTERNAL_ID:
            return {"Ref": "ExternalId"}
        case str() if any(token in value for token in _SUBSTITUTES):
            text = value.replace("${", "${!")
            for token, substitute in _SUBSTITUTES.items():
                text = text.replace(token, substitute)
            return {"Fn::Sub": text}
        case _:
            return value
