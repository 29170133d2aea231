use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::emulator::cloudfoundry::{Client, Refresh};

const ADMIN: [(&str, &str); 3] = [("grant_type", "password"), ("username", "admin"), ("password", "admin")];
const LIST: &str = "/v2/service_instances";

async fn bearer(sandbox: &Sandbox, header: &str) -> Answer {
    read(sandbox.http.get(format!("{}{LIST}", sandbox.base)).header("authorization", header)).await
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

#[tokio::test]
async fn a_password_buys_a_token_in_the_form_of_a_jwt() {
    let sandbox = Sandbox::start().await;
    let answer = sandbox.grant("cf", "", &ADMIN).await;
    assert_eq!(
        (answer.status, &answer.body["token_type"], &answer.body["expires_in"]),
        (200, &json!("bearer"), &json!(599))
    );
    let claims = claims(answer.body["access_token"].as_str().expect("a token"));
    assert_eq!((&claims["user_id"], &claims["user_name"]), (&json!("user-admin"), &json!("admin")));
    assert_eq!(claims["exp"].as_i64().expect("exp") - claims["iat"].as_i64().expect("iat"), 600);
    assert_eq!((&claims["jti"], &claims["client_id"]), (&answer.body["jti"], &json!("cf")));
    assert!(claims["scope"].as_array().expect("scope").contains(&json!("cloud_controller.admin")));
    assert_eq!(answer.body["scope"], "cloud_controller.admin openid uaa.user");
}

#[tokio::test]
async fn a_client_signs_in_by_body_or_header_and_gets_no_refresh_token() {
    let sandbox = Sandbox::start().await;
    let by_header = sandbox.grant("ci", "ci-secret", &[("grant_type", "client_credentials")]).await;
    let form = [("grant_type", "client_credentials"), ("client_id", "ci"), ("client_secret", "ci-secret")];
    let by_body = read(sandbox.http.post(format!("{}/oauth/token", sandbox.base)).form(&form)).await;
    for answer in [by_header, by_body] {
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(answer.body.get("refresh_token").is_none());
        let token = answer.body["access_token"].as_str().expect("a token");
        assert_eq!(bearer(&sandbox, &format!("Bearer {token}")).await.status, 200);
    }
}

#[tokio::test]
async fn what_uaa_does_not_grant_it_refuses_by_name() {
    let sandbox = Sandbox::start().await;
    let password = |user, password| vec![("grant_type", "password"), ("username", user), ("password", password)];
    let scoped = |scope| [password("admin", "admin"), vec![("scope", scope)]].concat();
    let table = [
        ("cf", "", password("admin", "wrong"), 401, "unauthorized"),
        ("cf", "", password("nobody", "wrong"), 401, "unauthorized"),
        ("cf", "", vec![("grant_type", "password")], 401, "unauthorized"),
        ("cf", "wrong", password("admin", "admin"), 401, "invalid_client"),
        ("nobody", "", password("admin", "admin"), 401, "invalid_client"),
        ("ci", "ci-secret", password("admin", "admin"), 401, "invalid_client"),
        ("cf", "", vec![("grant_type", "client_credentials")], 401, "invalid_client"),
        ("cf", "", vec![("grant_type", "refresh_token"), ("refresh_token", "x")], 401, "invalid_token"),
        ("cf", "", vec![("grant_type", "refresh_token")], 400, "invalid_request"),
        ("cf", "", Vec::new(), 400, "invalid_request"),
        ("cf", "", vec![("grant_type", "implicit")], 400, "unsupported_grant_type"),
        ("cf", "", scoped("cloud_controller.everything"), 400, "invalid_scope"),
    ];
    for (client, secret, form, status, error) in table {
        let answer = sandbox.grant(client, secret, &form).await;
        assert_eq!((answer.status, &answer.body["error"]), (status, &json!(error)), "{client} {form:?}");
    }
    assert_eq!(sandbox.grant("cf", "", &scoped("openid")).await.body["scope"], "openid");
    assert_eq!(sandbox.grant("cf", "", &scoped("")).await.status, 200, "an empty scope is none");
}

#[tokio::test]
async fn the_login_hint_chooses_the_identity_provider() {
    let sandbox = Sandbox::start().await;
    for (hint, status) in [("%7B%22origin%22%3A%22uaa%22%7D", 200), ("%7B%22origin%22%3A%22ldap%22%7D", 401)] {
        let url = format!("{}/oauth/token?login_hint={hint}", sandbox.base);
        let answer = read(sandbox.http.post(url).basic_auth("cf", Some("")).form(&ADMIN)).await;
        assert_eq!(answer.status, status, "{hint}");
    }
}

#[tokio::test]
async fn an_account_is_locked_after_too_many_wrong_passwords() {
    let sandbox = Sandbox::with(|options| options.lock_after = Some(2)).await;
    let wrong = [("grant_type", "password"), ("username", "admin"), ("password", "wrong")];
    for _ in 0..2 {
        assert_eq!(sandbox.grant("cf", "", &wrong).await.body["error_description"], "Bad credentials");
    }
    let locked = sandbox.grant("cf", "", &ADMIN).await;
    let sentence = "Your account has been locked because of too many failed attempts to login.";
    assert_eq!((locked.status, &locked.body["error_description"]), (401, &json!(sentence)));
    sandbox.sign_in("developer").await;
}

#[tokio::test]
async fn no_token_and_a_bad_token_are_told_apart() {
    let sandbox = Sandbox::start().await;
    let granted = sandbox.grant("cf", "", &ADMIN).await;
    let access = granted.body["access_token"].as_str().expect("a token");
    let refresh = granted.body["refresh_token"].as_str().expect("a refresh token");
    assert_eq!(sandbox.get("", LIST).await.error(), (401, 10002, "CF-NotAuthenticated"));
    let (signed, _) = access.rsplit_once('.').expect("a signature");
    let bad = [
        "bearer x".to_owned(),
        "bearer a.b.c".to_owned(),
        format!("bearer {signed}.x"),
        format!("bearer {refresh}"),
        format!("Basic {access}"),
        "x".to_owned(),
    ];
    for header in bad {
        assert_eq!(bearer(&sandbox, &header).await.error(), (401, 1000, "CF-InvalidAuthToken"), "{header}");
    }
    for kind in ["bearer", "Bearer", "BEARER"] {
        assert_eq!(bearer(&sandbox, &format!("{kind} {access}")).await.status, 200, "{kind}");
    }
    sandbox.advance(599_000);
    assert_eq!(bearer(&sandbox, &format!("bearer {access}")).await.status, 200);
    sandbox.advance(1000);
    assert_eq!(bearer(&sandbox, &format!("bearer {access}")).await.error().1, 1000, "expired");
}

async fn refresh(sandbox: &Sandbox, token: &str) -> Answer {
    sandbox.grant("cf", "", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
}

#[tokio::test]
async fn a_refresh_repeats_rotates_or_omits_the_refresh_token() {
    for mode in [Refresh::Repeat, Refresh::Rotate, Refresh::Omit] {
        let sandbox = Sandbox::with(|options| options.refresh = mode).await;
        let granted = sandbox.grant("cf", "", &ADMIN).await;
        let old = granted.body["refresh_token"].as_str().expect("a refresh token");
        sandbox.advance(700_000);
        let answer = refresh(&sandbox, old).await;
        let access = answer.body["access_token"].as_str().expect("a token");
        assert_eq!(bearer(&sandbox, &format!("bearer {access}")).await.status, 200, "{mode:?}");
        let new = answer.body.get("refresh_token").and_then(Value::as_str);
        let again = refresh(&sandbox, old).await.status;
        match mode {
            Refresh::Repeat => assert_eq!((new, again), (Some(old), 200)),
            Refresh::Omit => assert_eq!((new, again), (None, 200)),
            Refresh::Rotate => {
                let new = new.expect("a new one");
                assert!(new != old && again == 401, "the old one is revoked");
                assert_eq!(refresh(&sandbox, new).await.status, 200);
            }
        }
    }
}

#[tokio::test]
async fn a_refresh_token_expires_and_belongs_to_its_client() {
    let other = Client { id: "other".to_owned(), ..Client::cf() };
    let sandbox = Sandbox::with(|options| options.clients.push(other)).await;
    let granted = sandbox.grant("cf", "", &ADMIN).await;
    let token = granted.body["refresh_token"].as_str().expect("a refresh token");
    let access = granted.body["access_token"].as_str().expect("a token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
    assert_eq!(sandbox.grant("other", "", &form).await.body["error"], "invalid_token");
    assert_eq!(refresh(&sandbox, access).await.body["error"], "invalid_token", "not a refresh token");
    sandbox.advance(2_592_000_000);
    assert_eq!(refresh(&sandbox, token).await.body["error"], "invalid_token", "expired");
}

#[tokio::test]
async fn a_fixed_token_stands_for_its_user_and_never_expires() {
    let fixed = ("ready-made".to_owned(), "auditor".to_owned());
    let sandbox = Sandbox::with(|options| options.fixed_token = Some(fixed)).await;
    sandbox.advance(86_400_000);
    let request = sandbox.http.get(format!("{}/v2/info", sandbox.base)).header("authorization", "bearer ready-made");
    assert_eq!(read(request).await.body["user"], "user-auditor");
    let unknown = Options { fixed_token: Some(("t".to_owned(), "nobody".to_owned())), ..Options::default() };
    let error = CloudFoundry::new(unknown, None).expect_err("there is no such user");
    assert_eq!(error.to_string(), "the fixed token stands for `nobody`, who is not a user of the sandbox");
}

#[tokio::test]
async fn a_token_without_the_scope_may_not_read_or_not_write() {
    let sandbox = Sandbox::start().await;
    assert_eq!(sandbox.get("reader", LIST).await.status, 200);
    let answer = sandbox.post("reader", LIST, sandbox.wish("a", "redis/small")).await;
    assert_eq!(answer.error(), (403, 10007, "CF-InsufficientScope"));
    let form = [ADMIN.as_slice(), &[("scope", "openid")]].concat();
    let token = sandbox.grant("cf", "", &form).await.body["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(bearer(&sandbox, &format!("bearer {token}")).await.error().1, 10007);
}

#[tokio::test]
async fn the_login_page_names_what_to_ask_the_user_for() {
    let sandbox = Sandbox::start().await;
    for path in ["/login", "/info"] {
        let answer = sandbox.get("", path).await;
        assert_eq!(answer.body["prompts"]["password"], json!(["password", "Password"]), "{path}");
    }
}
