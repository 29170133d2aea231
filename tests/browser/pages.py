"""Projects, the pages trueup makes of them, and a browser that opens them."""

import json
import os
import pathlib
import subprocess

from selenium import webdriver

TOML = """[project]
name = {name}

[targets.kaiten]
provider = "kaiten"
url = "sandbox"

[targets.cf]
provider = "cloudfoundry"
url = "sandbox"

[variables.password]
env = "PASSWORD"
sensitive = true
"""

SECRET = "hunter2-is-secret"

EVIL = (
    "</script><script>document.title = `pwned`</script><img src=x onerror=\"document.title = `pwned`\">"
    "<svg onload=\"document.title = `pwned`\">' \" ``` ]]> --> %0A::error::x @someone #123 $(id) | \u202e\u200b\u001b[31m "
    "javascript:alert(1) " + "long" * 200
)


def quoted(text):
    """A YAML scalar: JSON is one."""
    return json.dumps(text)


class Project:
    """A directory in which trueup runs, with a sandbox of its own."""

    def __init__(self, directory, name="acme"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        (self.directory / "trueup.toml").write_text(TOML.format(name=json.dumps(name)), "utf-8")
        (self.directory / "resources").mkdir()

    def declare(self, **files):
        for name, text in files.items():
            (self.directory / "resources" / f"{name}.yaml").write_text(text, "utf-8")

    def run(self, *arguments, codes=(0,)):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "PASSWORD": SECRET}
        done = subprocess.run(
            [os.environ["TRUEUP_BIN"], *arguments], cwd=self.directory, env=environment, capture_output=True, text=True,
            encoding="utf-8", timeout=120,
        )
        assert done.returncode in codes, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def apply(self):
        self.run("apply", "--yes", "--format", "json")

    def page(self, name, *arguments, codes=(0,)):
        path = self.directory / name
        path.write_text(self.run(*arguments, codes=codes), "utf-8")
        return path


def customers(count, renamed=0):
    return "customers:\n" + "".join(
        f"  acme-{at:03}:\n    name: Acme {at}{' (renamed)' if at < renamed else ''}\n    domain: acme-{at}.example.com\n"
        for at in range(count)
    )


def databases(count):
    return "service_instances:\n" + "".join(
        f"  database-{at:03}:\n    space: sandbox/dev\n    plan: postgres/small\n"
        f"    tags: ['${{customers.acme-{at:03}.slug}}']\n" for at in range(count)
    )


def instances(count, description):
    return "instances:\n" + "".join(
        f"  acme-{at:03}-production:\n    name: Acme {at} production\n    description: |\n      Production of Acme {at}.\n"
        f"      {description}\n    customer: acme-{at:03}\n    license: growth\n    deployment_zone: eu-west-1\n"
        f"    start_license_date: 2026-09-01T00:00:00Z\n    end_license_date: 2027-09-01T00:00:00Z\n"
        f"    metadata:\n      database: ${{service_instances.database-{at:03}.guid}}\n" for at in range(count)
    )


def changed(directory, count):
    """Something of every weight: created, changed, replaced, deleted and blocked; some left as it is."""
    project = Project(directory)
    project.declare(
        customers=customers(count), databases=databases(count), instances=instances(count - 1, "By hand."),
        cache="service_instances:\n  cache: { space: sandbox/dev, plan: redis/small }\n"
        "  queue: { space: sandbox/dev, plan: postgres/small }\n"
        "  search: { space: sandbox/dev, plan: postgres/small }\n",
    )
    project.apply()
    project.declare(
        customers=customers(count, renamed=count // 2),
        instances=instances(count, "Reviewed by the platform team."),
        cache="service_instances:\n  cache: { space: sandbox/dev, lifecycle: { absent: true } }\n"
        "  queue: { space: sandbox/dev, plan: redis/small, lifecycle: { replace: true } }\n"
        "  search: { space: sandbox/dev, plan: redis/small }\n",
    )
    return project


def nasty(directory):
    """Values and names, here and in the remotes, that would like to be more than text."""
    # A project's name has no control characters.
    project = Project(directory, name="".join(char for char in EVIL if char.isprintable()))
    text = f"customers:\n  acme: {{ name: {quoted(EVIL)} }}\n  globex: {{ name: Globex }}\n"
    project.declare(all=text + "service_instances:\n  cache: { space: sandbox/dev, plan: redis/small }\n")
    project.apply()
    project.declare(
        all=f"customers:\n  acme: {{ name: {quoted('was ' + EVIL)} }}\n  globex: {{ name: {quoted(EVIL)} }}\n"
        "  initech: { name: Initech }\n"
        f"service_instances:\n  named:\n    name: {quoted(EVIL[:50].replace('/', ''))}\n    space: sandbox/dev\n    plan: redis/small\n"
        f"    tags: [{quoted(EVIL[:100])}, '${{customers.acme.slug}}']\n"
        f"    parameters: {{ password: '${{var.password}}', {quoted(EVIL[:80])}: {quoted(EVIL)} }}\n"
        "  cache: { space: sandbox/dev, plan: redis/small, parameters: { password: '${var.password}' } }\n",
    )
    return project


def browser(width=1280, height=900):
    """Chromium that tells what it asks for and what goes wrong in it."""
    options = webdriver.ChromeOptions()
    options.binary_location = os.environ["CHROMIUM"]
    for argument in [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars",
        f"--window-size={width},{height}",
    ]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(os.environ["CHROMEDRIVER"]))


def look(driver, width, height, scheme="light"):
    """Sets how large the page is, to the point, and whether the system is light or dark."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    )
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
