"""The manifests name commands, options, variables and versions that exist, and hold no secret."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from imagehaven.cli.main import app

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
JOB = yaml.safe_load((DEPLOY / "kuberay" / "rayjob.yaml").read_text())
SCRIPT = DEPLOY / "slurm" / "imagehaven.sbatch"
SECRETS = {"HAVEN_DATABASE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


def pods() -> list[dict[str, Any]]:
    cluster = JOB["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


def containers() -> Iterator[dict[str, Any]]:
    for pod in pods():
        yield from pod["containers"]


def check_command(words: list[str]) -> None:
    """Parse the words of a command as the command line does, without running it."""
    assert words[0] == "imagehaven"
    group: Any = typer.main.get_command(app)
    context = group.make_context("imagehaven", words[1:])
    name, command, rest = group.resolve_command(context, context._protected_args + context.args)
    command.make_context(name, list(rest), parent=context)


def test_the_job_runs_a_command_that_exists() -> None:
    check_command(shlex.split(JOB["spec"]["entrypoint"]))


@pytest.mark.parametrize(
    "wrong", ["imagehaven ingset /archive", "imagehaven ingest /a --motor ray"]
)
def test_a_command_that_does_not_exist_would_be_noticed(wrong: str) -> None:
    with pytest.raises(typer.TyperException):
        check_command(shlex.split(wrong))


def test_every_pod_has_the_same_image_and_paths() -> None:
    assert len({container["image"] for container in containers()}) == 1
    assert all(c["image"].endswith(f":{version('imagehaven')}") for c in containers())
    assert len({str(container["volumeMounts"]) for container in containers()}) == 1
    for pod in pods():
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {m["name"] for c in pod["containers"] for m in c["volumeMounts"]} == volumes


def test_paths_of_the_job_are_mounted() -> None:
    mounted = {mount["mountPath"] for c in containers() for mount in c["volumeMounts"]}
    named = {word for word in shlex.split(JOB["spec"]["entrypoint"]) if word.startswith("/")}
    assert named <= mounted


def test_originals_are_mounted_to_be_read_only() -> None:
    mounts = [m for c in containers() for m in c["volumeMounts"] if m["name"] == "archive"]
    assert mounts
    assert all(mount["readOnly"] for mount in mounts)


def test_secrets_are_there_by_reference_alone() -> None:
    example = yaml.safe_load((DEPLOY / "kuberay" / "secrets.example.yaml").read_text())
    for container in containers():
        assert {entry["name"] for entry in container["env"]} == SECRETS
        for entry in container["env"]:
            assert set(entry) == {"name", "valueFrom"}
            reference = entry["valueFrom"]["secretKeyRef"]
            assert reference["name"] == example["metadata"]["name"]
            assert reference["key"] in example["stringData"]
    assert all("REPLACE" in value or "example" in value for value in example["stringData"].values())


def test_the_cluster_wants_a_token_and_the_pinned_ray() -> None:
    cluster = JOB["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["rayVersion"] == version("ray")
    assert JOB["apiVersion"] == "ray.io/v1"


def test_no_pod_runs_as_root() -> None:
    assert all(pod["securityContext"]["runAsNonRoot"] for pod in pods())


def test_the_script_is_valid_and_its_examples_are_commands() -> None:
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)
    text = SCRIPT.read_text()
    examples = re.findall(r"^# +sbatch .*imagehaven\.sbatch (.+)$", text, re.M)
    assert len(examples) == 2
    for example in examples:
        check_command(["imagehaven", *shlex.split(example), "--engine", "ray"])
    assert {name for name in SECRETS if name in text} == SECRETS
    assert "RAY_AUTH_MODE=token" in text


def test_the_script_wants_a_verb_and_a_haven(tmp_path: Path) -> None:
    for environment in ({}, {"IMAGEHAVEN_HOME": str(tmp_path), "IMAGEHAVEN_VENV": "nowhere"}):
        done = subprocess.run(
            ["bash", str(SCRIPT)],
            env={"PATH": "/usr/bin:/bin", **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode != 0
        assert "IMAGEHAVEN_HOME" in done.stderr or "Name a verb" in done.stderr


def test_ray_knows_the_options_of_the_script() -> None:
    told = SCRIPT.read_text().replace("\\\n", " ")
    used = set(re.findall(r"--[a-z-]+", " ".join(re.findall(r"ray start (.+?) --block", told))))
    known = subprocess.run(
        [str(Path(sys.executable).with_name("ray")), "start", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert used
    assert {option for option in used if option not in known.stdout} == set()


def test_the_image_has_what_the_pods_need() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert "imagehaven" in text
    assert "ray[default]" in text
    assert "USER haven" in text
