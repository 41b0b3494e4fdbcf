//! A browser's `iceServers` (W3C WebRTC §4.2.3), in the forms in which files and services have it.

mod browser;

use std::rc::Rc;

use serde_json::{Map, Value};

use super::usage::Usage;
use crate::model::asked::Service;
use crate::model::fact::{ListEntryFact, ListMistake, ListRefusal};
use crate::model::secret::{Credentials, Secret};
use crate::model::target::Target;
use crate::run::plan::{Login, Planned};

const NO_LIST: &str = "it is JSON, but not a list of iceServers such as [{\"urls\": \"turn:turn.example.org\"}]";

/// A list that was read.
#[derive(Default)]
pub struct Listed {
    /// The services to test.
    pub planned: Vec<Planned>,
    /// What a browser makes of each entry, where the list is one that browsers take as it is.
    pub entries: Vec<ListEntryFact>,
}

/// The forms in which services give out such a list.
enum Document {
    /// What a browser's `RTCPeerConnection` takes: the array itself, or `{"iceServers": […]}`.
    OfBrowsers(Vec<Map<String, Value>>),
    /// What an application makes such a list of: Twilio writes `ice_servers`, Cloudflare gives one entry in place of the array, Xirsys has an
    /// envelope, `v` in its third version and `d` in its second.
    OfService(Vec<Map<String, Value>>),
}

/// Reads the services; an entry without credentials of its own takes those of the command line.
///
/// # Errors
///
/// [`Usage`] names the source and what is wrong with its text.
pub fn read(text: &str, source: &str, fallback: Option<&Rc<Login>>) -> Result<Listed, Usage> {
    read_as("--ice-servers", true, text, source, fallback)
}

/// The same of the configuration's own list, whose mistakes are those of the configuration.
///
/// # Errors
///
/// [`Usage`] names the key, the source, and what is wrong with its text.
pub fn read_configured(text: &str, source: &str, fallback: Option<&Rc<Login>>) -> Result<Listed, Usage> {
    read_as("ice_servers", false, text, source, fallback)
}

fn read_as(option: &str, strict: bool, text: &str, source: &str, fallback: Option<&Rc<Login>>) -> Result<Listed, Usage> {
    let wrong = |why: &str| Usage(format!("invalid value {source:?} for {option}: {why}"));
    // Fetch and file editors write a byte order mark, and browsers skip it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(text).map_err(|error| wrong(&format!("it is not JSON: {error}")))?;
    let (entries, of_browsers) = match document(value).ok_or_else(|| wrong(NO_LIST))? {
        Document::OfBrowsers(entries) => (entries, strict),
        Document::OfService(entries) => (entries, false),
    };
    let mut listed = Listed::default();
    for entry in &entries {
        let refusal = browser::refusal(entry).filter(|refusal| of_browsers && !is_left_to_us(entry, refusal, fallback));
        let login = login(entry).map(Rc::new).or_else(|| fallback.cloned());
        for url in urls(entry) {
            match url.parse::<Target>() {
                Ok(target @ Target::Uri(_)) => listed.planned.extend(target.services().into_iter().map(|service| {
                    let login = if service.relay { login.clone() } else { None };
                    // No browser asks for SRV records.
                    let port = Some(service.port_or_default());
                    Planned { service: Service { port, ..service }, login }
                })),
                // A browser says what is wrong, in its own words.
                Ok(_) | Err(_) if refusal.is_some() => {}
                Ok(_) => return Err(wrong(&format!("{:?} is not a stun:, stuns:, turn: or turns: URI", browser::shown(&url)))),
                Err(error) => return Err(wrong(&error.to_string())),
            }
        }
        if of_browsers {
            listed.entries.push(ListEntryFact { refusal });
        }
    }
    let says_something = listed.entries.iter().any(|entry| entry.refusal.is_some());
    if listed.planned.is_empty() && !says_something {
        return Err(wrong("it lists no server"));
    }
    Ok(listed)
}

/// Whether the login that a browser misses is the one that was given beside the list.
fn is_left_to_us(entry: &Map<String, Value>, refusal: &ListRefusal, fallback: Option<&Rc<Login>>) -> bool {
    refusal.mistake == ListMistake::Credentials
        && refusal.found.is_none()
        && fallback.is_some()
        && !entry.contains_key("username")
        && !entry.contains_key("credential")
}

fn document(value: Value) -> Option<Document> {
    match value {
        Value::Array(entries) => objects(entries).map(Document::OfBrowsers),
        Value::Object(mut object) => {
            if let Some(servers) = object.remove("iceServers") {
                return if servers.is_array() { document(servers) } else { inner(servers) };
            }
            for key in ["ice_servers", "v", "d"] {
                if let Some(within) = object.remove(key) {
                    return inner(within);
                }
            }
            let is_entry = URLS.iter().any(|key| object.contains_key(*key));
            is_entry.then(|| Document::OfService(vec![object]))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// What stands inside of a service's envelope.
fn inner(value: Value) -> Option<Document> {
    document(value).map(|document| match document {
        Document::OfBrowsers(entries) | Document::OfService(entries) => Document::OfService(entries),
    })
}

fn objects(entries: Vec<Value>) -> Option<Vec<Map<String, Value>>> {
    entries.into_iter().map(|entry| if let Value::Object(entry) = entry { Some(entry) } else { None }).collect()
}

/// The keys of URLs: `uris` is the draft's word (draft-uberti-behave-turn-rest §2.2), `url` the one before `urls`; some services give several.
const URLS: [&str; 3] = ["urls", "uris", "url"];

fn urls(entry: &Map<String, Value>) -> Vec<String> {
    match URLS.iter().find_map(|key| entry.get(*key)) {
        Some(Value::Array(urls)) => urls.iter().map(browser::as_text).collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(one) => vec![browser::as_text(one)],
    }
}

fn login(entry: &Map<String, Value>) -> Option<Login> {
    let text = |keys: &[&str]| keys.iter().find_map(|key| entry.get(*key)).map(browser::as_text);
    let (username, password) = (text(&["username"])?, text(&["credential", "password"])?);
    Some(Login::Given(Credentials { username: Secret::new(username), password: Secret::new(password) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_read() {
        let list = r#"[{"urls": ["stun:a.example", "turn:a.example?transport=tcp"], "username": "u", "credential": "c"}]"#;
        let object = r#"{"iceServers": [{"url": "turns:a.example:443"}]}"#;
        let services = read(list, "-", None).expect("valid").planned;
        assert_eq!(services.len(), 2);
        assert!(services[0].login.is_none() && services[1].login.is_some());
        assert_eq!(read(object, "-", None).expect("valid").planned.len(), 1);
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
            let services = read(text, "-", None).unwrap_or_else(|error| panic!("{service}: {error}")).planned;
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
            r#"{"a": 1}"#,
            r#"{"v": "denied", "s": "error"}"#,
            r#"{"v": {"iceServers": {"urls": "https://a.example"}}}"#,
        ] {
            let error = read(text, "ice.json", None).err().expect(text);
            assert!(error.to_string().starts_with("invalid value \"ice.json\" for --ice-servers: "), "{error}");
        }
    }

    #[test]
    fn what_browsers_refuse_of_their_own_form_is_told_and_the_rest_is_tested() {
        let refused = |text: &str| {
            let listed = read(text, "-", None).expect(text);
            let refused = listed.entries.iter().filter(|entry| entry.refusal.is_some()).count();
            (listed.planned.len(), refused)
        };
        assert_eq!(refused(r#"[{"urls": "https://a.example"}]"#), (0, 1));
        assert_eq!(refused("[{}]"), (0, 1));
        assert_eq!(refused(r#"[{"urls": ["turn://a", "stun:a.example"]}]"#), (1, 1));
        assert_eq!(
            refused(r#"[{"urls": "turn:a.example", "username": "u", "password": "p"}, {"urls": "stun:b.example"}]"#),
            (2, 1)
        );
        assert_eq!(refused("\u{feff}[{\"urls\": \"turn:a.example?transport=UDP\", \"username\": 1, \"credential\": 2}]"), (1, 0));
    }

    #[test]
    fn a_login_beside_the_list_stands_for_one_that_it_leaves_out() {
        let login = Rc::new(Login::Given(Credentials { username: Secret::new("u"), password: Secret::new("p") }));
        let refused = |text: &str| read(text, "-", Some(&login)).expect(text).entries[0].refusal.clone().map(|it| it.mistake);
        assert_eq!(refused(r#"[{"urls": "turn:a.example"}]"#), None);
        assert_eq!(refused(r#"[{"urls": "turn:a.example", "username": "u", "password": "p"}]"#), Some(ListMistake::Credentials));
    }
}
