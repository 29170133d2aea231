"""A repository as a team would have it: a main branch that is applied, and branches of pull requests."""

import json
import os
import shutil
import subprocess
from pathlib import Path

TRUEUP = os.environ.get("TRUEUP_BIN", "trueup")
PASSWORD = "correct-horse-battery"

SETTINGS = """[project]
name = "acme"

[targets.kaiten]
provider = "kaiten"
url = "sandbox"

[targets.cf]
provider = "cloudfoundry"
url = "sandbox"

[variables.database_password]
env = "DATABASE_PASSWORD"
sensitive = true
"""

RESOURCES = """customers:
  acme:
    name: Acme Corp
    domain: acme.com

instances:
  acme-production:
    name: Acme production
    customer: acme
    license: growth
    deployment_zone: eu-west-1
    start_license_date: 2026-09-01T00:00:00Z
    end_license_date: 2027-09-01T00:00:00Z

organizations:
  acme: {}

spaces:
  acme-production:
    organization: acme
    name: production

service_instances:
  acme-db:
    space: acme/production
    plan: postgres/small
    parameters:
      password: ${var.database_password}
"""


class Sample:
    """The clone in which the job runs; `origin` is a repository beside it."""

    def __init__(self, root, prepared=None):
        self.root = Path(root)
        if prepared:
            shutil.copytree(prepared.root, self.root, dirs_exist_ok=True)
        self.origin, self.path = self.root / "origin.git", self.root / "deploy"
        self.temp = self.root / "runner-temp"
        self.resources = self.path / "infra/resources/acme.yaml"
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.root), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
            "NO_PROXY": "127.0.0.1", "DATABASE_PASSWORD": PASSWORD,
        }
        if not prepared:
            self.prepare()

    def prepare(self):
        """From nothing to a branch off a main branch that is applied."""
        self.temp.mkdir()
        self.call("git", "init", "-q", "--bare", "-b", "main", str(self.origin), cwd=self.root)
        self.call("git", "init", "-q", "-b", "main", str(self.path), cwd=self.root)
        for name, value in (("user.name", "Tests"), ("user.email", "tests@example.com")):
            self.git("config", name, value)
        self.git("remote", "add", "origin", f"../{self.origin.name}")
        (self.path / "infra/resources").mkdir(parents=True)
        (self.path / "infra/trueup.toml").write_text(SETTINGS)
        self.resources.write_text(RESOURCES)
        (self.path / ".gitignore").write_text(".trueup/\n")
        self.commit("Declare what Acme has")
        self.git("push", "-q", "-u", "origin", "main")
        self.call(TRUEUP, "-C", "infra", "apply", "--yes")
        self.git("checkout", "-q", "-b", "feature")

    def call(self, *command, cwd=None):
        done = subprocess.run(command, cwd=cwd or self.path, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def git(self, *arguments):
        return self.call("git", *arguments)

    def commit(self, message):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def change(self, before, after):
        """One more commit of the branch."""
        text = self.resources.read_text()
        assert before in text
        self.resources.write_text(text.replace(before, after))
        self.commit(f"Change {before}")

    def line(self, text):
        """The line, from 1, that holds this."""
        return next(n for n, line in enumerate(self.resources.read_text().splitlines(), 1) if text in line)

    def job(self, service_url, event="pull_request", fork=False):
        """What the runner of GitHub tells a job."""
        head = self.git("rev-parse", "HEAD")
        file = self.root / "event.json"
        repository = "someone/deploy" if fork else "acme/deploy"
        pull_request = {"number": 7, "head": {"sha": head, "repo": {"full_name": repository}}}
        told = {"pull_request": pull_request} if event == "pull_request" else {}
        file.write_text(json.dumps(told))
        environment = {
            **self.environment, "GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_WORKSPACE": str(self.path),
            "GITHUB_REPOSITORY": "acme/deploy", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_RUN_ID": "4242",
            "GITHUB_API_URL": service_url, "GITHUB_GRAPHQL_URL": f"{service_url}/graphql", "GITHUB_SHA": head,
            "GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": str(file), "RUNNER_TEMP": str(self.temp),
        }
        if event == "pull_request":
            environment["GITHUB_BASE_REF"] = "main"
        return environment
