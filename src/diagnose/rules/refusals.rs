//! What the rules on authentication and allocation share: which endpoints refused an Allocate, by which code, and what is left.

use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::Judgement;
use crate::model::asked::Form;
use crate::model::cause::Cause;
use crate::model::endpoint::Endpoint;
use crate::model::fact::RedirectEnd;
use crate::model::finding::Level;

/// An endpoint that refused an Allocate.
pub struct Refusal<'e, 'a> {
    /// The endpoint.
    pub endpoint: &'e EndpointEvidence<'a>,
    /// The error code.
    pub code: u16,
    /// Whether the refused request carried credentials.
    pub signed: bool,
    /// The observations that show it.
    pub evidence: Vec<String>,
}

/// The endpoints that serve users: those that are promised, and those that they are redirected to.
pub fn served<'e, 'a>(evidence: &'e Evidence<'a>) -> impl Iterator<Item = &'e EndpointEvidence<'a>> {
    let promised: Vec<Endpoint> = evidence.promised().map(|endpoint| endpoint.endpoint).collect();
    let arrived = evidence.redirects().filter(|redirect| redirect.fact.end == RedirectEnd::Arrived);
    let alternates: Vec<Endpoint> =
        arrived.filter_map(|redirect| Some(Endpoint::new(redirect.endpoint()?.transport, *redirect.fact.hops.last()?))).collect();
    let serves =
        move |endpoint: &&EndpointEvidence<'a>| promised.contains(&endpoint.endpoint) || alternates.contains(&endpoint.endpoint);
    evidence.endpoints().iter().filter(serves)
}

/// The endpoints that refused an Allocate: one with credentials, or one without for another reason than their absence.
#[must_use]
pub fn all<'e, 'a>(evidence: &'e Evidence<'a>) -> Vec<Refusal<'e, 'a>> {
    served(evidence).filter_map(of_endpoint).collect()
}

/// The endpoints that refused an Allocate by one of these codes.
#[must_use]
pub fn by_code<'e, 'a>(evidence: &'e Evidence<'a>, codes: &[u16]) -> Vec<Refusal<'e, 'a>> {
    // A server that is open to anyone grants the first Allocate; that it refuses this run's next ones for want of room is no fault.
    let open = served(evidence).any(|endpoint| endpoint.challenge.is_some_and(|challenge| challenge.fact.reply.succeeded()));
    let own_doing = |refusal: &Refusal<'e, 'a>| open && !refusal.signed && matches!(refusal.code, 486 | 508);
    all(evidence).into_iter().filter(|refusal| codes.contains(&refusal.code) && !own_doing(refusal)).collect()
}

fn of_endpoint<'e, 'a>(endpoint: &'e EndpointEvidence<'a>) -> Option<Refusal<'e, 'a>> {
    if endpoint.allocation().is_some() {
        return None;
    }
    if let Some(refused) = endpoint.refusal() {
        let code = refused.fact.reply.code()?;
        return Some(Refusal { endpoint, code, signed: true, evidence: vec![refused.cite()] });
    }
    let challenge = endpoint.challenge?;
    let code = challenge.fact.reply.code().filter(|code| *code != 401)?;
    Some(Refusal { endpoint, code, signed: false, evidence: vec![challenge.cite()] })
}

/// The endpoints of some refusals.
#[must_use]
pub fn endpoints(refusals: &[Refusal<'_, '_>]) -> Vec<Endpoint> {
    refusals.iter().map(|refusal| refusal.endpoint.endpoint).collect()
}

/// The observations of some refusals, each once.
#[must_use]
pub fn cite(refusals: &[Refusal<'_, '_>]) -> Vec<String> {
    refusals.iter().flat_map(|refusal| refusal.evidence.iter().cloned()).collect()
}

/// The allocations that were granted.
#[must_use]
pub fn granted(evidence: &Evidence<'_>) -> Vec<String> {
    served(evidence).filter_map(|endpoint| endpoint.allocation().map(|allocation| allocation.cite())).collect()
}

/// A granted allocation excludes the cause.
#[must_use]
pub fn excluded_by_grant(evidence: &Evidence<'_>) -> Judgement {
    Judgement::ruled_out_by(granted(evidence))
}

/// Whether the same server granted an allocation over another of its endpoints. Two addresses of one name may be one server: where
/// this run held allocations while it was refused, they count as such.
#[must_use]
pub fn granted_elsewhere(evidence: &Evidence<'_>, refused: &EndpointEvidence<'_>) -> bool {
    served(evidence).any(|other| {
        let one_server = match evidence.asked().form {
            Form::Host | Form::HostAndPort => true,
            Form::Urls => {
                let (one, another) = (other.endpoint.ip(), refused.endpoint.ip());
                let held = refused.refusal().is_some_and(|refusal| refusal.fact.others_alive > 0);
                one == another
                    || held && evidence.names().any(|name| [one, another].iter().all(|ip| name.fact.addresses.contains(ip)))
            }
        };
        one_server && other.allocation().is_some()
    })
}

/// The level of a fault that takes some endpoints away, when a STUN server or a redirection is no relay that is left.
///
/// Where another endpoint granted an allocation, calls don't all fail, whatever the form of the target is.
#[must_use]
pub fn level(evidence: &Evidence<'_>, cause: &Cause, lost: &[Endpoint]) -> Level {
    let no_relay = evidence.endpoints().iter().filter(|endpoint| evidence.wants_relay() && !may_relay(endpoint));
    let lost: Vec<Endpoint> = lost.iter().copied().chain(no_relay.map(|endpoint| endpoint.endpoint)).collect();
    let left = served(evidence).any(|other| !lost.contains(&other.endpoint) && other.allocation().is_some());
    match evidence.level_of(cause, &lost) {
        Level::Fail if left => Level::Degrade,
        level @ (Level::Fail | Level::Degrade | Level::Warn) => level,
    }
}

fn may_relay(endpoint: &EndpointEvidence<'_>) -> bool {
    let challenge = endpoint.challenge.map(|challenge| &challenge.fact.reply);
    challenge.is_some_and(|reply| reply.succeeded() || reply.code() == Some(401))
}

/// Items as a sentence has them: `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A length of time in whole units: `2 days`, `1 hour`.
#[must_use]
pub fn span(seconds: i64) -> String {
    let seconds = seconds.unsigned_abs();
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7200 => (seconds / 60, "minute"),
        7200..172_800 => (seconds / 3600, "hour"),
        172_800.. => (seconds / 86_400, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}
