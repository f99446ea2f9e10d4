"""A database upgrade fails in an RDS issue: CodePipeline says CloudFormation, Allclear looks into the stack."""

from datetime import timedelta

from playground.codepipeline import Action, Stage
from playground.scenery import REGION, Outage, source
from playground.storytelling import Check, Scenario, Story

UPGRADE = Action("DeployStack", duration=timedelta(minutes=1), configuration={"StackName": "web-data"})
REASON = "Resource handler returned message: The service is unavailable (Service: Rds, Status Code: 503)"


def play(story: Story) -> list[Check]:
    cloud, pipelines = story.cloud, story.cloud.codepipeline
    pipelines.create_pipeline("web", REGION, [source(), Stage("Deploy", [UPGRADE])])
    outage = Outage(cloud, "web", message="UPDATE_ROLLBACK_COMPLETE")
    others = cloud.health.open_issue("ECS", REGION)
    issue = cloud.health.open_issue("RDS", REGION)
    story.tell("AWS Health", "has two issues open in us-east-1: ECS and RDS.", "red")
    web = pipelines.start("web", revision_summary="Upgrade the database", author="Ana")
    story.tell("CodePipeline", "web starts. Its stack upgrades a database.", "blue")
    cloud.cloudformation.update_fails("web-data", [("Database", "AWS::RDS::DBInstance", REASON)])
    story.minutes(4)
    card = str(story.card("web → Deploy").blocks)
    outage.lasts = False
    cloud.health.close(others)
    story.tell("AWS Health", "closes the ECS issue.", "red")
    story.minutes(6)
    early = len(pipelines.retries)
    cloud.health.close(issue)
    story.tell("AWS Health", "closes the RDS issue.", "red")
    story.minutes(12, stop=lambda: pipelines.status("web", web) == "Succeeded")
    story.minutes(2)
    return [
        ("the card says what failed in the stack", "failed on RDS" in card),
        ("the ECS issue is not blamed", "ECS" not in card),
        ("its close resumed nothing", early == 0),
        (
            "the RDS issue's close did, by exactly one retry",
            [call.accepted for call in pipelines.retries] == [True],
        ),
        ("nothing in a failure queue", not cloud.failures()),
    ]


DATABASE = Scenario(
    "a database upgrade", "a stack fails on its database, in an RDS issue", play, {"SettleSeconds": "120"}
)
