//! Words for messages: spellings, articles, lists.

/// A name in the spelling of YAML: `startLicenseDate` → `start_license_date`, `service-plan` → `service_plan`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut previous_lower = false;
    for c in name.chars() {
        if c.is_uppercase() {
            if previous_lower {
                snake.push('_');
            }
            snake.extend(c.to_lowercase());
        } else {
            snake.push(if c == '-' || c == ' ' { '_' } else { c });
        }
        previous_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    snake
}

/// What an API's name is about: without the ending that says which handle of the object it takes.
pub(super) fn stem(name: &str) -> String {
    let name = snake(name);
    let ends = ["_guid", "_guids", "_id", "_ids", "_slug", "_name", "_url"];
    let stem = ends.iter().find_map(|end| name.strip_suffix(end)).filter(|stem| !stem.is_empty());
    stem.map_or_else(|| name.clone(), str::to_owned)
}

/// A value in a message: shortened, and on one line.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown: String =
        text.chars().take(MOST).flat_map(|c| if c.is_control() { vec![' '] } else { vec![c] }).collect();
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

/// A noun with its article: `a customer`, `an instance`.
pub(super) fn a(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

/// `a`, `b` and `c`, each in backticks.
pub(super) fn listed<'n>(names: impl IntoIterator<Item = &'n str>, last: &str) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((end, [])) => end.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spelling_of_an_api_becomes_ours() {
        assert_eq!(snake("startLicenseDate"), "start_license_date");
        assert_eq!(snake("isDefault"), "is_default");
        assert_eq!(snake("service-plan"), "service_plan");
        assert_eq!(stem("customerId"), "customer");
        assert_eq!(stem("service_plan_guid"), "service_plan");
        assert_eq!(stem("_id"), "_id");
    }

    #[test]
    fn a_long_value_is_cut_and_kept_on_one_line() {
        assert_eq!(shown("a\nb"), "a b");
        assert_eq!(shown(&"я".repeat(61)), format!("{}…", "я".repeat(60)));
    }
}
