"""Setting logging up: the defaults, logging.yml, single keys, extra loggers, and what start-up costs."""

from __future__ import annotations

import json
import logging

import pytest
from logging_runs import a_store, flow_run, lines_of, run_python  # noqa: F401 - fixtures among them

from prefect.exceptions import ConfigurationError
from prefect.logging import get_run_logger
from prefect.logging.configuration import load_logging_config, setup_logging
from prefect.settings import temporary_settings

TALK = """
import logging
from prefect.logging import get_logger
from prefect.logging.loggers import flow_run_logger
from types import SimpleNamespace
flow_run = flow_run_logger(SimpleNamespace(name="otter", id=b"0123456789abcdef"))
flow_run.info("from the flow", extra={"send_to_api": False})
flow_run.debug("from afar", extra={"send_to_api": False})
get_logger("mine").info("from mine")
"""
YML = """
version: 1
formatters:
  short:
    (): prefect.logging.formatters.PrefectFormatter
    format: "S %(message)s"
    flow_run_fmt: "F %(flow_run_name)s %(message)s"
handlers:
  console:
    class: prefect.logging.handlers.PrefectConsoleHandler
    formatter: short
loggers:
  prefect:
    level: "${PREFECT_LOGGING_LEVEL}"
root:
  level: WARNING
  handlers: [console]
"""


def texts(process):
    """The lines on stderr without their time."""
    assert process.returncode == 0, process.stderr
    return [line.partition(" | ")[2] or line for line in process.stderr.splitlines()]


def test_importing_and_setting_up_leaves_heavy_modules_alone(tmp_path):
    code = TALK + (
        "import sys, json\n"
        "print(json.dumps([m for m in ('yaml', 'rich', 'logging.config', 'asyncio', 'pydantic') if m in sys.modules]))"
    )
    process = run_python(code, tmp_path)
    assert json.loads(process.stdout) == []
    assert texts(process) == [
        "INFO    | Flow run 'otter' - from the flow",
        "INFO    | prefect.mine - from mine",
    ]


def test_importing_sets_nothing_up(tmp_path):
    code = (
        "import logging, prefect.logging; print(logging.getLogger('prefect').handlers, logging.root.handlers)"
    )
    assert run_python(code, tmp_path).stdout == "[] []\n"


def test_the_root_logger_is_the_application_s(tmp_path):
    code = TALK + "print(logging.root.level, logging.root.handlers, logging.getLogger('prefect').propagate)"
    assert run_python(code, tmp_path).stdout == "30 [] True\n"


def test_what_the_application_set_up_before_stays(tmp_path):
    code = (
        "import logging, sys\n"
        "logging.basicConfig(format='app %(message)s', level=logging.INFO)\n"
        "logging.getLogger('prefect').setLevel(logging.DEBUG)\n"
        "logging.getLogger('prefect').addHandler(logging.StreamHandler(sys.stdout))\n"
        f"{TALK}\nlogging.info('from the application')"
    )
    process = run_python(code, tmp_path)
    assert texts(process) == [
        "INFO    | Flow run 'otter' - from the flow",
        "DEBUG   | Flow run 'otter' - from afar",
        "INFO    | prefect.mine - from mine",
        "app from the application",
    ]
    assert process.stdout == "from the flow\nfrom afar\nfrom mine\n"


@pytest.mark.parametrize("variables", [{"PREFECT_LOGGING_LEVEL": "debug"}, {"PREFECT_DEBUG_MODE": "1"}])
def test_the_level_is_a_setting(tmp_path, variables):
    assert "DEBUG   | Flow run 'otter' - from afar" in texts(run_python(TALK, tmp_path, **variables))


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {
                "FORMATTERS_STANDARD_FLOW_RUN_FMT": "F %(flow_run_name)s",
                "FORMATTERS_STANDARD_FORMAT": "S %(message)s",
            },
            ["F otter", "S from mine"],
        ),
        ({"LOGGERS_PREFECT_FLOW_RUNS_LEVEL": "error"}, ["INFO    | prefect.mine - from mine"]),
        ({"HANDLERS_CONSOLE_LEVEL": "30"}, []),
        ({"LOGGERS_PREFECT_HANDLERS": ""}, []),
        ({"NO_SUCH_KEY": "1", "HANDLERS_CONSOLE_CLASS": "logging.NullHandler"}, []),
    ],
)
def test_the_environment_changes_single_keys(tmp_path, variables, expected):
    given = {f"PREFECT_LOGGING_{name}": value for name, value in variables.items()}
    assert texts(run_python(TALK, tmp_path, **given)) == expected


def test_the_environment_chooses_json(tmp_path):
    process = run_python(TALK, tmp_path, PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER="json")
    assert [json.loads(line)["flow_run_name"] for line in process.stderr.splitlines()[:1]] == ["otter"]


@pytest.mark.parametrize("how", ["home", "PREFECT_LOGGING_CONFIG_PATH", "PREFECT_LOGGING_SETTINGS_PATH"])
def test_a_logging_yml_replaces_the_defaults(tmp_path, how):
    path = tmp_path / ("logging.yml" if how == "home" else "other.yml")
    path.write_text(YML)
    given = {} if how == "home" else {how: str(path)}
    process = run_python(
        TALK + "logging.getLogger('application').warning('theirs')",
        tmp_path,
        PREFECT_LOGGING_LEVEL="DEBUG",
        PREFECT_LOGGING_FORMATTERS_SHORT_FORMAT="O %(message)s",
        **given,
    )
    assert texts(process) == ["F otter from the flow", "F otter from afar", "O from mine", "O theirs"]


@pytest.mark.parametrize(
    ("yml", "variables", "complaint"),
    [
        ("a: [", {}, "expected a logging configuration in YAML"),
        ("- 1", {}, "expected a YAML mapping, got list"),
        ("version: 1\nhandlers:\n  x:\n    class: no.Such", {}, "No module named 'no'"),
        (
            None,
            {"PREFECT_LOGGING_HANDLERS_CONSOLE_FORMATTER": "nice"},
            "PREFECT_LOGGING_* variables: expected",
        ),
        (None, {"PREFECT_LOGGING_LOGGERS_PREFECT_LEVEL": "LOUD"}, "Unknown level: 'LOUD'"),
    ],
)
def test_a_bad_configuration_is_an_error_that_says_where(
    store, tmp_path, monkeypatch, yml, variables, complaint
):
    if yml is not None:
        (tmp_path / "logging.yml").write_text(yml)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        setup_logging(incremental=False)
    assert complaint in str(caught.value)
    assert yml is None or str(tmp_path / "logging.yml") in str(caught.value)


def test_load_logging_config_fills_in_settings_and_keys(tmp_path, monkeypatch):
    path = tmp_path / "own.yml"
    path.write_text(YML.replace("WARNING", "${PREFECT_LOGGING_INTERNAL_LEVEL}"))
    monkeypatch.setenv("PREFECT_LOGGING_LOGGERS_PREFECT_LEVEL", "critical")
    config = load_logging_config(path)
    assert (config["root"]["level"], config["loggers"]["prefect"]["level"]) == ("ERROR", "CRITICAL")


def test_setting_up_again_changes_levels_and_no_handlers(store):
    before = logging.getLogger("prefect").handlers[:]
    with temporary_settings({"PREFECT_LOGGING_LEVEL": "CRITICAL"}):
        config = setup_logging()
    assert config["incremental"] is True
    assert logging.getLogger("prefect").level == logging.CRITICAL
    assert logging.getLogger("prefect").handlers == before
    assert setup_logging(incremental=False)["incremental"] is False
    assert len(logging.getLogger("prefect").handlers) == len(before)


def test_extra_loggers_belong_to_the_run_and_show_on_the_console(store, capsys):
    logging.getLogger("lib").setLevel(logging.INFO)
    with temporary_settings({"PREFECT_LOGGING_EXTRA_LOGGERS": "lib.deep,lib"}):
        setup_logging(incremental=False)
        with flow_run() as run:
            logging.getLogger("lib").info("shallow")
            logging.getLogger("lib.deep").info("deep")
            logging.getLogger("other").warning("not ours")
    setup_logging(incremental=False)
    assert [line.message for line in lines_of(store, run)] == ["shallow", "deep"]
    shown = [line.partition(" | ")[2] for line in capsys.readouterr().err.splitlines() if " | " in line]
    assert shown == ["INFO    | lib - shallow", "INFO    | lib.deep - deep"]


def test_nothing_is_lost_when_the_process_ends_at_once(tmp_path):
    code = (
        "from prefect.logging.loggers import flow_run_logger\n"
        "from types import SimpleNamespace\n"
        "flow_run_logger(SimpleNamespace(name='otter', id=b'0123456789abcdef')).info('last words')\n"
        "raise SystemExit(3)"
    )
    process = run_python(code, tmp_path)
    assert process.returncode == 3, process.stderr
    assert process.stderr.count("\n") == 1
    url = f"sqlite:///{tmp_path}/pluperfect.db"
    with temporary_settings({"PREFECT_API_DATABASE_CONNECTION_URL": url}):
        from prefect._backend import resolve

        rows = resolve.backend().find_logs(flow_run_id=b"0123456789abcdef")
        resolve.close(url)
    assert [row.message for row in rows] == ["last words"]


def test_the_levels_of_a_run_s_logger_are_honoured(store):
    with flow_run() as run:
        get_run_logger().debug("too low")
        get_run_logger().info("high enough")
    assert [line.message for line in lines_of(store, run)] == ["high enough"]
