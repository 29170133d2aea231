"""The plan of a merge request at GitLab: writes plan and text, and keeps one note up to date.

    python3 ci/gitlab.py PLAN_FILE

Directory, environment and whatever else trueup can be told come from its own variables (TRUEUP_CHDIR, TRUEUP_ENV).
TRUEUP_NOTE_TOKEN may write notes; without it there is none. The exit status is trueup's."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import review  # noqa: E402


def base_of(environment):
    """The revision to compare with, if git knows it."""
    branch = environment.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
    if environment.get("TRUEUP_BASE") or not branch:
        return None
    fetched = ["git", "fetch", "--quiet", "origin", f"+refs/heads/{branch}:refs/remotes/origin/{branch}"]
    merge_base = ["git", "merge-base", "HEAD", f"refs/remotes/origin/{branch}"]
    for command in (fetched, merge_base):
        if subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
            print(f"Where the changes come from is not told: git finds no commit shared with {branch}. Set GIT_DEPTH to 0.")
            return None
    return f"origin/{branch}"


def note(environment, token, planned):
    """Writes or edits the note; that it cannot be written makes no plan wrong."""
    request = environment.get("CI_MERGE_REQUEST_IID")
    if not request:
        return
    if not token or not planned.marker:
        why = "there is no plan to show" if token else "TRUEUP_NOTE_TOKEN is not set"
        print(f"The merge request got no note: {why}.")
        return
    api, headers = environment["CI_API_V4_URL"], {"PRIVATE-TOKEN": token}
    notes = f"{api}/projects/{environment['CI_PROJECT_ID']}/merge_requests/{request}/notes"

    def own():
        page = "1"
        try:
            me = review.request("GET", f"{api}/user", headers)[0]["id"]
            while page:
                asked = f"{notes}?sort=asc&order_by=created_at&per_page=100&page={page}"
                found, answered = review.request("GET", asked, headers)
                # Anybody can write a note with the marker in it; only one's own is edited.
                yield from ((one["id"], one["body"]) for one in found if one["author"]["id"] == me)
                page = answered.get("X-Next-Page")
        except (LookupError, TypeError):
            raise review.ApiError("the notes of the merge request cannot be listed") from None

    try:
        review.write_comment(
            planned,
            own(),
            lambda body: review.request("POST", notes, headers, {"body": body}),
            lambda id, body: review.request("PUT", f"{notes}/{id}", headers, {"body": body}),
        )
    except review.ApiError as error:
        print(f"The note could not be written: {error}.")
        print("TRUEUP_NOTE_TOKEN needs the scope `api`, and the role Reporter or more.")


def main():
    environment = dict(os.environ)
    # For the note alone: trueup and git do not get it.
    token = environment.pop("TRUEUP_NOTE_TOKEN", "")
    plan_file = Path(sys.argv[1]).resolve()
    base = base_of(environment)
    planned = review.plan(["trueup"], [f"--base={base}"] if base else [], plan_file, environment)
    review.close(
        planned,
        f"Commit {environment.get('CI_MERGE_REQUEST_SOURCE_BRANCH_SHA') or environment['CI_COMMIT_SHA']}, "
        f"[log of the job]({environment['CI_JOB_URL']}).",
    )
    print(planned.log, end="")
    print(planned.markdown)
    plan_file.with_suffix(".md").write_text(planned.markdown, encoding="utf-8")
    note(environment, token, planned)
    return planned.status


if __name__ == "__main__":
    sys.exit(main())
