"""Three pipelines fail alike before AWS says anything: one card says so and becomes the issue's."""

from datetime import timedelta

from playground.scenery import CHANNEL, REGION, Outage, deploy, source
from playground.storytelling import Check, Scenario, Story

NAMES = ("billing", "orders", "web")
TITLE = "CLOUDFORMATION in us-east-1: 3 pipelines fail alike"


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    for name in NAMES:
        pipelines.create_pipeline(name, REGION, [source(), deploy()])
    outage = Outage(cloud, *NAMES)
    runs = {}
    for name in NAMES:
        runs[name] = pipelines.start(name, author="Ana")
        story.tell("CodePipeline", f"{name} starts. AWS has announced nothing.", "blue")
        story.minutes(3)
    said = story.card(TITLE).text
    issues = story.ask("issues", "bob")
    story.minutes(20)
    left_alone = not pipelines.retries
    issue = cloud.health.open_issue("CLOUDFORMATION", REGION, start_at=cloud.now - timedelta(minutes=35))
    story.tell("AWS Health", "opens an issue: CLOUDFORMATION in us-east-1, for the last 35 minutes.", "red")
    story.minutes(3)
    shared = [message for message in cloud.slack.messages(CHANNEL) if message.in_channel]
    adopted = [message for message in shared if "3 deploys held" in message.text]
    outage.lasts = False
    cloud.health.close(issue)
    story.tell("AWS Health", "closes the issue.", "red")

    def recovered() -> bool:
        return all(pipelines.status(name, run) == "Succeeded" for name, run in runs.items())

    story.minutes(12, stop=recovered)
    story.minutes(2)
    return [
        ("one card said what fails alike", "AWS has posted nothing" in said),
        ("so did /allclear issues", "3 pipelines fail alike" in issues),
        ("it held nothing back and retried nothing", left_alone),
        ("the same card became the issue's", len(adopted) == 1 and len(shared) == 3),
        ("all three recovered", recovered()),
        ("each by exactly one retry", sorted(retry.pipeline for retry in pipelines.retries) == list(NAMES)),
        ("nothing in a failure queue", not cloud.failures()),
    ]


ALIKE = Scenario(
    "what fails alike", "three pipelines fail alike before AWS says anything", play, {"SettleSeconds": "60"}
)
