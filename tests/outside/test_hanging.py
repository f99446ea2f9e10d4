"""Stuck, not failed: an action that hangs in a service with an open issue, through template and handlers."""

from dataclasses import replace
from datetime import timedelta

from tests.outside.night import REGION, Night
from tests.outside.test_people import slash

HANGS = "running longer than usual"
WHAT_HAPPENS = "nothing is retried that has not failed; if it fails, it is held"


def slows_down(night: Night, minutes: int) -> None:
    """From now on the pipeline's deploy lasts so long."""
    pipelines = night.cloud.codepipeline
    *first, deploy = pipelines._pipelines["web"].stages
    slow = replace(deploy.actions[0], duration=timedelta(minutes=minutes))
    pipelines.update_pipeline("web", [*first, replace(deploy, actions=[slow])])


def test_what_hangs_is_shown_held_when_it_fails_and_resumed_after_the_close(night: Night) -> None:
    """One deploy, one card, from the hang to the recovery; its quick runs before say what is usual."""
    night.pipeline()
    night.run(minutes=3)
    slows_down(night, 11)
    issue = night.cloud.health.open_issue("CLOUDFORMATION", REGION)
    night.broken.add("web")
    execution = night.run(minutes=5)
    assert night.cards() == []
    night.wait(4)
    assert night.title() == f"web → Deploy: {HANGS}"
    assert "for more than 5 minutes (it usually takes 1 minute at most), while the CLOUD" in night.card().text
    night.wait(5)
    assert night.stage(execution) == "Failed"
    assert night.title() == "web → Deploy: held"
    assert night.asked() == 0
    night.mend()
    night.cloud.health.close(issue)
    night.wait(22, until=lambda: night.stage(execution) == "Succeeded")
    night.wait(1)
    assert night.title() == "web → Deploy: recovered"
    assert (night.asked(), len(night.cards())) == (1, 1)
    assert [item for item in night.cloud.items() if item["pk"] == "RUNNING"] == []
    assert night.cloud.failures() == []


def test_everybody_who_asks_is_told_what_happens_and_nobody_can_retry_it(night: Night) -> None:
    """A database upgrade in an RDS issue, the first known: a quarter of an hour counts. It passes in the end."""
    night.cloud.health.open_issue("RDS", REGION)
    night.cloud.health.open_issue("S3", REGION)
    night.pipeline(lasts=timedelta(minutes=19), configuration={"StackName": "web-data"})
    night.cloud.cloudformation.update_fails(
        "web-data",
        [],
        passed=[("Bucket", "AWS::S3::Bucket")],
        running=[("Database", "AWS::RDS::DBInstance")],
    )
    night.run(minutes=15)
    assert night.cards() == []
    night.wait(4)
    card = night.card()
    assert "DeployStack (CloudFormation in us-east-1, at work on RDS) has been running since" in card.text
    assert "while the RDS issue in us-east-1 is open" in card.text
    assert "S3" not in card.text
    assert WHAT_HAPPENS in card.text
    assert not {"retry", "retry_all", "dismiss", "override"} & set(card.buttons)
    for asked in ("status", "status web"):
        assert HANGS in slash(night, asked)["text"]
        assert WHAT_HAPPENS in slash(night, asked)["text"]
    assert "has not failed, and has been running since" in slash(night, "why web")["text"]
    assert "nothing has failed" in slash(night, "retry web")["text"].lower()
    night.wait(4)
    assert night.title() == "web → Deploy: recovered"
    assert "The stage passed at" in night.card().text
    assert night.asked() == 0
