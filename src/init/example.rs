//! The text of the first resource file. For the sandbox it can be applied as it is; what is about a real remote stands
//! behind comment marks, so that nothing is proposed there before somebody has written it.

use std::fmt::Write as _;

use super::{Answers, Place};

const SCHEMA: &str = "# yaml-language-server: $schema=../schemas/trueup.schema.json\n";

const KAITEN: &str = "\
customers:
  acme:
    name: Acme Corp
    domain: acme.com

instances:
  acme-production:
    name: Acme production
    customer: acme                    # declared above
    license: growth                   # one that Kaiten has already
    deployment_zone: eu-west-1        # likewise
    start_license_date: 2026-09-01T00:00:00Z
    end_license_date: 2027-09-01T00:00:00Z
    metadata:
      region: eu-west-1
";

const CLOUD_FOUNDRY: &str = "\
organizations:
  acme: {}

spaces:
  acme-production:
    organization: acme
    name: production

service_instances:
  acme-db:
    space: acme/production            # organization/space
    plan: postgres/small              # offering/plan, which the marketplace has
    tags: [acme]
";

/// What goes from one remote to the other.
const DATABASE: &str = "      database: ${service_instances.acme-db.guid}   # known once it is created\n";
const TENANT: &str = "    parameters:\n      tenant: ${customers.acme.slug}\n";

/// What the first resource file says.
pub fn text(answers: &Answers) -> String {
    let (kaiten, cloud_foundry) = (answers.kaiten.as_ref(), answers.cloud_foundry.as_ref());
    // What is behind a comment mark cannot be referred to.
    let together = is_live(kaiten) && is_live(cloud_foundry) || is_real(kaiten) && is_real(cloud_foundry);
    let mut blocks = vec![format!("{SCHEMA}{}", introduction(answers))];
    for (place, yaml, more) in [(kaiten, KAITEN, DATABASE), (cloud_foundry, CLOUD_FOUNDRY, TENANT)] {
        let Some(place) = place else { continue };
        let yaml = if together { format!("{yaml}{more}") } else { yaml.to_owned() };
        blocks.push(if *place == Place::Sandbox { yaml } else { marked(&yaml) });
    }
    blocks.join("\n")
}

fn is_live(place: Option<&Place>) -> bool {
    matches!(place, Some(Place::Sandbox))
}

fn is_real(place: Option<&Place>) -> bool {
    matches!(place, Some(Place::Url(_)))
}

fn introduction(answers: &Answers) -> String {
    let (kaiten, cloud_foundry) = (answers.kaiten.as_ref(), answers.cloud_foundry.as_ref());
    let any_live = is_live(kaiten) || is_live(cloud_foundry);
    let mut text = String::from(if any_live {
        "# What should exist. A name refers to what is declared here, else to what the remote has already.\n"
    } else {
        "# What should exist. Nothing is declared yet, so `trueup plan` proposes nothing: what follows is an example.\n"
    });
    let kind = if kaiten.is_some() { "instances" } else { "service_instances" };
    let _ = writeln!(
        text,
        "# `trueup explain {kind}` tells all that can be said of one. Rename this file or split it as you like."
    );
    if any_live && (is_real(kaiten) || is_real(cloud_foundry)) {
        text.push_str("# What is about the real remote stands behind comment marks: nothing is proposed there yet.\n");
    }
    for (target, _) in [("kaiten", kaiten), ("cf", cloud_foundry)].iter().filter(|(_, place)| is_real(*place)) {
        let _ = writeln!(
            text,
            "# To write down what `{target}` has already: trueup export --target {target} --dir resources"
        );
    }
    text
}

/// The same behind comment marks.
fn marked(yaml: &str) -> String {
    yaml.lines().map(|line| if line.is_empty() { "#\n".to_owned() } else { format!("# {line}\n") }).collect()
}
