use super::*;

#[tokio::test]
async fn an_organization_is_created_read_changed_and_deleted() {
    let sandbox = Sandbox::start().await;
    let body = json!({"name": "acme", "metadata": {"labels": {"env": "test"}, "annotations": {"note": "любой текст"}}});
    let created = sandbox.v3("admin", "POST", "organizations", body).await;
    assert_eq!(created.status, 201);
    let guid = created.v3_guid();
    let link = |path: &str| json!({"href": format!("{}/v3/{path}", sandbox.base)});
    let expected = json!({
        "guid": guid,
        "created_at": "2026-09-01T12:00:00Z",
        "updated_at": "2026-09-01T12:00:00Z",
        "name": "acme",
        "suspended": false,
        "relationships": {"quota": {"data": {"guid": guid}}},
        "metadata": {"labels": {"env": "test"}, "annotations": {"note": "любой текст"}},
        "links": {
            "self": link(&format!("organizations/{guid}")),
            "domains": link(&format!("organizations/{guid}/domains")),
            "default_domain": link(&format!("organizations/{guid}/domains/default")),
            "quota": link(&format!("organization_quotas/{guid}")),
        },
    });
    assert_eq!(created.body, expected);
    let path = format!("organizations/{guid}");
    assert_eq!(sandbox.v3_get("admin", &path).await.body, expected);
    assert_eq!(sandbox.get("admin", &format!("/v2/{path}")).await.entity()["name"], "acme", "it is the same thing");

    sandbox.advance(1000);
    let metadata = json!({"metadata": {"labels": {"env": null, "team": "a"}}});
    let labelled = sandbox.v3("admin", "PATCH", &path, metadata).await;
    assert_eq!((labelled.status, &labelled.body["metadata"]["labels"]), (200, &json!({"team": "a"})));
    assert_eq!(labelled.body["updated_at"], "2026-09-01T12:00:00Z");
    let renamed = sandbox.v3("admin", "PATCH", &path, json!({"name": "ACME", "suspended": true})).await;
    assert_eq!((&renamed.body["name"], &renamed.body["suspended"]), (&json!("ACME"), &json!(true)));
    assert_eq!(renamed.body["updated_at"], "2026-09-01T12:00:01Z");
    assert_eq!(renamed.body["metadata"], labelled.body["metadata"], "what is not named stays");

    let deleted = sandbox.v3("admin", "DELETE", &path, Value::Null).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (202, ""));
    let location = deleted.header("location").expect("where the job is");
    assert!(location.starts_with(&format!("{}/v3/jobs/", sandbox.base)), "{location}");
    assert_eq!(sandbox.v3_get("admin", &path).await.status, 200, "not yet");
    sandbox.advance(100);
    let gone = sandbox.v3_get("admin", &path).await;
    assert_eq!(gone.v3_error(), (404, 10010, "CF-ResourceNotFound", "Organization not found"));
}

#[tokio::test]
async fn an_organization_that_cannot_be_is_refused() {
    let sandbox = Sandbox::start().await;
    let long = "a".repeat(256);
    let many: serde_json::Map<String, Value> = (0..51).map(|number| (format!("k{number}"), json!("v"))).collect();
    let table = [
        (json!(null), "Name can't be blank"),
        (json!({}), "Name can't be blank"),
        (json!({"name": null}), "Name can't be blank"),
        (json!({"name": 1}), "Name must be a string"),
        (json!({"name": long}), "Name is too long (maximum is 255 characters)"),
        (json!({"name": "SandBox"}), "Organization 'SandBox' already exists."),
        (json!({"name": "a", "status": "active", "x": 1}), "Unknown field(s): 'status', 'x'"),
        (json!({"name": "", "suspended": 1}), "Name can't be blank, Suspended must be a boolean"),
        (
            json!({"name": "a", "metadata": {"labels": {"a b": ""}}}),
            "Metadata label key error: 'a b' contains invalid characters",
        ),
    ];
    for (body, detail) in table {
        let answer = sandbox.v3("admin", "POST", "organizations", body.clone()).await;
        assert_eq!(answer.unprocessable(), detail, "{body}");
    }
    let body = json!({"name": "a", "metadata": {"labels": many}});
    let answer = sandbox.v3("admin", "POST", "organizations", body).await;
    let detail = "Failed to add 51 labels because it would exceed maximum of 50";
    assert_eq!(answer.v3_error(), (422, 390_020, "CF-LabelLimitExceeded", detail));
    assert_eq!(sandbox.v3_get("admin", "organizations?names=a").await.names(), [""; 0], "nothing was stored");
    let seed = format!("organizations/{}", sandbox.organization("seed"));
    let taken = sandbox.v3("admin", "PATCH", &seed, json!({"name": "Sandbox"})).await;
    assert_eq!(taken.unprocessable(), "Organization 'Sandbox' already exists.");
    assert_eq!(sandbox.v3("admin", "PATCH", &seed, json!({"name": "SEED"})).await.status, 200, "its own name");
    let short = sandbox.v3("admin", "PATCH", &seed, json!({"name": ""})).await;
    assert_eq!(short.unprocessable(), "Name is too short (minimum is 1 character)");
}

#[tokio::test]
async fn organizations_and_spaces_are_found_by_each_filter() {
    let sandbox = Sandbox::start().await;
    let (own, seed) = (sandbox.organization("sandbox"), sandbox.organization("seed"));
    let dev = sandbox.dev();
    sandbox.advance(60_000);
    let acme = json!({"name": "a, b", "metadata": {"labels": {"env": "test"}}});
    let acme = sandbox.v3("admin", "POST", "organizations", acme).await.v3_guid();
    let space = json!({"name": "DEV", "relationships": {"organization": {"data": {"guid": acme}}},
        "metadata": {"labels": {"env": "live"}}});
    sandbox.v3("admin", "POST", "spaces", space).await.v3_guid();
    let table = [
        ("organizations".to_owned(), vec!["sandbox", "seed", "a, b"]),
        ("organizations?names=SANDBOX,Seed".to_owned(), vec!["sandbox", "seed"]),
        ("organizations?names=a%252C%20b,x".to_owned(), vec!["a, b"]),
        ("organizations?names=".to_owned(), vec![]),
        (format!("organizations?guids={seed},{acme}"), vec!["seed", "a, b"]),
        (format!("organizations?guids={seed}&names=sandbox"), vec![]),
        ("organizations?label_selector=env%3Dtest".to_owned(), vec!["a, b"]),
        ("organizations?label_selector=!env".to_owned(), vec!["sandbox", "seed"]),
        ("organizations?created_ats[gt]=2026-09-01T12:00:00Z".to_owned(), vec!["a, b"]),
        ("organizations?updated_ats=2026-09-01T12:00:00Z".to_owned(), vec!["sandbox", "seed"]),
        ("organizations?order_by=name".to_owned(), vec!["a, b", "sandbox", "seed"]),
        ("organizations?order_by=-created_at".to_owned(), vec!["a, b", "seed", "sandbox"]),
        ("organizations?per_page=1&page=2".to_owned(), vec!["seed"]),
        ("spaces?names=dev".to_owned(), vec!["dev", "DEV"]),
        (format!("spaces?names=dev&organization_guids={own},{seed}"), vec!["dev"]),
        (format!("spaces?guids={dev}"), vec!["dev"]),
        ("spaces?label_selector=env%20in%20(live)".to_owned(), vec!["DEV"]),
        ("spaces?order_by=-name".to_owned(), vec!["development", "dev", "DEV"]),
    ];
    for (path, names) in table {
        assert_eq!(sandbox.v3_get("admin", &path).await.names(), names, "{path}");
    }
    let unknown = sandbox.v3_get("admin", "spaces?organization_guid=x").await;
    assert_eq!((unknown.status, unknown.v3_error().1), (400, 10005));
}

#[tokio::test]
async fn a_space_is_created_read_changed_and_deleted() {
    let sandbox = Sandbox::start().await;
    let organization = sandbox.organization("sandbox");
    let related = json!({"organization": {"data": {"guid": organization}}});
    let created = sandbox.v3("manager", "POST", "spaces", json!({"name": "qa", "relationships": related})).await;
    assert_eq!(created.status, 201);
    let guid = created.v3_guid();
    let link = |path: &str| json!({"href": format!("{}/v3/{path}", sandbox.base)});
    let manifest =
        json!({"href": format!("{}/v3/spaces/{guid}/actions/apply_manifest", sandbox.base), "method": "POST"});
    let expected = json!({
        "guid": guid,
        "created_at": "2026-09-01T12:00:00Z",
        "updated_at": "2026-09-01T12:00:00Z",
        "name": "qa",
        "suspended": false,
        "relationships": {"organization": {"data": {"guid": organization}}, "quota": {"data": null}},
        "metadata": {"labels": {}, "annotations": {}},
        "links": {
            "self": link(&format!("spaces/{guid}")),
            "organization": link(&format!("organizations/{organization}")),
            "features": link(&format!("spaces/{guid}/features")),
            "apply_manifest": manifest,
        },
    });
    assert_eq!(created.body, expected);
    let path = format!("spaces/{guid}");
    for word in ["org", "organization"] {
        let with = sandbox.v3_get("manager", &format!("{path}?include={word}")).await;
        assert_eq!(with.body["included"]["organizations"][0]["guid"], json!(organization), "{word}");
        let list = sandbox.v3_get("manager", &format!("spaces?include={word}")).await;
        let organizations = list.body["included"]["organizations"].as_array().expect("a list");
        assert_eq!((list.names().len(), organizations.len()), (2, 1), "{word}: each once");
        assert_eq!(organizations[0]["name"], "sandbox");
    }
    assert_eq!(sandbox.v3_get("admin", &format!("{path}?names=a")).await.v3_error().1, 10005);
    assert_eq!(sandbox.v3_get("admin", "spaces").await.body.get("included"), None);

    let changed = json!({"name": "QA", "metadata": {"annotations": {"a": "b"}}});
    let changed = sandbox.v3("manager", "PATCH", &path, changed).await;
    assert_eq!((changed.status, &changed.body["name"]), (200, &json!("QA")));
    assert_eq!(changed.body["metadata"]["annotations"], json!({"a": "b"}));
    let instance = json!({"name": "db", "space_guid": guid, "service_plan_guid": sandbox.plan("redis/small")});
    sandbox.post("admin", "/v2/service_instances", instance).await.guid();
    assert_eq!(sandbox.v3("manager", "DELETE", &path, Value::Null).await.status, 202);
    sandbox.advance(100);
    assert_eq!(sandbox.v3_get("manager", &path).await.v3_error().3, "Space not found");
    assert_eq!(sandbox.get("admin", "/v2/service_instances").await.body["total_results"], 0, "it took all along");
}

#[tokio::test]
async fn a_space_that_cannot_be_is_refused() {
    let sandbox = Sandbox::start().await;
    let (own, seed) = (sandbox.organization("sandbox"), sandbox.organization("seed"));
    let structure = "Relationships Organization must be structured like this: \
                     \"organization: {\"data\": {\"guid\": \"valid-guid\"}}\"";
    let in_organization = |guid: &str| json!({"organization": {"data": {"guid": guid}}});
    let invalid = "Invalid organization. Ensure the organization exists and you have access to it.";
    let table = [
        (json!({"name": "a"}), "Relationships 'relationships' is not an object".to_owned()),
        (json!({"name": "a", "relationships": {"organization": {"guid": own}}}), structure.to_owned()),
        (json!({"name": "a", "relationships": in_organization("none")}), invalid.to_owned()),
        (json!({"name": "a", "relationships": in_organization(&seed)}), invalid.to_owned()),
        (
            json!({"name": "Dev", "relationships": in_organization(&own)}),
            "Name must be unique per organization".to_owned(),
        ),
        (
            json!({"organization_guid": own}),
            "Unknown field(s): 'organization_guid', \
            Relationships 'relationships' is not an object, Name can't be blank"
                .to_owned(),
        ),
    ];
    for (body, detail) in table {
        let answer = sandbox.v3("manager", "POST", "spaces", body.clone()).await;
        assert_eq!(answer.unprocessable(), detail, "{body}");
    }
}

#[tokio::test]
async fn a_job_that_cannot_delete_keeps_what_went_wrong() {
    let sandbox = Sandbox::start().await;
    sandbox.make("db", "postgres/small").await;
    let deleted = sandbox.v3("admin", "DELETE", &format!("spaces/{}", sandbox.dev()), Value::Null).await;
    sandbox.advance(100);
    assert_eq!(sandbox.v3_get("admin", "spaces?names=dev").await.names(), ["dev"]);
    let world = sandbox.foundation.world();
    let job = world.store.pollable_jobs.iter().next().expect("the job stays");
    assert!(deleted.header("location").expect("where the job is").ends_with(&job.guid));
    assert_eq!(job.operation, "space.delete");
    assert_eq!(job.state, super::super::store::JobState::Failed);
    assert_eq!((&job.errors[0]["code"], &job.errors[0]["title"]), (&json!(290_008), &json!("CF-SpaceDeletionFailed")));
}
