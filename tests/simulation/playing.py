"""The handlers play in a simulation: their App, their alarms, and an ear for errors that nobody expected."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

from bot import bursts, canary, inferred, running
from bot.errors import AllclearError, HealthUnreadable, NoSupportPlan, TryLater, VersionConflict
from bot.workflows import issue_work, waiting_gate
from bot.workflows import running as what_runs
from bot.workflows.world import World
from handlers import gate, health_event, notify, pipeline_event, resume, slack_request, sweep
from tests.builders import ACCOUNT, REGION
from tests.simulation.plan import SHORT_WAIT
from tests.simulation.scheduler import Violation

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

HANDLERS = (gate, health_event, notify, pipeline_event, resume, slack_request, sweep)
EXPECTED = (
    TryLater,
    VersionConflict,
    HealthUnreadable,
    NoSupportPlan,
)  # what a port may raise when it is in trouble


class App:
    """What handlers.composition.app() answers: the same names, simulated ports behind them."""

    def __init__(self, simulation: "Simulation", new_id: Callable[[], str]) -> None:
        ports = simulation.ports
        self.logger = logging.getLogger("simulation")
        self.region, self.account, self.policy = REGION, ACCOUNT, simulation.plan.policy
        self.store, self.pipelines, self.health = ports["store"], ports["pipelines"], ports["health"]
        self.calendar, self.evidence = ports["calendar"], ports["evidence"]
        self.chat, self.slack_secrets = ports["chat"], ports["secrets"]
        self.pause = simulation.scheduler.pause
        self.clock = lambda: simulation.scheduler.now
        self.world = World(
            store=self.store,
            pipelines=self.pipelines,
            health=self.health,
            calendar=self.calendar,
            evidence=self.evidence,
            policy=self.policy,
            account=ACCOUNT,
            new_id=new_id,
        )


class Listener(logging.Handler):
    """An error that a handler logs and carries on from is a bug, unless a port may raise it."""

    def __init__(self, simulation: "Simulation") -> None:
        super().__init__(logging.ERROR)
        self._simulation = simulation

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not (isinstance(error, AllclearError) and isinstance(error, EXPECTED)):
            self._simulation.scheduler.broken = Violation(f"{record.getMessage()}: {error!r}")


@contextmanager
def playing(simulation: "Simulation") -> Iterator[None]:
    """The handlers play in this simulation; small pages, so that there are many.

    In a crowded night two deploys are many: there are bursts and canaries, and incidents are inferred.
    """
    listener = Listener(simulation)
    loggers = [logging.getLogger(name) for name in ("bot", "simulation")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    with ExitStack() as stack:
        for module in HANDLERS:
            stack.enter_context(patch.object(module, "app", lambda: simulation.app))
        stack.enter_context(patch.object(issue_work, "PAGE", 1))
        for what, seconds in (("LEAST", 40), ("UNKNOWN", 100)):  # deploys last minutes here, so that some hang
            stack.enter_context(patch.object(running, what, timedelta(seconds=seconds)))
        stack.enter_context(patch.object(what_runs, "LEAST", running.LEAST))
        if simulation.plan.short_waits:
            stack.enter_context(patch.object(waiting_gate, "LONGEST", SHORT_WAIT))
        if simulation.plan.crowded:
            stack.enter_context(patch.object(bursts, "OWN_CARDS", 1))
            stack.enter_context(patch.object(canary, "WITHOUT", 1))
            stack.enter_context(patch.object(inferred, "PIPELINES", 2))
        for module in (notify, sweep):
            stack.enter_context(patch.object(module, "single_metric", simulation.count))
        for logger in loggers:
            logger.setLevel(logging.ERROR)
            logger.propagate = False
            logger.addHandler(listener)
        try:
            yield
        finally:
            simulation.scheduler.close()
            for logger, (level, propagate) in zip(loggers, before, strict=True):
                logger.setLevel(level)
                logger.propagate = propagate
                logger.removeHandler(listener)
