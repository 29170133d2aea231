"""Service instances, their bindings and what goes wrong with them, in v3, with the `cloudfoundry-client` package.

Takes the sandbox's address from CF_API_URL, and can be run against one sandbox again and again. What the sandbox's broker is
to do is told to it by `/_sandbox`, which no client knows of.
"""

import json
import os
import time
import urllib.request
import uuid

import pytest
from cloudfoundry_client.client import CloudFoundryClient
from cloudfoundry_client.errors import InvalidStatusCode

BASE = os.environ["CF_API_URL"].rstrip("/")
# Names of this run: a persisted sandbox may hold those of earlier ones.
RUN = uuid.uuid4().hex[:8]
NOT_AUTHORIZED = (403, 10003, "You are not authorized to perform the requested action")


def signed_in(user="admin"):
    client = CloudFoundryClient(BASE)
    client.init_with_user_credentials(user, user)
    return client.v3


def steer(method, path, body):
    request = urllib.request.Request("%s/_sandbox/%s" % (BASE, path), json.dumps(body).encode(), method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    answer = opener.open(request, timeout=10).read()
    return json.loads(answer) if answer else None


def order(instance, step, milliseconds=None, trouble=None):
    """Has the broker do this with its next request about the instance."""
    body = dict(instance=instance, step=step, milliseconds=milliseconds, trouble=trouble)
    steer("POST", "broker/orders", {key: value for key, value in body.items() if value is not None})


def refusal(action, *arguments, **named):
    """Status, code and detail of the one error that the call ends in."""
    try:
        action(*arguments, **named)
    except InvalidStatusCode as refused:
        [error] = refused.body["errors"]
        return int(refused.status_code), error["code"], error["detail"]
    raise AssertionError("it was not refused")


def equal(seen, expected):
    assert seen == expected, "%r instead of %r" % (seen, expected)


def names(resources):
    return [resource["name"] for resource in resources]


def operation(entity):
    return entity["last_operation"]["type"], entity["last_operation"]["state"]


def wait(v3, job_guid):
    return v3.jobs.wait_for_job_completion(job_guid, step=0.05, step_function=lambda step: step, timeout=10)


def job_guid(entity):
    """The job behind an answer that is a body without anything but the link to it."""
    return entity["links"]["job"]["href"].rsplit("/", 1)[1]


def gone(manager, guid, seconds=10):
    deadline = time.monotonic() + seconds
    while manager.get_first(guids=guid) is not None:
        assert time.monotonic() < deadline, "%s is still there after %d s" % (guid, seconds)
        time.sleep(0.05)


def plan_guid(v3, offering, plan, broker="main-broker"):
    [found] = v3.service_plans.list(names=plan, service_offering_names=offering, service_broker_names=broker)
    return found["guid"]


class Dev:
    """The space that tests work in, and what they leave there."""

    def __init__(self):
        self.v3 = signed_in()
        organization = self.v3.organizations.get_first(names="sandbox")["guid"]
        self.space = self.v3.spaces.get_first(names="dev", organization_guids=organization)["guid"]
        self.made = []

    def make(self, name, offering="redis", plan="small", **more):
        created = self.v3.service_instances.create(self.name(name), self.space, plan_guid(self.v3, offering, plan), **more)
        job = wait(self.v3, job_guid(created))
        equal((job["operation"], job["state"], job["errors"]), ("service_instance.create", "COMPLETE", []))
        guid = job["links"]["service_instances"]["href"].rsplit("/", 1)[1]
        self.made.append(guid)
        return guid

    def name(self, name):
        return "%s-%s" % (name, RUN)


@pytest.fixture
def dev():
    dev = Dev()
    yield dev
    for guid in dev.made:
        if dev.v3.service_instances.get_first(guids=guid) is not None:
            dev.v3.service_instances.remove(guid)
            gone(dev.v3.service_instances, guid)


def test_instances_are_walked_over_several_pages_and_found_by_filters(dev):
    made = [dev.make("page%d" % number, tags=["t%d" % number]) for number in range(5)]
    expected = [dev.name("page%d" % number) for number in range(5)]
    pages = dev.v3.service_instances.list(guids=made, per_page=2)
    equal((pages.total_results, names(pages)), (5, expected))
    backwards = dev.v3.service_instances.list(guids=made, per_page=2, order_by="-name")
    equal(names(backwards), expected[::-1])
    small = plan_guid(dev.v3, "redis", "small")
    by = dict(space_guids=dev.space, service_plan_guids=small, service_plan_names="SMALL", type="managed")
    equal(names(dev.v3.service_instances.list(names=expected[3], **by)), expected[3:4])
    equal(dev.v3.service_instances.len(names=expected), 5)
    fields = {"space": ["guid", "name"], "service_plan": ["guid", "name"]}
    [one] = dev.v3.service_instances.list(guids=made[0], fields=fields)
    equal((one.space()["name"], one.service_plan()["name"]), ("dev", "small"))


def test_an_instance_changes_its_plan_and_is_upgraded(dev):
    guid = dev.make("changing", "redis", "small", parameters=dict(size=1))
    changed = dev.v3.service_instances.update(guid, service_plan=plan_guid(dev.v3, "redis", "large"))
    equal(wait(dev.v3, job_guid(changed))["operation"], "service_instance.update")
    instance = dev.v3.service_instances.get(guid)
    equal((instance.service_plan()["name"], operation(instance)), ("large", ("update", "succeeded")))
    equal(dev.v3.service_instances.get(guid, "parameters"), dict(size=1))
    labelled = dev.v3.service_instances.update(guid, meta_labels=dict(a="b"))
    equal((labelled["metadata"]["labels"], operation(labelled)), (dict(a="b"), ("update", "succeeded")))
    equal(dev.v3.service_instances.get_permissions(guid), dict(manage=True, read=True))
    fixed = dev.make("fixed", "queue", "standard")
    refused = refusal(dev.v3.service_instances.update, fixed, service_plan=plan_guid(dev.v3, "queue", "dedicated"))
    equal(refused, (422, 10008, "The service does not support changing plans."))
    other = refusal(dev.v3.service_instances.update, guid, service_plan=plan_guid(dev.v3, "queue", "standard"))
    equal(other[:2], (400, 1002))
    refused = refusal(dev.v3.service_instances.update, guid, maintenance_info="9.9.9")
    equal(refused[:2], (422, 10008))


def test_what_the_broker_fails_is_told_by_jobs(dev):
    guid = dev.make("failing")
    name = dev.name("failing")
    order(name, "update", 50, dict(fail_later="no room"))
    job = wait(dev.v3, job_guid(dev.v3.service_instances.update(guid, parameters=dict(size=2))))
    equal((job["state"], job["errors"][0]["code"]), ("FAILED", 10009))
    equal(job["errors"][0]["detail"], "update could not be completed: no room")
    equal(operation(dev.v3.service_instances.get(guid)), ("update", "failed"))
    order(name, "deprovision", trouble=dict(refuse=dict(status=500, description="busy")))
    job = wait(dev.v3, dev.v3.service_instances._remove(guid))
    equal((job["operation"], job["state"]), ("service_instance.delete", "FAILED"))
    equal(operation(dev.v3.service_instances.get(guid)), ("delete", "failed"))


def test_a_create_that_failed_is_replaced_by_the_next_of_its_name(dev):
    name, plan = dev.name("again"), plan_guid(dev.v3, "redis", "small")
    order(name, "provision", 50, dict(fail_later="no room"))
    job = wait(dev.v3, job_guid(dev.v3.service_instances.create(name, dev.space, plan)))
    equal(job["errors"][0]["detail"], "create managed could not be completed: no room")
    failed = dev.v3.service_instances.get_first(names=name)
    equal(operation(failed), ("create", "failed"))
    refused = refusal(dev.v3.service_instances.update, failed["guid"], tags=["a"])
    equal(refused, (404, 60004, "The service instance could not be found: %s" % name))
    no_key = refusal(dev.v3.service_credential_bindings.create, "k", "key", failed["guid"], None, None, None, None)
    equal(no_key, (422, 10008, "Service instance not found"))
    guid = dev.make("again")
    assert guid != failed["guid"]
    equal(dev.v3.service_instances.get_first(guids=failed["guid"]), None)


def test_what_is_being_worked_on_is_left_alone(dev):
    guid, name = dev.make("busy"), dev.name("busy")
    order(name, "update", trouble="never_end")
    job = job_guid(dev.v3.service_instances.update(guid, parameters=dict(size=2)))
    busy = (409, 60016, "An operation for service instance %s is in progress." % name)
    equal(refusal(dev.v3.service_instances.update, guid, tags=["a"]), busy)
    sentence = "There is an operation in progress for the service instance."
    equal(refusal(dev.v3.service_instances.remove, guid), (422, 10008, sentence))
    key = refusal(dev.v3.service_credential_bindings.create, "k", "key", guid, None, None, None, None)
    equal(key, (422, 10008, sentence.rstrip(".")))
    equal(dev.v3.service_instances.update(guid, meta_labels=dict(a="b"))["metadata"]["labels"], dict(a="b"))
    # The job is picked up a moment later.
    deadline = time.monotonic() + 10
    while dev.v3.jobs.get(job)["state"] != "POLLING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    steer("POST", "broker/release", dict(instance=name))
    equal(wait(dev.v3, job)["state"], "COMPLETE")


def test_keys_that_take_the_broker_a_while_are_made_listed_labelled_and_deleted(dev):
    guid, name = dev.make("keys"), dev.name("keys")
    bindings = dev.v3.service_credential_bindings
    order(name, "bind", 300)
    job = bindings.create("k0", "key", guid, None, dict(role="reader"), dict(run=RUN), None)
    early = bindings.get_first(names="k0", service_instance_guids=guid)
    equal((early["type"], early["last_operation"]["type"]), ("key", "create"))
    equal(refusal(bindings.get, early["guid"], "details"), (404, 10010, "Creation of service key in progress"))
    done = wait(dev.v3, job)
    equal((done["operation"], done["state"]), ("service_keys.create", "COMPLETE"))
    key = bindings.get(early["guid"])
    equal((operation(key), key["metadata"]["labels"]), (("create", "succeeded"), dict(run=RUN)))
    equal(key.service_instance()["guid"], guid)
    equal(sorted(key.details()["credentials"]), ["password", "username"])
    taken = refusal(bindings.create, "k0", "key", guid, None, None, None, None)
    equal(taken[:2], (422, 10008))
    assert taken[2].startswith("The binding name is invalid. Key binding names must be unique."), taken

    for number in range(1, 5):
        wait(dev.v3, bindings.create("k%d" % number, "key", guid, None, None, None, None))
    pages = bindings.list(service_instance_guids=guid, type="key", per_page=2)
    equal((pages.total_results, names(pages)), (5, ["k%d" % number for number in range(5)]))
    equal(names(bindings.list(service_instance_names=name, names=["k1", "k3"])), ["k1", "k3"])
    equal(names(bindings.list(label_selector="run=%s" % RUN)), ["k0"])
    changed = bindings._update(key["guid"], dict(metadata=dict(labels=dict(run=None), annotations=dict(note="n"))))
    equal(changed["metadata"], dict(labels={}, annotations=dict(note="n")))

    order(name, "unbind", 300)
    job = bindings._remove(key["guid"])
    equal(wait(dev.v3, job)["operation"], "service_keys.delete")
    equal(refusal(bindings.get, key["guid"]), (404, 10010, "Service credential binding not found"))

    order(name, "bind", 50, dict(fail_later="no more users"))
    failed = wait(dev.v3, bindings.create("bad", "key", guid, None, None, None, None))
    equal(failed["errors"][0]["detail"], "bind could not be completed: no more users")
    bad = bindings.get_first(names="bad")
    equal(refusal(bindings.get, bad["guid"], "details"), (404, 10010, "Creation of service key failed"))


def test_keys_that_cannot_be_are_refused(dev):
    bindings = dev.v3.service_credential_bindings
    bucket = dev.make("bucket", "object-store", "bucket", parameters=dict(region="eu"))
    refused = refusal(bindings.create, "k", "key", bucket, None, None, None, None)
    equal(refused, (422, 10008, "Service plan does not allow bindings."))
    refused = refusal(bindings.create, "k", "key", "none", None, None, None, None)
    equal(refused, (422, 10008, "The service instance could not be found: 'none'"))
    guid = dev.make("plain")
    auditor = signed_in("auditor").service_credential_bindings
    equal(refusal(auditor.create, "k", "key", guid, None, None, None, None), NOT_AUTHORIZED)


def test_the_binding_of_an_app_is_seen_and_goes_with_its_instance(dev):
    guid, name = dev.make("bound"), dev.name("bound")
    bindings = dev.v3.service_credential_bindings
    app = "web-%s" % RUN
    binding = steer("POST", "bindings", dict(instance=guid, app=app))["guid"]
    [seen] = bindings.list(service_instance_guids=guid, type="app", include="app")
    equal((seen["guid"], seen["type"], seen["name"], seen.app()["name"]), (binding, "app", None, app))
    equal([one["guid"] for one in bindings.list(app_names=app)], [binding])
    equal([one["guid"] for one in bindings.list(app_guids=seen["relationships"]["app"]["data"]["guid"])], [binding])
    equal(list(bindings.list(service_instance_guids=guid, type="key")), [])
    equal(sorted(seen.details()["credentials"]), ["password", "username"])
    no_app = refusal(bindings.create, None, "app", guid, "none", None, None, None)
    equal(no_app[:2], (422, 10008))
    steer("POST", "bindings", dict(instance=guid, app="other-" + app, in_progress=True))
    busy = "An operation for the service binding between app other-%s and service instance %s is in progress." % (app, name)
    equal(refusal(dev.v3.service_instances.update, guid, tags=["a"]), (409, 90008, busy))
    steer("POST", "broker/release", dict(instance=name))
    job = wait(dev.v3, bindings._remove(binding))
    equal((job["operation"], job["state"]), ("service_bindings.delete", "COMPLETE"))
    dev.v3.service_instances.remove(guid)
    gone(dev.v3.service_instances, guid)
    equal(list(bindings.list(app_names="other-" + app)), [])


def test_what_is_not_there_is_said_to_be_so_by_each_collection(dev):
    for manager, what in [
        (dev.v3.service_instances, "Service instance"),
        (dev.v3.service_credential_bindings, "Service credential binding"),
        (dev.v3.service_offerings, "Service offering"),
        (dev.v3.service_plans, "Service plan"),
        (dev.v3.service_brokers, "Service broker"),
        (dev.v3.organizations, "Organization"),
        (dev.v3.spaces, "Space"),
        (dev.v3.jobs, "Job"),
    ]:
        equal(refusal(manager.get, "none"), (404, 10010, "%s not found" % what))


def test_brokers_are_read(dev):
    all_of_them = names(dev.v3.service_brokers.list(per_page=2))
    for name in ["main-broker", "second-broker", "seed-broker", "dev-broker"]:
        assert name in all_of_them, all_of_them
    broker = dev.v3.service_brokers.get_first(names="dev-broker")
    equal(dev.v3.service_brokers.get(broker["guid"]).space()["name"], "dev")


def test_what_cannot_be_created_is_refused(dev):
    small = plan_guid(dev.v3, "redis", "small")
    create = dev.v3.service_instances.create
    equal(refusal(create, "x", "none", small)[:2], (422, 10008))
    no_plan = refusal(create, "x", dev.space, "none")
    assert no_plan[:2] == (422, 10008) and no_plan[2].startswith("Invalid service plan."), no_plan
    equal(refusal(create, " ", dev.space, small), (422, 10008, "Name can't be blank"))
    old = plan_guid(dev.v3, "postgres", "legacy")
    assert "has been removed from the service broker's catalog" in refusal(create, "x", dev.space, old)[2]
    auditor = signed_in("auditor").service_instances
    equal(refusal(auditor.create, "x", dev.space, small), NOT_AUTHORIZED)
