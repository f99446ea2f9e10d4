"""A person who may lets one deploy pass its gate while the issue is open; the next one is stopped again."""

from playground.scenery import REGION, deploy, health_gate, source
from playground.storytelling import Check, Scenario, Story

REASON = "the fix for the incident's damage is in this very deploy"


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    pipelines.create_pipeline("web", REGION, [source(), health_gate(cloud, "web"), deploy()])
    cloud.health.open_issue("ECS", REGION)
    story.tell("AWS Health", "opens an issue: ECS in us-east-1.", "red")
    web = pipelines.start("web", revision_summary="Take the broken region out", author="Ben")
    story.tell("CodePipeline", "web starts, and its health gate stops it.", "blue")
    story.minutes(3)
    refused = story.ask(f"override web {REASON}", "carol")
    story.minutes(2)
    held = not pipelines.retries
    story.ask(f"override web {REASON}", "alice")
    story.minutes(6, stop=lambda: pipelines.status("web", web) == "Succeeded")
    story.minutes(1)
    passed = pipelines.status("web", web)
    following = pipelines.start("web", revision_summary="Change the greeting", author="Ana")
    story.tell("CodePipeline", "web starts once more: an override is for one execution.", "blue")
    story.minutes(3)
    return [
        ("carol, who is not on the list, was told who may", "may override" in refused),
        ("nothing was retried for her", held),
        ("alice's override let the deploy through with the issue open", passed == "Succeeded"),
        ("by exactly one retry", len(pipelines.retries) == 1),
        ("the card says who and why", REASON in str(story.card("web → HealthGate: recovered").blocks)),
        ("the next deploy is stopped", pipelines.stage_status("web", "HealthGate", following) == "Failed"),
        ("nothing in a failure queue", not cloud.failures()),
    ]


OVERRIDE = Scenario("an override", "one deploy passes its gate by a person's word, the next one does not", play)
