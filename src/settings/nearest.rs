//! "Did you mean".

/// The help for a word that is not among the known ones: the nearest of them, else all.
pub(super) fn suggestion(word: &str, known: &[&str], otherwise: &str) -> String {
    if let Some(nearest) = nearest(word, known) {
        return format!("did you mean `{nearest}`?");
    }
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("{otherwise} {}", list.join(", "))
}

/// The known word that was most likely meant, if one is near enough.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let fold = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    let folded = fold(word);
    if let Some(same) = known.iter().find(|name| fold(name) == folded) {
        return Some(same);
    }
    let allowed = (word.chars().count() / 3).max(1);
    let distance = |name: &&str| strsim::damerau_levenshtein(word, name);
    known
        .iter()
        .copied()
        .filter(|name| distance(name) <= allowed && distance(name) < name.chars().count())
        .min_by_key(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_does_not() {
        let known = ["skip_tls_verify", "url", "token", "cf"];
        assert_eq!(nearest("tokne", &known), Some("token"));
        assert_eq!(nearest("skipTlsVerify", &known), Some("skip_tls_verify"));
        assert_eq!(nearest("uri", &known), Some("url"));
        assert_eq!(nearest("password", &known), None);
        assert_eq!(nearest("ab", &known), None);
        assert_eq!(suggestion("password", &["a", "b"], "write one of"), "write one of `a`, `b`");
    }
}
