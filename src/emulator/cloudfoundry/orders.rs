//! Orders to the simulated broker: what it does with particular requests, whatever its plans say.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::marketplace::{Behaviour, BrokerStep, Fault, Trouble};

/// What the broker does with the next requests about an instance, instead of what the plan's behaviour says.
///
/// As JSON (the form of `/_sandbox/broker/orders`): `{"instance":"db","step":"provision","milliseconds":5000}`, or
/// `{"instance":"db","trouble":{"fail_later":"the disk caught fire"},"times":2}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The name of the instances concerned; none means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The requests concerned; none means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<BrokerStep>,
    /// How long the operation takes; none is a synchronous answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    /// What goes wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// How many requests obey.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

impl Order {
    /// The next request of this kind about the instance of this name is answered at once, and well.
    pub fn on(step: BrokerStep, instance: &str) -> Self {
        let instance = Some(instance.to_owned());
        Self { instance, step: Some(step), milliseconds: None, trouble: None, times: once() }
    }

    /// The operation takes so many milliseconds.
    #[must_use]
    pub fn taking(self, milliseconds: u64) -> Self {
        Self { milliseconds: Some(milliseconds), ..self }
    }

    /// Something goes wrong.
    #[must_use]
    pub fn but(self, trouble: Trouble) -> Self {
        Self { trouble: Some(trouble), ..self }
    }

    fn concerns(&self, step: BrokerStep, instance: &str) -> bool {
        self.times > 0
            && self.step.is_none_or(|wanted| wanted == step)
            && self.instance.as_deref().is_none_or(|wanted| wanted == instance)
    }

    fn behaviour(&self, step: BrokerStep) -> Behaviour {
        let faults = self.trouble.iter().map(|trouble| Fault { step, trouble: trouble.clone() }).collect();
        Behaviour { milliseconds: self.milliseconds, binding_milliseconds: self.milliseconds, faults }
    }
}

/// The orders that still stand. They are not saved: a restart forgets them.
#[derive(Debug, Default)]
pub(super) struct Orders(Mutex<Vec<Order>>);

impl Orders {
    fn held(&self) -> MutexGuard<'_, Vec<Order>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn give(&self, order: Order) {
        self.held().push(order);
    }

    pub(super) fn standing(&self) -> Vec<Order> {
        self.held().clone()
    }

    pub(super) fn forget(&self) {
        self.held().clear();
    }

    /// How a request is answered, if an order concerns it: the first one given does, and is used up by it.
    pub(super) fn obey(&self, step: BrokerStep, instance: &str) -> Option<Behaviour> {
        let mut held = self.held();
        let order = held.iter_mut().find(|order| order.concerns(step, instance))?;
        order.times -= 1;
        let behaviour = order.behaviour(step);
        held.retain(|order| order.times > 0);
        Some(behaviour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_obeyed_as_often_as_it_says_by_those_it_concerns() {
        let orders = Orders::default();
        orders.give(Order { times: 2, ..Order::on(BrokerStep::Provision, "db").taking(7) });
        assert_eq!(orders.obey(BrokerStep::Update, "db"), None);
        assert_eq!(orders.obey(BrokerStep::Provision, "other"), None);
        for _ in 0..2 {
            assert_eq!(orders.obey(BrokerStep::Provision, "db"), Some(Behaviour::asynchronous(7).binding_in(7)));
        }
        assert_eq!(orders.obey(BrokerStep::Provision, "db"), None);
        assert_eq!(orders.standing(), []);
        let any: Order = serde_json::from_str(r#"{"trouble":{"refuse":{"status":500,"description":"no"}}}"#).unwrap();
        orders.give(any);
        assert!(orders.obey(BrokerStep::Unbind, "anything").is_some());
    }

    #[test]
    fn the_first_order_given_is_obeyed_first() {
        let orders = Orders::default();
        orders.give(Order::on(BrokerStep::Update, "db").taking(1));
        orders.give(Order::on(BrokerStep::Update, "db").taking(2));
        let taken = || orders.obey(BrokerStep::Update, "db").and_then(|behaviour| behaviour.milliseconds);
        assert_eq!((taken(), taken(), taken()), (Some(1), Some(2), None));
    }
}
