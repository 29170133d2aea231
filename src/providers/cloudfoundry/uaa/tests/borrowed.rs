//! The cf CLI's session: used, renewed, and given back.

use std::path::{Path, PathBuf};

use super::*;
use crate::settings::CfCli;

/// A cf CLI that is signed in, in a directory of its own.
struct Cli {
    directory: tempfile::TempDir,
    server: MockServer,
}

impl Cli {
    async fn signed_in(access: &str, refresh: &str) -> Self {
        let cli = Self { directory: tempfile::tempdir().unwrap(), server: MockServer::start().await };
        cli.write(access, refresh, &json!({}));
        cli
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("config.json")
    }

    fn write(&self, access: &str, refresh: &str, more: &serde_json::Value) {
        let mut file = json!({
            "AccessToken": format!("bearer {access}"),
            "ConfigVersion": 4,
            "RefreshToken": refresh,
            "Target": "https://api.example.com",
            "UAAOAuthClient": "cf",
            "UAAOAuthClientSecret": "",
        });
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        std::fs::write(self.file(), file.to_string()).unwrap();
    }

    fn tokens(&self) -> (String, String) {
        let file: serde_json::Value = serde_json::from_slice(&std::fs::read(self.file()).unwrap()).unwrap();
        let text = |key: &str| file[key].as_str().unwrap().to_owned();
        (text("AccessToken"), text("RefreshToken"))
    }

    fn sign_in(&self, clock: &Clock) -> SignIn {
        sign_in(&self.server, Auth::CfCli(Box::new(CfCli::read(&self.file()).unwrap())), clock)
    }

    async fn asked(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }
}

/// A token that is good for so many seconds from the start of the tests' clock.
fn token(name: &str, seconds: i64) -> String {
    let now = 1_800_000_000;
    let claims = json!({"jti": name, "iat": now, "exp": now + seconds});
    format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[tokio::test]
async fn a_session_that_is_good_is_used_as_it_is() {
    let good = token("good", 600);
    let cli = Cli::signed_in(&good, "r-1").await;
    let (hand, clock) = Hand::clock();
    let sign_in = cli.sign_in(&clock);
    assert_eq!(shown(sign_in.access().await), good);
    hand.advance(539);
    assert_eq!(shown(sign_in.access().await), good);
    assert_eq!(cli.asked().await, 0);
}

#[tokio::test]
async fn in_its_last_minute_a_session_is_renewed_and_given_back_if_its_refresh_token_was_used_up() {
    for rotated in [Some("r-2"), Some("r-1"), None] {
        let old = token("old", 600);
        let cli = Cli::signed_in(&old, "r-1").await;
        let (hand, clock) = Hand::clock();
        answer(&cli.server, "refresh_token&refresh_token=r-1", granted("new", rotated, Some(600)), 1).await;
        let sign_in = cli.sign_in(&clock);
        hand.advance(541);
        assert_eq!(shown(sign_in.access().await), "new");
        assert_eq!(shown(sign_in.access().await), "new");
        let expected = if rotated == Some("r-2") { ("bearer new", "r-2") } else { (&*format!("bearer {old}"), "r-1") };
        assert_eq!(cli.tokens(), (expected.0.to_owned(), expected.1.to_owned()), "{rotated:?}");
        assert!(sign_in.notes().is_empty());
    }
}

#[tokio::test]
async fn a_session_is_renewed_as_the_client_it_was_made_with() {
    let cli = Cli::signed_in("x", "r-1").await;
    cli.write(&token("old", -1), "r-1", &json!({"UAAOAuthClient": "sso", "UAAOAuthClientSecret": "s"}));
    Mock::given(header("authorization", format!("Basic {}", BASE64_STANDARD.encode("sso:s")).as_str()))
        .and(body_string_contains("grant_type=refresh_token"))
        .respond_with(granted("new", None, Some(600)))
        .mount(&cli.server)
        .await;
    let (_, clock) = Hand::clock();
    assert_eq!(shown(cli.sign_in(&clock).access().await), "new");
}

#[tokio::test]
async fn what_the_cf_cli_has_renewed_meanwhile_is_taken() {
    let cli = Cli::signed_in(&token("old", 600), "r-1").await;
    let (hand, clock) = Hand::clock();
    let sign_in = cli.sign_in(&clock);
    hand.advance(541);
    let theirs = token("theirs", 1200);
    cli.write(&theirs, "r-2", &json!({}));
    assert_eq!(shown(sign_in.access().await), theirs);
    // And after a refusal too.
    let refused = sign_in.access().await.unwrap();
    let again = token("again", 1200);
    cli.write(&again, "r-3", &json!({}));
    assert_eq!(sign_in.replace(&refused).await.unwrap().unwrap().token.expose_secret(), again);
    assert_eq!(cli.asked().await, 0);
}

#[tokio::test]
async fn a_refused_token_is_not_taken_again_from_the_file() {
    let old = token("old", 600);
    let cli = Cli::signed_in(&old, "r-1").await;
    let (_, clock) = Hand::clock();
    let sign_in = cli.sign_in(&clock);
    for new in ["one", "two"] {
        answer(&cli.server, "refresh_token&refresh_token=r-1", granted(new, None, Some(600)), 1).await;
        let refused = sign_in.access().await.unwrap();
        let (a, b) = tokio::join!(sign_in.replace(&refused), sign_in.replace(&refused));
        for access in [a, b] {
            assert_eq!(access.unwrap().unwrap().token.expose_secret(), new, "requests refused together renew once");
        }
    }
}

#[tokio::test]
async fn a_refresh_token_used_up_by_somebody_else_is_followed_by_theirs() {
    struct Other(PathBuf);
    impl wiremock::Respond for Other {
        fn respond(&self, _: &wiremock::Request) -> ResponseTemplate {
            let text = std::fs::read_to_string(&self.0).unwrap().replace("r-1", "r-2");
            std::fs::write(&self.0, text).unwrap();
            refused(401, "invalid_token", "revoked")
        }
    }
    let cli = Cli::signed_in(&token("old", -1), "r-1").await;
    Mock::given(body_string_contains("refresh_token=r-1"))
        .respond_with(Other(cli.file()))
        .expect(1)
        .mount(&cli.server)
        .await;
    answer(&cli.server, "refresh_token&refresh_token=r-2", granted("new", Some("r-3"), Some(600)), 1).await;
    let (_, clock) = Hand::clock();
    assert_eq!(shown(cli.sign_in(&clock).access().await), "new");
    assert_eq!(cli.tokens(), ("bearer new".to_owned(), "r-3".to_owned()));
}

#[tokio::test]
async fn a_session_that_was_replaced_while_it_was_renewed_stays() {
    struct Login(PathBuf);
    impl wiremock::Respond for Login {
        fn respond(&self, _: &wiremock::Request) -> ResponseTemplate {
            let text = std::fs::read_to_string(&self.0).unwrap().replace("r-1", "r-9");
            std::fs::write(&self.0, text).unwrap();
            granted("new", Some("r-2"), Some(600))
        }
    }
    let old = token("old", -1);
    let cli = Cli::signed_in(&old, "r-1").await;
    Mock::given(body_string_contains("refresh_token=r-1")).respond_with(Login(cli.file())).mount(&cli.server).await;
    let (_, clock) = Hand::clock();
    assert_eq!(shown(cli.sign_in(&clock).access().await), "new");
    assert_eq!(cli.tokens(), (format!("bearer {old}"), "r-9".to_owned()));
}

#[tokio::test]
async fn a_session_that_ended_is_asked_for_with_cf_login_and_its_file_is_left_alone() {
    let cli = Cli::signed_in(&token("old", -1), "r-1").await;
    let before = std::fs::read(cli.file()).unwrap();
    answer(&cli.server, "refresh_token", refused(401, "invalid_token", "expired: r-1"), 1).await;
    let (_, clock) = Hand::clock();
    let sign_in = cli.sign_in(&clock);
    let error = sign_in.access().await.unwrap_err();
    assert_eq!(
        (error.failure, error.help.as_deref()),
        (Failure::SignIn, Some("the session has ended: run `cf login`"))
    );
    assert!(!format!("{error:?}").contains("r-1"), "{error:?}");
    assert_eq!(sign_in.access().await.unwrap_err(), error, "it is not asked for again");
    assert_eq!(std::fs::read(cli.file()).unwrap(), before);
}

#[tokio::test]
async fn a_session_without_a_way_to_renew_it_says_so() {
    let cli = Cli::signed_in("x", "").await;
    let (_, clock) = Hand::clock();
    let told = async |more: serde_json::Value| {
        cli.write(&token("old", -1), "", &more);
        let error = cli.sign_in(&clock).access().await.unwrap_err();
        assert_eq!(error.failure, Failure::SignIn);
        (error.message, error.help.unwrap())
    };
    let (message, help) = told(json!({})).await;
    assert!(message.ends_with("it has ended, and has no refresh token"), "{message}");
    assert_eq!(help, "run `cf login`");
    let client = json!({"UAAGrantType": "client_credentials", "UAAOAuthClient": "ci"});
    let (message, help) = told(client).await;
    assert!(message.contains("made with client credentials, has ended"), "{message}");
    assert!(help.starts_with("run `cf auth --client-credentials` again"), "{help}");
    assert_eq!(cli.asked().await, 0);
    // Older versions of the cf CLI kept the secret.
    let form = "client_credentials&client_id=ci&client_secret=s";
    answer(&cli.server, form, granted("new", None, Some(600)), 1).await;
    let kept = json!({"UAAGrantType": "client_credentials", "UAAOAuthClient": "ci", "UAAOAuthClientSecret": "s"});
    cli.write(&token("old", -1), "", &kept);
    assert_eq!(shown(cli.sign_in(&clock).access().await), "new");
}

#[tokio::test]
async fn a_cf_cli_that_went_to_another_api_is_not_followed() {
    let cli = Cli::signed_in(&token("old", -1), "r-1").await;
    let (_, clock) = Hand::clock();
    let sign_in = cli.sign_in(&clock);
    cli.write(&token("theirs", 600), "r-2", &json!({"Target": "https://api.example.org"}));
    let error = sign_in.access().await.unwrap_err();
    assert!(error.message.ends_with("the cf CLI points to another API by now"), "{error}");
    assert_eq!(error.help.as_deref(), Some("run `cf login -a https://api.example.com`"));
    assert_eq!(cli.asked().await, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn what_could_not_be_given_back_is_not_used_up() {
    use std::os::unix::fs::PermissionsExt;
    let cli = Cli::signed_in(&token("old", -1), "r-1").await;
    let set = |directory: &Path, mode| std::fs::set_permissions(directory, PermissionsExt::from_mode(mode)).unwrap();
    set(cli.directory.path(), 0o500);
    if tempfile::NamedTempFile::new_in(cli.directory.path()).is_ok() {
        // Nothing is forbidden to root.
        return set(cli.directory.path(), 0o700);
    }
    let (_, clock) = Hand::clock();
    let error = cli.sign_in(&clock).access().await.unwrap_err();
    set(cli.directory.path(), 0o700);
    assert!(error.message.contains("cannot be written beside"), "{error}");
    assert_eq!(cli.asked().await, 0);
}

#[tokio::test]
async fn a_renewal_that_was_lost_is_noted_and_goes_on_with_its_own_refresh_token() {
    struct Vanish(PathBuf);
    impl wiremock::Respond for Vanish {
        fn respond(&self, _: &wiremock::Request) -> ResponseTemplate {
            std::fs::rename(&self.0, self.0.with_extension("away")).unwrap();
            granted("new", Some("r-2"), Some(600))
        }
    }
    let cli = Cli::signed_in(&token("old", -1), "r-1").await;
    Mock::given(body_string_contains("refresh_token=r-1")).respond_with(Vanish(cli.file())).mount(&cli.server).await;
    let (hand, clock) = Hand::clock();
    let sign_in = cli.sign_in(&clock);
    assert_eq!(shown(sign_in.access().await), "new");
    let notes = sign_in.notes();
    assert!(notes[0].starts_with("the cf CLI's session was renewed and could not be written back"), "{notes:?}");
    assert!(!notes[0].contains("r-2"));
    std::fs::rename(cli.file().with_extension("away"), cli.file()).unwrap();
    answer(&cli.server, "refresh_token&refresh_token=r-2", granted("three", None, Some(600)), 1).await;
    hand.advance(541);
    assert_eq!(shown(sign_in.access().await), "three");
    assert_eq!(cli.tokens(), ("bearer three".to_owned(), "r-2".to_owned()), "given back after all");
}
