"""The all-clear comes in a change freeze: one deploy waits for its calendar, one was frozen by a person."""

from datetime import timedelta

from playground.scenery import REGION, START, Outage, deploy, source
from playground.storytelling import Check, Scenario, Story

NAMES = ("orders", "web")


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    opens_at = START + timedelta(minutes=25)
    cloud.calendars.close("release-freeze", START, opens_at)
    story.tell("Calendar", "release-freeze is closed until 02:25.", "red")
    for name in NAMES:
        pipelines.create_pipeline(name, REGION, [source(), deploy()])
    outage = Outage(cloud, *NAMES)
    issue = cloud.health.open_issue("CLOUDFORMATION", REGION)
    story.tell("AWS Health", "opens an issue: CLOUDFORMATION in us-east-1.", "red")
    runs = {name: pipelines.start(name, author="Ana") for name in NAMES}
    story.minutes(4)
    pipelines.disable_transition("web", "Deploy", "Frozen by bob until the review")
    story.tell("bob", "disables the transition into web's Deploy, in the console.", "yellow")
    outage.lasts = False
    cloud.health.close(issue)
    story.tell("AWS Health", "closes the issue.", "red")
    story.minutes(10)
    frozen = [story.card(f"{name} → Deploy").text for name in NAMES]
    untouched = not pipelines.retries
    story.wait(opens_at + timedelta(minutes=6))
    orders = pipelines.status("orders", runs["orders"])
    pipelines.enable_transition("web", "Deploy")
    story.tell("bob", "enables the transition again, in the console.", "yellow")
    story.click("web → Deploy", "retry", "bob")
    story.minutes(4)
    return [
        ("nothing was retried in the freeze", untouched),
        ("the card says which calendar is closed", "release-freeze" in frozen[0]),
        ("the other card asks a person, in the words of who froze it", "Frozen by bob" in frozen[1]),
        ("orders went on when the calendar opened", orders == "Succeeded"),
        ("web went on by bob's click", pipelines.status("web", runs["web"]) == "Succeeded"),
        ("exactly one retry of each", sorted(retry.pipeline for retry in pipelines.retries) == list(NAMES)),
        ("nothing in a failure queue", not cloud.failures()),
    ]


FROZEN = Scenario(
    "a change freeze", "the all-clear comes while a calendar is closed and a transition is disabled", play,
    {"SettleSeconds": "60", "ChangeCalendar": "release-freeze"},
)  # fmt: skip
