"""Alarms, the dashboard, the budget and logs."""

import json

from aws_cdk.assertions import Match
from slipway_hub import start_times

from tests.stacks.conftest import Assembly


def test_somebody_hears_of_a_hub_that_is_down(assembly: Assembly) -> None:
    spec = assembly.environment.eks_spec
    alarms = assembly.resources("observability", "AWS::CloudWatch::Alarm")
    kinds = {i.removeprefix("alarms")[:-8] for i in alarms}
    wanted = {"hubdown", "proxydown", "spawnfailures", "slowstarts", "homesslow", "backupfailed"}
    wanted |= {"certificate"}
    assert kinds == wanted
    for alarm in alarms.values():
        assert bool(alarm["Properties"].get("AlarmActions")) is bool(spec.alarms)
    # A hub whose node is gone sends no data at all.
    assembly.template("observability").has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {"AlarmDescription": "No hub answers", "TreatMissingData": "breaching"},
    )


def test_the_time_a_server_takes_to_start_is_a_metric_with_an_alarm(assembly: Assembly) -> None:
    filters = assembly.resources("observability", "AWS::Logs::MetricFilter").values()
    (seconds,) = [f["Properties"] for f in filters if "seconds" in json.dumps(f)]
    assert start_times.EVENT in seconds["FilterPattern"]
    (metric,) = seconds["MetricTransformations"]
    assert metric["MetricValue"] == "$.log_processed.seconds"
    assert "DefaultValue" not in metric, "no server is no server of no seconds"
    assembly.template("observability").has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "MetricName": metric["MetricName"],
            "Statistic": "Average",
            "Threshold": 300,  # half of 10 minutes
            "TreatMissingData": "notBreaching",
        },
    )


def test_no_text_that_users_choose_is_searched_for_failures(assembly: Assembly) -> None:
    """A line of the hub's own is JSON with an event; a login name is part of a sentence."""
    filters = assembly.resources("observability", "AWS::Logs::MetricFilter").values()
    patterns = [f["Properties"]["FilterPattern"] for f in filters]
    assert all("$.log_processed.event = " in pattern for pattern in patterns)
    assert not [pattern for pattern in patterns if "*" in pattern]
    assert [p for p in patterns if start_times.FAILED_EVENT in p]


def test_alarms_may_publish_to_the_topic_and_only_over_tls(assembly: Assembly) -> None:
    template = assembly.template("observability")
    policies = int(assembly.environment.eks_spec.alarms is not None)
    template.resource_count_is("AWS::SNS::TopicPolicy", policies)
    account = {"StringEquals": {"aws:SourceAccount": assembly.environment.eks_spec.account}}
    statements = [
        {
            "Effect": "Allow",
            "Action": "sns:Publish",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Condition": account,
        },
        {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ]
    for statement in statements:
        template.resource_properties_count_is(
            "AWS::SNS::TopicPolicy",
            {"PolicyDocument": {"Statement": Match.array_with([Match.object_like(statement)])}},
            policies,
        )


def test_the_budget_sends_an_e_mail_at_80_percent_and_by_its_forecast(assembly: Assembly) -> None:
    spec = assembly.environment.eks_spec
    found = assembly.resources("observability", "AWS::Budgets::Budget").values()
    assert bool(found) is bool(spec.budget)
    for budget in found:
        notifications = {
            (n["Notification"]["NotificationType"], n["Notification"]["Threshold"])
            for n in budget["Properties"]["NotificationsWithSubscribers"]
        }
        assert notifications == {("ACTUAL", 80), ("FORECASTED", 100)}


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
    assembly.template("network").has_resource_properties(
        "AWS::EC2::FlowLog", {"TrafficType": "REJECT"}
    )
