//! Problems, for people: what is wrong, where, what the remote said about it and what to do next.

use std::io::{self, Write};

use super::layout::{counted, width, wrap};
use super::style::{Theme, Tone};
use super::{clean, clean_line, snippet};
use crate::model::{Diagnostic, FileId, Label, RemoteProblem, Severity, Sources};

/// Writes problems in the order given, and how many they were.
pub fn diagnostics(out: &mut dyn Write, diagnostics: &[Diagnostic], sources: &Sources, theme: Theme) -> io::Result<()> {
    for problem in diagnostics {
        diagnostic(out, problem, sources, theme)?;
        writeln!(out)?;
    }
    if !diagnostics.is_empty() {
        writeln!(out, "{}", counts(diagnostics, theme))?;
    }
    Ok(())
}

/// Writes one problem.
pub fn diagnostic(out: &mut dyn Write, diagnostic: &Diagnostic, sources: &Sources, theme: Theme) -> io::Result<()> {
    let Diagnostic { severity, code, message, help, address, labels, remote } = diagnostic;
    let (word, tone) = match severity {
        Severity::Error => ("error", Tone::Error),
        Severity::Warning => ("warning", Tone::Warning),
    };
    let head = format!("{word}[{code}]:");
    // Wrapped together with the head, so that only the message is painted as one.
    let whole = format!("{head} {}", clean(message));
    let mut lines = wrap(&whole, theme.width.saturating_sub(2)).into_iter();
    let first = lines.next().unwrap_or_default();
    let said = first.strip_prefix(&head).unwrap_or(&first).trim_start().to_owned();
    let head = theme.paint(tone, head);
    if said.is_empty() {
        writeln!(out, "{head}")?;
    } else {
        writeln!(out, "{head} {}", theme.paint(Tone::Strong, said))?;
    }
    for line in lines {
        writeln!(out, "  {}", theme.paint(Tone::Strong, line))?;
    }

    for (file, labels) in by_file(labels) {
        out.write_all(snippet::draw(sources.get(file), &labels, *severity, theme).as_bytes())?;
    }
    if let Some(address) = address {
        note(out, "in", &clean_line(&address.to_string()), theme)?;
    }
    if let Some(remote) = remote {
        note(out, "remote", &said_by_remote(remote), theme)?;
    }
    if let Some(help) = help {
        note(out, "help", &clean(help), theme)?;
    }
    Ok(())
}

/// `2 errors, 1 warning`, without what there is none of.
pub(super) fn counts(diagnostics: &[Diagnostic], theme: Theme) -> String {
    let of = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    [(of(Severity::Error), "error", Tone::Error), (of(Severity::Warning), "warning", Tone::Warning)]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, noun, tone)| theme.paint(tone, counted(count, noun)).to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The labels of each file, the primary one's first.
fn by_file(labels: &[Label]) -> Vec<(FileId, Vec<&Label>)> {
    let mut files: Vec<(FileId, Vec<&Label>)> = Vec::new();
    for label in labels.iter().filter(|label| label.primary).chain(labels.iter().filter(|label| !label.primary)) {
        match files.iter_mut().find(|(file, _)| *file == label.span.file) {
            Some((_, those)) => those.push(label),
            None => files.push((label.span.file, vec![label])),
        }
    }
    files
}

/// A named line below the snippet, its continuation under its text.
fn note(out: &mut dyn Write, name: &str, text: &str, theme: Theme) -> io::Result<()> {
    let indent = width("  remote: ");
    let mut lines = wrap(text, theme.width.saturating_sub(indent)).into_iter();
    let name = format!("{name:>8}:");
    writeln!(out, "{} {}", theme.paint(Tone::Help, name), lines.next().unwrap_or_default())?;
    for line in lines {
        writeln!(out, "{:indent$}{line}", "")?;
    }
    Ok(())
}

/// What was asked and answered, in one sentence.
pub(super) fn said_by_remote(remote: &RemoteProblem) -> String {
    let RemoteProblem { method, path, status, code, detail, request_id } = remote;
    let asked = format!("{method} {path}");
    let answered = status.map_or(" got no answer".to_owned(), |status| format!(" answered {status}"));
    let named = code.as_deref().map(|code| format!(" `{code}`"));
    let told = detail.as_deref().map(|detail| format!(": {}", detail.trim()));
    let found = request_id.as_deref().map(|id| format!(" (request id {id})"));
    let whole = [Some(asked), Some(answered), named, told, found].into_iter().flatten().collect::<String>();
    clean_line(&whole).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Code, SourceFile, Span};
    use crate::render::testing::{as_text, in_color};

    const ACME: &str = "\
customers:
  acme:
    name: Acme Corp
instances:
  acme-production:
    name: Acme production
    customer: acme
    licence: growth
";

    fn sources() -> (Sources, FileId, FileId) {
        let mut sources = Sources::default();
        let acme = sources.add(SourceFile::new("resources/acme.yaml", ACME));
        let other = sources.add(SourceFile::new("resources/other.yaml", "customers:\n  acme:\n    name: Other\n"));
        (sources, acme, other)
    }

    fn at(file: FileId, sources: &Sources, part: &str) -> Span {
        let start = sources.get(file).text().find(part).expect("the part is in the text");
        Span::new(file, start..start + part.len())
    }

    fn some() -> (Vec<Diagnostic>, Sources) {
        let (sources, acme, other) = sources();
        let unknown = Diagnostic::error(Code::UnknownField, "unknown field `licence`")
            .at(at(acme, &sources, "licence"), "not a field of `instances`")
            .help("did you mean `license`?")
            .on(&Address::new("instances", "acme-production"));
        let twice = Diagnostic::error(Code::DuplicateAddress, "`customers.acme` is declared twice")
            .at(at(other, &sources, "acme"), "declared again")
            .also(at(acme, &sources, "acme"), "first declared here")
            .on(&Address::new("customers", "acme"));
        let refused = Diagnostic::error(Code::Refused, "the remote refused the request")
            .at(at(acme, &sources, "growth"), "`license` must name a license of this family")
            .on(&Address::new("instances", "acme-production"))
            .help("choose one of `starter`, `growth-2`, `enterprise`; `trueup snapshot` shows which licenses there are")
            .remote(RemoteProblem {
                method: "POST".into(),
                path: "/api/instances".into(),
                status: Some(422),
                code: Some("UNPROCESSABLE".into()),
                detail: Some("license growth does not belong\u{1b}[31m to deployment zone eu-west-1".into()),
                request_id: Some("7f3c9a".into()),
            });
        let warning = Diagnostic::warning(Code::Unreachable, "no answer within 30 s").remote(RemoteProblem {
            method: "GET".into(),
            path: "/api/customers".into(),
            ..RemoteProblem::default()
        });
        (vec![unknown, twice, refused, warning], sources)
    }

    fn written(theme: Theme) -> String {
        let (problems, sources) = some();
        as_text(|out| diagnostics(out, &problems, &sources, theme))
    }

    #[test]
    fn problems_at_80_columns() {
        insta::assert_snapshot!(written(Theme::PLAIN));
    }

    #[test]
    fn problems_at_140_columns() {
        insta::assert_snapshot!(written(Theme { width: 140, ..Theme::PLAIN }));
    }

    #[test]
    fn problems_in_ascii() {
        let text = written(Theme { unicode: false, ..Theme::PLAIN });
        assert!(text.is_ascii(), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn problems_in_color() {
        insta::assert_snapshot!(in_color(&written(Theme { color: true, ..Theme::PLAIN })));
    }

    #[test]
    fn nothing_is_said_where_there_is_no_problem() {
        assert_eq!(as_text(|out| diagnostics(out, &[], &Sources::default(), Theme::PLAIN)), "");
    }

    #[test]
    fn escapes_never_reach_the_terminal() {
        let nasty = "\u{1b}[2J\u{7}\u{202e}\u{2066}";
        let problem = Diagnostic::error(Code::Refused, nasty).help(nasty).on(&Address::new("customers", nasty)).remote(
            RemoteProblem {
                method: nasty.into(),
                path: nasty.into(),
                status: Some(500),
                code: Some(nasty.into()),
                detail: Some(nasty.into()),
                request_id: Some(nasty.into()),
            },
        );
        let text = as_text(|out| diagnostic(out, &problem, &Sources::default(), Theme::PLAIN));
        assert!(!text.contains(|char: char| clean::is_unsafe(char) && char != '\n'), "{text:?}");
    }
}
