//! A reviewed plan: the file that `trueup plan --out FILE` wrote, and what it takes to carry out just that.

use std::collections::BTreeMap;
use std::path::Path;

use super::Global;
use super::consents::Consents;
use super::project::{Project, Stop};
use crate::model::{Code, Desired, Diagnostic, Sources};
use crate::plan::document::Document;
use crate::plan::{self, Damaged, Plan};

/// A plan that somebody has reviewed.
pub(super) struct Reviewed {
    pub(super) document: Document,
    /// The file, as it was named.
    name: String,
}

impl Reviewed {
    /// Reads it, and refuses what cannot be carried out whatever the remotes hold.
    pub(super) fn read(path: &Path) -> Result<Self, Diagnostic> {
        let name = path.display().to_string();
        let again = "make it again with `trueup plan --out FILE`, and have it reviewed";
        let bytes = std::fs::read(path).map_err(|error| {
            let message = match error.kind() {
                std::io::ErrorKind::NotFound => format!("there is no file `{name}`"),
                kind => format!("cannot read `{name}`: {kind}"),
            };
            Diagnostic::error(Code::Usage, message).help("`trueup plan --out FILE` writes one")
        })?;
        let document = plan::read(&bytes).map_err(|damaged| {
            let help = match damaged {
                Damaged::OtherVersion(_) => format!("use the version of trueup that wrote it, or {again}"),
                Damaged::NotJson(_) | Damaged::NotAPlan(_) | Damaged::Altered => again.to_owned(),
            };
            Diagnostic::error(Code::PlanFile, format!("`{name}` cannot be applied: {damaged}")).help(help)
        })?;
        if let Some(snapshot) = &document.snapshot {
            let message = format!(
                "`{name}` cannot be applied: the plan in it was made from a snapshot taken {}, not from the remotes",
                snapshot.taken
            );
            return Err(Diagnostic::error(Code::PlanFile, message).help(again));
        }
        if document.errored {
            let message = format!("`{name}` cannot be applied: the plan in it has errors");
            return Err(Diagnostic::error(Code::PlanFile, message)
                .help(format!("correct what its `diagnostics` say, then {again}")));
        }
        Ok(Self { document, name })
    }

    /// Refuses flags that ask for something else than the plan was made with.
    pub(super) fn contradiction(&self, global: &Global, only: &[String], consents: &Consents) -> Option<Diagnostic> {
        let (made, given) = (&self.document.terms, consents.terms(only));
        let asked = |given: &[String], made: &[String]| !given.is_empty() && given != made;
        let flag = if global.env.is_some() && global.env != self.document.environment {
            "--env"
        } else if asked(&given.only, &made.only) {
            "--only"
        } else if asked(&given.allow_replace, &made.allow_replace) {
            "--allow-replace"
        } else if asked(&given.allow_cascade, &made.allow_cascade) {
            "--allow-cascade"
        } else if given.allow_deletes.is_some() && given.allow_deletes != made.allow_deletes {
            "--allow-deletes"
        } else if asked(&given.resend_parameters, &made.resend_parameters) {
            "--resend-parameters"
        } else {
            return None;
        };
        let message = format!("`{flag}` is not what the plan in `{}` was made with", self.name);
        Some(Diagnostic::error(Code::Usage, message).help("leave it out: what the plan was made with is in the file"))
    }

    /// The same arguments as the plan was made with.
    pub(super) fn arguments(&self, global: &Global) -> (Global, Vec<String>, Consents) {
        let global = Global { env: self.document.environment.clone(), ..global.clone() };
        (global, self.document.terms.only.clone(), Consents::of(&self.document.terms))
    }

    /// Refuses another project, and one in which something is missing that the plan is about.
    pub(super) fn is_of(&self, project: &Project) -> Result<(), Stop> {
        let desired = &project.desired;
        if self.document.project != *desired.project {
            let message = format!(
                "the plan in `{}` is of the project `{}`, and this one is `{}`",
                self.name, self.document.project, desired.project
            );
            let help = "go to the project that it was made in, or give its directory with `-C`";
            return stop(vec![Diagnostic::error(Code::PlanFile, message).help(help)], desired);
        }
        stop(plan::undeclared(&self.document, desired), desired)
    }

    /// Refuses what is declared otherwise. `desired` is what is left of it by the plan's own `--only`.
    pub(super) fn is_made_of(&self, declared: &BTreeMap<String, String>, desired: &Desired) -> Result<(), Stop> {
        stop(plan::redeclared(&self.document, declared, desired), desired)
    }

    /// What would be done now and was not reviewed.
    pub(super) fn beyond(&self, plan: &Plan, desired: &Desired, sources: &Sources) -> Vec<Diagnostic> {
        plan::beyond(&self.document, plan, &Document::new(plan, sources), desired)
    }
}

fn stop(diagnostics: Vec<Diagnostic>, desired: &Desired) -> Result<(), Stop> {
    if diagnostics.is_empty() { Ok(()) } else { Err(Stop { diagnostics, sources: desired.sources.clone() }) }
}
