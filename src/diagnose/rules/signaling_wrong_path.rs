//! `signaling-wrong-path`: a server answers, and not by Engine.IO.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::signaling::foreign_status;
use crate::model::cause::{Cause, Group};
use crate::model::fact::EngineEnd;
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "signaling-wrong-path",
        group: Group::Signaling,
        level: Level::Fail,
        title: "the signaling server is not at this path",
        meaning: "Something answers at the signaling server's address, but what it says is no Engine.IO handshake: 404, a redirection, or \
                  a web page. The path differs from the server's, or the proxy passes it to something else, often to the \
                  application's own page.",
        impact: "No call can be set up: clients never get a connection to the signaling server.",
        proof: "The handshake at the configured path is answered by a status below 500 without the session that Engine.IO opens.",
        look_alikes: "signaling-unreachable: there nothing answers, or a proxy says that the server is down.",
        remedy: "Set the path to that of the server, /socket.io/ by default, and pass it on in the proxy.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let signaling = evidence.signaling();
    let Some(engine) = signaling.failed_engine() else { return Judgement::ruled_out_by(signaling.cite_open()) };
    let status = foreign_status(&engine).filter(|status| *status < 500 && !matches!(status, 401 | 403 | 407));
    let is_wrong_upgrade = engine.fact.end == EngineEnd::NotWebsocket;
    let (place, path) = (engine.target, &engine.fact.path);
    let what = match (status, &engine.fact.end) {
        (Some(status @ 300..400), _) => format!("redirects it (status {status})"),
        (Some(200..300), EngineEnd::Page) => "answers it by a web page".to_owned(),
        (Some(status), EngineEnd::Page) => format!("answers it by a page with status {status}"),
        (Some(status), _) => format!("answers it by status {status}"),
        (None, _) if is_wrong_upgrade => "answers its upgrade by something else than WebSocket".to_owned(),
        (None, _) => return Judgement::Unknown,
    };
    let summary = format!("There is no Socket.IO endpoint at {place}{path}: the server there {what}.");
    Found::new(&RULE.cause, summary)
        .because([engine.cite()])
        .fix(
            Place::Application,
            format!("Set signaling.path to the path of the server's option \"path\"; {path} is what was asked."),
        )
        .fix_by(Place::Signaling, "Or pass the path on to the signaling server in the proxy, nginx for instance.", location(path))
        .done()
}

/// What a proxy needs to pass a path on.
#[must_use]
pub fn location(path: &str) -> String {
    format!(
        "location {path} {{ proxy_pass http://127.0.0.1:3000; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
         proxy_set_header Connection \"upgrade\"; proxy_set_header Host $host; }}"
    )
}
