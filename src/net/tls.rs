//! TLS handshakes that end in facts, and what DTLS shares with them: the chain is judged beside the handshake, so a bad certificate doesn't hide what comes after it.
//!
//! No credentials are ever sent over a connection whose chain was not trusted; the caller sees to that by the fact.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::network::Stream;
use super::stream::Overheard;
use crate::model::duration::milliseconds;
use crate::model::fact::{Certificate, CertificateDefect, HandshakeEnd, HandshakeFact};
use crate::model::outcome::Protocol;
use crate::model::target::Host;
use crate::proto::framing::speaks;

/// The roots that certificates are checked against.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    own: Vec<CertificateDer<'static>>,
    own_roots: bool,
}

/// Why a file of roots can't be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRoots {
    /// It can't be read or isn't PEM.
    #[error("no certificate could be read: {0}")]
    Unreadable(String),
    /// It holds no certificate.
    #[error("the file holds no PEM certificate")]
    Empty,
}

impl Trust {
    /// The system's roots; `SSL_CERT_FILE` and `SSL_CERT_DIR` replace them, as in OpenSSL.
    #[must_use]
    pub fn system() -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let own_roots = std::env::var_os("SSL_CERT_FILE").is_some();
        Self { roots: Arc::new(roots), own: Vec::new(), own_roots }
    }

    /// No roots at all.
    #[must_use]
    pub fn nobody() -> Self {
        Self { roots: Arc::new(RootCertStore::empty()), own: Vec::new(), own_roots: false }
    }

    /// These roots beside the system's.
    ///
    /// # Errors
    ///
    /// [`InvalidRoots`] where the text holds no certificate.
    pub fn with_roots(mut self, pem: &[u8]) -> Result<Self, InvalidRoots> {
        use rustls::pki_types::pem::PemObject as _;
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| InvalidRoots::Unreadable(error.to_string()))?;
        if certificates.is_empty() {
            return Err(InvalidRoots::Empty);
        }
        let mut roots = (*self.roots).clone();
        for certificate in certificates {
            self.own.push(certificate.clone());
            roots.add(certificate).map_err(|error| InvalidRoots::Unreadable(error.to_string()))?;
        }
        self.roots = Arc::new(roots);
        self.own_roots = true;
        Ok(self)
    }
}

/// Runs a handshake; the stream comes back where it completed.
pub async fn handshake(
    stream: Box<dyn Stream>,
    host: &Host,
    trust: &Trust,
    now: SystemTime,
    limit: Duration,
) -> (HandshakeFact, Option<Box<dyn Stream>>) {
    let (mut fact, name) = begin(host, trust);
    let Some(name) = name else { return (fact, None) };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::new(NoCertificate::default());
    let connector = TlsConnector::from(Arc::new(config(&seen, &asked)));
    let (stream, first) = Overheard::new(stream);
    let started = Instant::now();
    let ended = tokio::time::timeout(limit, connector.connect(name.clone(), Box::new(stream) as Box<dyn Stream>)).await;
    let connected = match ended {
        Err(_elapsed) => None,
        Ok(Err(error)) => {
            fact.end = end_of(&error, &first.borrow());
            None
        }
        Ok(Ok(connected)) => {
            fact.end = HandshakeEnd::Completed;
            fact.version = connected.get_ref().1.protocol_version().and_then(|version| version.as_str().map(str::to_owned));
            fact.rtt_ms = Some(milliseconds(started.elapsed()));
            Some(Box::new(connected) as Box<dyn Stream>)
        }
    };
    fact.asks_certificate = asked.was_asked.load(Ordering::Relaxed);
    let chain = seen.lock().map(|chain| chain.clone()).unwrap_or_default();
    judge(&mut fact, &chain, &name, trust, now);
    (fact, connected)
}

/// The fact of a handshake before anything came, and the name to ask for; without one the fact says why.
pub(super) fn begin(host: &Host, trust: &Trust) -> (HandshakeFact, Option<ServerName<'static>>) {
    let name = server_name(host).ok();
    let end = match name {
        Some(_) => HandshakeEnd::Silent,
        None => HandshakeEnd::Failed { why: format!("{host} can't be a server name in TLS") },
    };
    let fact = HandshakeFact {
        server_name: host.to_string(),
        end,
        version: None,
        defects: Vec::new(),
        certificate: None,
        own_roots: trust.own_roots,
        asks_certificate: false,
        rtt_ms: None,
    };
    (fact, name)
}

/// Describes and judges the chain that the server presented, where it presented one.
pub(super) fn judge(
    fact: &mut HandshakeFact,
    chain: &[CertificateDer<'static>],
    name: &ServerName<'_>,
    trust: &Trust,
    now: SystemTime,
) {
    let Some((leaf, intermediates)) = chain.split_first() else { return };
    let seconds = unix_seconds(now);
    fact.certificate = describe(leaf, chain.len(), seconds);
    fact.defects = defects(leaf, intermediates, name, trust, seconds, fact.certificate.as_ref());
}

/// Seconds since 1970.
#[must_use]
pub fn unix_seconds(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    }
}

fn server_name(host: &Host) -> Result<ServerName<'static>, rustls::pki_types::InvalidDnsNameError> {
    match host {
        Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => ServerName::try_from(name.clone()),
    }
}

fn config(seen: &Arc<Mutex<Vec<CertificateDer<'static>>>>, asked: &Arc<NoCertificate>) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let witness = Witness { seen: Arc::clone(seen), provider: Arc::clone(&provider) };
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)
        .expect("the provider has cipher suites for TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(witness))
        .with_client_cert_resolver(Arc::clone(asked) as Arc<dyn ResolvesClientCert>)
}

/// A client without a certificate, as browsers are; it remembers whether it was asked for one.
#[derive(Debug, Default)]
struct NoCertificate {
    was_asked: AtomicBool,
}

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Keeps the chain for a judgement of its own and lets the handshake go on. Signatures are checked as always.
#[derive(Debug)]
struct Witness {
    seen: Arc<Mutex<Vec<CertificateDer<'static>>>>,
    provider: Arc<rustls::crypto::CryptoProvider>,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Ok(mut seen) = self.seen.lock() {
            seen.clear();
            seen.push(leaf.clone().into_owned());
            seen.extend(intermediates.iter().map(|it| it.clone().into_owned()));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn end_of(error: &std::io::Error, first: &[u8]) -> HandshakeEnd {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::AlertReceived(alert)) => end_by_alert(*alert),
        Some(rustls::Error::PeerIncompatible(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13)) => HandshakeEnd::TooOld,
        // A ServerHello of an older version reaches us as a record of TLS that we can't accept.
        Some(_) if matches!(first, [0x16, 3, 0..=2, _, _, 2, _, _, _, 3, 0..=2, ..]) => HandshakeEnd::TooOld,
        Some(_) if !first.is_empty() && speaks(first) != Protocol::Tls => HandshakeEnd::NotTls { speaks: speaks(first) },
        Some(other) => HandshakeEnd::Failed { why: other.to_string() },
        None if !first.is_empty() && speaks(first) != Protocol::Tls => HandshakeEnd::NotTls { speaks: speaks(first) },
        None => HandshakeEnd::Closed,
    }
}

/// The end that an alert of the server makes.
pub(super) fn end_by_alert(alert: AlertDescription) -> HandshakeEnd {
    if alert == AlertDescription::ProtocolVersion {
        HandshakeEnd::TooOld
    } else {
        HandshakeEnd::Alert { alert: alert_name(alert) }
    }
}

/// The name of an alert as RFC 8446 §6 spells it.
fn alert_name(alert: AlertDescription) -> String {
    let mut name = String::new();
    for char in alert.as_str().map_or_else(|| format!("alert{}", u8::from(alert)), str::to_owned).chars() {
        if char.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(char.to_ascii_lowercase());
    }
    name
}

fn describe(leaf: &CertificateDer<'_>, chain_length: usize, now: i64) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    let names = certificate
        .subject_alternative_name()
        .ok()
        .flatten()
        .map_or_else(Vec::new, |extension| extension.value.general_names.iter().filter_map(name_of).collect());
    let names_issuer_address = certificate
        .extensions()
        .iter()
        .any(|extension| matches!(extension.parsed_extension(), ParsedExtension::AuthorityInfoAccess(_)));
    Some(Certificate {
        names,
        issuer: certificate.issuer().to_string(),
        self_signed: certificate.issuer() == certificate.subject(),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        names_issuer_address,
        chain_length,
        now,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a certificate's other kinds of names are for no server")]
fn name_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|octets| std::net::IpAddr::from(octets).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|octets| std::net::IpAddr::from(octets).to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// All that is wrong at once: dates by themselves, then the chain and the name at a moment when the dates are right.
fn defects(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'static>],
    name: &ServerName<'_>,
    trust: &Trust,
    now: i64,
    described: Option<&Certificate>,
) -> Vec<CertificateDefect> {
    let mut defects = Vec::new();
    let Some(described) = described else { return vec![CertificateDefect::Invalid] };
    if now > described.not_after {
        defects.push(CertificateDefect::Expired);
    } else if now < described.not_before {
        defects.push(CertificateDefect::NotYetValid);
    }
    let moment = if defects.is_empty() { now } else { described.not_after.min(now.max(described.not_before)) };
    let moment = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(moment).unwrap_or_default()));
    if let Ok(parsed) = rustls::server::ParsedCertificate::try_from(leaf) {
        if rustls::client::verify_server_name(&parsed, name).is_err() {
            defects.push(CertificateDefect::NameMismatch);
        }
    } else {
        defects.push(CertificateDefect::Invalid);
    }
    // A self-signed certificate that was given as a root is trusted as it stands; webpki knows no such thing.
    if trust.own.iter().any(|own| own.as_ref() == leaf.as_ref()) {
        return defects;
    }
    defects.extend(chain_defect(leaf, intermediates, name, trust, moment, described));
    defects
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other defects are named alike, and rustls may add some")]
fn chain_defect(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'static>],
    name: &ServerName<'_>,
    trust: &Trust,
    moment: UnixTime,
    described: &Certificate,
) -> Option<CertificateDefect> {
    let untrusted = || {
        let alone = described.chain_length == 1 && !described.self_signed;
        // Public authorities always name where the issuer can be had; a private root that was given for this server is
        // the other reason to expect an intermediate in between.
        if alone && (described.names_issuer_address || trust.own_roots) {
            CertificateDefect::ChainIncomplete
        } else {
            CertificateDefect::UntrustedIssuer
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(Arc::clone(&trust.roots), provider).build() else {
        return Some(untrusted());
    };
    match verifier.verify_server_cert(leaf, intermediates, name, &[], moment) {
        Ok(_) => None,
        Err(rustls::Error::InvalidCertificate(error)) => match error {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => None,
            CertificateError::UnknownIssuer => Some(untrusted()),
            // The leaf's own dates are judged above; here it is an intermediate's.
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Some(CertificateDefect::Expired),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Some(CertificateDefect::NotYetValid),
            _ if described.self_signed => Some(CertificateDefect::UntrustedIssuer),
            _ => Some(CertificateDefect::Invalid),
        },
        Err(_) => Some(CertificateDefect::Invalid),
    }
}
