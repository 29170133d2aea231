//! The cf CLI's session, borrowed from its file and given back renewed.
//!
//! A refresh token may be good for one use only. What it was exchanged for then goes back into the file, or the user's cf
//! CLI would have to sign in anew (reference, section 4.3). So nothing is exchanged that could not be given back, and
//! nothing is overwritten that the cf CLI has written meanwhile.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use tempfile::NamedTempFile;

use crate::kind::{Failure, RemoteError};
use crate::model::RemoteProblem;
use crate::settings::{Auth, CfCli, Endpoint, Unusable};

/// A file beside the cf CLI's, ready to take its place.
pub struct Replacement {
    file: PathBuf,
    written: NamedTempFile,
}

/// What became of tokens that were to be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenBack {
    /// They are in the file.
    Written,
    /// The file has other ones by now, which are left there.
    Overtaken,
    /// The file could not be written; why, in words.
    Lost(String),
}

impl Replacement {
    /// Makes sure that the file can be replaced, before anything is done that would have to be written there.
    pub fn prepare(file: &Path) -> Result<Self, RemoteError> {
        let prepared = std::fs::canonicalize(file).and_then(|file| {
            // What a symbolic link points to is replaced, not the link. The temporary file is for its owner alone.
            let directory = file.parent().expect("a file is in a directory");
            Ok(Self { written: NamedTempFile::new_in(directory)?, file })
        });
        prepared.map_err(|error| {
            unusable(Unusable {
                why: format!(
                    "it has to be renewed, and what it is renewed to cannot be written beside `{}`: {error}",
                    file.display()
                ),
                help: "make that directory writable".to_owned(),
            })
        })
    }

    /// Puts the new tokens where the refresh token `was` is, and leaves all else in the file as it is.
    pub fn give_back(self, was: &str, access: &SecretString, refresh: &SecretString) -> GivenBack {
        // Read again: the cf CLI may have signed in anew since.
        let now = match std::fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) => return GivenBack::Lost(error.to_string()),
        };
        let Ok(mut fields) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&now) else {
            return GivenBack::Overtaken;
        };
        if fields.get("RefreshToken").and_then(serde_json::Value::as_str).unwrap_or_default() != was {
            return GivenBack::Overtaken;
        }
        // `insert` keeps a key where it was.
        fields.insert("AccessToken".to_owned(), format!("bearer {}", access.expose_secret()).into());
        fields.insert("RefreshToken".to_owned(), refresh.expose_secret().into());
        match self.put(&fields, now.ends_with('\n')) {
            Ok(()) => GivenBack::Written,
            Err(error) => GivenBack::Lost(error.to_string()),
        }
    }

    fn put(mut self, fields: &serde_json::Map<String, serde_json::Value>, newline: bool) -> std::io::Result<()> {
        // Two spaces, as the cf CLI writes it.
        serde_json::to_writer_pretty(&mut self.written, fields)?;
        if newline {
            self.written.write_all(b"\n")?;
        }
        self.written.as_file().sync_all()?;
        self.written.persist(&self.file)?;
        Ok(())
    }
}

/// Reads the file again, for the same API.
pub fn read_again(before: &CfCli) -> Result<CfCli, RemoteError> {
    let now = CfCli::read(&before.file).map_err(unusable)?;
    if now.points_to(&before.target) {
        return Ok(now);
    }
    Err(unusable(Unusable {
        why: "the cf CLI points to another API by now".to_owned(),
        help: format!("run `cf login -a {}`", before.target.as_str().trim_end_matches('/')),
    }))
}

/// A session that cannot be renewed.
pub fn cannot_be_renewed(session: &CfCli) -> RemoteError {
    unusable(if session.of_client {
        // The cf CLI keeps the client's id and not its secret.
        Unusable {
            why: "it was made with client credentials, has ended, and the cf CLI keeps nothing to renew it with"
                .to_owned(),
            help:
                "run `cf auth --client-credentials` again, or configure `auth = { method = \"client-credentials\", … }`"
                    .to_owned(),
        }
    } else {
        Unusable { why: "it has ended, and has no refresh token".to_owned(), help: "run `cf login`".to_owned() }
    })
}

fn unusable(Unusable { why, help }: Unusable) -> RemoteError {
    RemoteError {
        failure: Failure::SignIn,
        message: format!("the cf CLI's session cannot be used: {why}"),
        help: Some(help),
        problem: Box::new(RemoteProblem::default()),
        fields: Vec::new(),
        uncertain: false,
    }
}

/// The cf CLI's consent to any certificate is not trueup's: that has to be written out. But it says what is missing.
pub fn untrusted(error: RemoteError, endpoint: &Endpoint) -> RemoteError {
    let consent = matches!(&endpoint.auth, Auth::CfCli(session) if session.skips_tls_verify);
    if !consent || endpoint.skip_tls_verify || !error.message.starts_with("the certificate is not trusted") {
        return error;
    }
    let help = "the cf CLI was told not to verify certificates, which trueup does not take over: name the certificate \
                authority's file as the target's `ca_file` in `trueup.toml`, or write `skip_tls_verify = true`";
    RemoteError { help: Some(help.to_owned()), ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{
  "Zeta": [1, 2.50, {"b": null, "a": "ü \u003c"}],
  "AccessToken": "bearer old",
  "ConfigVersion": 4,
  "RefreshToken": "r-1",
  "Target": "https://api.example.com",
  "PluginRepos": []
}"#;

    fn session() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("config.json");
        std::fs::write(&file, FILE).expect("written");
        (directory, file)
    }

    fn give_back(file: &Path, meanwhile: impl FnOnce()) -> GivenBack {
        let replacement = Replacement::prepare(file).expect("writable");
        meanwhile();
        replacement.give_back("r-1", &"new".into(), &"r-2".into())
    }

    #[test]
    fn only_the_tokens_change() {
        let (directory, file) = session();
        assert_eq!(give_back(&file, || ()), GivenBack::Written);
        let text = std::fs::read_to_string(&file).expect("read");
        let parsed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let mut expected: serde_json::Value = serde_json::from_str(FILE).expect("JSON");
        expected["AccessToken"] = "bearer new".into();
        expected["RefreshToken"] = "r-2".into();
        assert_eq!(parsed, expected);
        let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&parsed), keys(&expected), "in their order");
        assert!(text.starts_with("{\n  \"Zeta\"") && text.ends_with("\n}"), "{text}");
        assert_eq!(std::fs::read_dir(directory.path()).expect("read").count(), 1, "nothing is left behind");
    }

    #[test]
    fn what_the_cf_cli_wrote_meanwhile_stays() {
        let (directory, file) = session();
        let theirs = FILE.replace("r-1", "r-9");
        assert_eq!(give_back(&file, || std::fs::write(&file, &theirs).expect("written")), GivenBack::Overtaken);
        assert_eq!(std::fs::read_to_string(&file).expect("read"), theirs);
        assert_eq!(give_back(&file, || std::fs::write(&file, "").expect("written")), GivenBack::Overtaken);
        assert_eq!(std::fs::read_dir(directory.path()).expect("read").count(), 1);
        let lost = give_back(&file, || std::fs::remove_file(&file).expect("removed"));
        assert!(matches!(lost, GivenBack::Lost(_)), "{lost:?}");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_stays_its_owners_and_a_link_stays_a_link() {
        use std::os::unix::fs::PermissionsExt;
        let (directory, file) = session();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).expect("set");
        let link = directory.path().join("link.json");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        assert_eq!(give_back(&link, || ()), GivenBack::Written);
        assert!(std::fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(std::fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(std::fs::read_to_string(&file).expect("read").contains("r-2"));
    }
}
