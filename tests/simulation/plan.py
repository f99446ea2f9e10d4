"""What is to happen in one run: drawn from the seed at once, as data, so that acts can be left out one by one."""

from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

from bot.cards.card import DISMISS, OVERRIDE, RETRY, UNDO
from bot.model import PipelineTags
from bot.policy import Mode, Policy, WhenHealthUnreadable
from tests.fakes.chat import ALICE
from tests.simulation.deeds import STRANGER
from tests.simulation.incidents import KINDS
from tests.simulation.people import BOB, CAROL, GUEST, ON_CALL_GROUP
from tests.simulation.weather import REFUSALS

PIPELINES = {"web": ("Deploy",), "api": ("Gate", "Deploy"), "job": ("Build", "Deploy"), "ops": ("Gate", "Deploy")}
WAITING = ("ops",)  # whose gate is in mode wait
SHORT_WAIT = timedelta(minutes=40)  # in some nights a gate may wait no longer
CONDITIONS = {("job", "Deploy"): ("BEFORE_ENTRY", "ON_SUCCESS")}
CALENDAR = "Releases"
HOURS = 2  # of storm; then all gets well


@dataclass(frozen=True, slots=True, order=True)
class Act:
    """Something that happens `at` seconds after the start."""

    at: float
    what: str
    arguments: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{timedelta(seconds=round(self.at))} {self.what} {' '.join(map(str, self.arguments))}"


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: who is installed how, and what happens to it."""

    seed: int
    policy: Policy
    tags: dict[str, PipelineTags]
    support_plan: bool
    acts: tuple[Act, ...]
    crowded: bool = False  # two deploys are many: bursts and canaries
    parallel: tuple[str, ...] = ()  # pipelines of mode PARALLEL
    retry_themselves: tuple[str, ...] = ()  # pipelines whose stages have onFailure RETRY
    eager: bool = False  # people soon click what they see
    notified: bool = False  # a notification rule tells of everything once more, through SNS
    short_waits: bool = False  # a gate's wait may not last for most of a day

    def without(self, left_out: set[Act]) -> "Plan":
        return replace(self, acts=tuple(act for act in self.acts if act not in left_out))


def draw(seed: int) -> Plan:
    """The plan of one seed."""
    random = Random(seed)  # noqa: S311 - chance that can be repeated
    policy = Policy(
        settle=timedelta(seconds=random.choice((0, 60, 300))),
        max_age=timedelta(hours=random.choice((1, 24))),
        late_issue=timedelta(minutes=random.choice((30, 240))),
        issue_max_age=timedelta(hours=random.choice((1, 48, 48))),
        health_unavailable=random.choice((*WhenHealthUnreadable, WhenHealthUnreadable.BLOCK)),
        slack_channel="C0DEPLOYS",
        change_calendar=random.choice(("", CALENDAR)),
        mode=Mode.SHADOW if random.random() < 0.1 else Mode.ACTIVE,
        override_users=random.choice(((), (ALICE,), (ALICE, GUEST, STRANGER))),
        override_user_group=random.choice(("", ON_CALL_GROUP)),
    )
    tags = {}
    if random.random() < 0.2:
        tags["job"] = PipelineTags(auto_retry=random.random() < 0.5, announce_unexplained=random.random() < 0.5)
    if random.random() < 0.3:
        tags[random.choice(("api", "ops"))] = PipelineTags(
            overriders=random.choice(((), (BOB,), (CAROL,))), mode=random.choice(list(Mode))
        )
    acts = {Act(at, "start", (name,)) for name in PIPELINES for at in (random.random() * 60,)}
    begins_at = random.choice((0.0, random.random() * 120))  # before the first gates are asked, or after
    acts.add(Act(begins_at, "issue begins", (random.randrange(4), random.random() * 30)))
    busy = random.choice((8, 20, 45))
    for _ in range(busy):
        acts.add(_act(random))
    acts |= _clicks(random)
    if policy.change_calendar:
        for _ in range(3):
            at = round(random.random() * HOURS * 3600, 3)
            acts.add(Act(at, "calendar closes", ARGUMENTS["calendar closes"](random)))
    support_plan = random.random() < 0.9
    if random.random() < 0.3:  # AWS posts late, or never
        acts.add(Act(random.random() * 60, "breaks unannounced", ARGUMENTS["breaks unannounced"](random)))
    return Plan(
        seed,
        policy,
        tags,
        support_plan,
        acts=tuple(sorted(acts)),
        crowded=random.random() < 0.6,
        parallel=("job",) if random.random() < 0.4 else (),
        retry_themselves=("web",) if random.random() < 0.4 else (),
        eager=random.random() < 0.5,
        short_waits=random.random() < 0.5,
        notified=random.random() < 0.5,
    )


def _act(random: Random) -> Act:
    at = random.random() * HOURS * 3600
    # People and events gather around the moment at which something happens.
    kind = random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    return Act(round(at, 3), kind, ARGUMENTS[kind](random))


def _clicks(random: Random) -> set[Act]:
    """Bursts: several people at one card within seconds."""
    acts = set()
    for _ in range(random.choice((0, 1, 3))):
        at = random.random() * HOURS * 3600
        for _ in range(random.choice((2, 3, 5))):
            kind = random.choice(("click", "click", "say"))
            acts.add(Act(round(at + random.random() * 3, 3), kind, ARGUMENTS[kind](random)))
    return acts


def _lasts(random: Random) -> float:
    return random.choice((5.0, 60.0, 600.0, 2400.0))


def _rate(random: Random) -> float:
    return random.choice((0.05, 0.3, 1.0))


def _pipeline(random: Random) -> str:
    return random.choice(list(PIPELINES))


def _user(random: Random) -> str:
    return random.choice((ALICE, ALICE, ALICE, BOB, BOB, CAROL, GUEST, STRANGER))


def _words(random: Random) -> str:
    """What somebody types: often what acts, at times nonsense, a name nobody knows, no reason."""
    word = random.choice(("retry", "override", "override", "ignore", "ignore", *READING, "rtery", ""))
    if word == "ignore":
        issue = random.choice(
            ("ECS", "ECS", "CLOUDFORMATION", "MULTIPLE_SERVICES", "issue_001", "issue_002", "S3")
        )
        return f"ignore {issue} {random.choice(('none of our services', 'undo', ''))}".strip()
    if word == "override":
        return f"override {_pipeline(random)} {random.choice(('we must', 'the fix is in it', ''))}".strip()
    bare = word in ("", "issues", "help") or random.random() < 0.2
    return word if bare else f"{word} {random.choice((_pipeline(random), _pipeline(random), 'wbe'))}"


PRESSED = (OVERRIDE, OVERRIDE, OVERRIDE, RETRY, DISMISS, UNDO)
READING = ("status", "why", "history", "issues", "help")

WEIGHTS = {
    "start": 6,
    "issue begins": 4,
    "breaks unannounced": 1,
    "issue updated": 2,
    "issue closes": 6,
    "issue re-opens": 3,
    "event again": 3,
    "click": 8,
    "say": 6,
    "press": 5,
    "second thoughts": 1,
    "home": 1,
    "stop": 1,
    "freeze": 1,
    "thaw": 1,
    "retry outside": 2,
    "roll back": 1,
    "change pipeline": 1,
    "calendar closes": 1,
    "calendar opens": 1,
    "delete pipeline": 0.3,
    "delete message": 1,
    "refuse": 6,
    "down": 8,
    "slow": 2,
    "deaths": 3,
    "death": 4,
    "codepipeline lag": 2,
    "index lag": 2,
    "stream lag": 2,
    "event loss": 3,
    "event doubles": 2,
    "event delay": 3,
    "duplicates": 2,
}
ARGUMENTS: dict[str, Any] = {
    "start": lambda random: (_pipeline(random),),
    "issue begins": lambda random: (random.randrange(len(KINDS)), random.choice((0.0, 5.0, 20.0, 50.0))),
    "breaks unannounced": lambda random: (
        random.choice(("ECS", "CLOUDFORMATION")),
        random.choice((600.0, 2400.0)),
    ),
    "issue updated": lambda random: (random.randrange(8),),
    "issue closes": lambda random: (random.randrange(8),),
    "issue re-opens": lambda random: (random.randrange(8),),
    "event again": lambda random: (random.randrange(1000),),
    "click": lambda random: (_user(random), random.random() < 0.3, random.choice((1, 1, 2))),
    "say": lambda random: (_user(random), _words(random), random.random() < 0.5, random.choice((1, 1, 2))),
    "press": lambda random: (_user(random), _pipeline(random), random.choice(PRESSED)),
    "second thoughts": lambda random: (_user(random),),
    "home": lambda random: (_user(random),),
    "stop": lambda random: (random.randrange(8),),
    "freeze": lambda random: (_pipeline(random),),
    "thaw": lambda random: (_pipeline(random),),
    "retry outside": lambda random: (random.randrange(8),),
    "roll back": lambda random: (random.randrange(8),),
    "change pipeline": lambda random: (_pipeline(random),),
    "calendar closes": lambda random: (random.choice((600.0, 3600.0)), random.random() < 0.5),
    "calendar opens": lambda _random: (),
    "delete pipeline": lambda random: (_pipeline(random),),
    "delete message": lambda random: (random.randrange(8),),
    "refuse": lambda random: (random.choice(list(REFUSALS)),),
    "down": lambda random: (
        random.choice(("store", "store", "pipelines", "health", "chat", "secrets", "calendar", "evidence")),
        _lasts(random),
        _rate(random),
    ),
    "slow": lambda random: (random.choice(("store", "pipelines", "health", "chat")), _lasts(random), 9.0),
    "deaths": lambda random: (random.choice((5.0, 60.0, 600.0)), random.choice((0.02, 0.1, 0.5))),
    "death": lambda random: (random.choice(("resume", "notify", "sweep", "health_event")), random.randrange(14)),
    "codepipeline lag": lambda random: (_lasts(random), 20.0),
    "index lag": lambda random: (_lasts(random), random.choice((2.0, 60.0))),
    "stream lag": lambda random: (_lasts(random), random.choice((5.0, 120.0))),
    "event loss": lambda random: (_lasts(random), _rate(random)),
    "event doubles": lambda random: (_lasts(random), _rate(random)),
    "event delay": lambda random: (_lasts(random), random.choice((20.0, 600.0))),
    "duplicates": lambda random: (_lasts(random), random.choice((0.05, 0.3))),
}
