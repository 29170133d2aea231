//! How the process ends. The one place that knows the numbers and what they mean.

use super::Class;

/// An exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Success,
    /// A failure before the first write.
    Failure,
    /// `plan --detailed-exitcode`: there are changes.
    Changes,
    /// The configuration is invalid or missing.
    Config,
    /// Not signed in, or not permitted, while reading.
    SignIn,
    /// `apply` went to work and something is not done.
    Incomplete,
    /// Refused by a guard before any write.
    Guarded,
    /// The command line is wrong.
    Usage,
    /// Ended by this signal.
    Signal(u8),
}

impl Exit {
    /// All there are, by their numbers.
    pub const ALL: [Self; 10] = [
        Self::Success,
        Self::Failure,
        Self::Changes,
        Self::Config,
        Self::SignIn,
        Self::Incomplete,
        Self::Guarded,
        Self::Usage,
        Self::Signal(2),
        Self::Signal(15),
    ];

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Changes => 2,
            Self::Config => 3,
            Self::SignIn => 4,
            Self::Incomplete => 5,
            Self::Guarded => 6,
            Self::Usage => 64,
            Self::Signal(signal) => 128 + signal,
        }
    }

    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => "Success.",
            Self::Failure => "Any other failure before the first write, and a plan with something that is blocked.",
            Self::Changes => "There are changes: of `plan --detailed-exitcode` only.",
            Self::Config => "The configuration is invalid or missing.",
            Self::SignIn => "Not signed in, or not permitted, while reading.",
            Self::Incomplete => "`apply` went to work and something is not done; the ledger says what.",
            Self::Guarded => "Refused by a guard before any write.",
            Self::Usage => "The command line is wrong.",
            Self::Signal(2) => "Interrupted by SIGINT.",
            Self::Signal(15) => "Interrupted by SIGTERM.",
            Self::Signal(_) => "Ended by a signal.",
        }
    }
}

/// How a command ends that an error of this class stopped before anything was written.
impl From<Class> for Exit {
    fn from(class: Class) -> Self {
        match class {
            Class::Usage => Self::Usage,
            Class::Config => Self::Config,
            Class::SignIn => Self::SignIn,
            Class::Guard => Self::Guarded,
            Class::Failure => Self::Failure,
        }
    }
}
