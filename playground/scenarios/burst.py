"""A dozen deploys die of one incident: one card for all, one deploy goes first, and the rest follows."""

from playground.scenery import CHANNEL, REGION, Outage, deploy, source
from playground.storytelling import Check, Scenario, Story

NAMES = [f"service-{number:02}" for number in range(1, 13)]


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    runs = {}
    for number, name in enumerate(NAMES):
        tags = {"allclear:tier": "production"} if number % 2 else {}
        pipelines.create_pipeline(name, REGION, [source(), deploy()], tags=tags)
    outage = Outage(cloud, *NAMES)
    issue = cloud.health.open_issue("CLOUDFORMATION", REGION)
    story.tell("AWS Health", "opens an issue: CLOUDFORMATION in us-east-1.", "red")
    for name in NAMES:
        runs[name] = pipelines.start(name, author="Ana")
    story.tell("CodePipeline", "twelve services are released, and every deploy fails.", "blue")
    story.minutes(4)
    outage.lasts = False
    cloud.health.close(issue)
    story.tell("AWS Health", "closes the issue.", "red")

    def recovered() -> bool:
        return all(pipelines.status(name, run) == "Succeeded" for name, run in runs.items())

    story.minutes(40, stop=recovered)
    story.minutes(3)
    first, *others = pipelines.retries
    shared = [message for message in cloud.slack.messages(CHANNEL) if message.in_channel]
    return [
        ("all twelve recovered", recovered()),
        ("each by exactly one retry", sorted(retry.pipeline for retry in pipelines.retries) == NAMES),
        ("one went first, the others later", all(first.at < retry.at for retry in others)),
        ("the one that went first is not production", NAMES.index(first.pipeline) % 2 == 0),
        ("four messages in the channel, not twelve", len(shared) == 4),
        ("the shared card says how it went", "all 12 deploys recovered" in str(shared[-1].blocks)),
        ("nothing in a failure queue", not cloud.failures()),
    ]


BURST = Scenario(
    "many deploys", "a dozen deploys die of one incident; one goes first, the rest follows", play,
    {"SettleSeconds": "60"},
)  # fmt: skip
