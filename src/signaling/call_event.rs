//! The call's events in their many shapes: composed as browsers send them, read as gateways and other clients send them.

use serde_json::{Map, Value, json};

use super::gateway::{Events, Keys, Scrubber};
use super::line::Incoming;
use crate::model::call::TrickledCandidate;

/// The name by which a framework reports exceptions, whatever the gateway calls its own errors.
const EXCEPTION: &str = "exception";

/// The name of a chat: a text or a number, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatId(Value);

impl ChatId {
    /// A name as it is configured.
    #[must_use]
    pub fn new(id: impl Into<Value>) -> Self {
        Self(id.into())
    }
}

impl std::fmt::Display for ChatId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_str() {
            Some(text) => formatter.write_str(text),
            None => self.0.fmt(formatter),
        }
    }
}

/// What a call hears from its gateway.
#[derive(Clone, Debug, PartialEq)]
pub enum CallEvent {
    /// The gateway let this side in.
    Connected,
    /// The gateway let this side in again after a loss.
    Reconnected,
    /// The gateway refused to let this side in.
    Refused {
        /// The gateway's words.
        message: String,
        /// What it says beside them.
        data: Option<Value>,
    },
    /// The connection broke; it may come back.
    Lost {
        /// The library's words.
        why: String,
    },
    /// The gateway ended the connection on purpose.
    ClosedByServer,
    /// Somebody calls.
    Offer {
        /// In which chat.
        chat_id: Option<ChatId>,
        /// The offer's SDP.
        sdp: String,
        /// Who calls.
        caller_id: Option<String>,
    },
    /// The callee answers.
    Answer {
        /// In which chat.
        chat_id: Option<ChatId>,
        /// The answer's SDP.
        sdp: String,
    },
    /// A candidate of the other side.
    Candidate {
        /// In which chat.
        chat_id: Option<ChatId>,
        /// The candidate; none stands for the end of them.
        candidate: Option<TrickledCandidate>,
    },
    /// The call was ended.
    Ended {
        /// In which chat.
        chat_id: Option<ChatId>,
        /// Why, where the gateway says so.
        reason: Option<String>,
    },
    /// The gateway refuses something, by an event or by the answer to one.
    Error {
        /// In which chat.
        chat_id: Option<ChatId>,
        /// The gateway's words.
        message: String,
    },
    /// An event of the call without what makes it one: an offer without SDP.
    Malformed {
        /// Its name.
        event: String,
    },
    /// Anything else that came.
    Other {
        /// Its name.
        event: String,
    },
}

/// An offer or answer as browsers send it.
#[must_use]
pub fn description(kind: &str, sdp: &str) -> Value {
    json!({ "type": kind, "sdp": sdp })
}

/// A candidate as browsers send it.
#[must_use]
pub fn candidate(candidate: &TrickledCandidate) -> Value {
    json!({
        "candidate": candidate.candidate,
        "sdpMid": candidate.sdp_mid,
        "sdpMLineIndex": candidate.sdp_m_line_index,
    })
}

/// The payload of an event: the chat, and one more field.
#[must_use]
pub fn payload(keys: &Keys, chat_id: &ChatId, key: &str, value: Value) -> Value {
    let mut fields = Map::new();
    fields.insert(keys.chat_id.clone(), chat_id.0.clone());
    fields.insert(key.to_owned(), value);
    Value::Object(fields)
}

/// Reads what came.
#[must_use]
pub fn read(incoming: Incoming, events: &Events, keys: &Keys, scrubber: &Scrubber) -> CallEvent {
    match incoming {
        Incoming::Connected => CallEvent::Connected,
        Incoming::Reconnected => CallEvent::Reconnected,
        Incoming::Refused { message, data } => CallEvent::Refused { message, data },
        Incoming::Lost { why } => CallEvent::Lost { why },
        Incoming::ClosedByServer => CallEvent::ClosedByServer,
        Incoming::Acknowledged { event, payload, .. } => acknowledgement(event, &payload, keys, scrubber),
        Incoming::Event { name, payload, .. } => read_event(name, &payload, events, keys, scrubber),
    }
}

fn read_event(event: String, payload: &Value, events: &Events, keys: &Keys, scrubber: &Scrubber) -> CallEvent {
    let chat_id = chat_of(payload, keys);
    // Some gateways pass the caller's event on by its own name.
    if event == events.offer || event == events.initiate {
        let caller_id = text_of(payload.get(&keys.caller_id));
        return match sdp_of(payload, &keys.offer) {
            Some(sdp) => CallEvent::Offer { chat_id, sdp, caller_id },
            None => CallEvent::Malformed { event },
        };
    }
    if event == events.answer {
        return match sdp_of(payload, &keys.answer) {
            Some(sdp) => CallEvent::Answer { chat_id, sdp },
            None => CallEvent::Malformed { event },
        };
    }
    if event == events.ice_candidate {
        return CallEvent::Candidate { chat_id, candidate: candidate_of(payload, &keys.candidate) };
    }
    if event == events.end {
        let reason = text_of(payload.get("reason")).or_else(|| payload.as_str().map(str::to_owned));
        return CallEvent::Ended { chat_id, reason: reason.map(|reason| scrubber.quote(&reason)) };
    }
    if event == events.error || event == EXCEPTION {
        let message = message_of(payload).unwrap_or_else(|| "no reason given".to_owned());
        return CallEvent::Error { chat_id, message: scrubber.quote(&message) };
    }
    CallEvent::Other { event }
}

/// An answer of `{ok: false}`, or with nothing but an error in it, is a refusal.
fn acknowledgement(event: String, payload: &Value, keys: &Keys, scrubber: &Scrubber) -> CallEvent {
    let says = |key: &str| payload.get(key).and_then(Value::as_bool);
    let failed = payload.get("status").and_then(Value::as_str) == Some("error")
        || says("ok").is_none() && says("success").is_none() && payload.get("error").is_some_and(|error| !error.is_null());
    if says("ok") != Some(false) && says("success") != Some(false) && !failed {
        return CallEvent::Other { event };
    }
    let message = message_of(payload).unwrap_or_else(|| format!("{event} was refused without a reason"));
    CallEvent::Error { chat_id: chat_of(payload, keys), message: scrubber.quote(&message) }
}

fn chat_of(payload: &Value, keys: &Keys) -> Option<ChatId> {
    let id = payload.get(&keys.chat_id)?;
    (id.is_string() || id.is_number()).then(|| ChatId(id.clone()))
}

fn text_of(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A description under its key or in the payload itself: `{type, sdp}`, its JSON, or the bare SDP.
fn sdp_of(payload: &Value, key: &str) -> Option<String> {
    let described = payload.get(key).filter(|value| !value.is_null()).unwrap_or(payload);
    let within = |object: &Value| object.get("sdp").and_then(Value::as_str).map(str::to_owned);
    let sdp = match described.as_str() {
        Some(text) => serde_json::from_str::<Value>(text).map_or_else(|_| Some(text.to_owned()), |json| within(&json)),
        None => within(described),
    };
    sdp.filter(|sdp| !sdp.trim().is_empty())
}

/// A candidate under its key, as an object or a bare line with the rest beside it; null and empty ones are the end of them.
fn candidate_of(payload: &Value, key: &str) -> Option<TrickledCandidate> {
    let given = payload.get(key)?;
    let (line, beside) = match given.as_str() {
        Some(line) => (line, payload),
        None => (given.get("candidate")?.as_str()?, given),
    };
    let line = line.strip_prefix("a=").unwrap_or(line).trim();
    if line.is_empty() {
        return None;
    }
    let index = beside.get("sdpMLineIndex").and_then(Value::as_u64).and_then(|index| u16::try_from(index).ok());
    Some(TrickledCandidate { candidate: Some(line.to_owned()), sdp_mid: text_of(beside.get("sdpMid")), sdp_m_line_index: index })
}

/// The words of an error: a text, a list of them, or either under the usual names.
fn message_of(payload: &Value) -> Option<String> {
    match payload {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(message_of).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        Value::Object(fields) => ["message", "error", "reason"].iter().find_map(|key| fields.get(*key).and_then(message_of)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_named(name: &str, payload: Value) -> CallEvent {
        let incoming = Incoming::Event { name: name.to_owned(), payload, bytes: 0 };
        read(incoming, &Events::default(), &Keys::default(), &Scrubber::default())
    }

    #[test]
    fn an_offer_is_read_in_every_shape() {
        let shapes = [
            json!({"chatId": 42, "offer": {"type": "offer", "sdp": "v=0"}, "callerId": 7}),
            json!({"chatId": 42, "offer": "v=0", "callerId": "7"}),
            json!({"chatId": 42, "offer": "{\"type\":\"offer\",\"sdp\":\"v=0\"}", "callerId": "7"}),
            json!({"chatId": 42, "type": "offer", "sdp": "v=0", "callerId": "7"}),
        ];
        for shape in shapes {
            let offer =
                CallEvent::Offer { chat_id: Some(ChatId::new(42)), sdp: "v=0".to_owned(), caller_id: Some("7".to_owned()) };
            assert_eq!(read_named("call:offer", shape), offer);
        }
        for shape in [Value::Null, json!({"offer": null}), json!({"offer": {"type": "offer"}}), json!({"offer": ""}), json!("")] {
            let malformed = CallEvent::Malformed { event: "call:offer".to_owned() };
            assert_eq!(read_named("call:offer", shape.clone()), malformed, "{shape}");
        }
    }

    #[test]
    fn a_candidate_is_read_in_every_shape() {
        let line = "candidate:1 1 udp 1 203.0.113.7 50000 typ host";
        let read = |payload: Value| {
            let CallEvent::Candidate { candidate, .. } = read_named("call:ice-candidate", payload) else { panic!("a candidate") };
            candidate
        };
        let whole = json!({"candidate": {"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "x"}});
        let expected =
            TrickledCandidate { candidate: Some(line.to_owned()), sdp_mid: Some("0".to_owned()), sdp_m_line_index: Some(0) };
        assert_eq!(read(whole), Some(expected.clone()));
        assert_eq!(read(json!({"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0})), Some(expected));
        let bare = TrickledCandidate { candidate: Some(line.to_owned()), ..TrickledCandidate::default() };
        assert_eq!(read(json!({"candidate": {"candidate": format!("a={line}"), "sdpMid": null}})), Some(bare));
        for end in [Value::Null, json!(""), json!({}), json!({"candidate": ""}), json!({"candidate": null})] {
            assert_eq!(read(json!({"candidate": end})), None, "{end}");
        }
        assert_eq!(read(Value::Null), None);
    }

    #[test]
    fn refusals_come_by_events_exceptions_and_answers() {
        let message = |event: CallEvent| if let CallEvent::Error { message, .. } = event { Some(message) } else { None };
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(message(read_named("call:error", json!({"chatId": "42", "message": "busy"}))), said("busy"));
        assert_eq!(message(read_named("exception", json!({"status": "error", "message": ["a", "b"]}))), said("a; b"));
        assert_eq!(message(read_named("call:error", Value::Null)), said("no reason given"));
        let answer = |payload: Value| {
            let incoming = Incoming::Acknowledged { event: "call:initiate".to_owned(), payload, bytes: 0 };
            message(read(incoming, &Events::default(), &Keys::default(), &Scrubber::default()))
        };
        assert_eq!(answer(json!({"ok": false, "error": {"message": "no such chat"}})), said("no such chat"));
        assert_eq!(answer(json!({"ok": false})), said("call:initiate was refused without a reason"));
        assert_eq!(answer(json!({"error": "busy"})), said("busy"));
        for granted in [json!({"ok": true}), json!({"ok": true, "error": "none"}), Value::Null, json!("fine")] {
            assert_eq!(answer(granted), None);
        }
    }

    #[test]
    fn an_end_has_its_reason_where_there_is_one() {
        let reason = |payload: Value| {
            let CallEvent::Ended { reason, .. } = read_named("call:end", payload) else { panic!("an end") };
            reason
        };
        assert_eq!(reason(json!({"chatId": "42", "reason": "no-answer"})).as_deref(), Some("no-answer"));
        assert_eq!(reason(json!({"chatId": "42"})), None);
        assert_eq!(reason(Value::Null), None);
    }

    #[test]
    fn a_payload_has_the_configured_names() {
        let keys = Keys { chat_id: "room".to_owned(), ..Keys::default() };
        let sent = payload(&keys, &ChatId::new(42), "sdp", description("offer", "v=0"));
        assert_eq!(sent, json!({"room": 42, "sdp": {"type": "offer", "sdp": "v=0"}}));
    }
}
