"""Who is told of what."""

import json
from typing import Any

from slipway_hub import start_times

from tests.stacks.conftest import Assembly


def test_somebody_hears_of_a_hub_that_is_down(assembly: Assembly) -> None:
    spec: Any = assembly.environment.spec
    alarms = assembly.resources("observability", "AWS::CloudWatch::Alarm")
    kinds = {i.removeprefix("alarms")[:-8] for i in alarms}
    wanted = {"hubdown", "proxydown", "spawnfailures", "slowstarts", "homesslow", "backupfailed"}
    wanted |= {"certificate"}
    assert kinds == wanted
    for alarm in alarms.values():
        assert bool(alarm["Properties"].get("AlarmActions")) is bool(spec.alarms)
    (down,) = (a["Properties"] for i, a in alarms.items() if "hubdown" in i)
    assert down["TreatMissingData"] == "breaching", "a hub whose node is gone says nothing at all"


def test_the_time_a_server_takes_to_start_is_a_metric_with_an_alarm(assembly: Assembly) -> None:
    filters = assembly.resources("observability", "AWS::Logs::MetricFilter").values()
    (seconds,) = [f["Properties"] for f in filters if "seconds" in json.dumps(f)]
    assert start_times.EVENT in seconds["FilterPattern"]
    (metric,) = seconds["MetricTransformations"]
    assert metric["MetricValue"] == "$.log_processed.seconds"
    assert "DefaultValue" not in metric, "no server is no server of no seconds"
    alarms = assembly.resources("observability", "AWS::CloudWatch::Alarm")
    (alarm,) = (a["Properties"] for i, a in alarms.items() if "slowstarts" in i)
    assert alarm["MetricName"] == metric["MetricName"]
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Average", 300), "half of 10 minutes"
    assert alarm["TreatMissingData"] == "notBreaching"


def test_alarms_may_publish_to_the_topic_and_only_over_tls(assembly: Assembly) -> None:
    for policy in assembly.resources("observability", "AWS::SNS::TopicPolicy").values():
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        effects = {s["Effect"]: s for s in statements}
        assert effects["Allow"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert "aws:SecureTransport" in json.dumps(effects["Deny"]["Condition"])


def test_the_budget_is_told_of_at_80_percent_and_by_its_forecast(assembly: Assembly) -> None:
    spec: Any = assembly.environment.spec
    found = assembly.resources("observability", "AWS::Budgets::Budget").values()
    assert bool(found) is bool(spec.budget)
    for budget in found:
        told = {
            (n["Notification"]["NotificationType"], n["Notification"]["Threshold"])
            for n in budget["Properties"]["NotificationsWithSubscribers"]
        }
        assert told == {("ACTUAL", 80), ("FORECASTED", 100)}


def test_no_log_is_kept_for_ever_and_none_is_left_behind(assembly: Assembly) -> None:
    for stack in ("cluster", "hub", "observability", "network"):
        for group in assembly.resources(stack, "AWS::Logs::LogGroup").values():
            assert group["Properties"]["RetentionInDays"] <= 731
    groups = assembly.resources("observability", "AWS::Logs::LogGroup").values()
    assert {g["Properties"]["LogGroupName"].rpartition("/")[2] for g in groups} == {
        *("application", "dataplane", "host", "performance")
    }


def test_the_dashboard_answers_the_questions_of_an_operator(assembly: Assembly) -> None:
    body = json.dumps(assembly.only("observability", "AWS::CloudWatch::Dashboard"))
    for word in ("Alarms", "Hub and proxy", "Seconds to start", "Homes", "5xx", "Cost", "nodes"):
        assert word in body, word


def test_refused_connections_are_logged(assembly: Assembly) -> None:
    log = assembly.only("network", "AWS::EC2::FlowLog")
    assert log["TrafficType"] == "REJECT"
