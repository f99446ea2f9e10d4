"""How CodePipeline's answers show conditions and their rules."""

from typing import Any

from playground.codepipeline.events import resolved
from playground.codepipeline.model import FAILED, OVERRIDDEN, EntryCheck, Rule, RuleRun, Stage

Answer = dict[str, Any]

RULES_FAILED = "One or more rules failed"


def condition(check: EntryCheck) -> Answer:
    """StageConditionState: the condition, and the rules in it. An overridden condition keeps its failed rules."""
    latest: Answer = {"status": check.status}
    if check.status in (FAILED, OVERRIDDEN):
        latest["summary"] = RULES_FAILED
    return {
        "latestExecution": latest,
        "conditionStates": [
            {
                "latestExecution": {**latest, "lastStatusChange": check.at},
                "ruleStates": [
                    {"ruleName": run.rule.name, "latestExecution": _rule_execution(run)} for run in check.rules
                ],
            }
        ],
    }


def detail(run: RuleRun) -> Answer:
    """One row of ListRuleExecutions."""
    result = {
        "externalExecutionId": run.external_execution_id,
        "externalExecutionSummary": run.summary,
        "errorDetails": _error_details(run),
    }
    return {
        "pipelineExecutionId": run.execution.execution_id,
        "ruleExecutionId": run.rule_execution_id,
        "pipelineVersion": run.execution.version,
        "stageName": run.stage,
        "ruleName": run.rule.name,
        "startTime": run.started_at,
        "lastUpdateTime": run.updated_at,
        "status": run.status,
        "input": {
            "ruleTypeId": _type_id(run.rule),
            "configuration": dict(run.rule.configuration),
            "resolvedConfiguration": resolved(run.rule.configuration, run.execution),
            "region": run.execution.pipeline.region,
            "inputArtifacts": [],
        },
        "output": {"executionResult": {name: value for name, value in result.items() if value}},
    }


def declaration(stage: Stage) -> Answer:
    """BeforeEntryConditions of GetPipeline's answer."""
    rules = [
        {"name": rule.name, "ruleTypeId": _type_id(rule), "configuration": dict(rule.configuration)}
        for rule in stage.entry_rules
    ]
    return {"conditions": [{"result": stage.entry_result, "rules": rules}]}


def _rule_execution(run: RuleRun) -> Answer:
    told = {
        "summary": run.summary,
        "externalExecutionId": run.external_execution_id,
        "errorDetails": _error_details(run),
    }
    return {
        "ruleExecutionId": run.rule_execution_id,
        "status": run.status,
        "lastStatusChange": run.updated_at,
        **{name: value for name, value in told.items() if value},
    }


def _error_details(run: RuleRun) -> Answer:
    return {"code": run.error_code, "message": run.summary} if run.error_code else {}


def _type_id(rule: Rule) -> Answer:
    return {"category": "Rule", "owner": "AWS", "provider": rule.provider, "version": "1"}
