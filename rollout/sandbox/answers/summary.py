"""The account summary with correct counts; moto omits the root user's device and confuses attachments and versions."""

from __future__ import annotations

from moto.core.responses import ActionResult

from rollout.sandbox.answers.base import IamAnswer

# The quotas of aws-facts.md#quotas-and-rates, under the names that IAM returns.
_QUOTAS = {
    "AccessKeysPerUserQuota": 2,
    "AssumeRolePolicySizeQuota": 2048,
    "AttachedPoliciesPerGroupQuota": 10,
    "AttachedPoliciesPerRoleQuota": 20,
    "AttachedPoliciesPerUserQuota": 10,
    "GroupPolicySizeQuota": 5120,
    "GroupsPerUserQuota": 10,
    "GroupsQuota": 300,
    "InstanceProfilesQuota": 1000,
    "PoliciesQuota": 1500,
    "PolicySizeQuota": 6144,
    "PolicyVersionsInUseQuota": 10000,
    "RolePolicySizeQuota": 10240,
    "RolesQuota": 1000,
    "ServerCertificatesQuota": 20,
    "SigningCertificatesPerUserQuota": 2,
    "UserPolicySizeQuota": 2048,
    "UsersQuota": 5000,
    "VersionsPerPolicyQuota": 5,
}


class SummaryAnswers(IamAnswer):
    """The account's numbers and quotas."""

    def get_account_summary(self) -> ActionResult:
        """Count the account's objects."""
        iam, root = self.backend, self.facts.root
        local = [policy for policy in iam.managed_policies.values() if ":iam::aws:" not in policy.arn]
        devices = iam.virtual_mfa_devices.values()
        in_use = sum(len(user.mfa_devices) for user in iam.users.values()) + (root.mfa != "none")
        counts = {
            "AccountAccessKeysPresent": 0,
            "AccountMFAEnabled": int(root.mfa != "none"),
            "AccountPasswordPresent": int(root.has_password),
            "AccountSigningCertificatesPresent": 0,
            "GlobalEndpointTokenVersion": 1,
            "Groups": len(iam.groups),
            "InstanceProfiles": len(iam.instance_profiles),
            "MFADevices": in_use + sum(device.enable_date is None for device in devices),
            "MFADevicesInUse": in_use,
            "Policies": len(local),
            "PolicyVersionsInUse": sum(len(policy.versions) for policy in local),
            "Providers": len(iam.saml_providers) + len(iam.open_id_providers),
            "Roles": len(iam.roles),
            "ServerCertificates": len(iam.certificates),
            "Users": len(iam.users),
        }
        return ActionResult({"SummaryMap": dict(sorted({**_QUOTAS, **counts}.items()))})
