"""The gate's job event and its author's parameters: read, or refused with an error that names the field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ParseError
from bot.gate import EXAMPLE, GateJob, GateRequest, parse_job, parse_user_parameters

GOOD: dict[str, Any] = {"pipeline": "web", "execution": "11111111-2222", "regions": ["us-east-1"]}
JOB_ID = "11111111-abcd-1111-abcd-111111abcdef"


def job(parameters: object = "{}") -> dict[str, Any]:
    """CodePipeline's job event, in the shape of its documentation."""
    return {
        "CodePipeline.job": {
            "id": JOB_ID,
            "accountId": "111122223333",
            "data": {
                "actionConfiguration": {"configuration": {"FunctionName": "gate", "UserParameters": parameters}},
                "artifactCredentials": {"secretAccessKey": "never read", "sessionToken": "x", "accessKeyId": "y"},
            },
        }
    }


def refused(text: str) -> ParseError:
    with pytest.raises(ParseError) as error:
        parse_user_parameters(text)
    return error.value


def test_a_job_is_its_id_its_account_and_the_authors_text() -> None:
    """And nothing of its credentials."""
    assert parse_job(job("hello")) == GateJob(JOB_ID, "111122223333", "hello")


@pytest.mark.parametrize("broken", [None, [], {}, {"CodePipeline.job": 1}, {"CodePipeline.job": {"id": 7}}])
def test_a_job_without_an_id_cannot_be_answered(broken: object) -> None:
    with pytest.raises(ParseError, match=r"^CodePipeline\.job"):
        parse_job(broken)


@pytest.mark.parametrize("lost", ["data", "accountId"])
def test_a_job_with_an_id_can_be_answered_whatever_else_is_lost(lost: str) -> None:
    event = job("text")
    del event["CodePipeline.job"][lost]
    assert parse_job(event).job_id == JOB_ID
    event["CodePipeline.job"][lost] = ["nonsense"]
    assert parse_job(event).job_id == JOB_ID


@pytest.mark.parametrize("account", [None, 7, "", "1" * 13, "1111#2222333", "\ud80011122223333"])
def test_an_account_that_is_none_is_nobodys(account: object) -> None:
    """It becomes a part of keys in the table, which takes half a surrogate pair from nobody."""
    event = job("hello")
    event["CodePipeline.job"]["accountId"] = account
    assert parse_job(event) == GateJob(JOB_ID, "", "hello")


def test_the_example_in_the_messages_is_a_good_one_once_codepipeline_filled_it_in() -> None:
    text = EXAMPLE.replace("#{codepipeline.PipelineExecutionId}", "11111111-2222")
    assert parse_user_parameters(text) == GateRequest("web", "11111111-2222", ("us-east-1",))


def test_services_may_be_absent_listed_or_auto() -> None:
    def services(value: Any) -> GateRequest:
        return parse_user_parameters(json.dumps({**GOOD, "services": value}))

    assert services(None).services is None
    assert services(["ECS", "RDS", "ECS"]).services == ("ECS", "RDS")
    assert (services("auto").auto, services("auto").services) == (True, None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pipeline": None}, "UserParameters.pipeline"),
        ({"pipeline": "we b"}, "UserParameters.pipeline"),
        ({"execution": "#{codepipeline.PipelineExecutionId}"}, "UserParameters.execution"),
        ({"execution": 7}, "UserParameters.execution"),
        ({"regions": "us-east-1"}, "UserParameters.regions"),
        ({"regions": []}, "UserParameters.regions"),
        ({"regions": ["us-east-1a"]}, "UserParameters.regions"),
        ({"regions": ["us-east-1", 5]}, "UserParameters.regions"),
        ({"services": "ecs"}, "UserParameters.services"),
        ({"services": []}, "UserParameters.services"),
        ({"services": ["ecs"]}, "UserParameters.services"),
        ({"services": {}}, "UserParameters.services"),
        ({"mode": "Fail"}, "UserParameters.mode"),
        ({"mode": ["fail"]}, "UserParameters.mode"),
        ({"region": "us-east-1"}, "UserParameters.region"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    """The author reads this in CodePipeline's console and has nothing else to go by."""
    error = refused(json.dumps({**GOOD, **changes}))
    assert error.field == field
    assert error.problem


@pytest.mark.parametrize("missing", ["pipeline", "execution", "regions"])
def test_a_missing_parameter_is_refused_by_name(missing: str) -> None:
    rest = {name: value for name, value in GOOD.items() if name != missing}
    assert refused(json.dumps(rest)).field == f"UserParameters.{missing}"


@pytest.mark.parametrize("text", ["", "  ", "not json", "[]", "null", "7", '"x"', "[" * 100_000])
def test_text_that_is_no_object_is_refused_with_an_example(text: str) -> None:
    error = refused(text)
    assert error.field == "UserParameters"
    assert EXAMPLE in error.problem


def test_a_gate_fails_unless_it_is_told_to_wait() -> None:
    assert not parse_user_parameters(json.dumps(GOOD)).wait
    assert not parse_user_parameters(json.dumps({**GOOD, "mode": "fail"})).wait
    assert parse_user_parameters(json.dumps({**GOOD, "mode": "wait"})).wait
    for mode in ("WAIT", "", None, True, ["wait"]):
        assert refused(json.dumps({**GOOD, "mode": mode})).field == "UserParameters.mode"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(["pipeline", "execution", "regions", "services", "mode", "x"]), JSON))
def test_whatever_the_author_writes_is_read_or_refused_by_name(value: dict[str, Any]) -> None:
    """Nothing else can come of it."""
    try:
        named = parse_user_parameters(json.dumps({**GOOD, **value})).pipeline
    except ParseError as error:
        named = error.field
    assert named.startswith("UserParameters") or named == value.get("pipeline", "web")
