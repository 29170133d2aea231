//! Slugs: which are well formed, and how one is made up (§5).

use super::super::Ids;

/// The most characters a slug has.
pub(super) const LONGEST: usize = 100;

/// Whether the text fits `^[a-z0-9][a-z0-9-]*[a-z0-9]$`; the length is another matter.
pub(super) fn is_well_formed(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    match text.as_bytes() {
        [first, middle @ .., last] => {
            plain(*first) && plain(*last) && middle.iter().all(|byte| plain(*byte) || *byte == b'-')
        }
        _ => false,
    }
}

/// A slug made from a name, with six random digits; these alone when nothing of the name is left. Not cut to length.
pub(super) fn generate(name: &str, ids: &Ids) -> String {
    let base = base(name);
    let suffix = ids.hex(6);
    if base.is_empty() { suffix } else { format!("{base}-{suffix}") }
}

/// The slug of version `version` of a family, cut so that the whole fits.
pub(super) fn of_version(family: &str, version: u32) -> String {
    let suffix = format!("-v{version}");
    let room = LONGEST - suffix.len();
    let base = family.get(..room).unwrap_or(family);
    format!("{base}{suffix}")
}

/// The part of a generated slug that comes from the name.
pub(super) fn base(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            // Combining marks are what decomposing leaves of an accent.
            '\'' | '’' | '\u{300}'..='\u{36f}' => {}
            'æ' => slug.push_str("ae"),
            'ð' | 'đ' => slug.push('d'),
            'ı' => slug.push('i'),
            'ł' => slug.push('l'),
            'ø' => slug.push('o'),
            'œ' => slug.push_str("oe"),
            'ß' => slug.push_str("ss"),
            'þ' => slug.push_str("th"),
            _ => match unaccented(letter) {
                Some(plain) => slug.push(plain),
                None if slug.is_empty() || slug.ends_with('-') => {}
                None => slug.push('-'),
            },
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// The letter without its accents, if it decomposes to a Latin letter and combining marks.
fn unaccented(letter: char) -> Option<char> {
    if letter < 'à' {
        return None;
    }
    ACCENTED.iter().find(|(_, accented)| accented.contains(letter)).map(|(plain, _)| *plain)
}

/// The lower-case letters of U+00C0 to U+024F and U+1E00 to U+1EFF whose canonical decomposition begins with a to z.
const ACCENTED: &[(char, &str)] = &[
    ('a', "àáâãäåāăąǎǟǡǻȁȃȧḁạảấầẩẫậắằẳẵặ"),
    ('b', "ḃḅḇ"),
    ('c', "çćĉċčḉ"),
    ('d', "ďḋḍḏḑḓ"),
    ('e', "èéêëēĕėęěȅȇȩḕḗḙḛḝẹẻẽếềểễệ"),
    ('f', "ḟ"),
    ('g', "ĝğġģǧǵḡ"),
    ('h', "ĥȟḣḥḧḩḫẖ"),
    ('i', "ìíîïĩīĭįǐȉȋḭḯỉị"),
    ('j', "ĵǰ"),
    ('k', "ķǩḱḳḵ"),
    ('l', "ĺļľḷḹḻḽ"),
    ('m', "ḿṁṃ"),
    ('n', "ñńņňǹṅṇṉṋ"),
    ('o', "òóôõöōŏőơǒǫǭȍȏȫȭȯȱṍṏṑṓọỏốồổỗộớờởỡợ"),
    ('p', "ṕṗ"),
    ('r', "ŕŗřȑȓṙṛṝṟ"),
    ('s', "śŝşšșṡṣṥṧṩ"),
    ('t', "ţťțṫṭṯṱẗ"),
    ('u', "ùúûüũūŭůűųưǔǖǘǚǜȕȗṳṵṷṹṻụủứừửữự"),
    ('v', "ṽṿ"),
    ('w', "ŵẁẃẅẇẉẘ"),
    ('x', "ẋẍ"),
    ('y', "ýÿŷȳẏẙỳỵỷỹ"),
    ('z', "źżžẑẓẕ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_slugs() {
        let cases = [
            ("My Instance", "my-instance"),
            ("  Crème Brûlée!! ", "creme-brulee"),
            ("Cre\u{300}me", "creme"),
            ("Łódź & Ærø's Straße", "lodz-aeros-strasse"),
            ("Þór’s ıİœđð", "thors-iioedd"),
            ("Việt Nam — 2026", "viet-nam-2026"),
            ("東京", ""),
            ("a__b--c", "a-b-c"),
        ];
        for (name, expected) in cases {
            assert_eq!(base(name), expected, "{name}");
        }
    }

    #[test]
    fn a_generated_slug_ends_in_six_hexadecimal_digits() {
        let slug = generate("My Instance", &Ids::seeded(1));
        let suffix = slug.strip_prefix("my-instance-").unwrap();
        assert!(suffix.len() == 6 && suffix.bytes().all(|byte| byte.is_ascii_hexdigit()), "{slug}");
        assert!(is_well_formed(&slug));
        assert_eq!(generate("東京", &Ids::seeded(1)), suffix);
        assert_eq!(generate(&"x".repeat(200), &Ids::seeded(1)).len(), 207);
    }

    #[test]
    fn the_slug_of_a_version_fits() {
        assert_eq!(of_version("growth", 2), "growth-v2");
        let long = of_version(&"x".repeat(100), 12);
        assert_eq!((long.len(), &long[96..]), (100, "-v12"));
    }

    #[test]
    fn a_slug_begins_and_ends_with_a_letter_or_digit() {
        for good in ["ab", "a--b", "0x"] {
            assert!(is_well_formed(good), "{good}");
        }
        for bad in ["", "a", "-ab", "ab-", "Ab", "a_b", "ab\n"] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }
}
