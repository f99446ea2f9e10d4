"""People at work in Slack: what they click, type and submit, what Slack sends again, what they are answered."""

import json
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from bot.attribution import last_segment
from bot.cards.burst_card import RETRY_ALL
from bot.cards.card import OVERRIDE, UNDO
from bot.slack.answers import IGNORE, UNIGNORE
from handlers import slack_request
from tests.fakes.chat import ALICE
from tests.simulation.deeds import Button, Clicked, Deed, Opened, Said, Submitted, request_of
from tests.simulation.people import BOB, CAROL, GUEST
from tests.simulation.scheduler import Task

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

SECOND = timedelta(seconds=1)
ANSWERED_WITHIN = 3 * SECOND  # else Slack takes a request for lost
RESENT_AFTER = (timedelta(0), timedelta(minutes=1), timedelta(minutes=5))  # events only (Events API, "Retries")
EAGERLY = {OVERRIDE: 0.5, RETRY_ALL: 0.15, IGNORE: 0.1, UNIGNORE: 0.4, UNDO: 0.2}
EVERYBODY = (ALICE, ALICE, BOB, CAROL, GUEST)
REASONS = ("the fix is in this very deploy", "we looked", "none of our services", " ")


class Crowd:
    """Whoever acts in Slack. `does` carries out an act of the plan."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self._scheduler = simulation.scheduler
        self._random = simulation.random
        self._numbers = count(1)
        self._calm = False
        self.always = ""  # the reason every modal is sent off with, soon; "": as chance has it

    def does(self, what: str, arguments: tuple[Any, ...]) -> None:
        match what, arguments:
            case "click", (user, stale, times):
                button = self._simulation.chat.choose(self._random, user, stale=stale)
                if button is not None:
                    self._click(user, button, times)
            case "press", (user, pipeline, action_id):
                self._press(user, pipeline, action_id)
            case "say", (user, text, mention, times):
                said = Said(user, next(self._numbers), text, mention, self._scheduler.now)
                for _ in range(times):
                    self._send_event(said) if mention else self._send(said)
            case "second thoughts", (user,):
                ignored = [issue for issue in self._simulation.store.issues.values() if issue.ignored_by]
                if ignored:
                    text = f"ignore {last_segment(self._random.choice(ignored).report.arn)} undo"
                    self._send(Said(user, next(self._numbers), text, mention=False, at=self._scheduler.now))
            case "home", (user,):
                self._send_event(Opened(user, next(self._numbers)))

    def calm_down(self) -> None:
        """Nobody clicks eagerly any more."""
        self._calm = True

    def _press(self, user: str, pipeline: str, action_id: str) -> None:
        """The newest button of that name on a pipeline's newest card, if there is one."""
        for button in reversed(self._simulation.chat.shown):
            if button.action_id == action_id and button.key.pipeline == pipeline:
                self._click(user, button, 1)
                return

    def _click(self, user: str, button: Button, times: int) -> None:
        clicked = Clicked(user, next(self._numbers), button)
        for _ in range(times):
            self._send(clicked)

    def button_seen(self, button: Button) -> None:
        """In an eager night somebody soon clicks what is seldom clicked by chance."""
        often = EAGERLY.get(button.action_id, 0.0)
        if self._simulation.plan.eager and not self._calm and self._random.random() < often:
            clicked = Clicked(self._random.choice(EVERYBODY), next(self._numbers), button)
            self._later(2 + self._random.random() * 120, clicked)

    def modal_opened(self, user: str, view: dict[str, Any]) -> None:
        """Somebody writes a reason and sends it off, most often soon; or forgets the modal."""
        if self.always:
            self._later(4, Submitted(user, next(self._numbers), view, self.always))
            return
        chance = self._random.random()
        if chance < 0.1:
            return
        reads = self._random.random() * (1800 if chance < 0.2 else 20)
        submitted = Submitted(user, next(self._numbers), view, self._random.choice(REASONS))
        for _ in range(2 if chance > 0.9 else 1):
            self._later(reads, submitted)

    def _later(self, seconds: float, deed: Deed) -> None:
        self._simulation.on_the_way += 1

        def arrive() -> None:
            self._simulation.on_the_way -= 1
            self._send(deed)

        self._scheduler.after(seconds * SECOND, arrive)

    def _send(self, deed: Deed) -> Task:
        """One request, now."""
        event = request_of(deed, self._scheduler.now)
        return self._simulation.spawn(
            "slack_request", lambda: slack_request.handler(event, None), on_end=self._ended, detail=deed
        )

    def _ended(self, task: Task) -> None:
        self._simulation.promises.people.answered(task)
        if task.error is not None or task.answer["statusCode"] != 200:
            return
        shown = json.loads(task.answer.get("body", "{}"))
        match task.detail:
            case Said(user=user, mention=False):
                self._simulation.chat.said_to(user, shown.get("blocks", ()))
            case Submitted() if shown["response_action"] == "errors" and self._random.random() < 0.7:
                again = Submitted(task.detail.user, task.detail.number, task.detail.view, REASONS[0])
                self._later(2 + self._random.random() * 30, again)

    def _send_event(self, deed: Deed, resent: int = 0) -> None:
        """An event, which Slack sends again until it is answered with 200 in time."""
        task = self._send(deed)
        self._simulation.on_the_way += 1

        def look() -> None:
            self._simulation.on_the_way -= 1
            taken = not task.alive and task.error is None and task.answer["statusCode"] == 200
            if not taken and resent < len(RESENT_AFTER):
                self._simulation.on_the_way += 1
                self._scheduler.after(RESENT_AFTER[resent], again)

        def again() -> None:
            self._simulation.on_the_way -= 1
            self._send_event(deed, resent + 1)

        self._scheduler.after(ANSWERED_WITHIN, look)
