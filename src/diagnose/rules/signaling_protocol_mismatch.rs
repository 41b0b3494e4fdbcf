//! `signaling-protocol-mismatch`: the gateway speaks Engine.IO, but not the version or the transport that clients begin with.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::{EngineEnd, EngineTransport};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "signaling-protocol-mismatch",
        group: Group::Signaling,
        level: Level::Fail,
        title: "the signaling server speaks another version",
        meaning: "The server and Socket.IO 3 and 4 clients have no protocol in common: it runs Socket.IO 2, or refuses the version, or does \
                  not offer the transport that clients begin with.",
        impact: "No call can be set up: clients and the signaling server don't understand each other.",
        proof: "The handshake is answered by a session of Engine.IO 3, or by Engine.IO's code 5 (version) or 0 (transport).",
        look_alikes: "signaling-websocket-blocked: there the server offers WebSocket, and something before it doesn't let it through.",
        remedy: "Run the same major version of Socket.IO on both sides, and name the server's transports in the client.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let signaling = evidence.signaling();
    let Some(engine) = signaling.failed_engine() else { return Judgement::ruled_out_by(signaling.cite_open()) };
    let place = engine.target;
    let transport = engine.fact.transport;
    let other = match transport {
        EngineTransport::Polling => EngineTransport::Websocket,
        EngineTransport::Websocket => EngineTransport::Polling,
    };
    let (what, text, command) = match &engine.fact.end {
        EngineEnd::Older => (
            "speaks Engine.IO 3, that of Socket.IO 2, which no client of version 3 or 4 understands".to_owned(),
            "Update the server to Socket.IO 4; allowEIO3 there still serves old clients.",
            "npm install socket.io@4".to_owned(),
        ),
        EngineEnd::Error { code: 0, .. } => (
            format!("does not offer {}, by which clients begin", transport.title()),
            "Have the clients use the transport that the server offers, or let it offer both.",
            format!("transports = \"{}\"", other.name()),
        ),
        EngineEnd::Error { code: 5, message } => (
            format!("refuses version 4 of Engine.IO: \"{message}\""),
            "Run the same major version of Socket.IO on the server as in the clients.",
            "npm ls socket.io engine.io".to_owned(),
        ),
        EngineEnd::Error { code: code @ 1..=3, message } => (
            format!("answers the handshake by Engine.IO's error {code}, \"{message}\""),
            "Compare the request with what arrives at the server: something on the way changes it.",
            "DEBUG=engine* node server.js".to_owned(),
        ),
        EngineEnd::Open { .. }
        | EngineEnd::Error { .. }
        | EngineEnd::Page
        | EngineEnd::Foreign
        | EngineEnd::Stalled
        | EngineEnd::NotWebsocket
        | EngineEnd::Closed
        | EngineEnd::Silent
        | EngineEnd::NotHttp { .. } => return Judgement::Unknown,
    };
    let found = Found::new(&RULE.cause, format!("The signaling server at {place} {what}.")).because([engine.cite()]);
    found.fix_by(Place::Signaling, text, command).done()
}
