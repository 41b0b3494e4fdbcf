//! A browser's `iceServers` (W3C WebRTC §4.2.3), in the forms in which files and services have it.

use std::rc::Rc;

use serde::Deserialize;

use super::usage::Usage;
use crate::model::secret::{Credentials, Secret};
use crate::model::target::Target;
use crate::run::plan::{Login, Planned};

const NO_LIST: &str = "it is JSON, but not a list of iceServers such as [{\"urls\": \"turn:turn.example.org\"}]";

/// The forms in which services give out such a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    /// The array itself.
    List(Vec<Entry>),
    /// What a browser's `RTCPeerConnection` takes; Twilio writes `ice_servers`, Cloudflare gives one entry in place of the array.
    Configuration {
        #[serde(rename = "iceServers", alias = "ice_servers")]
        ice_servers: Box<Document>,
    },
    /// Xirsys' envelope: `v` in its third version, `d` in its second.
    Envelope {
        #[serde(alias = "d")]
        v: Box<Document>,
    },
    /// One entry.
    One(Entry),
}

#[derive(Deserialize)]
struct Entry {
    /// `uris` is the draft's word (draft-uberti-behave-turn-rest §2.2), as `password` is.
    #[serde(alias = "uris")]
    urls: Option<Urls>,
    /// The word before `urls`; some services give both.
    url: Option<Urls>,
    username: Option<String>,
    #[serde(alias = "password")]
    credential: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Urls {
    One(String),
    Many(Vec<String>),
}

/// Reads the services; an entry without credentials of its own takes those of the command line.
///
/// # Errors
///
/// [`Usage`] names the source and what is wrong with its text.
pub fn read(text: &str, source: &str, fallback: Option<&Rc<Login>>) -> Result<Vec<Planned>, Usage> {
    read_for("--ice-servers", text, source, fallback)
}

/// The same with another name for what the list was given by.
///
/// # Errors
///
/// [`Usage`] names that, the source, and what is wrong with its text.
pub fn read_for(option: &str, text: &str, source: &str, fallback: Option<&Rc<Login>>) -> Result<Vec<Planned>, Usage> {
    let wrong = |source: &str, why: &str| Usage(format!("invalid value {source:?} for {option}: {why}"));
    let document: Document = serde_json::from_str(text).map_err(|error| wrong(source, &describe(text, &error)))?;
    let mut planned = Vec::new();
    for entry in entries(document) {
        let login = login(&entry).map(Rc::new).or_else(|| fallback.cloned());
        for url in urls(entry).ok_or_else(|| wrong(source, NO_LIST))? {
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

fn entries(document: Document) -> Vec<Entry> {
    match document {
        Document::List(entries) => entries,
        Document::Configuration { ice_servers } => entries(*ice_servers),
        Document::Envelope { v } => entries(*v),
        Document::One(entry) => vec![entry],
    }
}

fn urls(entry: Entry) -> Option<Vec<String>> {
    Some(match entry.urls.or(entry.url)? {
        Urls::One(url) => vec![url],
        Urls::Many(urls) => urls,
    })
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
        Ok(_) if error.is_data() => NO_LIST.to_owned(),
        Ok(_) => error.to_string(),
    }
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

    /// As the services' own documentation shows them, with the names of the hosts replaced.
    #[test]
    fn the_answers_of_services_are_read() {
        for (service, text, count, logins) in [
            (
                "Cloudflare",
                r#"{"iceServers": {"urls": ["stun:a.example:3478", "turn:a.example:3478?transport=udp", "turns:a.example:5349?transport=tcp"], "username": "u", "credential": "c"}}"#,
                3,
                2,
            ),
            (
                "Twilio",
                r#"{"username": "u", "password": "c", "ttl": "86400", "ice_servers": [{"url": "stun:a.example:3478", "urls": "stun:a.example:3478"}, {"url": "turn:a.example:3478?transport=udp", "username": "u", "urls": "turn:a.example:3478?transport=udp", "credential": "c"}]}"#,
                2,
                1,
            ),
            (
                "Xirsys 3",
                r#"{"v": {"iceServers": {"username": "u", "urls": ["stun:a.example", "turn:a.example:80?transport=udp"], "credential": "c"}}, "s": "ok"}"#,
                2,
                1,
            ),
            (
                "Xirsys 2",
                r#"{"s": 200, "d": {"iceServers": [{"url": "turn:a.example?transport=udp", "username": "u", "credential": "c"}]}}"#,
                1,
                1,
            ),
            (
                "the REST draft",
                r#"{"username": "1:u", "password": "c", "ttl": 86400, "uris": ["turn:a.example?transport=udp", "stun:a.example"]}"#,
                2,
                1,
            ),
        ] {
            let services = read(text, "-", None).unwrap_or_else(|error| panic!("{service}: {error}"));
            let with_login = services.iter().filter(|planned| planned.login.is_some()).count();
            assert_eq!((services.len(), with_login), (count, logins), "{service}");
        }
    }

    #[test]
    fn what_is_no_list_of_servers_is_refused_by_its_name() {
        for text in [
            "",
            "{",
            "[]",
            "3",
            r#"[{"urls": "https://a.example"}]"#,
            r#"[{"urls": "turn://a"}]"#,
            r#"{"a": 1}"#,
            r#"{"v": "denied", "s": "error"}"#,
            "[{}]",
        ] {
            let error = read(text, "ice.json", None).err().expect(text);
            assert!(error.to_string().starts_with("invalid value \"ice.json\" for --ice-servers: "), "{error}");
        }
    }
}
