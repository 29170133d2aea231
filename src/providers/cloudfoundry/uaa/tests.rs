use serde_json::json;
use wiremock::matchers::{body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::super::testing::{Hand, endpoint, password};
use super::*;

mod borrowed;

fn jwt(exp: i64) -> String {
    format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{exp},"user_name":"ü"}}"#)))
}

fn granted(access: &str, refresh: Option<&str>, expires_in: Option<i64>) -> ResponseTemplate {
    let body =
        json!({"access_token": access, "token_type": "bearer", "refresh_token": refresh, "expires_in": expires_in});
    ResponseTemplate::new(200).set_body_json(body)
}

fn refused(status: u16, error: &str, words: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"error": error, "error_description": words}))
}

async fn answer(server: &MockServer, grant: &str, answer: ResponseTemplate, times: u64) {
    Mock::given(method("POST"))
        .and(path("/oauth/token"))
        .and(body_string_contains(format!("grant_type={grant}")))
        .respond_with(answer)
        .up_to_n_times(times)
        .expect(times)
        .mount(server)
        .await;
}

fn sign_in(server: &MockServer, auth: Auth, clock: &Clock) -> SignIn {
    let uaa = Client::new(&endpoint(&server.uri(), Auth::None), clock).unwrap();
    SignIn::new(uaa, auth, clock)
}

fn shown(access: Result<Access, RemoteError>) -> String {
    access.unwrap().token.expose_secret().to_owned()
}

fn client_credentials() -> Auth {
    Auth::ClientCredentials { client_id: "robot".to_owned(), client_secret: "hush&=".into() }
}

#[test]
fn a_token_is_renewed_in_its_last_minute_and_a_short_one_in_its_second_half() {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let at = |seconds: i64| now + SignedDuration::from_secs(seconds);
    for (life, elapsed, soon) in
        [(600, 0, false), (600, 540, false), (600, 541, true), (600, 700, true), (40, 20, false), (40, 21, true)]
    {
        let life = Life { from: now, until: at(life) };
        assert_eq!(life.ends_soon(at(elapsed)), soon, "{elapsed} s of {life:?}");
    }
}

#[test]
fn the_end_of_a_token_is_read_from_it_and_from_nothing_else() {
    let life = |from, until| Life { from, until: Timestamp::from_second(until).unwrap() };
    assert_eq!(Life::of(&jwt(1_800_000_000)), Some(life(Timestamp::MIN, 1_800_000_000)));
    let issued = format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(r#"{"iat":1800000000,"exp":1800000600}"#));
    assert_eq!(Life::of(&issued), Some(life(Timestamp::from_second(1_800_000_000).unwrap(), 1_800_000_600)));
    for opaque in ["opaque", "a.b.c", "a.e30.c", "", "a.!.c"] {
        assert_eq!(Life::of(opaque), None, "{opaque}");
    }
}

#[tokio::test]
async fn a_password_is_sent_as_the_cf_client_with_its_origin() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/oauth/token"))
        .and(query_param("login_hint", r#"{"origin":"r&d"}"#))
        .and(header("authorization", "Basic Y2Y6"))
        .and(header("content-type", "application/x-www-form-urlencoded"))
        .and(body_string_contains("grant_type=password&username=ci&password=hush"))
        .respond_with(granted("one", Some("r"), Some(600)))
        .expect(1)
        .mount(&server)
        .await;
    let (_, clock) = Hand::clock();
    let auth = Auth::Password { username: "ci".to_owned(), password: "hush".into(), origin: Some("r&d".to_owned()) };
    let sign_in = sign_in(&server, auth, &clock);
    assert_eq!(shown(sign_in.access().await), "one");
    assert_eq!(shown(sign_in.access().await), "one");
}

#[tokio::test]
async fn a_token_about_to_end_is_refreshed_with_the_newest_refresh_token() {
    let server = MockServer::start().await;
    answer(&server, "password", granted("one", Some("r-1"), Some(600)), 1).await;
    answer(&server, "refresh_token&refresh_token=r-1", granted("two", Some("r-2"), Some(600)), 1).await;
    answer(&server, "refresh_token&refresh_token=r-2", granted("three", None, Some(600)), 1).await;
    let (hand, clock) = Hand::clock();
    let sign_in = sign_in(&server, password(), &clock);
    assert_eq!(shown(sign_in.access().await), "one");
    hand.advance(541);
    assert_eq!(shown(sign_in.access().await), "two");
    hand.advance(541);
    assert_eq!(shown(sign_in.access().await), "three");
    // Not rotated: the old one is still good.
    answer(&server, "refresh_token&refresh_token=r-2", granted("four", None, Some(600)), 1).await;
    hand.advance(541);
    assert_eq!(shown(sign_in.access().await), "four");
}

#[tokio::test]
async fn a_refresh_token_that_ended_gives_way_to_the_password() {
    let server = MockServer::start().await;
    answer(&server, "password", granted("one", Some("r-1"), Some(600)), 1).await;
    answer(&server, "refresh_token", refused(401, "invalid_token", "expired"), 1).await;
    let (hand, clock) = Hand::clock();
    let sign_in = sign_in(&server, password(), &clock);
    assert_eq!(shown(sign_in.access().await), "one");
    answer(&server, "password", granted("two", None, Some(600)), 1).await;
    hand.advance(600);
    assert_eq!(shown(sign_in.access().await), "two");
}

#[tokio::test]
async fn a_token_that_is_still_good_bridges_a_uaa_that_fails() {
    let server = MockServer::start().await;
    answer(&server, "password", granted("one", Some("r-1"), Some(600)), 1).await;
    let (hand, clock) = Hand::clock();
    let sign_in = sign_in(&server, password(), &clock);
    assert_eq!(shown(sign_in.access().await), "one");
    // One request is tried four times, and the next one does not try at all.
    answer(&server, "refresh_token", ResponseTemplate::new(503), 4).await;
    hand.advance(545);
    assert_eq!(shown(sign_in.access().await), "one");
    assert_eq!(shown(sign_in.access().await), "one");
    server.verify().await;
    answer(&server, "refresh_token", ResponseTemplate::new(503), 4).await;
    hand.advance(60);
    assert_eq!(sign_in.access().await.unwrap_err().failure, Failure::Server, "it has ended");
    answer(&server, "refresh_token", granted("two", None, Some(600)), 1).await;
    assert_eq!(shown(sign_in.access().await), "two");
}

#[tokio::test]
async fn client_credentials_are_granted_again_and_sent_in_the_body() {
    let server = MockServer::start().await;
    let form = "client_credentials&client_id=robot&client_secret=hush%26%3D";
    answer(&server, form, granted(&jwt(1_800_000_600), None, None), 1).await;
    let (hand, clock) = Hand::clock();
    let sign_in = sign_in(&server, client_credentials(), &clock);
    shown(sign_in.access().await);
    answer(&server, form, granted("two", None, Some(600)), 1).await;
    // Without `expires_in`, the token itself tells when it ends.
    hand.advance(541);
    assert_eq!(shown(sign_in.access().await), "two");
}

#[tokio::test]
async fn requests_that_are_refused_together_share_one_new_token() {
    let server = MockServer::start().await;
    answer(&server, "password", granted("one", None, Some(600)), 1).await;
    let (_, clock) = Hand::clock();
    let sign_in = sign_in(&server, password(), &clock);
    let old = sign_in.access().await.unwrap();
    answer(&server, "password", granted("two", None, Some(600)), 1).await;
    let (a, b, c) = tokio::join!(sign_in.replace(&old), sign_in.replace(&old), sign_in.replace(&old));
    for access in [a, b, c] {
        assert_eq!(access.unwrap().unwrap().token.expose_secret(), "two");
    }
}

#[tokio::test]
async fn a_refused_secret_is_sent_once_and_never_shown() {
    let server = MockServer::start().await;
    answer(&server, "password", refused(401, "unauthorized", "Bad credentials: hush"), 1).await;
    let (_, clock) = Hand::clock();
    let sign_in = sign_in(&server, password(), &clock);
    let error = sign_in.access().await.unwrap_err();
    assert_eq!(error.failure, Failure::SignIn);
    assert_eq!(error.problem.code.as_deref(), Some("unauthorized"));
    assert_eq!(error.problem.detail.as_deref(), Some("Bad credentials: [redacted]"));
    assert_eq!(error.problem.path, "/oauth/token");
    assert!(!format!("{error:?}{sign_in:?}").contains("hush"));
    assert_eq!(sign_in.access().await.unwrap_err(), error);
}

#[tokio::test]
async fn each_refusal_of_the_uaa_says_what_to_do_next() {
    let password = |origin: Option<&str>| Auth::Password {
        username: "ci".to_owned(),
        password: "hush".into(),
        origin: origin.map(str::to_owned),
    };
    let locked = "Your account has been locked because of too many failed attempts to login.";
    for (auth, template, failure, help) in [
        (password(None), refused(401, "unauthorized", "Bad credentials"), Failure::SignIn, "need its `origin`"),
        (password(Some("ldap")), refused(401, "unauthorized", "Bad credentials"), Failure::SignIn, "and `origin` of"),
        (password(None), refused(401, "unauthorized", locked), Failure::SignIn, "the account is locked"),
        (password(None), refused(401, "invalid_client", "Bad credentials"), Failure::SignIn, "the cf CLI's own client"),
        (
            client_credentials(),
            refused(401, "invalid_client", "Bad credentials"),
            Failure::SignIn,
            "`client_secret` of",
        ),
        (
            Auth::RefreshToken("hush".into()),
            refused(401, "invalid_token", "The token expired, was revoked, or the token ID is incorrect: hush"),
            Failure::SignIn,
            "the refresh token has ended",
        ),
        (client_credentials(), refused(400, "invalid_scope", "x is invalid."), Failure::SignIn, "`auth` in"),
        (client_credentials(), refused(403, "insufficient_scope", "no"), Failure::SignIn, "`auth` in"),
        (client_credentials(), ResponseTemplate::new(501), Failure::Server, "try again later"),
        (
            client_credentials(),
            ResponseTemplate::new(429).insert_header("retry-after", "3600"),
            Failure::RateLimited,
            "come back in 3600 s",
        ),
    ] {
        let server = MockServer::start().await;
        answer(&server, "", template, 1).await;
        let (_, clock) = Hand::clock();
        let error = sign_in(&server, auth, &clock).access().await.unwrap_err();
        let told = error.help.as_deref().unwrap();
        assert_eq!(error.failure, failure, "{told}");
        assert!(told.contains(help), "{told}");
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
    }
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_before_the_first_request_and_its_successors_after() {
    let server = MockServer::start().await;
    answer(&server, "refresh_token&refresh_token=r-1", granted("one", Some("r-2"), Some(600)), 1).await;
    answer(&server, "refresh_token&refresh_token=r-2", granted("two", None, Some(600)), 1).await;
    let (hand, clock) = Hand::clock();
    let sign_in = sign_in(&server, Auth::RefreshToken(" r-1\n".into()), &clock);
    assert_eq!(shown(sign_in.access().await), "one");
    assert_eq!(shown(sign_in.access().await), "one");
    hand.advance(541);
    assert_eq!(shown(sign_in.access().await), "two");
    assert!(!format!("{sign_in:?}").contains("r-"));
}

#[tokio::test]
async fn a_refresh_token_is_not_taken_for_an_access_token() {
    let server = MockServer::start().await;
    let (_, clock) = Hand::clock();
    let claims = r#"{"jti":"4150c08a-r","exp":1900000000}"#;
    let token = format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims));
    let error = sign_in(&server, Auth::Token(token.into()), &clock).access().await.unwrap_err();
    assert_eq!(error.message, "the token is a refresh token, which no API accepts");
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_the_uaa_says_tells_whether_it_is_about_the_secret() {
    for (template, failure) in [
        (refused(401, "unauthorized", "Your account has been locked"), Failure::SignIn),
        (refused(401, "invalid_client", "Bad credentials"), Failure::SignIn),
        (refused(400, "unsupported_grant_type", "no"), Failure::SignIn),
        (ResponseTemplate::new(501).set_body_string("<html>"), Failure::Server),
        (ResponseTemplate::new(404).set_body_string("<html>"), Failure::Malformed),
        (ResponseTemplate::new(302), Failure::Malformed),
        (ResponseTemplate::new(200).set_body_string("<html>"), Failure::Malformed),
        (ResponseTemplate::new(429).insert_header("retry-after", "3600"), Failure::RateLimited),
    ] {
        let server = MockServer::start().await;
        answer(&server, "client_credentials", template.clone(), 1).await;
        let (_, clock) = Hand::clock();
        let error = sign_in(&server, client_credentials(), &clock).access().await.unwrap_err();
        assert_eq!(error.failure, failure, "{template:?}");
        assert!(error.help.is_some());
        assert!(!error.uncertain);
    }
}

#[tokio::test]
async fn a_ready_token_is_used_until_it_ends_and_then_said_to_have_ended() {
    let server = MockServer::start().await;
    let (hand, clock) = Hand::clock();
    let token = jwt(1_800_000_030);
    let sign_in = sign_in(&server, Auth::Token(format!("bearer {token}").into()), &clock);
    let access = sign_in.access().await.unwrap();
    assert_eq!(access.token.expose_secret(), token);
    assert!(sign_in.replace(&access).await.unwrap().is_none());
    hand.advance(31);
    let error = sign_in.access().await.unwrap_err();
    assert_eq!(error.failure, Failure::SignIn);
    assert_eq!(error.message, "the token expired at 2027-01-15T08:00:30Z");
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn without_any_way_to_sign_in_nothing_is_sent() {
    let server = MockServer::start().await;
    let (_, clock) = Hand::clock();
    let error = sign_in(&server, Auth::None, &clock).access().await.unwrap_err();
    assert_eq!((error.failure, error.message.as_str()), (Failure::SignIn, "not signed in"));
    assert!(server.received_requests().await.unwrap().is_empty());
}
