//! A browser's `iceServers` (W3C WebRTC §4.2.3): an array, one entry, or an object that holds them.

use std::rc::Rc;

use serde::Deserialize;

use super::Usage;
use crate::model::secret::{Credentials, Secret};
use crate::model::target::Target;
use crate::run::plan::{Login, Planned};

#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    List(Vec<Entry>),
    #[serde(rename_all = "camelCase")]
    Configuration {
        #[serde(alias = "ice_servers")]
        ice_servers: Vec<Entry>,
    },
    One(Entry),
}

#[derive(Deserialize)]
struct Entry {
    #[serde(alias = "url")]
    urls: Urls,
    username: Option<String>,
    credential: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Urls {
    One(String),
    Many(Vec<String>),
}

/// Reads the services; an entry without credentials of its own takes those of the command line.
pub fn read(text: &str, source: &str, fallback: Option<&Rc<Login>>) -> Result<Vec<Planned>, Usage> {
    let document: Document = serde_json::from_str(text).map_err(|error| wrong(source, &describe(text, &error)))?;
    let entries = match document {
        Document::List(entries) | Document::Configuration { ice_servers: entries } => entries,
        Document::One(entry) => vec![entry],
    };
    let mut planned = Vec::new();
    for entry in entries {
        let login = login(&entry).map(Rc::new).or_else(|| fallback.cloned());
        let urls = match entry.urls {
            Urls::One(url) => vec![url],
            Urls::Many(urls) => urls,
        };
        for url in urls {
            let target: Target = url.parse().map_err(|error| wrong(source, &format!("{error}")))?;
            if !matches!(target, Target::Uri(_)) {
                return Err(wrong(source, &format!("{url:?} is not a stun:, stuns:, turn: or turns: URI")));
            }
            planned.extend(target.services().into_iter().map(|service| {
                let login = if service.relay { login.clone() } else { None };
                Planned { service, login }
            }));
        }
    }
    if planned.is_empty() {
        return Err(wrong(source, "it lists no server"));
    }
    Ok(planned)
}

fn login(entry: &Entry) -> Option<Login> {
    let credentials =
        Credentials { username: Secret::new(entry.username.clone()?), password: Secret::new(entry.credential.clone()?) };
    Some(Login::Given(credentials))
}

/// An untagged enum tells nothing of where the text is wrong; reading it without a form does.
fn describe(text: &str, error: &serde_json::Error) -> String {
    match serde_json::from_str::<serde_json::Value>(text) {
        Err(syntax) => format!("it is not JSON: {syntax}"),
        Ok(_) if error.is_data() => {
            "it is JSON, but not a list of iceServers such as [{\"urls\": \"turn:turn.example.org\"}]".to_owned()
        }
        Ok(_) => error.to_string(),
    }
}

fn wrong(source: &str, why: &str) -> Usage {
    Usage(format!("invalid value {source:?} for --ice-servers: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_read() {
        let list = r#"[{"urls": ["stun:a.example", "turn:a.example?transport=tcp"], "username": "u", "credential": "c"}]"#;
        let object = r#"{"iceServers": [{"url": "turns:a.example:443"}]}"#;
        let services = read(list, "-", None).expect("valid");
        assert_eq!(services.len(), 2);
        assert!(services[0].login.is_none() && services[1].login.is_some());
        assert_eq!(read(object, "-", None).expect("valid").len(), 1);
    }

    #[test]
    fn what_is_no_list_of_servers_is_refused_by_its_name() {
        for text in ["", "{", "[]", "3", r#"[{"urls": "https://a.example"}]"#, r#"[{"urls": "turn://a"}]"#, r#"{"a": 1}"#] {
            let error = read(text, "ice.json", None).err().expect(text);
            assert!(error.to_string().starts_with("invalid value \"ice.json\" for --ice-servers: "), "{error}");
        }
    }
}
