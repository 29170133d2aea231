//! Secrets in a file that is not TOML, where no tree says what is one.

use std::ops::Range;

use regex_lite::Regex;

/// Keys whose values are no secrets.
const SHOWN: &str = "name|files|provider|url|dialect|api|ca_file|skip_tls_verify|allow_insecure|seed_writes|method|username|\
                     origin|client_id|env|file|command|sensitive|parallelism|max_deletes";

/// What may be a secret: everything but headers, comments, keys, and whole sound values of keys that have none.
///
/// Where a file is broken a misspelt `token` is as likely as a right one, so what is shown is listed, not what is hidden.
pub(super) fn likely_secrets(text: &str) -> Vec<Range<usize>> {
    let regex = |pattern: &str| Regex::new(pattern).expect("a pattern of ours");
    let harmless = regex(r#"^\s*(#.*|\[[\w."'-]*\]?|[\]}],?)?$"#);
    let string = r#"("[^"@?]*"|'[^'@?]*')"#;
    let scalar = format!(r"({string}|true|false|\d+|\[\s*({string}\s*,?\s*)*\]?)");
    let shown = regex(&format!(r"^\s*({SHOWN})\s*=\s*{scalar}?\s*(#.*)?$"));
    let kept = regex(&format!(r"^\s*[\w.-]+\s*=\s*\{{\s*({SHOWN})\s*=\s*{scalar}\s*\}}\s*(#.*)?$"));
    let mut found = Vec::new();
    let mut start = 0;
    // The quotes that a string of several lines waits for.
    let mut open: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        let whole = &text[start..end];
        let mut from = None;
        if let Some(quotes) = open {
            from = Some(start);
            if line.contains(quotes) {
                open = None;
            }
        } else if !harmless.is_match(whole) && !shown.is_match(whole) && !kept.is_match(whole) {
            let value = whole.find('=').map_or(whole, |at| &whole[at + 1..]).trim_start();
            from = Some(end - value.len());
            open = ["\"\"\"", "'''"].into_iter().find(|quotes| value.matches(quotes).count() % 2 == 1);
        }
        found.extend(from.map(|from| from..end).filter(|range| !range.is_empty()));
        start += line.len();
    }
    found
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
    fn in_a_broken_file_only_what_is_surely_no_secret_is_shown() {
        for (text, shown) in [
            ("token = \"hush\n", "token = *****\n"),
            ("token = hush", "token = ****"),
            ("tokn=hush", "tokn=****"),
            ("\"token\"=hush # x\nurl = 1\n", "\"token\"=********\nurl = 1\n"),
            ("auth = { method = \"x\", password = 'hush', x }\n", "auth = **************************************\n"),
            ("secret = \"\"\"\nhush\nname = \"hush\"\n\"\"\"\nx = 1", "secret = ***\n****\n*************\n***\nx = *"),
            ("token = '''\nhush", "token = ***\n****"),
            ("url = \"https://me:hush@host\"\nx", "url = **********************\n*"),
            ("url = \"https://host?token=hush\"", "url = *************************"),
            ("  token: hush\r\n", "***********\r\n"),
            ("name = \"acme\" hush", "name = ***********"),
        ] {
            assert_eq!(masked(text).trim_start(), shown, "{text}");
        }
        for shown in [
            "[targets.kaiten]\n[targets.\n# note\n]\n\n",
            "name = \"acme\"\nurl = 'https://host' # note\nfiles = [\"a\", 'b']\nfiles = [\n",
            "token = { env = \"TOKEN\" }\nparallelism = 3\nsensitive = true\nname =\n",
        ] {
            assert_eq!(masked(shown), shown);
        }
    }
}
