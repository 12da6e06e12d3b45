"""What lies in the store, be it a folder or a bucket."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.domain.progress.stages import Stage
from rollout.files.private_files import check_writable
from rollout.reporting import ReportFiles
from rollout.settings import BucketPlace, Settings
from rollout.store.kinds import InFolder, Store, StoreLock
from rollout.store.lock_holder import Holder
from rollout.store.markers import StoredMarker
from rollout.store.plan_files import Plans
from rollout.store.processes import process_start
from rollout.wiring.clocks import LocalClock
from rollout.workflows.ports import Journal, StoredPlan

if TYPE_CHECKING:
    from rollout.awsapi.sessions import Connection


@dataclass(frozen=True)
class Files:
    """What lies in the store: no AWS needed where that is a folder, and nothing but S3 where it is a bucket.

    A bucket is asked through the connection of the run, or through one of its own by this profile.
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
        """The folder of this machine that reports are opened in, spelled as people would spell it."""
        place, source = self.settings.store, self.settings.source
        if isinstance(place, BucketPlace):
            place = source.parent if source else Path.cwd()
        return Path(os.path.normpath(place))

    @property
    def plans(self) -> Plans:
        """The plans of the store."""
        return self._store.plans()

    def journal(self, run: str) -> Journal:
        """Open the journal; `run` names the segment that new records go into."""
        return self._store.journal(run)

    def lock(self) -> StoreLock:
        """One operator at a time, named by this process."""
        pid = os.getpid()
        me = Holder(getpass.getuser(), socket.gethostname(), pid, process_start(pid))
        return self._store.lock(me, LocalClock())

    def marker(self, organization_id: str) -> StoredMarker:
        """Where releases are put for runs that have begun already."""
        return StoredMarker(self._store.files, organization_id, self._store.fresh_for)

    def report_folder(self, plan: StoredPlan) -> Path:
        """Say where a plan's report goes."""
        return self._here / "reports" / plan.stem

    def share_report(self, plan: StoredPlan, written: ReportFiles) -> tuple[str, ...]:
        """Put a report that was written here where the team finds it; answers where, or nothing where it is there."""
        files = (written.users, written.accounts, written.changes, written.html)
        return self._store.share(f"reports/{plan.stem}", files)

    def check_plans_writable(self) -> None:
        """Before minutes of reading: can the plan be put where it belongs? Raises Unwritable."""
        self._store.check_writable("plans")

    def check_writable(self, stage: Stage, plan: StoredPlan) -> None:
        """Before anything is carried: can all be written that a run leaves behind? Raises Unwritable."""
        self._store.check_writable("journal")
        self._store.check_writable(f"reports/{plan.stem}")
        check_writable(self.report_folder(plan))
        if stage is Stage.NOTIFY:
            for folder in self.settings.notify.folders:
                check_writable(folder)
