//! How many instances a space and its organization may hold, and what they may cost.

use super::*;
use crate::model::Link;

const ORGANIZATIONS: &str = "/v3/organization_quotas";
const SPACES: &str = "/v3/space_quotas";

fn limited(guid: &str, limit: &Json, paid: bool, relationships: &Json) -> Json {
    json!({
        "guid": guid, "name": format!("quota {guid}"), "apps": {"total_memory_in_mb": null},
        "services": {"paid_services_allowed": paid, "total_service_instances": limit, "total_service_keys": null},
        "relationships": relationships,
    })
}

/// What is read of quotas where `db` is declared in a space and this is there.
async fn observe(server: &MockServer, space: Value, there: &[Observed]) -> Result<Collection, RemoteError> {
    let (organizations, spaces) = (organizations(), spaces());
    let there = Collection::new(there.to_vec(), false);
    let new = declare("spaces", "new", [("organization", named("organizations", "acme"))]);
    let all = declared([db(space), new]);
    let observed =
        Others::from_iter([("organizations", &organizations), ("spaces", &spaces), ("service_instances", &there)]);
    let wanted = Wanted { resources: &[], references: &[], observed, declared: &all, scope: Scope::Declared };
    let kind = Arc::clone(registry().kind("quotas").unwrap());
    kind.observe(&wanted, &*session(server).await).await
}

fn there(plan: &str) -> Observed {
    let mut there = pending("db", "s-1");
    there.fields.set("plan", Value::Link(Box::new(Link { name: Some(plan.into()), id: Some("p-1".into()) })));
    there
}

#[tokio::test]
async fn quotas_are_read_where_something_may_be_created_or_change_its_plan_and_nowhere_else() {
    let production = || named("spaces", "acme/production");
    let left_over = {
        let operation = Operation::Create;
        Observed { condition: Condition::Failed { operation, description: None }, ..there("postgres/small") }
    };
    for (space, there, asked) in [
        (production(), vec![], 2),
        (production(), vec![there("Postgres/Small")], 0),
        (production(), vec![there("postgres/large")], 2),
        (production(), vec![left_over], 2),
        (named("spaces", "acme/staging"), vec![there("postgres/small")], 2),
        (of_key("spaces", "new"), vec![], 1),
        (named("spaces", "acme/nowhere"), vec![], 0),
    ] {
        let server = foundation_v3().await;
        let answer = ResponseTemplate::new(200).set_body_json(page_v3(&[]));
        Mock::given(method("GET")).respond_with(answer).with_priority(9).mount(&server).await;
        observe(&server, space.clone(), &there).await.unwrap();
        let requests = server.received_requests().await.unwrap();
        let of_quotas = requests.iter().filter(|request| request.url.path().ends_with("_quotas")).count();
        assert_eq!(of_quotas, asked, "{space:?} {there:?}");
    }
}

#[tokio::test]
async fn of_quotas_that_are_not_to_be_seen_nothing_is_known() {
    for (status, title, code) in [(403, "CF-NotAuthorized", 10003), (404, "CF-NotFound", 10000)] {
        let server = foundation_v3().await;
        let refusal = json!({"errors": [{"title": title, "code": code, "detail": "no"}]});
        let answer = ResponseTemplate::new(status).set_body_json(refusal);
        Mock::given(path(ORGANIZATIONS)).respond_with(answer).expect(1).mount(&server).await;
        let of_space = limited("q", &json!(1), true, &json!({"spaces": {"data": [{"guid": "s-1"}]}}));
        let answer = ResponseTemplate::new(200).set_body_json(page_v3(&[of_space]));
        Mock::given(path(SPACES)).respond_with(answer).expect(1).mount(&server).await;
        let found = observe(&server, named("spaces", "acme/production"), &[]).await.unwrap();
        assert_eq!(found.iter().map(|quota| quota.identity.to_string()).collect::<Vec<_>>(), ["space/quota q"]);
    }
    let server = foundation_v3().await;
    Mock::given(path(ORGANIZATIONS)).respond_with(ResponseTemplate::new(400)).mount(&server).await;
    assert!(observe(&server, named("spaces", "acme/production"), &[]).await.is_err());
}

/// The quotas of `acme` and of its space `production`.
async fn quotas(organization: (Json, bool), space: (Json, bool)) -> Collection {
    let server = foundation_v3().await;
    let of_organization =
        limited("of acme", &organization.0, organization.1, &json!({"organizations": {"data": [{"guid": "o-1"}]}}));
    let elsewhere = limited("other", &json!(0), false, &json!({"organizations": {"data": [{"guid": "o-9"}]}}));
    let of_space = limited("of production", &space.0, space.1, &json!({"spaces": {"data": [{"guid": "s-1"}]}}));
    for (list, guids, body) in [
        (ORGANIZATIONS, ("organization_guids", "o-1"), page_v3(&[elsewhere, of_organization])),
        (SPACES, ("space_guids", "s-1"), page_v3(&[of_space])),
    ] {
        let answer = ResponseTemplate::new(200).set_body_json(body);
        Mock::given(path(list)).and(query_param(guids.0, guids.1)).respond_with(answer).expect(1).mount(&server).await;
    }
    observe(&server, named("spaces", "acme/production"), &[]).await.unwrap()
}

fn priced(free: bool) -> (&'static str, Collection) {
    ("service_plans", Collection::new(vec![plan("p-1", "o-1", "small", &[("free", Value::Bool(free))])], true))
}

fn with_names(quotas: Collection) -> [(&'static str, Collection); 2] {
    [("quotas", quotas), ("organizations", organizations())]
}

#[tokio::test]
async fn a_paid_plan_is_refused_where_either_quota_allows_free_ones_only() {
    let of_space = "the plan `postgres/small` is a paid one, and the quota `quota of production` of the space \
                    `acme/production` allows free ones only";
    let of_organization = "the plan `postgres/small` is a paid one, and the quota `quota of acme` of the organization \
                           `acme` allows free ones only";
    let unlimited = || json!(null);
    for (organization, space, free, expected) in [
        (false, false, false, Some(of_space)),
        (false, true, false, Some(of_organization)),
        (true, false, false, Some(of_space)),
        (true, true, false, None),
        (false, false, true, None),
    ] {
        let quotas = quotas((unlimited(), organization), (unlimited(), space)).await;
        let collections: Vec<_> = with_names(quotas).into_iter().chain([priced(free)]).collect();
        let found = checked(&Proposed::new([]), None, &collections);
        let expected: Vec<_> = expected.into_iter().map(|words| (Severity::Error, Code::Quota, words)).collect();
        assert_eq!(told(&found), expected, "{organization} {space} {free}");
        assert!(checked(&Proposed::new([]), Some(&pending("i-1", "s-1")), &collections).is_empty(), "it has the plan");
        let mut other = pending("i-1", "s-1");
        other.fields.set("plan", link("postgres/other", "p-9"));
        assert_eq!(told(&checked(&Proposed::new([]), Some(&other), &collections)), expected, "a change of plan");
    }
}

/// What is said of so many creates, where so many instances are in each space of `acme`.
fn together(quotas: &Collection, created: &[Proposed], used: (usize, usize)) -> Vec<(String, String)> {
    let each = |space: &str, count: usize| -> Vec<Observed> {
        (0..count).map(|at| pending(&format!("{space} {at}"), space)).collect()
    };
    let there = [each("s-1", used.0), each("s-2", used.1), each("s-9", 5)].concat();
    let mut collections = collections();
    collections.extend(with_names(quotas.clone()));
    collections.insert("service_instances", Collection::new(there, false));
    let facts = Facts { provider: NAME, url: "x".into(), api: "v3", read_only: None };
    let (resource, nothing) = (db(named("spaces", "acme/production")), IndexMap::new());
    let checks: Vec<Check<'_>> = created
        .iter()
        .map(|proposed| Check {
            resource: &resource,
            proposal: proposed.proposal(),
            observed: None,
            collections: &collections,
            facts: &facts,
            declared: &nothing,
        })
        .collect();
    let found = kind().declared().unwrap().check_together(&checks);
    found.into_iter().map(|told| (told.address.unwrap().key.to_string(), told.message)).collect()
}

fn created(names: &[(&str, &str)]) -> Vec<Proposed> {
    let proposed = |(name, space): &(&str, &str)| {
        let shown = if *space == "s-1" { "acme/production" } else { "acme/staging" };
        let mut proposed = Proposed::new([("space", link(shown, space))]);
        proposed.address = Address::new("service_instances", *name);
        proposed
    };
    names.iter().map(proposed).collect()
}

#[tokio::test]
async fn the_first_that_no_longer_fits_is_told_with_what_is_used_and_what_is_to_come() {
    let of = |organization, space| quotas((organization, true), (space, true));
    let three = created(&[("a", "s-1"), ("b", "s-1"), ("c", "s-1")]);
    let space_of_two = of(json!(null), json!(2)).await;
    let words = |used: usize, created: usize| {
        format!(
            "the quota `quota of production` of the space `acme/production` allows 2 service instances: {used} in use, and \
             {created} to be created"
        )
    };
    assert_eq!(together(&space_of_two, &three, (0, 9)), [("c".to_owned(), words(0, 3))]);
    assert_eq!(together(&space_of_two, &three, (1, 9)), [("b".to_owned(), words(1, 3))]);
    assert_eq!(together(&space_of_two, &three, (7, 9)), [("a".to_owned(), words(7, 3))]);
    assert!(together(&space_of_two, &three[..2], (0, 9)).is_empty());
    assert!(together(&space_of_two, &created(&[("a", "s-2"), ("b", "s-2"), ("c", "s-2")]), (2, 9)).is_empty());
    assert!(together(&of(json!(null), json!(null)).await, &three, (99, 9)).is_empty());

    let words = "the quota `quota of acme` of the organization `acme` allows 4 service instances: at least 3 in use, and 2 to \
                 be created";
    let both = created(&[("a", "s-1"), ("b", "s-2")]);
    let organization_of_four = of(json!(4), json!(null)).await;
    assert_eq!(together(&organization_of_four, &both, (1, 2)), [("b".to_owned(), words.to_owned())]);
    assert!(together(&organization_of_four, &both, (1, 1)).is_empty());

    let nothing = of(json!(0), json!(0)).await;
    let told: Vec<_> = together(&nothing, &three, (0, 0)).into_iter().map(|(key, _)| key).collect();
    assert_eq!(told, ["a"], "of a space and its organization only the first to refuse is told");
}
