"""A gate in mode wait: nothing fails, the same action goes on when AWS is well again."""

from playground.scenery import CHANNEL, REGION, deploy, health_gate, source
from playground.storytelling import Check, Scenario, Story


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    stages = [source(), health_gate(cloud, "web", mode="wait"), deploy()]
    pipelines.create_pipeline("web", REGION, stages)
    issue = cloud.health.open_issue("RDS", REGION)
    story.tell("AWS Health", "opens an issue: RDS in us-east-1.", "red")
    web = pipelines.start("web", revision_summary="Change the greeting", author="Ben")
    story.tell("CodePipeline", "web starts. Its health gate has mode wait: it keeps its action running.", "blue")
    story.minutes(6)
    waited = pipelines.stage_status("web", "HealthGate", web)
    status = story.ask("status", "alice")
    story.minutes(8)
    cloud.health.close(issue)
    story.tell("AWS Health", "closes the issue. The gate waits out the settle time.", "red")
    story.minutes(3)
    settling = pipelines.stage_status("web", "HealthGate", web)
    story.minutes(12, stop=lambda: pipelines.status("web", web) == "Succeeded")
    story.minutes(2)
    (message,) = cloud.slack.messages(CHANNEL)
    return [
        ("the gate's action ran on while the issue was open", waited == "InProgress"),
        ("/allclear status shows the wait", "web" in status),
        ("it waited out the settle time", settling == "InProgress"),
        ("the deploy went through", pipelines.status("web", web) == "Succeeded"),
        ("nothing was retried, for nothing had failed", pipelines.retries == []),
        ("one card, without buttons at the end", not message.buttons),
        ("nothing in a failure queue", not cloud.failures()),
    ]


WAITING_GATE = Scenario("a gate that waits", "a gate keeps its action running until AWS is well again", play)
