//! The consents of a command line: what may be replaced, deleted and sent again this once.

use clap::Args;

use super::project::{self, Stop};
use crate::kind::Registry;
use crate::model::{Address, Code, Consent, Desired, Diagnostic};
use crate::plan::Terms;

/// Flags of both `plan` and `apply`, so that the one shows what the other does.
#[derive(Debug, Default, Args)]
pub(super) struct Consents {
    /// Delete these and create them anew where a change cannot be made in place
    #[arg(long, value_name = "ADDRESS", num_args = 1.., env = "TRUEUP_ALLOW_REPLACE", hide_env = true, value_delimiter = ',')]
    allow_replace: Vec<String>,
    /// Let go what is deleted along with these
    #[arg(long, value_name = "ADDRESS", num_args = 1.., env = "TRUEUP_ALLOW_CASCADE", hide_env = true, value_delimiter = ',')]
    allow_cascade: Vec<String>,
    /// Delete N objects at most; else `limits.max_deletes`
    #[arg(long, value_name = "N", env = "TRUEUP_ALLOW_DELETES", hide_env = true)]
    allow_deletes: Option<u32>,
    /// Send again what of these cannot be read back, such as parameters
    #[arg(long, value_name = "ADDRESS", num_args = 1.., env = "TRUEUP_RESEND_PARAMETERS", hide_env = true, value_delimiter = ',')]
    resend_parameters: Vec<String>,
}

impl Consents {
    /// Those that a plan was made with.
    pub(super) fn of(terms: &Terms) -> Self {
        let Terms { only: _, allow_replace, allow_cascade, allow_deletes, resend_parameters, declared: _ } = terms;
        Self {
            allow_replace: allow_replace.clone(),
            allow_cascade: allow_cascade.clone(),
            allow_deletes: *allow_deletes,
            resend_parameters: resend_parameters.clone(),
        }
    }

    /// As the terms of a plan, together with `only`.
    pub(super) fn terms(&self, only: &[String]) -> Terms {
        let Self { allow_replace, allow_cascade, allow_deletes, resend_parameters } = self;
        Terms {
            only: sorted(only),
            allow_replace: sorted(allow_replace),
            allow_cascade: sorted(allow_cascade),
            allow_deletes: *allow_deletes,
            resend_parameters: sorted(resend_parameters),
            ..Terms::default()
        }
    }

    /// How many objects may be deleted, where `limit` is the settings'.
    pub(super) fn deletes(&self, limit: u32) -> u32 {
        self.allow_deletes.unwrap_or(limit)
    }

    /// Puts them beside those in the YAML.
    pub(super) fn give(&self, desired: &mut Desired, registry: &Registry) -> Result<(), Stop> {
        let mut unknown = Vec::new();
        let mut give = |given: &[String], set: fn(&mut Consent)| match project::addresses(given, desired) {
            Ok(addresses) => {
                for address in &addresses {
                    set(&mut desired.resources[address].lifecycle.consent);
                }
            }
            Err(stop) => unknown.extend(stop.diagnostics),
        };
        give(&self.allow_replace, |consent| consent.replace = true);
        give(&self.allow_cascade, |consent| consent.cascade = true);
        give(&self.resend_parameters, |consent| consent.resend = true);
        unknown.extend(desired.resources.keys().filter_map(|address| nothing_to_resend(address, desired, registry)));
        if unknown.is_empty() { Ok(()) } else { Err(Stop { diagnostics: unknown, sources: desired.sources.clone() }) }
    }
}

fn sorted(addresses: &[String]) -> Vec<String> {
    let mut sorted = addresses.to_vec();
    sorted.sort();
    sorted.dedup();
    sorted
}

fn nothing_to_resend(address: &Address, desired: &Desired, registry: &Registry) -> Option<Diagnostic> {
    let resource = &desired.resources[address];
    if !resource.lifecycle.consent.resend {
        return None;
    }
    let section = registry.section(address.section)?;
    let fields: Vec<_> = section.fields.iter().filter(|field| field.can_be_resent()).map(|field| field.name).collect();
    if fields.iter().any(|field| resource.fields.get(field).is_some()) {
        return None;
    }
    let message = format!("`{address}` declares nothing that could be sent again");
    let help = if fields.is_empty() {
        format!("of {} everything can be read and compared", section.name.replace('_', " "))
    } else {
        format!("of {} only `{}` can be sent again", section.name.replace('_', " "), fields.join("`, `"))
    };
    Some(Diagnostic::error(Code::Usage, message).at(resource.key_span, "named by `--resend-parameters`").help(help))
}
