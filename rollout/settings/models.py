"""What may stand in `rollout.yaml`: frozen, typed, with the default and the meaning beside each key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, create_model, model_validator

from rollout.domain.progress.channels import KeyKind, channel_named
from rollout.settings.channel_fields import channel_fields
from rollout.settings.fields import (
    AccountId,
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
    Listed,
    NoRepeats,
    NotEmpty,
    OffIsAWord,
    OneUser,
    OrganizationId,
    OuGlob,
    Percent,
    PolicyName,
    PositiveDuration,
    RoleArn,
    RoleName,
    SessionName,
    SessionTagKey,
    SessionTagValue,
    TagPair,
    Text,
    WaveName,
)
from rollout.settings.gate_keys import gates_section
from rollout.settings.places import StorePlace
from rollout.settings.section import Section

RoleNames = Annotated[tuple[RoleName, ...], Listed, NotEmpty, NoRepeats]
Users = Annotated[tuple[OneUser, ...], Listed, NoRepeats]
SHARE = {"type": "number", "exclusiveMinimum": 0, "maximum": 100}
Days = Annotated[int, Field(ge=1, le=3650)]


class Override(Section):
    """Another way into one account."""

    roles: RoleNames | None = Field(None, description="Role names to try in this account instead.")
    external_id: ExternalId | None = Field(None, description="External id to give in this account instead.")


class Access(Section):
    """How the accounts are entered."""

    roles: RoleNames = Field(
        ("OrganizationAccountAccessRole", "AWSControlTowerExecution"),
        description="Role names to try in every other account, in this order.",
    )
    own_account_role: RoleName | None = Field(
        None,
        description="A role to take in the caller's own account; null uses the caller's own credentials.",
    )
    external_id: ExternalId | None = Field(None, description="External id that the roles ask for.")
    hop_role: RoleArn | None = Field(
        None, description="ARN of a role to take first; the roles of the accounts are then taken from it."
    )
    session_name: SessionName = Field(
        "rollout", description="Name of every role session, as CloudTrail shows it."
    )
    source_identity: SessionName | None = Field(
        None,
        description="Source identity of the sessions; every trust policy must allow sts:SetSourceIdentity.",
    )
    session_tags: Annotated[Mapping[SessionTagKey, SessionTagValue], AsManyTags] = Field(
        {}, description="Tags of the sessions; every trust policy must allow sts:TagSession."
    )
    overrides: Mapping[AccountId, Override] = Field(
        {}, description="Other roles or external ids, by account id."
    )


class Include(Section):
    """What is taken in."""

    ous: Annotated[tuple[OuGlob, ...], Listed, NotEmpty] = Field(
        ("*",), description="Globs over OU paths by names; Workloads/Prod means that OU and all below it."
    )
    accounts: Annotated[tuple[Glob, ...], Listed, NotEmpty] = Field(
        ("*",), description="Globs over account ids and names."
    )
    account_tags: Annotated[tuple[TagPair, ...], Listed, NoRepeats] = Field(
        (),
        description="Tags of accounts, key=value, one of which an account must have; none: tags do not matter.",
    )


class Exclude(Section):
    """What is left out; wins over include."""

    ous: Annotated[tuple[OuGlob, ...], Listed] = Field(
        (), description="Globs over OU paths by names, left out."
    )
    accounts: Annotated[tuple[Glob, ...], Listed] = Field(
        (), description="Globs over account ids and names, left out."
    )
    account_tags: Annotated[tuple[TagPair, ...], Listed, NoRepeats] = Field(
        (), description="Tags of accounts, key=value, left out."
    )


class ScopeSection(Section):
    """Which accounts this is about."""

    include: Include = Field(Include(), description="What is taken in.")
    exclude: Exclude = Field(Exclude(), description="What is left out; wins over include.")


class Amendments(Section):
    """Named changes to the seed policy."""

    pathed_users: bool = Field(default=True, description="Let users with a path enrol too.")
    get_mfa_device: bool = Field(default=True, description="Let users look at their own device.")
    first_password_change: bool = Field(
        default=False,
        description="Let a new user change the first password before there is a device; has a risk.",
    )
    via_aws_service: bool = Field(
        default=False, description="Do not deny calls that AWS services make for the user."
    )


class PolicySection(Section):
    """The policy, and where it hangs."""

    name: PolicyName = Field("ForceMFA", description="Name of the managed policy in every account.")
    variant: Literal["amended", "seed"] = Field(
        "amended", description="amended uses the amendments below; seed is the seed policy to the letter."
    )
    amendments: Amendments = Field(Amendments(), description="Named changes to the seed policy.")
    attach: Literal["group", "user"] = Field("group", description="Attach through a group, or to each user.")
    group: IamName = Field("ForceMFA", description="Name of the group, at path /rollout/.")


class Machines(Section):
    """What else than plain facts marks a user as a machine."""

    tags: Annotated[tuple[TagPair, ...], Listed, NoRepeats] = Field(
        ("InvokedBy=SESConsole",), description="User tags, key=value, that only machines have."
    )
    groups: Annotated[tuple[IamName, ...], Listed, NoRepeats] = Field(
        ("AWSSESSendingGroupDoNotRename",), description="IAM groups that only machines are in."
    )
    services: Annotated[tuple[Text, ...], Listed, NoRepeats] = Field(
        ("ses", "codecommit", "bedrock", "cassandra"),
        description="Services whose use by an access key speaks for a machine, as the credential report names them.",
    )


class Rules(Section):
    """What verdicts and plans are held to."""

    keys_in_use_days: Days = Field(
        90, description="A key counts as in use for so many days after its last use."
    )
    plan_max_age: PositiveDuration = Field(
        timedelta(days=30),
        description="An older plan is refused; at least lead time plus the soaks between all waves.",
    )
    max_exempt_percent: Percent = Field(
        10.0, description="A plan in which a larger share of all users is exempt is refused."
    )
    break_glass: Users = Field((), description="Users for emergencies, never enforced.")
    enforce_machines: Users = Field(
        (), description="Users that look like machines, whose owners say they may be enforced."
    )
    machines: Machines = Field(Machines(), description="What marks a user as a machine, besides plain facts.")
    scps: Annotated[Literal["auto", "off"], OffIsAWord] = Field(
        "auto", description="auto reads service control policies; off is your word that they do not matter."
    )
    context: Mapping[ContextKey, ContextValues] = Field(
        {}, description="Values of condition keys that hold for your users, such as an office's aws:SourceIp."
    )


class ExemptionLine(Section):
    """Who is left alone for a while."""

    user: OneUser = Field(description="Exactly one ARN, UserId, or tag key=value; no globs.")
    owner: Text = Field(description="Who answers for it.")
    reason: Text = Field(description="Why.")
    expires: Day = Field(description="The last day on which it holds (UTC).")
    ticket: Text | None = Field(None, description="Where it was decided.")


class WaveLine(Section):
    """Who goes together; every selector given must match. A selector left blank is refused: it would take everybody."""

    name: WaveName = Field(description="Unique name.")
    percent: Annotated[float | None, Given, Field(gt=0, le=100), WithJsonSchema(SHARE)] = Field(
        None, description="A stable share of the users that the other selectors match."
    )
    ous: Annotated[tuple[OuGlob, ...], Listed, NotEmpty] = Field((), description="Globs over OU paths.")
    accounts: Annotated[tuple[Glob, ...], Listed, NotEmpty] = Field(
        (), description="Globs over account ids and names."
    )
    account_tags: Annotated[tuple[TagPair, ...], Listed, NotEmpty] = Field(
        (), description="Account tags, key=value, any of them."
    )
    user_tags: Annotated[tuple[TagPair, ...], Listed, NotEmpty] = Field(
        (), description="User tags, key=value, any of them."
    )
    users: Annotated[tuple[Glob, ...], Listed, NotEmpty] = Field(
        (), description="Globs over user ARNs, UserIds and names."
    )

    @property
    def takes_everybody(self) -> bool:
        """Tell whether nobody is left for a later wave."""
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

    @model_validator(mode="after")
    def _exactly_one(self) -> Finder:
        if (self.tag is None) == (self.username_is_address is None):
            raise ValueError("give exactly one of {tag: email} and {username_is_address: true}")
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
    find: Annotated[tuple[Finder, ...], Listed, NotEmpty] = Field(
        (Finder(tag="email"), Finder(username_is_address=True)),
        description="Where addresses are looked for, in order.",
    )
    remind_at: Annotated[tuple[PositiveDuration, ...], Listed] = Field(
        (timedelta(days=7), timedelta(days=1)),
        description="When to remind a user: so long before the date told.",
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


class Engine(Section):
    """How much is done at once."""

    max_accounts: Annotated[int, Field(ge=1, le=512)] = Field(32, description="Accounts side by side.")
    per_account: Annotated[int, Field(ge=1, le=32)] = Field(
        4, description="Changes at a time in one account."
    )


class BucketSection(Section):
    """How objects are kept, where `store` is a bucket."""

    kms_key: KmsKey | None = Field(
        None, description="Id, ARN or alias of a KMS key to encrypt with; null takes S3's own keys."
    )
    owner: AccountId | None = Field(
        None, description="The account that the bucket must belong to; null takes any."
    )


DEFAULT_WAVES = (WaveLine(name="canary", percent=5.0), WaveLine(name="rest"))


class RolloutFile(Section):
    """Settings of rollout."""

    version: Literal[1] = Field(1, description="Version of this format.")
    organization: OrganizationId | None = Field(
        None, description="Id of the organization; any other one is refused. Null asks no question."
    )
    access: Access = Field(Access(), description="How the accounts are entered.")
    scope: ScopeSection = Field(ScopeSection(), description="Which accounts this is about.")
    policy: PolicySection = Field(PolicySection(), description="The policy, and where it hangs.")
    rules: Rules = Field(Rules(), description="What verdicts and plans are held to.")
    exemptions: Annotated[tuple[ExemptionLine, ...], Listed] = Field(
        (), description="Who is left alone, by whose word, and until when."
    )
    waves: Annotated[tuple[WaveLine, ...], Listed, NotEmpty] = Field(
        DEFAULT_WAVES, description="Who goes together; a user is in the first wave that matches."
    )
    gates: GatesSection = Field(GatesSection(), description="When a wave and its users may move.")
    notify: NotifySection = Field(NotifySection(), description="How users are told.")
    engine: Engine = Field(Engine(), description="How much is done at once.")
    store: StorePlace = Field(
        Path(),
        description="Where plans, journal, inventories and reports are kept: a folder, relative to the file, or "
        "s3://bucket/prefix.",
    )
    bucket: BucketSection = Field(
        BucketSection(), description="How objects are kept, where the store is a bucket."
    )
