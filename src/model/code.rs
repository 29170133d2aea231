//! The codes of diagnostics. Public: unique, kept for good, each explained with an example in `docs/diagnostics.md`.

use std::fmt;

use serde::{Serialize, Serializer};

/// What a problem means for the exit status (see [`Exit`](super::Exit)) when it is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The command line is wrong.
    Usage,
    /// The configuration is invalid or missing, as far as can be told without a remote.
    Config,
    /// Not signed in, or not permitted, while reading.
    SignIn,
    /// Refused by a guard before any write.
    Guard,
    /// Any other failure.
    Failure,
}

macro_rules! codes {
    ($( $(#[$doc:meta])+ $name:ident = $text:literal, $class:ident; )+) => {
        /// Which problem a diagnostic reports.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $( $(#[$doc])+ $name, )+ }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$( Self::$name, )+];

            /// The stable text, `trueup::config::unknown_field`.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$name => $text, )+ }
            }

            /// What it means for the exit status.
            pub fn class(self) -> Class {
                match self { $( Self::$name => Class::$class, )+ }
            }
        }
    };
}

codes! {
    /// The YAML cannot be read from here on.
    YamlSyntax = "trueup::yaml::syntax", Config;
    /// The file is not UTF-8.
    YamlEncoding = "trueup::yaml::encoding", Config;
    /// The same key twice in one mapping.
    YamlDuplicateKey = "trueup::yaml::duplicate_key", Config;
    /// An alias without its anchor, or inside what it names.
    YamlAnchor = "trueup::yaml::anchor", Config;
    /// A merge key, a tag or a key that is not a string.
    YamlUnsupported = "trueup::yaml::unsupported", Config;
    /// Larger, deeper or more aliased than a file may be.
    YamlLimit = "trueup::yaml::limit", Config;
    /// A number that 64 bits cannot hold.
    YamlNumber = "trueup::yaml::number", Config;

    /// No `trueup.toml` here or above.
    SettingsMissing = "trueup::settings::missing", Config;
    /// `trueup.toml` is not TOML.
    SettingsSyntax = "trueup::settings::syntax", Config;
    /// A key that `trueup.toml` does not know.
    SettingsUnknownKey = "trueup::settings::unknown_key", Config;
    /// A value of the wrong type or outside its range.
    SettingsInvalid = "trueup::settings::invalid", Config;
    /// A secret written out where only its source may stand.
    SettingsLiteralSecret = "trueup::settings::literal_secret", Config;
    /// Plain `http://` to something that is not this machine.
    SettingsInsecureUrl = "trueup::settings::insecure_url", Config;
    /// `-e` names an environment that is not declared.
    SettingsUnknownEnvironment = "trueup::settings::unknown_environment", Config;
    /// A secret's source yields nothing.
    SettingsSecretSource = "trueup::settings::secret_source", Config;
    /// A variable has neither default nor value.
    SettingsVariableUnset = "trueup::settings::variable_unset", Config;
    /// A file or directory cannot be read.
    FileUnreadable = "trueup::config::file_unreadable", Config;

    /// A section that no kind has.
    UnknownSection = "trueup::config::unknown_section", Config;
    /// A field that the section does not have.
    UnknownField = "trueup::config::unknown_field", Config;
    /// A value of another type than the field's.
    WrongType = "trueup::config::wrong_type", Config;
    /// A value of the right type that the field does not allow.
    InvalidValue = "trueup::config::invalid_value", Config;
    /// A required field is not there.
    MissingField = "trueup::config::missing_field", Config;
    /// A key that cannot be an address.
    InvalidKey = "trueup::config::invalid_key", Config;
    /// Two declarations of one address.
    DuplicateAddress = "trueup::config::duplicate_address", Config;
    /// Two resources that mean the same remote object.
    DuplicateIdentity = "trueup::config::duplicate_identity", Config;
    /// An end before its start.
    DateOrder = "trueup::config::date_order", Config;
    /// `target` is missing where several fit, or names none that fits.
    InvalidTarget = "trueup::config::invalid_target", Config;
    /// A reference or expression to a resource that is not declared and cannot be remote.
    UnresolvedReference = "trueup::config::unresolved_reference", Config;
    /// An expression that cannot be read, or stands where none may.
    InvalidExpression = "trueup::config::invalid_expression", Config;
    /// A variable that is not declared.
    UnknownVariable = "trueup::config::unknown_variable", Config;
    /// An expression into a field that the section does not have.
    UnknownExpressionField = "trueup::config::unknown_expression_field", Config;
    /// What identifies a resource, or what one refers to, would be known only after apply.
    UnknownIdentity = "trueup::config::unknown_identity", Config;
    /// Something that refers to what is declared absent.
    RefersToAbsent = "trueup::config::refers_to_absent", Config;
    /// Resources that wait for each other.
    Cycle = "trueup::config::cycle", Config;
    /// Something the language has and this version does not carry out.
    Unsupported = "trueup::config::unsupported", Config;
    /// A field that the configured API or dialect does not have.
    NotInApi = "trueup::config::not_in_api", Config;
    /// More problems in one file than are shown.
    TooManyProblems = "trueup::config::too_many_problems", Config;

    /// Wrong usage of the command line.
    Usage = "trueup::cli::usage", Usage;

    /// Signing in was refused.
    SignInRefused = "trueup::remote::sign_in", SignIn;
    /// The cf CLI's session cannot be used.
    CfCliSession = "trueup::remote::cf_cli_session", SignIn;
    /// The remote does not permit this.
    Forbidden = "trueup::remote::forbidden", SignIn;
    /// The remote could not be reached.
    Unreachable = "trueup::remote::unreachable", Failure;
    /// The remote answered with something that cannot be read.
    MalformedAnswer = "trueup::remote::malformed_answer", Failure;
    /// The remote asks to come back later, for longer than is waited.
    RateLimited = "trueup::remote::rate_limited", Failure;
    /// The remote failed.
    ServerError = "trueup::remote::server_error", Failure;
    /// The remote refused a value or the request.
    Refused = "trueup::remote::refused", Failure;
    /// The remote says that something does not exist.
    NotFound = "trueup::remote::not_found", Failure;
    /// The remote says that something is taken, in use or in the wrong state.
    Conflict = "trueup::remote::conflict", Failure;
    /// Which dialect or API version answers could not be told.
    UnknownDialect = "trueup::remote::unknown_dialect", Failure;
    /// The remote warned of something beside its answers.
    RemoteWarning = "trueup::remote::warning", Failure;

    /// A reference that is neither declared nor exists remotely.
    ReferenceNotFound = "trueup::plan::reference_not_found", Failure;
    /// A name that fits several remote objects.
    AmbiguousName = "trueup::plan::ambiguous_name", Failure;
    /// A plan that is not offered any more, or not here.
    PlanUnavailable = "trueup::plan::plan_unavailable", Failure;
    /// Parameters that do not fit the plan's own schema.
    InvalidParameters = "trueup::plan::invalid_parameters", Failure;
    /// Metadata that the organization's metadata fields do not allow.
    InvalidMetadata = "trueup::plan::invalid_metadata", Failure;
    /// More, or something dearer, than a quota allows.
    Quota = "trueup::plan::quota", Failure;
    /// A licence that is archived.
    LicenseArchived = "trueup::plan::license_archived", Failure;
    /// A name that an object of another kind has.
    NameTaken = "trueup::plan::name_taken", Failure;
    /// A kind or field that the API or dialect that answers does not have.
    ApiMismatch = "trueup::plan::api_mismatch", Failure;
    /// A change that cannot be carried out.
    Blocked = "trueup::plan::blocked", Failure;
    /// Something to be created that, but for its name, is there already.
    LikelyRename = "trueup::plan::likely_rename", Failure;
    /// What another revision declares cannot be told.
    BaseUnreadable = "trueup::plan::base_unreadable", Failure;
    /// A plan that would delete or replace what is protected.
    Protected = "trueup::plan::protected", Guard;
    /// A plan that would delete more than is allowed at once.
    TooManyDeletes = "trueup::plan::too_many_deletes", Guard;
    /// A file that is no plan, or not as it was written.
    PlanFile = "trueup::plan::file", Guard;
    /// What would be done is not what was reviewed.
    StalePlan = "trueup::plan::stale", Guard;

    /// A file that is no snapshot, or not one of this project.
    SnapshotFile = "trueup::snapshot::file", Guard;
    /// A snapshot that does not hold what is declared now, or is of another remote.
    SnapshotMismatch = "trueup::snapshot::mismatch", Guard;
    /// Something declared since a snapshot was taken, of which not all is in it that a plan looks at.
    SnapshotPartial = "trueup::snapshot::partial", Guard;

    /// The answer to a write was lost and looking did not settle what happened.
    UncertainWrite = "trueup::apply::uncertain_write", Failure;
    /// The remote's operation failed after it was accepted.
    OperationFailed = "trueup::apply::operation_failed", Failure;
    /// The remote's operation goes on; waiting for it has ended.
    StillRunning = "trueup::apply::still_running", Failure;
    /// What others could meet of a resource waits for its parts, and those are not all there; or it has been left so.
    HeldBack = "trueup::apply::held_back", Failure;
    /// What was about to be changed or deleted is not any more what the plan was made of.
    Moved = "trueup::apply::moved", Failure;
    /// The remote stored something else than was sent.
    NotConverged = "trueup::apply::not_converged", Failure;
    /// Neither `--yes` nor a terminal to ask on, or the answer was not `yes`.
    Declined = "trueup::apply::declined", Failure;
    /// A defect in trueup itself.
    Internal = "trueup::internal", Failure;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
