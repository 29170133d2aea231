//! Words for messages about `trueup.toml`.

use crate::suggest::Suggest;

/// The help for a word that is not among the known ones: the nearest of them, else all.
pub(super) fn suggestion(word: &str, known: &[&str], otherwise: &str) -> String {
    if let Some(nearest) = nearest(word, known) {
        return format!("did you mean `{nearest}`?");
    }
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("{otherwise} {}", list.join(", "))
}

/// The known word that was most likely meant, if one is near enough. Files of settings are small: each mistake has a
/// budget of its own.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    Suggest::default().nearest(word, known.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_gets_its_word_and_another_word_gets_all() {
        assert_eq!(suggestion("tokne", &["url", "token"], "write one of"), "did you mean `token`?");
        assert_eq!(suggestion("password", &["a", "b"], "write one of"), "write one of `a`, `b`");
    }
}
