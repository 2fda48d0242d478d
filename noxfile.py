# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks of the project, each in its own environment. ``make help`` lists them; the Makefile installs nox and uv."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path

import antsibull_nox
import nox
import yaml
from antsibull_fileutils.copier import CopierError, GitCopier
from antsibull_fileutils.vcs import detect_vcs

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "tests"))

from surroundings import is_foreign  # noqa: E402
from tools.pip_settings import use_pip_settings  # noqa: E402

BUILD = ROOT / ".build"

# The supported versions of ansible-core, each with its Python versions: the first one that is installed is used. The first of all rows cover 3.10 to 3.14.
CORES = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.17": ("3.11", "3.10", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.12", "3.11", "3.13"),
    "2.20": ("3.13", "3.14", "3.12"),
    "2.21": ("3.14", "3.13", "3.12"),
}

# The oldest Python that modules support: Enterprise Linux 9 has Python 3.9 with the version of requests below.
OLDEST_MODULE_PYTHON = "3.9"
# The oldest Python for controllers and for tests.
OLDEST_PYTHON = "3.10"
OLDEST_REQUESTS = "2.25.1"

# Tests take from a fraction of a second to a minute: an idle worker takes over tests from a busy one.
WORKERS = ("-n", "2", "--dist", "worksteal")

# The tests that depend on the version of ansible-core.
CORE_TESTS = (
    "tests/demo",
    "tests/integration",
    "tests/unit/roles",
    "tests/unit/plugins/modules",
    "tests/unit/plugins/module_utils/test_module.py",
    "tests/unit/plugins/module_utils/test_pace.py",
    "tests/unit/test_documentation.py",
)
# Real playbooks that run in other sessions: what modules send and receive in `test` and `oldest-requests`, the documentation's examples in `test`.
TESTED_ELSEWHERE = tuple(f"tests/integration/test_{name}.py" for name in ("bad_day", "connection", "faults", "fleet", "guides", "info", "memory", "stateful"))
# The files for AWX are tested separately, because their tests need a package of 58 MB.
AWX_TESTS = "tests/integration/awx"

# What users install. Only the newest ansible-core checks all files, because tests and tools do not concern users.
INSTALLED = ("changelogs/", "extensions/", "meta/", "playbooks/", "plugins/", "roles/")

nox.needs_version = ">=2025.11"
nox.options.default_venv_backend = "uv"
nox.options.envdir = ".build/nox"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["test"]


def needs_clone(session: nox.Session) -> None:
    """Needs a clone of the repository, because git tells it which files to check."""
    session.error(f"{session.name} needs a clone of the repository, because git tells it which files to check")


# lint, ansible-lint, docs-check, license-check and extra-checks
antsibull_nox.load_antsibull_nox_toml()

if detect_vcs(ROOT) != "git":
    # These sessions would copy the build folder into itself endlessly.
    for name in ("lint", "ansible-lint", "docs-check", "license-check", "extra-checks"):
        nox.session(name=name, venv_backend="none", default=False)(needs_clone)


def use_temporary_folder() -> None:
    """Keep the temporary files of all sessions in one folder, which is removed at the end, so that interrupted programs leave nothing behind.

    It is not in the build folder: Ansible creates a Unix socket in its temporary folder, and the path of a socket has at most 107 bytes.
    """
    parent = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix="dcs-", dir=parent if len(parent) < 40 else "/tmp")  # noqa: S108
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # On SIGTERM, and when the terminal is closed (except under nohup), nox is to end the programs that it has started, as after Ctrl-C.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


use_temporary_folder()
use_pip_settings(Path(os.environ.get("USER_HOME", os.environ["HOME"])))


def first_installed(pythons: tuple[str, ...]) -> str | None:
    """Return the first of these Python versions that is installed."""
    return next((version for version in pythons if (BUILD / "pythons" / f"python{version}").exists()), None)


def error_missing(session: nox.Session, pythons: tuple[str, ...]) -> None:
    """Fail and name the Python that a session needs. `.ci/run` searches for this message."""
    versions = " or ".join(f"python{version}" for version in pythons)
    session.error(f"{session.name} needs {versions}, with venv. Install one, then run: make tools")


def session_on(name: str, pythons: tuple[str, ...]) -> Callable[[Callable[[nox.Session], None]], object]:
    """Decorator for a session that runs on the first of these Python versions that is installed, or fails and names them if none is."""
    found = first_installed(pythons)

    def decorate(run: Callable[[nox.Session], None]) -> object:
        def missing(session: nox.Session) -> None:
            error_missing(session, pythons)

        missing.__doc__ = run.__doc__
        if found:
            return nox.session(name=name, python=found, default=False)(run)
        return nox.session(name=name, venv_backend="none", default=False)(missing)

    return decorate


def install(session: nox.Session, *groups: str, core: str | None = None) -> None:
    """Install dependency groups of pyproject.toml, with the given minor version of ansible-core or else the newest that the interpreter supports."""
    session.install(*(f"--group={group}" for group in groups), *([f"ansible-core~={core}.0"] if core else []))


def fresh_folder(*parts: str) -> Path:
    """Return an empty folder in the build folder."""
    folder = BUILD.joinpath(*parts)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def export(*parts: str) -> Path:
    """Copy the files that belong to the repository into a folder of collections; return the collection's own folder in it."""
    collection = fresh_folder(*parts) / "ansible_collections" / "huaweicloud" / "dcs"
    collection.parent.mkdir(parents=True)
    try:
        GitCopier().copy(ROOT, collection)
    except CopierError as error:
        git = error.__cause__ and error.__cause__.__cause__
        raise SystemExit(f"{error}\n{git.stderr.decode() if isinstance(git, subprocess.CalledProcessError) else git}") from None
    return collection


def build_tarball(session: nox.Session, folder: Path) -> Path:
    """Build the collection's tarball in a folder of the build folder."""
    source = export(folder.name, "source")
    session.run("ansible-galaxy", "collection", "build", str(source), "--output-path", str(folder), "--force", silent=True)
    (tarball,) = folder.glob("huaweicloud-dcs-*.tar.gz")
    return tarball


@nox.session
def demo(session: nox.Session) -> None:
    """Schedule a resize on the simulator, cancel it with a playbook, and run the playbook again."""
    install(session, "demo")
    session.run("python", "-m", "demo", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def test(session: nox.Session) -> None:
    """Unit tests and real playbooks against the simulator, on the newest ansible-core that this interpreter supports, with branch coverage of the plugins."""
    install(session, "test")
    # If only some tests are selected, coverage is incomplete.
    coverage = () if session.posargs else ("--cov", "--cov-report=term")
    session.run("pytest", *WORKERS, *coverage, f"--ignore={AWX_TESTS}", *session.posargs)


@nox.session(default=False)
def awx(session: nox.Session) -> None:
    """The files for AWX: jobs, workflows and registration according to AWX's own rules, and the execution environment."""
    install(session, "awx")
    session.run("pytest", *WORKERS, AWX_TESTS, *session.posargs)


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Random responses, different ones each time and many more than in the tests. Failing examples are kept, and run first the next time."""
    install(session, "test")
    session.run("pytest", *WORKERS, "--hypothesis-profile=random", "tests/fuzz", *session.posargs)


def add_core_sessions(core: str, pythons: tuple[str, ...]) -> None:
    """Add the sessions that run on one version of ansible-core."""

    @session_on(f"test-{core}", pythons)
    def test_core(session: nox.Session) -> None:
        """The tests that depend on ansible-core, on this one: above all real playbooks."""
        install(session, "test", core=core)
        chosen = [argument for argument in session.posargs if argument.startswith("tests/")]
        default = () if chosen else (*CORE_TESTS, *(f"--ignore={path}" for path in TESTED_ELSEWHERE))
        session.run("pytest", *WORKERS, f"--ignore={AWX_TESTS}", *default, *session.posargs)

    @session_on(f"sanity-{core}", pythons)
    def sanity_core(session: nox.Session) -> None:
        """ansible-test sanity of this ansible-core, with no test skipped and nothing ignored."""
        install(session, "sanity", core=core)
        # ansible-test keeps its environments in the home directory, and may recreate them while another one uses them.
        home = BUILD / "home" / f"sanity-{core}"
        provide_get_pip(session, home)
        with session.chdir(export("sanity", core)):
            # With a repository of its own: otherwise, the files are in an ignored folder of the checkout and would be skipped.
            session.run("git", "init", "--quiet", external=True)
            session.run("git", "add", "--force", ".", external=True)
            log = BUILD / "sanity" / core / "log"
            files = session.posargs or (() if core == max(CORES) else INSTALLED)
            command = ("ansible-test", "sanity", "--color", "no", "--truncate", "0", *files)
            session.run("bash", "-o", "pipefail", "-c", '"$@" 2>&1 | tee "$0"', str(log), *command, env={"HOME": str(home)}, external=True)
        if "All targets skipped" in log.read_text(encoding="utf-8"):
            session.error("ansible-test has checked nothing")


for core_version, python_versions in CORES.items():
    add_core_sessions(core_version, python_versions)


def provide_get_pip(session: nox.Session, home: Path) -> None:
    """Put a stand-in for get-pip.py into the cache of ansible-test in this home directory, if the site to download it from can't be reached."""
    code = "from ansible_test._internal import python_requirements as r; print(r.__file__)"
    source = Path(str(session.run("python", "-c", code, silent=True)).strip()).read_text(encoding="utf-8")
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"pip='([0-9.]+)'", source):
        cached = cache / f"get_pip_{version.replace('.', '_')}.py"
        if cached.exists():
            continue
        try:
            urllib.request.urlopen(f"https://ci-files.testing.ansible.com/ansible-test/get-pip-{version}.py", timeout=10).close()
        except OSError as error:
            session.log(f"get-pip {version} can't be downloaded ({error}): ansible-test uses the stand-in")
            shutil.copy(ROOT / "tests" / "tools" / "get_pip.py", cached)


@session_on("oldest-requests", (OLDEST_PYTHON,))
def oldest_requests(session: nox.Session) -> None:
    """Unit tests with the oldest requests and the oldest Python for controllers, and real playbooks with modules on the oldest Python for these."""
    if not first_installed((OLDEST_MODULE_PYTHON,)):
        error_missing(session, (OLDEST_MODULE_PYTHON,))
    install(session, "test")
    session.install(f"requests=={OLDEST_REQUESTS}")
    # Old versions of urllib3 leave the closing of some sockets to the garbage collector.
    tolerated = ("-W", "default::pytest.PytestUnraisableExceptionWarning")
    session.run("pytest", *WORKERS, *tolerated, "tests/unit/plugins", "tests/fuzz/test_fuzzed_sockets.py")
    environment = BUILD / "nox" / "oldest-requests-modules"
    session.run("uv", "venv", "--quiet", "--allow-existing", "--python", f"python{OLDEST_MODULE_PYTHON}", str(environment), external=True)
    session.run("uv", "pip", "install", "--quiet", "--python", str(environment), f"requests=={OLDEST_REQUESTS}", external=True)
    # The other playbook tests do not depend on requests more than these.
    playbooks = [f"tests/integration/test_{name}.py" for name in ("bad_day", "connection", "faults", "fleet", "info")]
    session.run("pytest", *WORKERS, *playbooks, *session.posargs, env={"DCS_MODULE_PYTHON": str(environment / "bin" / "python")})


@nox.session(name="workflow-check", default=False)
def workflow_check(session: nox.Session) -> None:
    """The GitHub workflows: whether GitHub accepts them, and whether they are safe."""
    install(session, "workflows")
    workflows = sorted(str(path.relative_to(ROOT)) for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run("zizmor", "--offline", "--quiet", *workflows)


@nox.session(default=False)
def changelog(session: nox.Session) -> None:
    """The changelog: whether it is well-formed, has the version in galaxy.yml, and matches CHANGELOG.md."""
    install(session, "changelog")
    session.run("antsibull-changelog", "lint")
    collection = export("changelog")
    version = yaml.safe_load((collection / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    with session.chdir(collection):
        session.run("antsibull-changelog", "lint-changelog-yaml", "--strict", "changelogs/changelog.yaml")
        session.run("antsibull-changelog", "generate", silent=True)
    latest = re.search(r"^## v(\S+)", (collection / "CHANGELOG.md").read_text(encoding="utf-8").replace("\\", ""), re.MULTILINE)
    if latest is None or latest[1] != version:
        session.error(f"galaxy.yml says version {version}, the changelog {latest and latest[1]}")
    if (collection / "CHANGELOG.md").read_bytes() != (ROOT / "CHANGELOG.md").read_bytes():
        session.error("CHANGELOG.md differs from changelogs/changelog.yaml: run antsibull-changelog generate")


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Move the changelog fragments into the changelog, as the release of the version in galaxy.yml."""
    install(session, "changelog", "dist")
    session.run("antsibull-changelog", "release", *session.posargs)


@nox.session(name="galaxy-importer", default=False)
def galaxy_importer(session: nox.Session) -> None:
    """The checks of Galaxy and Automation Hub on an uploaded tarball, without any error or warning."""
    install(session, "galaxy")
    folder = fresh_folder("galaxy-importer")
    tarball = build_tarball(session, folder)
    # Its flake8 check is off, as by default: it parses the YAML documentation of filters as Python. ruff checks the code.
    checks = {"check_required_tags": "true", "require_v1_or_greater": "true"}
    env = {f"GALAXY_IMPORTER_{name.upper()}": value for name, value in checks.items()}
    # It runs ansible-lint, which keeps stand-ins for modules of other collections in this folder, and deletes them at the end.
    env["ANSIBLE_HOME"] = str(folder / "ansible-home")
    with session.chdir(folder):
        log = session.run("python", "-m", "galaxy_importer.main", tarball.name, silent=True, env=env)
    session.log(log)
    if re.search(r"^(WARNING|ERROR)", str(log), re.MULTILINE):
        session.error("galaxy-importer reports warnings or errors")


@nox.session(default=False)
def dist(session: nox.Session) -> None:
    """Build the tarball, install it, remove everything that is not needed at run time, and run the rest."""
    install(session, "dist")
    folder = fresh_folder("dist")
    tarball = build_tarball(session, folder)
    collections = fresh_folder("dist", "collections")
    session.run("ansible-galaxy", "collection", "install", str(tarball), "--collections-path", str(collections), silent=True)
    for path in (collections / "ansible_collections" / "huaweicloud" / "dcs").iterdir():
        if path.name not in {"MANIFEST.json", "FILES.json", "meta", "plugins", "roles", "playbooks"}:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    # With nothing to cancel, no connection is needed, but every layer is loaded.
    env: dict[str, str | None] = {
        **dict.fromkeys(filter(is_foreign, os.environ)),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        # By default, it is in the user's home directory, whatever HOME is set to. Not in the checkout, because the path is parsed by a shell.
        "ANSIBLE_REMOTE_TEMP": str(Path(tempfile.gettempdir(), "remote")),
    }
    session.run("ansible", "localhost", "-m", "huaweicloud.dcs.dcs_resize_cancel", "-a", '{"resizes": []}', env=env)
    session.run("ansible", "localhost", "-m", "huaweicloud.dcs.dcs_resize_info", "-a", '{"instance_ids": []}', env=env)
    session.run("ansible-playbook", "huaweicloud.dcs.cancel_resizes", "-e", '{"resize_cancel_instances": []}', env=env)
    session.log(f"Built {tarball.relative_to(ROOT)}")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation site in both languages without warnings, and check its search results and that the Chinese text is complete."""
    install(session, "docs")
    collection = export("docs")
    pages = BUILD / "docs" / "rst"
    pages.mkdir(mode=0o700)
    session.run(
        *("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error", "--no-add-antsibull-docs-version"),
        *("--dest-dir", str(pages), "huaweicloud.dcs"),
        env={"ANSIBLE_COLLECTIONS_PATH": str(collection.parents[2])},
    )
    # antsibull-docs copies only the text of the guides.
    shutil.copytree(ROOT / "docs" / "docsite" / "rst" / "images", pages / "docsite" / "images")
    site = BUILD / "docs" / "html"
    build = ("sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", "-c", "docs/sphinx", str(pages))
    templates = BUILD / "docs" / "gettext"
    session.run(*build, str(templates), "--builder=gettext")
    session.run("python", "docs/sphinx/translations.py", str(templates), *session.posargs)
    session.run(*build, str(site))
    session.run("python", "docs/sphinx/check_search.py", str(site))
    catalogues = BUILD / "docs" / "locale"
    shutil.copytree(ROOT / "docs" / "locale", catalogues)
    session.run(*build, str(site / "zh_CN"), f"-Dlocale_dirs={catalogues}", "-Dlanguage=zh_CN")
    session.run("python", "docs/sphinx/check_search.py", str(site / "zh_CN"))
    session.log(f"Built {site.relative_to(ROOT)}/index.html")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure the cost of a cancellation compared with other methods, and write the results for the page "Performance"."""
    install(session, "test")
    environment = BUILD / "nox" / "bench-modules"
    session.run("uv", "venv", "--quiet", "--allow-existing", "--python", "python3", str(environment), external=True)
    session.run("uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", str(environment), "requests", external=True)
    session.run("python", "-m", "benchmark", "--module-python", str(environment / "bin" / "python"), *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session(default=False)
def conformance(session: nox.Session) -> None:
    """Compare the assumptions about the API with the simulator or, if DCS_INSTANCE_ID names a disposable instance, with the cloud."""
    install(session, "test")
    target = ["--cloud"] if os.environ.get("DCS_INSTANCE_ID", "").strip() else []
    report = BUILD / "conformance" / "report.json"
    session.run(
        *("pytest", "tests/conformance", f"--conformance-report={report.relative_to(ROOT)}", *target, *session.posargs),
        # The user's real home directory, where the credentials are; all other sessions use another one.
        env={"HOME": os.environ.get("USER_HOME", os.environ["HOME"])},
        # When interrupted, it first cancels what it has scheduled, for which it needs time.
        interrupt_timeout=600,
        terminate_timeout=600,
    )


@nox.session(default=False)
def mutation(session: nox.Session) -> None:
    """Change the core of the plugins in many small ways, and list the changes that no unit test notices."""
    install(session, "mutation")
    folder = export("mutation").parents[2]
    shutil.copy(ROOT / "pyproject.toml", folder)
    with session.chdir(folder):
        session.run("mutmut", "run", *session.posargs)
        session.run("mutmut", "results")
