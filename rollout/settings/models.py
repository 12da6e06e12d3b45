"""Defines every key of `rollout.yaml`, with its type, default and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, create_model, model_validator

from rollout.domain.gates.gate import QUIET_FOR
from rollout.domain.progress.channels import KeyKind, channel_named
from rollout.domain.verdicts.rules import COVERED_MAY_LEAVE_OPEN
from rollout.settings.channel_fields import channel_fields
from rollout.settings.fields import (
    AccountId,
    ActionPattern,
    Address,
    AsManyTags,
    ContextKey,
    ContextValues,
    Day,
    Duration,
    ExternalId,
    Given,
    Glob,
    IamName,
    KmsKey,
    Language,
    Listed,
    LocalPath,
    MailDomain,
    Network,
    NoRepeats,
    NotEmpty,
    OffIsAWord,
    OneUser,
    OrganizationId,
    OuGlob,
    Percent,
    PolicyName,
    PositiveDuration,
    Region,
    RoleArn,
    RoleName,
    SessionName,
    SessionTagKey,
    SessionTagValue,
    TagPair,
    Text,
    WaveName,
    Zone,
)
from rollout.settings.gate_keys import gates_section
from rollout.settings.places import SecretPlaceSetting, StoreKeyPlace, StorePlace
from rollout.settings.section import Section

RoleNames = Annotated[tuple[RoleName, ...], Listed, NotEmpty, NoRepeats]
Users = Annotated[tuple[OneUser, ...], Listed, NoRepeats]
SHARE = {"type": "number", "exclusiveMinimum": 0, "maximum": 100}
Days = Annotated[int, Field(ge=1, le=3650)]


class AccessOverride(Section):
    """Different role names or external ID for one account, or for the accounts of an OU."""

    roles: RoleNames | None = Field(None, description="Role names to try there instead.")
    external_id: ExternalId | None = Field(
        None,
        repr=False,
        description="External ID to use there instead; a null that is written out sends none.",
    )


class AccessSection(Section):
    """How rollout enters the accounts."""

    roles: RoleNames = Field(
        ("OrganizationAccountAccessRole", "AWSControlTowerExecution"),
        description="Role names to try in every other account, in this order.",
    )
    reading_roles: RoleNames | None = Field(
        None, description="Role names to try instead by runs that only read; null uses roles."
    )
    own_account_role: RoleName | None = Field(
        None,
        description="Role to assume in the caller's own account; null uses the caller's own credentials.",
    )
    external_id: ExternalId | None = Field(
        None, repr=False, description="External ID to send to every account; better set one in overrides."
    )
    hop_role: RoleArn | None = Field(
        None, description="ARN of a role to assume first; the accounts' roles are then assumed from it."
    )
    hop_external_id: ExternalId | None = Field(
        None, repr=False, description="External ID that the hop role requires; null uses external_id."
    )
    session_name: SessionName = Field(
        "rollout", description="Name of every role session, as shown in CloudTrail."
    )
    source_identity: SessionName | None = Field(
        None,
        description="Source identity of the sessions; every trust policy must allow sts:SetSourceIdentity.",
    )
    session_tags: Annotated[Mapping[SessionTagKey, SessionTagValue], AsManyTags] = Field(
        {}, description="Session tags; every trust policy must allow sts:TagSession."
    )
    overrides: Mapping[AccountId, AccessOverride] = Field(
        {}, description="Different roles or external IDs, by account ID."
    )
    ou_overrides: Mapping[OuGlob, AccessOverride] = Field(
        {},
        description="Different roles or external IDs, by pattern of OU paths; the first that matches counts.",
    )


class Include(Section):
    """The accounts to include."""

    ous: Annotated[tuple[OuGlob, ...], Listed, NotEmpty] = Field(
        ("*",), description="Patterns of OU paths; Workloads/Prod means that OU and everything below it."
    )
    accounts: Annotated[tuple[Glob, ...], Listed, NotEmpty] = Field(
        ("*",), description="Patterns of account IDs and names."
    )
    account_tags: Annotated[tuple[TagPair, ...], Listed, NoRepeats] = Field(
        (),
        description="Account tags, key=value; an account needs one of them. Empty: tags do not matter.",
    )


class Exclude(Section):
    """The accounts to exclude; takes precedence over include."""

    ous: Annotated[tuple[OuGlob, ...], Listed] = Field((), description="Patterns of OU paths to exclude.")
    accounts: Annotated[tuple[Glob, ...], Listed] = Field(
        (), description="Patterns of account IDs and names to exclude."
    )
    account_tags: Annotated[tuple[TagPair, ...], Listed, NoRepeats] = Field(
        (), description="Account tags, key=value, to exclude."
    )


class ScopeSection(Section):
    """The accounts that rollout works on."""

    include: Include = Field(Include(), description="The accounts to include.")
    exclude: Exclude = Field(Exclude(), description="The accounts to exclude; takes precedence over include.")


class AmendmentsSection(Section):
    """Optional changes to the seed policy."""

    pathed_users: bool = Field(default=True, description="Let users with a path enrol too.")
    get_mfa_device: bool = Field(default=True, description="Let users view the details of their own device.")
    first_password_change: bool = Field(
        default=False,
        description="Let new users change their first password before they have a device; this has a risk.",
    )
    via_aws_service: bool = Field(
        default=False, description="Do not deny calls that AWS services make on the user's behalf."
    )


class PolicySection(Section):
    """The policy, and how it is attached."""

    name: PolicyName = Field("ForceMFA", description="Name of the managed policy in every account.")
    variant: Literal["amended", "seed"] = Field(
        "amended", description="amended applies the amendments below; seed uses the seed policy unchanged."
    )
    amendments: AmendmentsSection = Field(
        AmendmentsSection(), description="Optional changes to the seed policy."
    )
    attach: Literal["group", "user"] = Field("group", description="Attach through a group, or to each user.")
    group: IamName = Field("ForceMFA", description="Name of the group, at the path /rollout/.")


class MachinesSection(Section):
    """Signs of a machine, in addition to a user's credentials and their use."""

    tags: Annotated[tuple[TagPair, ...], Listed, NoRepeats] = Field(
        ("InvokedBy=SESConsole",), description="User tags, key=value, that only machines have."
    )
    groups: Annotated[tuple[IamName, ...], Listed, NoRepeats] = Field(
        ("AWSSESSendingGroupDoNotRename",), description="IAM groups that only machines belong to."
    )
    services: Annotated[tuple[Text, ...], Listed, NoRepeats] = Field(
        ("ses", "codecommit", "bedrock", "cassandra"),
        description="Services, named as in the credential report, whose use by an access key indicates a machine.",
    )


class RulesSection(Section):
    """The rules for verdicts and plans."""

    keys_in_use_days: Days = Field(
        90,
        description="Number of days after its creation or last use for which an access key counts as in use.",
    )
    no_credentials: Literal["hold", "enforce"] = Field(
        "hold",
        description="What happens to users without any credential: hold waits until they get one.",
    )
    console_authorization: Literal["hold", "proved"] = Field(
        "hold",
        description="Where AWS Sign-In weighs identity policies: hold keeps people with a password back; "
        "proved is your statement that they get a console session under the policy, with and without a device.",
    )
    covered_may_leave_open: Annotated[tuple[ActionPattern, ...], Listed, NoRepeats] = Field(
        COVERED_MAY_LEAVE_OPEN,
        description="Actions that another policy may allow without MFA and still count as enforcing it.",
    )
    plan_max_age: PositiveDuration = Field(
        timedelta(days=30),
        description="Apply refuses an older plan; at least the lead time plus the soaks between all waves.",
    )
    max_exempt_percent: Percent = Field(
        10.0, description="Planning fails if a larger percentage of all users is exempt."
    )
    break_glass: Users = Field((), description="Emergency users, never enforced.")
    enforce_machines: Users = Field(
        (), description="Users that look like machines, but whose owners agree to enforcement."
    )
    machines: MachinesSection = Field(
        MachinesSection(),
        description="Signs of a machine, in addition to a user's credentials and their use.",
    )
    scps: Annotated[Literal["auto", "off"], OffIsAWord] = Field(
        "auto",
        description="auto reads service control policies; off is your statement that they do not matter.",
    )
    context: Mapping[ContextKey, ContextValues] = Field(
        {},
        description="Values of condition keys that apply to your users, such as your office's aws:SourceIp.",
    )


if TYPE_CHECKING:

    class ImportedEvidence(Section):
        """The file that tells what access keys call."""
else:  # `import` is a word of Python
    ImportedEvidence = create_model(
        "ImportedEvidence",
        __base__=Section,
        **{
            "import": (
                LocalPath | None,
                Field(
                    None,
                    description="File of what access keys call, CSV or Parquet, from a data lake or a SIEM.",
                ),
            )
        },
    )


class EvidenceSection(ImportedEvidence):
    """What tells who uses access keys, beyond what IAM says of their last use."""

    cloudtrail: Annotated[Literal["off", "lookup"], OffIsAWord] = Field(
        "off",
        description="lookup asks CloudTrail's event history for the calls of each access key; off does not.",
    )
    regions: Annotated[tuple[Region, ...], Listed, NoRepeats] = Field(
        (),
        description="Regions in which CloudTrail is asked, besides the home Region of the partition; empty: those in "
        "which IAM has last seen the user's keys.",
    )
    networks: Annotated[tuple[Network, ...], Listed, NoRepeats] = Field(
        (),
        description="The networks in which your people work, such as 203.0.113.0/24; without them, nobody is taken for "
        "a person by the calls of a key.",
    )
    moved_after: PositiveDuration = Field(
        QUIET_FOR,
        description="How long a key must have made no call without MFA to count as left (gates.cli_moved).",
    )

    @property
    def file(self) -> Path | None:
        """The value of `import`."""
        found: Path | None = getattr(self, "import")
        return found


class ExemptionItem(Section):
    """A user to leave alone for a limited time."""

    user: OneUser = Field(description="Exactly one ARN, UserId, or tag key=value; no patterns.")
    owner: Text = Field(description="The person or team responsible for the exemption.")
    reason: Text = Field(description="Why.")
    expires: Day = Field(description="Last day of the exemption (UTC).")
    ticket: Text | None = Field(None, description="Ticket that records the decision.")


class WaveItem(Section):
    """Users to enforce together: those who match every selector given.

    An empty selector is refused, since it would match everybody.
    """

    name: WaveName = Field(description="Unique name.")
    percent: Annotated[float | None, Given, Field(gt=0, le=100), WithJsonSchema(SHARE)] = Field(
        None, description="A stable percentage of the users that the other selectors match."
    )
    ous: Annotated[tuple[OuGlob, ...], Listed, NotEmpty] = Field((), description="Patterns of OU paths.")
    accounts: Annotated[tuple[Glob, ...], Listed, NotEmpty] = Field(
        (), description="Patterns of account IDs and names."
    )
    account_tags: Annotated[tuple[TagPair, ...], Listed, NotEmpty] = Field(
        (), description="Account tags, key=value; one of them must match."
    )
    user_tags: Annotated[tuple[TagPair, ...], Listed, NotEmpty] = Field(
        (), description="User tags, key=value; one of them must match."
    )
    users: Annotated[tuple[Glob, ...], Listed, NotEmpty] = Field(
        (), description="Patterns of user ARNs, UserIds and names."
    )

    @property
    def takes_everybody(self) -> bool:
        """Whether the wave matches everybody, so that nobody is left for later waves."""
        selectors = (self.ous, self.accounts, self.account_tags, self.user_tags, self.users)
        return not any(selectors) and self.percent in (None, 100)


class _Notices(Section):
    """When a wave and its users may move."""

    lead_time: Duration = Field(
        timedelta(days=14), description="From a user's notice to the user's enforcement."
    )
    notice_for_unaffected: bool = Field(
        default=False, description="Users for whom nothing changes get a notice, and lead time, too."
    )

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Give the setting of a gate: `gates_section` makes those fields from the registry."""


if TYPE_CHECKING:
    GatesSection = _Notices
else:
    GatesSection = gates_section("GatesSection", _Notices)


class Finder(Section):
    """One way to find a user's address: exactly one of its keys."""

    tag: Text | None = Field(None, description="The value of this tag of the user.")
    username_is_address: Literal[True] | None = Field(
        None, description="The user name, where it is an address."
    )

    username_at: MailDomain | None = Field(None, description="The user name at this domain: example.com.")
    file: LocalPath | None = Field(
        None, description="A CSV file with the columns account, user, arn, address, manager, language, zone."
    )
    identity_center: Region | None = Field(
        None,
        description="The address of the person of the same user name in IAM Identity Center; its Region.",
    )
    account_email: Literal[True] | None = Field(
        None, description="The address of the user's account in AWS Organizations, as a last resort."
    )
    catch_all: Address | None = Field(
        None, description="One address for everybody who is found in no other way, as a last resort."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Finder:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError(
                "give exactly one of {tag: email}, {username_is_address: true}, {username_at: example.com}, "
                "{file: people.csv}, {identity_center: eu-west-1}, {account_email: true} and {catch_all: address}"
            )
        return self


class TeamItem(Section):
    """Who is responsible for some accounts, and hears by `rollout notices --digest` where their users stand."""

    name: Text = Field(description="The name of the team, as messages say it.")
    mail: Address | None = Field(None, description="The team's address, or an owner's; gets the names, too.")
    chat: SecretPlaceSetting | None = Field(
        None, description="Where the URL of the team's chat is; everybody there reads figures, and no names."
    )
    kind: Literal["slack", "teams", "google_chat", "apprise"] = Field(
        "slack", description="What the chat is: apprise takes the URL of any service that it knows."
    )
    ous: Annotated[tuple[OuGlob, ...], Listed] = Field((), description="Patterns of OU paths.")
    accounts: Annotated[tuple[Glob, ...], Listed] = Field(
        (), description="Patterns of account IDs and names."
    )

    @model_validator(mode="after")
    def _goes_somewhere(self) -> TeamItem:
        if self.mail is None and self.chat is None:
            raise ValueError("give mail, chat, or both")
        return self


if TYPE_CHECKING:

    class ChannelKeys(Section):
        """Which channel carries notices, and the keys of each."""

        channel: str = ""
else:
    ChannelKeys = create_model("ChannelKeys", __base__=Section, **channel_fields())


class NotifySection(ChannelKeys):
    """How users are told."""

    sender: Address = Field("security@example.com", description="The address that notices come from.")
    company: Text | None = Field(
        None, description="Who requires MFA, as messages say it; null: your organization."
    )
    ticket: Text | None = Field(
        None,
        description="The ticket that records the decision; messages name it, so that people can check them.",
    )
    intranet: Text | None = Field(
        None, description="The page that announces the same; messages name it, so that people can check them."
    )
    ask: Text | None = Field(
        None, description="How to ask for an exemption, as messages say it; null: by writing to the sender."
    )
    language: Language = Field("en", description="The language of messages: en, de, or one of your own.")
    templates: LocalPath | None = Field(
        None,
        description="Folder with words (fr.yaml) and layouts of messages of your own; relative to the file.",
    )
    find: Annotated[tuple[Finder, ...], Listed, NotEmpty] = Field(
        (Finder(tag="email"), Finder(username_is_address=True)),
        description="Where addresses are looked for, in order.",
    )
    zone: Zone | None = Field(
        None,
        description="Time zone of the people who are told, such as Europe/Berlin: nobody is enforced before the day "
        "told has begun there. Null: everywhere.",
    )
    remind_at: Annotated[tuple[PositiveDuration, ...], Listed] = Field(
        (timedelta(days=7), timedelta(days=1)),
        description="When to remind a user: so long before the date told.",
    )

    on_the_day: bool = Field(
        default=False,
        description="Whether users hear once more when they are enforced, from the run that does it.",
    )
    teams: Annotated[tuple[TeamItem, ...], Listed] = Field(
        (), description="Teams and owners of accounts, who hear where their users stand."
    )
    managers: bool = Field(
        default=False, description="Managers that notify.find knows hear where their people stand, too."
    )

    @property
    def of_channel(self) -> Mapping[str, object]:
        """The values of the keys that the chosen channel reads."""
        return {key.name: getattr(self, key.name) for key in channel_named(self.channel).keys}

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that the chosen channel writes into."""
        keys = channel_named(self.channel).keys
        return tuple(getattr(self, key.name) for key in keys if key.kind is KeyKind.FOLDER)


class EngineSection(Section):
    """How much work runs in parallel."""

    max_accounts: Annotated[int, Field(ge=1, le=512)] = Field(32, description="Accounts to work on at once.")
    per_account: Annotated[int, Field(ge=1, le=32)] = Field(
        4, description="Changes to make at once in one account."
    )
    kind: Literal["threads", "dask"] = Field(
        "threads",
        description="Where `inventory` and `plan` read and judge accounts: in threads of this machine, or on the "
        "workers of a Dask cluster ([cluster.md](cluster.md)).",
    )
    scheduler: Text | None = Field(None, description="The scheduler of that cluster: `tcp://host:8786`.")


class BucketSection(Section):
    """How objects are stored when `store` is a bucket."""

    kms_key: KmsKey | None = Field(
        None, description="ID, ARN or alias of the KMS key to encrypt with; null uses S3's own keys."
    )
    owner: AccountId | None = Field(
        None, description="ID of the account that must own the bucket; null means the caller's account."
    )


DEFAULT_WAVES = (WaveItem(name="canary", percent=5.0), WaveItem(name="rest"))


class RolloutFile(Section):
    """Settings of rollout."""

    version: Literal[1] = Field(1, description="Version of this format.")
    organization: OrganizationId | None = Field(
        None, description="ID of the organization; rollout refuses any other. Null accepts any organization."
    )
    access: AccessSection = Field(AccessSection(), description="How rollout enters the accounts.")
    scope: ScopeSection = Field(ScopeSection(), description="The accounts that rollout works on.")
    policy: PolicySection = Field(PolicySection(), description="The policy, and how it is attached.")
    rules: RulesSection = Field(RulesSection(), description="The rules for verdicts and plans.")
    evidence: EvidenceSection = Field(
        EvidenceSection(),
        description="What tells who uses access keys, beyond what IAM says of their last use.",
    )
    exemptions: Annotated[tuple[ExemptionItem, ...], Listed] = Field(
        (), description="Users to leave alone, with an owner, a reason and an end date."
    )
    waves: Annotated[tuple[WaveItem, ...], Listed, NotEmpty] = Field(
        DEFAULT_WAVES, description="Users to enforce together; a user is in the first wave that matches."
    )
    gates: GatesSection = Field(GatesSection(), description="When a wave and its users may move.")
    notify: NotifySection = Field(NotifySection(), description="How users are told.")
    engine: EngineSection = Field(EngineSection(), description="How much work runs in parallel.")
    store: StorePlace = Field(
        Path(),
        description="Where to keep plans, the journal, inventories and reports: a folder, relative to the file, or "
        "s3://bucket/prefix.",
    )
    store_key: StoreKeyPlace | None = Field(
        None,
        description="Key that seals the store's records: a KMS key (alias/name), or file:PATH, relative to the file; "
        "null seals nothing.",
    )
    bucket: BucketSection = Field(
        BucketSection(), description="How objects are stored when the store is a bucket."
    )
