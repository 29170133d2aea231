"""Drives the sandbox with the `cloudfoundry-client` package: a client that knows nothing of trueup.

Takes the sandbox's address from CF_API_URL, and can be run against one sandbox again and again.
Written against cloudfoundry-client 1.40.4.
"""

import os
import time
import uuid

from cloudfoundry_client.client import CloudFoundryClient
from cloudfoundry_client.errors import InvalidStatusCode
from oauth2_client.credentials_manager import OAuthError

BASE = os.environ["CF_API_URL"]
# Names of this run: a persisted sandbox may hold those of earlier ones.
RUN = uuid.uuid4().hex[:8]
PAGES_OF = 60


def signed_in(user="admin"):
    client = CloudFoundryClient(BASE)
    client.init_with_user_credentials(user, user)
    return client


def plan_guid(client, offering, plan):
    for service in client.v2.services.list(label=offering):
        for candidate in service.service_plans():
            if candidate["entity"]["name"] == plan:
                return candidate["metadata"]["guid"]
    raise AssertionError("no plan %s/%s" % (offering, plan))


def new_space(client, name):
    organization = client.v2.organizations._create(dict(name="%s-%s" % (name, RUN)))
    guid = organization["metadata"]["guid"]
    return client.v2.spaces._create(dict(name="dev", organization_guid=guid))["metadata"]["guid"]


def wait(client, guid, seconds=10):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        operation = client.v2.service_instances.get(guid)["entity"]["last_operation"]
        if operation["state"] != "in progress":
            return operation
        time.sleep(0.1)
    raise AssertionError("instance %s is still in progress after %d s" % (guid, seconds))


def refusal(action, *arguments, **named):
    try:
        action(*arguments, **named)
    except InvalidStatusCode as refused:
        return int(refused.status_code), refused.body["error_code"]
    raise AssertionError("it was not refused")


def equal(seen, expected):
    assert seen == expected, "%r instead of %r" % (seen, expected)


def test_a_wrong_password_is_refused():
    client = CloudFoundryClient(BASE)
    try:
        client.init_with_user_credentials("admin", "wrong")
    except OAuthError as refused:
        equal((int(refused.status_code), refused.error), (401, "unauthorized"))
    else:
        raise AssertionError("signed in with a wrong password")


def test_a_client_signs_in_for_itself():
    client = CloudFoundryClient(BASE, client_id="ci", client_secret="ci-secret")
    client.init_with_client_credentials()
    assert client.v2.organizations.get_first() is not None


def test_a_session_goes_on_with_its_refresh_token():
    first = signed_in()
    second = CloudFoundryClient(BASE)
    second.init_with_token(first.refresh_token)
    assert second.v2.organizations.get_first() is not None


def test_a_token_that_is_no_good_is_replaced_on_the_way():
    client = signed_in()
    client._access_token = "no.good.token"
    assert client.v2.organizations.get_first() is not None


def test_an_organization_and_a_space_are_created_found_and_deleted():
    client = signed_in()
    name = "org-%s" % RUN
    organization = client.v2.organizations._create(dict(name=name))
    guid = organization["metadata"]["guid"]
    space = client.v2.spaces._create(dict(name="Dev", organization_guid=guid))
    equal(client.v2.organizations.get_first(name=name.upper())["metadata"]["guid"], guid)
    equal(space.organization()["entity"]["name"], name)
    equal([found["entity"]["name"] for found in organization.spaces()], ["Dev"])
    found = client.v2.spaces.get_first(organization_guid=guid, name="dev")
    equal(found["metadata"]["guid"], space["metadata"]["guid"])
    equal(refusal(client.v2.organizations._create, dict(name=name)), (400, "CF-OrganizationNameTaken"))
    equal(refusal(client.v2.organizations._remove, guid), (400, "CF-AssociationNotEmpty"))
    client.v2.spaces._remove(space["metadata"]["guid"])
    client.v2.organizations._remove(guid)
    equal(refusal(client.v2.organizations.get, guid), (404, "CF-OrganizationNotFound"))


def test_the_marketplace_is_read():
    client = signed_in()
    plans = [plan["entity"]["name"] for plan in client.v2.services.get_first(label="postgres").service_plans()]
    assert "small" in plans and "large" in plans, plans
    brokers = [service["entity"]["service_broker_name"] for service in client.v2.services.list(label="cache")]
    equal(len(set(brokers)), 2)


def test_an_instance_is_created_changed_and_deleted_at_once():
    client = signed_in()
    instances = client.v2.service_instances
    space = new_space(client, "sync")
    small, large = plan_guid(client, "redis", "small"), plan_guid(client, "redis", "large")
    created = instances.create(space, "cache", small, parameters=dict(memory=1), tags=["a"])
    guid = created["metadata"]["guid"]
    equal(created["entity"]["last_operation"]["state"], "succeeded")
    equal(created.service_plan()["entity"]["name"], "small")
    equal(created.space()["metadata"]["guid"], space)
    equal(instances.list_permissions(guid)["manage"], True)
    changed = instances.update(guid, instance_name="renamed", plan_guid=large, parameters=dict(memory=2), tags=["b"])
    equal((changed["entity"]["name"], changed["entity"]["tags"]), ("renamed", ["b"]))
    equal(changed["entity"]["service_plan_guid"], large)
    parameters = client.get("%s/v2/service_instances/%s/parameters" % (BASE.rstrip("/"), guid)).json()
    equal(parameters, dict(memory=2))
    equal(instances.get_first(name="renamed", space_guid=space)["metadata"]["guid"], guid)
    instances.remove(guid)
    equal(refusal(instances.get, guid), (404, "CF-ServiceInstanceNotFound"))


def test_an_instance_that_takes_time_is_polled():
    client = signed_in()
    instances = client.v2.service_instances
    space = new_space(client, "async")
    small = plan_guid(client, "postgres", "small")
    equal(refusal(instances.create, space, "db", small), (400, "CF-AsyncRequired"))
    created = instances.create(space, "db", small, accepts_incomplete=True)
    guid = created["metadata"]["guid"]
    equal(created["entity"]["last_operation"]["state"], "in progress")
    busy = refusal(instances.update, guid, parameters=dict(a=1), accepts_incomplete=True)
    equal(busy, (409, "CF-AsyncServiceInstanceOperationInProgress"))
    equal(wait(client, guid)["state"], "succeeded")
    instances.update(guid, parameters=dict(a=1), accepts_incomplete=True)
    operation = wait(client, guid)
    equal((operation["type"], operation["state"]), ("update", "succeeded"))
    instances.remove(guid, accepts_incomplete=True)
    deadline = time.monotonic() + 10
    while instances.get_first(space_guid=space) is not None:
        assert time.monotonic() < deadline, "the instance is still there"
        time.sleep(0.1)


def test_a_create_that_fails_later_keeps_its_name():
    client = signed_in()
    instances = client.v2.service_instances
    space = new_space(client, "failing")
    created = instances.create(space, "db", plan_guid(client, "faulty", "fails-create"), accepts_incomplete=True)
    guid = created["metadata"]["guid"]
    operation = wait(client, guid)
    equal((operation["type"], operation["state"]), ("create", "failed"))
    taken = refusal(instances.create, space, "db", plan_guid(client, "redis", "small"))
    equal(taken, (400, "CF-ServiceInstanceNameTaken"))
    instances.remove(guid, purge=True)


def test_lists_are_walked_page_by_page():
    client = signed_in()
    instances = client.v2.service_instances
    space, plan = new_space(client, "pages"), plan_guid(client, "redis", "small")
    names = ["i%02d" % number for number in range(PAGES_OF)]
    for name in names:
        instances.create(space, name, plan)
    listed = instances.list(space_guid=space, **{"results-per-page": 25})
    equal(listed.total_results, PAGES_OF)
    equal([instance["entity"]["name"] for instance in listed], names)
    equal([instance["entity"]["name"] for instance in instances.list(space_guid=space)], names)
    chosen = instances.list(space_guid=space, name=["i03", "i07"])
    equal([instance["entity"]["name"] for instance in chosen], ["i03", "i07"])


def test_a_user_provided_instance_holds_credentials():
    client = signed_in()
    manager = client.v2.user_provided_service_instances
    space = new_space(client, "provided")
    created = manager._create(dict(name="own", space_guid=space, credentials=dict(user="a", password="b")))
    guid = created["metadata"]["guid"]
    changed = manager._update(guid, dict(credentials=dict(user="c")))
    equal(changed["entity"]["credentials"], dict(user="c"))
    equal(refusal(manager._create, dict(name="own", space_guid=space)), (400, "CF-ServiceInstanceNameTaken"))
    manager._remove(guid)
    equal(refusal(manager.get, guid), (404, "CF-UserProvidedServiceInstanceNotFound"))


def test_a_key_protects_its_instance():
    client = signed_in()
    space = new_space(client, "keys")
    instance = client.v2.service_instances.create(space, "cache", plan_guid(client, "redis", "small"))
    guid = instance["metadata"]["guid"]
    key = client.v2.service_keys.create(guid, "key")
    assert key["entity"]["credentials"]["password"]
    equal([found["entity"]["name"] for found in instance.service_keys()], ["key"])
    equal(refusal(client.v2.service_instances.remove, guid), (400, "CF-AssociationNotEmpty"))
    client.v2.service_keys.remove(key["metadata"]["guid"])
    client.v2.service_instances.remove(guid)


def test_an_auditor_reads_and_does_not_write():
    admin, auditor = signed_in(), signed_in("auditor")
    space = auditor.v2.spaces.get_first(name="dev")["metadata"]["guid"]
    plan = plan_guid(admin, "redis", "small")
    name = "auditor-%s" % RUN
    equal(refusal(auditor.v2.service_instances.create, space, name, plan), (403, "CF-NotAuthorized"))
