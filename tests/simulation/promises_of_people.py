"""What is promised about people: each is answered, only who may acts, and a name stands for a deed."""

import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.bursts import Burst
from bot.cards.burst_card import RETRY_ALL
from bot.cards.card import DISMISS, RETRY, UNDO
from bot.model import ALLCLEAR, HEALTH_UNREADABLE, Execution, ExecutionKey, Issue, IssuePhase, Override, Status
from bot.slack.answers import IGNORE, UNIGNORE
from bot.workflows.slack.mentions import ANSWER_EVENT_TYPE
from tests.simulation.deeds import STRANGER, Clicked, Deed, Opened, Said, Submitted
from tests.simulation.people import MAY_CLICK
from tests.simulation.scheduler import Task, must
from tests.simulation.weather import also

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

OVERRIDE_LASTS = timedelta(minutes=60)
ACTING_WORDS = ("retry", "override", "ignore")
OWN_BOOKS = ("take_turn", "end_turn")  # whose turn a mention is: no word about a deploy or an issue
STORE_WRITES = (
    "save_execution", "wake_execution", "save_card", "save_hint", "drop_hint", "save_issue", "postpone",
    "save_hold", "drop_hold", "save_channel", "save_burst", "save_line",
)  # fmt: skip


class PeoplePromises:
    """Watches Slack's side of one simulation."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self._policy = simulation.plan.policy
        self._store = simulation.store
        self._clock = simulation.scheduler
        self._given: dict[ExecutionKey, Override] = {}
        self._overrode_by: defaultdict[ExecutionKey, set[str]] = defaultdict(set)
        self._issues: dict[str, Issue] = {}
        self.ignored_issues: set[str] = set()
        self._ignored_at: dict[str, datetime] = {}  # the last moment at which it was ignored, if not still
        self._acted: set[int] = set()  # the numbers of the deeds that changed something
        self.all_asked_for: defaultdict[str, list[tuple[str, datetime]]] = defaultdict(
            list
        )  # burst: by whom, when
        self.answers: Counter[str] = Counter()  # what was said in a thread, by its metadata's key
        self._whispered: Counter[int] = Counter()
        store, chat = simulation.ports["store"], simulation.ports["chat"]
        for write in STORE_WRITES:
            also(store.before, write, self._about_to_write)
        also(store.after, "save_issue", self._saved_issue)
        also(store.after, "save_burst", self._saved_burst)
        also(chat.after, "post", self._posted)
        also(chat.after, "whisper", self._whispered_to)
        for method in ("respond", "open_view", "publish_home"):
            also(chat.after, method, _answered)

    # What is written in somebody's name.

    def saved(self, task: Task, before: Execution | None, execution: Execution) -> None:
        """What stands in a person's name was done by that person, on what was not stale."""
        actor, key = execution.trail[-1].by, execution.key
        given = self._store.given.get(key)
        if given is not None and given is not self._given.get(key):
            self._given[key] = given
            self._overrode_by[key].add(given.by)
            self._overrode(task, before, given)
        if actor == ALLCLEAR:
            return
        must(actor in MAY_CLICK, f"{key}: {actor} may not")
        deed = task.detail
        if not isinstance(deed, Deed):
            must(self._carried_on(actor, before, execution), f"{key}: {actor} did nothing")
            return
        must(deed.user == actor, f"{key}: it was {deed.user}, not {actor}")
        if not self._all(deed):
            must(deed.number not in self._acted, f"{key}: {deed} was carried out twice")
            self._acted.add(deed.number)
        must(self._asked_for(deed, before, execution), f"{key}: {deed} does not ask for {execution.status}")

    @staticmethod
    def _all(deed: Deed) -> bool:
        return isinstance(deed, Clicked) and deed.button.action_id == RETRY_ALL

    def _asked_for(self, deed: Deed, before: Execution | None, execution: Execution) -> bool:
        """Whether the person asked for just that, of just that deploy, as it was shown to them."""
        if before is None:
            return False
        key, overrode = execution.key, execution.trail[-1].what.startswith("overrode")
        match deed:
            case Clicked() if self._all(deed):
                burst = deed.button.about["burst"]
                return self._waited(burst, deed.user, before) and execution.status is Status.RESUMING
            case Clicked(button=button):
                wanted = {
                    RETRY: (Status.RESUMING,), DISMISS: (Status.DISMISSED,),
                    UNDO: (Status.BLOCKED, Status.NEEDS_HUMAN),
                }.get(button.action_id, ())  # fmt: skip
                fresh = button.key == key and button.version >= before.entered_version
                return fresh and execution.status in wanted and not overrode
            case Submitted(view={"callback_id": "override"}):
                of_this = deed.about["key"] == str(key) and deed.about["version"] >= before.entered_version
                return of_this and overrode
            case Said(words=["retry", pipeline, *_]):
                return pipeline == key.pipeline and execution.status is Status.RESUMING and not overrode
            case Said(words=["override", pipeline, *_]):
                return pipeline == key.pipeline and overrode
        return False

    def _carried_on(self, actor: str, before: Execution | None, execution: Execution) -> bool:
        """The sweep goes on with what somebody began: a "Retry all", or a wait that an override has ended."""
        if before is None:
            return False
        if before.waiting and execution.status is Status.RECOVERED:
            return actor in self._overrode_by[execution.key]  # the gate may have passed before another's came
        in_bursts = (burst for burst, lines in self._store.members.items() if str(execution.key) in lines)
        retried = execution.status is Status.RESUMING
        return retried and any(self._waited(burst, actor, before) for burst in in_bursts)

    def _waited(self, burst: str, by: str, before: Execution) -> bool:
        """It has waited since before that person's "Retry all"."""
        asks = before.status in (Status.BLOCKED, Status.NEEDS_HUMAN)
        return asks and any(who == by and before.entered_at <= at for who, at in self.all_asked_for[burst])

    def _saved_burst(self, task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        burst: Burst = arguments[0]
        request = burst.retry_all
        if request is None or (request.by, request.at) in self.all_asked_for[burst.burst_id]:
            return
        deed = task.detail
        clicked = isinstance(deed, Clicked) and self._all(deed) and deed.button.about["burst"] == burst.burst_id
        must(
            clicked and deed.user == request.by, f"burst {burst.burst_id}: {request.by} did not ask for all of it"
        )
        must(request.by in MAY_CLICK, f"burst {burst.burst_id}: {request.by} may not")
        must(deed.number not in self._acted, f"burst {burst.burst_id}: {deed} was carried out twice")
        self._acted.add(deed.number)
        self.all_asked_for[burst.burst_id].append((request.by, request.at))

    # Overrides.

    def may_override(self, user: str, pipeline: str | None) -> bool:
        """On the stack's list, and not left out by the pipeline's tag; by the simulation's own judgement."""
        group = self._simulation.chat.groups.get(self._policy.override_user_group, frozenset())
        tags = self._simulation.plan.tags.get(pipeline or "")
        narrowed = tags is not None and bool(tags.overriders) and user not in tags.overriders
        return user in MAY_CLICK and (user in self._policy.override_users or user in group) and not narrowed

    def _overrode(self, task: Task, before: Execution | None, given: Override) -> None:
        key, deed = given.key, task.detail
        must(isinstance(deed, Submitted | Said) and deed.user == given.by, f"{key}: {given.by} overrode nothing")
        must(self.may_override(given.by, key.pipeline), f"{key}: {given.by} may not override")
        must(given.reason.strip(), f"{key}: overridden without a reason")
        must(given.created_at < given.expires_at <= given.created_at + OVERRIDE_LASTS, f"{key}: for too long")
        stopped = before is not None and (
            before.waiting or before.condition or any(each.gate_issues is not None for each in before.actions)
        )
        must(stopped, f"{key}: overridden, and neither a gate nor a condition stopped it")

    def overridden(self, key: ExecutionKey, since: datetime) -> bool:
        """Somebody let this very stage pass, and that was in force at `since` or later."""
        given = self._given.get(key)
        return given is not None and since < given.expires_at

    # Issues that people ignore.

    def _saved_issue(self, task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        issue: Issue = arguments[0]
        before, self._issues[issue.key] = self._issues.get(issue.key), issue
        was = before.ignored_by if before is not None else ""
        if issue.ignored_by:
            self.ignored_issues.add(issue.key)
            must(issue.phase is not IssuePhase.OPEN, f"{issue.key}: ignored, and open all the same")
            must(issue.key != HEALTH_UNREADABLE, "that AWS Health cannot be read is ignored")
            must(issue.ignored_reason.strip(), f"{issue.key}: ignored without a reason")
        elif was:
            self._ignored_at[issue.key] = self._clock.now
        if issue.ignored_by == was:
            return
        deed, word = task.detail, IGNORE if issue.ignored_by else UNIGNORE
        must(isinstance(deed, Deed) and issue.ignored_by in ("", deed.user), f"{issue.key}: nobody said {word}")
        must(self.may_override(deed.user, None), f"{issue.key}: {deed.user} may not {word}")
        must(deed.number not in self._acted, f"{issue.key}: {deed} was carried out twice")
        self._acted.add(deed.number)
        match deed:
            case Clicked(button=button):
                asked = button.action_id == word and button.about["issue"] == issue.key
            case Submitted():
                asked = word == IGNORE and deed.about.get("issue") == issue.key
            case Said(words=["ignore", _, *rest]):
                asked = (rest == ["undo"]) == (word == UNIGNORE)
            case _:
                asked = False
        must(asked, f"{issue.key}: {deed} does not ask for {word}")

    def ignored(self, issue_key: str, since: datetime) -> bool:
        """A person said so, and it was so at `since` or later."""
        known = self._issues.get(issue_key)
        if known is not None and known.ignored_by:
            return True
        return issue_key in self._ignored_at and self._ignored_at[issue_key] >= since

    # What people are told.

    def _about_to_write(self, task: Task | None, _arguments: tuple[Any, ...], _fault: object) -> None:
        deed = task.detail if task is not None else None
        reads = isinstance(deed, Opened) or (isinstance(deed, Said) and deed.words[:1] not in ([], *_ACTING))
        must(not reads, f"{deed} only asks, and writes")
        must(not isinstance(deed, Deed) or deed.user in MAY_CLICK, f"{deed}: may not, and writes")

    def _posted(self, task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        metadata = arguments[1].metadata
        if metadata["event_type"] != ANSWER_EVENT_TYPE:
            return
        key = metadata["event_payload"]["key"]
        must(isinstance(task.detail, Said) and task.detail.mention, "an answer to nobody")
        once = not self.answers[key] or key in self._simulation.chat.deleted
        must(once, f"{task.detail}: answered twice")
        self.answers[key] += 1
        task.facts["answered"] = True
        self._said(task.detail.number)

    def _whispered_to(self, task: Task, arguments: tuple[Any, ...], _answer: object) -> None:
        must(arguments[1] == task.detail.user, f"{task.detail}: whispered to {arguments[1]}")
        self._said(task.detail.number)

    def _said(self, number: int) -> None:
        self._whispered[number] += 1

    def answered(self, task: Task) -> None:
        """Whoever asks is told, unless the function died; Slack gets no 5xx but the two that are promised."""
        if task.error is not None:
            return
        deed, status, met = task.detail, task.answer["statusCode"], task.facts.get("met", [])
        mention = isinstance(deed, Said) and deed.mention
        must(status == 200 or (status == 503 and (mention or "secrets" in met)), f"{deed}: {task.answer}")
        if status != 200:
            return
        told = json.loads(task.answer.get("body", "{}"))
        match deed:
            case Clicked(button=button) if button.channel:
                must(task.facts.get("answered"), f"{deed}: not answered")
            case Clicked() | Opened():
                must(task.facts.get("answered") or met or deed.user == STRANGER, f"{deed}: the Home is as it was")
            case Submitted():
                must(told.get("response_action") in ("errors", "update"), f"{deed}: {told}")
            case Said(mention=True):
                silent = deed.user == STRANGER or "chat" in met
                must(silent or self._whispered[deed.number], f"{deed}: answered 200, and nothing was said")
            case Said():
                must(told.get("text", "").strip() and told.get("blocks"), f"{deed}: no answer")
                if deed.user == STRANGER and not met:
                    must(
                        "workspace" in told["text"] and "held" not in told["text"], f"{deed}: told {told['text']}"
                    )
        must(STRANGER not in self._simulation.chat.homes, "a stranger sees an App Home")


_ACTING = [[word] for word in ACTING_WORDS]


def _answered(task: Task, _arguments: tuple[Any, ...], _answer: object) -> None:
    task.facts["answered"] = True
