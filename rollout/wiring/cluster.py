"""Makes the ports of account tasks anew in a worker, which has credentials of its own (docs/cluster.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollout import __version__
from rollout.domain.people.scope import Selection
from rollout.errors import ClusterUnusable, WrongUsage
from rollout.installation import how_to_add
from rollout.settings import BucketPlace, Settings
from rollout.wiring.live import Live
from rollout.wiring.live_looks import OpenedAgain
from rollout.workflows.inventory import Look, Looking, Premises
from rollout.workflows.ports import ProgressDisplay

if TYPE_CHECKING:
    from threading import Event

    from rollout.execution.dask_cluster import DaskEngine


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """What a worker is told; there are no credentials in it. `account_id` is that of the command's own.

    `workers` share the caller's own budgets; an account is worked on by one of them, and has its budget for itself.
    """

    opened: OpenedAgain
    account_id: str
    workers: int
    version: str = __version__

    def __call__(self) -> Looking:
        """Open AWS in a worker. Raises ClusterUnusable where that is not like the command that gave the order."""
        if self.version != __version__:
            raise ClusterUnusable(
                f"a worker of the cluster has rollout {__version__}, and this is {self.version}",
                cure="give all of them the same version",
            )
        live = self.opened.live(share=1 / self.workers)
        caller = live.organization.caller()
        if caller.account_id != self.account_id:
            raise ClusterUnusable(
                f"a worker of the cluster has credentials of account {caller.account_id} ({caller.arn}), and this "
                f"command has those of {self.account_id}",
                cure="run the workers with a role of the same account",
            )
        return replace(self.opened, where=replace(self.opened.where, caller=caller)).looking_of(live)


def look_of(live: Live, where: Premises, progress: ProgressDisplay, chosen: Selection) -> Look:
    """Return the look of a command, by the workers of a cluster if the settings say so. Raises WrongUsage."""
    if live.settings.engine.kind == "threads":
        return live.look(where, progress, chosen)
    engine = _engine_of(live.settings, live.stop)
    look = live.look(where, progress, chosen)

    def anywhere() -> WorkerOrder:
        opened = replace(live.anywhere(where), profile=None)  # workers have credentials of their own
        return WorkerOrder(opened, where.caller.account_id, engine.workers)

    return replace(look, looking=replace(look.looking, engine=engine, anywhere=anywhere))


def _engine_of(settings: Settings, stop: Event) -> DaskEngine:
    """Return the engine on the cluster that the settings name. Raises WrongUsage where they cannot be had there."""
    scheduler, evidence = settings.engine.scheduler, settings.evidence
    if scheduler is None:
        raise WrongUsage("--engine dask needs --scheduler", cure="name it: --scheduler tcp://HOST:8786")
    if evidence.file is not None:
        raise WrongUsage(
            "evidence.import is a file on this machine, which the workers of a cluster do not have",
            cure="use --engine threads, or leave out evidence.import",
        )
    if settings.trail_regions() is not None and not isinstance(settings.store, BucketPlace):
        raise WrongUsage(
            "evidence.cloudtrail keeps what it finds in the store, and workers of a cluster have no folder of yours",
            cure="set store: s3://bucket/prefix, or use --engine threads",
        )
    try:
        from rollout.execution.dask_cluster import DaskEngine
    except ModuleNotFoundError as problem:
        if problem.name not in {"dask", "distributed"}:
            raise
        raise WrongUsage(
            "--engine dask needs Dask, which is not installed", cure=f"add it: {how_to_add('dask')}"
        ) from problem
    return DaskEngine(scheduler, stop)
