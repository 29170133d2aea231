"""Runs a composite GitHub Action as the runner documents it: inputs, env, outputs, `if`, workflow commands.

Knows only what action.yml uses, and fails at anything else rather than guess."""

import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import yaml

COMMAND = re.compile(r"^\s*::(?P<name>[a-z-]+)(?: (?P<properties>[^:]*))?::(?P<message>.*)$")


def unescape(text, pairs):
    for written, character in pairs:
        text = text.replace(written, character)
    return text


DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


@dataclass
class Ran:
    status: int = 0
    log: str = ""
    summary: str = ""
    outputs: dict = field(default_factory=dict)
    annotations: list = field(default_factory=list)
    scripts: list = field(default_factory=list)

    def at(self, level):
        return [found for found in self.annotations if found["level"] == level]


def annotations(log):
    """What the runner makes of a log: one entry for each command, none while commands are stopped."""
    found, stopped = [], None
    for line in log.splitlines():
        if stopped is not None:
            if line.strip() == f"::{stopped}::":
                stopped = None
            continue
        match = COMMAND.match(line)
        if not match:
            continue
        if match["name"] == "stop-commands":
            stopped = match["message"]
            continue
        properties = dict(pair.split("=", 1) for pair in (match["properties"] or "").split(",") if pair)
        properties = {name: unescape(value, PROPERTY) for name, value in properties.items()}
        found.append({"level": match["name"], "message": unescape(match["message"], DATA), **properties})
    assert stopped is None, "commands were stopped and not allowed again"
    return found


class Expressions:
    """`${{ a.b }}` and `a.b == 'text'`."""

    def __init__(self, contexts):
        self.contexts = contexts

    def value(self, term):
        term = term.strip()
        if re.fullmatch(r"'[^']*'", term):
            return term[1:-1]
        assert re.fullmatch(r"[a-z]+(\.[\w-]+)+", term), f"not understood: {term}"
        value = self.contexts
        for part in term.split("."):
            value = value.get(part, "") if isinstance(value, dict) else ""
        return value

    def condition(self, text):
        left, operator, right = re.fullmatch(r"(.+?)\s*(==|!=)\s*(.+)", text).groups()
        return (self.value(left) == self.value(right)) == (operator == "==")

    def text(self, text):
        return re.sub(r"\$\{\{(.*?)\}\}", lambda match: self.value(match[1]), str(text))


def run(action, given, environment, token=""):
    """Runs all steps. `environment` is what the job has, `GITHUB_…` included."""
    action = Path(action)
    described = yaml.safe_load((action / "action.yml").read_text())
    unknown = set(given) - set(described["inputs"])
    assert not unknown, f"no such inputs: {unknown}"
    github = Expressions({"github": {"token": token}})
    inputs = {name: given.get(name, github.text(spec["default"])) for name, spec in described["inputs"].items()}
    contexts = {"inputs": inputs, "github": {"token": token}, "steps": {}}
    expressions = Expressions(contexts)
    ran = Ran()
    for step in described["runs"]["steps"]:
        assert not set(step) - {"id", "if", "shell", "run", "env"}, step
        ran.scripts.append(step["run"])
        # A step without its own `if` or with one that names no status runs only while all is well.
        if ran.status or not expressions.condition(step.get("if", "'' == ''")):
            continue
        assert step["shell"] == "bash"
        with tempfile.TemporaryDirectory() as scratch:
            files = {name: Path(scratch, name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
            for file in files.values():
                file.touch()
            script = Path(scratch, "script.sh")
            script.write_text(expressions.text(step["run"]))
            own = {name: expressions.text(value) for name, value in step.get("env", {}).items()}
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
                env={**environment, **own, "GITHUB_ACTION_PATH": str(action), **{name: str(at) for name, at in files.items()}},
                cwd=environment["GITHUB_WORKSPACE"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                check=False,
            )
            ran.status = done.returncode
            ran.log += done.stdout
            ran.summary += files["GITHUB_STEP_SUMMARY"].read_text()
            outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
            contexts["steps"][step.get("id", "")] = {"outputs": outputs}
    ran.annotations = annotations(ran.log)
    ran.outputs = {name: expressions.text(spec["value"]) for name, spec in described["outputs"].items()}
    return ran
