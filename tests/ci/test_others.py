"""GitLab's jobs, the pre-commit hook, and whether the services would take the files at all."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sample import PASSWORD, TRUEUP
from services import GitLab

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "ci/gitlab/trueup.gitlab-ci.yml"
TOKEN = "glpat-a-token"


@pytest.fixture
def gitlab():
    service = GitLab(TOKEN, "project_4_bot")
    yield service
    service.close()


def tool(name, *arguments, **options):
    command = [Path(sys.executable).parent / name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize(("schema", "file"), [("github-actions", "action.yml"), ("gitlab-ci", str(TEMPLATE.relative_to(ROOT)))])
def test_the_service_would_take_the_file(schema, file):
    transform = ["--data-transform", "gitlab-ci"] if schema == "gitlab-ci" else []
    checked = tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *transform, str(ROOT / file))
    assert checked.returncode == 0, checked.stdout


def test_the_workflows_of_the_page_are_valid_and_use_inputs_that_exist(tmp_path):
    page = (ROOT / "docs/ci.md").read_text()
    workflows = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "runs-on:" in block]
    assert len(workflows) == 4
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    for number, text in enumerate(workflows):
        file = tmp_path / f"{number}.yml"
        file.write_text(text)
        checked = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(file))
        assert checked.returncode == 0, checked.stdout
        steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
        for step in steps:
            if step.get("uses", "").startswith("OWNER/trueup@"):
                assert set(step["with"]) <= set(action["inputs"])
    named = re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)
    assert set(action["inputs"]) <= set(named), "an input is not described"


def job(sample, gitlab, name, **more):
    """Runs before_script and script of one job as GitLab does: one shell, ended by the first failure."""
    jobs = yaml.safe_load(TEMPLATE.read_text())
    described = {**jobs[".trueup"], **jobs[name]}
    bin = sample.root / "bin"
    bin.mkdir(exist_ok=True)
    if not (bin / "trueup").exists():
        (bin / "trueup").write_text(f'#!/bin/sh\nenv >> {sample.root}/seen\nexec {TRUEUP} "$@"\n')
        (bin / "trueup").chmod(0o755)
        (sample.path / ".trueup-ci").mkdir()
        (sample.path / ".trueup-ci/source").symlink_to(ROOT)
    environment = {
        **sample.environment, "PATH": f"{bin}:{sample.environment['PATH']}", "CI_PROJECT_DIR": str(sample.path),
        "CI_COMMIT_SHA": sample.git("rev-parse", "HEAD"), "CI_JOB_URL": "https://gitlab.com/acme/deploy/-/jobs/4242",
        "CI_API_V4_URL": f"{gitlab.url}/api/v4", "CI_PROJECT_ID": "4", "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "TRUEUP_CHDIR": "infra", "TRUEUP_NOTE_TOKEN": TOKEN, **more,
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(described["before_script"] + described["script"])],
        cwd=sample.path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )
    shown = [done.stdout, *(comment["body"] for comment in gitlab.comments)]
    assert not any(secret in text for secret in (PASSWORD, TOKEN) for text in shown), "a secret is shown"
    return done


def test_a_merge_request_has_one_note_that_is_kept_up_to_date(sample, gitlab):
    sample.change("Acme Corp", "Acme Corporation")
    first = job(sample, gitlab, "trueup:plan")
    assert first.returncode == 0, first.stdout
    marker = gitlab.comments[0]["body"].split("\n")[0]
    gitlab.comments.insert(0, {"id": 1, "author": "someone", "body": f"{marker}\nAll is well, merge it!"})
    gitlab.comments.insert(1, {"id": 2, "author": "someone", "body": "Hm."})
    sample.change("license: growth", "license: grwoth")
    second = job(sample, gitlab, "trueup:plan")

    assert second.returncode == 1
    assert gitlab.comments[0]["body"] == f"{marker}\nAll is well, merge it!"
    assert TOKEN not in (sample.root / "seen").read_text(), "trueup gets the token of the note"
    [note] = gitlab.own()
    assert "did you mean `growth`?" in note["body"] and "declared here" in note["body"]


def test_without_a_token_the_plan_is_in_the_log(sample, gitlab):
    sample.change("Acme Corp", "Acme Corporation")
    ran = job(sample, gitlab, "trueup:plan", TRUEUP_NOTE_TOKEN="")
    assert ran.returncode == 0 and not gitlab.requests
    assert "+ name: Acme Corporation" in ran.stdout and "TRUEUP_NOTE_TOKEN is not set" in ran.stdout


def test_a_note_that_is_refused_makes_no_good_plan_bad(sample, gitlab):
    gitlab.refuse = 403
    ran = job(sample, gitlab, "trueup:plan")
    assert ran.returncode == 0 and "answered 403" in ran.stdout


def test_the_saved_plan_is_applied(sample, gitlab):
    sample.change("Acme Corp", "Acme Corporation")
    job(sample, gitlab, "trueup:plan")
    applied = job(sample, gitlab, "trueup:apply")
    assert applied.returncode == 0, applied.stdout
    assert "an apply would change nothing" in job(sample, gitlab, "trueup:plan").stdout


def test_the_code_quality_report_names_the_line(sample, gitlab):
    sample.change("customer: acme", "custmer: acme")
    ran = job(sample, gitlab, "trueup:validate")
    assert ran.returncode == 3
    found = json.loads((sample.path / "gl-code-quality-report.json").read_text())
    places = {(one["location"]["path"], one["location"]["lines"]["begin"]) for one in found}
    assert ("infra/resources/acme.yaml", sample.line("custmer")) in places


def test_the_hook_stops_a_commit_with_a_mistake(sample):
    hooks = sample.root / "hooks"
    hooks.mkdir()
    (hooks / ".pre-commit-hooks.yaml").write_text((ROOT / ".pre-commit-hooks.yaml").read_text())
    by = ["-c", "user.name=Tests", "-c", "user.email=tests@example.com"]
    for command in (["init", "-q"], ["add", "-A"], [*by, "commit", "-qm", "Hooks"]):
        sample.call("git", *command, cwd=hooks)
    hook = {"id": "trueup-validate-system", "args": ["-C", "infra"]}
    repository = {"repo": str(hooks), "rev": sample.call("git", "rev-parse", "HEAD", cwd=hooks), "hooks": [hook]}
    (sample.path / ".pre-commit-config.yaml").write_text(yaml.safe_dump({"repos": [repository]}))
    sample.commit("Check before each commit")
    (sample.root / "bin").mkdir()
    (sample.root / "bin/trueup").symlink_to(TRUEUP)
    environment = {**sample.environment, "PATH": f"{sample.root / 'bin'}:{os.environ['PATH']}"}

    def check():
        return tool("pre-commit", "run", "--all-files", cwd=sample.path, env=environment)

    good = check()
    assert good.returncode == 0, good.stdout + good.stderr
    sample.change("customer: acme", "custmer: acme")
    bad = check()
    assert bad.returncode == 1 and f"resources/acme.yaml:{sample.line('custmer')}" in bad.stdout
