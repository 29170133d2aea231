//! How the process ends, by the problems there were.

use std::process::ExitCode;

pub(super) use crate::model::Exit;
use crate::model::{Class, Diagnostic, Severity};

impl Exit {
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
        let first = errors.map(|diagnostic| diagnostic.code.class()).min_by_key(|class| rank(*class));
        first.map_or(Self::Success, Self::from)
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
