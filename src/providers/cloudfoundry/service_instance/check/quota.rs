//! What is created against the quotas of its space and organization (reference, section 17.1).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::super::super::meant::organization_of;
use super::super::super::quota::{Holder, organization_of_new, quota_of};
use super::super::space_of;
use super::{at, declared_plan, has_declared_plan};
use crate::kind::Check;
use crate::model::{Code, Collection, Diagnostic, Observed, Path, RemoteId, Value};

/// Something that has a quota, with what it is called.
#[derive(Clone)]
struct Limited<'c> {
    of: Holder,
    guid: RemoteId,
    quota: &'c Observed,
    name: String,
}

impl Limited<'_> {
    /// ``the quota `small` of the space `acme/dev` ``.
    fn words(&self) -> String {
        let (_, quota) = self.quota.identity.parts.last().expect("a quota has a name");
        format!("the quota `{quota}` of the {} `{}`", self.of.word(), self.name)
    }

    fn most(&self) -> Option<u64> {
        match self.quota.attributes.get("instances")? {
            Value::Number(most) => most.as_u64(),
            _ => None,
        }
    }
}

/// The space of an instance and its organization, those of them that have a quota.
fn limited(check: Check<'_>) -> Vec<Limited<'_>> {
    let Some(quotas) = check.collections.get("quotas") else { return Vec::new() };
    let link = check.proposal.fields.link("space");
    let space = link.and_then(|link| link.id.clone());
    let organization = match &space {
        Some(space) => organization(check.collections, space).cloned(),
        None => check
            .collections
            .get("organizations")
            .and_then(|there| organization_of_new(check.resource.fields.get("space"), check.declared, there)),
    };
    let holders = [(Holder::Space, space), (Holder::Organization, organization)];
    let limited = holders.into_iter().filter_map(|(of, guid)| {
        let guid = guid?;
        let quota = quota_of(quotas, of, &guid)?;
        let name = match of {
            Holder::Space => link?.shown().to_owned(),
            Holder::Organization => {
                let there = check.collections.get("organizations");
                let there = there.and_then(|there| there.with_id(&guid));
                there.map_or_else(|| guid.to_string(), |organization| organization.identity.to_string())
            }
        };
        Some(Limited { of, guid, quota, name })
    });
    limited.collect()
}

fn organization<'c>(collections: &'c BTreeMap<&'static str, Collection>, space: &str) -> Option<&'c RemoteId> {
    organization_of(collections.get("spaces")?.with_id(space)?)
}

/// A plan that costs something where only free ones are allowed: refused at a create and at a change to it (sections 7.1
/// and 9).
pub(super) fn price(check: Check<'_>) -> Option<Diagnostic> {
    let plan = declared_plan(check)?;
    if plan.attributes.get("free") != Some(&Value::Bool(false)) || has_declared_plan(check) {
        return None;
    }
    let frugal = |limited: &Limited<'_>| limited.quota.attributes.get("paid") == Some(&Value::Bool(false));
    let limited = limited(check).into_iter().find(frugal)?;
    let message = format!("the plan `{}` is a paid one, and {} allows free ones only", plan.identity, limited.words());
    let diagnostic =
        Diagnostic::error(Code::Quota, message).help("choose a free plan, or ask for a quota that allows paid ones");
    Some(at(check, "plan", diagnostic, "this plan costs something"))
}

/// What is counted of one quota.
struct Count<'c> {
    limited: Limited<'c>,
    created: Vec<Check<'c>>,
}

/// More instances than there is room for. Each create is refused that comes when the quota is used up; what the same plan
/// deletes need not be gone by then, so it makes no room.
pub fn together(created: &[Check<'_>]) -> Vec<Diagnostic> {
    let mut counts: BTreeMap<(&'static str, RemoteId), Count<'_>> = BTreeMap::new();
    // Thousands may be in one space.
    let mut known: HashMap<&str, Vec<Limited<'_>>> = HashMap::new();
    for check in created {
        let Some(space) = check.proposal.fields.link("space") else { continue };
        for limited in known.entry(space.shown()).or_insert_with(|| limited(*check)) {
            let key = (limited.of.word(), Arc::clone(&limited.guid));
            let count = counts.entry(key).or_insert_with(|| Count { limited: limited.clone(), created: Vec::new() });
            count.created.push(*check);
        }
    }
    let mut found: Vec<Diagnostic> = Vec::new();
    // A space before its organization, as the remote judges.
    for Count { limited, created } in counts.into_values().rev() {
        let Some(diagnostic) = surplus(&limited, &created) else { continue };
        if found.iter().all(|other| other.address != diagnostic.address) {
            found.push(diagnostic);
        }
    }
    found
}

/// The first instance that no longer fits, if there is one.
fn surplus(limited: &Limited<'_>, created: &[Check<'_>]) -> Option<Diagnostic> {
    let (most, collections) = (limited.most()?, created.first()?.collections);
    let is_inside = |instance: &&Observed| {
        let Some(space) = space_of(instance) else { return false };
        match limited.of {
            Holder::Space => *space == limited.guid,
            Holder::Organization => organization(collections, space) == Some(&limited.guid),
        }
    };
    let used = collections.get("service_instances")?.iter().filter(is_inside).count();
    let room = usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(used);
    let first = created.get(room)?;
    let noun = if most == 1 { "service instance" } else { "service instances" };
    // The other spaces of an organization are not read.
    let at_least = if limited.of == Holder::Organization { "at least " } else { "" };
    let message = format!(
        "{} allows {most} {noun}: {at_least}{used} in use, and {} to be created",
        limited.words(),
        created.len(),
    );
    let span = first.resource.places.value(&Path::field("space"));
    Some(
        Diagnostic::error(Code::Quota, message)
            .at(span, "no room for this one")
            .help("delete what is not needed before, or ask for a larger quota")
            .on(first.proposal.address),
    )
}
