use proptest::prelude::*;
use toml::{Table, Value};

use super::*;

fn real(url: &str) -> Option<Place> {
    place(url).ok()
}

/// Every place a remote can have in a project.
fn places() -> [Option<Place>; 3] {
    [None, Some(Place::Sandbox), real("https://remote.example.com")]
}

fn file(answers: &Answers, path: &str) -> String {
    let files = files(answers, &crate::providers::registry());
    files.into_iter().find(|file| file.path == path).expect("it is one of them").text
}

proptest! {
    #[test]
    fn a_name_is_what_the_settings_say_whatever_is_in_it(name in "[^\\p{Cc}]{1,12}", quotes in "['\"\\\\#=\\[ ]{0,4}") {
        let name = format!("{quotes}{name}{quotes}");
        prop_assume!(name_problem(&name).is_none());
        let answers = Answers { name: name.clone(), kaiten: Some(Place::Sandbox), cloud_foundry: None };
        let read: Table = settings::text(&answers).parse().expect("TOML");
        prop_assert_eq!(&read["project"]["name"], &Value::from(name));
        prop_assert_eq!(read.keys().collect::<Vec<_>>(), ["project", "targets"]);
    }

    #[test]
    fn a_url_is_what_the_settings_say_whatever_is_in_it(path in "[a-z'\"%\\\\/ ;&$`]{0,12}") {
        let text = format!("https://remote.example.com/{path}");
        let Ok(at @ Place::Url(_)) = place(&text) else { return Ok(()) };
        let answers = Answers { name: "acme".to_owned(), kaiten: Some(at.clone()), cloud_foundry: Some(at.clone()) };
        let read: Table = settings::text(&answers).parse().expect("TOML");
        for target in ["kaiten", "cf"] {
            let written = read["targets"][target]["url"].as_str().expect("a string");
            prop_assert_eq!(place(written), Ok(at.clone()));
        }
    }
}

#[test]
fn a_directory_without_a_name_of_any_use_is_a_project_all_the_same() {
    for (directory, name) in [
        ("/srv/acme", "acme"),
        ("/srv/my \"proj", "my \"proj"),
        ("/", "project"),
        ("/a\nb", "project"),
        ("/ ", "project"),
    ] {
        assert_eq!(name_of(Path::new(directory)), name);
        assert_eq!(name_problem(name), None);
    }
}

#[test]
fn what_is_real_is_behind_comment_marks_and_what_is_the_sandbox_s_is_not() {
    for kaiten in places() {
        for cloud_foundry in places() {
            let answers =
                Answers { name: "acme".to_owned(), kaiten: kaiten.clone(), cloud_foundry: cloud_foundry.clone() };
            let text = file(&answers, EXAMPLE);
            let declares = |section: &str| text.lines().any(|line| line == section);
            assert_eq!(declares("instances:"), kaiten == Some(Place::Sandbox), "{text}");
            assert_eq!(declares("service_instances:"), cloud_foundry == Some(Place::Sandbox), "{text}");
            let shows = |section: &str| text.lines().any(|line| line == format!("# {section}"));
            assert_eq!(shows("instances:"), matches!(kaiten, Some(Place::Url(_))), "{text}");
            assert_eq!(shows("service_instances:"), matches!(cloud_foundry, Some(Place::Url(_))), "{text}");
            let together = kaiten.is_some() && cloud_foundry.is_some();
            let alike = matches!(
                (&kaiten, &cloud_foundry),
                (Some(Place::Url(_)), Some(Place::Url(_))) | (Some(Place::Sandbox), Some(Place::Sandbox))
            );
            assert_eq!(text.contains("${service_instances.acme-db.guid}"), together && alike, "{text}");
            assert_eq!(text.contains("${customers.acme.slug}"), together && alike, "{text}");
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(120), "{text}");
        }
    }
}

#[test]
fn a_place_is_refused_as_the_settings_would_refuse_it_and_never_repeated() {
    for text in [
        "kaiten.example.com",
        "https://",
        "sandbx",
        "ftp://kaiten.example.com",
        "http://kaiten.example.com",
        "https://kaiten.example.com?token=canary",
        "https://me:canary@kaiten.example.com",
        "",
    ] {
        let refused = place(text).expect_err(text);
        assert!(!refused.help.contains("canary"), "{refused:?}");
    }
    for (text, written) in [
        (" https://KAITEN.example.com/ ", "https://kaiten.example.com"),
        ("https://kaiten.example.com/base/", "https://kaiten.example.com/base/"),
        ("http://127.0.0.1:6000", "http://127.0.0.1:6000"),
        ("sandbox", "sandbox"),
    ] {
        assert_eq!(place(text).expect("a place").text(), written);
    }
}

#[test]
fn rules_are_put_behind_what_is_there() {
    assert_eq!(ignoring(b"", &["a", "b"]), "a\nb\n");
    assert_eq!(ignoring(b"/target\n", &["a"]), "a\n");
    assert_eq!(ignoring(b"/target", &["a"]), "\na\n");
}

#[test]
fn the_settings_of_each_kind_of_project() {
    let text = |kaiten, cloud_foundry| settings::text(&Answers { name: "acme".to_owned(), kaiten, cloud_foundry });
    let sandbox = || Some(Place::Sandbox);
    let all = [
        text(sandbox(), sandbox()),
        text(real("https://kaiten.example.com"), real("https://api.cf.example.com")),
        text(sandbox(), real("https://api.cf.example.com")),
        text(None, sandbox()),
    ];
    insta::assert_snapshot!(all.join("\n──────\n\n"));
}

#[test]
fn the_example_of_each_kind_of_project() {
    let text = |kaiten, cloud_foundry| example::text(&Answers { name: "acme".to_owned(), kaiten, cloud_foundry });
    let sandbox = || Some(Place::Sandbox);
    let all = [
        text(sandbox(), sandbox()),
        text(real("https://kaiten.example.com"), real("https://api.cf.example.com")),
        text(sandbox(), real("https://api.cf.example.com")),
        text(real("https://kaiten.example.com"), None),
    ];
    insta::assert_snapshot!(all.join("\n──────\n\n"));
}
