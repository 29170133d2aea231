use super::*;
use crate::emulator::cloudfoundry::{BrokerLimit, RateLimit};

const PATH: &str = "/v2/service_instances";

fn limit(requests: u32) -> RateLimit {
    RateLimit { requests, window: Duration::from_secs(60) }
}

#[tokio::test]
async fn the_general_limit_is_told_with_each_answer_and_binds_all_but_admins() {
    let sandbox = Sandbox::with(|options| options.rate_limit = Some(limit(2))).await;
    let first = sandbox.get("developer", PATH).await;
    let headers = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| first.header(name));
    assert_eq!(headers, [Some("2"), Some("1"), Some("1788264060")]);
    assert_eq!(
        sandbox.get("developer", "/v2/spaces/none").await.header("x-ratelimit-remaining"),
        Some("0"),
        "errors too"
    );
    sandbox.advance(20_000);
    let over = sandbox.get("developer", PATH).await;
    assert_eq!(over.error(), (429, 10013, "CF-RateLimitExceeded"));
    assert_eq!(
        (over.header("retry-after"), over.header("content-type")),
        (Some("40"), Some("text/plain; charset=utf-8"))
    );
    assert!(over.header("x-vcap-request-id").is_some());
    assert_eq!(sandbox.get("auditor", PATH).await.status, 200, "each user has a window");
    for path in ["/", "/v2/info"] {
        assert_eq!(sandbox.get("developer", path).await.status, 200, "{path} is not counted");
    }
    for _ in 0..5 {
        let answer = sandbox.get("admin", PATH).await;
        assert_eq!((answer.status, answer.header("x-ratelimit-limit")), (200, None));
    }
    sandbox.advance(40_000);
    assert_eq!(sandbox.get("developer", PATH).await.status, 200, "the next window");
}

#[tokio::test]
async fn without_a_token_the_limit_is_by_address_and_a_bad_token_is_just_bad() {
    let sandbox = Sandbox::with(|options| options.rate_limit = Some(limit(1))).await;
    assert_eq!(sandbox.get("", PATH).await.error().1, 10002);
    assert_eq!(sandbox.get("", PATH).await.error(), (429, 10014, "CF-IPBasedRateLimitExceeded"));
    for _ in 0..3 {
        let request = sandbox.http.get(format!("{}{PATH}", sandbox.base)).header("authorization", "bearer x");
        assert_eq!(read(request).await.error().1, 1000);
    }
}

#[tokio::test]
async fn the_limit_of_v2_binds_admins_too_and_has_headers_of_its_own() {
    let sandbox = Sandbox::with(|options| {
        options.v2_rate_limit = Some(limit(1));
        options.users[2].scopes.push("cloud_controller.v2_api_rate_limit_exempt".to_owned());
    })
    .await;
    let first = sandbox.get("admin", PATH).await;
    assert_eq!((first.header("x-ratelimit-limit-v2-api"), first.header("x-ratelimit-limit")), (Some("1"), None));
    assert_eq!(sandbox.get("admin", PATH).await.error(), (429, 10018, "CF-RateLimitV2APIExceeded"));
    for _ in 0..3 {
        assert_eq!(sandbox.get("developer", PATH).await.status, 200, "exempt by scope");
    }
    assert_eq!(sandbox.get("admin", "/v2/info").await.status, 200, "info is not counted");
}

#[tokio::test]
async fn the_general_limit_counts_v3_too_and_that_of_v2_does_not() {
    let sandbox = Sandbox::with(|options| {
        options.rate_limit = Some(limit(2));
        options.v2_rate_limit = Some(limit(1));
    })
    .await;
    let first = sandbox.v3_get("developer", "spaces").await;
    let headers = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"].map(|name| first.header(name));
    assert_eq!(headers, [Some("2"), Some("1"), Some("1788264060")]);
    assert_eq!(first.header("x-ratelimit-limit-v2-api"), None);
    assert_eq!(sandbox.get("developer", "/v2/spaces").await.status, 200, "one window for both versions");
    let over = sandbox.v3_get("developer", "spaces").await;
    assert_eq!(over.v3_error(), (429, 10013, "CF-RateLimitExceeded", "Rate Limit Exceeded"));
    let told = ["retry-after", "content-type", "x-ratelimit-remaining"].map(|name| over.header(name));
    assert_eq!(told, [Some("60"), Some("text/plain; charset=utf-8"), Some("0")]);
    assert!(over.header("x-vcap-request-id").is_some());
    assert_eq!(sandbox.get("developer", "/v3").await.status, 200, "the root is not counted");
    assert_eq!(sandbox.get("developer", "/v3/info").await.status, 429, "but info is");
    let info = sandbox.get("admin", "/v3/info").await;
    let limits = json!({"enabled": true, "general_limit": 2, "reset_interval_in_minutes": 1});
    assert_eq!((info.status, &info.body["rate_limits"]), (200, &limits));
    for _ in 0..3 {
        assert_eq!(sandbox.v3_get("admin", "spaces").await.status, 200, "admins are exempt");
    }
    for code in [10002, 10002, 10014] {
        assert_eq!(sandbox.v3_get("", "spaces").await.v3_error().1, code, "by address");
    }
}

#[tokio::test]
async fn brokers_are_asked_only_so_much_at_a_time_by_all_but_admins() {
    let sandbox = Sandbox::with(|options| {
        let (each, timeout) = (Duration::from_secs(10), Duration::from_secs(60));
        options.broker_limit = Some(BrokerLimit { requests: 2, each, timeout });
    })
    .await;
    for name in ["a", "b"] {
        let made = sandbox.post("developer", PATH, sandbox.wish(name, "redis/small")).await;
        assert_eq!((made.status, made.header("x-ratelimit-limit")), (201, None));
    }
    let over = sandbox.post("developer", PATH, sandbox.wish("c", "redis/small")).await;
    assert_eq!(over.error(), (429, 10016, "CF-ServiceBrokerRateLimitExceeded"));
    assert_eq!(over.description(), "Service broker concurrent request limit exceeded");
    assert_eq!(over.header("content-type"), Some("text/plain; charset=utf-8"));
    let waits: Vec<u64> = {
        let mut waits = Vec::new();
        for _ in 0..20 {
            let over = sandbox.post("developer", PATH, sandbox.wish("c", "redis/small")).await;
            waits.push(over.header("retry-after").expect("it says when").parse().expect("seconds"));
        }
        waits
    };
    assert!(waits.iter().all(|wait| (30..=90).contains(wait)), "{waits:?}");
    assert!(waits.iter().any(|wait| *wait < 45) && waits.iter().any(|wait| *wait > 75), "{waits:?}");
    let guid =
        sandbox.get("developer", PATH).await.body["resources"][0]["metadata"]["guid"].as_str().unwrap().to_owned();
    let read = sandbox.v3_get("developer", &format!("service_instances/{guid}/parameters")).await;
    assert_eq!(read.v3_error().1, 10016, "v3 asks a broker for parameters");
    assert_eq!(
        sandbox.get("developer", &format!("{PATH}/{guid}/parameters")).await.status,
        200,
        "v2 is not counted so"
    );
    assert_eq!(sandbox.v3("developer", "PATCH", &format!("service_instances/{guid}"), json!({})).await.status, 200);
    assert_eq!(sandbox.post("admin", PATH, sandbox.wish("c", "redis/small")).await.status, 201, "admins are exempt");
    sandbox.advance(10_000);
    assert_eq!(sandbox.delete("developer", &format!("{PATH}/{guid}")).await.status, 204, "there is room again");
}
