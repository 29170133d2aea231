//! "Did you mean": the nearest of a set of names, within a budget.

use std::cell::Cell;

/// How many comparisons a run may spend on suggestions, so that ten thousand mistakes stay as quick as one.
const BUDGET: u64 = 3_000_000;
/// What comparing two names letter by letter costs.
const LETTERS: u64 = 20;

/// Finds the nearest names.
#[derive(Debug)]
pub(crate) struct Suggest {
    left: Cell<u64>,
}

impl Default for Suggest {
    fn default() -> Self {
        Self { left: Cell::new(BUDGET) }
    }
}

impl Suggest {
    /// The name that `word` most likely means; the smallest of several that are equally near.
    pub(crate) fn nearest<'n>(&self, word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
        self.near(word, names, 1).into_iter().next()
    }

    /// Up to `most` names that `word` may mean, the nearest first.
    pub(crate) fn near<'n>(&self, word: &str, names: impl IntoIterator<Item = &'n str>, most: usize) -> Vec<&'n str> {
        let length = word.chars().count();
        let folded = fold(word);
        let bound = (length / 3).clamp(1, 3);
        let mut found: Vec<(usize, &str)> = Vec::new();
        for name in names {
            if !self.spend(1) {
                break;
            }
            if name.len().abs_diff(word.len()) > bound * 4 {
                continue;
            }
            let distance = if fold(name) == folded {
                0
            } else if name.chars().count().abs_diff(length) > bound {
                continue;
            } else {
                self.spend(LETTERS);
                strsim::osa_distance(word, name)
            };
            // A short name that has nothing in common is as far as it is long.
            if distance <= bound && distance < name.chars().count().max(1) {
                found.push((distance, name));
            }
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(most);
        found.into_iter().map(|(_, name)| name).collect()
    }

    fn spend(&self, cost: u64) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(cost));
        left > 0
    }
}

/// Spellings that differ only in case, `_` and `-` are the same word.
fn fold(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_within_a_third_of_the_word() {
        let names = ["customer", "license", "name", "description", "skip_tls_verify", "cf"];
        let nearest = |word| Suggest::default().nearest(word, names);
        assert_eq!(nearest("custmer"), Some("customer"));
        assert_eq!(nearest("licence"), Some("license"));
        assert_eq!(nearest("nmae"), Some("name"));
        assert_eq!(nearest("NAME"), Some("name"));
        assert_eq!(nearest("skipTlsVerify"), Some("skip_tls_verify"));
        assert_eq!(nearest("region"), None);
        assert_eq!(nearest("x"), None);
        assert_eq!(nearest("ab"), None);
    }

    #[test]
    fn of_equally_near_names_the_smallest_is_taken_whatever_the_order() {
        for names in [["acme-b", "acme-a"], ["acme-a", "acme-b"]] {
            assert_eq!(Suggest::default().nearest("acme-c", names), Some("acme-a"));
            assert_eq!(Suggest::default().near("acme-c", names, 3), ["acme-a", "acme-b"]);
        }
    }

    #[test]
    fn suggestions_end_when_the_budget_is_spent() {
        let suggest = Suggest { left: Cell::new(30) };
        assert_eq!(suggest.nearest("custmer", ["customer"]), Some("customer"));
        assert_eq!(suggest.nearest("custmer", ["aaaaaaa", "bbbbbbb"]), None);
        assert_eq!(suggest.nearest("custmer", ["customer"]), None);
    }
}
