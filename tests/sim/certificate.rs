//! What the simulated server presents over TLS and DTLS, made once per process: a root that callcheck is told of, and chains below it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use callcheck::lab::dtls;
use callcheck::net::tls::Trust;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::host::Number;
use super::world::{CONTROLS, CONTROLS_V6};

const DAY: Duration = Duration::from_hours(24);

/// The moment at which every simulated world begins: 2026-11-23, noon UTC.
pub fn beginning() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(498_732)
}

/// What a server presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presented {
    Valid,
    Expired,
    NotYetValid,
    ExpiresSoon,
    SelfSigned,
    /// Below a root that nobody has and that the server sends along.
    UnknownRoot,
    OtherName,
    MissingIntermediate,
    /// A control host's, below a root of its own that callcheck is told of beside ours.
    Control,
    /// For every host, below the root of what looks into TLS, which nobody is told of and which is sent along.
    Intercepted,
}

/// Whether callcheck is told of the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    OurRoot,
    /// And of the root of what looks into TLS.
    InspectorsToo,
    Nothing,
}

/// The roots that callcheck trusts.
pub fn trust(told: Told) -> Trust {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    let ours = || {
        let roots = root().pem() + &others_root().pem();
        let make = || Trust::nobody().with_roots(roots.as_bytes()).expect("our own roots are PEM");
        TRUST.get_or_init(make).clone()
    };
    match told {
        Told::Nothing => Trust::nobody(),
        Told::OurRoot => ours(),
        Told::InspectorsToo => ours().with_roots(inspectors_root().pem().as_bytes()).expect("an own root is PEM"),
    }
}

/// The server's side of TLS.
pub fn server_config(presented: Presented) -> Arc<ServerConfig> {
    configs(presented).0
}

/// The server's side of DTLS.
pub fn dtls_config(presented: Presented) -> dtls::Configuration {
    configs(presented).1
}

type Configs = (Arc<ServerConfig>, dtls::Configuration);

fn configs(presented: Presented) -> Configs {
    static CONFIGS: OnceLock<Mutex<HashMap<Presented, Configs>>> = OnceLock::new();
    let mut configs = CONFIGS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    configs.entry(presented).or_insert_with(|| make_configs(presented)).clone()
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn root() -> &'static Authority {
    static ROOT: OnceLock<Authority> = OnceLock::new();
    ROOT.get_or_init(|| authority("Simulated Root", None))
}

fn others_root() -> &'static Authority {
    static ROOT: OnceLock<Authority> = OnceLock::new();
    ROOT.get_or_init(|| authority("Root of the Others", None))
}

fn inspectors_root() -> &'static Authority {
    static ROOT: OnceLock<Authority> = OnceLock::new();
    ROOT.get_or_init(|| authority("Inspection CA", None))
}

fn make_configs(presented: Presented) -> Configs {
    let key = KeyPair::generate().expect("the provider makes P-256 keys");
    let chain = chain(presented, &key);
    let dtls = dtls::configuration(chain.clone(), &key.serialize_der()).expect("the key is one of P-256");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has cipher suites for TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("the key belongs to the certificate");
    (Arc::new(tls), dtls)
}

fn chain(presented: Presented, key: &KeyPair) -> Vec<CertificateDer<'static>> {
    let params = leaf(presented);
    let signed = |issuer: &Authority| params.signed_by(key, issuer).expect("the authority may sign").der().clone();
    match presented {
        Presented::SelfSigned => vec![params.self_signed(key).expect("a key can sign itself").der().clone()],
        Presented::UnknownRoot => {
            let nobody = authority("Nobody's Root", None);
            vec![signed(&nobody), nobody.der().clone()]
        }
        Presented::Intercepted => vec![signed(inspectors_root()), inspectors_root().der().clone()],
        Presented::Control => vec![signed(others_root())],
        Presented::MissingIntermediate => vec![signed(&authority("Simulated Intermediate", Some(root())))],
        Presented::Valid | Presented::Expired | Presented::NotYetValid | Presented::ExpiresSoon | Presented::OtherName => {
            vec![signed(root())]
        }
    }
}

fn leaf(presented: Presented) -> CertificateParams {
    let server: Vec<String> = Number::all().flat_map(names).collect();
    let controls = CONTROLS.map(IpAddr::V4).into_iter().chain(CONTROLS_V6.map(IpAddr::V6)).map(|address| address.to_string());
    let names = match presented {
        Presented::OtherName => vec!["mail.example.net".to_owned()],
        Presented::Control => controls.collect(),
        Presented::Intercepted => server.into_iter().chain(controls).collect(),
        Presented::Valid
        | Presented::Expired
        | Presented::NotYetValid
        | Presented::ExpiresSoon
        | Presented::SelfSigned
        | Presented::UnknownRoot
        | Presented::MissingIntermediate => server,
    };
    let mut params = CertificateParams::new(names).expect("the names are ASCII");
    params.distinguished_name.push(DnType::CommonName, "turn.example.org");
    let now = beginning();
    let (begins, ends) = match presented {
        Presented::Expired => (now - 30 * DAY, now - DAY),
        Presented::NotYetValid => (now + DAY, now + 90 * DAY),
        Presented::ExpiresSoon => (now - 84 * DAY, now + 6 * DAY),
        Presented::Valid
        | Presented::SelfSigned
        | Presented::UnknownRoot
        | Presented::OtherName
        | Presented::MissingIntermediate
        | Presented::Control
        | Presented::Intercepted => (now - DAY, now + 90 * DAY),
    };
    params.not_before = begins.into();
    params.not_after = ends.into();
    params.use_authority_key_identifier_extension = true;
    if presented == Presented::MissingIntermediate {
        params.custom_extensions.push(issuer_address());
    }
    params
}

/// What a server is reached by.
fn names(number: Number) -> [String; 5] {
    let v4 = [number.public(), number.second(), number.private()].map(|address| address.to_string());
    let [public, second, private] = v4;
    [number.name().to_owned(), public, second, number.v6().to_string(), private]
}

/// Authority Information Access (RFC 5280 §4.2.2.1) with one place of the issuer's certificate: public authorities always name it.
fn issuer_address() -> CustomExtension {
    const ID_AD_CA_ISSUERS: [u8; 10] = [6, 8, 43, 6, 1, 5, 5, 7, 48, 2];
    const PLACE: &[u8] = b"http://ca.example.org/i.crt";
    let wrap = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap_or(u8::MAX)], content].concat();
    let description = wrap(0x30, &[&ID_AD_CA_ISSUERS[..], &wrap(0x86, PLACE)].concat());
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], wrap(0x30, &description))
}

fn authority(name: &str, above: Option<&Authority>) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).expect("there is no name to be wrong");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.not_before = (beginning() - 365 * DAY).into();
    params.not_after = (beginning() + 3650 * DAY).into();
    let key = KeyPair::generate().expect("the provider makes P-256 keys");
    match above {
        None => CertifiedIssuer::self_signed(params, key),
        Some(root) => CertifiedIssuer::signed_by(params, key, root),
    }
    .expect("an authority can be signed")
}
