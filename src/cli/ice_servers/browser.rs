//! What `new RTCPeerConnection` throws on an entry of a list of ICE servers, as Chromium 156 was seen to do it on 48 lists.
//!
//! One entry that it refuses keeps a page from having any peer connection.

use serde_json::{Map, Value};

use crate::model::fact::{ListMistake, ListRefusal};
use crate::model::target::Target;

/// The longest user name that libwebrtc takes, in bytes.
const LONGEST_NAME: usize = 509;

const BOTH_NEEDED: &str = "Both username and credential are required when the URL scheme is \"turn\" or \"turns\".";

/// Why a browser refuses an entry, in its own words; nothing where it takes it.
pub fn refusal(entry: &Map<String, Value>) -> Option<ListRefusal> {
    let urls = match entry.get("urls").or_else(|| entry.get("url")) {
        None | Some(Value::Null) => return Some(refused("TypeError", "Malformed RTCIceServer", ListMistake::NoUrls)),
        Some(Value::Array(urls)) => urls.iter().map(as_text).collect(),
        Some(one) => vec![as_text(one)],
    };
    if urls.is_empty() {
        return Some(parsing("SyntaxError", "Empty uri.", ListMistake::NoUrls));
    }
    for url in &urls {
        let syntax = |words: &str| refused("SyntaxError", words, ListMistake::Url);
        let Some(Url { relay, rest, query }) = split(url) else {
            let is_url = url.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme));
            let what = if is_url { "stun or turn URL" } else { "URL" };
            return Some(syntax(&format!("'{}' is not a valid {what}.", shown(url))));
        };
        if relay && (!entry.contains_key("username") || !entry.contains_key("credential")) {
            let found = misnamed(entry);
            return Some(ListRefusal { found, ..refused("InvalidAccessError", BOTH_NEEDED, ListMistake::Credentials) });
        }
        match query {
            Some(query) if !relay || !query.to_ascii_lowercase().starts_with("transport=") => {
                return Some(syntax(&format!("'{}' is not a valid stun or turn URL.", shown(url))));
            }
            Some(query) if !["transport=udp", "transport=tcp"].contains(&query.to_ascii_lowercase().as_str()) => {
                return Some(parsing("SyntaxError", "Transport parameter should always be udp or tcp.", ListMistake::Url));
            }
            Some(_) | None => {}
        }
        if let Some(words) = wrong_authority(rest) {
            return Some(parsing("SyntaxError", words, ListMistake::Url));
        }
        let is_empty = |key: &str| entry.get(key).is_none_or(|value| as_text(value).is_empty());
        if relay && (is_empty("username") || is_empty("credential")) {
            let words = "TURN server with empty username or password";
            return Some(parsing("InvalidAccessError", words, ListMistake::EmptyCredentials));
        }
        if relay && entry.get("username").is_some_and(|name| as_text(name).len() > LONGEST_NAME) {
            let words = "TURN server username is too long";
            return Some(parsing("InvalidAccessError", words, ListMistake::LongName));
        }
    }
    None
}

fn refused(error: &str, words: &str, mistake: ListMistake) -> ListRefusal {
    ListRefusal { error: error.to_owned(), words: words.to_owned(), mistake, found: None }
}

fn parsing(error: &str, words: &str, mistake: ListMistake) -> ListRefusal {
    refused(error, &format!("ICE server parsing failed: {words}"), mistake)
}

/// A value as JavaScript makes a text of it.
pub fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => "[object Object]".to_owned(),
    }
}

/// The key that stands in the place of one that is missing.
fn misnamed(entry: &Map<String, Value>) -> Option<String> {
    const KNOWN: [&str; 5] = ["urls", "url", "username", "credential", "credentialType"];
    let is_login = |key: &str| {
        let key = key.to_ascii_lowercase();
        ["user", "name", "cred", "pass", "pwd", "secret"].iter().any(|word| key.contains(word))
    };
    entry.keys().find(|key| !KNOWN.contains(&key.as_str()) && is_login(key)).cloned()
}

struct Url<'u> {
    relay: bool,
    rest: &'u str,
    query: Option<&'u str>,
}

/// Takes a URL of one of the four schemes apart.
fn split(url: &str) -> Option<Url<'_>> {
    // What RFC 3986 calls no character at all is cut off at both ends.
    let url = url.trim_matches(|char: char| char <= ' ');
    let (scheme, rest) = url.split_once(':')?;
    let relay = match scheme.to_ascii_lowercase().as_str() {
        "turn" | "turns" => true,
        "stun" | "stuns" => false,
        _ => return None,
    };
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    Some(Url { relay, rest, query })
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-' | '.'))
}

/// What libwebrtc says of a wrong host or port.
fn wrong_authority(rest: &str) -> Option<&'static str> {
    if rest.is_empty() {
        return Some("Invalid transport parameter in ICE URI");
    }
    if rest.contains('@') {
        return Some("Invalid url with long deprecated user@host syntax");
    }
    if rest.starts_with(['/', ':']) {
        return Some("Invalid hostname format");
    }
    let (host, after) = match rest.strip_prefix('[') {
        Some(literal) => match literal.split_once(']') {
            Some((_, after)) => ("", after),
            None => return Some("Invalid hostname format"),
        },
        None => rest.split_once(':').map_or((rest, ""), |(host, _)| (host, &rest[host.len()..])),
    };
    if host.contains('/') {
        return Some("Invalid hostname format");
    }
    match after.strip_prefix(':') {
        None if after.is_empty() => None,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0) => None,
        None | Some(_) => Some("Invalid port"),
    }
}

/// A URL as it may be shown: a login in it is left out, and so are queries but for the transport. What is no URL and names no host may be a
/// secret that was pasted at the wrong place.
pub fn shown(url: &str) -> String {
    let (rest, query) = url.split_once('?').map_or((url, None), |(rest, query)| (rest, Some(query)));
    let rest = match rest.rsplit_once('@') {
        Some((before, after)) => format!("{}…@{after}", before.split_once(':').map_or("", |(scheme, _)| &rest[..=scheme.len()])),
        None => rest.to_owned(),
    };
    let has_scheme = split(url).is_some() || rest.starts_with("http://") || rest.starts_with("https://");
    let names_host = rest.contains(['.', ':']) && rest.parse::<Target>().is_ok();
    if !rest.is_empty() && !has_scheme && !names_host {
        return "…".to_owned();
    }
    match query {
        Some(query) if query.len() <= SHORTEST_SECRET || query.to_ascii_lowercase().starts_with("transport=") => {
            format!("{rest}?{query}")
        }
        Some(_) => format!("{rest}?…"),
        None => rest,
    }
}

/// A query of so few letters hides nothing.
const SHORTEST_SECRET: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(String, String)> {
        let entry: Map<String, Value> = serde_json::from_str(text).expect("JSON");
        refusal(&entry).map(|refusal| (refusal.error, refusal.words))
    }

    fn of_url(url: &str) -> Option<(String, String)> {
        of(&serde_json::json!({ "urls": url, "username": "u", "credential": "p" }).to_string())
    }

    #[test]
    fn what_browsers_take_is_taken() {
        for url in [
            "turn:192.0.2.1:3478",
            "TURN:192.0.2.1:3478",
            " turn:192.0.2.1:3478 ",
            "turn:192.0.2.1?transport=UDP",
            "turns:192.0.2.1:5349?transport=udp",
            "turn:[2001:db8::1]:3478",
            "turn:my_turn.example.org",
            "stun:192.0.2.1",
        ] {
            assert_eq!(of_url(url), None, "{url}");
        }
        assert_eq!(of(r#"{"urls": "stun:192.0.2.1"}"#), None);
        assert_eq!(of(r#"{"url": "turn:192.0.2.1", "username": 12, "credential": 34}"#), None);
        assert_eq!(of(r#"{"urls": "turn:192.0.2.1", "username": "u", "credential": null}"#), None);
    }

    #[test]
    fn what_browsers_refuse_is_refused_in_their_words() {
        for (url, words) in [
            ("turn:192.0.2.1?transport=tls", "ICE server parsing failed: Transport parameter should always be udp or tcp."),
            ("turn:192.0.2.1?foo=bar", "'turn:192.0.2.1?foo=bar' is not a valid stun or turn URL."),
            ("stun:192.0.2.1?transport=udp", "'stun:192.0.2.1?transport=udp' is not a valid stun or turn URL."),
            ("turn://192.0.2.1:3478", "ICE server parsing failed: Invalid hostname format"),
            ("192.0.2.1:3478", "'192.0.2.1:3478' is not a valid URL."),
            ("https://192.0.2.1", "'https://192.0.2.1' is not a valid stun or turn URL."),
            ("turn:192.0.2.1: 3478", "ICE server parsing failed: Invalid port"),
            ("turn:192.0.2.1:3478/", "ICE server parsing failed: Invalid port"),
            ("turn:u@192.0.2.1:3478", "ICE server parsing failed: Invalid url with long deprecated user@host syntax"),
            ("turn:", "ICE server parsing failed: Invalid transport parameter in ICE URI"),
            ("turn:192.0.2.1:0", "ICE server parsing failed: Invalid port"),
            ("turn:192.0.2.1:70000", "ICE server parsing failed: Invalid port"),
            ("turn:2001:db8::1:3478", "ICE server parsing failed: Invalid port"),
            ("turn:192.0.2.1:3478,turn:192.0.2.1:3479", "ICE server parsing failed: Invalid port"),
            ("", "'' is not a valid URL."),
        ] {
            assert_eq!(of_url(url), Some(("SyntaxError".to_owned(), words.to_owned())), "{url}");
        }
        let both = ("InvalidAccessError".to_owned(), BOTH_NEEDED.to_owned());
        for text in [
            r#"{"urls": "turn:192.0.2.1", "username": "u", "password": "p"}"#,
            r#"{"urls": "turn:192.0.2.1", "userName": "u", "credential": "p"}"#,
            r#"{"urls": ["stun:192.0.2.1", "turn:192.0.2.1"]}"#,
        ] {
            assert_eq!(of(text), Some(both.clone()), "{text}");
        }
        for (text, error) in [
            (r#"{"urls": [], "username": "u", "credential": "p"}"#, "SyntaxError"),
            (r#"{"username": "u", "credential": "p"}"#, "TypeError"),
            (r#"{"urls": "turn:192.0.2.1", "username": "u", "credential": ""}"#, "InvalidAccessError"),
        ] {
            assert_eq!(of(text).map(|refusal| refusal.0).as_deref(), Some(error), "{text}");
        }
    }

    #[test]
    fn a_login_in_a_url_is_not_shown() {
        assert_eq!(shown("turn:alice:secret@turn.example.org"), "turn:…@turn.example.org");
        assert_eq!(shown("turn:turn.example.org?credential=secret"), "turn:turn.example.org?…");
        assert_eq!(shown("turn:turn.example.org?transport=tls"), "turn:turn.example.org?transport=tls");
        assert_eq!(shown("wonderland-1865"), "…");
        assert_eq!(shown("192.0.2.1:3478"), "192.0.2.1:3478");
    }
}
