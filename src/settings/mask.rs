//! Secrets in a file that is not TOML, where no tree says what is one.

use std::ops::Range;

/// What looks like the value of a key for secrets, up to the end of its line, or of its string if that has several lines.
pub(super) fn likely_secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut open: Option<(usize, &str)> = None;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end_matches(['\n', '\r']).len();
        if let Some((from, quote)) = open {
            if line.contains(quote) || end == text.len() {
                found.push(from..end);
                open = None;
            }
        } else if let Some(at) = value_of_secret(line) {
            let value = &line[at..];
            let quote = ["\"\"\"", "'''"].into_iter().find(|quote| value.starts_with(quote));
            match quote.filter(|quote| !value[quote.len()..].contains(quote)) {
                Some(quote) => open = Some((start + at, quote)),
                None => found.push(start + at..end),
            }
        }
        start += line.len();
    }
    if let Some((from, _)) = open {
        found.push(from..text.len());
    }
    found.retain(|range| !range.is_empty());
    found
}

/// Where in a line the value begins that a key for secrets has; `None` where that is a table, as it should be.
fn value_of_secret(line: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = line[from..].find('=').map(|at| from + at) {
        let key = line[..at].trim_end().trim_end_matches(['"', '\'']).to_lowercase();
        let value = at + 1 + line[at + 1..].len() - line[at + 1..].trim_start().len();
        let secret =
            ["token", "password", "secret", "passwd", "key", "credentials"].iter().any(|word| key.ends_with(word));
        // A URL's credentials end at an `@`.
        if secret && !line[value..].starts_with('{') || key.ends_with("url") && line[value..].contains('@') {
            return Some(value.min(line.trim_end().len()));
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mut file = crate::model::SourceFile::new("trueup.toml", text);
        for range in likely_secrets(text) {
            file.mask(range);
        }
        file.display().to_owned()
    }

    #[test]
    fn secrets_in_broken_files_are_found_by_their_keys() {
        for (text, shown) in [
            ("token = \"hush\n", "token = *****\n"),
            ("token = hush", "token = ****"),
            ("\"token\"=hush # x\nurl = 1\n", "\"token\"=********\nurl = 1\n"),
            ("auth = { password = 'hush', x }\n", "auth = { password = ***********\n"),
            ("client_secret = \"\"\"\nhush\nhush\n\"\"\"\nx = 1", "client_secret = ***\n****\n****\n***\nx = 1"),
            ("token = '''\nhush", "token = ***\n****"),
            ("url = \"https://me:hush@host\nx", "url = *********************\nx"),
            ("token = { env = \"TOKEN\" }\n", "token = { env = \"TOKEN\" }\n"),
            ("name = \"acme\nregion = 1", "name = \"acme\nregion = 1"),
        ] {
            assert_eq!(masked(text), shown, "{text}");
        }
    }
}
