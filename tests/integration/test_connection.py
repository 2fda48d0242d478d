# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections as users set them up: real playbooks, real files and variables, real TLS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible_collections.huaweicloud.dcs.plugins.module_utils._credentials import ENVIRONMENT
from ansible_collections.huaweicloud.dcs.plugins.module_utils._module import CONNECTION_OPTIONS
from ansible_collections.huaweicloud.dcs.plugins.modules import dcs_resize_cancel, dcs_resize_info
from loopback import Connection, answering, serve, unused_port
from module_runner import run_module
from playbook import Run, run_playbook
from sample import INSTANCE, PROJECT
from simulator.authentication import DEFAULT_ACCOUNTS
from simulator.client import Simulator

INFO = "huaweicloud.dcs.dcs_resize_info"
CANCEL = "huaweicloud.dcs.dcs_resize_cancel"
PERMANENT, TEMPORARY = DEFAULT_ACCOUNTS
SECRETS = (PERMANENT.secret_key, PERMANENT.token, TEMPORARY.secret_key, TEMPORARY.security_token)

Case = tuple[str, Mapping[str, Any], Mapping[str, str]]


def run_cases(*cases: Case, environment: Mapping[str, str] | None = None, arguments: tuple[str, ...] = (), module: str = INFO) -> dict[str, dict[str, Any]]:
    """Run a playbook with a task per case (name, options, environment variables). Return the results by name."""
    asked = {"instance_ids": [INSTANCE]} if module == INFO else {"instance_id": INSTANCE}
    tasks = [
        {"name": name, module: {**asked, **options}, "environment": dict(variables), "ignore_errors": True}
        for name, options, variables in cases
    ]
    run = run_playbook(tasks, *arguments, environment=environment)
    assert run.code == 0, run.output
    return {name: run.result(name) for name, _options, _variables in cases}


def run_in_process(*cases: Case, environment: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """The same without a playbook, which is faster, for cases where that makes no difference."""
    return {
        name: run_module(dcs_resize_info, {"instance_ids": [INSTANCE], **options}, environment={**(environment or {}), **variables})
        for name, options, variables in cases
    }


def where(cloud: Simulator) -> dict[str, str]:
    """The variables for the endpoints and the region of the cloud, without credentials."""
    return {"HW_DCS_ENDPOINT": cloud.endpoint, "HW_AUTH_URL": cloud.endpoint, "HW_REGION_NAME": "cn-north-4", "HW_METADATA_ENDPOINT": "none"}


def pair(account: Any, *names: str) -> dict[str, str]:
    """The keys of an account under these names."""
    return dict(zip(names, filter(None, (account.access_key, account.secret_key, account.security_token))))


def put(home: Path, name: str, text: str) -> Path:
    file = home / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def waiting(cloud: Simulator) -> Simulator:
    """A cloud with a pending resize on INSTANCE."""
    cloud.schedule(INSTANCE)
    return cloud


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory with a file of each kind: the temporary account is in the profile, the permanent one in the SDKs' file."""
    keys = pair(TEMPORARY, "accessKeyId", "secretAccessKey", "securityToken")
    profile = {"name": "temporary", "mode": "AKSK", "region": "cn-north-4", "projectId": PROJECT, **keys}
    put(tmp_path, ".hcloud/config.json", json.dumps({"current": "temporary", "profiles": [profile]}))
    put(tmp_path, ".huaweicloud/credentials", f"[basic]\nak = {PERMANENT.access_key}\nsk = {PERMANENT.secret_key}\nproject_id = {PROJECT}\n")
    return tmp_path


# ---- Where keys come from


def test_each_source(waiting: Simulator, home: Path) -> None:
    """Each source of credentials, and the account with which the request was sent."""
    hw, sdk = ("HW_ACCESS_KEY", "HW_SECRET_KEY", "HW_SECURITY_TOKEN"), ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_SECURITY_TOKEN")
    in_home = {"HOME": str(home)}
    metadata = {"HW_METADATA_ENDPOINT": waiting.endpoint}
    cases: list[tuple[str, Mapping[str, Any], Mapping[str, str], str | None]] = [
        ("options", pair(PERMANENT, "access_key", "secret_key"), {**pair(TEMPORARY, *hw), **in_home}, PERMANENT.access_key),
        ("temporary keys as options", pair(TEMPORARY, "access_key", "secret_key", "security_token"), in_home, TEMPORARY.access_key),
        ("HW_", {}, {**pair(TEMPORARY, *hw), **pair(PERMANENT, *sdk), **in_home}, TEMPORARY.access_key),
        ("HUAWEICLOUD_SDK_", {}, {**pair(TEMPORARY, *sdk), **in_home}, TEMPORARY.access_key),
        ("token", {}, {"HW_AUTH_TOKEN": str(PERMANENT.token), **in_home}, None),
        ("profile", {"profile": "temporary"}, {**pair(PERMANENT, *hw), **in_home}, TEMPORARY.access_key),
        ("file", {"credentials_file": "~/.huaweicloud/credentials"}, {**pair(TEMPORARY, *hw), "HW_PROFILE": "none", **in_home}, PERMANENT.access_key),
        ("profile in the environment", {}, {"HW_PROFILE": "temporary", **in_home}, TEMPORARY.access_key),
        ("environment before a profile in it", {}, {**pair(PERMANENT, *hw), "HW_PROFILE": "none", **in_home}, PERMANENT.access_key),
        ("current profile", {"shared_config_file": "~/.hcloud/config.json"}, in_home, TEMPORARY.access_key),
        ("credentials file", {}, in_home, PERMANENT.access_key),
        ("metadata", {}, metadata, TEMPORARY.access_key),
        ("metadata, without a home", {}, {**metadata, "HOME": "/dev/null"}, TEMPORARY.access_key),
    ]
    results = run_cases(*(case[:3] for case in cases), environment=where(waiting))
    asked = [request["access_key"] for request in waiting.requests(kind="tasks")]
    assert {name: (result.get("msg"), len(result["resizes"])) for name, result in results.items()} == {case[0]: (None, 1) for case in cases}
    assert asked == [case[3] for case in cases]
    # If the source sets a project, it is not looked up.
    brings_a_project = ("profile", "file", "profile in the environment", "current profile", "credentials file")
    assert len(waiting.requests(kind="projects")) == len(cases) - len(brings_a_project)


def test_secrets_are_in_no_output(waiting: Simulator, home: Path) -> None:
    """At the highest verbosity, with the keys of each source, in success and failure."""
    waiting.fault("unauthorized", kind="instances", always=True)
    tasks = [
        {"name": "From a file", INFO: {"instance_ids": [INSTANCE]}},
        {"name": "From a profile", INFO: {"instance_ids": [INSTANCE], "profile": "temporary"}},
        {"name": "From metadata", INFO: {"instance_ids": [INSTANCE], "credentials_file": str(home / "none")}, "ignore_errors": True},
        {"name": "From options", INFO: {"instance_ids": [INSTANCE], **pair(TEMPORARY, "access_key", "secret_key", "security_token")}},
        {"name": "A token", INFO: {"instance_ids": [INSTANCE], "token": PERMANENT.token}},
        {"name": "Refused", INFO: {}, "ignore_errors": True},
    ]
    environment = {**where(waiting), "HOME": str(home), "http_proxy": f"http://user:PROXYsecret@127.0.0.1:{unused_port()}", "no_proxy": "127.0.0.1"}
    run = run_playbook(tasks, "-vvvv", environment=environment)
    assert run.code == 0, run.output
    assert run.result("Refused")["errors"][0]["http_status"] == 401
    for secret in (*map(str, SECRETS), "PROXYsecret", "SDK-HMAC-SHA256 Access"):
        assert secret not in run.output
        assert secret not in json.dumps(run.results)


def test_what_a_broken_source_says(cloud: Simulator, home: Path) -> None:
    """One message, no request, no traceback."""
    put(home, "bad.ini", "no section\n")
    put(home, "bad.json", "{")
    put(home, "encrypted.json", json.dumps({"profiles": [{"name": "default", "accessKeyId": "x", "authEncrypt": "true"}]}))
    results = run_in_process(
        ("half of the options", {"access_key": "AK-example"}, {}),
        ("half of the environment", {}, {"HW_SECRET_KEY": "SK-example"}),
        ("a lone security token", {}, {"HUAWEICLOUD_SDK_SECURITY_TOKEN": "STS-example"}),
        ("unknown profile", {"profile": "unknown"}, {}),
        ("encrypted profile", {"shared_config_file": "~/encrypted.json"}, {}),
        ("bad JSON", {}, {"HW_SHARED_CONFIG_FILE": str(home / "bad.json")}),
        ("bad INI", {}, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(home / "bad.ini")}),
        ("missing file", {"credentials_file": "~/missing"}, {}),
        ("a key with a line break", {"access_key": "AK-example", "secret_key": "SK-exa\nmple"}, {}),
        ("a key in quotation marks", {}, {"HW_ACCESS_KEY": "'AK-example'", "HW_SECRET_KEY": "'SK-example'"}),
        ("a short key", {"access_key": "AK-example", "secret_key": "short"}, {}),
        ("nothing", {}, {"HOME": "/nonexistent"}),
        environment={**where(cloud), "HOME": str(home)},
    )
    words = {
        "half of the options": "Incomplete credentials: access_key is set, but secret_key is not (the module's options).",
        "half of the environment": "Incomplete credentials: HW_SECRET_KEY is set, but HW_ACCESS_KEY is not",
        "a lone security token": "HUAWEICLOUD_SDK_SECURITY_TOKEN is set, but HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK are not",
        "unknown profile": "has no profile 'unknown'. Its profiles: temporary",
        "encrypted profile": "encrypted by KooCLI",
        "bad JSON": "bad.json is not valid JSON",
        "bad INI": "bad.ini is not a valid INI file",
        "missing file": "missing does not exist",
        "a key with a line break": "Invalid secret_key in the module's options: it has a character that no key has",
        "a key in quotation marks": "Invalid HW_ACCESS_KEY in the HW_ environment variables: it begins or ends with a quotation mark.",
        "a short key": "Invalid secret_key in the module's options: it has fewer than 8 characters.",
        "nothing": "No credentials found.",
    }
    for name, result in results.items():
        assert result["failed"]
        assert words[name] in result["msg"], name
        assert result["errors"][0]["code"] == "Configuration"
        assert result["resizes"] == []
    assert cloud.requests() == []


def test_metadata_that_is_of_no_use(cloud: Simulator) -> None:
    environment = {**where(cloud), "HW_METADATA_ENDPOINT": cloud.endpoint, "HW_PROJECT_ID": PROJECT}
    for settings, words in (
        ({"metadata_agency": False}, "this ECS instance has no agency"),
        ({"metadata_agency": True, "metadata_expired": True}, " expired at "),
    ):
        cloud.configure(**settings)
        assert words in run_in_process(("metadata", {}, {}), environment=environment)["metadata"]["msg"]
    cloud.configure(metadata_expired=False, metadata_token_status=405)
    cloud.schedule(INSTANCE)
    assert len(run_in_process(("metadata", {}, {}), environment=environment)["metadata"]["resizes"]) == 1


def test_metadata_that_drips_ends(cloud: Simulator) -> None:
    """Each byte arrives in time, but the task does not wait for the last one."""

    def handle(connection: Connection) -> None:
        connection.receive()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
        connection.drip(b"x", 0.5)

    with serve(handle) as metadata:
        environment = {**where(cloud), "HW_METADATA_ENDPOINT": metadata.url, "HOME": "/dev/null"}
        results = {module: run_cases(("x", {}, {}), environment=environment, module=module)["x"] for module in (INFO, CANCEL)}
    for result in results.values():
        assert f"the metadata service {metadata.url} (no complete response within 6 s)" in result["msg"]
    assert [entry["error"]["code"] for entry in results[CANCEL]["resizes"]] == ["Configuration"]
    assert cloud.requests() == []


# ---- Blank is unset


def blank_options(options: Mapping[str, Any], blank: str | None, but: Mapping[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys((*CONNECTION_OPTIONS, *options), blank), **but}


def test_blank_options_are_unset(waiting: Simulator) -> None:
    """Every option of both modules, whatever its type, with what AWX passes for an unanswered question."""
    tasks = [
        {"name": f"{module} {blank!r}", module: blank_options(options, blank, but), "check_mode": True}
        for module, options, but in ((INFO, dcs_resize_info.OPTIONS, {}), (CANCEL, dcs_resize_cancel.OPTIONS, {"instance_id": INSTANCE}))
        for blank in ("", "  ", None)
    ]
    run = run_playbook(tasks, environment={**waiting.environment(), "HW_METADATA_ENDPOINT": "none"})
    assert run.code == 0, run.output
    assert [len(task["result"]["resizes"]) for task in run.results] == [1] * 6
    assert waiting.requests(kind="projects") == []


def test_blank_variables_are_unset(waiting: Simulator) -> None:
    """Every environment variable, while the necessary values are set as options."""
    options = {
        "endpoint": waiting.endpoint, "auth_url": f"{waiting.endpoint}/v3/", "region": "cn-north-4", "metadata_endpoint": "none",
        **pair(PERMANENT, "access_key", "secret_key"),
    }
    variables = [name for names in ENVIRONMENT.values() for name in names]
    cases = [(f"{blank!r}", options, dict.fromkeys(variables, blank)) for blank in ("", "  ")]
    for result in run_cases(*cases, environment={"HOME": "/nonexistent"}).values():
        assert len(result["resizes"]) == 1, result
    assert len(waiting.requests(kind="projects")) == 2


# ---- White space, numbers, lists


def test_what_is_pasted(waiting: Simulator) -> None:
    """Surrounding white space is removed: in keys, IDs, lists and mappings, from options and from the environment."""
    connection = {name: f" {value}\n" for name, value in waiting.environment().items()}
    entry = {" instance_id": f"{INSTANCE} ", "task_id ": "{{ found.resizes[0].task_id }}\n"}
    tasks = [
        {"name": "List", INFO: {"instance_ids": [f"{INSTANCE}\n"], "status": [" waiting "]}, "register": "found"},
        {"name": "List text", INFO: {"instance_ids": f" {INSTANCE} "}},
        {"name": "Cancel", CANCEL: {"resizes": [entry], "on_too_late": "fail ", "concurrency": " 2 "}},
        {"name": "Again", CANCEL: {"instance_id": f" {INSTANCE}\n"}},
    ]
    run = run_playbook(tasks, environment=connection)
    assert run.code == 0, run.output
    assert [len(run.result(name)["resizes"]) for name in ("List", "List text")] == [1, 1]
    assert [entry["outcome"] for name in ("Cancel", "Again") for entry in run.result(name)["resizes"]] == ["cancelled", "absent"]


def test_what_is_refused_before_any_request(cloud: Simulator) -> None:
    """With all keys of the result, and without a traceback."""
    cases: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
        (CANCEL, {"timeout": 10_000_000_000}, {}, "timeout must be a whole number from 1 to 3600, but is 10000000000."),
        (CANCEL, {"wait_timeout": int("9" * 310)}, {}, "wait_timeout must be a whole number from 0 to 604800, but is 999"),
        (INFO, {"timeout": "{{ 'inf' | float }}"}, {}, "timeout must be a whole number from 1 to 3600, but is "),
        (INFO, {"concurrency": "1e999999999"}, {}, "concurrency must be a whole number from 1 to 64, but is '1e999999999'."),
        (INFO, {}, {"HW_MAX_RETRIES": "many"}, "HW_MAX_RETRIES must be a whole number from 0 to 100, but is 'many'."),
        (CANCEL, {}, {"HW_INSECURE": "perhaps"}, "HW_INSECURE must be true or false, but is 'perhaps'."),
        (CANCEL, {"instance_id": None, "resizes": [{"instance_id": INSTANCE, "taskid": "x"}]}, {}, "unknown key 'taskid'. Did you mean 'task_id'?"),
        (INFO, {"instance_ids": ["", None]}, {}, "instance_ids must not have blank entries"),
        (INFO, {"instance_ids": ","}, {}, "instance_ids must not have blank entries"),
        (CANCEL, {"endpoint": "https://:PRIVATE-pw@dcs.example.org"}, {}, "Invalid URL in endpoint: it contains a user name or a password."),
        (INFO, {}, {"HW_AUTH_URL": "https://user:PRIVATE-pw@dcs.example.org", "HW_PROJECT_ID": ""}, "Invalid URL in HW_AUTH_URL: it contains a user name"),
    ]
    tasks = [
        {
            "name": str(number),
            module: {**({"instance_id": INSTANCE} if module == CANCEL else {"instance_ids": [INSTANCE]}), **options},
            "environment": variables,
            "ignore_errors": True,
        }
        for number, (module, options, variables, _words) in enumerate(cases)
    ]
    run = run_playbook(tasks, "-vvvv", environment=cloud.environment())
    assert run.code == 0, run.output
    for number, (_module, _options, _variables, words) in enumerate(cases):
        result = run.result(str(number))
        assert words in result["msg"], number
        assert result["changed"] is False
        assert "resizes" in result
        assert "PRIVATE-pw" not in json.dumps(result), number
    assert "Traceback" not in run.output
    assert cloud.requests() == []


# ---- The project


def test_which_project(waiting: Simulator, home: Path) -> None:
    """By its ID, by its name, by the region; the project in a file is used only with that file's keys."""
    keys = pair(PERMANENT, "access_key", "secret_key")
    run_in_process(
        ("by id", {**keys, "project_id": PROJECT}, {}),
        ("by region", keys, {}),
        ("by name", {**keys, "project_name": "cn-north-4", "region": "somewhere"}, {}),
        ("with the file's keys", {}, {}),
        ("with other keys", {**keys, "region": "elsewhere", "project_name": "cn-north-4"}, {}),
        environment={**where(waiting), "HOME": str(home)},
    )
    assert [(request["kind"], request["query"].partition("&")[0]) for request in waiting.requests() if request["kind"] in ("projects", "tasks")] == [
        ("tasks", "limit=1000"),
        *[("projects", "name=cn-north-4"), ("tasks", "limit=1000")] * 2,
        ("tasks", "limit=1000"),
        *[("projects", "name=cn-north-4"), ("tasks", "limit=1000")],
    ]


def test_a_profiles_region_counts_only_with_its_keys(cloud: Simulator, home: Path) -> None:
    """Without another region, none is set, even if a profile with a region is set."""
    result = run_in_process(("x", {"profile": "temporary", **pair(PERMANENT, "access_key", "secret_key")}, {}), environment={"HOME": str(home)})["x"]
    assert "No region. Set region (HW_REGION_NAME) or endpoint (HW_DCS_ENDPOINT)." in result["msg"]


def test_a_project_that_is_not_found() -> None:
    twice = [{"id": f"{number}" * 32, "name": "twice"} for number in (1, 2)]
    with Simulator({"projects": [{"id": PROJECT, "name": "cn-north-4"}, *twice]}) as cloud:
        environment = {**cloud.environment(), "HW_PROJECT_ID": ""}
        results = run_in_process(("none", {"project_name": "nowhere"}, {}), ("several", {"project_name": "twice"}, {}), environment=environment)
        assert "No project is named 'nowhere'. Found: none." in results["none"]["msg"]
        assert f"More than one project is named 'twice'. Found: twice ({'1' * 32}), twice ({'2' * 32})" in results["several"]["msg"]
        assert [request["kind"] for request in cloud.requests()] == ["projects"] * 2


@pytest.mark.parametrize(
    ("fault", "status", "words"), [("unauthorized", 401, "HTTP 401"), ("forbidden", 403, "set project_id"), ("not_published", 404, "HTTP 404")]
)
def test_a_look_up_that_is_refused(cloud: Simulator, fault: str, status: int, words: str) -> None:
    """Nothing more is sent, and the message says what to do."""
    cloud.fault(fault, kind="projects", always=True)
    result = run_in_process(("x", {}, {}), environment={**cloud.environment(), "HW_PROJECT_ID": ""})["x"]
    assert result["errors"][0]["http_status"] == status
    assert "GET /v3/projects" in result["msg"]
    assert words in result["msg"]
    assert PERMANENT.access_key not in result["msg"]
    assert len(cloud.requests()) == 1


# ---- Endpoints


def test_forms_of_an_endpoint(waiting: Simulator) -> None:
    environment = {**waiting.environment(), "HW_PROJECT_ID": ""}
    ends = [("", ""), ("/", "/"), ("/v2", "/v3"), ("/v2/", "/v3/"), (f"/v2/{PROJECT}", "/v3.0"), ("//", "/v3/auth/tokens")]
    cases = [(f"{dcs} {iam}", {"endpoint": f"{waiting.endpoint}{dcs}", "auth_url": f"{waiting.endpoint}{iam}"}, {}) for dcs, iam in ends]
    results = run_in_process(*cases, environment=environment)
    assert [len(result["resizes"]) for result in results.values()] == [1] * len(ends)


def test_what_is_no_endpoint(cloud: Simulator) -> None:
    """Refused before anything is sent, without a traceback."""
    bad = ["https://[::1", "https://dcs.example.com:port", "https://dcs.example.com:99999", "https://", "ftp://dcs.example.com", "https://dcs example.com"]
    cases: list[Case] = [(value, {"endpoint": value}, {}) for value in bad]
    cases += [(f"region {value}", {"region": value}, {"HW_DCS_ENDPOINT": ""}) for value in ("cn north", "example.com/", "a?b", "a#b", "a@b", "a:1")]
    for name, result in run_in_process(*cases, environment=cloud.environment()).items():
        assert result["failed"], name
        assert "Invalid URL in endpoint" in result["msg"] or "Invalid region" in result["msg"], name
    assert cloud.requests() == []


def test_a_redirect_is_not_followed(cloud: Simulator) -> None:
    with serve(answering(({}, 200, {}))) as target:
        cloud.fault({"fault": "redirect", "location": f"{target.url}/elsewhere"}, kind="tasks")
        result = run_cases(("x", {}, {}), environment=cloud.environment())["x"]
    assert target.connections == 0
    assert result["errors"][0]["code"] == "Redirect"
    assert f"{target.url}/elsewhere" in result["msg"]


# ---- requests that can't be imported


def test_requests_is_broken(cloud: Simulator, tmp_path: Path) -> None:
    """It is missing, or one of its dependencies is too old: both modules name the cause, and return all keys."""
    causes = {"missing": "raise ModuleNotFoundError('No module named requests')", "broken": "raise AttributeError('no X509_V_FLAG_NOTIFY_POLICY')"}
    for name, line in causes.items():
        put(tmp_path / name, "requests/__init__.py", f"{line}\n")
    cases: list[Case] = [(name, {}, {"PYTHONPATH": str(tmp_path / name)}) for name in causes]
    for module in (INFO, CANCEL):
        results = run_cases(*cases, environment=cloud.environment(), module=module)
        for name, words in (("missing", "ModuleNotFoundError: No module named requests"), ("broken", "AttributeError: no X509_V_FLAG_NOTIFY_POLICY")):
            result = results[name]
            assert "Failed to import the required Python library (requests)" in result["msg"]
            assert f". The import failed with {words}" in result["msg"]
            found = result["errors"] if module == INFO else [entry["error"] for entry in result["resizes"]]
            assert [error["code"] for error in found] == ["Configuration"]
    assert cloud.requests() == []


# ---- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def encrypted(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, str]]:
    """A simulated cloud with HTTPS, and the certificate file of its CA."""
    folder = tmp_path_factory.mktemp("tls")
    certificate = authority.issue_cert("127.0.0.1")
    for number, blob in enumerate((*certificate.cert_chain_pems, authority.cert_pem)):
        blob.write_to_path(folder / "chain.pem", append=number > 0)
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    with Simulator(tls_cert=folder / "chain.pem", tls_key=folder / "key.pem") as simulator:
        simulator.schedule(INSTANCE)
        yield simulator, str(folder / "ca.pem")


def test_tls(encrypted: tuple[Simulator, str]) -> None:
    cloud, ca_file = encrypted
    host = cloud.endpoint.removeprefix("https://")
    trusted: list[Case] = [
        ("authority as an option", {"ca_path": ca_file}, {}),
        ("authority in the environment", {}, {"HW_CACERT": ca_file}),
        ("authority of requests", {}, {"REQUESTS_CA_BUNDLE": ca_file}),
        ("not verified", {"validate_certs": False}, {}),
        ("insecure", {}, {"HW_INSECURE": "true"}),
        ("insecure, project looked up, no scheme", {"project_id": "", "endpoint": host, "auth_url": f"{host}/v3"}, {"HW_INSECURE": "1", "HW_PROJECT_ID": ""}),
    ]
    untrusted: list[Case] = [
        ("unknown authority", {}, {}),
        ("not insecure", {}, {"HW_INSECURE": "false"}),
        ("the option counts more", {"validate_certs": True}, {"HW_INSECURE": "true"}),
        ("wrong host", {"ca_path": ca_file, "endpoint": cloud.endpoint.replace("127.0.0.1", "localhost")}, {}),
    ]
    environment = {**cloud.environment(), "REQUESTS_CA_BUNDLE": "", "HW_MAX_RETRIES": "3"}
    before = len(cloud.requests())
    broken: list[Case] = [
        ("no authority", {"ca_path": "/nonexistent"}, {}),
        ("no authority in the environment", {}, {"HW_CACERT": "/nonexistent"}),
        ("nonsense", {}, {"HW_INSECURE": "perhaps"}),
    ]
    results = run_cases(*trusted, *untrusted, *broken, environment=environment)
    assert {name: results[name].get("msg") for name, _options, _variables in trusted} == {name: None for name, _options, _variables in trusted}
    for name, _options, _variables in untrusted:
        assert results[name]["errors"][0]["code"] == "TlsError", name
    assert "'/nonexistent' in ca_path " in results["no authority"]["msg"]
    assert "'/nonexistent' in HW_CACERT " in results["no authority in the environment"]["msg"]
    assert results["nonsense"]["msg"] == "HW_INSECURE must be true or false, but is 'perhaps'."
    # Exactly those that trust the certificate have sent requests.
    assert len([request for request in cloud.requests()[before:] if request["kind"] == "tasks"]) == len(trusted)


# ---- Further settings


def test_retries_of_the_environment(cloud: Simulator) -> None:
    cloud.fault("unavailable", kind="tasks", always=True)
    counts = []
    for variables in ({"HW_MAX_RETRIES": "0"}, {"HW_MAX_RETRIES": "1"}):
        cloud.clear_requests()
        assert run_in_process(("x", {}, variables), environment=cloud.environment())["x"]["errors"][0]["http_status"] == 503
        counts.append(len(cloud.requests(kind="tasks")))
    assert counts == [1, 2]
    nonsense = run_in_process(("x", {}, {"HW_MAX_RETRIES": "many"}), ("y", {"max_retries": -1}, {}), ("z", {"timeout": 0}, {}), environment=cloud.environment())
    assert nonsense["x"]["msg"] == "HW_MAX_RETRIES must be a whole number from 0 to 100, but is 'many'."
    assert "max_retries must be a whole number from 0 to 100" in nonsense["y"]["msg"]
    assert "timeout must be a whole number from 1 to 3600" in nonsense["z"]["msg"]


def test_the_connection_of_a_play_in_one_place(waiting: Simulator) -> None:
    """Both modules get it from module_defaults for their action group."""
    connection = {**where(waiting), **pair(PERMANENT, "HW_ACCESS_KEY", "HW_SECRET_KEY")}
    defaults = {option: connection[names[0]] for option, names in ENVIRONMENT.items() if names[0] in connection}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"group/huaweicloud.dcs.dcs": defaults},
        "tasks": [
            {"name": "List", INFO: {}, "register": "found"},
            {"name": "Cancel", CANCEL: {"resizes": "{{ found.resizes }}"}},
            {"name": "Another", INFO: {"access_key": "AK-unknown", "secret_key": "SK-unknown"}, "ignore_errors": True},
        ],
    }
    run: Run = run_playbook([play])
    assert run.code == 0, run.output
    assert [entry["outcome"] for entry in run.result("Cancel")["resizes"]] == ["cancelled"]
    assert run.result("Another")["errors"][0]["http_status"] == 401


def test_a_dead_proxy_is_named_without_its_password(cloud: Simulator) -> None:
    port = unused_port()
    environment = {**cloud.environment(), "http_proxy": f"http://user:PROXYsecret@127.0.0.1:{port}", "HW_MAX_RETRIES": "0"}
    run = run_playbook([{"name": "x", INFO: {"instance_ids": [INSTANCE]}, "ignore_errors": True}], "-vvvv", environment=environment)
    assert run.result("x")["errors"][0]["code"] == "ConnectionFailed"
    assert "PROXYsecret" not in run.output
    assert cloud.requests() == []
