"""Makes the ports of account tasks anew in a worker, which has credentials of its own (docs/cluster.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rollout import __version__
from rollout.domain.people.scope import Selection
from rollout.domain.policy.made import Made
from rollout.errors import ClusterUnusable, WrongUsage
from rollout.installation import how_to_add
from rollout.settings import BucketPlace, Settings
from rollout.wiring.live import Live
from rollout.workflows.inventory import AccountReader, Look, Premises
from rollout.workflows.ports import ProgressDisplay

if TYPE_CHECKING:
    from threading import Event

    from rollout.execution.dask_cluster import DaskEngine


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """What a worker is told. There are no credentials in it, and nothing of the machine on which the command runs.

    `new` are the accounts that joined within the last day, `made` is what the journal says, by account id. `workers`
    share the caller's own budgets: an account is worked on by one of them, and has its budget for itself.
    """

    settings: Settings
    where: Premises
    made: Mapping[str, Made]
    new: frozenset[str]
    workers: int
    endpoint_ok: bool
    version: str = __version__


def look_of(
    live: Live,
    where: Premises,
    progress: ProgressDisplay,
    chosen: Selection,
) -> Look:
    """Return the look of a command, by the workers of a cluster if the settings say so. Raises WrongUsage."""
    if live.settings.engine.kind == "threads":
        return live.look(where, progress, chosen)
    engine = _engine_of(live.settings, live.stop)
    look, known = live.look(where, progress, chosen), live.journalled(where)

    def anew() -> tuple[Callable[..., AccountReader], tuple[object, ...]]:
        order = WorkerOrder(
            live.settings,
            replace(where, accounts=()),
            known().made,
            live.organization.new,
            engine.workers,
            live.endpoint_ok,
        )
        return reader_in_worker, (order,)

    return replace(look, looking=replace(look.looking, engine=engine, anew=anew))


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


def reader_in_worker(order: WorkerOrder) -> AccountReader:
    """Make the ports, in a worker. Raises ClusterUnusable where it is not like the command that gave the order."""
    if order.version != __version__:
        raise ClusterUnusable(
            f"a worker of the cluster has rollout {__version__}, and this is {order.version}",
            cure="give all of them the same version",
        )
    live = Live(order.settings, endpoint_ok=order.endpoint_ok, share=1 / order.workers)
    caller = live.organization.caller()
    if caller.account_id != order.where.caller.account_id:
        raise ClusterUnusable(
            f"a worker of the cluster has credentials of account {caller.account_id} ({caller.arn}), and this command "
            f"has those of {order.where.caller.account_id}",
            cure="run the workers with a role of the same account",
        )
    live.organization.new = order.new
    where, none = replace(order.where, caller=caller), Made()
    return live.reader(where, lambda account_id: order.made.get(account_id, none))
