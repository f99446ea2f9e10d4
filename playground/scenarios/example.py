"""examples/pipeline.yaml as it is written, deployed beside Allclear: its gate meets an incident."""

from pathlib import Path

from playground.storytelling import Check, Scenario, Story

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "pipeline.yaml"
OUTPUTS = ("GateFunctionName", "PipelineNotificationTopic")


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    cloud.deploy_pipelines(EXAMPLE, {name: cloud.stack.outputs[name] for name in OUTPUTS})
    story.tell("you", "deploy examples/pipeline.yaml with two of Allclear's outputs.", "yellow")
    issue = cloud.health.open_issue("CLOUDFORMATION", cloud.stack.region)
    story.tell("AWS Health", "opens an issue: CLOUDFORMATION in us-east-1.", "red")
    web = pipelines.start("web", revision_summary="Change the greeting", author="Ben")
    story.tell("CodePipeline", "web starts.", "blue")
    story.minutes(4)
    held = story.status("web → HealthGate") == "held"
    walked_in = pipelines.stage_status("web", "Deploy", web) is not None
    cloud.health.close(issue)
    story.tell("AWS Health", "closes the issue.", "red")
    story.minutes(12, stop=lambda: pipelines.status("web", web) == "Succeeded")
    story.minutes(2)
    return [
        ("its gate stopped the deploy", held),
        ("the deploy did not walk into the incident", not walked_in),
        ("the deploy went through after it", pipelines.status("web", web) == "Succeeded"),
        ("by exactly one retry", [each.accepted for each in pipelines.retries] == [True]),
        ("nothing in a failure queue", not cloud.failures()),
    ]


EXAMPLE_PIPELINE = Scenario(
    "the example pipeline", "examples/pipeline.yaml as it is written, and an incident", play,
    {"SettleSeconds": "120"},
)  # fmt: skip
