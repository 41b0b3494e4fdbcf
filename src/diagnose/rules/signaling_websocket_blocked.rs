//! `signaling-websocket-blocked`: polling works and the upgrade to WebSocket doesn't.

use super::signaling_wrong_path::location;
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::signaling::is_open;
use crate::model::cause::{Cause, Group};
use crate::model::fact::{EngineEnd, EngineFact, EngineTransport};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "signaling-websocket-blocked",
        group: Group::Signaling,
        level: Level::Warn,
        title: "WebSocket does not get through to the signaling server",
        meaning: "The signaling server can be reached by polling, and its WebSocket can't: most often a proxy before it does not pass the \
                  headers of the upgrade on, or a firewall holds upgrades back.",
        impact: "Clients stay on polling: every event takes a request of its own, calls are set up later, and clients that use WebSocket \
                 alone can't call.",
        proof: "A session opens by polling, and the upgrade to WebSocket at the same address is refused, ignored or never answered.",
        look_alikes: "signaling-not-sticky: there upgrades of a session fail by chance, since another server gets them.",
        remedy: "Pass the Upgrade and Connection headers on in the proxy, over HTTP/1.1.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let signaling = evidence.signaling();
    let Some(websocket) = signaling.engine(EngineTransport::Websocket).filter(|seen| seen.fact.wanted) else {
        return Judgement::Unknown;
    };
    if is_open(&websocket) {
        return Judgement::ruled_out_by(vec![websocket.cite()]);
    }
    let Some(polling) = signaling.engine(EngineTransport::Polling).filter(is_open) else { return Judgement::Unknown };
    let (place, path) = (websocket.target, &websocket.fact.path);
    let summary =
        format!("WebSocket does not get through to the signaling server at {place}, although polling does: {}.", why(&websocket));
    let found = Found::new(&RULE.cause, summary).because([websocket.cite(), polling.cite()]);
    let found = if polling.fact.wanted {
        found
    } else {
        let impact = "No call can be set up: clients use WebSocket alone, and never get a connection to the signaling server.";
        found.level(Level::Fail).impact(impact)
    };
    let is_off = matches!(websocket.fact.end, EngineEnd::Error { code: 0, .. });
    if is_off {
        let text = "Let the signaling server offer WebSocket beside polling.";
        return found.fix_by(Place::Signaling, text, "new Server(http, { transports: [\"polling\", \"websocket\"] })").done();
    }
    let text = "Pass the headers of the upgrade on in the proxy before the signaling server, nginx for instance.";
    found.fix_by(Place::Signaling, text, location(path)).done()
}

fn why(websocket: &Seen<'_, EngineFact>) -> String {
    let status = websocket.fact.status.map_or_else(|| "no status".to_owned(), |status| format!("status {status}"));
    match &websocket.fact.end {
        EngineEnd::Error { code: 0, .. } => "the server has it switched off (code 0)".to_owned(),
        EngineEnd::Error { code: 3, .. } => "the server never sees the headers of the upgrade (code 3)".to_owned(),
        EngineEnd::Error { code, message } => format!("the upgrade is refused with \"{message}\" (code {code})"),
        EngineEnd::Stalled => "the upgrade is accepted, and then nothing comes".to_owned(),
        EngineEnd::NotWebsocket => "the upgrade is answered by something else than WebSocket".to_owned(),
        EngineEnd::Closed => "the connection is closed in place of an answer".to_owned(),
        EngineEnd::Silent => "the upgrade is never answered".to_owned(),
        EngineEnd::Open { .. } | EngineEnd::Older | EngineEnd::Page | EngineEnd::Foreign | EngineEnd::NotHttp { .. } => {
            format!("the upgrade is refused with {status}")
        }
    }
}
