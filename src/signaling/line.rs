//! One connection to a gateway as the call sees it: events out, events in, and how it stands.

use async_trait::async_trait;
use serde_json::Value;

/// A connection to a gateway. What the network or the gateway does is a value, never an error.
#[async_trait(?Send)]
pub trait Line {
    /// Sends an event; before the gateway has let this side in, it waits for that as long as is reasonable.
    async fn emit(&self, event: &str, payload: Value) -> Emitted;

    /// Waits for what comes next; for ever where nothing can come any more. Nothing is lost where the wait is given up.
    async fn next(&mut self) -> Incoming;

    /// How many events were thrown away since too many came, or too large ones.
    fn dropped(&self) -> u32;

    /// Says goodbye.
    async fn close(self: Box<Self>);
}

/// What became of an event that was to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Emitted {
    /// It was handed to the connection. An answer to it comes as [`Incoming::Acknowledged`].
    Sent,
    /// There was no connection to send it on.
    NotConnected,
    /// The connection did not take it.
    Failed {
        /// The library's words.
        why: String,
    },
}

/// What comes over a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// The gateway let this side into the namespace.
    Connected,
    /// The gateway refused to let this side in (`connect_error`).
    Refused {
        /// The gateway's words.
        message: String,
        /// What it says beside them.
        data: Option<Value>,
    },
    /// An event.
    Event {
        /// Its name.
        name: String,
        /// Its payload: the first argument, or all of them in a list where there are several.
        payload: Value,
        /// The size of the payload as JSON, in bytes.
        bytes: usize,
    },
    /// The answer to an event that this side sent.
    Acknowledged {
        /// The name of that event.
        event: String,
        /// The answer.
        payload: Value,
        /// Its size as JSON, in bytes.
        bytes: usize,
    },
    /// The connection broke; it may come back.
    Lost {
        /// The library's words.
        why: String,
    },
    /// The connection came back, and the gateway let this side in again.
    Reconnected,
    /// The gateway ended the connection on purpose.
    ClosedByServer,
}

/// The size of a payload as JSON, in bytes.
#[must_use]
pub fn size(payload: &Value) -> usize {
    payload.to_string().len()
}
