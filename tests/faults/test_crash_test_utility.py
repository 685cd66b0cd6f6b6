"""`crash_test`: what a user learns of a flow that goes on as it should, and of one that does not."""

from __future__ import annotations

import pytest

from faults.programs import flows_to_crash as flows
from prefect import flow
from prefect.testing.crash import crash_test


@pytest.mark.slow  # a minute: some forty processes
def test_a_steady_flow_passes_at_every_point():
    report = crash_test(flows.steady, {"n": 3}, random_moments=1)
    report.assert_ok()
    deaths = {case.killed_at: case for case in report.cases}
    assert {"flow_run.created:1", "task_run.started:1", "result.temporary_written:1"} <= deaths.keys()
    assert deaths["flow_run.before_finish:1"].recorded == 4
    assert (deaths["flow_run.running:1"].found, deaths["flow_run.running:1"].resumed) == (
        "Crashed",
        "Completed",
    )
    assert deaths["flow_run.finished:1"].found == "Completed"
    assert deaths["flow_run.finished:1"].resumed is None


def test_an_asynchronous_flow_passes():
    report = crash_test(flows.steady_async, {"n": 2}, points=["flow_run.before_finish"])
    report.assert_ok()
    assert [(case.killed, case.resumed) for case in report.cases] == [(True, "Completed")]


def test_what_a_process_pool_has_run_is_replayed():
    report = crash_test(flows.pooled, {"n": 2}, points=["flow_run.before_finish"])
    report.assert_ok()
    assert [(case.recorded, case.resumed) for case in report.cases] == [(4, "Completed")]


def test_a_flow_that_does_not_repeat_its_calls_ends_right_and_is_told_about():
    report = crash_test(flows.shuffled, {"n": 12}, points=["flow_run.before_finish"])
    (case,) = report.cases
    assert (case.resumed, case.recorded) == ("Completed", 12)
    assert case.ran_again
    assert case.changed == case.inconsistent == []
    with pytest.raises(
        AssertionError, match="(?s)flow_run.before_finish:1.*called with other inputs than before"
    ):
        report.assert_ok()


def test_a_flow_that_fails_undisturbed_is_refused_with_what_it_said():
    with pytest.raises(
        ValueError, match="(?s)'broken' to complete when nobody kills it; it ended Failed.*on purpose"
    ):
        crash_test(flows.broken, points=["flow_run.created"])


def test_an_unknown_point_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match=r"flow_run.created.*got flow_run.nowhere"):
        crash_test(flows.steady, {"n": 1}, points=["flow_run.nowhere"])


def test_a_flow_that_no_other_process_can_find_is_refused():
    @flow
    def inside() -> None:
        return None

    with pytest.raises(ValueError, match="top level of a file"):
        crash_test(inside)
