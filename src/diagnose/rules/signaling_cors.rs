//! `signaling-cors`: a browser won't let the application's page read the gateway's answers.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::signaling::is_open;
use crate::model::cause::{Cause, Group};
use crate::model::fact::EngineTransport;
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "signaling-cors",
        group: Group::Signaling,
        level: Level::Warn,
        title: "the signaling server does not allow the application's origin",
        meaning: "The page of the application comes from another origin than the signaling server, and the server's answers lack the header \
                  that lets such a page read them.",
        impact: "Browsers block polling from that page, so clients that begin by polling can't call; apps and WebSocket alone are not \
                 affected.",
        proof: "The answer to a handshake with that Origin has no Access-Control-Allow-Origin that names it.",
        look_alikes: "A proxy that strips the header looks the same: compare with an answer taken from the server itself.",
        remedy: "Name the origin in the server's option cors.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let Some(polling) = evidence.signaling().engine(EngineTransport::Polling).filter(|seen| is_open(seen) && seen.fact.wanted)
    else {
        return Judgement::Unknown;
    };
    let Some(origin) = &polling.fact.origin else { return Judgement::Unknown };
    let place = polling.target;
    let says = match polling.fact.allowed_origin.as_deref() {
        // A page of the same origin needs no leave.
        _ if origin == place => return Judgement::ruled_out_by(vec![polling.cite()]),
        Some(allowed) if allowed == "*" || allowed == origin => return Judgement::ruled_out_by(vec![polling.cite()]),
        Some(allowed) => format!("allows {allowed} alone"),
        None => "allows no other origin".to_owned(),
    };
    let summary = format!("Pages from {origin} can't use polling with the signaling server at {place}, which {says}.");
    let command = format!("new Server(http, {{ cors: {{ origin: \"{origin}\", credentials: true }} }})");
    Found::new(&RULE.cause, summary)
        .because([polling.cite()])
        .fix_by(Place::Signaling, "Name the origin in the signaling server's options.", command)
        .done()
}
