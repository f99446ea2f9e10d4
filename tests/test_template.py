"""What deploys: its parameters, and what wakes which function."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.policy import Policy, parse_policy
from playground.errors import Unsupported
from playground.event_pattern import matches
from playground.template import load
from tests.deployed import GIVEN, PATH, STACK, TEMPLATE, of_type

FIXTURES = Path(__file__).parent / "fixtures"
HANDLERS = {"pipeline_event", "health_event", "slack_request", "gate", "sweep", "resume", "notify"}

STAGE = "CodePipeline Stage Execution State Change"
ACTION = "CodePipeline Action Execution State Change"
PIPELINE = "CodePipeline Pipeline Execution State Change"


# Parameters


def test_the_parameters_are_the_promised_ones_with_their_defaults() -> None:
    """Installers script these names and rely on the defaults."""
    assert {name: parameter.get("Default") for name, parameter in TEMPLATE["Parameters"].items()} == {
        "SlackBotToken": None,
        "SlackSigningSecret": None,
        "SlackChannel": None,
        "SettleSeconds": 300,
        "MaxAutomaticRetries": 3,
        "MaxAgeHours": 24,
        "LateIssueMinutes": 240,
        "IssueMaxAgeHours": 48,
        "IgnoredServices": "DIRECTCONNECT,BILLING*,CONNECT,INTERNETCONNECTIVITY,SUPPORTCENTER",
        "HealthUnavailable": "block",
        "ChangeCalendar": "",
        "Mode": "active",
        "InferIncidents": "on",
        "ProviderServices": "",
        "OverrideUserGroup": "",
        "OverrideUsers": "",
        "OnCallMention": "",
    }
    for name, parameter in TEMPLATE["Parameters"].items():
        assert parameter["Description"].endswith("."), name


def test_the_template_and_the_bot_agree_on_every_default() -> None:
    """A setting that nobody changes means the same in the stack as in the code."""
    for function in STACK.functions.values():
        assert parse_policy(function.environment) == Policy(slack_channel="C024BE91L")


def test_the_secrets_are_hidden_and_nothing_else_is() -> None:
    """NoEcho keeps them out of the console; hiding a setting would only make installing harder."""
    hidden = {name for name, parameter in TEMPLATE["Parameters"].items() if parameter.get("NoEcho")}
    assert hidden == {"SlackBotToken", "SlackSigningSecret"}


def test_the_secrets_go_into_one_secret_and_nowhere_else() -> None:
    """One JSON object in Secrets Manager, and no other resource or output mentions either parameter."""
    (secret,) = STACK.secrets
    assert json.loads(secret.value) == {"bot_token": "xoxb-1-a", "signing_secret": "8f742231b10e8888abcd99"}
    elsewhere = {
        **{name: resource for name, resource in TEMPLATE["Resources"].items() if name != "SlackSecret"},
        "Globals": TEMPLATE["Globals"],
        "Outputs": TEMPLATE["Outputs"],
    }
    for name in ("SlackBotToken", "SlackSigningSecret"):
        assert name not in json.dumps(elsewhere)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("SlackChannel", "#deploys"),
        ("SlackBotToken", 'xoxb-1", "x": "'),
        ("SlackSigningSecret", 'aaaaaaaa", "x": "'),
        ("HealthUnavailable", "maybe"),
        ("MaxAgeHours", "0"),
        ("SettleSeconds", "-1"),
        ("ProviderServices", "CodeBuild"),
        ("ProviderServices", "CodeBuild=codebuild"),
        ("OverrideUsers", "@ada"),
        ("OnCallMention", "<!channel>"),
    ],
)
def test_a_value_that_would_break_later_is_refused_at_once(parameter: str, value: str) -> None:
    """CloudFormation refuses it by the parameter's own constraint, before anything is deployed."""
    with pytest.raises(Unsupported, match=f"{parameter}: its own constraints"):
        load(PATH, {**GIVEN, parameter: value})


# What wakes whom


def woken(event: dict[str, Any]) -> list[str]:
    return [rule.function for rule in STACK.rules if matches(rule.pattern, event)]


def test_every_handler_has_its_function() -> None:
    """Seven, named after their triggers, on Lambda's arm64 Python."""
    assert {function.handler for function in STACK.functions.values()} == {
        f"handlers.{n}.handler" for n in HANDLERS
    }


def test_functions_are_built_from_this_tree_for_arm64() -> None:
    """The Makefile pins the same Python and machine."""
    shared = TEMPLATE["Globals"]["Function"]
    assert (shared["Runtime"], shared["Architectures"], shared["CodeUri"]) == ("python3.13", ["arm64"], ".")
    makefile = (PATH.parent / "Makefile").read_text()
    assert "--python-version 3.13" in makefile
    assert "manylinux2014_aarch64" in makefile
    for name in of_type("AWS::Serverless::Function"):
        assert TEMPLATE["Resources"][name]["Metadata"] == {"BuildMethod": "makefile"}
        assert name in makefile.partition("FUNCTIONS :=")[2].partition("\n\n")[0].split()


@pytest.mark.parametrize(
    ("fixture", "functions"),
    [
        ("codepipeline/stage_failed.json", ["PipelineEventFunction"]),
        ("codepipeline/stage_started_in_an_older_form.json", ["PipelineEventFunction"]),
        ("codepipeline/stage_resumed_after_retry.json", ["PipelineEventFunction"]),
        ("codepipeline/pipeline_failed.json", ["PipelineEventFunction"]),
        ("codepipeline/action_failed_in_another_region.json", ["PipelineEventFunction"]),
        ("codepipeline/action_abandoned_in_an_older_form.json", []),
        ("health/account_issue_in_the_oldest_form.json", ["HealthEventFunction"]),
        ("health/account_issue_seen_from_the_organisation.json", ["HealthEventFunction"]),
        ("health/global_issue_with_iso_times.json", ["HealthEventFunction"]),
        ("health/public_issue_closed_without_an_end.json", ["HealthEventFunction"]),
        ("health/public_issue_open_though_called_resolved.json", ["HealthEventFunction"]),
        ("health/zone_issue_with_epoch_times.json", ["HealthEventFunction"]),
        ("health/scheduled_change_page_1_of_10.json", []),
        ("health/abuse_event.json", []),
    ],
)
def test_each_event_wakes_the_function_it_is_for(fixture: str, functions: list[str]) -> None:
    """Every event in the fixtures is taken by one rule at most, and by the right one."""
    assert woken(json.loads((FIXTURES / fixture).read_text())) == functions


def test_no_fixture_is_left_out_above() -> None:
    """A new example of an event has to say whether it wakes anybody."""
    marks = test_each_event_wakes_the_function_it_is_for.pytestmark
    listed = {row[0] for row in marks[0].args[1]}
    assert listed == {str(path.relative_to(FIXTURES)) for path in FIXTURES.glob("*/*.json")
                      if path.parent.name in ("codepipeline", "health")}  # fmt: skip


TAKEN = {
    STAGE: {"STARTED", "RESUMED", "SUCCEEDED", "FAILED", "STOPPED", "CANCELED"},
    ACTION: {"FAILED"},
    PIPELINE: {"SUCCEEDED", "FAILED", "STOPPED", "CANCELED", "SUPERSEDED"},
}


@pytest.mark.parametrize("level", TAKEN)
def test_only_the_states_that_change_something_wake_the_bot(level: str) -> None:
    """Pipelines emit many events; each one taken costs an invocation in every account that deploys."""
    states = {
        "STARTED",
        "RESUMED",
        "SUCCEEDED",
        "FAILED",
        "STOPPING",
        "STOPPED",
        "CANCELED",
        "SUPERSEDED",
        "ABANDONED",
    }
    event = {"source": "aws.codepipeline", "detail-type": level}
    assert {state for state in states if woken({**event, "detail": {"state": state}})} == TAKEN[level]


@pytest.mark.parametrize("category", ["accountNotification", "scheduledChange", "investigation"])
def test_what_is_not_an_issue_wakes_nobody(category: str) -> None:
    """Only issues can explain a failed deploy."""
    event = {"source": "aws.health", "detail-type": "AWS Health Event", "detail": {"eventTypeCategory": category}}
    assert woken(event) == []


def test_other_services_wake_nobody() -> None:
    """An event of the same shape from elsewhere is not ours."""
    assert woken({"source": "my.app", "detail-type": STAGE, "detail": {"state": "FAILED"}}) == []


def test_the_sweep_runs_every_minute_and_ends_before_the_next() -> None:
    """One schedule; a sweep that could outlast its minute would meet the next one all the time."""
    (schedule,) = STACK.schedules
    assert schedule.function == "SweepFunction"
    assert schedule.every.total_seconds() == 60
    assert STACK.functions["SweepFunction"].timeout < schedule.every


def test_slack_has_one_throttled_route() -> None:
    """Anybody can reach it, so that a flood must end at the gateway."""
    assert [(route.method, route.path, route.function) for route in STACK.routes] == [
        ("POST", "/slack/events", "SlackRequestFunction")
    ]
    ((name, api),) = of_type("AWS::Serverless::HttpApi").items()
    assert 0 < api["DefaultRouteSettings"]["ThrottlingRateLimit"] <= 100
    assert 0 < api["DefaultRouteSettings"]["ThrottlingBurstLimit"] <= 100
    route = TEMPLATE["Resources"]["SlackRequestFunction"]["Properties"]["Events"]["Request"]["Properties"]
    assert route["ApiId"] == {"Ref": name}
    assert route["PayloadFormatVersion"] == "2.0"


def test_the_access_log_tells_no_headers_and_no_bodies() -> None:
    """They carry response URLs and signatures."""
    (api,) = of_type("AWS::Serverless::HttpApi").values()
    entry = json.loads(api["AccessLogSettings"]["Format"])
    assert not [value for value in entry.values() if "header" in value.lower() or "body" in value.lower()]


# The streams


def record(pk: str, sk: str, status: str | None = None) -> dict[str, Any]:
    image = {"status": {"S": status}} if status else {"token": {"S": "x"}}
    return {"dynamodb": {"Keys": {"pk": {"S": pk}, "sk": {"S": sk}}, "NewImage": image}}


def readers(change: dict[str, Any]) -> set[str]:
    return {
        mapping.function
        for mapping in STACK.stream_mappings
        if any(matches(pattern, change) for pattern in mapping.filters)
    }


EXECUTION = "EXEC#111122223333#us-east-1#web#0b1c#Deploy"


@pytest.mark.parametrize(
    ("change", "functions"),
    [
        (record(EXECUTION, "STATE", "RESUMING"), {"ResumeFunction", "NotifyFunction"}),
        (record(EXECUTION, "STATE", "BLOCKED"), {"NotifyFunction"}),
        (record(EXECUTION, "CARD"), set()),
        (record(EXECUTION, "HISTORY#00000001", "RESUMING"), set()),
        (record("HINT#111122223333#us-east-1#web#0b1c", "HINT"), set()),
        (record("ISSUE", "arn:aws:health:us-east-1::event/EC2/A/B"), set()),
    ],
)
def test_the_stream_wakes_only_who_has_to_act(change: dict[str, Any], functions: set[str]) -> None:
    """Two readers, the most a stream serves; a card that is written wakes nobody."""
    assert len(STACK.stream_mappings) == 2
    assert readers(change) == functions


def test_streams_give_up_one_record_and_never_the_shard() -> None:
    """Five tries, an hour, halves; what failed is named by the function."""
    for mapping in STACK.stream_mappings:
        assert mapping.reports_failures
        assert mapping.bisect
        assert mapping.max_retries + 1 == 5
        assert mapping.max_age.total_seconds() == 3600
        assert mapping.batch_size == 10
        assert mapping.on_failure


def test_the_stream_carries_new_images_from_the_beginning() -> None:
    """The filters look at NewImage; what was saved while a mapping was being made must not be missed."""
    assert STACK.tables[0].create["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    for name in ("ResumeFunction", "NotifyFunction"):
        source = TEMPLATE["Resources"][name]["Properties"]["Events"]["States"]["Properties"]
        assert source["StartingPosition"] == "TRIM_HORIZON"


# The table


def test_the_table_can_be_recovered_and_outlives_the_stack() -> None:
    """It holds who did what; deleting the stack, by mistake or not, must not delete that."""
    (table,) = of_type("AWS::DynamoDB::Table").values()
    resource = TEMPLATE["Resources"]["Table"]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_the_indexes_are_those_the_store_asks() -> None:
    """docs/architecture.md, "The table"."""
    (table,) = of_type("AWS::DynamoDB::Table").values()
    indexes = {
        index["IndexName"]: (
            [part["AttributeName"] for part in index["KeySchema"]],
            index["Projection"]["ProjectionType"],
        )
        for index in table["GlobalSecondaryIndexes"]
    }
    assert indexes == {
        "due": (["due", "due_at"], "KEYS_ONLY"),
        "unfinished": (["unfinished", "opened"], "ALL"),
        "finished": (["finished", "finished_at"], "ALL"),
        "pipeline": (["pipeline", "opened"], "ALL"),
    }


def test_the_outputs_are_what_the_installer_needs_next() -> None:
    """Slack's Request URL, the function for the pipelines' gates, their rules' topic, where the memory is."""
    assert set(STACK.outputs) == {
        "SlackRequestUrl",
        "GateFunctionName",
        "PipelineNotificationTopic",
        "SweepFunctionName",
        "TableName",
    }
    assert STACK.outputs["SlackRequestUrl"].startswith("https://")
    assert STACK.outputs["SlackRequestUrl"].endswith(".amazonaws.com/slack/events")
