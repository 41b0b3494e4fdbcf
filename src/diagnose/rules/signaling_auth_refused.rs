//! `signaling-auth-refused`: the gateway doesn't accept the login.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::signaling::foreign_status;
use crate::model::cause::{Cause, Group};
use crate::model::fact::EngineEnd;
use crate::model::finding::{Confidence, Level, Place};

/// The code of Engine.IO for a request that the server's own check refused.
const FORBIDDEN: u8 = 4;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "signaling-auth-refused",
        group: Group::Signaling,
        level: Level::Fail,
        title: "the signaling server refuses the login",
        meaning: "The signaling server answers and doesn't let the user in: the token is wrong, expired, or for another environment, or it \
                  is sent in another field than the server reads.",
        impact: "No call can be set up by such a user: the connection to the signaling server is refused.",
        proof: "The server answers the connection by connect_error with its message, or the handshake by 401, 403 or Engine.IO's code 4.",
        look_alikes: "signaling-namespace-refused: there the server says that it has no such namespace.",
        remedy: "Give a valid token in the field that the server reads, and check the server's own rules on origins and addresses.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let signaling = evidence.signaling();
    let refused: Vec<_> = signaling.refusals(false).collect();
    if let Some((first, message)) = refused.first() {
        let who = match refused.as_slice() {
            [(one, _)] => format!("the {}", one.fact.role.name()),
            _ => "both peers".to_owned(),
        };
        let why = if message.is_empty() { "without a reason".to_owned() } else { format!("with \"{message}\"") };
        let found = Found::new(&RULE.cause, format!("The signaling server at {} refuses {who} {why}.", first.target))
            .because(refused.iter().map(|(seen, _)| seen.cite()));
        let text = if first.fact.auth {
            "Get a fresh token of that user from the application, and check in which field of auth the server reads it."
        } else {
            "Give the user's login: nothing was sent to log in with."
        };
        return found.fix_by(Place::Application, text, "caller.auth = { token_env = \"CALLER_TOKEN\" }").done();
    }
    let Some(engine) = signaling.failed_engine() else { return Judgement::ruled_out_by(signaling.cite_let_in()) };
    let place = engine.target;
    let text = "Check the login in headers and query, and the server's allowRequest and the proxy's rules on addresses.";
    let found = if let EngineEnd::Error { code: FORBIDDEN, message } = &engine.fact.end {
        let summary = format!("The signaling server at {place} refuses the connection itself: \"{message}\" (code {FORBIDDEN}).");
        Found::new(&RULE.cause, summary)
    } else if let Some(status @ (401 | 403 | 407)) = foreign_status(&engine) {
        let summary =
            format!("The signaling server at {place}, or a proxy before it, refuses the connection with status {status}.");
        let found = Found::new(&RULE.cause, summary).confidence(Confidence::Likely);
        found.unless("signaling-wrong-path", "open the path in a browser: some proxies answer 403 to a path they don't know")
    } else {
        return Judgement::Unknown;
    };
    found.because([engine.cite()]).fix(Place::Signaling, text).done()
}
