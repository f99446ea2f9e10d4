"""A deploy hangs during an AWS issue: it is shown before it fails, then held, and resumed at the all-clear."""

from playground.scenery import REGION, Outage, deploy, source
from playground.storytelling import Check, Scenario, Story


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    pipelines.create_pipeline("web", REGION, [source(), deploy(minutes=20)])
    outage = Outage(cloud, "web")
    issue = cloud.health.open_issue("CLOUDFORMATION", REGION)
    story.tell("AWS Health", "opens an issue: CLOUDFORMATION in us-east-1.", "red")
    web = pipelines.start("web", revision_summary="Change the greeting", author="Ben")
    story.tell("CodePipeline", "web starts. Its deploy runs, and runs.", "blue")
    story.minutes(18)
    shown = story.status("web → Deploy") == "running longer than usual"
    answer = story.ask("status", "bob")
    story.minutes(5, stop=lambda: story.status("web → Deploy") == "held")
    held = story.status("web → Deploy") == "held"
    story.minutes(3)
    outage.lasts = False
    early = len(pipelines.retries)
    cloud.health.close(issue)
    story.tell("AWS Health", "closes the issue.", "red")
    story.minutes(30, stop=lambda: pipelines.status("web", web) == "Succeeded")
    story.minutes(2)
    return [
        ("it was shown before it had failed", shown),
        ("status says that nothing is retried that has not failed", "has not failed" in answer),
        ("it was held when it failed", held),
        ("nothing was retried before the all-clear", early == 0),
        ("it recovered by exactly one retry", [retry.accepted for retry in pipelines.retries] == [True]),
        ("nothing in a failure queue", not cloud.failures()),
    ]


HANGING = Scenario(
    "a deploy that hangs", "an action runs longer than usual while an issue is open, and then fails", play,
    {"SettleSeconds": "120"},
)  # fmt: skip
