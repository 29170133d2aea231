//! The plan, for people.

use std::collections::HashSet;
use std::io::{self, Write};

use super::layout::{counted, width, wrap};
use super::style::{Theme, Tone};
use super::{cause, change, clean_line, coverage, taken, unchanged};
use crate::model::{Address, Severity, Sources, Span};
use crate::plan::{Action, Cause, Plan, Step};

/// From how many requests on it is worth a line what applying takes: a minute or so, or the limits of a remote.
const MANY_WRITES: u64 = 100;

/// How many of the things that go with an object are named, unless everything was asked for.
const TAKEN_ALONG: usize = 5;

/// What of a plan to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// List what is unchanged, and shorten nothing.
    pub verbose: bool,
    /// Close with the command to run next: the plan is not about to be applied by this run.
    pub hint: bool,
}

/// Writes a plan. Its diagnostics are only counted: they are written by [`super::diagnostic`].
pub fn plan(out: &mut dyn Write, plan: &Plan, sources: &Sources, theme: Theme, options: PlanOptions) -> io::Result<()> {
    header(out, plan, theme)?;
    let pending: HashSet<&Address> =
        plan.steps.iter().filter(|step| step.action != Action::Unchanged).map(|step| &step.address).collect();
    for step in plan.steps.iter().filter(|step| step.action != Action::Unchanged) {
        self::step(out, step, plan, &pending, sources, theme, options)?;
        writeln!(out)?;
    }
    if options.verbose {
        unchanged::listed(out, plan, sources, theme)?;
    }
    summary(out, plan, theme, options)?;
    coverage::listed(out, plan, theme, options.verbose)
}

/// `Plan: 3 to add, 1 to change, 0 to destroy.`, or that there is nothing to do.
pub fn summary_line(plan: &Plan) -> String {
    if !plan.has_changes() {
        return "No changes. Everything is as declared.".to_owned();
    }
    let always = [(Action::Create, "to add"), (Action::Update, "to change"), (Action::Delete, "to destroy")];
    let further = [
        (Action::Replace, "to replace"),
        (Action::Recover, "to recover"),
        (Action::Wait, "to wait for"),
        (Action::Blocked, "blocked"),
    ];
    let mut parts: Vec<String> =
        always.into_iter().map(|(action, words)| format!("{} {words}", plan.count(action))).collect();
    for (action, words) in further {
        match plan.count(action) {
            0 => {}
            count => parts.push(format!("{count} {words}")),
        }
    }
    format!("Plan: {}.", parts.join(", "))
}

fn header(out: &mut dyn Write, plan: &Plan, theme: Theme) -> io::Result<()> {
    let project = clean_line(&plan.project).into_owned();
    let project = theme.paint(Tone::Strong, project);
    match &plan.environment {
        Some(environment) => writeln!(out, "{project}, environment {}", clean_line(environment))?,
        None => writeln!(out, "{project}")?,
    }
    let rows: Vec<_> = plan
        .targets
        .iter()
        .map(|(name, facts)| (clean_line(name), format!("{} {}", facts.provider, facts.api), clean_line(&facts.url)))
        .collect();
    let names = rows.iter().map(|(name, ..)| width(name)).max().unwrap_or(0);
    let kinds = rows.iter().map(|(_, kind, _)| width(kind)).max().unwrap_or(0);
    for (name, kind, url) in &rows {
        let gap = names - width(name);
        writeln!(out, "  {name}{:gap$}  {}", "", theme.paint(Tone::Faint, format!("{kind:kinds$}  {url}")))?;
    }
    from_snapshot(out, plan, theme)?;
    writeln!(out)
}

/// What it is made from, if not from the remotes: said first and last.
fn from_snapshot(out: &mut dyn Write, plan: &Plan, theme: Theme) -> io::Result<()> {
    let line = taken::line(plan).unwrap_or_default();
    wrap(&line, theme.width).iter().try_for_each(|line| writeln!(out, "{}", theme.paint(Tone::Warning, line)))
}

/// `resources/acme.yaml:8`.
pub(super) fn place(span: Span, sources: &Sources) -> String {
    let file = sources.get(span.file);
    let (line, _) = file.line_column(span.start);
    format!("{}:{line}", clean_line(file.name()))
}

fn step(
    out: &mut dyn Write,
    step: &Step,
    plan: &Plan,
    pending: &HashSet<&Address>,
    sources: &Sources,
    theme: Theme,
    options: PlanOptions,
) -> io::Result<()> {
    let Step {
        address,
        target,
        action,
        reason: _,
        source,
        identity: _,
        requires,
        changes,
        takes_along,
        observed: _,
        executable,
        writes: _,
        cause,
    } = step;
    let tone = Tone::of(*action);
    let address = clean_line(&address.to_string()).into_owned();
    write!(out, "{} {}", theme.paint(tone, action.sign()), theme.paint(Tone::Strong, address))?;
    if is_ambiguous(plan, target) {
        write!(out, " on {}", clean_line(target))?;
    }
    write!(out, "  {}", theme.paint(Tone::Faint, place(*source, sources)))?;
    if let Some(cause) = cause {
        write!(out, "  {}", theme.paint(Tone::of_cause(*cause), cause::word(*cause)))?;
    }
    writeln!(out)?;

    let said = said(step);
    indented(out, &said, None, theme)?;
    if !executable {
        let only = format!("shown only: this version does not carry out {}", plural(*action));
        indented(out, &only, Some(Tone::Warning), theme)?;
    }
    if !takes_along.is_empty() {
        let shown = if options.verbose { takes_along.len() } else { TAKEN_ALONG };
        let named: Vec<_> = takes_along.iter().take(shown).map(|words| clean_line(words)).collect();
        let more = takes_along.len().saturating_sub(shown);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        indented(out, &format!("takes along {}{more}", named.join(", ")), Some(Tone::Warning), theme)?;
    }
    let before: Vec<_> = requires.iter().filter(|address| pending.contains(address)).collect();
    if !before.is_empty() {
        let named: Vec<_> =
            before.iter().take(3).map(|address| clean_line(&address.to_string()).into_owned()).collect();
        let more = before.len().saturating_sub(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        indented(out, &format!("after {}{more}", named.join(", ")), Some(Tone::Faint), theme)?;
    }
    change::changes(out, changes, *cause, theme, options.verbose)
}

/// What is done to a resource and why, in one sentence.
pub(super) fn said(step: &Step) -> String {
    let mut said = words(step.action, step.executable).to_owned();
    if let (Action::Delete | Action::Replace | Action::Recover, Some(seen)) = (step.action, &step.observed) {
        said = format!("{said} (id {})", clean_line(&seen.id));
    }
    if !step.reason.message.is_empty() {
        said = format!("{said}: {}", clean_line(&step.reason.message));
    }
    said
}

/// Whether a resource's section does not say which target it is on.
pub(super) fn is_ambiguous(plan: &Plan, target: &str) -> bool {
    let Some(facts) = plan.targets.get(target) else { return false };
    plan.targets.values().filter(|other| other.provider == facts.provider).count() > 1
}

fn words(action: Action, executable: bool) -> &'static str {
    match (action, executable) {
        (Action::Create, true) => "will be created",
        (Action::Create, false) => "would be created",
        (Action::Update, true) => "will be changed",
        (Action::Update, false) => "would be changed",
        (Action::Replace, true) => "will be deleted and created anew",
        (Action::Replace, false) => "would be deleted and created anew",
        (Action::Delete, true) => "will be deleted",
        (Action::Delete, false) => "would be deleted",
        (Action::Recover, true) => "will be cleared away and created anew",
        (Action::Recover, false) => "would be cleared away and created anew",
        (Action::Wait, true) => "will be waited for",
        (Action::Wait, false) => "would be waited for",
        (Action::Blocked, _) => "blocked",
        (Action::Unchanged, _) => "unchanged",
    }
}

fn plural(action: Action) -> &'static str {
    match action {
        Action::Create => "creates",
        Action::Update => "updates",
        Action::Replace => "replacements",
        Action::Delete => "deletes",
        Action::Recover => "recoveries",
        Action::Wait => "waits",
        Action::Blocked | Action::Unchanged => "this",
    }
}

fn indented(out: &mut dyn Write, text: &str, tone: Option<Tone>, theme: Theme) -> io::Result<()> {
    for (at, line) in wrap(text, theme.width.saturating_sub(4)).into_iter().enumerate() {
        let indent = if at == 0 { "  " } else { "    " };
        match tone {
            Some(tone) => writeln!(out, "{indent}{}", theme.paint(tone, line))?,
            None => writeln!(out, "{indent}{line}")?,
        }
    }
    Ok(())
}

fn summary(out: &mut dyn Write, plan: &Plan, theme: Theme, options: PlanOptions) -> io::Result<()> {
    let errors = plan.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    if errors > 0 {
        let line = format!("This plan cannot be applied: {}.", counted(errors, "error"));
        if plan.has_changes() {
            writeln!(out, "{}", summary_line(plan))?;
            causes(out, plan, theme)?;
        }
        return writeln!(out, "{}", theme.paint(Tone::Error, line));
    }
    writeln!(out, "{}", theme.paint(Tone::Strong, summary_line(plan)))?;
    causes(out, plan, theme)?;
    if plan.steps.is_empty() {
        let doubt = "But no resource is declared: is this the right directory, and is `files` in `trueup.toml` right?";
        wrap(doubt, theme.width).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    if !plan.has_changes() {
        return unchanged::blind_spots(out, plan, theme);
    }
    match plan.count(Action::Unchanged) {
        0 => {}
        1 => writeln!(out, "1 other is as declared.")?,
        count => writeln!(out, "{count} others are as declared.")?,
    }
    unchanged::blind_spots(out, plan, theme)?;
    let only = plan.steps.iter().filter(|step| !step.executable && is_work(step.action)).count();
    if only > 0 {
        let line = format!("{only} shown only: apply leaves them, and what depends on them, alone.");
        writeln!(out, "{}", theme.paint(Tone::Warning, line))?;
    }
    if plan.writes() >= MANY_WRITES {
        writeln!(out, "Applying it takes up to {} requests that write.", plan.writes())?;
    }
    if options.hint && plan.steps.iter().any(|step| step.executable && is_work(step.action)) {
        writeln!(out)?;
        let hint = match cause::revision(plan) {
            _ if plan.taken.is_some() => return from_snapshot(out, plan, theme),
            revision if plan.steps.iter().any(|step| step.cause == Some(Cause::Behind)) => {
                format!("Merge {revision} first and plan again, so that nothing of it is undone.")
            }
            _ => "To carry this out, run `trueup apply`.".to_owned(),
        };
        wrap(&hint, theme.width).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    }
    Ok(())
}

/// Where what is to be done comes from, if that was asked for.
fn causes(out: &mut dyn Write, plan: &Plan, theme: Theme) -> io::Result<()> {
    let line = cause::line(plan, str::to_owned);
    wrap(&line.unwrap_or_default(), theme.width).iter().try_for_each(|line| writeln!(out, "{line}"))
}

fn is_work(action: Action) -> bool {
    !matches!(action, Action::Blocked | Action::Unchanged)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::{Value, json};

    use super::*;
    use crate::model::{Code, Diagnostic, Facts, Identity, Path, SourceFile};
    use crate::plan::{Change, Reason, Seen, Shown};
    use crate::render::testing::{as_text, in_color};

    const HINTED: PlanOptions = PlanOptions { verbose: false, hint: true };

    fn change(path: &str, before: Shown, after: Shown) -> Change {
        Change { path: Path::parse(path).expect("a path"), before, after, source: None, cause: None }
    }

    fn adds(path: &str, after: Value) -> Change {
        change(path, Shown::Nothing, Shown::Json(after))
    }

    fn alters(path: &str, before: Value, after: Value) -> Change {
        change(path, Shown::Json(before), Shown::Json(after))
    }

    struct World {
        plan: Plan,
        sources: Sources,
        span: Span,
    }

    impl World {
        fn new() -> Self {
            let mut sources = Sources::default();
            let file = sources.add(SourceFile::new("resources/acme.yaml", "customers:\n  acme:\n    name: Acme\n"));
            let facts = |provider, url: &str, api| Facts { provider, url: url.into(), api, read_only: None };
            let plan = Plan {
                project: "acme".into(),
                environment: Some("staging".into()),
                targets: [
                    ("cf".into(), facts("cloudfoundry", "https://api.cf.example.com/", "v3")),
                    ("kaiten".into(), facts("kaiten", "https://kaiten.example.com/", "core")),
                ]
                .into(),
                reads: 7,
                ..Plan::default()
            };
            Self { plan, sources, span: Span::new(file, 13..17) }
        }

        fn step(mut self, action: Action, section: &'static str, key: &str, why: &str, changes: Vec<Change>) -> Self {
            self.plan.steps.push(Step {
                address: Address::new(section, key),
                target: if section.starts_with("service") { "cf".into() } else { "kaiten".into() },
                action,
                reason: Reason { code: "test", message: why.to_owned() },
                source: self.span,
                identity: Identity::single("slug", key),
                requires: Vec::new(),
                changes,
                takes_along: Vec::new(),
                observed: (action != Action::Create).then(|| Seen { id: "c-42".into(), version: None }),
                executable: matches!(
                    action,
                    Action::Create | Action::Recover | Action::Wait | Action::Blocked | Action::Unchanged
                ),
                writes: 1,
                cause: None,
            });
            self
        }

        fn after(mut self, requires: &[(&'static str, &str)]) -> Self {
            let step = self.plan.steps.last_mut().expect("a step");
            step.requires = requires.iter().map(|(section, key)| Address::new(section, *key)).collect();
            self
        }

        fn shown(&self, theme: Theme, options: PlanOptions) -> String {
            as_text(|out| plan(out, &self.plan, &self.sources, theme, options))
        }
    }

    fn one_of_each() -> World {
        World::new()
            .step(Action::Unchanged, "licenses", "growth", "as declared", vec![])
            .step(
                Action::Create,
                "customers",
                "acme",
                "no customer with slug acme",
                vec![adds("name", json!("Acme Corp")), adds("domain", json!("acme.com"))],
            )
            .step(
                Action::Create,
                "instances",
                "acme-production",
                "no instance with slug acme-production",
                vec![
                    adds("name", json!("Acme production")),
                    adds("description", json!("Runs the shop.\n\nAsk team-shop before touching it.\n")),
                    adds("customer", json!("acme")),
                    adds("start_license_date", json!("2026-09-01T00:00:00Z")),
                    adds(
                        "metadata",
                        json!({"region": "eu-west-1", "size": {"cpu": 4, "ha": true}, "hosts": ["a", "b"]}),
                    ),
                    change("metadata.database", Shown::Nothing, Shown::Unknown),
                    change("metadata.password", Shown::Nothing, Shown::Sensitive),
                ],
            )
            .after(&[("customers", "acme"), ("licenses", "growth"), ("service_instances", "acme-db")])
            .step(
                Action::Update,
                "customers",
                "globex",
                "2 fields differ",
                vec![
                    alters("name", json!("Globex east"), json!("Globex west")),
                    alters("domain", json!("globex.com"), json!(null)),
                    change("external_customer_id", Shown::Json(json!("g-1")), Shown::Nothing),
                    alters(
                        "description",
                        json!("The first line\nThe second line\nThe third\n"),
                        json!("The first line\nThe 2nd line\nThe third\nA fourth\n"),
                    ),
                    alters(
                        "metadata",
                        json!({"region": "eu", "old": 1, "same": 2}),
                        json!({"region": "us", "same": 2, "new": [1, 2]}),
                    ),
                ],
            )
            .step(
                Action::Update,
                "service_instances",
                "acme-db",
                "the plan differs, and parameters cannot be compared",
                vec![
                    alters("plan", json!("postgres/small"), json!("postgres/large")),
                    alters("tags", json!(["acme", "production"]), json!(["acme", "shop", "production"])),
                    change("parameters", Shown::Unverifiable, Shown::Json(json!({"tenant": "acme"}))),
                    change("credentials", Shown::Sensitive, Shown::Sensitive),
                    change("labels.owner", Shown::Unverifiable, Shown::Unverifiable),
                    change("labels.tenant", Shown::Json(json!("acme")), Shown::Unknown),
                ],
            )
            .step(
                Action::Replace,
                "service_instances",
                "cache",
                "the space differs and cannot be changed in place; `lifecycle.replace` consents",
                vec![alters("space", json!("acme/staging"), json!("acme/production"))],
            )
            .step(Action::Delete, "instances", "old", "declared `lifecycle.absent`", vec![])
            .step(
                Action::Recover,
                "service_instances",
                "queue",
                "an earlier create failed: \"broker timed out\"",
                vec![adds("plan", json!("rabbit/small"))],
            )
            .step(Action::Wait, "service_instances", "search", "a create is in progress", vec![])
            .step(
                Action::Blocked,
                "instances",
                "moved",
                "`customer` cannot be changed in place; add `lifecycle.replace: true`, or run again with \
                 `--allow-replace instances.moved`",
                vec![alters("customer", json!("acme"), json!("globex"))],
            )
    }

    #[test]
    fn one_of_each_action_at_80_columns() {
        insta::assert_snapshot!(one_of_each().shown(Theme::PLAIN, HINTED));
    }

    #[test]
    fn one_of_each_action_at_140_columns() {
        insta::assert_snapshot!(one_of_each().shown(Theme { width: 140, ..Theme::PLAIN }, HINTED));
    }

    #[test]
    fn one_of_each_action_in_color() {
        insta::assert_snapshot!(in_color(&one_of_each().shown(Theme { color: true, ..Theme::PLAIN }, HINTED)));
    }

    #[test]
    fn colour_changes_no_character() {
        let color = one_of_each().shown(Theme { color: true, ..Theme::PLAIN }, HINTED);
        let bare = anstream::adapter::strip_str(&color).to_string();
        assert_eq!(bare, one_of_each().shown(Theme::PLAIN, HINTED));
    }

    #[test]
    fn awkward_values() {
        let sentence = "The quick brown fox jumps over the lazy dog and runs through the whole forest to the river. ";
        let text = |lines: usize| (0..lines).map(|line| format!("line {line}\n")).collect::<Vec<_>>().concat();
        let items = |from: usize, to: usize| Value::from((from..to).map(|at| format!("item-{at}")).collect::<Vec<_>>());
        let world = World::new()
            .step(
                Action::Create,
                "instances",
                "awkward",
                "none yet",
                vec![
                    adds("name", json!("\u{1b}[31mred\u{7}\u{202e}")),
                    adds("description", json!(sentence.repeat(3))),
                    adds("text", json!(format!("\tindented\n\u{1b}[2Jcleared\n{sentence}"))),
                    adds("long", json!(text(60))),
                    adds("hosts", items(0, 12)),
                    adds("objects", json!([{"name": "a", "port": 80}, {"name": "b", "note": sentence}])),
                    adds("customer", json!("東京 инстанс 👩‍💻")),
                    adds("enabled", json!("true")),
                    adds("really", json!(true)),
                    adds("empty", json!("")),
                    adds("nothing", json!(null)),
                    adds("map", json!({})),
                    adds(
                        "metadata",
                        json!({"a key with an unusually long name, longer than a third of it all": 1, "a.b": 2}),
                    ),
                ],
            )
            .step(
                Action::Update,
                "instances",
                "altered",
                "many fields differ",
                vec![
                    alters(
                        "description",
                        json!(sentence.repeat(2)),
                        json!(sentence.repeat(2).replace("brown fox", "red fox")),
                    ),
                    alters("hosts", items(0, 12), items(1, 13)),
                    alters("count", json!(1), json!("1")),
                    alters("kind", json!({"a": 1}), json!([1])),
                    alters("text", json!("one line"), json!(text(3))),
                ],
            );
        let shown = world.shown(Theme::PLAIN, PlanOptions::default());
        assert!(shown.lines().all(|line| width(line) <= 80), "{shown}");
        assert!(!shown.contains(|char| super::super::clean::is_unsafe(char) && char != '\n'), "{shown:?}");
        insta::assert_snapshot!(shown);
        let all = world.shown(Theme::PLAIN, PlanOptions { verbose: true, hint: false });
        assert!(all.contains("line 59") && !all.contains("more line"), "{all}");
        let ascii = world.shown(Theme { unicode: false, ..Theme::PLAIN }, PlanOptions::default());
        assert!(ascii.lines().filter(|line| !line.contains("customer")).all(str::is_ascii), "{ascii}");
    }

    #[test]
    fn nothing_to_do_is_said_in_one_sentence() {
        let world = World::new().step(Action::Unchanged, "customers", "acme", "as declared", vec![]);
        insta::assert_snapshot!(world.shown(Theme::PLAIN, HINTED));
        insta::assert_snapshot!("unchanged_listed", world.shown(Theme::PLAIN, PlanOptions { verbose: true, ..HINTED }));
    }

    #[test]
    fn what_could_not_be_compared_is_told_once_with_how_to_send_it() {
        let blind = |path| change(path, Shown::Unverifiable, Shown::Json(json!({ "size": 1 })));
        let mut world = World::new();
        for key in ["a", "b", "c", "d", "e"] {
            let changes = vec![blind("parameters")];
            world = world.step(Action::Unchanged, "service_instances", key, "nothing that can be compared", changes);
        }
        let shown = world.shown(Theme::PLAIN, HINTED);
        let told = "No changes. Everything is as declared.\n\
                    `parameters` of service_instances.a, service_instances.b, service_instances.c, 2\n\
                    more cannot be compared: the remote does not return it. To send it again, give\n\
                    `--resend-parameters service_instances.a`.\n";
        assert!(shown.ends_with(told), "{shown}");
        let listed = world.shown(Theme::PLAIN, PlanOptions { verbose: true, ..HINTED });
        assert!(listed.contains("service_instances.e  resources/acme.yaml:2  unchanged, `parameters` not compared\n"));
        let work = world.step(Action::Create, "customers", "acme", "none yet", vec![]);
        assert_eq!(work.shown(Theme::PLAIN, HINTED).matches("cannot be compared").count(), 1);
    }

    #[test]
    fn a_plan_from_a_snapshot_says_so_first_and_last_and_names_what_was_left_out() {
        let hidden = |path| change(path, Shown::Redacted, Shown::Sensitive);
        let blind = change("parameters", Shown::Unverifiable, Shown::Json(json!({ "size": 1 })));
        let mut world = World::new()
            .step(Action::Unchanged, "instances", "a", "nothing that can be compared", vec![hidden("metadata.key")])
            .step(Action::Unchanged, "service_instances", "b", "nothing that can be compared", vec![blind])
            .step(Action::Create, "customers", "acme", "none yet", vec![]);
        world.plan.taken = Some("2026-11-28T10:12:30Z".parse().expect("a point in time"));
        insta::assert_snapshot!("from_a_snapshot", world.shown(Theme::PLAIN, HINTED));
    }

    #[test]
    fn what_goes_along_is_named_before_it_is_lost() {
        let mut world = World::new().step(Action::Replace, "service_instances", "acme-db", "another offering", vec![]);
        world.plan.steps[0].takes_along = (1..=7).map(|at| format!("the service key `{at}`")).collect();
        let shown = world.shown(Theme::PLAIN, HINTED);
        assert!(shown.contains("takes along the service key `1`, the service key `2`,"), "{shown}");
        assert!(shown.contains("`5` and 2 more"), "{shown}");
        let all = world.shown(Theme::PLAIN, PlanOptions { verbose: true, hint: false });
        let words: Vec<&str> = all.split_whitespace().collect();
        assert!(words.join(" ").contains("the service key `6`, the service key `7`"), "{all}");
    }

    #[test]
    fn what_is_sent_again_as_it_is_says_so() {
        let same = alters("parameters", json!({ "size": 1 }), json!({ "size": 1 }));
        let world = World::new().step(Action::Update, "service_instances", "acme-db", "sent again", vec![same]);
        let shown = world.shown(Theme::PLAIN, HINTED);
        assert!(shown.contains("~ parameters  (as it is, sent again)\n"), "{shown}");
    }

    #[test]
    fn a_plan_with_errors_never_says_that_all_is_well() {
        let mut world = World::new().step(Action::Unchanged, "customers", "acme", "as declared", vec![]);
        world.plan.diagnostics.push(Diagnostic::error(Code::ReferenceNotFound, "no license `growht`"));
        let shown = world.shown(Theme::PLAIN, HINTED);
        assert!(shown.ends_with("This plan cannot be applied: 1 error.\n"), "{shown}");
        assert!(!shown.contains("No changes"), "{shown}");
    }

    #[test]
    fn the_summary_names_what_there_is() {
        let creates = World::new().step(Action::Create, "customers", "acme", "", vec![]);
        assert_eq!(summary_line(&creates.plan), "Plan: 1 to add, 0 to change, 0 to destroy.");
        assert_eq!(
            summary_line(&one_of_each().plan),
            "Plan: 2 to add, 2 to change, 1 to destroy, 1 to replace, 1 to recover, 1 to wait for, 1 blocked."
        );
        assert_eq!(summary_line(&Plan::default()), "No changes. Everything is as declared.");
    }

    #[test]
    fn a_target_is_named_where_the_section_does_not_tell_it() {
        let mut world = World::new().step(Action::Create, "customers", "acme", "", vec![]);
        assert!(!world.shown(Theme::PLAIN, HINTED).contains(" on kaiten"));
        let second =
            Facts { provider: "kaiten", url: "https://other.example.com/".into(), api: "core", read_only: None };
        world.plan.targets.insert("second".into(), second);
        assert!(world.shown(Theme::PLAIN, HINTED).contains("customers.acme on kaiten  "));
    }

    #[test]
    fn a_plan_of_nothing_says_so() {
        let nothing = World::new();
        assert!(nothing.shown(Theme::PLAIN, HINTED).contains("no resource is declared"));
        let something = nothing.step(Action::Unchanged, "customers", "acme", "nothing differs", vec![]);
        assert!(!something.shown(Theme::PLAIN, HINTED).contains("no resource is declared"));
    }

    #[test]
    fn nothing_is_hinted_where_apply_would_do_nothing() {
        let world = World::new().step(Action::Update, "customers", "acme", "differs", vec![]);
        assert!(!world.shown(Theme::PLAIN, HINTED).contains("run `trueup apply`"));
        let world = world.step(Action::Create, "customers", "globex", "none yet", vec![]);
        assert!(world.shown(Theme::PLAIN, HINTED).contains("run `trueup apply`"));
        assert!(!world.shown(Theme::PLAIN, PlanOptions::default()).contains("run `trueup apply`"));
    }

    #[test]
    fn a_value_beside_a_secret_is_not_shown_either() {
        let secret = || Shown::Json(json!("hunter2"));
        let world = World::new().step(
            Action::Update,
            "customers",
            "acme",
            "differs",
            vec![change("name", secret(), Shown::Sensitive), change("domain", Shown::Sensitive, secret())],
        );
        let shown = world.shown(Theme::PLAIN, HINTED);
        assert!(!shown.contains("hunter2") && shown.matches("(sensitive)").count() == 2, "{shown}");
    }

    #[test]
    fn fifty_thousand_steps_are_written_at_once() {
        let mut world = World::new();
        for at in 0..50_000 {
            world = world.step(
                Action::Create,
                "customers",
                &format!("acme-{at}"),
                "no customer with this slug",
                vec![adds("name", json!("Acme Corp")), adds("domain", json!("acme.com"))],
            );
        }
        let begun = Instant::now();
        let shown = world.shown(Theme::PLAIN, HINTED);
        assert_eq!(shown.matches("will be created").count(), 50_000);
        // Far above what it takes, far below what anything quadratic would.
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
