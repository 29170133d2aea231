//! Who calls, and what they may do (§2.2, §2.3).

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// A token the emulator accepts.
#[derive(Debug, Clone)]
pub struct Token {
    secret: SecretString,
    name: String,
    scopes: Vec<String>,
}

impl Token {
    /// A token with these scopes: `read:customers`, `write:*`. The name signs what is written with it.
    pub fn new(secret: impl Into<String>, name: impl Into<String>, scopes: &[&str]) -> Self {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Self { secret: secret.into().into(), name: name.into(), scopes }
    }

    /// A token that may do everything.
    pub fn admin(secret: impl Into<String>) -> Self {
        Self::new(secret, "sandbox", &["write:*"])
    }

    fn caller(&self) -> Caller {
        Caller { author: Author { id: AUTHOR.to_owned(), name: self.name.clone() }, scopes: self.scopes.clone() }
    }
}

/// The id of whoever writes: the sandbox has one organization with one member.
const AUTHOR: &str = "123e4567-e89b-12d3-a456-426614174000";

/// Who wrote something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Author {
    pub(super) id: String,
    pub(super) name: String,
}

/// Who calls.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) author: Author,
    scopes: Vec<String>,
}

impl Caller {
    /// Somebody who may do everything.
    pub(super) fn anybody(name: &str) -> Self {
        Token::new("", name, &["write:*"]).caller()
    }

    /// Whether this caller may do this to resources of this module; 403 otherwise.
    pub(super) fn may(&self, access: Access, module: &str) -> Result<(), Problem> {
        let granted = self.scopes.iter().any(|scope| match scope.split_once(':') {
            Some(("write", of)) => of == "*" || of == module,
            Some(("read", of)) => access == Access::Read && (of == "*" || of == module),
            _ => false,
        });
        if granted {
            return Ok(());
        }
        Err(Problem::new(403, "Auth.MissingScope", format!("missing required scope: {access}:{module}")))
    }
}

/// Reading or writing; writing implies reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Read { "read" } else { "write" })
    }
}

/// The caller behind an `Authorization` header; 401 if there is none.
pub(super) fn caller(tokens: &[Token], authorization: Option<&str>) -> Result<Caller, Problem> {
    let refused = |code: &str, detail: &str| Problem::new(401, code, detail);
    let Some(authorization) = authorization else {
        return Err(refused("Auth.MissingAuthorizationHeader", "missing authorization header"));
    };
    // The scheme is compared with its case.
    let Some(secret) = authorization.strip_prefix("Bearer ") else {
        return Err(refused("Auth.UnknownAuthorizationHeader", "unknown authorization header"));
    };
    match tokens.iter().find(|token| token.secret.expose_secret() == secret) {
        Some(token) => Ok(token.caller()),
        // The gateway turns down an organization's token; anything else reaches the API.
        None if secret.starts_with("ksh_") => Err(refused("ValidateToken.Invalid", "invalid token")),
        None => Err(refused("Auth.InvalidToken", "invalid token")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bad_credential_has_its_code() {
        let tokens = [Token::admin("ksh_good")];
        let code =
            |authorization: Option<&str>| caller(&tokens, authorization).map_or_else(|p| p.code, |_| String::new());
        assert_eq!(code(Some("Bearer ksh_good")), "");
        assert_eq!(code(None), "Auth.MissingAuthorizationHeader");
        assert_eq!(code(Some("bearer ksh_good")), "Auth.UnknownAuthorizationHeader");
        assert_eq!(code(Some("Bearer ksh_other")), "ValidateToken.Invalid");
        assert_eq!(code(Some("Bearer ksm_platform")), "Auth.InvalidToken");
    }

    #[test]
    fn writing_implies_reading_of_the_same_module_only() {
        let may = |scopes: &[&str], access, module| Token::new("t", "n", scopes).caller().may(access, module).is_ok();
        assert!(may(&["write:customers"], Access::Read, "customers"));
        assert!(!may(&["write:customers"], Access::Read, "licenses"));
        assert!(!may(&["read:*"], Access::Write, "customers"));
        assert!(may(&["write:*"], Access::Read, "licenses"));
        let refusal = Token::new("t", "n", &[]).caller().may(Access::Write, "instances").unwrap_err();
        assert_eq!(refusal.detail, "missing required scope: write:instances");
    }

    #[test]
    fn a_token_does_not_print_its_secret() {
        assert!(!format!("{:?}", Token::admin("ksh_secret")).contains("ksh_secret"));
    }
}
