"""What each function may do, judged as IAM would: by the statements of its own in template.yaml."""

import pytest

from playground.iam import LEADING_KEYS, Need, allowed
from playground.stack import Function, Statement
from tests.deployed import STACK

WRITES = ("PutItem", "UpdateItem", "DeleteItem")
EVERY_KEY = (
    "EXEC#a",
    "HELD#a",
    "HINT#a",
    "CLICK#a",
    "ISSUE",
    "OVERRIDE#a",
    "CHANNEL#a",
    "BURST#a",
    "TURN#a",
    "HOLD#a",
    "RUNNING",
    "INFERRED",
)
WITHOUT_RESOURCES = {
    "health:DescribeEvents",
    "codepipeline:PutJobSuccessResult",
    "codepipeline:PutJobFailureResult",
}
STATEMENTS = [
    pytest.param(function, statement, id=f"{name}-{index}")
    for name, function in STACK.functions.items()
    for index, statement in enumerate(function.statements)
]


def who_may(action: str, resource: str, key: str | None = None) -> set[str]:
    """The functions that are allowed an action, `key` being the partition it touches."""
    need = Need(action, resource, {LEADING_KEYS: (key,)} if key else {})
    return {name for name, function in STACK.functions.items() if allowed(function.statements, need)}


def who_may_write(key: str) -> set[str]:
    table = STACK.tables[0].arn
    return set().union(*(who_may(f"dynamodb:{write}", table, key) for write in WRITES))


@pytest.mark.parametrize(("function", "statement"), STATEMENTS)
def test_no_statement_allows_more_than_it_names(function: Function, statement: Statement) -> None:
    """No action with a wildcard, no resource that is everything where the action knows one."""
    assert statement.allow
    assert not [action for action in statement.actions if "*" in action]
    if "*" in statement.resources:
        assert set(statement.actions) <= WITHOUT_RESOURCES, function.logical_id


@pytest.mark.parametrize(("function", "statement"), STATEMENTS)
def test_the_table_is_never_open_as_a_whole(function: Function, statement: Statement) -> None:
    """Every statement on the table's items names their partitions, and nobody may Scan."""
    on_table = STACK.tables[0].arn in statement.resources
    narrowed = LEADING_KEYS in statement.condition.get("ForAllValues:StringLike", {})
    assert narrowed == on_table, function.logical_id
    assert "dynamodb:Scan" not in statement.actions


def test_only_resume_may_retry_a_stage() -> None:
    """And only in this account, in any Region."""
    stage = f"arn:aws:codepipeline:eu-west-1:{STACK.account}:web/Deploy"
    assert who_may("codepipeline:RetryStageExecution", stage) == {"ResumeFunction"}
    assert who_may("codepipeline:RetryStageExecution", stage.replace(STACK.account, "999999999999")) == set()


def test_only_resume_may_pass_a_stage_condition() -> None:
    """Whoever asks for it in Slack writes a record; the call is made by the function that looks first."""
    stage = f"arn:aws:codepipeline:eu-west-1:{STACK.account}:web/Deploy"
    assert who_may("codepipeline:OverrideStageCondition", stage) == {"ResumeFunction"}
    assert who_may("codepipeline:OverrideStageCondition", stage.replace(STACK.account, "999999999999")) == set()


def test_nobody_may_change_a_pipeline() -> None:
    """Letting a stage go on is the one thing Allclear does to pipelines."""
    every = {action for function in STACK.functions.values() for s in function.statements for action in s.actions}
    verbs = {action.partition(":")[2] for action in every if action.startswith("codepipeline:")}
    reads = {verb for verb in verbs if verb.startswith(("Get", "List"))}
    on_stages = {"RetryStageExecution", "OverrideStageCondition"}
    assert verbs - reads == on_stages | {"PutJobSuccessResult", "PutJobFailureResult"}


def test_only_resume_may_read_change_calendars() -> None:
    """Shared calendars too, wherever they are; they are asked at the moment of a retry alone."""
    for calendar in (f"us-east-1:{STACK.account}:document/freeze", "eu-west-1:999999999999:document/freeze"):
        assert who_may("ssm:GetCalendarState", f"arn:aws:ssm:{calendar}") == {"ResumeFunction"}


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("cloudformation:DescribeStackEvents", "arn:aws:cloudformation:eu-west-1:{}:stack/web/0b1c"),
        ("codebuild:BatchGetBuilds", "arn:aws:codebuild:eu-west-1:{}:project/web"),
        ("codedeploy:GetDeployment", "arn:aws:codedeploy:eu-west-1:{}:deploymentgroup:web/live"),
        ("ecs:DescribeServices", "arn:aws:ecs:eu-west-1:{}:service/live/web"),
    ],
)
def test_only_those_who_see_a_failure_first_may_look_behind_it(action: str, resource: str) -> None:
    """Slack's requests, cards and the gate have no use for what a stack or a build says."""
    who = {"PipelineEventFunction", "SweepFunction", "ResumeFunction"}
    assert who_may(action, resource.format(STACK.account)) == who
    assert who_may(action, resource.format("999999999999")) == set()


def test_only_who_decides_for_the_gate_or_sees_a_failure_first_may_read_a_pipelines_structure() -> None:
    """The gate, and who asks it again, for its actions' services; others for whether a stage retries itself."""
    who = {"GateFunction", "ResumeFunction", "PipelineEventFunction", "SweepFunction"}
    assert who_may("codepipeline:GetPipeline", f"arn:aws:codepipeline:eu-west-1:{STACK.account}:web") == who


def test_only_the_gate_may_answer_jobs() -> None:
    """A job's answer lets a deploy through."""
    assert who_may("codepipeline:PutJobSuccessResult", "*") == {"GateFunction"}
    assert who_may("codepipeline:PutJobFailureResult", "*") == {"GateFunction"}


def test_only_those_who_talk_to_slack_may_read_its_secret() -> None:
    """And only they are told where it is."""
    slack = {"SlackRequestFunction", "NotifyFunction"}
    assert who_may("secretsmanager:GetSecretValue", STACK.secrets[0].arn) == slack
    assert {name for name, f in STACK.functions.items() if "SLACK_SECRET_ARN" in f.environment} == slack


def test_the_gate_writes_the_ledger_of_issues_and_its_own_holds_and_nothing_else() -> None:
    """Whoever writes a pipeline's gate parameters steers it; no such hand reaches a deploy's state."""
    writable = {key for key in EVERY_KEY if "GateFunction" in who_may_write(key)}
    assert writable == {"ISSUE", "HOLD#a"}


def test_an_override_is_written_for_people_and_read_by_the_gate() -> None:
    """What lets a deploy pass comes from a signed Slack request, and from nowhere else."""
    assert who_may_write("OVERRIDE#a") == {"SlackRequestFunction"}
    assert who_may("dynamodb:Query", STACK.tables[0].arn, "OVERRIDE#a") == {"GateFunction"}


def test_the_gate_looks_at_pipelines_and_changes_none() -> None:
    """It asks CodePipeline in which stage it stands."""
    pipeline = f"arn:aws:codepipeline:eu-west-1:{STACK.account}:web"
    for read in ("GetPipelineState", "GetPipelineExecution", "ListActionExecutions"):
        assert "GateFunction" in who_may(f"codepipeline:{read}", pipeline)


def test_notify_writes_only_what_is_said_of_executions() -> None:
    """A card, at worst, changes cards."""
    cards = {"EXEC#a", "CHANNEL#a", "BURST#a", "INFERRED"}
    assert {key for key in EVERY_KEY if "NotifyFunction" in who_may_write(key)} == cards


def test_only_notify_gives_cards_their_place_and_those_who_retry_all_reach_bursts() -> None:
    """The sweep carries on what a click began."""
    assert who_may_write("CHANNEL#a") == {"NotifyFunction"}
    table = STACK.tables[0].arn
    assert not who_may("dynamodb:UpdateItem", table, "CHANNEL#a") | who_may("dynamodb:Query", table, "CHANNEL#a")
    assert who_may_write("BURST#a") == {"NotifyFunction", "SlackRequestFunction", "SweepFunction"}


def test_notify_reads_how_an_issue_stands_and_cannot_change_it() -> None:
    """An incident's card says how far its all-clear has come."""
    table = STACK.tables[0].arn
    assert "NotifyFunction" in who_may("dynamodb:GetItem", table, "ISSUE")
    assert "NotifyFunction" not in who_may_write("ISSUE") | who_may("dynamodb:Query", table, "ISSUE")


def test_what_is_inferred_can_hold_nothing() -> None:
    """Those who decide whether a deploy is held, retried or let through cannot so much as read it."""
    table = STACK.tables[0].arn
    assert who_may_write("INFERRED") == {"NotifyFunction", "SweepFunction"}
    assert who_may("dynamodb:GetItem", table, "INFERRED") == {"NotifyFunction", "SweepFunction"}
    assert who_may("dynamodb:Query", table, "INFERRED") == {"SlackRequestFunction"}


def test_only_slack_requests_mark_clicks_and_take_turns() -> None:
    """A click is carried out once because its mark is written with the state, a mention because of its turn."""
    assert who_may_write("CLICK#a") == {"SlackRequestFunction"}
    assert who_may_write("TURN#a") == {"SlackRequestFunction"}


def test_slack_requests_read_a_deploys_history_and_the_ledger_but_not_what_an_issue_holds() -> None:
    """What an issue holds is told by the deploys that are not finished."""
    table = STACK.tables[0].arn
    for key, may in (("EXEC#a", True), ("ISSUE", True), ("HELD#a", False), ("HINT#a", False)):
        assert ("SlackRequestFunction" in who_may("dynamodb:Query", table, key)) is may


def test_only_hints_holds_and_what_runs_can_be_deleted() -> None:
    """Everything else ends by changing state, or by its age."""
    table = STACK.tables[0].arn
    both = {"PipelineEventFunction", "SweepFunction"}
    who = {"HINT#a": both, "HOLD#a": {"SweepFunction"}, "RUNNING": both}
    for key in EVERY_KEY:
        assert who_may("dynamodb:DeleteItem", table, key) == who.get(key, set())


def test_what_runs_is_listed_by_the_sweep_alone() -> None:
    """An event says that one stage began or ended; nobody else has a use for it."""
    assert who_may("dynamodb:Query", STACK.tables[0].arn, "RUNNING") == {"SweepFunction"}
    assert who_may_write("RUNNING") == {"PipelineEventFunction", "SweepFunction"}


def test_each_index_is_open_to_those_who_ask_it() -> None:
    """The due index is the sweep's alone."""
    table = STACK.tables[0].arn
    assert who_may("dynamodb:Query", f"{table}/index/due") == {"SweepFunction"}
    unfinished = {"HealthEventFunction", "SweepFunction", "SlackRequestFunction", "NotifyFunction"}
    assert who_may("dynamodb:Query", f"{table}/index/unfinished") == unfinished
    assert who_may("dynamodb:Query", f"{table}/index/finished") == {"SlackRequestFunction"}
    pipeline = {"PipelineEventFunction", "SlackRequestFunction"}
    assert who_may("dynamodb:Query", f"{table}/index/pipeline") == pipeline


def test_what_one_transaction_writes_stands_in_one_statement() -> None:
    """A saved state takes its edges (or its click and its override) along; IAM may judge their keys together."""
    together = {
        "PipelineEventFunction": ("EXEC#a", "HELD#a"),
        "HealthEventFunction": ("EXEC#a", "HELD#a"),
        "SweepFunction": ("EXEC#a", "HELD#a"),
        "ResumeFunction": ("EXEC#a", "HELD#a"),
        "SlackRequestFunction": ("EXEC#a", "CLICK#a", "OVERRIDE#a", "ISSUE"),
        "NotifyFunction": ("BURST#a",),
    }
    for name, keys in together.items():
        for action in ("dynamodb:PutItem", "dynamodb:UpdateItem"):
            need = Need(action, STACK.tables[0].arn, {LEADING_KEYS: keys})
            assert allowed(STACK.functions[name].statements, need), name
