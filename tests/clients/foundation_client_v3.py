"""Drives the v3 half of the sandbox with the `cloudfoundry-client` package: a client that knows nothing of trueup.

Takes the sandbox's address from CF_API_URL, and can be run against one sandbox again and again.
Written against cloudfoundry-client 1.40.4.
"""

import os
import time
import uuid

from cloudfoundry_client.client import CloudFoundryClient
from cloudfoundry_client.errors import InvalidStatusCode

BASE = os.environ["CF_API_URL"].rstrip("/")
# Names of this run: a persisted sandbox may hold those of earlier ones.
RUN = uuid.uuid4().hex[:8]
PAGES_OF = 30


def signed_in(user="admin"):
    client = CloudFoundryClient(BASE)
    client.init_with_user_credentials(user, user)
    return client.v3


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


def wait_until_gone(manager, guid, seconds=10):
    deadline = time.monotonic() + seconds
    while manager.get_first(guids=guid) is not None:
        assert time.monotonic() < deadline, "%s is still there after %d s" % (guid, seconds)
        time.sleep(0.05)


def new_organization(v3, name):
    return v3.organizations.create("%s-%s" % (name, RUN), False)["guid"]


def test_an_organization_and_a_space_are_created_found_and_deleted():
    v3 = signed_in()
    name = "v3-%s" % RUN
    organization = v3.organizations.create(name, False, meta_labels=dict(run=RUN), meta_annotations=dict(note="a b"))
    guid = organization["guid"]
    equal(organization["metadata"], dict(labels=dict(run=RUN), annotations=dict(note="a b")))
    space = v3.spaces.create("Dev", guid)
    equal(space.organization()["name"], name)
    equal(v3.organizations.get_first(names=name.upper())["guid"], guid)
    equal(v3.organizations.get_first(label_selector="run=%s" % RUN)["guid"], guid)
    found = v3.spaces.get_first(names="dev", organization_guids=guid, include="organization")
    equal((found["guid"], found.organization()["guid"]), (space["guid"], guid))
    taken = "Organization '%s' already exists." % name
    equal(refusal(v3.organizations.create, name, False), (422, 10008, taken))
    equal(refusal(v3.spaces.create, "DEV", guid), (422, 10008, "Name must be unique per organization"))
    equal(v3.spaces.update(space["guid"], "Test")["name"], "Test")
    changed = v3.organizations.update(guid, name, suspended=True, meta_labels=dict(run=None, other="x"))
    equal((changed["suspended"], changed["metadata"]["labels"]), (True, dict(other="x")))
    job = v3.organizations.remove(guid)
    assert job, "an organization is deleted by a job"
    wait_until_gone(v3.organizations, guid)
    equal(refusal(v3.organizations.get, guid), (404, 10010, "Organization not found"))
    equal(refusal(v3.spaces.get, space["guid"]), (404, 10010, "Space not found"))


def test_spaces_are_walked_over_several_pages():
    v3 = signed_in()
    organization = new_organization(v3, "pages")
    expected = ["s%02d" % number for number in range(PAGES_OF)]
    for name in expected:
        v3.spaces.create(name, organization)
    pages = v3.spaces.list(organization_guids=organization, per_page=7)
    equal(pages.total_results, PAGES_OF)
    equal(names(pages), expected)
    backwards = v3.spaces.list(organization_guids=[organization], per_page=7, order_by="-name")
    equal(names(backwards), expected[::-1])
    equal(names(v3.spaces.list(organization_guids=organization, names=["S03", "s07"])), ["s03", "s07"])
    equal(v3.spaces.len(organization_guids=organization), PAGES_OF)
    v3.organizations.remove(organization)


def test_organizations_are_walked_over_several_pages():
    v3 = signed_in()
    guids = [new_organization(v3, "walk%d" % number) for number in range(5)]
    equal([organization["guid"] for organization in v3.organizations.list(guids=guids, per_page=2)], guids)
    quota = v3.organization_quotas.get(v3.organizations.get(guids[0])["relationships"]["quota"]["data"]["guid"])
    equal(quota["services"]["paid_services_allowed"], True)
    for guid in guids:
        v3.organizations.remove(guid)


def test_offerings_and_plans_are_walked_over_several_pages():
    v3 = signed_in()
    offerings = names(v3.service_offerings.list(per_page=2))
    assert len(offerings) >= 9 and "postgres" in offerings, offerings
    equal(v3.service_offerings.list(per_page=2).total_results, len(offerings))
    walked = [plan["guid"] for plan in v3.service_plans.list(per_page=3)]
    equal(walked, [plan["guid"] for plan in v3.service_plans.list(per_page=5000)])
    equal(len(set(walked)), len(walked))
    postgres = v3.service_offerings.get_first(names="postgres")
    equal(names(postgres.service_plans()), ["small", "large", "legacy"])
    equal(postgres.service_broker()["name"], "main-broker")


def test_a_plan_is_found_by_its_names_and_tells_its_offering_and_broker():
    v3 = signed_in()
    space = v3.spaces.get_first(names="dev")["guid"]
    filters = dict(names="small", service_offering_names="cache", service_broker_names="second-broker")
    fields = {"service_offering.service_broker": ["guid", "name"]}
    [plan] = v3.service_plans.list(
        space_guids=space, available="true", include="service_offering", fields=fields, **filters
    )
    offering = plan.service_offering()
    equal((offering["name"], offering.service_broker()["name"]), ("cache", "second-broker"))
    equal(plan.visibility(), dict(type="public"))
    equal(v3.service_plans.get_visibility(plan["guid"]), dict(type="public"))
    labelled = v3.service_plans.update(plan["guid"], meta_labels=dict(run=RUN))
    equal(labelled["metadata"]["labels"]["run"], RUN)
    equal(v3.service_plans.get_first(label_selector="run=%s" % RUN)["guid"], plan["guid"])
    v3.service_plans.update(plan["guid"], meta_labels=dict(run=None))
    equal(v3.service_plans.get_first(label_selector="run=%s" % RUN), None)


def test_what_is_asked_wrongly_is_refused():
    v3 = signed_in()
    status, code, detail = refusal(v3.spaces.list, organization_guid="a")
    equal((status, code), (400, 10005))
    assert "Unknown query parameter(s): 'organization_guid'. Valid parameters are: 'page', 'per_page'" in detail, detail
    equal(refusal(v3.spaces.list, per_page=5001)[:2], (400, 10005))
    equal(refusal(v3.service_plans.get, "none"), (404, 10010, "Service plan not found"))


def test_a_supporter_of_a_space_reads_it_and_an_auditor_does_not_write():
    supporter, auditor = signed_in("supporter"), signed_in("auditor")
    space = supporter.spaces.get_first(names="dev")
    equal(space.organization()["name"], "sandbox")
    refused = (403, 10003, "You are not authorized to perform the requested action")
    equal(refusal(auditor.spaces.update, space["guid"], "x"), refused)
    equal(refusal(auditor.organizations.create, "auditor-%s" % RUN, False), refused)


def test_feature_flags_are_read():
    v3 = signed_in("developer")
    equal(v3.feature_flags.get("service_instance_creation")["enabled"], True)
    assert "user_org_creation" in names(v3.feature_flags.list(per_page=1))
