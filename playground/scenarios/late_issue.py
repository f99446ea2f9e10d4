"""A deploy dies before AWS says anything: a person is asked, until AWS announces what explains it."""

from datetime import timedelta

from playground.scenery import CHANNEL, REGION, Outage, deploy, source
from playground.storytelling import Check, Scenario, Story


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    pipelines.create_pipeline("web", REGION, [source(), deploy()])
    outage = Outage(cloud, "web")
    web = pipelines.start("web", revision_summary="Change the greeting", author="Ben")
    story.tell("CodePipeline", "web starts. AWS has announced nothing.", "blue")
    story.minutes(4)
    asked = story.status("web → Deploy") == "needs a person"
    why = story.ask("why web", "bob")
    story.minutes(26)
    issue = cloud.health.open_issue("CLOUDFORMATION", REGION, start_at=cloud.now - timedelta(minutes=35))
    story.tell("AWS Health", "opens an issue: CLOUDFORMATION in us-east-1, for the last 35 minutes.", "red")
    story.minutes(2)
    held = story.status("web → Deploy") == "held"
    story.minutes(3)
    outage.lasts = False
    cloud.health.close(issue)
    story.tell("AWS Health", "closes the issue.", "red")
    story.minutes(12, stop=lambda: pipelines.status("web", web) == "Succeeded")
    story.minutes(2)
    return [
        ("a person was asked while nothing explained it", asked),
        ("why says until when an issue could still explain it", "would explain it" in why),
        ("the issue took the deploy over when it came", held),
        ("it recovered by exactly one retry", [retry.accepted for retry in pipelines.retries] == [True]),
        ("one card all the way", len([m for m in cloud.slack.messages(CHANNEL) if not m.is_reply]) == 1),
        ("nothing in a failure queue", not cloud.failures()),
    ]


LATE_ISSUE = Scenario(
    "an issue that comes late", "a failure nobody can explain, until AWS announces its issue", play,
    {"SettleSeconds": "120"},
)  # fmt: skip
