"""When an action that runs is called hanging, and what is said of it. Pure."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.model import HEALTH_UNREADABLE, Attribution, IssuePhase, PipelineTags
from bot.policy import Policy
from bot.running import RunningAction, hanging, hangs_at, standing_in_the_way, usual_time
from tests.builders import ACCOUNT, ISSUE_ARN, NOW, a_report, a_running_action, an_issue

MINUTE = timedelta(minutes=1)
LATER = NOW + 30 * MINUTE
TAGS, POLICY = PipelineTags(), Policy()
ECS = an_issue()


def said(
    *overdue: tuple[RunningAction, timedelta | None], issues: Sequence[object] = (ECS,), caveat: str = ""
) -> Attribution | None:
    return hanging(overdue, ACCOUNT, TAGS, issues, LATER, POLICY, caveat)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minutes", "usual"),
    [([], None), ([4], 4), ([4, 9], 9), ([3, 4, 5, 4, 3, 4, 5, 4, 3, 180], 5), ([7] * 19 + [90], 7)],
)
def test_usual_is_what_nine_in_ten_successes_took_at_most(minutes: list[int], usual: int | None) -> None:
    """One success that had itself hung does not make the next hang look usual."""
    assert usual_time([each * MINUTE for each in minutes]) == (usual * MINUTE if usual is not None else None)


@pytest.mark.parametrize(("usual", "after"), [(None, 15), (20 * MINUTE, 20), (6 * MINUTE, 6), (MINUTE, 5)])
def test_it_hangs_after_its_usual_time_or_a_quarter_of_an_hour_but_never_before_five_minutes(
    usual: timedelta | None, after: int
) -> None:
    assert hangs_at(a_running_action(), usual) == NOW + after * MINUTE


@pytest.mark.parametrize(
    "issue",
    [
        an_issue(report=a_report(region="eu-west-1")),
        an_issue(report=a_report(service="RDS")),
        an_issue(report=a_report(account="999988887777", scope="ACCOUNT_SPECIFIC")),
        an_issue(phase=IssuePhase.SETTLING),
        an_issue(report=a_report(start_at=NOW - timedelta(hours=60))),
        an_issue(report=a_report(arn=HEALTH_UNREADABLE, service="HEALTH", region="global")),
    ],
    ids=["another Region", "another service", "another account's", "closed", "open for too long", "unreadable"],
)
def test_only_an_open_issue_of_its_service_and_region_stands_in_the_way(issue: object) -> None:
    """The same that would explain its failure, by the same rules."""
    assert standing_in_the_way(a_running_action(), ACCOUNT, TAGS, [issue], LATER, POLICY) == ()  # type: ignore[list-item]
    assert said((a_running_action(), None), issues=[issue]) is None


def test_an_approval_never_hangs_however_long_it_waits() -> None:
    approval = a_running_action(category="Approval", provider="Manual")
    every = an_issue(report=a_report(service="MULTIPLE_SERVICES"))
    assert standing_in_the_way(approval, ACCOUNT, TAGS, [every], LATER, POLICY) == ()


def test_a_service_that_the_pipelines_tag_names_counts() -> None:
    rds = an_issue(report=a_report(service="RDS"))
    tags = PipelineTags(services=("RDS",))
    assert [b.service for b in standing_in_the_way(a_running_action(), ACCOUNT, tags, [rds], LATER, POLICY)] == [
        "RDS"
    ]


def test_the_sentence_names_the_action_since_when_its_usual_time_and_the_issue() -> None:
    found = said((a_running_action(), 6 * MINUTE), caveat="This cannot be confirmed.")
    assert found is not None
    assert found.reason == (
        "DeployService (ECS in us-east-1) has been running since 02:20 UTC, longer than its usual 6 minutes, "
        "while the ECS issue in us-east-1 is open."
    )
    assert [blocker.issue for blocker in found.blockers] == [ISSUE_ARN]
    assert found.caveat == "This cannot be confirmed."


@pytest.mark.parametrize(
    ("usual", "words"),
    [
        (None, "for more than 15 minutes (how long it usually takes is not known)"),
        (timedelta(seconds=20), "for more than 5 minutes (it usually takes 1 minute at most)"),
        (timedelta(minutes=7, seconds=1), "longer than its usual 8 minutes"),
    ],
)
def test_it_says_what_is_usual_as_far_as_that_is_known(usual: timedelta | None, words: str) -> None:
    found = said((a_running_action(), usual))
    assert found is not None
    assert words in found.reason


def test_several_actions_and_issues_are_told_in_a_stable_order() -> None:
    """Looked at again, the same is the same: nothing in it grows with time."""
    first, second = a_running_action(name="Blue"), a_running_action(name="Green", started_at=NOW + MINUTE)
    more = an_issue(report=a_report(arn=f"{ISSUE_ARN}2", service="MULTIPLE_SERVICES", start_at=NOW))
    found = said((second, None), (first, None), issues=[more, ECS])
    assert found is not None
    assert found.reason.index("Blue") < found.reason.index("Green")
    assert "the ECS issue in us-east-1 and the MULTIPLE_SERVICES issue in us-east-1 are open" in found.reason
    assert [blocker.service for blocker in found.blockers] == ["ECS", "MULTIPLE_SERVICES"]
    assert found == said((first, None), (second, None), issues=[ECS, more])
