"""A pull request, played: real git, the real trueup against its sandbox, action.yml as the runner would run it."""

import os
import re
import subprocess
from pathlib import Path

import pytest

import composite
from sample import PASSWORD, TRUEUP
from services import GitHub

ACTION = Path(__file__).resolve().parents[2]
TOKEN = "ghs_a-token-of-the-job"
ACME = "infra/resources/acme.yaml"


@pytest.fixture
def github():
    service = GitHub(TOKEN, "github-actions[bot]")
    yield service
    service.close()


def act(sample, github, token=TOKEN, event="pull_request", fork=False, job=(), **inputs):
    inputs = {name.replace("_", "-"): value for name, value in inputs.items()}
    given = {"working-directory": "infra", "trueup-path": TRUEUP, **inputs}
    told = {**sample.job(github.url, event, fork), **dict(job)}
    ran = composite.run(ACTION, given, told, token)
    shown = [ran.log, ran.summary, *map(str, ran.outputs.values()), *(comment["body"] for comment in github.comments)]
    shown += [file.read_text() for file in sample.temp.glob("*") if file.is_file()]
    for secret in (PASSWORD, TOKEN):
        assert not any(secret in text for text in shown), "a secret is shown"
    return ran


def test_a_pull_request_gets_one_comment_annotations_and_a_summary(sample, github):
    sample.change("Acme Corp", "Acme Corporation")
    ran = act(sample, github)

    assert ran.status == 0, ran.log
    [comment] = github.comments
    assert comment["body"].startswith("<!-- trueup plan infra ")
    assert "- name: Acme Corp\n+ name: Acme Corporation" in comment["body"]
    assert "declared here" in comment["body"]
    assert ran.summary.strip() == comment["body"].strip()
    changed = next(found for found in ran.at("notice") if "file" in found)
    assert (changed["file"], changed["line"]) == (ACME, str(sample.line("acme:")))
    assert not ran.at("error") + ran.at("warning")
    assert ran.outputs["changes"] == "true" and ran.outputs["exit-code"] == "0"
    assert ran.outputs["digest"] in comment["body"]
    assert Path(ran.outputs["plan-file"]).is_file()
    assert sample.git("rev-parse", "HEAD") in comment["body"]


def test_a_second_push_edits_the_same_comment_and_a_mistake_is_shown_at_its_line(sample, github):
    sample.change("Acme Corp", "Acme Corporation")
    act(sample, github)
    for number in range(3):
        github.comments.insert(0, {"id": number, "author": "someone", "body": f"Comment {number}"})
    sample.change("license: growth", "license: grwoth")
    ran = act(sample, github)

    assert ran.status == 1 and ran.outputs["exit-code"] == "1"
    [comment] = github.own()
    assert comment["id"] == 100 and "did you mean `growth`?" in comment["body"]
    assert "**What now?** Nothing has been changed. Mend what is blocked" in comment["body"]
    mistake = next(found for found in ran.at("error") if "no license" in found["message"])
    assert (mistake["file"], mistake["line"], mistake["col"]) == (ACME, str(sample.line("grwoth")), "14")


def test_a_comment_of_somebody_else_with_the_marker_is_left_alone(sample, github):
    sample.change("Acme Corp", "Acme Corporation")
    act(sample, github)
    marker = github.comments.pop()["body"].split("\n")[0]
    stranger = github.say("someone", f"{marker}\nAll is well, merge it!")
    act(sample, github)

    assert stranger["body"] == f"{marker}\nAll is well, merge it!"
    assert len(github.own()) == 1


def test_environments_and_directories_have_comments_of_their_own(sample, github):
    settings = sample.path / "infra/trueup.toml"
    settings.write_text(settings.read_text() + "\n[environments.staging.limits]\nparallelism = 2\n")
    sample.commit("Add staging")
    act(sample, github)
    act(sample, github, environment="staging")
    assert len({comment["body"].split("\n")[0] for comment in github.own()}) == 2


def test_without_a_token_annotations_and_summary_stay(sample, github):
    sample.change("license: growth", "license: grwoth")
    ran = act(sample, github, token="")

    assert ran.status == 1 and not github.requests
    assert "did you mean `growth`?" in ran.summary
    assert any(found.get("line") == str(sample.line("grwoth")) for found in ran.at("error"))
    assert any("has no token" in found["message"] for found in ran.at("notice"))


def test_a_fork_without_secrets_is_told_what_is_missing(sample, github):
    github.refuse = 403
    sample.change("Acme Corp", "Acme Corporation")
    # A secret that a fork does not get is an empty variable.
    ran = act(sample, github, fork=True, job={"DATABASE_PASSWORD": ""})

    assert ran.status == 3
    assert "DATABASE_PASSWORD" in ran.summary and "A pull request from a fork has no secrets" in ran.summary
    assert any("answered 403" in found["message"] for found in ran.at("warning"))
    assert ran.outputs["changes"] == "" and ran.outputs["plan-file"] == ""


def test_a_fork_is_planned_from_a_snapshot_and_others_are_not(sample, github):
    job = sample.job(github.url, "pull_request", False)
    infra = [TRUEUP, "-C", str(sample.path / "infra")]
    subprocess.run([*infra, "snapshot", "--out", str(sample.temp / "remote.json")], env=job, check=True)
    sample.change("Acme Corp", "Acme Corporation")
    snapshot = os.path.relpath(sample.temp / "remote.json", sample.path)
    github.refuse = 403
    ran = act(sample, github, fork=True, job={"DATABASE_PASSWORD": ""}, fork_snapshot=snapshot)

    assert ran.status == 0, ran.log
    assert "Made from a snapshot taken" in ran.summary and "Acme Corporation" in ran.summary
    assert ran.outputs["changes"] == "true" and ran.outputs["digest"] in ran.summary and ran.outputs["plan-file"] == ""
    assert any("Made from a snapshot taken" in found["message"] for found in ran.at("notice"))
    assert "Between the looks" not in ran.summary

    own = act(sample, github, fork_snapshot=snapshot)
    assert own.status == 0 and "Made from a snapshot" not in own.summary and own.outputs["plan-file"]


def test_a_comment_that_is_refused_makes_no_good_plan_bad(sample, github):
    github.refuse = 403
    sample.change("Acme Corp", "Acme Corporation")
    ran = act(sample, github)
    assert ran.status == 0 and "Acme Corporation" in ran.summary
    assert any("pull-requests: write" in found["message"] for found in ran.at("warning"))


def test_no_comment_where_none_is_wanted(sample, github):
    ran = act(sample, github, comment="false")
    assert ran.status == 0 and not github.requests
    assert "an apply would change nothing" in ran.summary and ran.outputs["changes"] == "false"


def test_a_shallow_clone_is_told_of_and_planned_without_causes(sample, github):
    sample.change("Acme Corp", "Acme Corporation")
    sample.git("update-ref", "-d", "refs/remotes/origin/main")
    ran = act(sample, github)
    assert ran.status == 0 and "declared here" not in ran.summary
    assert any("fetch-depth: 0" in found["message"] for found in ran.at("warning"))


def test_a_plan_of_an_earlier_run_is_not_taken_for_this_one(sample, github):
    sample.change("Acme Corp", "Acme Corporation")
    assert Path(act(sample, github).outputs["plan-file"]).is_file()
    sample.change("customers:", "customers: [")
    ran = act(sample, github)
    assert ran.status == 3 and ran.outputs["plan-file"] == "" and ran.outputs["digest"] == ""


def test_two_looks_that_differ_are_told(sample, github, tmp_path):
    # Each plan asks for another name, as if somebody changed the remote in between.
    wrapper = tmp_path / "trueup"
    wrapper.write_text(f'#!/bin/sh\nsed -i "s/name: Acme Corp.*/name: Acme Corp $$/" {sample.resources}\nexec {TRUEUP} "$@"\n')
    wrapper.chmod(0o755)
    ran = act(sample, github, trueup_path=str(wrapper))
    assert any("Between two looks" in found["message"] for found in ran.at("warning"))
    assert "run the job again" in github.comments[0]["body"]


def test_the_reviewed_plan_is_applied_and_nothing_else(sample, github):
    sample.change("Acme Corp", "Acme Corporation")
    plan = act(sample, github, plan_file="plan.json").outputs["plan-file"]
    assert plan == str(sample.path / "plan.json")
    ran = act(sample, github, event="push", mode="apply", plan_file="plan.json")
    assert ran.status == 0, ran.log
    assert "### trueup apply: everything is done" in ran.summary and "customers.acme" in ran.summary

    again = act(sample, github, event="push")
    assert again.outputs["changes"] == "false"

    # Something else is declared by now: the plan does not speak of it.
    sample.change("Acme Corporation", "Acme Limited")
    refused = act(sample, github, event="push", mode="apply", plan_file="plan.json")
    assert refused.status == 6 and "have that plan reviewed" in refused.summary
    assert refused.at("error")


def test_drift_detection_fails_on_changes(sample, github):
    assert act(sample, github, event="schedule", fail_on_changes="true").status == 0
    sample.change("Acme Corp", "Acme Corporation")
    ran = act(sample, github, event="push", fail_on_changes="true")
    assert ran.status == 2 and ran.outputs["exit-code"] == "2" and "this is what an apply would do" in ran.summary


@pytest.mark.parametrize(
    ("inputs", "event", "words"),
    [
        ({"mode": "destroy"}, "pull_request", "`mode` is `plan` or `apply`"),
        ({"mode": "apply"}, "push", "needs `plan-file`"),
        ({"comment": "maybe"}, "pull_request", "`comment` is `true` or `false`"),
        ({}, "pull_request_target", "Use `pull_request`"),
        ({"trueup_path": "no/such/trueup"}, "pull_request", "cannot be started"),
    ],
)
def test_wrong_use_is_named(sample, github, inputs, event, words):
    ran = act(sample, github, event=event, **inputs)
    assert ran.status == 64 and words in ran.summary
    assert not github.comments


def test_words_of_others_are_no_commands(sample, github):
    before = act(sample, github)
    evil = "$(touch hacked)`touch hacked`';\n::error::hacked"
    ran = act(sample, github, base=evil)
    assert ran.status == 64
    assert not list(sample.root.rglob("hacked"))
    assert not any(found["message"] == "hacked" for found in ran.annotations + before.annotations)
    assert not any("${{" in script for script in ran.scripts)


def test_what_a_remote_says_in_the_log_is_no_command(sample, github, tmp_path):
    talker = tmp_path / "trueup"
    talker.write_text(f'#!/bin/sh\necho "::error::hacked" >&2\nexec {TRUEUP} "$@"\n')
    talker.chmod(0o755)
    planned = act(sample, github, trueup_path=str(talker), plan_file="plan.json")
    applied = act(sample, github, trueup_path=str(talker), event="push", mode="apply", plan_file="plan.json")
    for ran in (planned, applied):
        assert ran.status == 0 and "::error::hacked" in ran.log
        assert not ran.at("error")


def test_the_token_goes_no_further_than_the_comment(sample, github, tmp_path):
    seen = tmp_path / "seen"
    curious = tmp_path / "trueup"
    curious.write_text(f'#!/bin/sh\nenv >> {seen}\nexec {TRUEUP} "$@"\n')
    curious.chmod(0o755)
    act(sample, github, trueup_path=str(curious), plan_file="plan.json")
    act(sample, github, trueup_path=str(curious), event="push", mode="apply", plan_file="plan.json")
    assert github.own() and PASSWORD in seen.read_text() and TOKEN not in seen.read_text()


def test_a_plan_of_any_size_fits_into_a_comment(sample, github):
    many = "".join(f"  customer-{n}: {{ name: Customer {n}, domain: c{n}.example.com }}\n" for n in range(1500))
    sample.change("customers:\n", f"customers:\n{many}")
    ran = act(sample, github)
    assert ran.status == 0 and not ran.at("warning")
    [comment] = github.comments
    assert len(comment["body"]) > 20000 and "**What now?**" in comment["body"]


def test_the_page_shows_the_comment_of_a_played_pull_request(sample, github):
    sample.change("Acme Corp", "Acme Corporation")
    sample.change("license: growth", "license: grwoth")
    act(sample, github)
    text = github.comments[0]["body"]
    text = re.sub(r"sha256:[0-9a-f]{64}", "sha256:6f898ace…", text).replace(sample.git("rev-parse", "HEAD"), "8a397a16…")
    page = ACTION / "docs/ci.md"
    before, rest = page.read_text().split("````markdown\n", 1)
    shown, after = rest.split("````\n", 1)
    if os.environ.get("TRUEUP_BLESS") == "1":
        page.write_text(f"{before}````markdown\n{text}````\n{after}")
        shown = text
    assert shown == text


def test_trueup_is_built_once_where_none_is_given(sample, github, tmp_path):
    cargo = tmp_path / "bin/cargo"
    cargo.parent.mkdir()
    cargo.write_text(
        f'#!/bin/sh\necho "cargo $*"\nmkdir -p "$RUNNER_TEMP/trueup/bin"\ncp {TRUEUP} "$RUNNER_TEMP/trueup/bin/trueup"\n'
    )
    cargo.chmod(0o755)
    path = {"PATH": f"{cargo.parent}:{sample.environment['PATH']}"}
    first = act(sample, github, trueup_path="", job=path)
    assert first.status == 0, first.log
    assert f"cargo install --locked --quiet --path {ACTION} --root" in first.log
    assert "cargo install" not in act(sample, github, trueup_path="", job=path).log
