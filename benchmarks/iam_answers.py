"""Answers IAM's requests for accounts of any number and size; only what was written is held.

The answers come from the texts of the account's template, with the account's ID put in.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, cached_property
from urllib.parse import quote

from benchmarks.population import ACCOUNT, TEMPLATES, Document, Somebody, Team, Template, text_of

Params = Mapping[str, str]

OUR_GROUP_MARK, OUR_POLICY_MARK = "</GroupList>", "</AttachedManagedPolicies>"
"""Before these, a user's groups and policies of later are put into the text of the template."""
LONGEST_PAGE = 1000
_COLUMNS = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,"
    "access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,"
    "access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,"
    "cert_2_last_rotated"
)
_NO_KEY = "false,N/A,N/A,N/A,N/A"


class Refused(Exception):
    """An error that AWS would answer."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(message or code)
        self.code, self.status = code, status


def date(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else "N/A"


def members(texts: Iterable[str]) -> str:
    return "".join(f"<member>{text}</member>" for text in texts)


def name_in(arn: str) -> str:
    return arn.rpartition("/")[2]


class Texts:
    """The texts of one template, made when they are first asked for."""

    def __init__(self, template: Template) -> None:
        self.template = template

    @cached_property
    def users(self) -> list[str]:
        return [_user(one) for one in self.template.users]

    @cached_property
    def groups(self) -> list[str]:
        return [_group(one, self.template.today) for one in self.template.groups.values()]

    @cached_property
    def policies(self) -> dict[str, str]:
        return {
            arn: _policy(arn, [("v1", document, True)], self.template.today)
            for arn, document in self.template.policies.items()
        }

    @cached_property
    def report(self) -> str:
        root = (
            f"<root_account>,arn:aws:iam::{ACCOUNT}:root,{date(self.template.today - timedelta(days=1600))}"
        )
        nothing = f"{_NO_KEY},{_NO_KEY},false,N/A,false,N/A"
        lines = [_COLUMNS, f"{root},true,no_information,not_supported,not_supported,true,{nothing}"]
        return "\n".join([*lines, *(_row(one) for one in self.template.users), ""])

    @cached_property
    def virtual_devices(self) -> list[str]:
        return [
            f"<SerialNumber>{one.virtual}</SerialNumber><EnableDate>{date(one.enabled)}</EnableDate>"
            f"<User><Path>{one.path}</Path><UserName>{one.name}</UserName><UserId>{one.id}</UserId>"
            f"<Arn>{one.arn}</Arn><CreateDate>{date(one.created)}</CreateDate></User>"
            for one in self.template.users
            if one.virtual
        ]

    @cache  # noqa: B019 - there are eight, for as long as the process lives
    def page(self, wanted: frozenset[str], start: int, most: int) -> str:
        """One page of authorization details, as long as nothing was written."""
        return details_page(self.users, self.groups, list(self.policies.items()), wanted, start, most)


def details_page(
    users: Sequence[str],
    groups: Sequence[str],
    policies: Sequence[tuple[str, str]],
    wanted: frozenset[str],
    start: int,
    most: int,
) -> str:
    """One page across all kinds of objects, as IAM makes it."""
    lists: dict[str, Sequence[str]] = {"UserDetailList": users if "User" in wanted else ()}
    lists["GroupDetailList"] = groups if "Group" in wanted else ()
    lists["Policies"] = [
        text
        for arn, text in policies
        if ("AWSManagedPolicy" if ":aws:policy/" in arn else "LocalManagedPolicy") in wanted
    ]
    parts, left, skipped = [], most, start
    for name, items in lists.items():
        taken = items[skipped : skipped + left]
        skipped, left = max(0, skipped - len(items)), left - len(taken)
        if taken:
            parts.append(f"<{name}>{members(taken)}</{name}>")
    more = start + most < sum(map(len, lists.values()))
    parts.append(_paging(start + most if more else None))
    return "".join(parts)


def _paging(following: int | None) -> str:
    if following is None:
        return "<IsTruncated>false</IsTruncated>"
    return f"<IsTruncated>true</IsTruncated><Marker>m{following}</Marker>"


def _attached(arns: Iterable[str]) -> str:
    return members(f"<PolicyName>{name_in(arn)}</PolicyName><PolicyArn>{arn}</PolicyArn>" for arn in arns)


def _inline(policies: Iterable[tuple[str, Document]]) -> str:
    return members(
        f"<PolicyName>{name}</PolicyName><PolicyDocument>{quote(text_of(document))}</PolicyDocument>"
        for name, document in policies
    )


def _tags(tags: Iterable[tuple[str, str]]) -> str:
    return members(f"<Key>{key}</Key><Value>{value}</Value>" for key, value in tags)


def _boundary(arn: str) -> str:
    kind = "<PermissionsBoundaryType>Policy</PermissionsBoundaryType>"
    named = f"<PermissionsBoundaryArn>{arn}</PermissionsBoundaryArn>"
    return f"<PermissionsBoundary>{kind}{named}</PermissionsBoundary>" if arn else ""


def _who(one: Somebody) -> str:
    return (
        f"<Path>{one.path}</Path><UserName>{one.name}</UserName><UserId>{one.id}</UserId><Arn>{one.arn}</Arn>"
        f"<CreateDate>{date(one.created)}</CreateDate>"
    )


def _user(one: Somebody) -> str:
    return (
        f"{_who(one)}<UserPolicyList>{_inline(one.inline)}</UserPolicyList>"
        f"<GroupList>{members(one.groups)}{OUR_GROUP_MARK}"
        f"<AttachedManagedPolicies>{_attached(one.attached)}{OUR_POLICY_MARK}"
        f"{_boundary(one.boundary)}<Tags>{_tags(one.tags)}</Tags>"
    )


def _group(team: Team, today: datetime) -> str:
    return (
        f"<Path>/</Path><GroupName>{team.name}</GroupName><GroupId>{team.id}</GroupId>"
        f"<Arn>arn:aws:iam::{ACCOUNT}:group/{team.name}</Arn>"
        f"<CreateDate>{date(today - timedelta(days=1500))}</CreateDate>"
        f"<GroupPolicyList>{_inline(team.inline)}</GroupPolicyList>"
        f"<AttachedManagedPolicies>{_attached(team.attached)}</AttachedManagedPolicies>"
    )


def _policy(arn: str, versions: Sequence[tuple[str, Document, bool]], today: datetime) -> str:
    path = arn.split(":", 5)[5].removeprefix("policy").rpartition("/")[0]
    created = date(today - timedelta(days=1500))
    listed = members(
        f"<Document>{quote(text_of(document))}</Document><VersionId>{version}</VersionId>"
        f"<IsDefaultVersion>{str(default).lower()}</IsDefaultVersion><CreateDate>{created}</CreateDate>"
        for version, document, default in versions
    )
    return f"{_policy_head(arn, path, created, versions)}<PolicyVersionList>{listed}</PolicyVersionList>"


def _policy_head(arn: str, path: str, created: str, versions: Sequence[tuple[str, Document, bool]]) -> str:
    default = next(version for version, _, is_default in versions if is_default)
    return (
        f"<PolicyName>{name_in(arn)}</PolicyName><PolicyId>ANPA{sum(arn.encode()):017d}</PolicyId><Arn>{arn}</Arn>"
        f"<Path>{path}/</Path><DefaultVersionId>{default}</DefaultVersionId><AttachmentCount>1</AttachmentCount>"
        f"<PermissionsBoundaryUsageCount>0</PermissionsBoundaryUsageCount><IsAttachable>true</IsAttachable>"
        f"<CreateDate>{created}</CreateDate><UpdateDate>{created}</UpdateDate>"
    )


def _row(one: Somebody) -> str:
    console = "false,N/A,N/A,N/A"
    if one.password_created:
        used = date(one.password_used) if one.password_used else "no_information"
        console = f"true,{used},{date(one.password_created)},N/A"
    cells = [
        f"{str(key.active).lower()},{date(key.created)},"
        + (f"{date(key.used)},{key.region},{key.service}" if key.used else "N/A,N/A,N/A")
        for key in one.keys
    ]
    cells += [_NO_KEY] * (2 - len(cells))
    mfa = str(bool(one.devices)).lower()
    return f"{one.name},{one.arn},{date(one.created)},{console},{mfa},{','.join(cells)},false,N/A,false,N/A"


@dataclass
class MadePolicy:
    """A policy that somebody has created."""

    arn: str
    path: str
    tags: tuple[tuple[str, str], ...]
    versions: dict[str, Document]
    default: str = "v1"
    newest: int = 1

    @property
    def listed(self) -> list[tuple[str, Document, bool]]:
        return [(version, document, version == self.default) for version, document in self.versions.items()]


@dataclass
class MadeGroup:
    """A group that somebody has created. `users`: UserId by name."""

    name: str
    path: str
    users: dict[str, str] = field(default_factory=dict)
    attached: list[str] = field(default_factory=list)


@dataclass
class Written:
    """What was written in one account."""

    policies: dict[str, MadePolicy] = field(default_factory=dict)
    groups: dict[str, MadeGroup] = field(default_factory=dict)
    on_users: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.policies or self.groups or self.on_users)


NOTHING_WRITTEN = Written()


class Account:
    """One account, for the time of one request."""

    def __init__(self, account_id: str, texts: Texts, written: Written, now: datetime) -> None:
        self.id, self._texts, self._written, self._now = account_id, texts, written, now

    def _of(self, text: str) -> str:
        return text.replace(ACCOUNT, self.id)

    def _as_template(self, arn: str) -> str:
        return arn.replace(f":{self.id}:", f":{ACCOUNT}:")

    def _user(self, params: Params) -> Somebody:
        try:
            return self._texts.template.by_name[params["UserName"]]
        except KeyError:
            raise Refused("NoSuchEntity", "The user cannot be found.", 404) from None

    def _made(self, params: Params) -> MadePolicy:
        try:
            return self._written.policies[params["PolicyArn"]]
        except KeyError:
            raise Refused("NoSuchEntity", "The policy was not found.", 404) from None

    def _group(self, params: Params) -> MadeGroup:
        try:
            return self._written.groups[params["GroupName"]]
        except KeyError:
            raise Refused("NoSuchEntity", "The group cannot be found.", 404) from None

    # --- Reads of the whole account ---

    def generate_credential_report(self, _: Params) -> str:
        return "<State>COMPLETE</State>"

    def get_credential_report(self, _: Params) -> str:
        content = b64encode(self._of(self._texts.report).encode()).decode()
        generated = f"<GeneratedTime>{date(self._now)}</GeneratedTime>"
        return f"<Content>{content}</Content><ReportFormat>text/csv</ReportFormat>{generated}"

    def get_account_authorization_details(self, params: Params) -> str:
        wanted = frozenset(value for name, value in params.items() if name.startswith("Filter."))
        wanted = wanted or frozenset({"User", "Group", "LocalManagedPolicy", "AWSManagedPolicy"})
        start, most = (
            int(params.get("Marker", "m0")[1:]),
            min(LONGEST_PAGE, int(params.get("MaxItems", "100"))),
        )
        if self._written.is_empty:
            return self._of(self._texts.page(wanted, start, most))
        groups = [*self._texts.groups, *(self._made_group(one) for one in self._written.groups.values())]
        policies = [
            *self._texts.policies.items(),
            *((arn, self._whole(made)) for arn, made in self._written.policies.items()),
        ]
        return self._of(details_page(list(self._users_now()), groups, policies, wanted, start, most))

    def _users_now(self) -> Iterator[str]:
        for one, text in zip(self._texts.template.users, self._texts.users, strict=True):
            more = [group.name for group in self._written.groups.values() if one.name in group.users]
            now = text.replace(OUR_GROUP_MARK, members(more) + OUR_GROUP_MARK) if more else text
            if attached := self._written.on_users.get(one.name):
                now = now.replace(OUR_POLICY_MARK, _attached(attached) + OUR_POLICY_MARK)
            yield now

    def _made_group(self, group: MadeGroup) -> str:
        return (
            f"{self._group_head(group)}<GroupPolicyList/>"
            f"<AttachedManagedPolicies>{_attached(group.attached)}</AttachedManagedPolicies>"
        )

    def _group_head(self, group: MadeGroup) -> str:
        return (
            f"<Path>{group.path}</Path><GroupName>{group.name}</GroupName><GroupId>AGPA{self.id}{sum(group.name.encode()):05d}</GroupId>"
            f"<Arn>arn:aws:iam::{self.id}:group{group.path}{group.name}</Arn><CreateDate>{date(self._now)}</CreateDate>"
        )

    def _whole(self, made: MadePolicy) -> str:
        return _policy(made.arn, made.listed, self._now)

    def list_virtual_mfa_devices(self, params: Params) -> str:
        start, most = (
            int(params.get("Marker", "m0")[1:]),
            min(LONGEST_PAGE, int(params.get("MaxItems", "100"))),
        )
        all_of_them = self._texts.virtual_devices
        listed = self._of(members(all_of_them[start : start + most]))
        following = start + most if start + most < len(all_of_them) else None
        return f"<VirtualMFADevices>{listed}</VirtualMFADevices>{_paging(following)}"

    def list_service_specific_credentials(self, _: Params) -> str:
        return f"<ServiceSpecificCredentials/>{_paging(None)}"

    def get_account_summary(self, _: Params) -> str:
        template, written = self._texts.template, self._written
        numbers = {
            "Users": template.size,
            "UsersQuota": 5000,
            "Groups": len(template.groups) + len(written.groups),
            "GroupsQuota": 300,
            "Policies": 8 + len(written.policies),
            "PoliciesQuota": 1500,
            "GroupsPerUserQuota": 10,
            "AttachedPoliciesPerUserQuota": 10,
            "AttachedPoliciesPerGroupQuota": 10,
            "VersionsPerPolicyQuota": 5,
            "AccountMFAEnabled": 1,
        }
        entries = (f"<entry><key>{key}</key><value>{value}</value></entry>" for key, value in numbers.items())
        return f"<SummaryMap>{''.join(entries)}</SummaryMap>"

    def get_account_password_policy(self, _: Params) -> str:
        return (
            "<PasswordPolicy><MinimumPasswordLength>14</MinimumPasswordLength><RequireSymbols>true</RequireSymbols>"
            "<RequireNumbers>true</RequireNumbers><AllowUsersToChangePassword>true</AllowUsersToChangePassword>"
            "<ExpirePasswords>false</ExpirePasswords></PasswordPolicy>"
        )

    # --- Reads of one user ---

    def get_user(self, params: Params) -> str:
        one = self._user(params)
        used = f"<PasswordLastUsed>{date(one.password_used)}</PasswordLastUsed>" if one.password_used else ""
        return self._of(
            f"<User>{_who(one)}{used}{_boundary(one.boundary)}<Tags>{_tags(one.tags)}</Tags></User>"
        )

    def get_login_profile(self, params: Params) -> str:
        one = self._user(params)
        if one.password_created is None:
            raise Refused("NoSuchEntity", "There is no login profile for the user.", 404)
        created = f"<CreateDate>{date(one.password_created)}</CreateDate>"
        named = f"<UserName>{one.name}</UserName>"
        return f"<LoginProfile>{named}{created}<PasswordResetRequired>false</PasswordResetRequired></LoginProfile>"

    def list_mfa_devices(self, params: Params) -> str:
        one = self._user(params)
        listed = members(
            f"<UserName>{one.name}</UserName><SerialNumber>{serial}</SerialNumber><EnableDate>{date(one.enabled)}</EnableDate>"
            for serial in one.devices
        )
        return self._of(f"<MFADevices>{listed}</MFADevices>{_paging(None)}")

    def list_access_keys(self, params: Params) -> str:
        one = self._user(params)
        listed = members(
            f"<UserName>{one.name}</UserName><AccessKeyId>{key.id}</AccessKeyId>"
            f"<Status>{'Active' if key.active else 'Inactive'}</Status><CreateDate>{date(key.created)}</CreateDate>"
            for key in one.keys
        )
        return self._of(f"<AccessKeyMetadata>{listed}</AccessKeyMetadata>{_paging(None)}")

    def get_access_key_last_used(self, params: Params) -> str:
        wanted = params["AccessKeyId"].replace(self.id, ACCOUNT)
        if wanted not in self._texts.template.by_key:
            raise Refused("AccessDenied", "The key is of another account.", 403)
        one, key = self._texts.template.by_key[wanted]
        used = f"<LastUsedDate>{date(key.used)}</LastUsedDate>" if key.used else ""
        region, service = (key.region, key.service) if key.used else ("N/A", "N/A")
        last = f"{used}<Region>{region}</Region><ServiceName>{service}</ServiceName>"
        return f"<UserName>{one.name}</UserName><AccessKeyLastUsed>{last}</AccessKeyLastUsed>"

    def list_ssh_public_keys(self, params: Params) -> str:
        self._user(params)
        return f"<SSHPublicKeys/>{_paging(None)}"

    def list_user_policies(self, params: Params) -> str:
        names = (name for name, _ in self._user(params).inline)
        return f"<PolicyNames>{members(names)}</PolicyNames>{_paging(None)}"

    def get_user_policy(self, params: Params) -> str:
        one, wanted = self._user(params), params["PolicyName"]
        for name, document in one.inline:
            if name == wanted:
                text = f"<PolicyDocument>{quote(self._of(text_of(document)))}</PolicyDocument>"
                return f"<UserName>{one.name}</UserName><PolicyName>{name}</PolicyName>{text}"
        raise Refused("NoSuchEntity", "The user policy cannot be found.", 404)

    def list_attached_user_policies(self, params: Params) -> str:
        one = self._user(params)
        attached = [*one.attached, *self._written.on_users.get(one.name, ())]
        return self._of(f"<AttachedPolicies>{_attached(attached)}</AttachedPolicies>{_paging(None)}")

    def list_groups_for_user(self, params: Params) -> str:
        one, today = self._user(params), date(self._texts.template.today)
        listed = [
            f"<Path>/</Path><GroupName>{name}</GroupName><GroupId>{self._texts.template.groups[name].id}</GroupId>"
            f"<Arn>arn:aws:iam::{ACCOUNT}:group/{name}</Arn><CreateDate>{today}</CreateDate>"
            for name in one.groups
        ]
        listed += [
            self._group_head(group) for group in self._written.groups.values() if one.name in group.users
        ]
        return self._of(f"<Groups>{members(listed)}</Groups>{_paging(None)}")

    # --- Reads of groups and policies ---

    def get_group(self, params: Params) -> str:
        group = self._group(params)
        start, most = (
            int(params.get("Marker", "m0")[1:]),
            min(LONGEST_PAGE, int(params.get("MaxItems", "100"))),
        )
        names = sorted(group.users)
        listed = members(_who(self._texts.template.by_name[name]) for name in names[start : start + most])
        following = start + most if start + most < len(names) else None
        return self._of(
            f"<Group>{self._group_head(group)}</Group><Users>{listed}</Users>{_paging(following)}"
        )

    def list_attached_group_policies(self, params: Params) -> str:
        attached = _attached(self._group(params).attached)
        return f"<AttachedPolicies>{attached}</AttachedPolicies>{_paging(None)}"

    def get_policy(self, params: Params) -> str:
        arn = params["PolicyArn"]
        if (document := self._texts.template.policies.get(self._as_template(arn))) is not None:
            head = _policy_head(
                arn, _path_of(arn), date(self._texts.template.today), [("v1", document, True)]
            )
            return f"<Policy>{head}<Tags/></Policy>"
        made = self._made(params)
        head = _policy_head(arn, made.path.rstrip("/"), date(self._now), made.listed)
        return f"<Policy>{head}<Tags>{_tags(made.tags)}</Tags></Policy>"

    def get_policy_version(self, params: Params) -> str:
        arn, version = params["PolicyArn"], params["VersionId"]
        document = self._texts.template.policies.get(self._as_template(arn))
        default = True
        if document is None:
            made = self._made(params)
            if version not in made.versions:
                raise Refused("NoSuchEntity", "The policy version was not found.", 404)
            document, default = made.versions[version], version == made.default
        text = f"<Document>{quote(self._of(text_of(document)))}</Document><VersionId>{version}</VersionId>"
        return (
            f"<PolicyVersion>{text}<IsDefaultVersion>{str(default).lower()}</IsDefaultVersion>"
            f"<CreateDate>{date(self._now)}</CreateDate></PolicyVersion>"
        )

    def list_policy_versions(self, params: Params) -> str:
        listed = members(
            f"<VersionId>{version}</VersionId><IsDefaultVersion>{str(default).lower()}</IsDefaultVersion>"
            f"<CreateDate>{date(self._now)}</CreateDate>"
            for version, _, default in self._made(params).listed
        )
        return f"<Versions>{listed}</Versions>{_paging(None)}"

    def list_policies(self, params: Params) -> str:
        prefix = params.get("PathPrefix", "/")
        heads = (
            _policy_head(made.arn, made.path.rstrip("/"), date(self._now), made.listed)
            for made in self._written.policies.values()
            if made.path.startswith(prefix)
        )
        return f"<Policies>{members(heads)}</Policies>{_paging(None)}"

    def list_entities_for_policy(self, params: Params) -> str:
        arn, kind = params["PolicyArn"], params.get("EntityFilter", "")
        if params.get("PolicyUsageFilter") == "PermissionsBoundary":
            return _paging(None)
        groups = members(
            f"<GroupName>{group.name}</GroupName><GroupId>AGPA{self.id}{sum(group.name.encode()):05d}</GroupId>"
            for group in self._written.groups.values()
            if arn in group.attached and kind in {"", "Group"}
        )
        users = members(
            f"<UserName>{name}</UserName><UserId>{self._texts.template.by_name[name].id}</UserId>"
            for name, arns in self._written.on_users.items()
            if arn in arns and kind in {"", "User"}
        )
        return self._of(
            f"<PolicyGroups>{groups}</PolicyGroups><PolicyUsers>{users}</PolicyUsers>{_paging(None)}"
        )

    # --- Writes ---

    def create_policy(self, params: Params) -> str:
        path, name = params.get("Path", "/"), params["PolicyName"]
        arn = f"arn:aws:iam::{self.id}:policy{path}{name}"
        if arn in self._written.policies or self._as_template(arn) in self._texts.template.policies:
            raise Refused("EntityAlreadyExists", f"A policy called {name} already exists.", 409)
        made = MadePolicy(arn, path, _tags_in(params), {"v1": json.loads(params["PolicyDocument"])})
        self._written.policies[arn] = made
        return f"<Policy>{_policy_head(arn, path.rstrip('/'), date(self._now), made.listed)}</Policy>"

    def create_policy_version(self, params: Params) -> str:
        made = self._made(params)
        if len(made.versions) >= 5:
            raise Refused("LimitExceeded", "A managed policy can have up to 5 versions.", 409)
        made.newest += 1
        version = f"v{made.newest}"
        made.versions[version] = json.loads(params["PolicyDocument"])
        if params.get("SetAsDefault") == "true":
            made.default = version
        is_default = str(made.default == version).lower()
        return (
            f"<PolicyVersion><VersionId>{version}</VersionId><IsDefaultVersion>{is_default}</IsDefaultVersion>"
            f"<CreateDate>{date(self._now)}</CreateDate></PolicyVersion>"
        )

    def set_default_policy_version(self, params: Params) -> str:
        self._made(params).default = params["VersionId"]
        return ""

    def delete_policy_version(self, params: Params) -> str:
        del self._made(params).versions[params["VersionId"]]
        return ""

    def delete_policy(self, params: Params) -> str:
        del self._written.policies[self._made(params).arn]
        return ""

    def create_group(self, params: Params) -> str:
        name = params["GroupName"]
        if name in self._written.groups or name in self._texts.template.groups:
            raise Refused("EntityAlreadyExists", f"Group with name {name} already exists.", 409)
        group = self._written.groups[name] = MadeGroup(name, params.get("Path", "/"))
        return f"<Group>{self._group_head(group)}</Group>"

    def delete_group(self, params: Params) -> str:
        del self._written.groups[self._group(params).name]
        return ""

    def attach_group_policy(self, params: Params) -> str:
        group = self._group(params)
        if params["PolicyArn"] not in group.attached:
            group.attached.append(params["PolicyArn"])
        return ""

    def detach_group_policy(self, params: Params) -> str:
        self._group(params).attached.remove(params["PolicyArn"])
        return ""

    def add_user_to_group(self, params: Params) -> str:
        one = self._user(params)
        self._group(params).users[one.name] = one.id
        return ""

    def remove_user_from_group(self, params: Params) -> str:
        self._group(params).users.pop(self._user(params).name, None)
        return ""

    def attach_user_policy(self, params: Params) -> str:
        attached = self._written.on_users.setdefault(self._user(params).name, [])
        if params["PolicyArn"] not in attached:
            attached.append(params["PolicyArn"])
        return ""

    def detach_user_policy(self, params: Params) -> str:
        attached = self._written.on_users.get(self._user(params).name, [])
        if params["PolicyArn"] not in attached:
            raise Refused("NoSuchEntity", "The policy is not attached.", 404)
        attached.remove(params["PolicyArn"])
        return ""


def _path_of(arn: str) -> str:
    return arn.split(":", 5)[5].removeprefix("policy").rpartition("/")[0]


def _tags_in(params: Params) -> tuple[tuple[str, str], ...]:
    keys = [name for name in params if name.startswith("Tags.") and name.endswith(".Key")]
    return tuple((params[name], params.get(name[: -len("Key")] + "Value", "")) for name in keys)


class Iam:
    """The IAM of all accounts. `sizes`: the users of accounts that have not as many as the others."""

    def __init__(
        self, users: int, seed: int, today: datetime, now: datetime, sizes: Mapping[str, int] = {}
    ) -> None:
        self._users, self._seed, self._today, self._now, self._sizes = users, seed, today, now, sizes
        self._written: dict[str, Written] = {}
        self._texts: dict[tuple[int, int], Texts] = {}

    def forget(self) -> None:
        """Undo everything that was written."""
        self._written.clear()

    def answer(self, account_id: str, operation: str, params: Params) -> str:
        """The inside of the result. Raises Refused."""
        name, writes = OPERATIONS[operation]
        written = self._written.get(account_id, NOTHING_WRITTEN)
        if writes and written is NOTHING_WRITTEN:
            written = self._written[account_id] = Written()
        method: Callable[[Params], str] = getattr(
            Account(account_id, self._texts_of(account_id), written, self._now), name
        )
        try:
            return method(params)
        finally:
            if writes and written.is_empty:
                self._written.pop(account_id, None)

    def _texts_of(self, account_id: str) -> Texts:
        key = (int(account_id) % TEMPLATES, self._sizes.get(account_id, self._users))
        if key not in self._texts:
            self._texts[key] = Texts(Template(*key, self._seed, self._today))
        return self._texts[key]


WRITES = frozenset(
    {
        *(
            "CreatePolicy",
            "CreatePolicyVersion",
            "SetDefaultPolicyVersion",
            "DeletePolicyVersion",
            "DeletePolicy",
        ),
        *("CreateGroup", "DeleteGroup", "AttachGroupPolicy", "DetachGroupPolicy"),
        *("AddUserToGroup", "RemoveUserFromGroup", "AttachUserPolicy", "DetachUserPolicy"),
    }
)
_READS = (
    "GenerateCredentialReport GetCredentialReport GetAccountAuthorizationDetails ListVirtualMFADevices "
    "ListServiceSpecificCredentials GetAccountSummary GetAccountPasswordPolicy GetUser GetLoginProfile "
    "ListMFADevices ListAccessKeys GetAccessKeyLastUsed ListSSHPublicKeys ListUserPolicies GetUserPolicy "
    "ListAttachedUserPolicies ListGroupsForUser GetGroup ListAttachedGroupPolicies GetPolicy "
    "GetPolicyVersion ListPolicyVersions ListPolicies ListEntitiesForPolicy"
).split()


def _method(operation: str) -> str:
    words = operation.replace("MFA", "Mfa").replace("SSH", "Ssh")
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in words).lstrip("_")


OPERATIONS = {
    operation: (_method(operation), operation in WRITES) for operation in (*_READS, *sorted(WRITES))
}
"""The method of `Account` that answers an operation, and whether it writes."""
