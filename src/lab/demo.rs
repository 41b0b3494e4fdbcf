//! The demo: the embedded server, healthy or broken on purpose, and the plan of a run against it.

use std::fmt::Write as _;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::fault::Fault;
use super::host::{Lab, LabConfig};
use crate::model::asked::{Form, Purpose, Service};
use crate::model::endpoint::Transport;
use crate::model::target::Host;
use crate::net::tls::Trust;
use crate::probe::control::Control;
use crate::run::plan::{Families, Login, Plan, Planned};

/// The faults that the demo can make, by name.
#[must_use]
pub fn faults() -> Vec<&'static str> {
    let mut names: Vec<&str> = Fault::ALL.iter().filter(|fault| fault.on_loopback()).map(|fault| fault.id()).collect();
    names.sort_unstable();
    names
}

/// The fault of that name.
///
/// # Errors
///
/// A sentence that names the option and the value.
pub fn fault(name: &str) -> Result<Fault, String> {
    let known = name.parse::<Fault>().ok();
    match known {
        Some(fault) if fault.on_loopback() => Ok(fault),
        Some(_) => Err(format!("invalid value {name:?} for --fault: loopback alone can't show it")),
        None => Err(format!("invalid value {name:?} for --fault: callcheck demo --fault list names those on offer")),
    }
}

/// Starts the server; it must be called inside a `LocalSet`.
///
/// # Errors
///
/// What the system says where a port can't be had.
pub async fn start(fault: Option<Fault>) -> io::Result<Lab> {
    Lab::start(LabConfig { faults: fault.into_iter().collect(), ..LabConfig::default() }).await
}

/// The plan of a run against the server, as if its host had been given alone.
#[must_use]
pub fn plan(lab: &Lab, timeout: Duration) -> Plan {
    let login = lab.credentials().map(|credentials| Rc::new(Login::Given(credentials)));
    // A bare host doesn't mean DTLS.
    let usual = lab.endpoints().iter().filter(|endpoint| endpoint.transport != Transport::Dtls);
    let services = usual.map(|endpoint| Planned {
        service: Service {
            host: Host::Address(endpoint.ip()),
            port: Some(endpoint.address.port()),
            transport: endpoint.transport,
            relay: true,
        },
        login: login.clone(),
    });
    let controls = lab.controls().iter().map(|address| Control { host: Host::Address(address.ip()), port: address.port() });
    // The lab made this root a moment ago: that it can't be read would be a fault of the lab and shows as an untrusted chain.
    let trust = Trust::nobody().with_roots(lab.ca_pem().as_bytes()).unwrap_or_else(|_| Trust::nobody());
    Plan {
        command: "demo".to_owned(),
        purpose: Purpose::Turn,
        form: Form::Host,
        services: services.collect(),
        controls: controls.collect(),
        trust,
        timeout,
        families: Families::Both,
        long_stream: None,
        proxy: None,
        contacted: Vec::new(),
    }
}

/// How to reach a server that is kept up.
#[must_use]
pub fn invitation(lab: &Lab) -> String {
    let mut text = "The embedded server is up until Ctrl-C:\n".to_owned();
    for endpoint in lab.endpoints() {
        _ = writeln!(text, "  {endpoint}");
    }
    if let Some(credentials) = lab.credentials() {
        // These are the lab's own, made to be typed: they open nothing else.
        let (user, password) = (credentials.username.expose(), credentials.password.expose());
        _ = writeln!(text, "Try it:\n  CALLCHECK_TURN_PASSWORD={password} callcheck turn {} --user {user}", lab.udp());
    }
    _ = write!(text, "To trust the TLS port, save this root and pass it by --ca:\n{}", lab.ca_pem());
    text
}
