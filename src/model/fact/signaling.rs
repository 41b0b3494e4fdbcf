//! The gateway of a call's signaling: its Engine.IO handshakes, and whether it lets a peer in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::call::Role;
use crate::model::outcome::Protocol;

/// An Engine.IO handshake over one transport.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EngineFact {
    /// The path of the endpoint, `/socket.io/`.
    pub path: String,
    /// The transport that was asked for.
    pub transport: EngineTransport,
    /// Whether the configuration has users connect by this transport.
    pub wanted: bool,
    /// How it ended.
    #[serde(flatten)]
    pub end: EngineEnd,
    /// The HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The origin of the page that was named, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The origin that the answer lets read it (`Access-Control-Allow-Origin`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_origin: Option<String>,
    /// From the request to the answer, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
}

/// The transports of Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EngineTransport {
    /// Requests that wait for their answers.
    Polling,
    /// WebSocket.
    Websocket,
}

impl EngineTransport {
    /// The name in Engine.IO's query.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::Websocket => "websocket",
        }
    }

    /// The name that a person reads.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::Websocket => "WebSocket",
        }
    }
}

/// How an Engine.IO handshake ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum EngineEnd {
    /// The gateway opened a session.
    Open {
        /// Whether it offers WebSocket.
        offers_websocket: bool,
    },
    /// The gateway opened a session of an older protocol (Engine.IO 3, Socket.IO 2).
    Older,
    /// The gateway answered by an error of Engine.IO.
    Error {
        /// Its code: 0 transport unknown, 1 session unknown, 2 bad method, 3 bad request, 4 forbidden, 5 version unsupported.
        code: u8,
        /// Its words.
        message: String,
    },
    /// The answer is a web page.
    Page,
    /// The answer is no Engine.IO and no page; the status says the rest.
    Foreign,
    /// The upgrade to WebSocket was accepted, and then nothing came.
    Stalled,
    /// The answer to the upgrade is not WebSocket's, although its status is.
    NotWebsocket,
    /// The connection ended without an answer.
    Closed,
    /// Nothing came.
    Silent,
    /// Something other than HTTP answers.
    NotHttp {
        /// What it looks like.
        speaks: Protocol,
    },
}

/// Further requests of one session, each over a connection of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnginePollsFact {
    /// Requests that were answered.
    pub answered: u32,
    /// Those of them that were answered by "Session ID unknown".
    pub unknown: u32,
}

/// Whether the gateway let a peer into its namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SocketFact {
    /// Which peer.
    pub role: Role,
    /// The namespace.
    pub namespace: String,
    /// Whether there was something to log in with.
    pub auth: bool,
    /// How it ended.
    #[serde(flatten)]
    pub end: SocketEnd,
}

/// How a connection to a namespace ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum SocketEnd {
    /// The gateway let the peer in.
    Connected,
    /// The gateway refused the peer (`connect_error`).
    Refused {
        /// Its words.
        message: String,
    },
    /// The connection broke before.
    Lost {
        /// The library's words.
        why: String,
    },
    /// The gateway ended the connection at once.
    ClosedByServer,
    /// Neither came.
    Silent,
}
