//! The promise kept: what is exported is planned before anybody gets it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::body::{Bodies, Body};
use super::world::World;
use super::{Document, Object};
use crate::config;
use crate::model::{Address, Compare, Desired, Diagnostic, Diagnostics, Path, Segment, Severity, Sources, Value};
use crate::plan::{self, Action, Plan};

/// Something that is not to be written down.
pub(super) struct Misfit {
    pub(super) object: Object,
    /// The field, or what is inside of it; `None`: the object.
    pub(super) path: Option<Path>,
    /// Why, in the words of a sentence.
    pub(super) because: String,
}

/// Where each declared resource comes from: the body and, of a part, where it stands in that.
type Origins<'b, 'a> = HashMap<Address, (&'b Body<'a>, Option<&'b Path>)>;

/// What of the documents would not come out of a plan unchanged.
pub(super) fn misfits(
    world: &World<'_>,
    bodies: &Bodies<'_>,
    documents: &[Document],
) -> Result<Vec<Misfit>, (Vec<Diagnostic>, Sources)> {
    let mut origins = Origins::new();
    for body in &bodies.all {
        origins.insert(body.address.clone(), (body, None));
        origins.extend(body.parts.iter().map(|(address, path)| (address.clone(), (body, Some(path)))));
    }
    let texts: Vec<(String, String)> =
        documents.iter().map(|document| (document.path.display().to_string(), document.text.clone())).collect();
    let mut sources = Sources::default();
    let mut problems = Diagnostics::default();
    let ask = world.ask;
    let desired =
        config::load_with(&ask.declared.files, &texts, ask.settings, ask.registry, &mut sources, &mut problems);
    let Some(desired) = desired else { return told(problems.into_sorted(), sources, &origins, None) };
    let plan = plan::plan(&desired, ask.snapshot, ask.registry, Diagnostics::default());
    let mut found = changed(&plan, &origins);
    found.extend(told(plan.diagnostics, sources, &origins, Some(&desired))?);
    let mut seen = HashSet::new();
    found.retain(|misfit| seen.insert((misfit.object.clone(), misfit.path.clone())));
    // What is left out with all of it needs no more to be taken out of it.
    let whole: HashSet<Object> =
        found.iter().filter(|misfit| misfit.path.is_none()).map(|misfit| misfit.object.clone()).collect();
    found.retain(|misfit| misfit.path.is_none() || !whole.contains(&misfit.object));
    Ok(found)
}

/// What the steps would change.
fn changed(plan: &Plan, origins: &Origins<'_, '_>) -> Vec<Misfit> {
    let mut found = Vec::new();
    for step in plan.steps.iter().filter(|step| step.action != Action::Unchanged) {
        let Some((body, inside)) = origins.get(&step.address) else { continue };
        let object = (body.section.name, body.object.id.clone());
        let because = step.reason.message.clone();
        if matches!(step.action, Action::Update) && !step.changes.is_empty() {
            for change in &step.changes {
                let path = Some(place(body, *inside, &change.path));
                let because = "the remote tells it otherwise than it can be declared".to_owned();
                found.push(Misfit { object: object.clone(), path, because });
            }
        } else {
            found.push(Misfit { object, path: inside.cloned(), because });
        }
    }
    found
}

/// What errors are about.
fn told(
    diagnostics: Vec<Diagnostic>,
    sources: Sources,
    origins: &Origins<'_, '_>,
    desired: Option<&Desired>,
) -> Result<Vec<Misfit>, (Vec<Diagnostic>, Sources)> {
    let errors: Vec<Diagnostic> =
        diagnostics.into_iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
    let mut found = Vec::new();
    for error in &errors {
        let Some((body, inside)) = error.address.as_ref().and_then(|address| origins.get(address)) else { continue };
        let field = desired.and_then(|desired| field_at(error, desired));
        let path = match (field, inside) {
            (Some(field), inside) => Some(place(body, *inside, &field)),
            (None, inside) => inside.cloned(),
        };
        let object = (body.section.name, body.object.id.clone());
        found.push(Misfit { object, path, because: error.message.clone() });
    }
    // Those with no object are of the files that are there, or ours: nothing that is taken out would help.
    if found.is_empty() && !errors.is_empty() { Err((errors, sources)) } else { Ok(found) }
}

/// What can be taken out so that this is no longer declared: a field, an entry where only declared ones count, or a part.
fn place(body: &Body<'_>, inside: Option<&Path>, path: &Path) -> Path {
    if let Some(part) = inside {
        return part.clone();
    }
    match path.0.as_slice() {
        [Segment::Key(field), key @ Segment::Key(_), ..]
            if body.section.field(field).is_some_and(|field| field.compare == Compare::DeclaredKeys) =>
        {
            Path(vec![Segment::Key(field.clone()), key.clone()])
        }
        [field, ..] => Path(vec![field.clone()]),
        [] => path.clone(),
    }
}

/// The field at which an error points.
fn field_at(error: &Diagnostic, desired: &Desired) -> Option<Path> {
    let at = error.span()?;
    let resource = desired.resources.get(error.address.as_ref()?)?;
    let mut paths = BTreeMap::new();
    for (name, value) in resource.fields.iter() {
        collect(value, &Path::field(name), 2, &mut |path| {
            let span = resource.places.value(&path);
            let holds = span.range().start <= at.range().start && at.range().end <= span.range().end;
            if span.file == at.file && holds {
                // The innermost is the shortest; what is nowhere is where the thing around it is.
                paths.entry(span.range().len()).or_insert(path);
            }
        });
    }
    paths.into_values().next()
}

fn collect(value: &Value, path: &Path, levels: usize, found: &mut impl FnMut(Path)) {
    found(path.clone());
    if let (Value::Map(map), 1..) = (value, levels) {
        map.iter().for_each(|(key, value)| collect(value, &path.key(key.clone()), levels - 1, found));
    }
}
