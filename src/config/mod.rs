//! YAML text to what is desired: spans kept, every problem found, nothing asked of a remote.
//!
//! [`load`] goes in stages, each over all files, so that one run tells every problem: `collect` finds the resources,
//! `decode` reads their bodies against the tables of their sections, `settle` finds out who is who and who refers to
//! whom. Whether what is referred to exists remotely is for planning to see.

pub mod yaml;

mod collect;
mod decode;
mod expression;
mod lifecycle;
mod names;
mod parts;
mod places;
mod report;
mod secret;
mod settle;
mod shape;
mod words;
mod text;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub(crate) use collect::key_problem;
pub(crate) use expression::is_of_key;
pub(crate) use names::{natural_form, nearest_field, nearest_section, takes};
pub(crate) use shape::{Fit, describe};

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::kind::Registry;
use crate::model::{Desired, Diagnostics, Resource, Sources, Target};
use crate::settings::Settings;
use collect::Context;

/// Reads what the files declare. `None` if anything is wrong with it; every problem of every file has been added to
/// `diagnostics` then, up to 1,000 a file.
///
/// Relative paths are taken from the directory of `trueup.toml`. The order of `files` decides nothing but which of two
/// duplicates is called the first.
pub fn load(
    files: &[PathBuf],
    settings: &Settings,
    registry: &Registry,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Desired> {
    load_telling(files, settings, registry, sources, diagnostics, |_| {})
}

/// The same, and tells as soon as it is known which providers' resources there are; not if anything is wrong so far. What
/// the resources hold is judged only then.
pub(crate) fn load_telling(
    files: &[PathBuf],
    settings: &Settings,
    registry: &Registry,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
    providers: impl FnOnce(&BTreeSet<&'static str>),
) -> Option<Desired> {
    load_all(files, &[], settings, registry, (sources, diagnostics), providers)
}

/// The same as if there were these texts beside the files, each with its name.
pub(crate) fn load_with(
    files: &[PathBuf],
    texts: &[(String, String)],
    settings: &Settings,
    registry: &Registry,
    sources: &mut Sources,
    diagnostics: &mut Diagnostics,
) -> Option<Desired> {
    load_all(files, texts, settings, registry, (sources, diagnostics), |_| {})
}

fn load_all(
    files: &[PathBuf],
    texts: &[(String, String)],
    settings: &Settings,
    registry: &Registry,
    (sources, diagnostics): (&mut Sources, &mut Diagnostics),
    providers: impl FnOnce(&BTreeSet<&'static str>),
) -> Option<Desired> {
    let mut cx = Context::new(settings, registry);
    let mut drafts = collect::collect(files, texts, sources, &mut cx);
    if cx.report.errors() == 0 {
        providers(&drafts.iter().map(|draft| draft.section.provider).collect());
    }
    for draft in &mut drafts {
        decode::decode(draft, &mut cx);
    }
    for secret in cx.secrets.drain(..) {
        sources.mask(secret);
    }
    let resources = settle::settle(drafts, &mut cx);
    let sound = cx.report.errors() == 0;
    diagnostics.extend(cx.report.finish());
    sound.then(|| desired(settings, resources, sources))
}

fn desired(settings: &Settings, mut resources: Vec<Resource>, sources: &Sources) -> Desired {
    resources.sort_unstable_by(|a, b| a.address.cmp(&b.address));
    let targets = settings.targets.values().filter(|target| resources.iter().any(|used| used.target == target.name));
    let targets = targets.map(|target| {
        let used = Target { name: Arc::clone(&target.name), provider: target.provider, api: target.api.clone() };
        (Arc::clone(&target.name), used)
    });
    Desired {
        project: Arc::clone(&settings.project),
        environment: settings.environment.clone(),
        targets: targets.collect(),
        resources: resources.into_iter().map(|resource| (resource.address.clone(), resource)).collect(),
        sources: sources.clone(),
    }
}
