"""CodePipeline's side of the health gates: jobs that are answered once, continued, lost, or given up."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Protocol

from bot.model import ExecutionKey
from tests.builders import ACCOUNT, REGION
from tests.simulation.scheduler import Scheduler
from tests.simulation.weather import Weather

GATE = "Gate"
SECOND = timedelta(seconds=1)
UNANSWERED = timedelta(minutes=20)  # CodePipeline gives a job up
LONGEST = timedelta(hours=24)  # an action with continuation tokens


@dataclass(slots=True)
class Job:
    key: ExecutionKey
    attempt: int
    since_at: datetime  # when the action began
    token: str = ""
    answered: bool = False


class Runs(Protocol):
    """What a gate's jobs are for."""

    def runs(self, key: ExecutionKey, attempt: int) -> bool: ...

    def times_out(self, key: ExecutionKey) -> None: ...


class Gates:
    """The jobs of every gate. `send` invokes the gate with a job."""

    def __init__(
        self,
        random: Random,
        scheduler: Scheduler,
        weather: Weather,
        runs: Runs,
        send: Callable[[str, Job], None],
    ) -> None:
        self.jobs: dict[str, Job] = {}
        self.waiting: tuple[str, ...] = ()  # pipelines whose gate is in mode wait
        self.longest = LONGEST
        self._numbers = count(1)
        self._random = random
        self._scheduler = scheduler
        self._weather = weather
        self._runs = runs
        self._send = send

    def begin(self, key: ExecutionKey, attempt: int) -> None:
        """The gate's action begins."""
        job = Job(key, attempt, self._scheduler.now)
        self._hand_out(job)
        self._scheduler.after(self.longest, lambda: self._time_out(key, attempt))

    def _hand_out(self, job: Job) -> None:
        job_id = f"job-{next(self._numbers)}"
        self.jobs[job_id] = job
        self._scheduler.after(UNANSWERED, lambda: self._give_up(job_id))
        if job.token and self._weather.strikes("event loss"):
            if self._scheduler.say:
                self._scheduler.say(f"  lost: {job_id} of {job.key.execution_id}")
        else:
            self._send(job_id, job)

    def take(self, job_id: str) -> Job | None:
        """The job, which now is answered; None if it was before, or its stage has moved on."""
        job = self.jobs[job_id]
        if job.answered or not self._runs.runs(job.key, job.attempt):
            return None
        job.answered = True
        return job

    def keep(self, job_id: str, token: str) -> bool:
        """The action goes on; a new job brings the token back in about half a minute."""
        job = self.take(job_id)
        if job is not None:
            again = Job(job.key, job.attempt, job.since_at, token)
            self._scheduler.after((25 + self._random.random() * 10) * SECOND, lambda: self._go_on(again))
        return job is not None

    def _go_on(self, job: Job) -> None:
        if self._runs.runs(job.key, job.attempt):
            self._hand_out(job)

    def _give_up(self, job_id: str) -> None:
        job = self.take(job_id)
        if job is not None:
            self._runs.times_out(job.key)

    def _time_out(self, key: ExecutionKey, attempt: int) -> None:
        if self._runs.runs(key, attempt):
            self._runs.times_out(key)


def job_event(job_id: str, job: Job, *, waits: bool) -> dict[str, Any]:
    """What CodePipeline invokes the gate's function with."""
    named = {"pipeline": job.key.pipeline, "execution": job.key.execution_id, "regions": [REGION]}
    parameters = json.dumps({**named, "mode": "wait"} if waits else named)
    data: dict[str, Any] = {"actionConfiguration": {"configuration": {"UserParameters": parameters}}}
    if job.token:
        data["continuationToken"] = job.token
    return {"CodePipeline.job": {"id": job_id, "accountId": ACCOUNT, "data": data}}
