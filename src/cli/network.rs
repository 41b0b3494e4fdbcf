//! The parts of a plan that concern the network: families, binding, trust, controls.

use std::net::IpAddr;

use super::arguments::Common;
use super::usage::Usage;
use crate::model::target::Host;
use crate::net::tls::Trust;
use crate::net::udp::Binding;
use crate::probe::control::Control;
use crate::run::plan::{Families, Planned};

/// Public STUN servers of unrelated operators; one of them on a high port.
const PUBLIC_CONTROLS: [(&str, u16); 3] =
    [("stun.l.google.com", 19302), ("stun.cloudflare.com", 3478), ("global.stun.twilio.com", 3478)];

/// Which families are tested.
#[must_use]
pub fn families(common: &Common) -> Families {
    match (common.ipv4, common.ipv6) {
        (true, _) => Families::V4,
        (false, true) => Families::V6,
        (false, false) => Families::Both,
    }
}

/// What sockets are bound to.
pub fn binding(common: &Common) -> Result<Binding, Usage> {
    let Some(text) = &common.bind else { return Ok(Binding::default()) };
    if let Ok(address) = text.parse::<IpAddr>() {
        let usable = std::net::UdpSocket::bind((address, 0));
        usable.map_err(|error| Usage(format!("invalid value {text:?} for --bind: {error}")))?;
        return Ok(Binding { address: Some(address), interface: None });
    }
    let known = nix::net::if_::if_nametoindex(text.as_str()).is_ok();
    if known {
        Ok(Binding { address: None, interface: Some(text.clone()) })
    } else {
        Err(Usage(format!("invalid value {text:?} for --bind: neither an address nor a network interface of this host")))
    }
}

/// The roots for TLS.
pub fn trust(common: &Common) -> Result<Trust, Usage> {
    let system = Trust::system();
    let Some(file) = &common.ca else { return Ok(system) };
    let wrong = |why: String| Usage(format!("invalid value {:?} for --ca: {why}", file.display().to_string()));
    let pem = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    system.with_roots(&pem).map_err(|error| wrong(error.to_string()))
}

/// The controls; none for a target on loopback, where nothing of the network is in between.
#[must_use]
pub fn controls(common: &Common, services: &[Planned]) -> Vec<Control> {
    let on_loopback = |planned: &Planned| match &planned.service.host {
        Host::Address(address) => address.is_loopback(),
        Host::Name(name) => name == "localhost",
    };
    if common.no_controls || services.iter().all(on_loopback) {
        return Vec::new();
    }
    if !common.control.is_empty() {
        return common.control.clone();
    }
    PUBLIC_CONTROLS.iter().map(|(host, port)| Control { host: Host::Name((*host).to_owned()), port: *port }).collect()
}
