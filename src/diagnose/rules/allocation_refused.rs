//! `allocation-refused`: a right Allocate is refused by a code that no other cause has.

use super::refusals::{self, Refusal};
use super::refused_credentials;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};
use crate::model::outcome::Outcome;

/// The codes that other causes speak for.
const OTHERS: [u16; 11] = [300, 401, 403, 437, 440, 441, 442, 443, 486, 508, 438];

/// So many local ports, the last one after a pause, are refused by a server that refuses every one.
const EVERY_PORT: u32 = 3;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "allocation-refused",
        group: Group::Authentication,
        level: Level::Fail,
        title: "the server refuses a correct Allocate",
        meaning: "The request is right by the RFC, and the server answers with an error that speaks of none of the usual reasons. Some servers \
                  refuse user names and realms with a space or with characters beyond ASCII; others fail inside.",
        impact: "The server gives no relay, so calls that need one fail.",
        proof: "A correctly signed Allocate is answered by an error such as 400 or 500.",
        look_alikes: "credentials-rejected: pion and servers built on webrtc-rs answer 400 to a wrong password.",
        remedy: "Look into the server's log at that moment; use a user name and a realm of plain ASCII without spaces.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let refused: Vec<_> = refusals::all(evidence).into_iter().filter(|refusal| is_otherwise_unnamed(evidence, refusal)).collect();
    let Some(first) = refused.first() else { return unanswered(evidence) };
    let lost = refusals::endpoints(&refused);
    let place = list(&lost);
    let unusual = refused_credentials::unusual(evidence, first.endpoint);
    let code = first.code;
    let summary = if unusual.is_empty() || !first.signed {
        format!("The server on {place} refuses a correct Allocate with the error {code}{}.", title(code))
    } else {
        format!("The server on {place} refuses a correct Allocate with the error {code}: {}.", refusals::listed(&unusual))
    };
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .because(refusals::cite(&refused))
        .because(refused.iter().filter_map(|refusal| refusal.endpoint.challenge.map(|challenge| challenge.cite())))
        .because(evidence.credentials().filter(|_| !unusual.is_empty()).map(|seen| seen.cite()));
    let found = leave_open(evidence, found, first);
    let found = if unusual.is_empty() || !first.signed {
        found
    } else {
        found.fix(Place::Application, "Use a user name and a password of plain ASCII without spaces.").fix_by(
            Place::Server,
            "Use a realm of plain ASCII without spaces.",
            if evidence.is_coturn() { "realm=example.org" } else { "example.org" },
        )
    };
    if evidence.is_coturn() {
        found
            .fix_by(
                Place::Server,
                "The log says what coturn did not like; verbose makes it tell more.",
                "journalctl -u coturn -n 100",
            )
            .done()
    } else {
        found.fix(Place::Server, "Look into the server's log at the time of this run, and update the server.").done()
    }
}

/// A server that challenges and then says nothing to the signed request has refused it in its way: some crash on it.
fn unanswered(evidence: &Evidence<'_>) -> Judgement {
    let granted = refusals::granted(evidence);
    let gone = |outcome: &Outcome| matches!(outcome, Outcome::Silent | Outcome::Closed | Outcome::Unreachable { .. });
    let mute: Vec<_> = evidence
        .promised()
        .filter_map(|endpoint| endpoint.refusal().map(|refused| (endpoint.endpoint, refused)))
        .filter(|(_, refused)| gone(&refused.fact.reply.outcome))
        .collect();
    if !granted.is_empty() || mute.is_empty() {
        return Judgement::ruled_out_by(granted);
    }
    let lost: Vec<_> = mute.iter().map(|(endpoint, _)| *endpoint).collect();
    let summary =
        format!("The server on {} asks for credentials and then never answers the Allocate that carries them.", list(&lost));
    Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .confidence(Confidence::Likely)
        .because(mute.iter().map(|(_, refused)| refused.cite()))
        .unless("packet-loss", "run callcheck again: what is lost by chance arrives the next time")
        .unless(
            "relay-ports-exhausted",
            "look at the server's load at that moment: coturn 4.6.1 without a port to give tries 65,535 times before it says so",
        )
        .fix(Place::Server, "See whether the server has crashed on it: coturn 4.6.1 does where min-port is above max-port.")
        .fix_by(Place::Server, "Its log and its state tell.", "systemctl status coturn; journalctl -u coturn -n 100")
        .done()
}

fn is_otherwise_unnamed(evidence: &Evidence<'_>, refusal: &Refusal<'_, '_>) -> bool {
    let few_nonces = refusal.code == 438 && refusal.endpoint.refusal().is_none_or(|refused| refused.fact.stale_nonces < 2);
    (!OTHERS.contains(&refusal.code) || few_nonces || is_of_every_port(refusal))
        && !refused_credentials::is_of_credentials(evidence, refusal)
}

/// A single 437 to an Allocate without credentials is about a local port that was used a moment ago; one to the next ports too is not.
fn is_of_every_port(refusal: &Refusal<'_, '_>) -> bool {
    refusal.code == 437 && !refusal.signed && refusal.endpoint.mismatches >= EVERY_PORT
}

fn leave_open(evidence: &Evidence<'_>, found: Found, first: &Refusal<'_, '_>) -> Found {
    if !first.signed && !is_of_every_port(first) {
        let decide = "give credentials, if the server has any: a server without TURN answers so to every Allocate";
        return found.confidence(Confidence::Likely).unless("turn-disabled", decide);
    }
    if first.code == 400 && !evidence.is_coturn() {
        let decide = "try a user name and a password that are known to be right: some servers answer 400 to a wrong password";
        return found.confidence(Confidence::Likely).unless("credentials-rejected", decide);
    }
    found
}

/// What an error code means (RFC 8489 §14.8, RFC 8656 §19).
fn title(code: u16) -> &'static str {
    match code {
        400 => " (bad request)",
        405 => " (method not allowed)",
        420 => " (unknown attribute)",
        437 => " (allocation mismatch), from a new local port too",
        438 => " (stale nonce, without a fresh one)",
        500 => " (server error)",
        _ => "",
    }
}
