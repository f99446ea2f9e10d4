"""What is inferred from which failures: the decision alone, in every order."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inferred import (
    ENDED_KEPT,
    KEPT_AFTER_END,
    MEMBERS_KEPT,
    QUIET_AFTER,
    SIGHTINGS_KEPT,
    WITHIN,
    Ended,
    Inferred,
    RegionRecord,
    look,
    pass_time,
    untold,
)
from bot.model import HEALTH_UNREADABLE, Attribution, Execution, ExecutionKey, Status, Verdict
from bot.service_errors import Fault, ServiceError
from tests.builders import ISSUE_ARN, NOW, REGION, a_blocker, a_key, an_attribution, an_execution, an_inferred

EMPTY = RegionRecord(REGION)
MINUTE, MOMENT = timedelta(minutes=1), timedelta(microseconds=1)
ECS = ServiceError(REGION, frozenset({"ECS"}), Fault.SERVER)
UNEXPLAINED = Attribution(Verdict.UNEXPLAINED, "No AWS Health issue explains it.")
OWN = Attribution(Verdict.OWN, "Not AWS's doing.")


def failed(pipeline: str, at: datetime = NOW, run: int = 1, **changes: Any) -> Execution:
    """A stage that waits for a person because nothing explains its failure."""
    key = a_key(pipeline=pipeline, execution_id=f"run-{run}")
    unexplained = {"status": Status.NEEDS_HUMAN, "attribution": UNEXPLAINED, "first_failed_at": at}
    return an_execution(**{"key": key, **unexplained, **changes})


def explained(pipeline: str, **blocker: Any) -> Execution:
    found = a_blocker(**blocker)
    return failed(
        pipeline, status=Status.BLOCKED, blockers=(found,), attribution=an_attribution(blockers=(found,))
    )


def seen(
    *failures: Execution, record: RegionRecord = EMPTY, now: datetime = NOW, error: ServiceError = ECS
) -> RegionRecord:
    for each in failures:
        record = look(record, each, error, now)
    return record


def only(record: RegionRecord) -> Inferred:
    (incident,) = record.incidents
    return incident


THREE = seen(failed("web"), failed("api"), failed("job"))


def test_three_pipelines_that_fail_alike_are_an_incident_and_two_are_none() -> None:
    assert seen(failed("web"), failed("api")).incidents == ()
    assert only(THREE) == replace(an_inferred(), **{
        name: getattr(only(THREE), name) for name in ("incident_id", "seen_at", "members")
    })  # fmt: skip
    assert only(THREE).pipelines == ("api", "job", "web")
    assert (THREE.sightings, THREE.due_at) == ((), NOW)


def test_several_failures_of_one_pipeline_count_once() -> None:
    many = [failed("web", NOW + n * MINUTE, run=n) for n in range(5)]
    assert seen(*many, failed("api"), now=NOW + 5 * MINUTE).incidents == ()
    assert only(seen(*many, failed("api"), failed("job"), now=NOW + 5 * MINUTE)).pipelines == ("api", "job", "web")


def test_pipelines_of_one_name_in_two_regions_are_two() -> None:
    elsewhere = failed("web", key=a_key(region="eu-west-1"))
    assert only(seen(failed("web"), elsewhere, failed("api"))).pipelines == ("api", "web", "web")


@pytest.mark.parametrize(("gap", "inferred"), [(WITHIN, True), (WITHIN + MOMENT, False)])
def test_they_fail_within_minutes_of_each_other(gap: timedelta, inferred: bool) -> None:
    record = seen(failed("web"), failed("api"), failed("job", NOW + gap), now=NOW + gap)
    assert bool(record.incidents) is inferred


@pytest.mark.parametrize(
    "another",
    [
        ServiceError(REGION, frozenset({"RDS"}), Fault.SERVER),
        ServiceError(REGION, frozenset({"ECS"}), Fault.THROTTLING),
    ],
)
def test_another_service_or_another_kind_of_error_is_not_alike(another: ServiceError) -> None:
    record = seen(failed("job"), record=seen(failed("web"), failed("api")), error=another)
    assert record.incidents == ()
    assert only(seen(failed("lib"), record=record)).pipelines == ("api", "lib", "web")


def test_the_service_that_most_have_in_common_is_named_and_nobody_is_counted_for_two() -> None:
    both = ServiceError(REGION, frozenset({"CODEDEPLOY", "ECS"}), Fault.SERVER)
    record = seen(failed("web"), failed("api"), failed("job"), error=both)
    assert only(record).service == "CODEDEPLOY"
    record = seen(failed("lib"), record=seen(failed("web"), failed("api"), error=both))
    assert only(record).service == "ECS"


@pytest.mark.parametrize(
    "not_counted",
    [
        failed("job", attribution=OWN),
        failed("job", status=Status.DISMISSED),
        failed("job", status=Status.RETRYING),
        failed("job", condition="BEFORE_ENTRY"),
        explained("job"),
        failed("job", attribution=Attribution(Verdict.UNREADABLE, "AWS Health cannot be read.")),
    ],
)
def test_what_is_explained_the_teams_own_or_not_known_never_counts(not_counted: Execution) -> None:
    two = seen(failed("web"), failed("api"))
    assert seen(not_counted, record=two) is two


def test_the_same_state_looked_at_again_changes_nothing() -> None:
    again = NOW + MINUTE
    assert seen(failed("web"), failed("job"), failed("api"), record=THREE, now=again) is THREE


def test_a_failure_that_is_told_late_begins_no_incident_of_an_hour_ago() -> None:
    late = NOW + QUIET_AFTER
    assert seen(failed("web"), failed("api"), failed("job"), now=late) is EMPTY
    assert seen(failed("web"), failed("api"), failed("job"), now=late - MOMENT).incidents


def test_each_like_failure_keeps_it_alive_and_an_hour_without_ends_it() -> None:
    later = NOW + 50 * MINUTE
    record = seen(failed("lib", later), record=THREE, now=later)
    assert (only(record).since_at, only(record).last_at) == (NOW, later)
    assert pass_time(record, later + QUIET_AFTER - MOMENT).live()
    over = pass_time(record, later + QUIET_AFTER)
    assert (only(over).ended, only(over).ended_at) == (Ended.QUIET, later + QUIET_AFTER)
    assert over.due_at is None


def test_after_its_end_three_new_ones_are_a_new_incident() -> None:
    late = NOW + QUIET_AFTER
    record = seen(*(failed(name, late, run=2) for name in ("web", "api", "job")), record=THREE, now=late)
    assert [each.ended for each in record.incidents] == [Ended.QUIET, None]
    assert len({each.incident_id for each in record.incidents}) == 2


@pytest.mark.parametrize("service", ["ECS", "MULTIPLE_SERVICES", "MANAGEMENTCONSOLE"])
def test_an_issue_that_explains_one_of_them_adopts_it(service: str) -> None:
    later = NOW + 20 * MINUTE
    adopted = only(seen(explained("api", service=service), record=THREE, now=later))
    assert (adopted.ended, adopted.ended_at) == (Ended.ADOPTED, later)
    assert adopted.issue == a_blocker(service=service)
    assert adopted.pipelines == ("api", "job", "web")


def test_an_issue_of_another_service_takes_its_own_and_the_last_straw() -> None:
    record = seen(failed("lib"), record=THREE)
    record = seen(explained("api", service="EC2"), record=record)
    assert record.live()[0].pipelines == ("job", "lib", "web")
    record = seen(explained("web", service="EC2"), record=record)
    assert only(record).ended is Ended.ADOPTED


def test_one_that_went_quiet_is_adopted_by_the_late_notice() -> None:
    """The median first post comes 77 minutes after impact starts."""
    late = NOW + 77 * MINUTE
    record = pass_time(THREE, late)
    assert only(record).ended is Ended.QUIET
    assert only(seen(explained("web"), record=record, now=late)).ended is Ended.ADOPTED
    assert only(seen(explained("web", service="EC2"), record=record, now=late)).ended is Ended.QUIET


def test_an_unreadable_aws_health_adopts_nothing() -> None:
    assert seen(explained("web", issue=HEALTH_UNREADABLE), record=THREE) is THREE


def test_a_failure_that_turns_out_the_teams_own_counts_no_more() -> None:
    own = failed("web", attribution=OWN, version=2)
    assert only(seen(own, record=THREE)).ended is Ended.DISPROVED
    record = seen(failed("lib"), record=THREE)
    assert seen(own, record=record).live()[0].pipelines == ("api", "job", "lib")
    assert seen(own, failed("api"), failed("job"), record=seen(failed("web"))).incidents == ()


def test_an_older_states_explanation_takes_nothing_from_a_newer_failure() -> None:
    again = failed("api", NOW + MINUTE)
    record = seen(again, record=THREE, now=NOW + MINUTE)
    assert seen(explained("api"), record=record, now=NOW + MINUTE) is record
    lone = seen(again, now=NOW + MINUTE)
    assert seen(explained("api"), record=lone, now=NOW + MINUTE) is lone


def test_what_an_ended_incident_had_begins_no_other() -> None:
    """Its cards are drawn again, late, as the states that they were."""
    ended = seen(explained("api"), record=THREE)
    assert seen(failed("web"), failed("job"), record=ended) is ended
    assert seen(failed("lib"), failed("app"), record=ended).live() == ()


def test_those_whose_cards_were_there_before_are_looked_at_once() -> None:
    assert set(untold(THREE)) == {str(failed(name).key) for name in ("web", "api", "job")}
    told = pass_time(THREE, NOW + MINUTE)
    assert (untold(told), told.due_at) == ((), NOW + QUIET_AFTER)
    assert pass_time(told, NOW + 2 * MINUTE) is told
    joined = seen(failed("lib", NOW + MINUTE), record=told, now=NOW + MINUTE)
    assert untold(joined) == ()  # whoever saw it fail shows it


def test_a_day_after_its_end_it_is_forgotten() -> None:
    over = pass_time(THREE, NOW + QUIET_AFTER)
    end = NOW + QUIET_AFTER + KEPT_AFTER_END
    assert pass_time(over, end) is over
    assert pass_time(over, end + MOMENT).incidents == ()


failures = st.builds(
    lambda pipeline, minutes, run: failed(pipeline, NOW + minutes * MINUTE, run),
    st.sampled_from("abcdef"), st.integers(0, 40), st.integers(1, 2),
)  # fmt: skip


@given(st.data(), st.lists(failures, max_size=14, unique_by=lambda each: each.key))
def test_order_and_doubles_make_no_difference(data: st.DataObject, told: list[Execution]) -> None:
    now = NOW + 41 * MINUTE
    shuffled = [
        *data.draw(st.permutations(told)),
        *data.draw(st.lists(st.sampled_from(told)) if told else st.just([])),
    ]
    shapes = [
        sorted(
            (each.service, each.since_at, each.last_at, each.members) for each in seen(*order, now=now).incidents
        )
        for order in (told, shuffled)
    ]
    assert shapes[0] == shapes[1]


@given(st.lists(st.tuples(failures, st.integers(0, 50), st.sampled_from(("", "explain", "own"))), max_size=60))
def test_an_incident_has_three_pipelines_and_everything_live_has_a_clock(
    steps: list[tuple[Execution, int, str]],
) -> None:
    record = EMPTY
    for failure, minutes, what in steps:
        now = NOW + minutes * MINUTE
        changed = {"explain": explained(failure.key.pipeline), "own": replace(failure, attribution=OWN)}
        before, record = record, look(record, changed.get(what, failure), ECS, now)
        assert record.revision == before.revision + (record is not before)
        for incident in record.live():
            assert len({each.pipeline for each in incident.members}) >= 3
            assert incident.since_at <= incident.last_at
        listed = [each.key for incident in record.live() for each in incident.members]
        listed += [each.key for each in record.sightings]
        assert len(listed) == len(set(listed)), "a failure counts once"
        assert (record.due_at is None) == (not record.live())


def test_a_flood_stays_small() -> None:
    record = EMPTY
    for number in range(150):
        kind = ServiceError(REGION, frozenset({f"S{number % 50}"}), Fault.SERVER)
        record = seen(failed(f"web-{number}"), record=record, error=kind)
        record = seen(failed(f"app-{number}"), record=record)
    assert len(record.sightings) <= SIGHTINGS_KEPT
    assert max(len(each.members) for each in record.incidents) <= MEMBERS_KEPT
    for number in range(40):
        at = NOW + number * (QUIET_AFTER + MINUTE)
        record = seen(*(failed(name, at, run=number) for name in "abc"), record=record, now=at)
    assert len(record.incidents) <= ENDED_KEPT + 1
    assert ExecutionKey.parse(record.live()[0].members[0].key).execution_id == "run-39"


def test_the_issue_is_named_by_its_key() -> None:
    adopted = only(seen(explained("api"), record=THREE))
    assert adopted.issue is not None
    assert adopted.issue.issue == ISSUE_ARN
