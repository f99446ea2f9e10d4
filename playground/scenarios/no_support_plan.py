"""An account without the AWS Health API: events alone hold and resume, and the card says what is unconfirmed."""

from datetime import timedelta

from playground.scenery import REGION, Outage, deploy, source
from playground.storytelling import Check, Scenario, Story


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    cloud.health.support_plan = False
    pipelines.create_pipeline("web", REGION, [source(), deploy()])
    outage = Outage(cloud, "web")
    issue = cloud.health.open_issue("CLOUDFORMATION", REGION, start_at=cloud.now - timedelta(minutes=30))
    story.tell("AWS Health", "opens an issue: CLOUDFORMATION in us-east-1. Its API refuses this account.", "red")
    web = pipelines.start("web", revision_summary="Change the greeting", author="Ben")
    story.tell("CodePipeline", "web starts.", "blue")
    story.minutes(4)
    card, held = story.card("web → Deploy").text, story.status("web → Deploy") == "held"
    why = story.ask("why web", "bob")
    outage.lasts = False
    cloud.health.close(issue)
    story.tell("AWS Health", "closes the issue.", "red")
    story.minutes(12, stop=lambda: pipelines.status("web", web) == "Succeeded")
    story.minutes(2)
    return [
        ("the deploy was held", held),
        ("its card says that this cannot be confirmed", "cannot be confirmed" in card),
        ("so does why", "cannot be confirmed" in why),
        ("it recovered by exactly one retry", [retry.accepted for retry in pipelines.retries] == [True]),
        ("nothing in a failure queue", not cloud.failures()),
    ]


NO_SUPPORT_PLAN = Scenario(
    "no support plan", "AWS Health's API is closed to the account; its events decide alone", play,
    {"SettleSeconds": "120"},
)  # fmt: skip
