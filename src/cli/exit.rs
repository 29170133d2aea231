//! How the process ends. The one place that knows the numbers.

use std::process::ExitCode;

use crate::model::{Class, Diagnostic, Severity};

/// An exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
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
    /// The number.
    pub(super) fn code(self) -> u8 {
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

    /// What these problems come to before anything was written: if several hold, 64, 3, 4, 6, 1.
    pub(super) fn of<'d>(diagnostics: impl IntoIterator<Item = &'d Diagnostic>) -> Self {
        let rank = |class| match class {
            Class::Usage => 0,
            Class::Config => 1,
            Class::SignIn => 2,
            Class::Guard => 3,
            Class::Failure => 4,
        };
        let errors = diagnostics.into_iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        match errors.map(|diagnostic| diagnostic.code.class()).min_by_key(|class| rank(*class)) {
            None => Self::Success,
            Some(Class::Usage) => Self::Usage,
            Some(Class::Config) => Self::Config,
            Some(Class::SignIn) => Self::SignIn,
            Some(Class::Guard) => Self::Guarded,
            Some(Class::Failure) => Self::Failure,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;

    #[test]
    fn the_first_of_the_contract_s_order_wins() {
        let errors =
            |codes: &[Code]| Exit::of(&codes.iter().map(|code| Diagnostic::error(*code, "x")).collect::<Vec<_>>());
        assert_eq!(errors(&[]), Exit::Success);
        assert_eq!(errors(&[Code::Unreachable]), Exit::Failure);
        assert_eq!(errors(&[Code::Unreachable, Code::Protected]), Exit::Guarded);
        assert_eq!(errors(&[Code::Protected, Code::Forbidden]), Exit::SignIn);
        assert_eq!(errors(&[Code::Forbidden, Code::UnknownField]), Exit::Config);
        assert_eq!(errors(&[Code::UnknownField, Code::Usage]), Exit::Usage);
    }

    #[test]
    fn a_warning_is_no_failure() {
        assert_eq!(Exit::of(&[Diagnostic::warning(Code::UnknownField, "x")]), Exit::Success);
    }
}
