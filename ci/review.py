"""What GitHub and GitLab share: a plan as a text for reviewers, and requests to their APIs. Standard library alone."""

import json
import re
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

# GitHub takes 65536 characters in a comment; what is appended here has to fit as well.
MAX_BYTES = 63000

WHAT_NOW = {
    1: "Nothing has been changed. Mend what is blocked and what is listed as a problem, and push again. If a remote could "
    "not be reached, run the job again.",
    3: "Nothing has been changed. The files cannot be used as they are: correct what is listed as a problem, and push again. "
    "`trueup validate` finds the same on your machine.",
    4: "Nothing has been changed. A remote did not let trueup read. The cause is not in the files of this change: check the "
    "secrets and rights that the job has, and run it again.",
    6: "Nothing has been changed. A guard refuses this plan. If it is not what was meant, correct the files; if it is, the "
    "problem above names the limit or the consent to change.",
    64: "Nothing has been changed. trueup was called in a wrong way: correct the settings of this job.",
}


@dataclass
class Planned:
    """One plan, as it is shown to reviewers."""

    status: int
    markdown: str
    log: str
    annotations: str = ""
    digest: str = ""
    # None: there is no plan.
    changes: "bool | None" = None
    # The annotations are of another plan than the text: something changed between the two looks.
    differs: bool = False

    @property
    def marker(self):
        """The first line, by which the comment is found again; None if there is nothing to comment."""
        first = self.markdown.split("\n", 1)[0]
        return first if first.startswith("<!-- trueup plan ") else None


def fenced(text, language="text"):
    """A block of Markdown that its text cannot close."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}\n"


def last_part(text, max_bytes=MAX_BYTES):
    """The last whole lines that fit, and how many come before them."""
    lines = text.rstrip().split("\n")
    kept, size = [], 0
    for line in reversed(lines):
        size += len(line.encode()) + 1
        if size > max_bytes:
            break
        kept.insert(0, line)
    left_out = len(lines) - len(kept)
    return ([f"({left_out} lines before these are in the log of the job)"] if left_out else []) + kept


def _run(command, environment):
    try:
        return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", errors="replace", check=False)
    except OSError as error:
        return subprocess.CompletedProcess(command, 64, "", f"{command[0]} cannot be started: {error.strerror}\n")


def _digest(file):
    try:
        plan = json.loads(Path(file).read_text(encoding="utf-8"))
        # Where nothing could be planned, nothing is known of the project either.
        if not plan["project"]:
            return "", None
        return plan["digest"], any(count for action, count in plan["summary"].items() if action != "unchanged")
    except (OSError, ValueError, LookupError):
        return "", None


def plan(command, arguments, plan_file, environment, annotate=False, snapshot=None):
    """Plans once for the text and `plan_file`, and with `annotate` once more for annotations. With `snapshot` the plan is made
    from that file instead of the remotes, and there is no plan file: such a plan is not applied."""
    # A plan of an earlier run must not be taken for this one's.
    Path(plan_file).unlink(missing_ok=True)
    shown = ["--format", "markdown", "--max-bytes", str(MAX_BYTES)]
    with tempfile.TemporaryDirectory() as scratch:
        kept = Path(scratch, "plan.json") if snapshot else Path(plan_file)
        if snapshot:
            arguments = [*arguments, f"--remote={snapshot}"]
            kept.write_text(_run([*command, "plan", "--format", "json", *arguments], environment).stdout, encoding="utf-8")
        out = [] if snapshot else ["--out", str(kept)]
        told = _run([*command, "plan", *shown, *out, *arguments], environment)
        digest, changes = _digest(kept)
    planned = Planned(told.returncode, told.stdout, told.stderr, digest=digest, changes=changes)
    if not planned.markdown:
        planned.markdown = (
            f"### trueup plan\n\n**There is no plan: trueup ended with status {planned.status}.**\n\n"
            + fenced("\n".join(last_part(planned.log or "It said nothing.")))
        )
    if annotate:
        with tempfile.TemporaryDirectory() as scratch:
            second = Path(scratch, "plan.json")
            out = [] if snapshot else ["--out", str(second)]
            marked = _run([*command, "plan", "--format", "github", *out, *arguments], environment)
            planned.annotations = marked.stdout
            # A file tells the same at each look.
            planned.differs = not snapshot and (marked.returncode, _digest(second)[0]) != (planned.status, digest)
    return planned


def close(planned, where, fork=False):
    """Ends the text with what a reader can do now, and where it comes from."""
    if planned.status in (0, 2):
        now = (
            "Nothing has been changed yet: this is what an apply would do. Check that each line is meant; what is not is "
            "mended in the files."
            if planned.changes
            else "Nothing is to be done: an apply would change nothing."
        )
    else:
        now = WHAT_NOW.get(planned.status, "trueup ended unexpectedly: see the log of the job.")
    if fork and planned.status in (3, 4):
        now += (
            " A pull request from a fork has no secrets. If only these are missing, nothing is wrong with it: a maintainer who "
            "has read it can push its branch to this repository, where it is planned."
        )
    if planned.differs:
        now += " Between the looks for this text and for the annotations something changed: run the job again."
    planned.markdown = f"{planned.markdown.rstrip()}\n\n**What now?** {now}\n\n{where} Exit status {planned.status}.\n"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token elsewhere."""

    def redirect_request(self, *_):
        return None


class ApiError(Exception):
    """A request that got no usable answer; says which and why."""


def request(method, url, headers, body=None):
    """One request with JSON in both directions. Returns the answer and its headers."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data=data, method=method)
    own = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "trueup-ci"}
    for name, value in {**own, **headers}.items():
        asked.add_header(name, value)
    what = f"{method} {url.split('?')[0]}"
    try:
        with urllib.request.build_opener(_NoRedirect).open(asked, timeout=30) as answer:
            return json.load(answer), answer.headers
    except urllib.error.HTTPError as error:
        error.close()
        raise ApiError(f"{what} answered {error.code}") from None
    except (OSError, ValueError) as error:
        raise ApiError(f"{what} failed: {getattr(error, 'reason', error)}") from None


def write_comment(planned, comments, create, edit):
    """Edits the comment of the same plan, or writes a new one. `comments` yields (id, body) of one's own only."""
    for number, body in comments:
        if body.replace("\r\n", "\n").split("\n", 1)[0] == planned.marker:
            edit(number, planned.markdown)
            return "edited"
    create(planned.markdown)
    return "written"
