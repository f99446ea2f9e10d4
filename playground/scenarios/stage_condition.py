"""The gate as a rule of the deploy stage's entry condition: asked again at the all-clear, then passed."""

from dataclasses import replace

from playground.codepipeline import Rule
from playground.scenery import REGION, deploy, gate_configuration, source
from playground.storytelling import Check, Scenario, Story


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    gate = Rule("AwsHealth", "LambdaInvoke", gate_configuration(cloud, "web"))
    pipelines.create_pipeline("web", REGION, [source(), replace(deploy(), entry_rules=(gate,))])
    first = cloud.health.open_issue("ECS", REGION)
    story.tell("AWS Health", "opens an issue: ECS in us-east-1.", "red")
    web = pipelines.start("web", revision_summary="Change the greeting", author="Ben")
    story.tell("CodePipeline", "web starts. Deploy's entry condition invokes the gate, which fails it.", "blue")
    story.minutes(4)
    second = cloud.health.open_issue("RDS", REGION)
    story.tell("AWS Health", "opens another issue: RDS in us-east-1.", "red")
    story.minutes(2)
    cloud.health.close(first)
    story.tell("AWS Health", "closes the one that the gate named.", "red")
    story.minutes(8)
    kept = pipelines.stage_status("web", "Deploy", web) == "Failed"
    cloud.health.close(second)
    story.tell("AWS Health", "closes the other one too.", "red")
    story.minutes(12, stop=lambda: pipelines.status("web", web) == "Succeeded")
    story.minutes(2)
    calls = pipelines.overrides
    return [
        ("the gate was asked again, and kept the stage shut for the other issue", kept),
        ("the deploy went through", pipelines.status("web", web) == "Succeeded"),
        ("by one call of OverrideStageCondition", [call.code for call in calls] == [""]),
        ("and by no retry, for CodePipeline has none here", pipelines.retries == []),
        ("its card says so", story.status("web → Deploy") == "recovered"),
        ("nothing in a failure queue", not cloud.failures()),
    ]


STAGE_CONDITION = Scenario(
    "a stage condition", "the gate as a rule of the deploy stage's entry condition", play, {"SettleSeconds": "120"}
)
