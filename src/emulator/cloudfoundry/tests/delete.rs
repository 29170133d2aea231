use super::*;
use crate::emulator::cloudfoundry::marketplace::{BrokerStep, Trouble};

fn path(guid: &str, query: &str) -> String {
    format!("/v2/service_instances/{guid}{query}")
}

#[tokio::test]
async fn a_delete_is_done_at_once_or_polled_until_the_instance_is_gone() {
    let sandbox = Sandbox::start().await;
    let quick = sandbox.make("a", "redis/small").await;
    let answer = sandbox.delete("developer", &path(&quick, "?accepts_incomplete=true")).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    let gone = sandbox.get("admin", &path(&quick, "")).await;
    assert_eq!(gone.error(), (404, 60004, "CF-ServiceInstanceNotFound"));
    assert_eq!(gone.description(), format!("The service instance could not be found: {quick}"));

    let slow = sandbox.make("a", "postgres/small").await;
    let answer = sandbox.delete("developer", &path(&slow, "?accepts_incomplete=true")).await;
    assert_eq!((answer.status, answer.operation().as_str()), (202, "delete/in progress"));
    assert_eq!(sandbox.operation(&slow).await, "delete/in progress");
    sandbox.advance(1000);
    assert_eq!(sandbox.operation(&slow).await, "gone");
    sandbox.make("a", "redis/small").await;
}

#[tokio::test]
async fn a_failed_delete_leaves_the_instance_and_can_be_repeated() {
    let sandbox = Sandbox::start().await;
    let refused = sandbox.make("a", "faulty/refuses-delete").await;
    let answer = sandbox.delete("admin", &path(&refused, "")).await;
    assert_eq!(answer.error(), (502, 10001, "CF-ServiceBrokerBadResponse"));
    assert_eq!(answer.description(), "Service instance a: Service broker error: out of disks");
    assert_eq!(answer.body["http"], json!({"method": "DELETE", "status": 500}));
    assert_eq!(sandbox.operation(&refused).await, "delete/failed");
    let failing = sandbox.make("b", "faulty/fails-delete").await;
    sandbox.delete("admin", &path(&failing, "?accepts_incomplete=true")).await;
    sandbox.advance(1000);
    assert_eq!(sandbox.operation(&failing).await, "delete/failed");
    assert_eq!(sandbox.delete("admin", &path(&failing, "?accepts_incomplete=true")).await.status, 202);
    let slow = sandbox.make("c", "postgres/small").await;
    assert_eq!(sandbox.delete("admin", &path(&slow, "")).await.error(), (400, 10001, "CF-AsyncRequired"));
    assert_eq!(sandbox.operation(&slow).await, "delete/failed");
}

#[tokio::test]
async fn what_hangs_on_an_instance_stops_its_delete_unless_it_is_recursive() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.make("a", "redis/small").await;
    let other = sandbox.new_space("sandbox", "qa").await;
    let key =
        sandbox.post("admin", "/v2/service_keys", json!({"name": "k", "service_instance_guid": guid})).await.guid();
    let refused = sandbox.delete("admin", &path(&guid, "")).await;
    assert_eq!(refused.error(), (400, 10006, "CF-AssociationNotEmpty"));
    let sentence =
        "Please delete the service_bindings, service_keys, and routes associations for your service_instances.";
    assert_eq!(refused.description(), sentence);
    sandbox.share(&guid, &other);
    let refused = sandbox.delete("admin", &path(&guid, "")).await;
    assert_eq!(refused.error(), (422, 390_002, "CF-ServiceInstanceDeletionSharesExists"), "shares are looked at first");
    assert_eq!(sandbox.delete("admin", &path(&guid, "?async=true")).await.error().1, 390_002, "not left to a job");
    assert_eq!(sandbox.delete("admin", &path(&guid, "?recursive=true")).await.status, 204);
    assert_eq!(sandbox.get("admin", &format!("/v2/service_keys/{key}")).await.status, 404);
    let list = format!("/v2/spaces/{other}/service_instances");
    assert_eq!(sandbox.get("admin", &list).await.body["total_results"], 0);
}

#[tokio::test]
async fn a_child_that_cannot_be_deleted_keeps_its_parent() {
    let sandbox = Sandbox::start().await;
    sandbox.alter_plan("redis/small", |plan| {
        let trouble = Trouble::Refuse { status: 500, description: "no".to_owned() };
        plan.behaviour = Behaviour::synchronous().but(BrokerStep::Unbind, trouble);
    });
    let guid = sandbox.make("a", "redis/small").await;
    let key =
        sandbox.post("admin", "/v2/service_keys", json!({"name": "k", "service_instance_guid": guid})).await.guid();
    let answer = sandbox.delete("admin", &path(&guid, "?recursive=true")).await;
    assert_eq!(answer.error(), (502, 60027, "CF-ServiceInstanceRecursiveDeleteFailed"));
    assert!(answer.description().ends_with("\tService broker error: no"), "{}", answer.description());
    let answer = sandbox.delete("admin", &format!("/v2/service_keys/{key}")).await;
    assert_eq!(answer.error(), (502, 10001, "CF-ServiceBrokerBadResponse"));
    assert_eq!(sandbox.delete("admin", &path(&guid, "?purge=true")).await.status, 204);
}

#[tokio::test]
async fn a_purge_asks_no_broker() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.make("a", "faulty/never-finishes").await;
    assert_eq!(sandbox.operation(&guid).await, "create/in progress");
    assert_eq!(sandbox.delete("developer", &path(&guid, "?purge=true")).await.error().1, 10003);
    assert_eq!(sandbox.delete("admin", &path(&guid, "?purge=true")).await.status, 204);
    assert_eq!(sandbox.operation(&guid).await, "gone");
}

#[tokio::test]
async fn the_developer_of_a_private_brokers_space_may_purge() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.make("a", "redis/small").await;
    let dev = sandbox.dev();
    {
        let mut world = sandbox.foundation.world();
        let id = world.store.brokers.iter().next().expect("a broker").id;
        world.store.brokers.get_mut(id).expect("a broker").space_guid = Some(dev);
    }
    assert_eq!(sandbox.delete("auditor", &path(&guid, "?purge=true")).await.error().1, 10003);
    assert_eq!(sandbox.delete("developer", &path(&guid, "?purge=true")).await.status, 204);
}

#[tokio::test]
async fn a_delete_by_job_is_asynchronous_for_the_client_alone() {
    let sandbox = Sandbox::start().await;
    let quick = sandbox.make("a", "redis/small").await;
    let job = sandbox.delete("admin", &path(&quick, "?async=true")).await;
    assert_eq!((job.status, &job.entity()["status"]), (202, &json!("queued")));
    sandbox.advance(100);
    assert_eq!(sandbox.get("admin", &format!("/v2/jobs/{}", job.guid())).await.entity()["status"], "finished");
    assert_eq!(sandbox.operation(&quick).await, "gone");

    // The job accepts no incomplete operation, so an asynchronous broker turns it down.
    let slow = sandbox.make("b", "postgres/small").await;
    let job = sandbox.delete("admin", &path(&slow, "?async=true")).await;
    sandbox.advance(100);
    let failed = sandbox.get("admin", &format!("/v2/jobs/{}", job.guid())).await;
    assert_eq!(
        (&failed.entity()["status"], &failed.entity()["error_details"]["error_code"]),
        (&json!("failed"), &json!("CF-AsyncRequired"))
    );
    assert_eq!(sandbox.operation(&slow).await, "delete/failed");
    // With `accepts_incomplete` there is no job.
    let answer = sandbox.delete("admin", &path(&slow, "?async=true&accepts_incomplete=true")).await;
    assert_eq!(answer.operation(), "delete/in progress");
    assert_eq!(sandbox.get("admin", "/v2/jobs/none").await.entity(), &json!({"guid": "0", "status": "finished"}));
}

#[tokio::test]
async fn the_last_operation_decides_what_may_follow() {
    // Section 11.4 of the reference, the columns of v2: update, delete, key.
    let sandbox = Sandbox::start().await;
    let table = [
        ("create", "in progress", "never-finishes", 409, 202, 409),
        ("update", "in progress", "fails-update", 409, 409, 409),
        ("delete", "in progress", "fails-delete", 409, 409, 409),
        ("create", "failed", "fails-create", 202, 202, 201),
        ("update", "failed", "fails-update", 202, 202, 201),
        ("delete", "failed", "fails-delete", 202, 202, 201),
        ("create", "succeeded", "fails-update", 202, 202, 201),
        ("update", "succeeded", "fails-delete", 202, 202, 201),
    ];
    for (number, (kind, state, plan, update, delete, key)) in table.into_iter().enumerate() {
        for (probe, status) in [("update", update), ("delete", delete), ("key", key)] {
            let name = format!("{number}-{probe}");
            let guid = sandbox.make(&name, &format!("faulty/{plan}")).await;
            match kind {
                "update" => {
                    sandbox
                        .put("admin", &path(&guid, "?accepts_incomplete=true"), json!({"parameters": {}}))
                        .await
                        .status
                }
                "delete" => sandbox.delete("admin", &path(&guid, "?accepts_incomplete=true")).await.status,
                _ => 0,
            };
            if state != "in progress" {
                sandbox.advance(1000);
            }
            assert_eq!(sandbox.operation(&guid).await, format!("{kind}/{state}"));
            let answer = match probe {
                "update" => {
                    sandbox.put("admin", &path(&guid, "?accepts_incomplete=true"), json!({"parameters": {}})).await
                }
                "delete" => sandbox.delete("admin", &path(&guid, "?accepts_incomplete=true")).await,
                _ => {
                    sandbox.post("admin", "/v2/service_keys", json!({"name": "k", "service_instance_guid": guid})).await
                }
            };
            assert_eq!(answer.status, status, "{probe} after {kind}/{state}: {}", answer.text);
            if status == 409 {
                assert_eq!(answer.error().1, 60016);
                assert_eq!(answer.description(), format!("An operation for service instance {name} is in progress."));
            }
        }
    }
}

#[tokio::test]
async fn a_delete_cancels_a_create() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.begin("a", "postgres/small").await;
    sandbox.advance(500);
    assert_eq!(
        sandbox.delete("admin", &path(&guid, "?accepts_incomplete=true")).await.operation(),
        "delete/in progress"
    );
    sandbox.advance(500);
    assert_eq!(sandbox.operation(&guid).await, "delete/in progress", "the create does not end any more");
    sandbox.advance(500);
    assert_eq!(sandbox.operation(&guid).await, "gone");
}

#[tokio::test]
async fn a_delete_that_is_not_allowed_is_refused() {
    let sandbox = Sandbox::start().await;
    let guid = sandbox.make("a", "redis/small").await;
    let table = [
        ("admin", "none", "", 60004),
        ("auditor", guid.as_str(), "", 10003),
        ("reader", guid.as_str(), "", 10007),
        ("admin", guid.as_str(), "?accepts_incomplete=yes", 10004),
    ];
    for (user, guid, query, code) in table {
        assert_eq!(sandbox.delete(user, &path(guid, query)).await.error().1, code, "{user} {query}");
    }
}
