"""Opens the store, a folder or a bucket, and the key that seals it."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.domain.diagnosis.store_facts import BucketFacts, FolderFacts
from rollout.domain.progress.progress import Progress
from rollout.domain.progress.stages import Stage
from rollout.domain.proof.proof_record import ProofRecord
from rollout.errors import KeyUnusable, RecordAltered, RolloutError, StoreUnknown, WrongUsage
from rollout.files.private_files import PRIVATE_FOLDER, FolderStore, check_writable
from rollout.files.scratch import scratch_folder
from rollout.reporting import ReportFiles
from rollout.settings import BucketPlace, KeyFilePlace, Settings
from rollout.store.folder.key_file import KeyFile
from rollout.store.formats.seals import Seals, StoreKey, Trust, refuse
from rollout.store.kept_looks import KeptLooks
from rollout.store.kinds import InFolder, Store, StoreJournal, StoreLock
from rollout.store.last_seen import LastSeen
from rollout.store.lock_holder import Holder
from rollout.store.markers import StoredMarker
from rollout.store.plan_files import PlanAtPath, Plans, StoredDraft
from rollout.store.processes import process_start
from rollout.store.proof_files import StoredProofs
from rollout.store.snapshots import Afterwards
from rollout.store.stored_activity import StoredActivity
from rollout.store.unrecorded import UNKNOWN_STORE, Unrecorded
from rollout.wiring.clocks import LocalClock
from rollout.workflows.ports import StoredPlan
from rollout.workflows.seal import Unsealed

if TYPE_CHECKING:
    from rollout.awsapi.retries import Retries
    from rollout.awsapi.sessions import Connection


PlanPlace = Plans | PlanAtPath
"""Where a plan is put: into the store, or into a file of the operator's choice."""


@dataclass(frozen=True)
class Files:
    """The contents of the store. A folder needs no AWS; a bucket needs S3, and STS unless `bucket.owner` is set.

    AWS is called through the connection of the run, or one of its own with this profile (`endpoint_ok` as in it).
    `tell` hears of everything in the store that cannot be trusted (`Trust`); `account_id` returns the caller's account.
    `brief`: people are to be let out, who do not wait for a bucket or a key that does not answer. `afterwards` takes
    what can wait until the command has done its work.
    """

    settings: Settings
    profile: str | None = None
    endpoint_ok: bool = False
    connection: Connection | None = None
    tell: Callable[[RolloutError], None] = refuse
    account_id: Callable[[], str] | None = None
    brief: bool = False
    afterwards: Afterwards | None = None

    @cached_property
    def _store(self) -> Store:
        place = self.settings.store
        if self.settings.store_unread:
            raise StoreUnknown(
                "the settings that can be read do not tell which store is theirs", cure="correct rollout.yaml"
            )
        if not isinstance(place, BucketPlace):
            return InFolder(self._here, self._trust, self.afterwards)
        from rollout.store.s3.bucket_store import InBucket
        from rollout.store.s3.object_failures import Place

        kept = self.settings.bucket
        where = Place(place.bucket, place.prefix, kept.kms_key, kept.owner)
        caller, retries = self._caller_account, self._retries()
        return InBucket(self._connection, where, caller, self._trust, retries, self.afterwards)

    def _retries(self) -> Retries | None:
        from rollout.awsapi.retries import brief_retries

        return brief_retries() if self.brief else None

    @cached_property
    def _connection(self) -> Connection:
        from rollout.awsapi.sessions import Connection

        return self.connection or Connection(profile=self.profile, endpoint_ok=self.endpoint_ok)

    def _caller_account(self) -> str:
        if self.account_id is not None:
            return self.account_id()
        from rollout.aws.connect.identity import WhoAmI
        from rollout.awsapi.retries import Retries

        return WhoAmI(self._connection, Retries()).caller().account_id

    @cached_property
    def _trust(self) -> Trust:
        """By what the store's records are trusted. Raises KeyUnusable, as `tell` says."""
        key, organization_id = self._key(), self.settings.organization
        if key is None:
            return Trust(None, self.tell)
        if organization_id is None:  # only where the settings could not be read, and people are to be let out
            self.tell(KeyUnusable("store_key needs `organization`", cure="set both in rollout.yaml"))
            return Trust(None, self.tell)
        place = self.settings.store
        in_bucket = isinstance(place, BucketPlace)
        folder = state_folder()
        seen = LastSeen(folder, organization_id, self._address) if folder else None
        return Trust(Seals(key, organization_id, str(place) if in_bucket else "folder"), self.tell, seen)

    def _key(self) -> StoreKey | None:
        named = self.settings.store_key
        if named is None:
            return None
        if isinstance(named, KeyFilePlace):
            folder = None if isinstance(self.settings.store, BucketPlace) else self._here
            return KeyFile(named.path, folder)
        from rollout.store.s3.kms_key import KmsKey

        return KmsKey(lambda: self._connection.kms(named.region), named.key, self._retries())

    @property
    def _here(self) -> Path:
        """The local folder for reports, as a normalized path."""
        place = self.settings.store
        return self._beside if isinstance(place, BucketPlace) else Path(os.path.normpath(place))

    @property
    def _beside(self) -> Path:
        """The folder of rollout.yaml, as a normalized path."""
        source = self.settings.source
        return Path(os.path.normpath(source.parent if source else Path.cwd()))

    @property
    def place(self) -> str:
        """The address of the store, or the path of its folder."""
        place = self.settings.store
        return str(place) if isinstance(place, BucketPlace) else str(self._here)

    def protection(self) -> FolderFacts | BucketFacts:
        """Find out how the store is protected from others. Raises a RolloutError where it cannot be asked at all."""
        return self._store.protection()

    @property
    def plans(self) -> Plans:
        """The plans of the store."""
        return self._store.plans()

    def activity(self, organization_id: str) -> StoredActivity:
        """What was found today of access keys."""
        return StoredActivity(self._store.files, organization_id, self._trust)

    def looks(self, organization_id: str) -> KeptLooks:
        """The figures of earlier looks."""
        return KeptLooks(self._store.files, organization_id)

    @property
    def proofs(self) -> StoredProofs:
        """The records of proofs."""
        return StoredProofs(self._store.files)

    def proof_of(self, plan: StoredPlan, progress: Progress) -> ProofRecord | None:
        """Read the newest proof of the policy of a plan; None if there is none, or it cannot be trusted (`tell`)."""
        header = plan.header
        proved = progress.proof_of(header.digests.policy, header.partition)
        if proved is None:
            return None
        try:
            return self.proofs.load(proved.file, proved.digest)
        except RecordAltered as problem:
            self.tell(problem)
            return None

    def plan_at(self, path: Path) -> PlanAtPath:
        """Open a plan file of the operator's choice. Raises WrongUsage for a folder, Unwritable."""
        if path.is_dir():
            raise WrongUsage(f"{path} is a folder", cure=f"name a file in it: --out {path / 'plan.yaml'}")
        check_writable(path.parent)
        return PlanAtPath(path, self._trust)

    @contextmanager
    def drafting(self, place: PlanPlace) -> Iterator[StoredDraft]:
        """Keep the parts of a plan in the making in a private folder on this machine. Raises Unwritable."""
        with scratch_folder(place.folder or self._beside / PRIVATE_FOLDER) as folder:
            files = FolderStore(folder, lasting=False)
            yield StoredDraft(files, carried=self.settings.engine.kind == "dask", place=place)

    def journal(self, run: str, vouched: Mapping[str, str] | None = None) -> StoreJournal:
        """Open the journal; `run` names the segment for new records, which seals those that are `vouched` for."""
        return self._store.journal(run, vouched)

    def lock(self) -> StoreLock:
        """The lock of the store; the holder is this process."""
        pid = os.getpid()
        me = Holder(getpass.getuser(), socket.gethostname(), pid, process_start(pid))
        return self._store.lock(me, LocalClock())

    def marker(self, organization_id: str, *, cautious: bool = False) -> StoredMarker:
        """The marker that tells running runs about releases; `cautious` as in `StoredMarker`."""
        store = self._store
        return StoredMarker(
            store.files, organization_id, store.fresh_for, trust=self._trust, cautious=cautious
        )

    @cached_property
    def unrecorded(self) -> Unrecorded:
        """What this store did not take when people were let out, as far as it is on this machine."""
        place, state, beside = self.settings.store, state_folder(), self._beside / PRIVATE_FOLDER
        outside = [state] if state else []
        if self.settings.store_unread:
            return Unrecorded([beside, *outside], UNKNOWN_STORE)
        # A folder that did not take the record would not take it beside itself, and others may write there.
        folders = [beside, *outside] if isinstance(place, BucketPlace) else outside
        return Unrecorded(folders, self._address, also=[beside])

    @property
    def _address(self) -> str:
        """The address of the store, or the whole path of its folder."""
        return self.place if isinstance(self.settings.store, BucketPlace) else str(self._here.resolve())

    def unsealed(self, organization_id: str) -> Unsealed:
        """Find what the store's key does not cover. Raises KeyUnusable, JournalDamaged, WrongUsage without a key."""
        if self._trust.seals is None:
            raise WrongUsage(
                "rollout.yaml names no store_key, so there is nothing to seal the store with",
                cure="set store_key to a KMS key, or to a file that `rollout init --store-key FILE` makes",
            )
        runs = self.journal("seal").unsealed()
        return Unsealed(
            tuple(runs), tuple(self.plans.unsealed()), tuple(self.marker(organization_id).unsealed())
        )

    def report_folder(self, plan: StoredPlan) -> Path:
        """Return the local folder of a plan's report."""
        return self._here / "reports" / plan.stem

    def share_report(self, plan: StoredPlan, written: ReportFiles) -> tuple[str, ...]:
        """Copy a local report to the store; return its locations there, none if the store is local."""
        return self._store.share(f"reports/{plan.stem}", written.all)

    def check_plans_writable(self) -> None:
        """Check, before minutes of reading, that a plan can be stored. Raises Unwritable."""
        self._store.check_writable("plans")

    def check_writable(self, stage: Stage, plan: StoredPlan) -> None:
        """Check, before a run, that all its output can be written. Raises Unwritable."""
        self._store.check_writable("journal")
        self._store.check_writable(f"reports/{plan.stem}")
        check_writable(self.report_folder(plan))
        if stage is Stage.NOTIFY:
            for folder in self.settings.notify.folders:
                check_writable(folder)


def state_folder() -> Path | None:
    """Return the folder for what this machine remembers, by the XDG specification; None for a user without a home."""
    configured = Path(os.environ.get("XDG_STATE_HOME", ""))
    if configured.is_absolute():
        return configured / "rollout"
    try:
        return Path.home() / ".local" / "state" / "rollout"
    except RuntimeError:
        return None
