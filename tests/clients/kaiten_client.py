"""The official Kaiten SDK against the sandbox: what it sends must be taken, what it gets it must understand."""

import json
import os
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone

import kaitencloud
import pytest
from kaitencloud import KaitenClient

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
END = datetime(2027, 1, 1, 12, 30, 15, 123000, tzinfo=timezone.utc)


@pytest.fixture
def client():
    with KaitenClient(max_retries=0) as client:
        yield client


@pytest.fixture
def slug():
    """A slug nobody has: the tests share one sandbox."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def world(client, slug):
    """A customer, a license and a zone under one slug."""

    class World:
        customer = client.customers.create(name="Acme", slug=slug)
        license = client.licenses.create(name="Growth", type="PAID", slug=slug)
        zone = client.deployment_zones.create(name="EU", type="production", description="", slug=slug)

        def instance(self, **other):
            members = {
                "name": "Acme production",
                "slug": slug,
                "customer_id": self.customer.id,
                "license_id": self.license.id,
                "start_license_date": START,
                "end_license_date": END,
            }
            return {**members, **other}

    return World()


def sandbox(method, path, body=None):
    """A request to the sandbox itself."""
    data = None if body is None else json.dumps(body).encode()
    url = f"{os.environ['KAITEN_BASE_URL']}/_sandbox/{path}"
    with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method), timeout=10) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def refused(kind, code, call, *args, **kwargs):
    with pytest.raises(kind) as caught:
        call(*args, **kwargs)
    assert caught.value.code == code
    return caught.value


def test_a_customer_is_created_read_updated_and_deleted(client, slug):
    created = client.customers.create(name="Acme", slug=slug, domain="acme.com", external_customer_id="crm-1")
    assert client.customers.get(slug) == created
    assert (created.slug, created.domain, created.external_customer_id) == (slug, "acme.com", "crm-1")
    client.customers.update(slug, name="Acme Corp")
    updated = client.customers.get(slug)
    assert (updated.name, updated.domain, updated.external_customer_id) == ("Acme Corp", None, None)
    assert updated.created_at == created.created_at and updated.updated_at >= created.updated_at
    client.customers.delete(slug)
    refused(kaitencloud.NotFoundError, "GetCustomer.NotFound", client.customers.get, slug)
    refused(kaitencloud.NotFoundError, "DeleteCustomer.NotFound", client.customers.delete, slug)


def test_a_slug_is_made_up_from_the_name(client):
    created = client.customers.create(name="Crème Brûlée")
    assert created.slug.startswith("creme-brulee-") and len(created.slug) == len("creme-brulee-") + 6


def test_a_list_is_walked_over_several_pages_newest_first(client, slug):
    slugs = [f"{slug}-{number}" for number in range(450)]
    for name in slugs:
        client.customers.create(name=name, slug=name)
    sandbox("DELETE", "requests")
    found = [customer.slug for customer in client.customers.list() if customer.slug.startswith(slug)]
    assert sorted(found) == sorted(slugs)
    pages = sandbox("GET", "requests?method=GET&path=/api/customers$")
    assert len(pages) >= 3 and "cursor=" in pages[1]["query"]
    times = [customer.created_at for customer in client.customers.list()]
    assert times == sorted(times, reverse=True)


def test_a_zone_is_created_read_listed_updated_and_deleted(client, slug):
    created = client.deployment_zones.create(
        name="EU", type="production", description="Frankfurt", slug=slug, metadata={"region": "eu", "racks": 3}
    )
    assert client.deployment_zones.get(slug) == created
    assert created.metadata == {"region": "eu", "racks": 3}
    assert slug in [zone.slug for zone in client.deployment_zones.list()]
    client.deployment_zones.update(slug, name="EU 1", type="staging", description="")
    assert client.deployment_zones.get(slug).type == "staging"
    client.deployment_zones.delete(slug)
    refused(kaitencloud.NotFoundError, "GetDeploymentZone.NotFound", client.deployment_zones.get, slug)


def test_license_versions_share_a_family_and_move_through_their_lifecycle(client, slug):
    first = client.licenses.create(name="Growth", type="PAID", slug=slug, is_default=True)
    draft = client.licenses.create(name="Growth", type="PAID", family_slug=slug, lifecycle_state="DRAFT")
    assert (draft.slug, draft.version, draft.family_id) == (f"{slug}-v2", "2", first.family_id)
    assert client.license_families.get(slug).current_version.slug == slug
    assert client.licenses.publish(draft.slug).lifecycle_state == "PUBLISHED"
    client.licenses.update(draft.slug, name="Growth 2", description="", type="PAID", is_default=True)
    assert client.licenses.get(slug).is_default is False
    assert client.license_families.get(slug).current_version.name == "Growth 2"
    assert client.licenses.archive(slug).lifecycle_state == "ARCHIVED"
    refused(kaitencloud.ConflictError, "ArchiveLicense.NotPublished", client.licenses.archive, slug)
    refused(kaitencloud.ConflictError, "ArchiveLicense.DefaultMustBePublished", client.licenses.archive, draft.slug)
    assert client.licenses.unarchive(slug).lifecycle_state == "PUBLISHED"
    assert {slug, draft.slug} <= {license.slug for license in client.licenses.list()}
    assert slug in [family.slug for family in client.license_families.list()]
    client.licenses.delete(slug)
    client.licenses.delete(draft.slug)
    refused(kaitencloud.NotFoundError, "GetLicenseFamily.NotFound", client.license_families.get, slug)


def test_an_instance_is_created_read_listed_updated_and_deleted(client, slug, world):
    created = client.instances.create(
        **world.instance(deployment_zone_id=world.zone.id, metadata={"region": "eu", "seats": 12})
    )
    assert client.instances.get(slug) == created
    assert (created.customer_slug, created.license_slug, created.deployment_zone_slug) == (slug, slug, slug)
    assert (created.start_license_date, created.end_license_date) == (START, END)
    assert (created.status, created.lifecycle_stage) == ("HEALTHY", None)
    assert slug in [instance.slug for instance in client.instances.list()]

    client.instances.update_status(slug, "DEGRADED")
    client.instances.update_lifecycle_stage(slug, "TRIAL")
    renamed = f"{slug}-renamed"
    moved = START + timedelta(days=1)
    client.instances.update(slug, **world.instance(slug=renamed, start_license_date=moved, name="Acme"))
    updated = client.instances.get(renamed)
    assert (updated.id, updated.name, updated.start_license_date) == (created.id, "Acme", moved)
    assert (updated.status, updated.lifecycle_stage) == ("DEGRADED", "TRIAL")
    assert (updated.metadata, updated.deployment_zone_id) == ({}, world.zone.id)

    client.instances.delete(renamed)
    refused(kaitencloud.NotFoundError, "GetInstance.NotFound", client.instances.get, renamed)


def test_what_an_instance_refers_to_is_checked_kept_and_taken_along(client, slug, world):
    nobody = str(uuid.uuid4())
    create = client.instances.create
    missing = kaitencloud.NotFoundError
    refused(missing, "CreateInstance.CustomerNotFound", create, **world.instance(customer_id=nobody))
    refused(missing, "CreateInstance.LicenseNotFound", create, **world.instance(license_id=nobody))
    refused(missing, "CreateInstance.DeploymentZoneNotFound", create, **world.instance(deployment_zone_id=nobody))
    create(**world.instance(deployment_zone_id=world.zone.id))
    refused(kaitencloud.ConflictError, "CreateInstance.SlugConflict", create, **world.instance())
    refused(kaitencloud.ConflictError, "DeleteLicense.InUseConflict", client.licenses.delete, slug)
    client.licenses.archive(slug)
    other = world.instance(slug=f"{slug}-2")
    refused(kaitencloud.UnprocessableEntityError, "CreateInstance.LicenseArchived", create, **other)
    client.deployment_zones.delete(slug)
    assert client.instances.get(slug).deployment_zone_id is None
    client.customers.delete(slug)
    refused(missing, "GetInstance.NotFound", client.instances.get, slug)


def test_each_kind_of_refusal_is_the_exception_the_sdk_has_for_it(client, slug):
    client.customers.create(name="Acme", slug=slug)
    conflict = kaitencloud.ConflictError
    refused(conflict, "CreateCustomer.SlugConflict", client.customers.create, name="Acme", slug=slug)
    error = refused(
        kaitencloud.UnprocessableEntityError, "UNPROCESSABLE", client.customers.create, name="", slug="Bad_Slug"
    )
    assert [detail.location for detail in error.errors] == ["body.name", "body.slug"]
    with KaitenClient(token="ksh_nobody", max_retries=0) as stranger:
        refused(kaitencloud.AuthenticationError, "ValidateToken.Invalid", stranger.customers.list)
    with KaitenClient(token="ksh_sandbox_read", max_retries=0) as reader:
        assert reader.customers.get(slug).slug == slug
        error = refused(kaitencloud.PermissionDeniedError, "Auth.MissingScope", reader.customers.delete, slug)
        assert error.detail == "missing required scope: write:customers"


def test_the_weather_is_what_the_sdk_expects_of_a_real_one(client, slug):
    def fault(method, effect):
        sandbox("POST", "faults", {"method": method, "path": "/api/customers", "effect": effect})

    fault("POST", {"reply": {"status": 503, "code": "Entitlement.VerificationUnavailable"}})
    unavailable = kaitencloud.ServiceUnavailableError
    code = "Entitlement.VerificationUnavailable"
    refused(unavailable, code, client.customers.create, name="Acme", slug=slug)
    fault("POST", {"reply": {"status": 429, "retry_after": "1"}})
    refused(kaitencloud.RateLimitError, "UNKNOWN", client.customers.create, name="Acme", slug=slug)
    fault("POST", "cut_after")
    with pytest.raises(kaitencloud.APIConnectionError):
        client.customers.create(name="Acme", slug=slug)
    assert client.customers.get(slug).name == "Acme"
    fault("GET", "truncated")
    with pytest.raises(kaitencloud.APIConnectionError):
        client.customers.get(slug)
    fault("GET", "malformed")
    with pytest.raises(kaitencloud.APIResponseValidationError):
        client.customers.get(slug)
    fault("GET", {"reply": {"status": 502, "body": "html"}})
    with client.with_options(max_retries=2) as patient:
        assert patient.customers.get(slug).slug == slug
    assert all(entry["hits"] == 1 for entry in sandbox("GET", "faults"))
    sandbox("DELETE", "faults")
