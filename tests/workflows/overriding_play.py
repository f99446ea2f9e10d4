"""A stage that something stopped, and people who override it."""

from dataclasses import dataclass, field
from typing import Any

from bot.events import EventState
from bot.model import ExecutionKey, FailedAction, PipelineTags
from bot.workflows.overriding import override
from bot.workflows.people import Result
from tests.builders import KEY, a_gate_action
from tests.fakes.chat import FakeChat
from tests.workflows.harness import Night

CAROL, DAVE, EVE = "U0CAROL", "U0DAVE", "U0EVE"
GROUP = "S0ONCALL"
REASON = "the fix is in this very deploy"


@dataclass
class Workspace(FakeChat):
    """A chat with one user group, which can be unreadable."""

    members: frozenset[str] = frozenset({DAVE})
    asked_groups: list[str] = field(default_factory=list)

    def group_members(self, group_id: str) -> frozenset[str]:
        self.asked_groups.append(group_id)
        self._raise("group_members", after_effect=False)
        return self.members


class Overrides:
    """web's Deploy is stopped by the gate (or by `actions`), an issue is open, and carol may override."""

    def __init__(self, *actions: FailedAction, condition: str = "", **settings: Any) -> None:
        tags = settings.pop("tags", PipelineTags())
        self.night = Night(**{"override_users": (CAROL,), **settings})
        self.chat = Workspace()
        self.night.issue_opens()
        self.night.pipelines.tags_of["web"] = tags
        self.night.stage_fails(KEY, *(actions or (a_gate_action(),)), told=False)
        self.night.show(condition=condition)
        self.night.event(EventState.FAILED)

    def say(self, by: str = CAROL, reason: str = REASON, key: ExecutionKey = KEY, **more: Any) -> Result:
        world = self.night.world
        more = {"marker": "click-1", **more}
        return override(world.store, self.chat, world.policy, key, by, reason, self.night.now, **more)

    def changed_nothing(self) -> bool:
        execution = self.night.execution()
        return execution.version == 1 and self.night.store.given == {} and execution.retry is None
