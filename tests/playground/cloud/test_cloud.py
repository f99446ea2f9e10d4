"""The local cloud, run with a toy stack and looked at from outside."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from playground.cloud import START, Cloud
from playground.deliveries import Disorder
from tests.playground.cloud.conftest import TOY

MINUTE = timedelta(minutes=1)


def arrival(name: str, **detail: Any) -> dict[str, Any]:
    return {"source": "toy", "region": "us-east-1", "detail": {"name": name, **detail}}


def ask(cloud: Cloud, what: str, **more: Any) -> Any:
    headers = {"Content-Type": "application/json"}
    status, _, body = cloud.http("POST", "/ask?q=1", headers, json.dumps({"ask": what, **more}))
    return json.loads(body) if status == 200 else status


def count(cloud: Cloud, key: str) -> int:
    return int(next((item["times"] for item in cloud.items() if item["pk"] == key), 0))


def test_an_event_reaches_its_function_which_writes_and_the_stream_takes_it_on(cloud: Cloud) -> None:
    cloud.put_event(arrival("a"))
    assert cloud.items() == []
    cloud.settle()
    assert {item["pk"] for item in cloud.items()} == {"THING#a", "SEEN#a"}
    assert count(cloud, "SEEN#a") == 1


def test_events_that_fit_no_rule_or_come_from_another_region_reach_nobody(cloud: Cloud) -> None:
    cloud.put_event({"source": "toy", "region": "us-east-1", "detail": {}})
    cloud.put_event(arrival("a") | {"region": "eu-west-1"})
    cloud.settle()
    assert cloud.functions.invocations == []


def test_writing_what_is_there_already_wakes_nobody(cloud: Cloud) -> None:
    cloud.put_event(arrival("a"))
    cloud.put_event(arrival("a"))
    cloud.settle()
    assert count(cloud, "SEEN#a") == 1


def test_a_failed_event_is_tried_three_times_and_then_kept_with_its_error(cloud: Cloud) -> None:
    cloud.put_event(arrival("a", crash=True))
    cloud.settle()
    assert len(cloud.functions.invocations) == 1
    cloud.advance(MINUTE)
    assert len(of(cloud, "WriterFunction")) == 2
    cloud.advance(2 * MINUTE)
    assert len(of(cloud, "WriterFunction")) == 3
    ((queue, message),) = cloud.failures()
    assert queue == "allclear-FailedEvents"
    assert message["requestContext"]["condition"] == "RetriesExhausted"
    assert message["requestPayload"] == arrival("a", crash=True)
    assert message["responsePayload"]["errorMessage"] == "told to crash"
    cloud.advance(5 * MINUTE)
    assert len(of(cloud, "WriterFunction")) == 3


def test_a_process_that_dies_is_an_error_and_the_next_event_finds_a_new_one(cloud: Cloud) -> None:
    first = cloud.invoke("WriterFunction", arrival("a", exit=True))
    assert first.error is not None
    assert first.error["errorType"] == "Runtime.ExitError"
    assert cloud.invoke("WriterFunction", arrival("a")).error is None


def test_a_function_that_takes_too_long_is_ended_after_its_timeout(cloud: Cloud) -> None:
    ask(cloud, "now")  # a first call has the init phase's time besides
    assert ask(cloud, "sleep", seconds=30) == 500
    error = cloud.functions.invocations[-1].error
    assert error is not None
    assert "Task timed out after 1.00 seconds" in error["errorMessage"]
    assert ask(cloud, "now")["left"] > 0


def test_sleep_counts_against_the_timeout_but_takes_nobody_s_time(cloud: Cloud) -> None:
    """The SDKs sleep between their tries."""
    ask(cloud, "now")
    began = time.perf_counter()
    answer = ask(cloud, "sleep", seconds=0.9)
    assert time.perf_counter() - began < 0.5
    assert answer["now"] == cloud.now.isoformat()
    assert answer["left"] < 100


def test_a_function_that_dies_in_a_call_may_have_had_its_effect(cloud: Cloud) -> None:
    cloud.fault("dynamodb", "PutItem", "kill_after")
    cloud.put_event(arrival("a"))
    cloud.settle()
    assert [invocation.error is None for invocation in of(cloud, "WriterFunction")] == [False]
    assert "THING#a" in {item["pk"] for item in cloud.items()}


def test_a_record_that_fails_by_itself_holds_up_the_later_ones_until_it_is_given_up(cloud: Cloud) -> None:
    for name in ("a", "b", "c"):
        cloud.put_event(arrival(name, poison=name == "b"))
    cloud.settle()
    assert (count(cloud, "SEEN#a"), count(cloud, "SEEN#c")) == (1, 0)
    cloud.advance(5 * MINUTE)
    assert (count(cloud, "SEEN#a"), count(cloud, "SEEN#b"), count(cloud, "SEEN#c")) == (1, 0, 1)
    ((queue, message),) = cloud.failures()
    assert queue == "allclear-FailedRecords"
    batch = message["DDBStreamBatchInfo"]
    assert batch["batchSize"] == 1
    assert batch["startSequenceNumber"] == batch["endSequenceNumber"]
    assert "THING#b" not in json.dumps(message)


def test_a_batch_that_fails_whole_is_split_until_only_the_culprit_fails(cloud: Cloud) -> None:
    """What the first try did before it failed is done again: at least once."""
    for name in ("a", "b", "explosive", "c"):
        cloud.put_event(arrival(name))
    cloud.settle()
    cloud.advance(5 * MINUTE)
    assert [count(cloud, f"SEEN#{name}") for name in ("a", "b", "explosive", "c")] == [2, 2, 0, 1]
    assert [message["DDBStreamBatchInfo"]["batchSize"] for _, message in cloud.failures()] == [1]


def test_the_schedule_runs_each_minute_of_simulated_time(cloud: Cloud) -> None:
    cloud.advance(timedelta(hours=1), step=timedelta(minutes=20))
    assert cloud.now == START + timedelta(hours=1)
    assert count(cloud, "MINUTES") == 60
    times = [invocation.event["time"] for invocation in of(cloud, "ClockFunction")]
    assert (times[0], times[-1]) == ("2026-11-23T02:01:00Z", "2026-11-23T03:00:00Z")


def test_a_function_sees_simulated_time_and_it_stands_still(cloud: Cloud) -> None:
    assert ask(cloud, "now")["now"] == START.isoformat()
    cloud.advance(MINUTE)
    assert ask(cloud, "now")["now"] == (START + MINUTE).isoformat()


def test_a_function_sees_its_own_environment_and_nothing_of_ours(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    seen = ask(cloud, "environment")
    assert seen["environment"] == {
        "PATH": seen["environment"]["PATH"],
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "TABLE_NAME": "allclear-Things",
        "GREETING": "hello",
        "_HANDLER": "toys.answer",
        "LAMBDA_TASK_ROOT": str(TOY.parent),
        "AWS_LAMBDA_FUNCTION_NAME": "allclear-WebFunction",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAWEBFUNCTION",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": cloud.gateway.url,
        "SLACK_API_URL": cloud.slack.url,
    }
    assert seen["directory"] == str(TOY.parent)
    assert seen["path"][0] == str(TOY.parent)
    assert str(TOY.parent.parent.parent.parent.parent) not in seen["path"]


def test_what_a_function_prints_is_its_log(cloud: Cloud) -> None:
    assert cloud.invoke("WriterFunction", arrival("a")).log == "writing a for allclear-WriterFunction\n"
    assert "told to crash" in cloud.invoke("WriterFunction", arrival("a", crash=True)).log


def test_an_http_request_arrives_in_api_gateways_format_and_the_answer_comes_back(cloud: Cloud) -> None:
    event = ask(cloud, "event")
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/ask", "q=1")
    assert event["headers"]["content-type"] == "application/json"
    assert event["requestContext"]["http"]["method"] == "POST"
    cloud.put_event(arrival("a"))
    cloud.settle()
    body = json.dumps({"ask": "things", "kind": "thing"})
    status, headers, answer = cloud.http("POST", "/ask", {"content-type": "application/json"}, body)
    assert (status, headers["x-kind"], json.loads(answer)) == (201, "thing", ["THING#a"])


def test_form_data_arrives_in_base64_as_api_gateway_sends_it(cloud: Cloud) -> None:
    _, _, body = cloud.http("POST", "/ask", {"Content-Type": "application/x-www-form-urlencoded"}, "text=x")
    event = json.loads(body)
    assert (event["isBase64Encoded"], event["body"]) == (True, "dGV4dD14")


def test_routes_that_the_template_has_not_are_not_found(cloud: Cloud) -> None:
    assert cloud.http("GET", "/ask", {})[0] == 404
    assert cloud.http("POST", "/else", {})[0] == 404


def test_disorder_doubles_and_shuffles_and_loses_nothing() -> None:
    names = [f"n{number}" for number in range(12)]

    def order(seed: int) -> list[str]:
        with Cloud(TOY, {"Greeting": "hello"}, disorder=Disorder(seed, duplicate=0.3)) as cloud:
            for name in names:
                cloud.put_event(arrival(name))
            cloud.settle()
            assert all(count(cloud, f"SEEN#{name}") >= 1 for name in names)
            return [invocation.event["detail"]["name"] for invocation in of(cloud, "WriterFunction")]

    first = order(1)
    assert len(first) > len(names)
    assert first != sorted(first, key=names.index)
    assert order(1) == first
    assert order(2) != first


def of(cloud: Cloud, function: str) -> list[Any]:
    return [invocation for invocation in cloud.functions.invocations if invocation.function == function]
