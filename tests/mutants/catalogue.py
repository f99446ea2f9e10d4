"""The mutants: where, what stands there (exactly once), what stands there instead, and which tests must notice.

When code moves, `make mutants` says which text it cannot find; move the text here along with it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    file: str
    old: str
    new: str
    tests: str  # files, space-separated, relative to tests/


RETRIES, HOLDING = "core/test_lifecycle_retries.py", "core/test_lifecycle_holding.py"
ISSUES, GATE = "core/test_issues.py", "core/test_gate.py"
ATTRIBUTION = "core/test_attribution.py core/test_attribution_own_and_gate.py"
NIGHTS = "simulation/test_seeds.py"
HELD = "workflows/test_held_and_resumed.py"
RACES = "workflows/test_races.py workflows/test_unknown_outcomes.py"
STORE = "contract/test_store.py contract/test_store_listings.py"
SLACK = "test_slack_workflow.py"
CONDITION = "workflows/test_gate_as_condition.py"

HANGING = (
    "core/test_lifecycle_hanging.py core/test_running.py workflows/test_hanging.py workflows/test_what_runs.py"
)

HOLDING_STEPS = "bot/lifecycle/holding.py"
RETRYING, STATE = "bot/lifecycle/retrying.py", "bot/lifecycle/state.py"
RESUME, OBSERVE, NOTIFY = "bot/workflows/resume.py", "bot/workflows/observe.py", "bot/workflows/notify.py"
LIVING = "bot/workflows/living_message.py"
ISSUE_WORK, LEDGER = "bot/workflows/issue_work.py", "bot/workflows/ledger.py"
FAILURES, EVENTS_WORK = "bot/workflows/failures.py", "bot/workflows/pipeline_events.py"
DYNAMODB = "bot/adapters/dynamodb.py"
TRUTH, MODES = "bot/adapters/codepipeline_truth.py", "adapters/test_codepipeline_modes.py"
INFERRED = "bot/inferred.py"

MUTANTS = (
    # The claim, the lease, the budget.
    Mutant("a live lease is claimed over", RETRYING,
           "if plan is None or (before is not None and now < before.lease_until_at):", "if plan is None:",
           RETRIES),
    Mutant("a live lease is no reason to wait", RESUME,
           "if execution.claim is not None and now < execution.claim.lease_until_at:", "if False:", RACES),
    Mutant("the budget is not spent", RETRYING,
           "automatic_retries=free.automatic_retries + (1 if automatic else 0),",
           "automatic_retries=free.automatic_retries,", RETRIES),
    Mutant("a refusal refunds nothing", STATE,
           "automatic_retries=execution.automatic_retries - (1 if paid else 0))",
           "automatic_retries=execution.automatic_retries)", RETRIES),
    Mutant("one retry more than the budget", STATE,
           "execution.automatic_retries >= policy.max_automatic_retries",
           "execution.automatic_retries > policy.max_automatic_retries", f"{RETRIES} {HOLDING}"),
    Mutant("held for ever is not too old", STATE,
           "now - execution.held_at >= policy.max_age:", "False:", HOLDING),
    Mutant("a new status does not make older buttons stale", STATE,
           'changes.pop("anew", status is not execution.status)', 'changes.pop("anew", False)',
           f"{RETRIES} {HOLDING} {SLACK}"),
    Mutant("an unfinished status without a clock", "bot/clocks.py",
           "            return now + OUTCOME_LOOK", "            return None", f"core/test_clocks.py {NIGHTS}"),
    Mutant("a dismissal while CodePipeline is being asked", RETRYING,
           "if execution.claim is not None and execution.status is Status.RESUMING:", "if False:", RETRIES),
    Mutant("a late answer to another claim is believed", RETRYING,
           "if execution.claim is None or execution.claim.claim_id != event.claim_id:",
           "if execution.claim is None:", RETRIES),
    Mutant("a lost answer is taken for a yes", RESUME,
           "        return None\n    except NotLatest:",
           "        return Accepted(claim_id)\n    except NotLatest:",
           RACES),
    # What hangs.
    Mutant("a person retries what has not failed", STATE,
           "    if execution.unfailed:", "    if execution.waiting:", HANGING),
    Mutant("what hangs goes first at the all-clear", "bot/canary.py",
           "held = execution.status is Status.BLOCKED and not execution.unfailed",
           "held = execution.status is Status.BLOCKED", HANGING),
    Mutant("the all-clear retries what hangs", HOLDING_STEPS,
           "    if execution.hangs_since is not None:\n        return run_on",
           "    if False:\n        return run_on", HANGING),
    Mutant("a failure of what hung is no news", HOLDING_STEPS,
           "known = execution.action_execution_ids == ids and not execution.unfailed",
           "known = execution.action_execution_ids == ids", HANGING),
    Mutant("what hangs: another service's issue shows it", "bot/running.py",
           "return found.blockers if found.verdict is Verdict.EXPLAINED else ()",
           "return found.blockers or tuple(attribution.blocker(issue) for issue in issues)", HANGING),
    Mutant("a late end of an earlier run ends a later one", DYNAMODB,
           "if stage is not None and stage.since_at <= ended_at:", "if stage is not None:",
           "contract/test_store_running.py"),
    # What is looked at before a retry.
    Mutant("the failed actions' ids are not compared", OBSERVE,
           "if ids and ids != execution.action_execution_ids:", "if ids and not execution.actions:",
           f"{HELD} {RACES}"),
    Mutant("a frozen stage is retried", RESUME,
           "if truth.transition_disabled is not None:", "if False:",
           "workflows/test_retries_refused.py workflows/test_ends_by_others.py"),
    Mutant("a newer execution is not noticed", OBSERVE,
           'if truth.overtaken_by or truth.execution_status == "Superseded":',
           'if truth.execution_status == "Superseded":', "workflows/test_ends_by_others.py"),
    Mutant("a stopped execution is retried", OBSERVE,
           'if truth.execution_status == "Stopped":', "if False:", "workflows/test_ends_by_others.py"),
    Mutant("an answer from before it entered overtakes it", TRUTH,
           "in_turn and not is_ours and not _lags(state, rows)", "in_turn and not is_ours", MODES),
    Mutant("half a PARALLEL stage is taken for passed", TRUTH,
           "if declared - {attempt.name for attempt in attempts}", "if False", MODES),
    Mutant("a stage is not left to retry itself", OBSERVE,
           "        if _retries_itself(world, truth, now):", "        if False:", "workflows/test_other_hands.py"),
    Mutant("what is told in full undoes what a person decided", "bot/lifecycle/holding.py",
           "    if execution.status not in (Status.BLOCKED, Status.NEEDS_HUMAN):\n        return False\n", "",
           "workflows/test_told_in_full.py"),
    Mutant("an open issue does not stop the claim", RESUME,
           "if explained is not None:", "if False:", f"{HELD} {RACES}"),
    Mutant("unreadable Health does not stop the claim", RESUME,
           "if known.unreadable and world.policy.health_unavailable is WhenHealthUnreadable.BLOCK:", "if False:",
           "workflows/test_health_unreadable.py"),
    Mutant("an issue calls a person's own retry off", "bot/lifecycle/holding.py",
           "if in_flight or (asked_by_person and not event.by_gate) or not event.attribution.blockers:",
           "if in_flight or not event.attribution.blockers:", HOLDING),
    # A stage condition.
    Mutant("a condition is passed without the gate being asked again", RESUME,
           "if obstacle is None and execution.passes_condition and not overrides:", "if False:", CONDITION),
    Mutant("a click passes what the gate would stop", "bot/lifecycle/holding.py",
           "if in_flight or (asked_by_person and not event.by_gate) or not event.attribution.blockers:",
           "if in_flight or asked_by_person or not event.attribution.blockers:", CONDITION),
    Mutant("another rule beside the gate is passed with it", "bot/conditions.py",
           "return tuple(dict.fromkeys([*strangers, *beside]))", "return tuple(strangers)", CONDITION),
    # Holding and letting go.
    Mutant("the first of two all-clears releases", "bot/lifecycle/holding.py",
           '    if left:\n        return next_state(execution, now, policy, f"{event.why}; ',
           '    if False:\n        return next_state(execution, now, policy, f"{event.why}; ', HOLDING),
    Mutant("the edges are not written", "bot/workflows/world.py",
           "world.store.save_execution(after, holding=new)", "world.store.save_execution(after)", HELD),
    Mutant("issues are not read again after holding", FAILURES,
           "execution.blockers if execution.status in (Status.BLOCKED, Status.NEEDS_HUMAN) else ():",
           "():", f"{RACES} {HELD}"),
    Mutant("only the first page is released", ISSUE_WORK,
           "return DrainedPage(page.cursor, resumed)", "return DrainedPage(None, resumed)", f"{HELD} {NIGHTS}"),
    Mutant("only the first page of failures is looked through", ISSUE_WORK,
           "return ClaimedPage(page.cursor)", "return ClaimedPage(None)", f"{HELD} {NIGHTS}"),
    Mutant("an issue that is too old holds on", ISSUE_WORK,
           "case IssuePhase.OPEN if now - issue.report.start_at > world.policy.issue_max_age:",
           "case IssuePhase.OPEN if False:", f"{HELD} workflows/test_sweep.py {NIGHTS}"),
    Mutant("the rest does not wait for the canary", "bot/canary.py",
           "            if now < canary.until_at:\n                return None\n            return DrainBegun(",
           "            return DrainBegun(", "core/test_canary.py workflows/test_all_clear.py"),
    Mutant("nothing settles", "bot/issues.py", "else now + policy.settle", "else now", ISSUES),
    Mutant("the settle time is not waited out", ISSUE_WORK,
           "issue.settled_at is not None and issue.settled_at <= now:", "issue.settled_at is not None:", HELD),
    Mutant("an open issue's end closes it", "bot/events.py",
           'return status == "closed"', 'return status == "closed" or bool(event.values.get("endTime"))',
           "test_events.py"),
    Mutant("older news counts", "bot/issues.py",
           "if older or (tie and not (report.closed and may_close)):",
           "if tie and not (report.closed and may_close):", ISSUES),
    Mutant("on a tie the close loses", "bot/issues.py",
           "if older or (tie and not (report.closed and may_close)):", "if older or tie:", ISSUES),
    Mutant("a re-opened issue releases from where it stopped", "bot/issues.py",
           "        expires_at=None,\n        **_NOTHING_RELEASED,\n", "        expires_at=None,\n", ISSUES),
    # Who is to blame.
    Mutant("no slack before an issue's start", "bot/attribution.py",
           "failed_at < report.start_at - START_SLACK:", "failed_at < report.start_at:", ATTRIBUTION),
    Mutant("an issue announced too late explains all the same", "bot/attribution.py",
           "if issue.first_seen_at - failed_at > policy.late_issue:", "if False:", ATTRIBUTION),
    Mutant("a wrong configuration is AWS's doing", "bot/attribution.py",
           "if action.error_code in NEVER_AWS_CODES:", "if False:", ATTRIBUTION),
    Mutant("any Region's issue explains it", "bot/attribution.py",
           'return issue.report.region in ("global", action.region, *tags.regions)', "return True", ATTRIBUTION),
    Mutant("another account's issue explains it", "bot/attribution.py",
           "(report.account and report.account != account)", "False", ATTRIBUTION),
    Mutant("the gate stops for what is closed", "bot/gate.py",
           "if issue.open or (until_settled and _settles(issue, now))]", "]", GATE),
    Mutant("the gate opens when Health cannot be read", "bot/gate.py",
           "if policy.health_unavailable is WhenHealthUnreadable.BLOCK:", "if False:", GATE),
    # Nothing is lost.
    Mutant("a reported failure is not kept", EVENTS_WORK,
           "    world.store.save_hint(hint)\n", "", "workflows/test_events_in_any_order.py"),
    Mutant("a kept failure is forgotten while it goes on", EVENTS_WORK,
           "    if done:\n        world.store.drop_hint(hint)", "    world.store.drop_hint(hint)",
           "workflows/test_events_in_any_order.py"),
    Mutant("a bad item keeps its place in the queue", "bot/workflows/sweep.py",
           "            world.store.postpone(due, now + AFTER_AN_ERROR)\n", "", "workflows/test_sweep.py"),
    Mutant("a failed record is answered as done", "handlers/stream_records.py",
           'failures.append({"itemIdentifier": number})', "pass", "workflows/test_stream_records.py"),
    Mutant("one that cannot be released stops the all-clear", ISSUE_WORK,
           '        logger.exception("%s cannot be released and is passed over", key)\n        return None, False',
           "        raise", "workflows/test_sweep.py"),
    Mutant("a reader that always fails is woken every minute", "bot/workflows/sweep.py",
           "world.store.postpone(due, now + patience(execution.trail[-1].at, now))",
           "world.store.postpone(due, now + SOON)", "workflows/test_sweep.py"),
    Mutant("what cannot be read is sent into the stream", "bot/workflows/sweep.py",
           "    card, execution = world.store.load_card(key), world.store.load_execution(key)\n"
           "    if card is None or execution is None:\n        return\n"
           "    world.store.postpone(due, now + patience(execution.trail[-1].at, now))\n",
           "    world.store.postpone(due, now + SOON)\n", "workflows/test_sweep.py"),
    Mutant("an early look is an early retry", "bot/workflows/resume.py",
           "    return execution.retry.not_before_at <= now", "    return True", "workflows/test_make_due.py"),
    Mutant("a good read of Health closes nothing", LEDGER,
           "        close_unreadable(self._world, now)\n        return \"\", \"\"", '        return "", ""',
           "workflows/test_health_unreadable.py"),
    # What is inferred.
    Mutant("two pipelines are a crowd", INFERRED, "PIPELINES = 3 ", "PIPELINES = 2 ", "core/test_inferred.py"),
    Mutant("an hour apart is within minutes", INFERRED,
           "WITHIN = timedelta(minutes=15)", "WITHIN = timedelta(minutes=60)", "core/test_inferred.py"),
    Mutant("a pipeline counts for each of its failures", INFERRED,
           "number = len({each.pipeline for each in near})", "number = len(near)", "core/test_inferred.py"),
    Mutant("errors of two kinds are alike", INFERRED,
           "if service in each.services and each.fault is fault]", "if service in each.services]",
           "core/test_inferred.py"),
    Mutant("what is inferred never ends", INFERRED,
           "if each.live and now - each.last_at >= QUIET_AFTER", "if False", "core/test_inferred.py"),
    Mutant("what the team broke itself is alike", INFERRED,
           "unexplained = execution.attribution.verdict is Verdict.UNEXPLAINED and not execution.blockers",
           "unexplained = not execution.blockers", "core/test_inferred.py"),
    Mutant("an old state counts once more", INFERRED,
           "if any(each.failed_at >= seen.failed_at for each in known) or", "if", "core/test_inferred.py"),
    Mutant("the late notice finds nothing to adopt", INFERRED,
           "not (incident.live or incident.ended is Ended.QUIET)", "not incident.live",
           "core/test_inferred.py workflows/test_inferred_incidents.py"),
    Mutant("what a team's function answered is AWS's word", "bot/service_errors.py",
           " or action.category in _TEAMS_OWN_WORDS", "", "core/test_service_errors.py"),
    Mutant("a state that is shown already takes nothing back", "bot/workflows/inferring.py",
           "    if _takes_back(execution):", "    if False:", "workflows/test_inferred_incidents.py"),
    Mutant("cards that were there before are not looked at again", "bot/workflows/inferring.py",
           "for key in untold(stored):", "for key in ():", "workflows/test_inferred_incidents.py"),
    # The table.
    Mutant("the last write wins", DYNAMODB,
           "put_request(items.execution_item(execution), _follows(execution.version)),",
           "put_request(items.execution_item(execution)),", STORE),
    Mutant("a card is saved over a newer one", DYNAMODB,
           "{**items.card_fields(card), \"write_id\": write_id}, only_if=before)",
           "{**items.card_fields(card), \"write_id\": write_id})", STORE),
    Mutant("our own write is taken for somebody else's", DYNAMODB,
           'if written is None or written.get("write_id") != write_id:', "if True:",
           "contract/test_dynamodb_faults.py"),
    Mutant("a page's end is the list's end", DYNAMODB,
           'rows.last["sk"] if rows.last else None)', "None)", STORE),
    # Slack.
    Mutant("an old request is taken for a new one", "bot/slack/signature.py",
           "return abs(now.timestamp() - int(timestamp)) <= WINDOW.total_seconds()", "return True",
           "test_slack_requests.py"),
    Mutant("an internal error is a 500", "handlers/slack_request.py",
           "        return _say_so(request)", "        raise", "test_slack_request_handler.py"),
    Mutant("guests may click", "bot/workflows/slack/desk.py",
           'return "" if user.full_member else', 'return "" if True else', SLACK),
    Mutant("people from outside may click", "bot/workflows/slack/desk.py",
           "if person.team_id != desk.chat.team() or person.user_team_id != person.team_id:", "if False:", SLACK),
    Mutant("a stale button is obeyed", "bot/workflows/slack/clicks.py",
           "if click.version is not None and click.version < execution.entered_version:", "if False:", SLACK),
    Mutant("a click counts as often as it is sent", "bot/workflows/people.py",
           "store.save_execution(after, click=marker, click_expires_at=now + CLICK_KEPT, override=override)",
           "store.save_execution(after, override=override)", f"{SLACK} test_slack_request_handler.py"),
    Mutant("a post is not noted before it is made", LIVING,
           "replace(ref, posting_at=self._now, due_at=lease_ends_at)", "replace(ref, due_at=lease_ends_at)",
           "test_notify.py"),
    Mutant("two edits that crossed are left as they came", LIVING,
           "crossed = (fresh.ts, fresh.rendered_version) != (ref.ts, ref.rendered_version)", "crossed = False",
           "test_notify.py"),
    Mutant("a list loses the member that Slack refused", NOTIFY,
           'channel="", joined=False', 'channel="", burst="", joined=False',
           "workflows/test_burst_cards_in_trouble.py"),
    Mutant("two draw a burst's card at once", "bot/workflows/bursts.py",
           "if burst.drawing_until_at is not None and self._now < burst.drawing_until_at:", "if False:",
           "workflows/test_bursts.py workflows/test_bursts_interrupted.py"),
)  # fmt: skip
