//! What the first answers of an Engine.IO endpoint say, read without its client, which only knows success and failure.
//!
//! Engine.IO 4: `GET …?EIO=4&transport=polling` is answered by `0{"sid":…}`, or by an error in JSON with one of six codes.

use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use super::gateway::{Gateway, Scrubber};
use super::websocket;
use crate::model::fact::{EngineEnd, EngineTransport};

/// The version of the protocol; Socket.IO 3 and 4 speak it.
const VERSION: u8 = 4;

/// The body of a request that asks for nothing: a pong, which every server of the protocol takes.
pub const PONG: &str = "3";

/// The body of the request that ends a session.
pub const CLOSE: &str = "1";

/// The code of an unknown session.
const SESSION_UNKNOWN: u8 = 1;

/// What an answer to a handshake comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// How the handshake ended.
    pub end: EngineEnd,
    /// The session, where one was opened.
    pub sid: Option<String>,
}

impl Opening {
    /// An end without a session.
    #[must_use]
    pub fn of(end: EngineEnd) -> Self {
        Self { end, sid: None }
    }
}

/// The target of a request, `/socket.io/?EIO=4&transport=polling`, within a session or to open one.
#[must_use]
pub fn target(gateway: &Gateway, transport: EngineTransport, sid: Option<&str>) -> String {
    let mut target = gateway.target();
    target.push(if target.contains('?') { '&' } else { '?' });
    let sid = sid.map_or_else(String::new, |sid| format!("&sid={}", byte_serialize(sid.as_bytes()).collect::<String>()));
    format!("{target}EIO={VERSION}&transport={}{sid}", transport.name())
}

/// Reads the answer to a handshake by polling, or to an upgrade that was not accepted.
#[must_use]
pub fn read_answer(status: u16, body: &[u8], scrubber: &Scrubber) -> Opening {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if status == 200 {
        if let Some(opened) = text.strip_prefix('0').and_then(read_open) {
            return opened;
        }
        if is_older(body, text) {
            return Opening::of(EngineEnd::Older);
        }
    }
    if let Some((code, message)) = read_error(text) {
        return Opening::of(EngineEnd::Error { code, message: scrubber.quote(&message) });
    }
    Opening::of(if is_page(text) { EngineEnd::Page } else { EngineEnd::Foreign })
}

/// Reads the head of the answer to an upgrade: whether WebSocket was accepted for this key.
#[must_use]
pub fn accepts_websocket(status: u16, accept: Option<&str>, key: &str) -> bool {
    status == 101 && accept.is_some_and(|accept| accept.trim() == websocket::accept_for(key))
}

/// Reads the first message of a WebSocket.
#[must_use]
pub fn read_message(text: &str) -> Opening {
    match text.strip_prefix('0').and_then(read_open) {
        Some(opened) => opened,
        None if text.starts_with("0{") => Opening::of(EngineEnd::Older),
        None => Opening::of(EngineEnd::Foreign),
    }
}

/// Whether a request of a session was answered by a server that doesn't know it.
#[must_use]
pub fn is_session_unknown(body: &[u8]) -> bool {
    read_error(&String::from_utf8_lossy(body)).is_some_and(|(code, _)| code == SESSION_UNKNOWN)
}

/// `{"sid":…,"upgrades":…,"pingInterval":…,"maxPayload":…}`; older protocols lack `maxPayload`, which came with version 4.
fn read_open(json: &str) -> Option<Opening> {
    let open: Value = serde_json::from_str(json).ok()?;
    let sid = open.get("sid")?.as_str()?.to_owned();
    let upgrades = open.get("upgrades").and_then(Value::as_array);
    let offers_websocket = upgrades.is_some_and(|upgrades| upgrades.iter().any(|upgrade| upgrade == "websocket"));
    Some(Opening { end: EngineEnd::Open { offers_websocket }, sid: Some(sid) })
}

/// Up to version 3 a body is a list of packets with their lengths: `96:0{"sid":…}`, or the same in bytes up to 0xFF.
fn is_older(body: &[u8], text: &str) -> bool {
    let by_text = text.split_once(':').is_some_and(|(length, packet)| {
        !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()) && packet.starts_with("0{")
    });
    let by_bytes = matches!(body.first(), Some(0 | 1)) && body.iter().take(12).any(|byte| *byte == 0xFF);
    by_text || by_bytes
}

/// `{"code":1,"message":"Session ID unknown"}`; some servers write the code as a text.
fn read_error(text: &str) -> Option<(u8, String)> {
    let error: Value = serde_json::from_str(text).ok()?;
    let code = match error.get("code")? {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let code = u8::try_from(code).ok().filter(|code| *code <= 5)?;
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    Some((code, message.to_owned()))
}

fn is_page(text: &str) -> bool {
    let start: String = text.chars().take(64).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype") || start.starts_with("<html") || start.starts_with("<head") || start.starts_with("<?xml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::Secret;

    fn read(status: u16, body: &str) -> EngineEnd {
        read_answer(status, body.as_bytes(), &Scrubber::default()).end
    }

    #[test]
    fn a_handshake_opens_a_session() {
        let body = r#"0{"sid":"abc-1","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
        let opened = read_answer(200, body.as_bytes(), &Scrubber::default());
        assert_eq!(opened, Opening { end: EngineEnd::Open { offers_websocket: true }, sid: Some("abc-1".to_owned()) });
        assert_eq!(read(200, r#"0{"sid":"a","upgrades":[]}"#), EngineEnd::Open { offers_websocket: false });
        assert_eq!(read_message(r#"0{"sid":"a"}"#).sid.as_deref(), Some("a"));
        assert_eq!(read_message("hello").end, EngineEnd::Foreign);
    }

    #[test]
    fn a_handshake_of_an_older_protocol_is_known() {
        assert_eq!(read(200, r#"85:0{"sid":"a","upgrades":["websocket"],"pingInterval":25000}2:40"#), EngineEnd::Older);
        let bytes = [&[0, 8, 5, 0xFF], &br#"0{"sid":"a"}"#[..]].concat();
        assert_eq!(read_answer(200, &bytes, &Scrubber::default()).end, EngineEnd::Older);
        assert_eq!(read(200, "10:55 is the time"), EngineEnd::Foreign);
    }

    #[test]
    fn an_error_has_its_code_as_a_number_or_a_text() {
        let error = |code, message: &str| EngineEnd::Error { code, message: message.to_owned() };
        assert_eq!(read(400, r#"{"code":0,"message":"Transport unknown"}"#), error(0, "Transport unknown"));
        assert_eq!(read(400, r#"{"code":"1","message":"Session ID unknown"}"#), error(1, "Session ID unknown"));
        assert_eq!(read(403, r#"{"code":4,"message":"Forbidden"}"#), error(4, "Forbidden"));
        for foreign in [r#"{"code":404,"message":"Not found"}"#, r#"{"error":"nope"}"#, "", "Cannot GET /socket.io/", "0", "0{"] {
            assert_eq!(read(404, foreign), EngineEnd::Foreign, "{foreign}");
        }
        assert!(is_session_unknown(br#"{"code":1,"message":"Session ID unknown"}"#));
        assert!(!is_session_unknown(b"ok"));
    }

    #[test]
    fn a_page_is_told_from_other_answers() {
        assert_eq!(read(200, "\n<!DOCTYPE html><title>Chat</title>"), EngineEnd::Page);
        assert_eq!(read(502, "<html><h1>502 Bad Gateway</h1>"), EngineEnd::Page);
        assert_eq!(read(200, "ok"), EngineEnd::Foreign);
    }

    #[test]
    fn the_target_has_the_configured_query_first() {
        let gateway = Gateway::new("http://h").expect("a right URL").with_query("key", Secret::new("a&b"));
        let target = target(&gateway, EngineTransport::Websocket, Some("x/1"));
        assert_eq!(target, "/socket.io/?key=a%26b&EIO=4&transport=websocket&sid=x%2F1");
    }
}
