//! One side of a call's signaling: it sends the call's events, reads those that come, and tells both to whoever keeps the record.

use std::rc::Rc;

use serde_json::Value;
use tokio::time::Instant;

use super::call_event::{self, CallEvent, ChatId};
use super::gateway::{Events, Gateway, Keys, Scrubber};
use super::line::{Emitted, Incoming, Line, size};
use crate::model::call::{Direction, Role, SignalingEvent, TrickledCandidate};
use crate::model::duration::whole_milliseconds;

/// Hears of every event that is sent or received.
pub type Listener = Rc<dyn Fn(SignalingEvent)>;

/// One side of a call's signaling.
pub struct Conversation {
    line: Box<dyn Line>,
    role: Role,
    events: Events,
    keys: Keys,
    scrubber: Scrubber,
    started: Instant,
    listener: Listener,
}

impl Conversation {
    /// A conversation over a line to a gateway; times count from `started`.
    #[must_use]
    pub fn new(line: Box<dyn Line>, role: Role, gateway: &Gateway, started: Instant, listener: Listener) -> Self {
        Self {
            line,
            role,
            events: gateway.events.clone(),
            keys: gateway.keys.clone(),
            scrubber: gateway.scrubber(),
            started,
            listener,
        }
    }

    /// Calls: the offer goes to the gateway.
    pub async fn initiate(&self, chat_id: &ChatId, sdp: &str) -> Emitted {
        let offer = call_event::description("offer", sdp);
        self.emit(&self.events.initiate, call_event::payload(&self.keys, chat_id, &self.keys.offer, offer)).await
    }

    /// Answers.
    pub async fn answer(&self, chat_id: &ChatId, sdp: &str) -> Emitted {
        let answer = call_event::description("answer", sdp);
        self.emit(&self.events.answer, call_event::payload(&self.keys, chat_id, &self.keys.answer, answer)).await
    }

    /// Sends a candidate to the other side.
    pub async fn candidate(&self, chat_id: &ChatId, candidate: &TrickledCandidate) -> Emitted {
        let candidate = call_event::candidate(candidate);
        self.emit(&self.events.ice_candidate, call_event::payload(&self.keys, chat_id, &self.keys.candidate, candidate)).await
    }

    /// Ends the call.
    pub async fn end(&self, chat_id: &ChatId, reason: &str) -> Emitted {
        self.emit(&self.events.end, call_event::payload(&self.keys, chat_id, "reason", reason.into())).await
    }

    /// Waits for what comes next. Nothing is lost where the wait is given up.
    pub async fn next(&mut self) -> CallEvent {
        let incoming = self.line.next().await;
        match &incoming {
            Incoming::Event { name, bytes, .. } => self.note(Direction::Received, name, *bytes),
            Incoming::Acknowledged { .. }
            | Incoming::Connected
            | Incoming::Refused { .. }
            | Incoming::Lost { .. }
            | Incoming::Reconnected
            | Incoming::ClosedByServer => {}
        }
        call_event::read(incoming, &self.events, &self.keys, &self.scrubber)
    }

    /// How many events were thrown away since too many came, or too large ones.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        self.line.dropped()
    }

    /// Leaves the gateway.
    pub async fn close(self) {
        self.line.close().await;
    }

    async fn emit(&self, event: &str, payload: Value) -> Emitted {
        let bytes = size(&payload);
        let emitted = self.line.emit(event, payload).await;
        if emitted == Emitted::Sent {
            self.note(Direction::Sent, event, bytes);
        }
        emitted
    }

    fn note(&self, direction: Direction, event: &str, bytes: usize) {
        let at_ms = whole_milliseconds(self.started.elapsed());
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let event = self.scrubber.quote(event);
        (self.listener)(SignalingEvent { at_ms, from: self.role, direction, event, bytes });
    }
}
