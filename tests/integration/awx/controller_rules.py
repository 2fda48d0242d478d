# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX 24.6.1 accepts as a credential type, a survey and the answers of a launch, reimplemented: neither more nor less strict."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import jinja2
import jinja2.sandbox

IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# The keys of a field of a credential type, with their types. Only text fields may have those in the second half.
FIELD_KEYS: dict[str, type] = {"id": str, "label": str, "type": str, "help_text": str, "ask_at_runtime": bool, "default": object}
TEXT_FIELD_KEYS: dict[str, type] = {"secret": bool, "multiline": bool, "format": str, "choices": list}
FIELD_TYPES: dict[str, type] = {"string": str, "boolean": bool}
# Environment variables that a credential must not set, in addition to those that begin with ANSIBLE_.
RESERVED_VARIABLES = {
    "AD_HOC_COMMAND_ID", "AWX_HOST", "CACHE", "CALLBACK_CONNECTION", "CALLBACK_QUEUE", "INVENTORY_HOSTVARS", "INVENTORY_ID", "INVENTORY_SOURCE_ID",
    "INVENTORY_UPDATE_ID", "JOB_CALLBACK_DEBUG", "JOB_ID", "MAX_EVENT_RES", "PATH", "PROJECT_REVISION", "PYTHONPATH", "REST_API_TOKEN", "REST_API_URL",
    "SUPERVISOR_CONFIG_PATH", "VIRTUAL_ENV",
}
# The types of questions, and of their defaults.
QUESTION_TYPES: dict[str, type | tuple[type, ...]] = {
    "text": str, "textarea": str, "password": str, "multiplechoice": str, "multiselect": str, "integer": int, "float": (float, int),
}


# The line by which a file in a project is recognized as a playbook.
PLAYBOOK = re.compile(r"^\s*-?\s*(hosts|(ansible\.builtin\.)?(include|import_playbook)):", re.MULTILINE)


class Refused(Exception):
    """A request that AWX refuses with HTTP 400.

    :ivar body: the content of its response
    """

    def __init__(self, body: Mapping[str, Any] | str) -> None:
        super().__init__(body)
        self.body = dict(body) if isinstance(body, Mapping) else {"__all__": [body]}


def demand(condition: object, body: Mapping[str, Any] | str) -> None:
    """Refuse the request if a condition is not met."""
    if not condition:
        raise Refused(body)


def check_credential_type(record: Mapping[str, Any]) -> None:
    """A credential type as a system administrator may add it."""
    demand(record.get("kind") in ("cloud", "net"), {"kind": ["Must be 'cloud' or 'net'"]})
    inputs, injectors = record.get("inputs", {}), record.get("injectors", {})
    demand(isinstance(inputs, dict) and set(inputs) <= {"fields", "required"}, {"inputs": ["unknown key, or 'dependencies'"]})
    required, fields = inputs.get("required", []), inputs.get("fields", [])
    # AWX does not check whether required names are fields.
    demand(isinstance(required, list) and all(isinstance(name, str) for name in required), {"inputs": ["required is a list of names"]})
    demand(isinstance(fields, list), {"inputs": ["fields is a list"]})
    for field in fields:
        _check_field(field)
    names = [field["id"] for field in fields]
    demand(len(set(names)) == len(names), {"inputs": ["field IDs must be unique"]})
    _check_injectors(injectors, names)


def _check_field(field: Any) -> None:
    demand(isinstance(field, dict) and {"id", "label"} <= set(field), {"inputs": ["a field has an ID and a label"]})
    for key, value in field.items():
        expected = (FIELD_KEYS | TEXT_FIELD_KEYS).get(key)
        demand(expected and isinstance(value, expected), {"inputs": [f"{key}: unknown, or of another type"]})
    demand(IDENTIFIER.fullmatch(field["id"]) and field["id"] != "tower", {"inputs": [f"{field['id']} is an invalid variable name"]})
    kind = field.get("type", "string")
    demand(kind in FIELD_TYPES, {"inputs": [f"{kind} is not one of the types"]})
    demand(field.get("format", "url") in ("ssh_private_key", "url"), {"inputs": ["unknown format"]})
    choices = field.get("choices", ["one"])
    demand(
        choices and all(isinstance(choice, str) for choice in choices) and len(set(choices)) == len(choices), {"inputs": ["choices are different texts"]}
    )
    demand(kind == "string" or not set(TEXT_FIELD_KEYS) & set(field), {"inputs": [f"not allowed for {kind} type ({field['id']})"]})
    demand("default" not in field or field["default"].__class__ is FIELD_TYPES[kind], {"inputs": [f"the default is not a {kind}"]})
    demand(not field.get("ask_at_runtime"), {"inputs": ["'ask_at_runtime' is not supported for custom credentials."]})


class _Namespace:
    """The variable `tower` of templates: only its attributes can be rendered as text."""

    def __str__(self) -> str:
        raise jinja2.UndefinedError("a namespace is no text")


def _check_injectors(injectors: Any, names: list[str]) -> None:
    # AWX also has extra_vars, which this collection does not use.
    demand(isinstance(injectors, dict) and set(injectors) <= {"env", "file"}, {"injectors": ["unknown kind of injector"]})
    for templates in injectors.values():
        demand(
            isinstance(templates, dict) and all(isinstance(template, str) for template in templates.values()), {"injectors": ["names with their templates"]}
        )
    variables, files = injectors.get("env", {}), injectors.get("file", {})
    for name, template in variables.items():
        demand(IDENTIFIER.fullmatch(name) and template.isascii(), {"injectors": [f"{name}: no variable's name, or a template that is not ASCII"]})
        demand(
            not name.startswith("ANSIBLE_") and name not in RESERVED_VARIABLES,
            {"injectors": [f"Environment variable {name} may affect Ansible configuration so its use is not allowed in credentials."]},
        )
    demand(all(name == "template" or _file_part(name) for name in files), {"injectors": ["files are called template or template.NAME"]})
    demand(len(files) < 2 or "template" not in files, {"injectors": ["Must use multi-file syntax when injecting multiple files"]})

    tower = _Namespace()
    if "template" in files:
        tower.filename = "EXAMPLE"  # type: ignore[attr-defined]
    else:
        tower.filename = _Namespace()  # type: ignore[attr-defined]
        for name in files:
            setattr(tower.filename, _file_part(name), "EXAMPLE")  # type: ignore[attr-defined]
    strict = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    for name, template in [*variables.items(), *files.items()]:
        try:
            strict.from_string(template).render({**dict.fromkeys(names, "EXAMPLE"), "tower": tower})
        except (jinja2.UndefinedError, jinja2.TemplateSyntaxError, jinja2.sandbox.SecurityError) as error:
            raise Refused({"injectors": [f"{name} uses an undefined field ({error})"]}) from error


def _file_part(name: str) -> str:
    start, _dot, part = name.partition(".")
    return part if start == "template" and IDENTIFIER.fullmatch(part) else ""


def check_survey(survey: Mapping[str, Any]) -> None:
    """Check a survey as AWX does when it is set for a job template."""
    for key, kind in (("name", str), ("description", str), ("spec", list)):
        demand(isinstance(survey.get(key), kind), {"error": f"Field '{key}' is missing from survey spec, or of another type."})
    demand(survey["spec"], {"error": "'spec' doesn't contain any items."})
    seen: set[str] = set()
    for question in survey["spec"]:
        demand(isinstance(question, dict), {"error": "Survey question is not a json object."})
        for key, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
            demand(isinstance(question.get(key), kind), {"error": f"'{key}' missing from survey question, or of another type"})
        demand(question["variable"] not in seen, {"error": f"'variable' '{question['variable']}' duplicated in survey question."})
        seen.add(question["variable"])
        _check_question(question)


def _check_question(question: Mapping[str, Any]) -> None:
    kind, default = question["type"], question.get("default", "")
    demand(kind in QUESTION_TYPES, {"error": f"'{kind}' is not an allowed question type."})
    demand(default == "" or isinstance(default, QUESTION_TYPES[kind]), {"error": f"Default value {default} expected to be {kind}."})
    for limit in ("min", "max"):
        demand(isinstance(question.get(limit), (int, type(None))), {"error": f"The {limit} limit expected to be integer."})
    if kind in ("multiplechoice", "multiselect"):
        demand("choices" in question, {"error": f"Survey question of type {kind} must specify choices."})
        chosen = [line for line in default.splitlines() if line.strip()]
        demand(len(chosen) < 2 or kind == "multiselect", {"error": "Multiple Choice (Single Select) can only have one default value."})
        demand(all(choice in question["choices"] for choice in chosen), {"error": "Default choice must be answered from the choices listed."})
    encrypted = isinstance(default, str) and default.startswith("$encrypted$")
    demand(not encrypted, {"error": "$encrypted$ is a reserved keyword for password question defaults."})


def launch(template: Mapping[str, Any], survey: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The extra variables of a job: those of the template, then the survey's defaults, then those of the launch.

    :param given: extra variables of the launch, by the user interface, the API, a schedule or `awx.awx.job_launch`
    :raises Refused: for an answer that the survey does not allow
    """
    questions = {question["variable"]: question for question in survey.get("spec", [])} if template.get("survey_enabled") else {}
    mistakes = [mistake for question in questions.values() for mistake in _mistakes(question, given)]
    demand(not mistakes, {"variables_needed_to_start": mistakes})
    defaults = {name: question.get("default") for name, question in questions.items()}
    return {
        **json.loads(template.get("extra_vars") or "{}"),
        **{name: default for name, default in defaults.items() if default is not None and not _mistakes(questions[name], {name: default})},
        # Variables without a question are silently dropped.
        **{name: value for name, value in given.items() if name in questions or template.get("ask_variables_on_launch")},
    }


def _mistakes(question: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """What is wrong with the answer to a question."""
    name, kind = question["variable"], question["type"]
    if name not in given:
        return [f"'{name}' value missing"] if question["required"] else []
    value = given[name]
    if kind in ("multiplechoice", "multiselect"):
        return _wrong_choices(question, value)
    # A boolean is not a number here.
    allowed = {"integer": (int,), "float": (int, float)}.get(kind, (str,))
    if type(value) not in allowed:
        expected = {"integer": "an integer", "float": "a numeric type"}.get(kind, "a string")
        return [f"Value {value} for '{name}' expected to be {expected}."]
    size = len(value) if isinstance(value, str) else value
    low, high = question.get("min"), question.get("max")
    return [f"'{name}' value {value} is too small (must be at least {low})."] * (low not in (None, "") and size < low) + [
        f"'{name}' value {value} is too large (must be no more than {high})."
    ] * (high not in (None, "") and size > high)


def _wrong_choices(question: Mapping[str, Any], value: Any) -> list[str]:
    name, choices = question["variable"], question["choices"]
    if isinstance(choices, str):
        choices = [choice for choice in choices.splitlines() if choice.strip()]
    if question["type"] == "multiselect" and not isinstance(value, list):
        return [f"'{name}' value is expected to be a list."]
    values = value if question["type"] == "multiselect" else [value]
    return [f"Value {item} for '{name}' expected to be one of {choices}." for item in values if item not in choices]
