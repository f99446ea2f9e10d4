"""What deploys: where everything that fails goes, what is kept of it, and who is told."""

from playground.stack import Function
from tests.deployed import STACK, attribute, of_type

FOURTEEN_DAYS = 1_209_600  # seconds


def asynchronous() -> list[Function]:
    """What EventBridge or CodePipeline invokes, and nobody waits for."""
    by_rule = {rule.function for rule in STACK.rules} | {schedule.function for schedule in STACK.schedules}
    return [STACK.functions[name] for name in sorted(by_rule | {"GateFunction"})]


def test_nothing_asynchronous_fails_unseen() -> None:
    """Lambda drops what it gave up, unless a destination is named."""
    assert len(asynchronous()) == 4
    queues = {queue.arn for queue in STACK.queues}
    for function in asynchronous():
        assert function.on_failure in queues, function.logical_id


def test_an_event_that_cannot_be_delivered_is_kept() -> None:
    """EventBridge drops it after 24 hours, unless the target has a queue that takes EventBridge's messages."""
    targets = [
        (name, event["Properties"]["DeadLetterConfig"]["Arn"])
        for name, function in of_type("AWS::Serverless::Function").items()
        for event in function.get("Events", {}).values()
        if event["Type"] in ("EventBridgeRule", "Schedule")
    ]
    assert len(targets) == 5
    policy = of_type("AWS::SQS::QueuePolicy")["UndeliveredEventsPolicy"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert "aws:SourceArn" in statement["Condition"]["ArnLike"]
    for name, queue in targets:
        assert queue == statement["Resource"], name
        assert attribute(queue) in [attribute(each) for each in policy["Queues"]]


def test_a_notification_that_cannot_be_delivered_is_kept() -> None:
    """SNS tries for 23 days and drops it, unless the subscription has a queue that takes SNS's messages."""
    (subscription,) = [
        event["Properties"]
        for function in of_type("AWS::Serverless::Function").values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SNS"
    ]
    policy = of_type("AWS::SQS::QueuePolicy")["UndeliveredNotificationsPolicy"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] == subscription["Topic"]
    queue = subscription["RedrivePolicy"]["deadLetterTargetArn"]
    assert queue == statement["Resource"]
    assert attribute(queue) == "UndeliveredNotifications"


def test_only_notification_rules_of_this_account_may_publish() -> None:
    """A message on the topic is a hint; a stranger's would still cost a look and could name our pipelines."""
    (topic,) = STACK.topics
    assert topic.publishers == {("codestar-notifications.amazonaws.com", STACK.account)}


def test_failures_are_kept_encrypted_for_two_weeks_and_job_credentials_for_a_day() -> None:
    """Lambda's record of a failed gate job repeats the job's event, which carries credentials."""
    queues = of_type("AWS::SQS::Queue")
    assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())
    kept = {name: queue["MessageRetentionPeriod"] for name, queue in queues.items()}
    assert kept.pop("FailedGateJobs") == 86_400
    assert set(kept.values()) == {FOURTEEN_DAYS}


def test_the_gates_failures_go_to_a_queue_of_their_own() -> None:
    """So that the short life above holds for every one of them, and for nothing else."""
    functions = of_type("AWS::Serverless::Function")
    destinations = {
        name: attribute(function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"])
        for name, function in functions.items()
        if "EventInvokeConfig" in function
    }
    assert [name for name, queue in destinations.items() if queue == "FailedGateJobs"] == ["GateFunction"]


def test_every_failure_queue_raises_the_alarm() -> None:
    """One message is enough."""
    alarm = of_type("AWS::CloudWatch::Alarm")["FailuresAlarm"]
    watched = {
        metric["Id"]: attribute(metric["MetricStat"]["Metric"]["Dimensions"][0]["Value"])
        for metric in alarm["Metrics"]
        if "MetricStat" in metric
    }
    assert set(watched.values()) == set(of_type("AWS::SQS::Queue"))
    (expression,) = [metric["Expression"] for metric in alarm["Metrics"] if "Expression" in metric]
    assert expression == f"MAX([{', '.join(watched)}])"
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)


def test_a_sweep_that_does_not_run_raises_the_alarm() -> None:
    """No data is the very case the alarm is for."""
    alarm = of_type("AWS::CloudWatch::Alarm")["SweepAlarm"]
    assert alarm["TreatMissingData"] == "breaching"
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)


def test_every_log_is_one_functions_own_and_ends() -> None:
    """Log groups that Lambda makes by itself are kept for ever."""
    groups = of_type("AWS::Logs::LogGroup")
    assert {group["RetentionInDays"] for group in groups.values()} == {90}
    functions = of_type("AWS::Serverless::Function").values()
    used = [attribute(function["LoggingConfig"]["LogGroup"]) for function in functions]
    assert len(set(used)) == len(used) == 7
    assert set(used) <= set(groups)
