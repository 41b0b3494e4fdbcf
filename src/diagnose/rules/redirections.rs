//! What the rules on redirections share: where each began, where it led, and how to stop it.

use std::net::SocketAddr;

use super::refusals;
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement};
use crate::diagnose::server::list;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{RedirectEnd, RedirectFact};
use crate::model::finding::Place;

/// A redirection with the endpoint that it began at.
pub type Redirection<'a> = (Endpoint, Seen<'a, RedirectFact>);

/// The redirections that ended so.
#[must_use]
pub fn ended<'a>(evidence: &Evidence<'a>, end: RedirectEnd) -> Vec<Redirection<'a>> {
    let of_end = evidence.redirects().filter(|seen| seen.fact.end == end);
    of_end.filter_map(|seen| seen.endpoint().map(|endpoint| (endpoint, seen))).collect()
}

/// An answer to Allocate that is no redirection excludes all of them.
#[must_use]
pub fn excluded(evidence: &Evidence<'_>) -> Judgement {
    if evidence.redirects().next().is_some() {
        return Judgement::Unknown;
    }
    let answered = refusals::served(evidence).filter_map(|endpoint| endpoint.challenge).filter(|challenge| {
        let reply = &challenge.fact.reply;
        reply.answered() && reply.code() != Some(300)
    });
    Judgement::ruled_out_by(answered.map(|challenge| challenge.cite()).collect())
}

/// Where the redirections began.
#[must_use]
pub fn places(redirections: &[Redirection<'_>]) -> String {
    let endpoints: Vec<Endpoint> = redirections.iter().map(|(endpoint, _)| *endpoint).collect();
    list(&endpoints)
}

/// Where the redirections led in the end.
#[must_use]
pub fn to(redirections: &[Redirection<'_>]) -> String {
    texts(redirections.iter().filter_map(|(_, seen)| seen.fact.hops.last()))
}

/// The servers that the redirections passed.
#[must_use]
pub fn way(redirections: &[Redirection<'_>]) -> String {
    texts(redirections.iter().flat_map(|(_, seen)| seen.fact.hops.iter()))
}

fn texts<'a>(addresses: impl Iterator<Item = &'a SocketAddr>) -> String {
    let mut texts: Vec<String> = Vec::new();
    for address in addresses {
        let text = address.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    refusals::listed(&texts)
}

/// The URL of the server at the end of the first redirection.
#[must_use]
pub fn url(redirections: &[Redirection<'_>]) -> String {
    let Some((from, seen)) = redirections.first() else { return String::new() };
    let to = seen.fact.hops.last().copied().unwrap_or(from.address);
    match from.transport {
        Transport::Udp => format!("turn:{to}?transport=udp"),
        Transport::Tcp => format!("turn:{to}?transport=tcp"),
        Transport::Tls => format!("turns:{to}?transport=tcp"),
        Transport::Dtls => format!("turns:{to}?transport=udp"),
    }
}

/// The endpoints that lead nowhere: where redirections began, and those that they passed.
#[must_use]
pub fn lost(redirections: &[Redirection<'_>]) -> Vec<Endpoint> {
    let all = redirections.iter().flat_map(|(from, seen)| {
        let hops = seen.fact.hops.iter().map(|hop| Endpoint::new(from.transport, *hop));
        std::iter::once(*from).chain(hops)
    });
    all.collect()
}

/// The observations of redirections, with the answers that redirected.
#[must_use]
pub fn cite(evidence: &Evidence<'_>, redirections: &[Redirection<'_>]) -> Vec<String> {
    let passed = lost(redirections);
    let answers = evidence.endpoints().iter().filter(|endpoint| passed.contains(&endpoint.endpoint));
    let answers = answers.filter_map(|endpoint| endpoint.challenge.map(|challenge| challenge.cite()));
    redirections.iter().map(|(_, seen)| seen.cite()).chain(answers).collect()
}

/// The fix that takes a redirection out.
pub fn stop(evidence: &Evidence<'_>, found: Found) -> Found {
    if evidence.is_coturn() {
        let text = "Take alternate-server and tls-alternate-server out of turnserver.conf on the servers that are to do the work, and \
                    restart coturn.";
        found.fix_by(
            Place::Server,
            text,
            "sed -i '/^\\(tls-\\)\\?alternate-server/d' /etc/turnserver.conf && systemctl restart coturn",
        )
    } else {
        found.fix(Place::Server, "Take the redirection out of the servers that are to do the work themselves.")
    }
}
