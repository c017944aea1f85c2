"""The alerts for Prometheus, on series of a worker that runs, and on series that they are about."""

import re
import subprocess
from pathlib import Path

import yaml

from scripts.prometheus import find_or_install
from tests.metrics.conftest import ALERTS

RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
CASES = Path(__file__).with_name("alerts.yml")
SELECTOR = re.compile(r"\b(?:asyncworker_\w+|up)\b(?:\{[^}]*\})?")

OF_SEVERAL = "asyncworker_worker_up"
"""What only several processes of one app have; packages/core/tests/processes looks for it."""


async def test_each_is_about_series_that_there_are(prometheus):
    for rule in RULES:
        for selector in SELECTOR.findall(rule["expr"]):
            if selector != OF_SEVERAL:
                await prometheus.found(selector)


async def test_prometheus_evaluates_each(prometheus):
    rules = await prometheus.rules()
    assert [(rule["name"], rule["health"]) for rule in rules] == [
        (rule["alert"], "ok") for rule in RULES
    ]


def test_promtool_finds_nothing_wrong():
    promtool("check", "rules", str(ALERTS))


def test_each_fires_when_it_should_and_only_then():
    promtool("test", "rules", str(CASES))


def test_there_is_a_case_for_each_that_fires_and_one_in_which_it_is_silent():
    tests = yaml.safe_load(CASES.read_text())["tests"]
    told = [case for test in tests for case in test["alert_rule_test"]]
    names = {rule["alert"] for rule in RULES}
    assert {case["alertname"] for case in told if case.get("exp_alerts")} == names
    assert {case["alertname"] for case in told if not case.get("exp_alerts")} == names


def test_each_says_what_is_wrong_and_what_to_do():
    for rule in RULES:
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"critical", "warning"}


def promtool(*arguments):
    done = subprocess.run(
        [find_or_install("promtool"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
