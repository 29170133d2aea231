use super::*;

#[tokio::test]
async fn an_organization_is_created_read_renamed_and_deleted() {
    let sandbox = Sandbox::start().await;
    let created =
        sandbox.post("admin", "/v2/organizations", json!({"name": "acme", "unknown": 1, "status": null})).await;
    assert_eq!((created.status, &created.entity()["status"]), (201, &json!("active")));
    let path = format!("/v2/organizations/{}", created.guid());
    assert_eq!(created.header("location"), Some(path.as_str()));
    assert_eq!(sandbox.get("admin", &path).await.entity()["name"], "acme");
    let renamed = sandbox.put("admin", &path, json!({"name": "ACME"})).await;
    assert_eq!((renamed.status, &renamed.entity()["name"]), (201, &json!("ACME")));
    assert_eq!(sandbox.delete("admin", &path).await.status, 204);
    assert_eq!(sandbox.get("admin", &path).await.error(), (404, 30003, "CF-OrganizationNotFound"));
}

#[tokio::test]
async fn an_organization_that_cannot_be_is_refused() {
    let sandbox = Sandbox::start().await;
    let long = "a".repeat(256);
    let table = [
        (json!({"name": "SandBox"}), (400, 30002, "CF-OrganizationNameTaken")),
        (json!({"name": " "}), (400, 30001, "CF-OrganizationInvalid")),
        (json!({"name": long}), (400, 30001, "CF-OrganizationInvalid")),
        (json!({"name": "a", "status": "asleep"}), (400, 30001, "CF-OrganizationInvalid")),
        (json!({}), (400, 1001, "CF-MessageParseError")),
        (json!({"name": 1}), (400, 1001, "CF-MessageParseError")),
    ];
    for (body, error) in table {
        assert_eq!(sandbox.post("admin", "/v2/organizations", body.clone()).await.error(), error, "{body}");
    }
    let seed = format!("/v2/organizations/{}", sandbox.organization("seed"));
    assert_eq!(sandbox.put("admin", &seed, json!({"name": "sandbox"})).await.error().1, 30002);
    for (method, body) in [("PUT", "{}"), ("DELETE", ""), ("GET", "")] {
        let answer = sandbox.raw("admin", method, "/v2/organizations/none", body.to_owned()).await;
        assert_eq!(answer.error(), (404, 30003, "CF-OrganizationNotFound"), "{method}");
    }
}

#[tokio::test]
async fn names_of_organizations_and_spaces_are_found_in_any_letter_case() {
    let sandbox = Sandbox::start().await;
    let seed = sandbox.organization("seed");
    let table = [
        ("/v2/organizations?q=name:SANDBOX".to_owned(), vec!["sandbox"]),
        ("/v2/organizations?q=name%20IN%20Seed,Sandbox".to_owned(), vec!["sandbox", "seed"]),
        ("/v2/organizations?q=name:acme".to_owned(), vec![]),
        ("/v2/organizations?q=status:active".to_owned(), vec!["sandbox", "seed"]),
        ("/v2/organizations?q=status:suspended".to_owned(), vec![]),
        (format!("/v2/organizations?q=space_guid:{}", sandbox.dev()), vec!["sandbox"]),
        ("/v2/organizations?order-by=name&order-direction=desc".to_owned(), vec!["seed", "sandbox"]),
        ("/v2/spaces?q=name:DEV".to_owned(), vec!["dev"]),
        (format!("/v2/spaces?q=organization_guid:{seed}"), vec!["development"]),
        (format!("/v2/spaces?q=organization_guid:{seed}&q=name:dev"), vec![]),
        (format!("/v2/spaces?q=organization_guid:{seed};name:development"), vec!["development"]),
        (format!("/v2/organizations/{seed}/spaces"), vec!["development"]),
        (format!("/v2/organizations/{seed}/spaces?q=name:dev"), vec![]),
        ("/v2/spaces?order-by=name".to_owned(), vec!["dev", "development"]),
    ];
    for (path, names) in table {
        assert_eq!(sandbox.get("admin", &path).await.each("name"), names, "{path}");
    }
}

#[tokio::test]
async fn a_space_is_created_read_changed_and_deleted() {
    let sandbox = Sandbox::start().await;
    let organization = sandbox.organization("sandbox");
    let created = sandbox.post("admin", "/v2/spaces", json!({"name": "qa", "organization_guid": organization})).await;
    assert_eq!((created.status, &created.entity()["organization_guid"]), (201, &json!(organization)));
    let path = format!("/v2/spaces/{}", created.guid());
    assert_eq!(created.header("location"), Some(path.as_str()));
    let changed = sandbox.put("admin", &path, json!({"name": "QA", "allow_ssh": false})).await;
    assert_eq!(
        (changed.status, &changed.entity()["name"], &changed.entity()["allow_ssh"]),
        (201, &json!("QA"), &json!(false))
    );
    let deep = sandbox.get("admin", &format!("{path}?inline-relations-depth=1")).await;
    assert_eq!(deep.entity()["organization"]["entity"]["name"], "sandbox");
    assert_eq!(sandbox.delete("admin", &path).await.status, 204);
    assert_eq!(sandbox.get("admin", &path).await.error(), (404, 40004, "CF-SpaceNotFound"));
}

#[tokio::test]
async fn a_space_that_cannot_be_is_refused() {
    let sandbox = Sandbox::start().await;
    let organization = sandbox.organization("sandbox");
    let table = [
        (json!({"name": "Dev", "organization_guid": organization}), (400, 40002, "CF-SpaceNameTaken")),
        (json!({"name": "", "organization_guid": organization}), (400, 40001, "CF-SpaceInvalid")),
        (json!({"name": "a".repeat(256), "organization_guid": organization}), (400, 40001, "CF-SpaceInvalid")),
        (json!({"name": "qa", "organization_guid": "none"}), (400, 1002, "CF-InvalidRelation")),
        (json!({"name": "qa"}), (400, 1001, "CF-MessageParseError")),
    ];
    for (body, error) in table {
        assert_eq!(sandbox.post("admin", "/v2/spaces", body.clone()).await.error(), error, "{body}");
    }
    let qa = format!("/v2/spaces/{}", sandbox.new_space("sandbox", "qa").await);
    assert_eq!(sandbox.put("admin", &qa, json!({"name": "DEV"})).await.error().1, 40002);
    let elsewhere = json!({"organization_guid": sandbox.organization("seed")});
    assert_eq!(sandbox.put("admin", &qa, elsewhere).await.error().1, 40001);
    let seed = json!({"name": "dev", "organization_guid": sandbox.organization("seed")});
    assert_eq!(sandbox.post("admin", "/v2/spaces", seed).await.status, 201, "another organization has its own names");
}

#[tokio::test]
async fn what_is_not_empty_is_deleted_only_recursively() {
    let sandbox = Sandbox::start().await;
    let instance = sandbox.make("db", "redis/small").await;
    let (space, organization) =
        (format!("/v2/spaces/{}", sandbox.dev()), format!("/v2/organizations/{}", sandbox.organization("sandbox")));
    let refused = sandbox.delete("admin", &space).await;
    assert_eq!(refused.error(), (400, 290_011, "CF-NonrecursiveSpaceDeletionFailed"));
    assert_eq!(sandbox.delete("admin", &format!("{space}?async=true")).await.error().1, 290_011, "not left to a job");
    let refused = sandbox.delete("admin", &organization).await;
    assert_eq!(refused.error(), (400, 10006, "CF-AssociationNotEmpty"));
    assert_eq!(refused.description(), "Please delete the spaces associations for your organizations.");
    assert_eq!(sandbox.delete("admin", &format!("{organization}?async=true")).await.error().1, 10006);
    assert_eq!(sandbox.delete("admin", &format!("{organization}?recursive=true")).await.status, 204);
    for path in [space, organization, format!("/v2/service_instances/{instance}")] {
        assert_eq!(sandbox.get("admin", &path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_recursive_delete_fails_while_something_inside_takes_time_and_can_be_repeated() {
    let sandbox = Sandbox::start().await;
    sandbox.make("db", "postgres/small").await;
    let organization = format!("/v2/organizations/{}?recursive=true", sandbox.organization("sandbox"));
    let space = format!("/v2/spaces/{}?recursive=true", sandbox.dev());
    let answer = sandbox.delete("admin", &space).await;
    assert_eq!(answer.error(), (502, 290_008, "CF-SpaceDeletionFailed"));
    assert!(
        answer.description().ends_with("\tAn operation for service instance db is in progress."),
        "{}",
        answer.description()
    );
    assert_eq!(sandbox.delete("admin", &organization).await.error(), (502, 290_010, "CF-OrganizationDeletionFailed"));
    sandbox.advance(1000);
    assert_eq!(sandbox.delete("admin", &organization).await.status, 204);
}

#[tokio::test]
async fn deleting_in_the_background_leaves_a_job_that_vanishes_when_it_is_done() {
    let sandbox = Sandbox::start().await;
    let space = sandbox.new_space("sandbox", "qa").await;
    for path in
        [format!("/v2/spaces/{space}"), format!("/v2/organizations/{}?recursive=true", sandbox.organization("seed"))]
    {
        let separator = if path.contains('?') { '&' } else { '?' };
        let answer = sandbox.delete("admin", &format!("{path}{separator}async=true")).await;
        assert_eq!((answer.status, &answer.entity()["status"]), (202, &json!("queued")), "{path}");
        let job = format!("/v2/jobs/{}", answer.guid());
        assert_eq!(answer.header("location"), Some(job.as_str()));
        assert_eq!(sandbox.get("admin", &job).await.entity()["status"], "queued");
        assert_eq!(sandbox.get("admin", &path).await.status, 200, "not yet");
        sandbox.advance(100);
        assert_eq!(sandbox.get("admin", &job).await.entity(), &json!({"guid": "0", "status": "finished"}));
        assert_eq!(sandbox.get("admin", &path).await.status, 404);
    }
}

#[tokio::test]
async fn a_job_that_fails_says_why() {
    let sandbox = Sandbox::start().await;
    sandbox.make("db", "postgres/small").await;
    let answer = sandbox.delete("admin", &format!("/v2/spaces/{}?recursive=true&async=true", sandbox.dev())).await;
    let job = format!("/v2/jobs/{}", answer.guid());
    sandbox.advance(100);
    let failed = sandbox.get("admin", &job).await;
    assert_eq!(failed.entity()["status"], "failed");
    assert_eq!(failed.entity()["error_details"]["error_code"], "CF-SpaceDeletionFailed");
}
