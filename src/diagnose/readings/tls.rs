//! TLS and DTLS: whether the handshake completes, and what is wrong with the certificate.

use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::readings::network::clock_behind;
use crate::diagnose::run::{Run, Seen, Service};
use crate::model::endpoint::Endpoint;
use crate::model::fact::{Certificate, CertificateDefect, HandshakeEnd, HandshakeFact};
use crate::model::message::Arg;
use crate::model::outcome::Protocol;
use crate::model::place::Place;

/// How long before its end a certificate is worth a word, in seconds.
const SOON_S: i64 = 14 * DAY_S;

const DAY_S: i64 = 86_400;

/// Defects that concern who issued a certificate.
const OF_ISSUER: [CertificateDefect; 3] =
    [CertificateDefect::UntrustedIssuer, CertificateDefect::ChainIncomplete, CertificateDefect::Invalid];

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    let behind = clock_behind(run);
    let promised = run.promised().filter(|(endpoint, _)| endpoint.transport.is_secure());
    for (endpoint, service) in promised {
        let completed = service.handshakes.iter().find(|seen| seen.fact.end == HandshakeEnd::Completed);
        let Some(seen) = completed.or(service.handshakes.first()) else { continue };
        handshake(endpoint, service, seen, readings);
        if let Some(certificate) = seen.fact.certificate.as_ref().filter(|_| seen.fact.end == HandshakeEnd::Completed) {
            self::certificate(run, endpoint, seen, certificate, behind, readings);
        }
    }
}

fn handshake(endpoint: Endpoint, service: &Service<'_>, seen: &Seen<'_, HandshakeFact>, readings: &mut Readings) {
    let asked = seen.fact.asks_certificate;
    let (mut state, details): (State, Vec<(&'static str, Arg)>) = match &seen.fact.end {
        HandshakeEnd::Completed => (State::Holds, Vec::new()),
        HandshakeEnd::Alert { .. } | HandshakeEnd::Closed | HandshakeEnd::Failed { .. } if asked => {
            (State::Broken(Manner::AsksCertificate), Vec::new())
        }
        HandshakeEnd::Alert { alert } => (State::Broken(Manner::Alert), vec![("alert", alert.as_str().into())]),
        HandshakeEnd::TooOld => (State::Broken(Manner::TooOld), Vec::new()),
        HandshakeEnd::NotTls { speaks } => (State::Broken(spoken(*speaks)), Vec::new()),
        HandshakeEnd::Closed => (State::Broken(Manner::Closed), Vec::new()),
        HandshakeEnd::Silent => (State::Broken(Manner::Silent), Vec::new()),
        HandshakeEnd::Failed { why } => (State::Broken(Manner::Failed), vec![("reason", why.as_str().into())]),
    };
    let mut evidence = vec![seen.at];
    if let (State::Broken(was), Some((manner, at))) = (state, spoken_instead(service))
        && was != Manner::AsksCertificate
    {
        state = State::Broken(manner);
        evidence.push(at);
    }
    let mut reading = Reading::new(What::Tls, Place::service(endpoint), state, evidence);
    reading.details = details;
    reading.details.push(("sni", seen.fact.server_name.as_str().into()));
    readings.add(reading);
}

/// What a port speaks in place of what belongs there, and the observation that shows it.
pub fn spoken_instead(service: &Service<'_>) -> Option<(Manner, usize)> {
    let plain = service.instead.iter().find(|seen| seen.fact.plain).map(|seen| (Manner::Plain, seen.at));
    plain.or_else(|| service.instead.iter().find(|seen| seen.fact.behind_header).map(|seen| (Manner::BehindHeader, seen.at)))
}

/// What answered instead.
pub fn spoken(protocol: Protocol) -> Manner {
    match protocol {
        Protocol::Http => Manner::Http,
        Protocol::Tls => Manner::SpeaksTls,
        Protocol::Ssh => Manner::Ssh,
        Protocol::Other => Manner::Other,
    }
}

fn certificate(
    run: &Run<'_>,
    endpoint: Endpoint,
    seen: &Seen<'_, HandshakeFact>,
    certificate: &Certificate,
    behind: Option<i64>,
    readings: &mut Readings,
) {
    let has = |defect: CertificateDefect| seen.fact.defects.contains(&defect);
    let mut add = |what: What, broken: Option<Manner>| {
        let state = broken.map_or(State::Holds, State::Broken);
        let reading = Reading::new(what, Place::service(endpoint), state, vec![seen.at]);
        let days = (certificate.not_after - certificate.now).abs() / DAY_S;
        readings.add(
            reading
                .saying("issuer", certificate.issuer.as_str())
                .saying("names", few(&certificate.names))
                .saying("sni", seen.fact.server_name.as_str())
                .saying("days", Arg::Number(f64::from(i32::try_from(days).unwrap_or(i32::MAX)))),
        );
    };
    // By the clocks of others it may be well within its dates.
    let now = certificate.now + behind.unwrap_or_default();
    let is_valid_by_others = behind.is_some() && (certificate.not_before..=certificate.not_after).contains(&now);
    let time = match (has(CertificateDefect::Expired), has(CertificateDefect::NotYetValid)) {
        (false, false) => None,
        _ if is_valid_by_others => Some(Manner::Off),
        (true, _) => Some(Manner::Expired),
        (false, true) => Some(Manner::NotYetValid),
    };
    add(What::CertTime, time);
    add(What::CertName, has(CertificateDefect::NameMismatch).then_some(Manner::Different));
    let of_issuer = OF_ISSUER.into_iter().any(has);
    let chain = match shared_with(run, seen.fact, certificate, of_issuer) {
        _ if !of_issuer => None,
        2.. => Some(Manner::Shared),
        1 => Some(Manner::Several),
        _ if has(CertificateDefect::ChainIncomplete) => Some(Manner::ChainIncomplete),
        // An issuer that is neither known nor sent may be an intermediate.
        _ if !certificate.self_signed && certificate.chain_length < 2 => Some(Manner::Missing),
        _ => Some(Manner::UntrustedIssuer),
    };
    add(What::CertChain, chain);
    if run.control_handshakes.iter().any(|control| control.fact.certificate.is_some()) {
        add(What::CertOwn, (!of_issuer && shared_with(run, seen.fact, certificate, false) > 1).then_some(Manner::Shared));
    }
    if time.is_none() {
        let ends = certificate.not_after - certificate.now < SOON_S;
        add(What::CertLasts, ends.then_some(Manner::Expired));
    }
}

/// The most names of a certificate that a sentence holds.
const NAMED: usize = 3;

/// The first of a certificate's names, and how many more there are.
fn few(names: &[String]) -> Vec<String> {
    let mut few: Vec<String> = names.iter().take(NAMED).cloned().collect();
    if names.len() > NAMED {
        few.push(format!("{} more", names.len() - NAMED));
    }
    few
}

/// How many unrelated hosts present certificates of the same issuer; none where any of them has another one.
fn shared_with(run: &Run<'_>, own: &HandshakeFact, certificate: &Certificate, untrusted: bool) -> usize {
    let is_untrusted = |handshake: &HandshakeFact| handshake.defects.iter().any(|defect| OF_ISSUER.contains(defect));
    let mut hosts = Vec::new();
    for control in &run.control_handshakes {
        let Some(other) = &control.fact.certificate else { continue };
        if is_untrusted(control.fact) != untrusted {
            if untrusted {
                continue;
            }
            return 0;
        }
        if other.issuer != certificate.issuer || control.fact.server_name == own.server_name {
            return 0;
        }
        hosts.push(&control.fact.server_name);
    }
    hosts.sort_unstable();
    hosts.dedup();
    hosts.len()
}
