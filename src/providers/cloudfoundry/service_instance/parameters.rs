//! What brokers say of the parameters of instances; most do not (reference, section 8.7).

use futures_util::{StreamExt as _, TryStreamExt as _};

use super::super::instances::Candidates;
use super::super::{CloudFoundry, api};
use crate::kind::{RemoteError, Wanted};
use crate::model::{Collection, Condition, Observed, Operation, Path, RemoteId, Value};

/// How many brokers are asked at a time: foundations limit how many of these requests a user may have under way.
const AT_A_TIME: usize = 8;

/// Asks for the parameters of those instances that are declared with some, where their broker tells them; there is no list
/// of them. What is not told stays as it is known.
pub async fn ask(
    instances: &mut [Observed],
    wanted: &Wanted<'_>,
    spaces: &Collection,
    plans: &Collection,
    remote: &CloudFoundry,
) -> Result<(), RemoteError> {
    let field = Path::field("parameters");
    let compared = wanted.resources.iter().copied().filter(|resource| {
        let ignored = resource.lifecycle.ignore.iter().any(|path| field.starts_with(&path.value));
        resource.fields.get("parameters").is_some() && !ignored
    });
    let compared = Candidates::of(compared, wanted, spaces);
    let mut concerned = Vec::new();
    for (at, instance) in instances.iter().enumerate() {
        let (name, space) = (instance.fields.text("name"), super::space_of(instance));
        let declared = name.zip(space).is_some_and(|(name, space)| compared.has(name, space));
        if declared && is_at_rest(instance) && tells_parameters(instance, plans) {
            concerned.push((at, RemoteId::clone(&instance.id)));
        }
    }
    let asked = concerned.into_iter().map(|(at, guid)| async move {
        let told = api::parameters_of(remote, &guid).await?;
        Ok::<_, RemoteError>((at, told))
    });
    let told: Vec<_> = futures_util::stream::iter(asked).buffer_unordered(AT_A_TIME).try_collect().await?;
    for (at, parameters) in told {
        if let Some(parameters) = parameters {
            instances[at].fields.set("parameters", Value::from_json(&parameters));
        }
    }
    Ok(())
}

fn is_at_rest(instance: &Observed) -> bool {
    match instance.condition {
        Condition::Ready => true,
        Condition::Failed { operation, .. } => operation != Operation::Create,
        Condition::InProgress { .. } => false,
    }
}

fn tells_parameters(instance: &Observed, plans: &Collection) -> bool {
    let plan = instance.fields.link("plan").and_then(|link| plans.with_id(link.id.as_deref()?));
    plan.is_some_and(|plan| plan.attributes.get("instances_retrievable") == Some(&Value::Bool(true)))
}
