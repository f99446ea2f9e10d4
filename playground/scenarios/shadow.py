"""Shadow mode: everything is shown, and nothing is retried without a person asking."""

from playground.scenery import REGION, Outage, deploy, source
from playground.storytelling import Check, Scenario, Story


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    pipelines.create_pipeline("web", REGION, [source(), deploy()])
    outage = Outage(cloud, "web")
    issue = cloud.health.open_issue("CLOUDFORMATION", REGION)
    story.tell("AWS Health", "opens an issue: CLOUDFORMATION in us-east-1.", "red")
    web = pipelines.start("web", revision_summary="Change the greeting", author="Ben")
    story.tell("CodePipeline", "web starts, and its deploy fails.", "blue")
    story.minutes(4)
    held = story.status("web → Deploy") == "held"
    outage.lasts = False
    cloud.health.close(issue)
    story.tell("AWS Health", "closes the issue.", "red")
    story.minutes(6)
    left_alone = not pipelines.retries
    told = story.card("web → Deploy").text
    story.click("web → Deploy", "retry", "alice")
    story.minutes(4)
    return [
        ("the deploy was held, and the card said what would be done", held),
        ("nothing was retried at the all-clear", left_alone),
        ("the card says that it would have been", "Shadow mode: Allclear would have retried now." in told),
        ("alice's click retried it, once", len(pipelines.retries) == 1),
        ("and it recovered", pipelines.status("web", web) == "Succeeded"),
        ("nothing in a failure queue", not cloud.failures()),
    ]


SHADOW = Scenario(
    "shadow mode", "everything is shown, nothing is retried without a person asking", play,
    {"SettleSeconds": "60", "Mode": "shadow"},
)  # fmt: skip
