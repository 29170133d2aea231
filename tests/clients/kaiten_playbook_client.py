"""The playbook of the official Kaiten SDK against the sandbox: its own walk through its own resources.

The script is not part of the installed package; `run` fetches it with the source distribution. Left out are the steps
that need what the sandbox does not emulate: usage, evaluation of flags, service accounts. So are, within the steps, the
links to a CRM that are made after a customer or an instance was created.
"""

import importlib.util
import os
import sys
from types import SimpleNamespace

import pytest
from kaitencloud import KaitenClient

STEPS = ["catalog", "license", "customer", "product", "metadata", "instance", "cleanup"]


@pytest.fixture
def playbook():
    specification = importlib.util.spec_from_file_location("playbook", os.environ["KAITEN_PLAYBOOK"])
    module = importlib.util.module_from_spec(specification)
    # Its dataclasses look themselves up there.
    sys.modules["playbook"] = module
    specification.loader.exec_module(module)
    yield module
    del sys.modules["playbook"]


def without_links(client):
    def link(*_, **__):
        return object()

    for resource in (client.customers, client.instances):
        resource.create_integration = link
        resource.get_integration = link
    links = SimpleNamespace(get_customer=link, upsert_customer=link, get_instance=link)

    class Unlinked:
        integrations = links

        def __getattr__(self, name):
            return getattr(client, name)

    return Unlinked()


def test_the_playbook_runs_and_cleans_up_as_its_reference_says(playbook, tmp_path, monkeypatch):
    warnings, done = [], []
    monkeypatch.setattr(playbook, "warn", warnings.append)
    monkeypatch.setattr(playbook, "done", done.append)
    steps = {step.name: step for step in playbook.STEPS}
    with KaitenClient(max_retries=0) as client:
        book = playbook.Playbook(client=without_links(client), state=playbook.State(tmp_path / "state.json"))
        run = book.run
        for name in STEPS[:-1]:
            steps[name].run(book)
        assert warnings == []
        # What ran before is recognized; only its update of a component would meet the one it made.
        made = len(done)
        for name in STEPS[:-1]:
            if name != "product":
                steps[name].run(book)
        assert not [line for line in done[made:] if line.startswith("created") and "CRM link" not in line]
        assert client.license_families.get(book.slug("growth")).version_count == 2
        assert client.instances.get(book.slug("production")).deployment_zone_slug == book.slug("zone")
        made = len(done)
        steps["cleanup"].run(book)
    # It deletes a license before its grants, and the entitlements they hold.
    refused = ["license playbook-{}-growth", "entitlement playbook-{}-seats", "entitlement playbook-{}-api-calls"]
    refused.append("entitlement playbook-{}-sso")
    expected = [f"could not delete {what.format(run)}" for what in refused]
    assert [line.split(":")[0] for line in warnings] == expected
    deleted = [line.split()[1] for line in done[made:] if line.startswith("deleted")]
    kinds = ["instance", "license", "customer", "entitlement", "deployment", "release", "component", "metadata"]
    assert deleted == kinds
