"""Job variables and base job templates: references to blocks, variables and the environment."""

from __future__ import annotations

import logging
from uuid import uuid4

import pytest
from pydantic import SecretStr

from prefect.blocks.core import Block
from prefect.variables import Variable
from prefect.workers.base import BaseJobConfiguration

from .working import asked, run_of

SECRET = "hunter2-of-the-tests"


class Token(Block):
    """A block with a single value, as those for secrets are."""

    value: SecretStr


class Job(BaseJobConfiguration):
    image: str = ""
    token: str = ""
    size: int = 0


TEMPLATE = {
    "job_configuration": {
        "image": "registry/{{ image }}:{{ $TAG_OF_TESTS }}",
        "token": "{{ token }}",
        "size": "{{ size }}",
        "env": "{{ env }}",
    },
    "variables": {
        "type": "object",
        "properties": {
            "image": {"type": "string", "default": "{{ prefect.variables.image_of_jobs }}"},
            "token": {"type": "string"},
            "size": {"type": "integer", "default": 3},
            "env": {"type": "object"},
        },
    },
}


@pytest.fixture
def secret() -> str:
    """The name of a block with a secret."""
    name = f"token-{uuid4()}"
    Token(value=SecretStr(SECRET)).save(name)
    return name


async def test_blocks_variables_and_the_environment_are_filled_in(monkeypatch, secret):
    monkeypatch.setenv("TAG_OF_TESTS", "v7")
    await Variable.aset("image_of_jobs", "etl", overwrite=True)
    await Variable.aset("region_of_jobs", {"name": "eu-1", "zones": ["a", "b"]}, overwrite=True)
    block = f"{{{{ prefect.blocks.token.{secret} }}}}"
    values = {"token": block, "env": {"TOKEN": f"Bearer {block}", "SIZE": "{{ size }}"}}
    made = await Job.from_template_and_values(TEMPLATE, values)
    assert (made.image, made.token, made.size) == ("registry/etl:v7", SECRET, 3)
    assert made.env["TOKEN"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("placeholder", "named"),
    [
        ("{{ prefect.blocks.token.nobody-has-it }}", "token/nobody-has-it"),
        ("x {{ prefect.blocks.token.nobody-has-it }}", "token/nobody-has-it"),
        ("{{ prefect.variables.nobody_has_it }}", "nobody_has_it"),
        ("a/{{ prefect.variables.nobody_has_it }}", "nobody_has_it"),
        ("{{ $NOBODY_HAS_IT }}", "NOBODY_HAS_IT"),
    ],
    ids=["block", "block-in-text", "variable", "variable-in-text", "environment"],
)
async def test_what_cannot_be_filled_in_is_named(monkeypatch, placeholder, named):
    monkeypatch.setenv("TAG_OF_TESTS", "v7")
    with pytest.raises(Exception, match="Expected") as told:
        await Job.from_template_and_values(TEMPLATE, {"image": "a", "token": placeholder})
    assert named in str(told.value)


def test_a_run_whose_job_variables_cannot_be_filled_in_crashes_and_says_why(api, http, pool, deployed, start):
    job = {"env": {"TOKEN": "{{ prefect.variables.nobody_has_it }}"}}
    run_id = asked(http, deployed(pool, "hello", job_variables=job))
    said = start(pool, "--run-once").communicate(timeout=120)[0]
    state = run_of(http, run_id)["state"]
    assert state["type"] == "CRASHED", said
    assert "nobody_has_it" in state["message"]
    assert "Traceback" not in said


async def test_a_secret_stands_in_no_message(monkeypatch, secret, caplog):
    """Also not where the value does not fit: a validation error shows its input."""
    monkeypatch.setenv("TAG_OF_TESTS", "v7")
    caplog.set_level(logging.DEBUG)
    block = f"{{{{ prefect.blocks.token.{secret} }}}}"
    with pytest.raises(Exception) as told:  # noqa: PT011 - whatever it is
        await Job.from_template_and_values(TEMPLATE, {"image": "a", "size": block})
    assert "size" in str(told.value)
    assert SECRET not in str(told.value)
    assert SECRET not in caplog.text
