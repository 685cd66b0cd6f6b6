"""Why the process of a worker's run has died stands in the run's state, started warm or cold."""

from __future__ import annotations

import pytest

from .working import asked, run_of

WARM, COLD = "warm", "cold"


def died(http, pool, deployed, start, tmp_path, manner: str, flow: str, **more) -> dict:
    """The state of a run that a worker has executed once."""
    if manner == COLD:
        folder = {"prefect.deployments.steps.set_working_directory": {"directory": str(tmp_path)}}
        more = {"pull_steps": [folder], "path": None, **more}
    run_id = asked(http, deployed(pool, flow, **more))
    said = start(pool, "--run-once").communicate(timeout=120)[0]
    state = run_of(http, run_id)["state"]
    assert state["type"] == "CRASHED", said
    return state


@pytest.mark.slow
@pytest.mark.parametrize("manner", [WARM, COLD])
@pytest.mark.parametrize(("flow", "cause"), [("dies", "exit code 3"), ("killed", "killed by SIGKILL")])
def test_an_exit_and_a_signal_are_named(http, pool, deployed, start, tmp_path, manner, flow, cause):
    message = died(http, pool, deployed, start, tmp_path, manner, flow)["message"]
    assert cause in message
    assert "MB" in message  # its peak memory


@pytest.mark.slow
@pytest.mark.parametrize("manner", [WARM, COLD])
def test_a_module_that_no_longer_imports_is_named(http, pool, deployed, start, tmp_path, manner):
    (tmp_path / "broken.py").write_text("raise RuntimeError('no such thing any more')\n")
    more = {"entrypoint": "broken.py:hello"}
    message = died(http, pool, deployed, start, tmp_path, manner, "hello", **more)["message"]
    assert "broken.py" in message
    assert "no such thing any more" in message
    assert "exit code" not in message


@pytest.mark.parametrize("manner", [pytest.param(WARM, marks=pytest.mark.slow), COLD])
def test_parameters_that_do_not_fit_are_named(http, pool, deployed, start, tmp_path, manner):
    more = {"parameters": {"unheard_of": 1}}
    message = died(http, pool, deployed, start, tmp_path, manner, "hello", **more)["message"]
    assert "unheard_of" in message
    assert "exit code" not in message
