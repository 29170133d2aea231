"""The one step of the GitHub Action (action.yml): plan for reviewers, or apply a reviewed plan.

Reads CI_… (the inputs of the action) and GITHUB_…; its exit status is trueup's."""

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import review  # noqa: E402

COMMENTS = """query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { comments(first: 100, after: $after) {
    nodes { databaseId body viewerDidAuthor } pageInfo { hasNextPage endCursor } } } } }"""


def say(level, message):
    """An annotation without a place."""
    for character, written in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        message = message.replace(character, written)
    print(f"::{level} title=trueup::{message}", flush=True)


class Silenced:
    """While it lasts, nothing that is printed is a command to the runner: log lines hold words of others."""

    def __enter__(self):
        self.word = secrets.token_hex(16)
        print(f"::stop-commands::{self.word}", flush=True)

    def __exit__(self, *_):
        print(f"::{self.word}::", flush=True)


class Job:
    """The inputs, and what the runner says of this run."""

    def __init__(self, environment):
        # The token is for the comment alone: trueup and git do not get it. A secret that is not there, as in a fork, is an
        # empty variable at GitHub: without it trueup says which one is missing.
        self.environment = {name: value for name, value in environment.items() if value and name != "CI_TOKEN"}
        self.token = environment.get("CI_TOKEN", "")
        self.workspace = Path(environment["GITHUB_WORKSPACE"])
        self.directory = self.workspace / self.input("DIRECTORY")
        self.plan_file = (
            self.workspace / self.input("PLAN_FILE")
            if self.input("PLAN_FILE")
            else Path(environment["RUNNER_TEMP"], "trueup-plan.json")
        )
        given = self.input("TRUEUP")
        program = self.workspace / given if given else Path(environment["RUNNER_TEMP"], "trueup/bin/trueup")
        self.command = [str(program), "-C", str(self.directory)]
        if self.input("ENVIRONMENT"):
            self.command += ["-e", self.input("ENVIRONMENT")]
        event = Path(environment.get("GITHUB_EVENT_PATH", ""))
        self.event = json.loads(event.read_text(encoding="utf-8")) if event.is_file() else {}
        self.pull_request = self.event.get("pull_request")

    def input(self, name):
        return self.environment.get(f"CI_{name}", "")

    def switch(self, name):
        """An input that is `true` or `false`; None if it is neither."""
        return {"true": True, "false": False}.get(self.input(name).lower())

    @property
    def where(self):
        """Which commit and which run a text is of."""
        sha = self.pull_request["head"]["sha"] if self.pull_request else self.environment["GITHUB_SHA"]
        run = "/".join(self.environment[name] for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"))
        return f"Commit {sha}, [log of the job]({run}/actions/runs/{self.environment['GITHUB_RUN_ID']})."

    @property
    def from_fork(self):
        """Whether the pull request's branch lies in another repository; a deleted one is null."""
        if not self.pull_request:
            return False
        return (self.pull_request["head"]["repo"] or {}).get("full_name") != self.environment["GITHUB_REPOSITORY"]

    @property
    def snapshot(self):
        """What stands in for the remotes in a pull request from a fork, whose job may not have what reading them takes."""
        given = self.input("FORK_SNAPSHOT")
        return self.workspace / given if given and self.from_fork else None

    def append(self, variable, text):
        with open(self.environment[variable], "a", encoding="utf-8") as file:
            file.write(text)

    def set_output(self, name, value):
        # The value of a one-line output must not begin another.
        self.append("GITHUB_OUTPUT", f"{name}={' '.join(str(value).splitlines())}\n")


def wrong_use(job):
    """What is wrong with the inputs, if anything."""
    if job.input("MODE") not in ("plan", "apply"):
        return f"`mode` is `plan` or `apply`, not `{job.input('MODE')}`."
    if job.environment.get("GITHUB_EVENT_NAME") == "pull_request_target":
        return (
            "`pull_request_target` hands secrets to files that a stranger wrote: trueup.toml says where they are sent. "
            "Use `pull_request`."
        )
    if job.input("MODE") == "apply" and not job.input("PLAN_FILE"):
        return "`mode: apply` needs `plan-file`: the plan that was reviewed."
    for name in ("COMMENT", "FAIL_ON_CHANGES"):
        if job.switch(name) is None:
            return f"`{name.lower().replace('_', '-')}` is `true` or `false`, not `{job.input(name)}`."
    return None


def base_of(job):
    """The revision to compare with; what is only guessed is left out where git does not know it."""
    if job.input("BASE"):
        return job.input("BASE")
    branch = job.environment.get("GITHUB_BASE_REF")
    if not branch:
        return None
    guessed = f"origin/{branch}"
    known = subprocess.run(
        ["git", "-C", str(job.directory), "merge-base", "HEAD", guessed], env=job.environment, capture_output=True, check=False
    )
    if known.returncode == 0:
        return guessed
    say("warning", f"Where the changes come from is not told: git knows no commit that HEAD and {guessed} share. "
        "Use `fetch-depth: 0` with actions/checkout.")
    return None


def comment(job, planned):
    """Writes or edits the comment; that it cannot be written makes no plan wrong."""
    if not job.pull_request or not job.switch("COMMENT"):
        return
    if not planned.marker:
        say("warning", "The pull request got no comment, because there is no plan to show; the job summary says why.")
        return
    if not job.token:
        say("notice", "The pull request got no comment, because the job has no token; the plan is in the job summary.")
        return
    headers = {"Authorization": f"Bearer {job.token}", "X-GitHub-Api-Version": "2022-11-28"}
    repository = f"{job.environment['GITHUB_API_URL']}/repos/{job.environment['GITHUB_REPOSITORY']}"
    number = job.pull_request["number"]

    def own():
        owner, name = job.environment["GITHUB_REPOSITORY"].split("/", 1)
        after = None
        while True:
            asked = {"query": COMMENTS, "variables": {"owner": owner, "name": name, "number": number, "after": after}}
            answer, _ = review.request("POST", job.environment["GITHUB_GRAPHQL_URL"], headers, asked)
            try:
                page = answer["data"]["repository"]["pullRequest"]["comments"]
                # Anybody can write a comment with the marker in it; only one's own is edited.
                yield from ((node["databaseId"], node["body"]) for node in page["nodes"] if node["viewerDidAuthor"])
                if not page["pageInfo"]["hasNextPage"]:
                    return
                after = page["pageInfo"]["endCursor"]
            except (LookupError, TypeError):
                raise review.ApiError("the comments of the pull request cannot be listed") from None

    try:
        review.write_comment(
            planned,
            own(),
            lambda body: review.request("POST", f"{repository}/issues/{number}/comments", headers, {"body": body}),
            lambda id, body: review.request("PATCH", f"{repository}/issues/comments/{id}", headers, {"body": body}),
        )
    except review.ApiError as error:
        say("warning", f"The comment could not be written: {error}. The plan is in the job summary. "
            "The job needs `permissions: pull-requests: write`; a pull request from a fork never has it.")


def plan(job):
    arguments = []
    base = base_of(job)
    if base:
        arguments.append(f"--base={base}")
    if job.switch("FAIL_ON_CHANGES"):
        arguments.append("--detailed-exitcode")
    planned = review.plan(job.command, arguments, job.plan_file, job.environment, annotate=True, snapshot=job.snapshot)
    review.close(planned, job.where, fork=job.from_fork)

    with Silenced():
        # What allows commands again has to begin a line.
        print(planned.log.rstrip("\n"), flush=True)
    print(planned.annotations, end="", flush=True)
    if planned.differs:
        say("warning", "Between two looks something changed: the annotations are not those of the plan in the job summary. "
            "Run the job again.")
    job.append("GITHUB_STEP_SUMMARY", planned.markdown + "\n")
    markdown = job.plan_file.with_suffix(".md")
    markdown.write_text(planned.markdown, encoding="utf-8")
    job.set_output("markdown-file", markdown)
    job.set_output("plan-file", job.plan_file if job.plan_file.is_file() else "")
    job.set_output("digest", planned.digest)
    job.set_output("changes", "" if planned.changes is None else str(planned.changes).lower())
    comment(job, planned)
    return planned.status


APPLIED = {
    0: ("everything is done", "Nothing is left to do."),
    1: ("nothing was changed", "It ended before the first write; the last lines say why. Mend that, and run the job again."),
    3: ("nothing was changed", "The files are not valid: correct them, and have the new plan reviewed."),
    4: ("nothing was changed", "A remote did not let trueup read: check the secrets and rights of the job, and run it again."),
    5: ("something is not done", "The last lines say what and why. What is done stays done, and nothing needs cleaning up: "
        "mend the cause, plan anew and apply that plan; it holds what is left."),
    6: ("nothing was changed", "The plan is not what would happen now, or a guard refuses it: plan anew, and have that "
        "plan reviewed."),
    64: ("nothing was changed", "trueup was called in a wrong way: correct the inputs of the job."),
}

INTERRUPTED = (
    "interrupted",
    "What was begun goes on at the remote. Plan anew and apply that plan: it attaches to what is running, and holds what is "
    "left.",
)


def apply(job):
    lines = []
    with Silenced():
        try:
            with subprocess.Popen(
                [*job.command, "apply", str(job.plan_file)], env=job.environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
            ) as running:
                for line in running.stdout:
                    lines.append(line)
                    print(line, end="", flush=True)
            status = running.returncode
        except OSError as error:
            status, lines = 64, [f"{job.command[0]} cannot be started: {error.strerror}\n"]
            print(lines[0], end="", flush=True)
    # A signal's end is negative in Python, and 128 and more for everybody else.
    status = 128 - status if status < 0 else status
    outcome, now = APPLIED.get(status, INTERRUPTED)
    text = review.fenced("\n".join(review.last_part("".join(lines))))
    job.append("GITHUB_STEP_SUMMARY",
        f"### trueup apply: {outcome}\n\n{text}\n**What now?** {now}\n\n{job.where} Exit status {status}.\n")
    if status:
        say("error", f"apply: {outcome} (exit status {status}). {now}")
    return status


def main():
    job = Job(dict(os.environ))
    wrong = wrong_use(job)
    if wrong:
        say("error", wrong)
        job.append("GITHUB_STEP_SUMMARY", f"### trueup\n\n**Nothing was done.** {wrong}\n")
        status = 64
    else:
        status = plan(job) if job.input("MODE") == "plan" else apply(job)
    job.set_output("exit-code", status)
    return status


if __name__ == "__main__":
    sys.exit(main())
