//! The text of `trueup.toml`.

use std::fmt::Write as _;

use super::{Answers, Place};

/// What `trueup.toml` says in a new project.
pub fn text(answers: &Answers) -> String {
    let Answers { name, kaiten, cloud_foundry } = answers;
    let mut text = format!(
        "#:schema ./schemas/settings.schema.json\n\
         # Where the remotes are and how to sign in there. What should exist there, the files in resources/ say.\n\
         \n\
         [project]\n\
         name = {}  # plans show it\n\
         files = [\"resources/**/*.yaml\"]\n",
        quoted(name),
    );
    let both = [kaiten, cloud_foundry].iter().all(|place| **place == Some(Place::Sandbox));
    if both {
        text.push_str(
            "\n\
             # Both remotes are the embedded sandbox: nothing leaves this machine. It remembers what it holds in .trueup/.\n\
             # To go on with real ones, put their URLs here.\n",
        );
    }
    if let Some(place) = kaiten {
        text.push('\n');
        if !both && *place == Place::Sandbox {
            text.push_str(SANDBOX);
        }
        let _ = write!(text, "[targets.kaiten]\nprovider = \"kaiten\"\nurl = {}\n", quoted(place.text()));
        if let Place::Url(_) = place {
            text.push_str(
                "# A secret is never written out, only where it is kept: also { file = \"…\" } or { command = [\"…\"] }.\n\
                 token = { env = \"KAITEN_AUTH_TOKEN\" }\n",
            );
        }
    }
    if let Some(place) = cloud_foundry {
        text.push('\n');
        if !both && *place == Place::Sandbox {
            text.push_str(SANDBOX);
        }
        let _ = write!(text, "[targets.cf]\nprovider = \"cloudfoundry\"\nurl = {}\n", quoted(place.text()));
        if let Place::Url(_) = place {
            text.push_str(
                "# People sign in with the session of their cf CLI, by `cf login`. For CI, take the mark off the next line.\n\
                 # auth = { method = \"client-credentials\", client_id = \"ci\", client_secret = { env = \"CF_CLIENT_SECRET\" } }\n",
            );
        }
    }
    text
}

const SANDBOX: &str = "# The embedded sandbox: nothing of it leaves this machine. It remembers what it holds in .trueup/.\n\
                       # To go on with a real one, put its URL here.\n";

/// A string as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
