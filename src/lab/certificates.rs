//! Certificates for the lab's port for TLS and DTLS: a root and an intermediate of its own, made at start, and a leaf with the fault.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::dtls;
use super::fault::Fault;

/// One day.
const DAY: Duration = Duration::from_hours(24);

/// The names of the lab's host.
const NAMES: [&str; 4] = ["localhost", "127.0.0.1", "127.0.0.2", "::1"];

/// The name of another host.
const OTHER_NAME: &str = "turn.example.org";

/// What a TLS port needs, and the root to trust it by.
#[derive(Clone)]
pub struct Certificates {
    /// The root in PEM.
    pub root_pem: String,
    /// The configuration of the TLS port.
    pub server: Arc<ServerConfig>,
    /// The configuration of the port for DTLS.
    pub dtls: dtls::Configuration,
}

/// No certificate could be made.
#[derive(Debug, thiserror::Error)]
pub enum Unmade {
    /// The certificate itself.
    #[error("no certificate could be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The use of it.
    #[error("the certificate can't be used: {0}")]
    Configuration(#[from] rustls::Error),
    /// The use of it for DTLS.
    #[error(transparent)]
    Dtls(#[from] dtls::Unconfigured),
}

impl Certificates {
    /// Certificates as the faults make them, at that time of day.
    ///
    /// # Errors
    ///
    /// [`Unmade`] where the system gives no random numbers for the keys.
    pub fn new(faults: &[Fault], now: SystemTime) -> Result<Self, Unmade> {
        let root = CertifiedIssuer::self_signed(authority("callcheck lab root", now), KeyPair::generate()?)?;
        let intermediate = CertifiedIssuer::signed_by(authority("callcheck lab intermediate", now), KeyPair::generate()?, &root)?;
        let key = KeyPair::generate()?;
        let params = leaf(faults, now)?;
        let leaf = if faults.contains(&Fault::TlsUntrustedIssuer) {
            params.self_signed(&key)?
        } else {
            params.signed_by(&key, &intermediate)?
        };
        let alone = faults.contains(&Fault::TlsChainIncomplete) || faults.contains(&Fault::TlsUntrustedIssuer);
        let mut chain = vec![leaf.der().clone()];
        if !alone {
            chain.push(intermediate.der().clone());
        }
        let key = key.serialize_der();
        let dtls = dtls::configuration(chain.clone(), &key)?;
        let key = PrivateKeyDer::try_from(key).map_err(|why| rustls::Error::General(why.to_owned()))?;
        Ok(Self { root_pem: root.pem(), server: Arc::new(configuration(chain, key)?), dtls })
    }
}

fn configuration(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<ServerConfig, rustls::Error> {
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(rustls::ALL_VERSIONS)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
}

fn authority(name: &str, now: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = (now - 365 * DAY).into();
    params.not_after = (now + 365 * DAY).into();
    params
}

fn leaf(faults: &[Fault], now: SystemTime) -> Result<CertificateParams, rcgen::Error> {
    let names: Vec<String> =
        if faults.contains(&Fault::TlsNameMismatch) { vec![OTHER_NAME.to_owned()] } else { NAMES.map(str::to_owned).to_vec() };
    let mut params = CertificateParams::new(names.clone())?;
    params.distinguished_name.push(DnType::CommonName, names[0].clone());
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let (not_before, not_after) = if faults.contains(&Fault::TlsCertificateExpired) {
        (now - 90 * DAY, now - 2 * DAY)
    } else if faults.contains(&Fault::TlsCertificateNotYetValid) {
        (now + 2 * DAY, now + 92 * DAY)
    } else if faults.contains(&Fault::TlsCertificateExpiresSoon) {
        (now - 85 * DAY, now + 5 * DAY)
    } else {
        (now - DAY, now + 90 * DAY)
    };
    params.not_before = not_before.into();
    params.not_after = not_after.into();
    Ok(params)
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{FromDer as _, X509Certificate};

    use super::*;

    fn lifetime(faults: &[Fault]) -> (i64, i64) {
        let now = SystemTime::UNIX_EPOCH + 20_000 * DAY;
        let params = leaf(faults, now).expect("right names");
        let certificate = params.self_signed(&KeyPair::generate().expect("random numbers")).expect("right parameters");
        let (_, parsed) = X509Certificate::from_der(certificate.der()).expect("a certificate");
        let days = |timestamp: i64| timestamp / 86_400 - 20_000;
        (days(parsed.validity().not_before.timestamp()), days(parsed.validity().not_after.timestamp()))
    }

    #[test]
    fn the_dates_are_those_of_the_fault() {
        assert_eq!(lifetime(&[]), (-1, 90));
        assert_eq!(lifetime(&[Fault::TlsCertificateExpired]), (-90, -2));
        assert_eq!(lifetime(&[Fault::TlsCertificateNotYetValid]), (2, 92));
        assert_eq!(lifetime(&[Fault::TlsCertificateExpiresSoon]), (-85, 5));
    }

    #[test]
    fn every_fault_leaves_a_usable_configuration() {
        for fault in Fault::ALL {
            let certificates = Certificates::new(&[*fault], SystemTime::now()).expect("a certificate");
            assert!(certificates.root_pem.starts_with("-----BEGIN CERTIFICATE-----"), "{fault}");
        }
    }
}
