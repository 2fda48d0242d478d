# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs jobs as AWX does: with the files for AWX, a private data folder, ansible-runner, and its events."""

from __future__ import annotations

import fcntl
import json
import re
import shlex
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jinja2.sandbox
import yaml
from controller_rules import launch
from playbook import ansible_environment

ROOT = Path(__file__).resolve().parents[3]
KIT = ROOT / "extensions" / "awx"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_awx.rst"
# The package that contains the collection awx.awx, version 24.6.1.
AWX_PACKAGE = "ansible==11.13.0"


def load(file: str) -> Any:
    """A YAML file of the kit."""
    return yaml.safe_load((KIT / file).read_text(encoding="utf-8"))


def guide_blocks() -> dict[str, str]:
    """The code blocks of the guide, by their captions."""
    pattern = re.compile(r"\.\. code-block:: \S+\n   :caption: (.*)\n\n((?:   .*\n|\n)+)")
    text = GUIDE.read_text(encoding="utf-8")
    blocks = {caption: "".join(line[3:] or "\n" for line in block.splitlines(keepends=True)) for caption, block in pattern.findall(text)}
    assert len(blocks) == text.count(".. code-block::")
    return blocks


def commands(caption: str) -> list[list[str]]:
    """The commands in a block of the guide, without those that set variables."""
    lines = guide_blocks()[caption].replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line and not line.startswith("export ")]


def awx_collection(folder: Path, environment: Mapping[str, str]) -> Path:
    """Extract the collection awx.awx from its package, unless that is done, and return its path.

    :param environment: with which the package can be downloaded
    """
    collections = folder / "awx-collection"
    with (folder / "lock").open("w") as lock:
        # Both test processes may need it at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not collections.exists():
            # The package is only extracted, so it does not matter for which Python it is.
            download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python"]
            subprocess.run([*download, "--dest", str(folder), AWX_PACKAGE], env=environment, check=True)
            [wheel] = folder.glob("ansible-*.whl")
            with tempfile.TemporaryDirectory(dir=folder) as unpacked, zipfile.ZipFile(wheel) as package:
                whole = Path(unpacked, collections.name)
                package.extractall(whole, [name for name in package.namelist() if name.startswith("ansible_collections/awx/awx/")])
                whole.rename(collections)
    return collections


def inject(credential_type: Mapping[str, Any], inputs: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The environment variables that AWX injects for a credential: booleans default to false, empty fields are undefined, a file may be empty.

    :param folder: for the file
    """
    fields = {field["id"]: field for field in credential_type["inputs"]["fields"]}
    assert set(credential_type["inputs"]["required"]) <= set(inputs) <= set(fields)
    values = {name: False for name, field in fields.items() if field["type"] == "boolean"}
    values.update({name: value for name, value in inputs.items() if value != ""})
    sandbox = jinja2.sandbox.ImmutableSandboxedEnvironment()
    file = folder / "injected"
    file.write_text(sandbox.from_string(credential_type["injectors"]["file"]["template"]).render(values), encoding="utf-8")
    values["tower"] = {"filename": str(file)}
    return {name: sandbox.from_string(template).render(values) for name, template in credential_type["injectors"]["env"].items()}


def survey_answers(**given: Any) -> dict[str, Any]:
    """The extra variables of a job that AWX launches from the shipped job template with these answers."""
    template = load("job_template.yml")
    return launch(template, template["survey_spec"], {f"resize_cancel_{name}": value for name, value in given.items()})


class Unsafe(str):
    """Text that AWX marks as unsafe, that is, not as a template."""


class ExtraVarsDumper(yaml.SafeDumper):
    """Writes extra variables as AWX does."""


ExtraVarsDumper.add_representer(Unsafe, lambda dumper, value: dumper.represent_scalar("!unsafe", str(value), style="'"))


def extra_vars(from_launch: Mapping[str, Any], from_template: Mapping[str, Any]) -> str:
    """Extra variables as AWX writes them: those of a launch are not templates, those of the job template may be."""

    def unsafe(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {Unsafe(key): unsafe(item) for key, item in value.items()}
        if isinstance(value, list):
            return [unsafe(item) for item in value]
        return Unsafe(value) if isinstance(value, str) else value

    about = {"awx_job_id": 1, "tower_job_id": 1, "awx_job_launch_type": "manual", "awx_user_name": "operator"}
    return yaml.dump({**unsafe({**about, **from_launch}), **from_template}, Dumper=ExtraVarsDumper, allow_unicode=True)


class Job(NamedTuple):
    """The result of a job.

    :ivar status: successful or failed
    :ivar events: the event stream, in order
    :ivar stdout: the output of the job
    """

    status: str
    events: list[dict[str, Any]]
    stdout: str

    @property
    def artifacts(self) -> dict[str, Any]:
        """All artifacts, which a workflow passes to the next node."""
        [last] = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        return dict(last["artifact_data"])

    @property
    def artifact(self) -> dict[str, Any]:
        """The artifact of the role."""
        return dict(self.artifacts["resize_cancel_summary"])

    @property
    def recap(self) -> tuple[int, int]:
        """How many tasks made changes, and how many failed."""
        [last] = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        return last["changed"].get("localhost", 0), last["failures"].get("localhost", 0)


def run_job(
    folder: Path,
    playbook: str,
    *,
    collections: Path,
    environment: Mapping[str, str],
    launch_vars: Mapping[str, Any],
    template_vars: Mapping[str, Any] | None = None,
    inventory: str = "",
    check: bool = False,
    options: str = "",
) -> Job:
    """Run a playbook of a project folder (`folder/project`) with ansible-runner, in a private data folder with the layout of AWX."""
    for name, file, content in (
        ("env", "extravars", extra_vars(launch_vars, template_vars or {})),
        ("env", "envvars", json.dumps({**environment, "ANSIBLE_COLLECTIONS_PATH": str(collections)})),
        ("env", "cmdline", f"{options} --check --diff" if check else options),
        ("inventory", "hosts", inventory),
    ):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / file).write_text(content, encoding="utf-8")
    ident = str(sum(1 for _artifact in folder.glob("artifacts/*")) + 1)
    home = folder / "home"
    home.mkdir(exist_ok=True)
    run = subprocess.run(
        [sys.executable, "-m", "ansible_runner", "run", str(folder), "--playbook", playbook, "--ident", ident, "--quiet"],
        env=ansible_environment(home, {}), check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
    )
    artifacts = folder / "artifacts" / ident
    assert (artifacts / "status").exists(), run.stdout
    events = [json.loads(file.read_text(encoding="utf-8")) for file in (artifacts / "job_events").glob("*-*.json")]
    return Job(
        (artifacts / "status").read_text(encoding="utf-8"),
        sorted(events, key=lambda event: int(event["counter"])),
        (artifacts / "stdout").read_text(encoding="utf-8"),
    )
