//! The simulated broker: answers a request at once, later, or badly, as the plan's behaviour says.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::errors::Failure;
use super::marketplace::{Behaviour, BrokerStep, Trouble};

/// What a broker answered to a request it did not refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    InProgress(Course),
}

/// How an operation under way will end. Nothing runs meanwhile: whoever looks after its end finds it over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Course {
    /// When; `None` is when it has been looked at often enough, or when it is told to.
    pub(super) ends_at: Option<Timestamp>,
    /// The failure the broker will report, if it fails.
    pub(super) failure: Option<String>,
    /// Whether it is not the broker who ends it, but the foundation that waited long enough.
    #[serde(default)]
    pub(super) timed_out: bool,
    /// After how many more looks at it it ends.
    #[serde(default)]
    pub(super) looks: Option<u32>,
}

impl Course {
    /// It ends at this moment: well, or with this failure.
    pub(super) fn ending(at: Timestamp, failure: Option<&str>) -> Self {
        Self { ends_at: Some(at), failure: failure.map(str::to_owned), ..Self::default() }
    }

    /// Counts one look at it.
    pub(super) fn is_over_at_this_look(&mut self) -> bool {
        let Some(looks) = &mut self.looks else { return false };
        *looks = looks.saturating_sub(1);
        *looks == 0
    }
}

/// Sends a request about an instance to the broker.
pub(super) fn ask(
    behaviour: &Behaviour,
    step: BrokerStep,
    accepts_incomplete: bool,
    patience: Duration,
    now: Timestamp,
) -> Result<Answer, Failure> {
    let trouble = behaviour.faults.iter().find(|fault| fault.step == step).map(|fault| &fault.trouble);
    match trouble {
        Some(Trouble::Refuse { status, description }) => return Err(refusal(step, *status, description)),
        Some(Trouble::TimeOut) => {
            let description = "The request to the service broker timed out".to_owned();
            return Err(Failure::broker("HttpClientTimeout", 504, description, None));
        }
        _ => {}
    }
    let takes = match step {
        BrokerStep::Bind | BrokerStep::Unbind => behaviour.binding_milliseconds,
        BrokerStep::Provision | BrokerStep::Update | BrokerStep::Deprovision => behaviour.milliseconds,
    };
    let Some(milliseconds) = takes.or(trouble.map(|_| 0)) else { return Ok(Answer::Done) };
    if !accepts_incomplete {
        return Err(Failure::broker(
            "AsyncRequired",
            400,
            "This service plan requires client support for asynchronous service operations.".to_owned(),
            None,
        ));
    }
    let ends_at = Some(now + Duration::from_millis(milliseconds));
    Ok(Answer::InProgress(match trouble {
        Some(Trouble::NeverEnd) => Course {
            ends_at: Some(now + patience),
            failure: Some(format!("Service Broker failed to {} within the required time.", errand(step))),
            timed_out: true,
            looks: None,
        },
        Some(Trouble::FailLater(description)) => {
            Course { ends_at, failure: Some(description.clone()), ..Course::default() }
        }
        Some(Trouble::EndAtLook { look, failure }) => {
            Course { failure: failure.clone(), looks: Some((*look).max(1)), ..Course::default() }
        }
        Some(Trouble::Refuse { .. } | Trouble::TimeOut) | None => Course { ends_at, ..Course::default() },
    }))
}

/// What a request is for, in the broker's language.
fn errand(step: BrokerStep) -> &'static str {
    match step {
        BrokerStep::Provision => "provision",
        BrokerStep::Update => "update",
        BrokerStep::Deprovision => "deprovision",
        BrokerStep::Bind => "bind",
        BrokerStep::Unbind => "unbind",
    }
}

/// The name and status under which the Cloud Controller passes on a broker's refusal (reference section 17.1, step 10).
fn refusal(step: BrokerStep, status: u16, description: &str) -> Failure {
    let (name, passed_on) = match (status, step) {
        (401, _) => ("ServiceBrokerApiAuthenticationFailed", 502),
        (408, _) => ("ServiceBrokerApiTimeout", 504),
        // Deprovisioning knows no 409 (reference section 18, row 18).
        (409, BrokerStep::Provision | BrokerStep::Bind) => ("ServiceBrokerConflict", 409),
        (422, _) => ("ConcurrencyError", 422),
        (400 | 403 | 404 | 410..=421 | 423..=499, BrokerStep::Provision | BrokerStep::Update | BrokerStep::Bind) => {
            ("ServiceBrokerRequestRejected", 502)
        }
        _ => ("ServiceBrokerBadResponse", 502),
    };
    let method = match step {
        BrokerStep::Provision | BrokerStep::Bind => "PUT",
        BrokerStep::Update => "PATCH",
        BrokerStep::Deprovision | BrokerStep::Unbind => "DELETE",
    };
    let http = json!({"method": method, "status": status});
    Failure::broker(name, passed_on, format!("Service broker error: {description}"), Some(http))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const PATIENCE: Duration = Duration::from_secs(60);

    fn refused(status: u16, step: BrokerStep) -> (String, u16) {
        let behaviour = Behaviour::synchronous().but(step, Trouble::Refuse { status, description: "no".to_owned() });
        let failure = ask(&behaviour, step, true, PATIENCE, NOW).expect_err("the broker refuses");
        assert_eq!(failure.code, 10001, "every broker failure has code 10001");
        (failure.title, failure.status)
    }

    #[test]
    fn a_brokers_refusal_is_passed_on_under_a_name_that_fits_its_status() {
        let table = [
            (500, BrokerStep::Provision, "CF-ServiceBrokerBadResponse", 502),
            (400, BrokerStep::Provision, "CF-ServiceBrokerRequestRejected", 502),
            (401, BrokerStep::Provision, "CF-ServiceBrokerApiAuthenticationFailed", 502),
            (408, BrokerStep::Provision, "CF-ServiceBrokerApiTimeout", 504),
            (409, BrokerStep::Provision, "CF-ServiceBrokerConflict", 409),
            (409, BrokerStep::Deprovision, "CF-ServiceBrokerBadResponse", 502),
            (422, BrokerStep::Update, "CF-ConcurrencyError", 422),
        ];
        for (status, step, title, passed_on) in table {
            assert_eq!(refused(status, step), (title.to_owned(), passed_on), "{status} to {step:?}");
        }
    }

    #[test]
    fn an_asynchronous_plan_insists_on_a_client_that_accepts_incomplete_operations() {
        let slow = Behaviour::asynchronous(1000);
        let failure = ask(&slow, BrokerStep::Provision, false, PATIENCE, NOW).expect_err("the broker insists");
        assert_eq!((failure.title.as_str(), failure.status), ("CF-AsyncRequired", 400));
        let course = Course { ends_at: Some(NOW + Duration::from_secs(1)), ..Course::default() };
        assert_eq!(
            ask(&slow, BrokerStep::Provision, true, PATIENCE, NOW).expect("accepted"),
            Answer::InProgress(course)
        );
    }

    #[test]
    fn a_synchronous_plan_answers_at_once_whatever_the_client_accepts() {
        for accepts_incomplete in [false, true] {
            let answer = ask(&Behaviour::synchronous(), BrokerStep::Provision, accepts_incomplete, PATIENCE, NOW);
            assert_eq!(answer.expect("accepted"), Answer::Done);
        }
    }

    #[test]
    fn keys_are_made_at_once_even_by_an_asynchronous_broker() {
        let answer = ask(&Behaviour::asynchronous(1000), BrokerStep::Bind, false, PATIENCE, NOW);
        assert_eq!(answer.expect("accepted"), Answer::Done);
    }

    #[test]
    fn the_foundation_waits_for_an_operation_that_never_ends_no_longer_than_its_patience() {
        let stuck = Behaviour::asynchronous(1).but(BrokerStep::Update, Trouble::NeverEnd);
        let answer = ask(&stuck, BrokerStep::Update, true, PATIENCE, NOW).expect("accepted");
        let Answer::InProgress(course) = answer else { panic!("it is in progress") };
        assert_eq!((course.ends_at, course.timed_out), (Some(NOW + PATIENCE), true));
        assert_eq!(course.failure.as_deref(), Some("Service Broker failed to update within the required time."));
    }

    #[test]
    fn a_broker_that_does_not_answer_is_a_timeout() {
        let mute = Behaviour::synchronous().but(BrokerStep::Provision, Trouble::TimeOut);
        let failure = ask(&mute, BrokerStep::Provision, true, PATIENCE, NOW).expect_err("no answer");
        assert_eq!((failure.title.as_str(), failure.status, failure.code), ("CF-HttpClientTimeout", 504, 10001));
    }
}
