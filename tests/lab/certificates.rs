//! Certificates made for one run: a root that callcheck is told of, and below it what the scenario's server presents.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair, KeyUsagePurpose};

use crate::format::{Certificate, Scenario};
use crate::outcome::{Doing, Outcome};
use crate::topology::{CONTROLS, OTHER, TURN, TURN_SECOND};

const DAY: Duration = Duration::from_hours(24);

/// The files of a server with TLS.
#[derive(Debug, Clone)]
pub struct Files {
    /// The chain that the server sends.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What the names of the files with a server's renewed certificate have besides.
pub const RENEWED: &str = "-renewed";

type Authority = CertifiedIssuer<'static, KeyPair>;

/// What the hosts of a scenario present.
#[derive(Debug)]
pub struct Certificates {
    /// The server's, where it has TLS.
    pub server: Option<Files>,
    /// The other server's, where it has TLS.
    pub other: Option<Files>,
    /// The control hosts', below a root of their own.
    pub controls: Files,
    /// What looks into TLS presents this for every host, below a root that nobody has here and which it sends along.
    pub interceptor: Files,
}

/// Writes both roots to `ca.pem` in `folder`, with that of what looks into TLS to `ca-of-company.pem`, and chains and keys beside it.
pub fn write(scenario: &Scenario, folder: &Path) -> Outcome<Certificates> {
    let root = authority("Lab Root", None)?;
    let elsewhere = authority("Root of the Others", None)?;
    store(&folder.join("ca.pem"), &(root.pem() + &elsewhere.pem()))?;
    let interceptor = authority("Inspection CA", None)?;
    store(&folder.join("ca-of-company.pem"), &(root.pem() + &elsewhere.pem() + &interceptor.pem()))?;
    for server in ["server", "other"] {
        files(&format!("{server}{RENEWED}"), names_of_server(), &root, "", folder)?;
    }
    let names = CONTROLS.map(|address| address.to_string());
    let every_name = [&names[..], &names_of_server()].concat();
    Ok(Certificates {
        server: server_files("server", scenario.certificate, &root, folder)?,
        other: match &scenario.other_server {
            Some(other) => server_files("other", other.certificate, &root, folder)?,
            None => None,
        },
        controls: files("controls", names.to_vec(), &elsewhere, "", folder)?,
        interceptor: files("interceptor", every_name, &interceptor, &interceptor.pem(), folder)?,
    })
}

/// Makes a key and a certificate for hosts, with `behind` after it in the chain.
fn files(name: &str, hosts: Vec<String>, issuer: &Authority, behind: &str, folder: &Path) -> Outcome<Files> {
    let files = Files { chain: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}-key.pem")) };
    let key = KeyPair::generate().doing("making a key")?;
    let mut params = CertificateParams::new(hosts).doing("naming a certificate")?;
    let now = SystemTime::now();
    (params.not_before, params.not_after) = ((now - DAY).into(), (now + 90 * DAY).into());
    store(&files.chain, &(signed(&params, &key, issuer)? + behind))?;
    store(&files.key, &key.serialize_pem())?;
    Ok(files)
}

fn names_of_server() -> Vec<String> {
    vec!["turn.example.org".to_owned(), TURN.to_string(), TURN_SECOND.to_string(), OTHER.to_string()]
}

fn server_files(name: &str, kind: Certificate, root: &Authority, folder: &Path) -> Outcome<Option<Files>> {
    if kind == Certificate::None {
        return Ok(None);
    }
    let files = Files { chain: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}-key.pem")) };
    let key = KeyPair::generate().doing("making a key")?;
    store(&files.chain, &chain(kind, &key, root)?)?;
    let presented = if kind == Certificate::KeyMismatch { KeyPair::generate().doing("making a key")? } else { key };
    store(&files.key, &presented.serialize_pem())?;
    Ok(Some(files))
}

fn chain(kind: Certificate, key: &KeyPair, root: &Authority) -> Outcome<String> {
    let params = leaf(kind)?;
    match kind {
        Certificate::SelfSigned => Ok(params.self_signed(key).doing("signing")?.pem()),
        // With its root behind it: a leaf alone would look like one without its intermediate.
        Certificate::UnknownRoot => {
            let nobody = authority("Nobody's Root", None)?;
            Ok(signed(&params, key, &nobody)? + &nobody.pem())
        }
        Certificate::MissingIntermediate => signed(&params, key, &authority("Lab Intermediate", Some(root))?),
        Certificate::None
        | Certificate::Valid
        | Certificate::Expired
        | Certificate::NotYetValid
        | Certificate::ExpiresSoon
        | Certificate::OtherName
        | Certificate::KeyMismatch => signed(&params, key, root),
    }
}

fn signed(params: &CertificateParams, key: &KeyPair, issuer: &Authority) -> Outcome<String> {
    Ok(params.signed_by(key, issuer).doing("signing")?.pem())
}

fn leaf(kind: Certificate) -> Outcome<CertificateParams> {
    let names = match kind {
        Certificate::OtherName => vec!["mail.example.net".to_owned()],
        Certificate::None
        | Certificate::Valid
        | Certificate::Expired
        | Certificate::NotYetValid
        | Certificate::ExpiresSoon
        | Certificate::SelfSigned
        | Certificate::UnknownRoot
        | Certificate::MissingIntermediate
        | Certificate::KeyMismatch => names_of_server(),
    };
    let mut params = CertificateParams::new(names).doing("naming a certificate")?;
    params.distinguished_name.push(DnType::CommonName, "turn.example.org");
    let now = SystemTime::now();
    let (begins, ends) = match kind {
        Certificate::Expired => (now - 30 * DAY, now - DAY),
        Certificate::NotYetValid => (now + DAY, now + 90 * DAY),
        Certificate::ExpiresSoon => (now - 84 * DAY, now + 6 * DAY),
        Certificate::None
        | Certificate::Valid
        | Certificate::SelfSigned
        | Certificate::UnknownRoot
        | Certificate::OtherName
        | Certificate::MissingIntermediate
        | Certificate::KeyMismatch => (now - DAY, now + 90 * DAY),
    };
    params.not_before = begins.into();
    params.not_after = ends.into();
    params.use_authority_key_identifier_extension = true;
    if kind == Certificate::MissingIntermediate {
        params.custom_extensions.push(issuer_address());
    }
    Ok(params)
}

/// Authority Information Access (RFC 5280 §4.2.2.1) with one place where the issuer's certificate is: public authorities always name it.
fn issuer_address() -> CustomExtension {
    const ID_AD_CA_ISSUERS: [u8; 10] = [6, 8, 43, 6, 1, 5, 5, 7, 48, 2];
    const PLACE: &[u8] = b"http://ca.example.org/i.crt";
    let wrap = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap_or(u8::MAX)], content].concat();
    let description = wrap(0x30, &[&ID_AD_CA_ISSUERS[..], &wrap(0x86, PLACE)].concat());
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], wrap(0x30, &description))
}

fn authority(name: &str, above: Option<&Authority>) -> Outcome<Authority> {
    let mut params = CertificateParams::new(Vec::new()).doing("naming an authority")?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().doing("making a key")?;
    match above {
        None => CertifiedIssuer::self_signed(params, key),
        Some(root) => CertifiedIssuer::signed_by(params, key, root),
    }
    .doing("signing an authority")
}

fn store(path: &Path, text: &str) -> Outcome<()> {
    std::fs::write(path, text).doing(&path.display().to_string())
}
