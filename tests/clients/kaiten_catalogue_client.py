"""The official Kaiten SDK against the sandbox: what is sold, what is shipped, and what may be said of either."""

import uuid

import kaitencloud
from kaiten_client import client, refused, slug, world  # noqa: F401  (fixtures)
from kaitencloud import UNLIMITED, targeting

BAD_REQUEST = kaitencloud.BadRequestError
CONFLICT = kaitencloud.ConflictError
MISSING = kaitencloud.NotFoundError
UNPROCESSABLE = kaitencloud.UnprocessableEntityError


def test_an_entitlement_and_its_groups(client, slug):  # noqa: F811
    group = client.entitlement_groups.create(name="Quotas", slug=slug, description="What is metered")
    assert client.entitlement_groups.get(slug) == group
    seats = client.entitlements.create(
        name="Seats",
        slug=slug,
        type="NUMBER",
        reset_period="MONTH",
        unit_singular="seat",
        unit_plural="seats",
        sale_unit_singular="pack",
        sale_unit_plural="packs",
        sale_unit_factor=2.5,
        icon="lucide:user",
        user_facing=True,
        group_slugs=[slug],
    )
    assert client.entitlements.get(slug) == seats
    assert (seats.aggregation_method, seats.reset_anchor, seats.sale_unit_factor) == ("SUM", "CALENDAR", 2.5)
    assert [of.slug for of in seats.entitlement_groups] == [slug]

    update = client.entitlements.update
    refused(BAD_REQUEST, "UpdateEntitlement.ImmutableResetPeriod", update, slug, name="Seats", type="NUMBER")
    update(slug, name="Users", type="NUMBER", reset_period="MONTH", reset_anchor="CALENDAR")
    updated = client.entitlements.get(slug)
    assert (updated.name, updated.icon, updated.unit_singular, updated.user_facing) == ("Users", None, None, False)
    assert [of.slug for of in updated.entitlement_groups] == [slug]
    client.entitlement_groups.remove_entitlement(slug, slug)
    assert client.entitlements.get(slug).entitlement_groups == []
    client.entitlement_groups.add_entitlement(slug, slug)
    add = client.entitlement_groups.add_entitlement
    refused(CONFLICT, "AddEntitlementToGroup.AlreadyMember", add, slug, slug)

    client.entitlement_groups.update(slug, name="Limits", description=None)
    assert client.entitlement_groups.get(slug).description is None
    client.entitlement_groups.delete(slug)
    client.entitlements.delete(slug)
    refused(MISSING, "GetEntitlement.NotFound", client.entitlements.get, slug)
    refused(MISSING, "GetEntitlementGroup.NotFound", client.entitlement_groups.get, slug)


def test_a_number_is_all_that_has_units_and_resets(client, slug):  # noqa: F811
    create = client.entitlements.create
    code = "CreateEntitlement.Invalid{}Configuration".format
    refused(BAD_REQUEST, code("Units"), create, name="SSO", type="BOOLEAN", unit_singular="a", unit_plural="b")
    refused(BAD_REQUEST, code("Reset"), create, name="SSO", type="BOOLEAN", reset_period="DAY")
    refused(BAD_REQUEST, code("EnforcementPolicy"), create, name="SSO", type="CONFIG", warning_threshold_percent=0)
    create(name="SSO", type="BOOLEAN", slug=slug)
    refused(CONFLICT, "CreateEntitlement.SlugConflict", create, name="SSO", type="BOOLEAN", slug=slug)
    unknown = {"name": "Seats", "type": "NUMBER", "group_slugs": [f"{slug}-nowhere"]}
    refused(MISSING, "CreateEntitlement.GroupNotFound", create, **unknown)


def test_a_license_grants_entitlements(client, slug, world):  # noqa: F811
    kinds = {"seats": "NUMBER", "calls": "NUMBER_AI_CREDIT", "sso": "BOOLEAN", "theme": "CONFIG"}
    for name, kind in kinds.items():
        client.entitlements.create(name=name, slug=f"{slug}-{name}", type=kind)
    grant = client.licenses.associate_entitlement
    grant(slug, f"{slug}-seats", 5, overage_percent=20)
    grant(slug, f"{slug}-calls", UNLIMITED)
    grant(slug, f"{slug}-sso", True)
    grant(slug, f"{slug}-theme", {"colour": "blue"})
    granted = {of.entitlement_slug.removeprefix(f"{slug}-"): of for of in client.licenses.list_entitlements(slug)}
    overages = {name: of.limit_cap_exceeded_overage_percent for name, of in granted.items()}
    assert overages == {"seats": 20, "calls": -1, "sso": None, "theme": None}
    assert granted["theme"].value.value == {"colour": "blue"}

    code = "AssociateEntitlementToLicense."
    refused(CONFLICT, f"{code}AlreadyAssociated", grant, slug, f"{slug}-sso", False)
    refused(MISSING, f"{code}EntitlementNotFound", grant, slug, f"{slug}-none", True)
    refused(MISSING, f"{code}LicenseNotFound", grant, f"{slug}-none", f"{slug}-sso", True)
    update = client.licenses.update_entitlement
    refused(BAD_REQUEST, "UpdateLicenseEntitlement.InvalidValue", update, slug, f"{slug}-sso", 1)
    update(slug, f"{slug}-seats", 7)
    seats = client.licenses.get_entitlement(slug, f"{slug}-seats")
    assert (seats.value.value, seats.limit_cap_exceeded_overage_percent) == (7, 0)

    refused(CONFLICT, "DeleteLicense.InUseConflict", client.licenses.delete, slug)
    refused(kaitencloud.InternalServerError, "INTERNAL", client.entitlements.delete, f"{slug}-sso")
    for name in kinds:
        client.licenses.delete_entitlement(slug, f"{slug}-{name}")
        client.entitlements.delete(f"{slug}-{name}")
    client.licenses.delete(slug)


def test_components_make_releases_and_releases_are_deployed(client, slug):  # noqa: F811
    part = client.components.create(name=slug, version="1.0.0", slug=slug, description="The only part")
    assert client.components.get(slug) == part
    edited = client.components.update(slug, name=slug, version="1.0.1", description="Still the only part")
    assert (edited.id, edited.version) == (part.id, "1.0.1")
    release = client.releases.create(version=slug, slug=slug, component_ids=[part.id])
    assert client.releases.get(slug) == release
    assert [component.id for component in release.components] == [part.id]
    code = "UpdateComponent.LinkedComponentRequiresNewVersion"
    refused(BAD_REQUEST, code, client.components.update, slug, name=slug, version="1.0.1")
    other = client.components.update(slug, name=slug, version="1.1.0")
    assert (other.previous_component_id, other.slug == slug) == (part.id, False)

    client.deployment_zones.create(name="EU", slug=slug, type="production", description="", release_id=release.id)
    assert client.deployment_zones.get(slug).release_id == release.id
    refused(CONFLICT, "DeleteRelease.InUseConflict", client.releases.delete, slug)
    refused(CONFLICT, "DeleteComponent.LinkedComponentConflict", client.components.delete, slug)
    refused(CONFLICT, "CreateRelease.VersionConflict", client.releases.create, version=slug)
    refused(CONFLICT, "Component.NameVersionConflict", client.components.create, name=slug, version="1.1.0")
    nobody = str(uuid.uuid4())
    refused(MISSING, "Component.NotFound", client.releases.create, version=f"{slug}-2", component_ids=[nobody])
    client.deployment_zones.delete(slug)
    client.releases.delete(slug)
    client.components.delete(slug)
    client.components.delete(other.slug)
    refused(MISSING, "GetRelease.NotFound", client.releases.get, slug)


def test_metadata_fields_are_declared_tried_moved_and_archived(client, slug, world):  # noqa: F811
    fields = client.metadata_fields
    schema = {"type": "string", "enum": ["eu", "us"]}
    members = {"resource_type": "INSTANCE", "key": slug, "label": "Region", "json_schema": schema}
    field = fields.create(**members)
    create = client.instances.create
    failed = "MetadataValidation.Failed"
    refused(UNPROCESSABLE, failed, create, **world.instance(metadata={slug: "mars"}))
    create(**world.instance(metadata={slug: "eu", "other": 1}))
    impact = fields.dry_run(field.id, {"type": "string", "enum": ["us"]})
    assert (impact.count, [sample.slug for sample in impact.samples]) == (1, [slug])
    renamed = fields.update(field.id, **{**members, "label": "Hosting region"})
    assert (renamed.label, renamed.created_at) == ("Hosting region", field.created_at)
    toggled = {**members, "json_schema": {"type": "string"}}
    refused(UNPROCESSABLE, "SchemaTransition.EnumWrapToggled", fields.update, field.id, **toggled)
    refused(CONFLICT, "CreateMetadataField.KeyConflict", fields.create, **members)
    fields.reorder([of.id for of in reversed(fields.list("INSTANCE"))])

    assert fields.archive(field.id).archived_at is not None
    assert field.id not in [of.id for of in fields.list("INSTANCE")]
    client.instances.update(slug, **world.instance(metadata={}))
    assert client.instances.get(slug).metadata == {slug: "eu"}
    code = "MetadataValidation.ArchivedKeyIntroduced"
    refused(UNPROCESSABLE, code, create, **world.instance(slug=f"{slug}-2", metadata={slug: "eu"}))
    assert fields.unarchive(field.id).archived_at is None
    fields.archive(field.id)


def test_a_feature_flag_is_checked_and_loses_its_slug_by_an_update_that_sends_none(client, slug):  # noqa: F811
    def define(call, *args, rule="true", **other):
        return call(
            *args,
            name="New checkout",
            type="boolean",
            variants=[targeting.variant("on", True), targeting.variant("off", False)],
            default_variant=targeting.split({"on": 50, "off": 50}),
            targetings=[targeting.rule("Some", rule, "on"), targeting.split_rule("All", "true", {"on": 1, "off": 99})],
            metadata={"team": "web"},
            **other,
        )

    flags = client.feature_flags
    created = define(flags.create, slug=slug, rule=f"__kaiten.customer.slug == '{slug}'")
    assert flags.get(slug) == created
    assert slug in [flag.slug for flag in flags.list()]
    code = "VALIDATION_FAILED"
    error = refused(BAD_REQUEST, code, define, flags.create, rule=f"__kaiten.entitlements['{slug}'].used > 1.0")
    assert [detail.location for detail in error.errors] == ["body.targetings[0].rule"]
    refused(CONFLICT, "CreateFeatureFlag.SlugConflict", define, flags.create, slug=slug)
    refused(MISSING, "UpdateFeatureFlag.NotFound", define, flags.update, f"{slug}-none")
    # The SDK sends no slug, and the server takes it at its word.
    define(flags.update, slug, enabled=False)
    refused(MISSING, "GetFeatureFlag.NotFound", flags.get, slug)
    assert [flag.enabled for flag in flags.list() if flag.id == created.id] == [False]


def test_a_feature_flag_has_values_of_its_type_rolls_out_over_time_and_can_be_deleted(client, slug):  # noqa: F811
    step = targeting.step
    rollout = targeting.schedule(
        start=step("small", 5, "2026-10-01T00:00:00Z"), end=step("large", 100, "2026-11-01T00:00:00Z")
    )
    define = {
        "name": "Size of a page",
        "type": "number",
        "variants": [targeting.variant("small", 20), targeting.variant("large", 100, description="Much")],
        "default_variant": rollout,
        "event_name": "page_size",
        "description": "Results on a page",
    }
    flags = client.feature_flags
    created = flags.create(slug=slug, **define)
    assert flags.get(slug) == created
    assert [(of.name, of.value, of.description) for of in created.variants] == [
        ("small", 20, ""),
        ("large", 100, "Much"),
    ]
    assert (created.targetings, created.enabled, created.metadata) == ([], True, {})
    for members, location in [
        ({"type": "boolean"}, "body.variants[0].value"),
        ({"default_variant": "middle"}, "body.default_variant"),
        ({"metadata": {"fallback_value": "20"}}, "body.metadata.fallback_value"),
        ({"targetings": [targeting.rule("Some", "a == (", "small")]}, "body.targetings[0].rule"),
    ]:
        error = refused(BAD_REQUEST, "VALIDATION_FAILED", flags.create, **{**define, **members})
        assert [detail.location for detail in error.errors] == [location]
    flags.delete(slug)
    refused(MISSING, "GetFeatureFlag.NotFound", flags.get, slug)
    refused(MISSING, "DeleteFeatureFlag.NotFound", flags.delete, slug)
