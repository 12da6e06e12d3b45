"""Opens the store, a folder or a bucket."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.domain.progress.stages import Stage
from rollout.errors import WrongUsage
from rollout.files.private_files import check_writable
from rollout.reporting import ReportFiles
from rollout.settings import BucketPlace, Settings
from rollout.store.kinds import InFolder, Store, StoreLock
from rollout.store.lock_holder import Holder
from rollout.store.markers import StoredMarker
from rollout.store.plan_files import PlanAtPath, Plans
from rollout.store.processes import process_start
from rollout.wiring.clocks import LocalClock
from rollout.workflows.ports import Journal, StoredPlan

if TYPE_CHECKING:
    from rollout.awsapi.sessions import Connection


@dataclass(frozen=True)
class Files:
    """The contents of the store. A folder needs no AWS, a bucket only S3.

    A bucket is read through the connection of the run, or one of its own with this profile.
    """

    settings: Settings
    profile: str | None = None
    connection: Connection | None = None

    @cached_property
    def _store(self) -> Store:
        place = self.settings.store
        if not isinstance(place, BucketPlace):
            return InFolder(self._here)
        from rollout.awsapi.sessions import Connection
        from rollout.store.s3.bucket_store import InBucket
        from rollout.store.s3.object_failures import Place

        kept = self.settings.bucket
        where = Place(place.bucket, place.prefix, kept.kms_key, kept.owner)
        return InBucket(self.connection or Connection(profile=self.profile), where)

    @property
    def _here(self) -> Path:
        """The local folder for reports, as a normalized path."""
        place, source = self.settings.store, self.settings.source
        if isinstance(place, BucketPlace):
            place = source.parent if source else Path.cwd()
        return Path(os.path.normpath(place))

    @property
    def plans(self) -> Plans:
        """The plans of the store."""
        return self._store.plans()

    def plan_at(self, path: Path) -> PlanAtPath:
        """Open a plan file of the operator's choice. Raises WrongUsage for a folder, Unwritable."""
        if path.is_dir():
            raise WrongUsage(f"{path} is a folder", cure=f"name a file in it: --out {path / 'plan.yaml'}")
        check_writable(path.parent)
        return PlanAtPath(path)

    def journal(self, run: str) -> Journal:
        """Open the journal; `run` names the segment for new records."""
        return self._store.journal(run)

    def lock(self) -> StoreLock:
        """The lock of the store; the holder is this process."""
        pid = os.getpid()
        me = Holder(getpass.getuser(), socket.gethostname(), pid, process_start(pid))
        return self._store.lock(me, LocalClock())

    def marker(self, organization_id: str) -> StoredMarker:
        """The marker that tells running runs about releases."""
        return StoredMarker(self._store.files, organization_id, self._store.fresh_for)

    def report_folder(self, plan: StoredPlan) -> Path:
        """Return the local folder of a plan's report."""
        return self._here / "reports" / plan.stem

    def share_report(self, plan: StoredPlan, written: ReportFiles) -> tuple[str, ...]:
        """Copy a local report to the store; return its locations there, none if the store is local."""
        files = (written.users, written.accounts, written.changes, written.html)
        return self._store.share(f"reports/{plan.stem}", files)

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
