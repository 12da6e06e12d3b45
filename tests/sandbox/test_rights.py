"""What a caller may do: session policies, identity policies, boundaries and control policies all count."""

import json
from collections.abc import Mapping

from rollout.sandbox.serving.server import Sandbox
from tests.sandbox.connecting import (
    DEV,
    HUB,
    PARTNER,
    PAYMENTS,
    STOREFRONT,
    client,
    code_of,
    entered,
    iam_of,
    refused,
    with_credentials,
)


def narrowed(sandbox: Sandbox, account: str, *statements: Mapping[str, object]) -> dict[str, str]:
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return entered(sandbox.environment(), account, Policy=policy)


def test_a_session_policy_allows_what_it_lists_and_nothing_else(sandbox: Sandbox):
    iam = client(
        "iam",
        narrowed(sandbox, HUB, {"Effect": "Allow", "Action": ["iam:Get*", "iam:List*"], "Resource": "*"}),
    )
    assert iam.list_users()["Users"]
    assert iam.get_user(UserName="ava.lindqvist")["User"]
    with refused("AccessDenied", 403):
        iam.create_user(UserName="intruder")
    with refused("AccessDenied", 403):
        iam.generate_credential_report()


def test_a_session_policy_holds_to_exact_arns(sandbox: Sandbox):
    group = f"arn:aws:iam::{HUB}:group/rollout/Probe"
    iam = client(
        "iam",
        narrowed(
            sandbox,
            HUB,
            {"Effect": "Allow", "Action": ["iam:CreateGroup", "iam:AddUserToGroup"], "Resource": group},
        ),
    )
    iam.create_group(GroupName="Probe", Path="/rollout/")
    iam.add_user_to_group(GroupName="Probe", UserName="ava.lindqvist")
    with refused("AccessDenied", 403):
        iam.create_group(GroupName="Probe2", Path="/rollout/")
    with refused("AccessDenied", 403):
        iam.add_user_to_group(GroupName="Contractors", UserName="ava.lindqvist")


def test_a_session_policy_reads_the_condition_on_the_attached_policy(sandbox: Sandbox):
    ours = "arn:aws:iam::aws:policy/SecurityAudit"
    iam = client(
        "iam",
        narrowed(
            sandbox,
            HUB,
            {
                "Effect": "Allow",
                "Action": "iam:AttachUserPolicy",
                "Resource": "*",
                "Condition": {"ArnEquals": {"iam:PolicyARN": ours}},
            },
        ),
    )
    iam.attach_user_policy(UserName="no", PolicyArn=ours)
    with refused("AccessDenied", 403):
        iam.attach_user_policy(UserName="no", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")


def test_calls_without_a_resource_need_a_star(sandbox: Sandbox):
    """aws-facts.md#roles-and-least-privilege: the bulk reads have no resource support."""
    statement = {"Effect": "Allow", "Action": "iam:*", "Resource": f"arn:aws:iam::{HUB}:user/*"}
    iam = client("iam", narrowed(sandbox, HUB, statement))
    assert iam.get_login_profile(UserName="ava.lindqvist")
    with refused("AccessDenied", 403):
        iam.get_account_authorization_details()
    with refused("AccessDenied", 403):
        iam.list_virtual_mfa_devices()


def test_a_session_policy_cannot_add_to_what_the_role_may_do(sandbox: Sandbox):
    policy = json.dumps(
        {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    )
    iam = client("iam", entered(sandbox.environment(), PAYMENTS, "SecurityAudit", Policy=policy))
    assert iam.list_users()["Users"]
    with refused("AccessDenied", 403):
        iam.create_group(GroupName="Probe")


def test_identity_is_answered_whatever_the_session_policy_says(sandbox: Sandbox):
    """aws-facts.md#eventual-consistency: GetCallerIdentity always succeeds."""
    inside = narrowed(sandbox, HUB, {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    assert HUB == client("sts", inside).get_caller_identity()["Account"]


def test_a_session_policy_that_is_too_long_or_no_json_is_refused(sandbox: Sandbox):
    with refused("MalformedPolicyDocument", 400):
        entered(sandbox.environment(), HUB, Policy="{")
    with refused("ValidationError", 400):
        entered(sandbox.environment(), HUB, Policy=" " * 2049)


def test_a_user_may_do_what_policies_allow_on_their_own_name(sandbox: Sandbox):
    theirs = sandbox.environment_of(f"arn:aws:iam::{HUB}:user/team/platform/sven.larsson")
    iam = client("iam", theirs)
    assert "sven.larsson" == iam.get_user()["User"]["UserName"]
    assert iam.list_access_keys(UserName="sven.larsson")["AccessKeyMetadata"]
    with refused("AccessDenied", 403):
        iam.create_access_key(UserName="ava.lindqvist")


def test_a_control_policy_denies_users_and_leaves_roles_alone(sandbox: Sandbox):
    theirs = sandbox.environment_of(f"arn:aws:iam::{PARTNER}:user/clara.partner")
    with refused("AccessDenied", 403):
        client("iam", theirs).list_mfa_devices(UserName="clara.partner")
    assert iam_of(sandbox, PARTNER).list_mfa_devices(UserName="clara.partner")["MFADevices"]


def test_a_boundary_bounds(sandbox: Sandbox):
    admin = iam_of(sandbox, STOREFRONT)
    made = admin.create_access_key(UserName="quinn.murphy")["AccessKey"]
    theirs = {
        **sandbox.environment(),
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
    }
    assert client("iam", theirs).list_users()
    admin.put_user_permissions_boundary(
        UserName="quinn.murphy", PermissionsBoundary="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    )
    with refused("AccessDenied", 403):
        client("iam", theirs).list_users()


def test_a_lookalike_with_bool_lets_access_keys_pass(sandbox: Sandbox):
    """aws-facts.md#operators: plain Bool misses a key that is absent."""
    theirs = sandbox.environment_of(f"arn:aws:iam::{PAYMENTS}:user/wendy.chen")
    assert client("iam", theirs).list_users()


def test_an_equivalent_policy_of_another_name_denies_them_until_mfa(sandbox: Sandbox):
    """aws-facts.md#when-the-keys-exist: long-term keys carry no MFA flag; GetSessionToken with a code does."""
    arn = f"arn:aws:iam::{PAYMENTS}:user/uma.patel"
    theirs = sandbox.environment_of(arn)
    with refused("AccessDenied", 403):
        client("iam", theirs).list_users()
    serial = f"arn:aws:iam::{PAYMENTS}:mfa/uma.patel"
    without = client("sts", theirs).get_session_token()["Credentials"]
    with refused("InvalidClientTokenId", 403):  # no IAM at all without MFA
        client("iam", with_credentials(theirs, without)).get_user()
    with refused("AccessDenied", 403):
        client("sts", theirs).get_session_token(SerialNumber=serial, TokenCode="12345x")
    code = code_of(sandbox)
    mfa = client("sts", theirs).get_session_token(SerialNumber=serial, TokenCode=code)["Credentials"]
    assert client("iam", with_credentials(theirs, mfa)).list_roles()["Roles"]


def test_a_passkey_gives_no_session(sandbox: Sandbox):
    """aws-facts.md#cli-after-enforcement: passkeys cannot be passed to STS."""
    theirs = sandbox.environment_of(f"arn:aws:iam::{DEV}:user/ivan.horvat")
    serial = client("iam", theirs).list_mfa_devices(UserName="ivan.horvat")["MFADevices"][0]["SerialNumber"]
    assert ":u2f/user/ivan.horvat/" in serial
    with refused("AccessDenied", 403):
        client("sts", theirs).get_session_token(SerialNumber=serial, TokenCode=code_of(sandbox))


def test_what_is_not_offered_says_so(sandbox: Sandbox):
    iam = iam_of(sandbox, HUB)
    with refused("InvalidAction", 400):
        iam.simulate_principal_policy(
            PolicySourceArn=f"arn:aws:iam::{HUB}:user/ava.lindqvist", ActionNames=["s3:ListBucket"]
        )
    with refused("InvalidAction", 400):
        client("sts", sandbox.environment_of(f"arn:aws:iam::{DEV}:user/karl.brandt")).get_access_key_info(
            AccessKeyId="AKIAIOSFODNN7EXAMPLE"
        )
