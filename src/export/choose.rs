//! Which objects are exported, and why others are not.

use super::world::World;
use super::{Left, Without};
use crate::model::{Collection, Condition, Observed, Operation, RemoteId, Secrets, Section};

/// Which objects are asked for.
#[derive(Debug, Clone, Copy)]
pub enum Within<'a> {
    /// All.
    Target,
    /// Those of a home, a customer or a space, and itself.
    Home(&'a RemoteId),
}

/// What is to be declared, and what is not.
pub(super) struct Chosen<'a> {
    /// In the order of the registry, then by natural key.
    pub(super) objects: Vec<(&'static Section, &'a Observed)>,
    /// Each with its home.
    pub(super) left: Vec<(Option<&'a RemoteId>, Left)>,
}

pub(super) fn choose<'a>(world: &World<'a>, without: &Without) -> Chosen<'a> {
    let mut chosen = Chosen { objects: Vec::new(), left: Vec::new() };
    // A broker can repeat in its words what it was told.
    let secrets = Secrets::among(world.ask.settings.variables.values().map(|variable| &variable.value));
    for section in world.sections() {
        for object in world.collection(section.name).into_iter().flat_map(Collection::iter) {
            let id = (section.name, object.id.clone());
            let home = world.home(section, object);
            let asked = match world.ask.within {
                Within::Target => true,
                Within::Home(wanted) => home == Some(wanted),
            };
            if !asked || world.ask.declared.objects.contains_key(&id) {
                continue;
            }
            match unfinished(object).or_else(|| without.objects.get(&id).cloned()) {
                None => chosen.objects.push((section, object)),
                Some(mut because) => {
                    secrets.take_out(&mut because);
                    chosen.left.push((home, left(section, object, because)));
                }
            }
        }
    }
    chosen
}

pub(super) fn left(section: &'static Section, object: &Observed, because: String) -> Left {
    Left { section: section.name, name: object.identity.to_string(), because }
}

/// Why nothing can be said of an object yet.
fn unfinished(object: &Observed) -> Option<String> {
    let words = |text: &Option<std::sync::Arc<str>>| text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    match &object.condition {
        Condition::InProgress { operation, .. } => {
            Some(format!("the remote is still at work on its {operation}; export it once that is done"))
        }
        Condition::Failed { operation: Operation::Create, description } => {
            Some(format!("its create failed and left only the name{}", words(description)))
        }
        // After a failed update or delete it is there as before.
        Condition::Ready | Condition::Failed { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fields, Identity};

    fn because(condition: Condition) -> Option<String> {
        let identity = Identity::single("name", "db");
        let (fields, attributes) = (Fields::default(), Fields::default());
        unfinished(&Observed { identity, id: "i".into(), version: None, fields, attributes, condition })
    }

    #[test]
    fn what_is_there_is_declared_and_what_is_coming_or_going_is_not() {
        let failed = |operation| Condition::Failed { operation, description: Some("no room".into()) };
        assert_eq!(because(Condition::Ready), None);
        assert_eq!(because(failed(Operation::Update)), None);
        assert_eq!(because(failed(Operation::Delete)), None);
        assert_eq!(
            because(failed(Operation::Create)).as_deref(),
            Some("its create failed and left only the name: no room")
        );
        for operation in [Operation::Create, Operation::Update, Operation::Delete] {
            let told = because(Condition::InProgress { operation, description: None }).expect("it is under way");
            assert_eq!(told, format!("the remote is still at work on its {operation}; export it once that is done"));
        }
    }
}
