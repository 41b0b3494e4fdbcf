//! What the rules on TLS share: the certificates that were presented, the dates in words, and the command that shows a chain.

use std::time::{Duration, UNIX_EPOCH};

use super::refusals;
use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement};
use crate::model::endpoint::Endpoint;
use crate::model::fact::{Certificate, CertificateDefect, HandshakeEnd, HandshakeFact};
use crate::model::finding::Place;

/// The last second of the year 9999, beyond which RFC 3339 has no dates.
const LAST_SECOND: u64 = 253_402_300_799;

/// A certificate that came in a completed handshake.
pub struct Presented<'e, 'a> {
    /// The endpoint that presented it.
    pub endpoint: &'e EndpointEvidence<'a>,
    /// The handshake.
    pub handshake: Seen<'a, HandshakeFact>,
    /// The certificate.
    pub certificate: &'a Certificate,
}

impl Presented<'_, '_> {
    /// Whether the chain has a defect.
    #[must_use]
    pub fn has(&self, defect: CertificateDefect) -> bool {
        self.handshake.fact.defects.contains(&defect)
    }

    /// Whether nobody can tell a missing intermediate from an unknown issuer: a leaf alone, issued by another.
    #[must_use]
    pub fn is_lone_leaf(&self) -> bool {
        self.certificate.chain_length == 1 && !self.certificate.self_signed
    }
}

/// The certificates of the endpoints that users are promised.
pub fn presented<'e, 'a>(evidence: &'e Evidence<'a>) -> impl Iterator<Item = Presented<'e, 'a>> {
    refusals::served(evidence).filter_map(|endpoint| {
        let handshake = endpoint.handshake.filter(|handshake| handshake.fact.end == HandshakeEnd::Completed)?;
        let certificate = handshake.fact.certificate.as_ref()?;
        Some(Presented { endpoint, handshake, certificate })
    })
}

/// The certificates with a defect; where the dates are wrong only because this host's clock is, they have none.
#[must_use]
pub fn with<'e, 'a>(evidence: &'e Evidence<'a>, defect: CertificateDefect) -> Vec<Presented<'e, 'a>> {
    let of_dates = matches!(defect, CertificateDefect::Expired | CertificateDefect::NotYetValid);
    let is_of_clock = |presented: &Presented<'_, '_>| of_dates && is_mistimed(evidence, presented);
    presented(evidence).filter(|presented| presented.has(defect) && !is_of_clock(presented)).collect()
}

/// Whether a certificate is out of its dates by this host's clock alone, and within them by those of others.
#[must_use]
pub fn is_mistimed(evidence: &Evidence<'_>, presented: &Presented<'_, '_>) -> bool {
    let dates = presented.certificate.not_before..=presented.certificate.not_after;
    let now = presented.certificate.now;
    !dates.contains(&now) && dates.contains(&(now + evidence.clock_behind()))
}

/// Completed handshakes without these defects exclude the cause.
#[must_use]
pub fn excluded_by_handshakes(evidence: &Evidence<'_>, defects: &[CertificateDefect]) -> Judgement {
    let clean = presented(evidence).filter(|presented| !defects.iter().any(|defect| presented.has(*defect)));
    Judgement::ruled_out_by(clean.map(|presented| presented.handshake.cite()).collect())
}

/// Handshakes whose chain is trusted exclude the cause.
#[must_use]
pub fn excluded_by_trust(evidence: &Evidence<'_>) -> Judgement {
    let trusted = presented(evidence).filter(|presented| presented.handshake.fact.defects.is_empty());
    Judgement::ruled_out_by(trusted.map(|presented| presented.handshake.cite()).collect())
}

/// The endpoints of some certificates.
#[must_use]
pub fn endpoints(presented: &[Presented<'_, '_>]) -> Vec<Endpoint> {
    presented.iter().map(|presented| presented.endpoint.endpoint).collect()
}

/// The addresses of endpoints that all are TLS or DTLS, in a sentence.
#[must_use]
pub fn places(endpoints: &[Endpoint]) -> String {
    let name = |endpoint: &Endpoint| {
        if endpoint.transport.is_stream() { endpoint.address.to_string() } else { format!("{} (DTLS)", endpoint.address) }
    };
    refusals::listed(&endpoints.iter().map(name).collect::<Vec<_>>())
}

/// The observations of some certificates.
#[must_use]
pub fn cite(presented: &[Presented<'_, '_>]) -> Vec<String> {
    presented.iter().map(|presented| presented.handshake.cite()).collect()
}

/// The control hosts whose certificates have a defect.
#[must_use]
pub fn controls_with(evidence: &Evidence<'_>, defect: CertificateDefect) -> Vec<String> {
    evidence.control_handshakes().filter(|seen| seen.fact.defects.contains(&defect)).map(|seen| seen.cite()).collect()
}

/// The day of a moment, `2026-11-23`.
#[must_use]
pub fn day(seconds: i64) -> String {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or_default().min(LAST_SECOND));
    let text = humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// The command that shows the chain that a server sends.
#[must_use]
pub fn show_chain(endpoint: Endpoint, server_name: &str) -> String {
    let protocol = if endpoint.transport.is_stream() { "" } else { " -dtls1_2" };
    format!("openssl s_client{protocol} -connect {}{} -showcerts </dev/null", endpoint.address, name_option(server_name))
}

/// The option of openssl that asks for a name; an address is asked for by none.
#[must_use]
pub fn name_option(server_name: &str) -> String {
    if is_address(server_name) { String::new() } else { format!(" -servername {server_name}") }
}

/// Whether a server was asked for by its address.
#[must_use]
pub fn is_address(server_name: &str) -> bool {
    server_name.parse::<std::net::IpAddr>().is_ok()
}

/// The fix that sets coturn's certificate, or says the same of any other server.
pub fn set_certificate(evidence: &Evidence<'_>, found: Found, server_name: &str) -> Found {
    let name = if is_address(server_name) { "NAME" } else { server_name };
    if evidence.is_coturn() {
        let settings = format!("cert=/etc/letsencrypt/live/{name}/fullchain.pem\npkey=/etc/letsencrypt/live/{name}/privkey.pem");
        let text = "Name the whole chain and its key in turnserver.conf, readable for coturn's user, and restart coturn.";
        found.fix_by(Place::Server, text, settings)
    } else {
        let text = format!(
            "Configure the TURN server with the whole chain and its key (with certbot: /etc/letsencrypt/live/{name}/fullchain.pem \
             and privkey.pem), and restart it."
        );
        found.fix(Place::Server, text)
    }
}

/// The fix that renews a certificate and makes the server take it.
pub fn renew(evidence: &Evidence<'_>, found: Found) -> Found {
    if evidence.is_coturn() {
        let text = "Renew the certificate where it is kept; coturn goes on with the old one until SIGUSR2 or a restart tells it, so \
                    keep this hook for the next renewals.";
        return found.fix_by(Place::Server, text, "certbot renew --deploy-hook 'systemctl kill -s SIGUSR2 coturn'");
    }
    let found = found.fix_by(Place::Server, "Renew the certificate where it is kept.", "certbot renew");
    found.fix(Place::Server, "Then make the TURN server load it: most read their certificate only at their start.")
}
