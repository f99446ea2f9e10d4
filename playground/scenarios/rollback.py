"""A person rolls the stage back while the deploy is held: the bad deploy is left alone at the all-clear."""

from playground.scenery import REGION, Outage, deploy, source
from playground.storytelling import Check, Scenario, Story


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    pipelines.create_pipeline("web", REGION, [source(), deploy()])
    outage = Outage(cloud, "web")
    outage.lasts = False
    good = pipelines.start("web", revision_summary="Say hello", author="Ana")
    story.tell("CodePipeline", "web is deployed.", "blue")
    story.minutes(3)
    outage.lasts = True
    issue = cloud.health.open_issue("CLOUDFORMATION", REGION)
    story.tell("AWS Health", "opens an issue: CLOUDFORMATION in us-east-1.", "red")
    pipelines.start("web", revision_summary="Change the greeting", author="Ben")
    story.tell("CodePipeline", "web starts with the next commit.", "blue")
    story.minutes(4)
    held = story.status("web → Deploy") == "held"
    outage.lasts = False
    back = pipelines.roll_back("web", "Deploy", good)
    story.tell("bob", "rolls the stage back in the console.", "yellow")
    story.minutes(4)
    cloud.health.close(issue)
    story.tell("AWS Health", "closes the issue.", "red")
    story.minutes(8)
    return [
        ("the deploy was held", held),
        ("the rollback went through", pipelines.status("web", back) == "Succeeded"),
        ("the card says rolled back", story.status("web → Deploy") == "rolled back"),
        ("nothing was retried over what a person did", pipelines.retries == []),
        ("nothing in a failure queue", not cloud.failures()),
    ]


ROLLBACK = Scenario(
    "a rollback", "somebody rolls the stage back while the deploy is held", play, {"SettleSeconds": "120"}
)
