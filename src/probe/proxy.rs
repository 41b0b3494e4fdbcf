//! An HTTP CONNECT through the proxy of the environment, where TCP doesn't get out by itself (RFC 9110 §9.3.6), and TURN inside it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::allocate::{Role, allocate};
use super::connect::try_connect;
use super::context::{Context, Record};
use super::greet::greet;
use super::ice_server::IceServer;
use super::relay;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{Fact, HandshakeEnd, ProxyFact, THROUGH_PROXY};
use crate::model::outcome::{Defect, Outcome};
use crate::model::secret::Secret;
use crate::model::target::Host;
use crate::net::network::Stream;
use crate::net::session::Session;
use crate::net::tls::handshake;
use crate::proto::authentication::LongTerm;

/// How long a proxy may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// How long a TLS handshake inside the tunnel may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(2);

/// The longest head of an answer that is read, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// The proxy of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// What it speaks: `http`, or what callcheck doesn't, as `socks5`.
    pub scheme: String,
    /// Its host.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// `user:password`, where the variable holds them.
    pub login: Option<Secret>,
    /// What is reached without it.
    pub spared: Vec<Spared>,
}

/// Hosts that are reached without the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spared {
    /// All.
    Everything,
    /// A name, and those below it.
    Name(String),
    /// The addresses that begin with so many bits of this one.
    Network(IpAddr, u32),
}

impl Proxy {
    /// Whether a server is reached without the proxy, by its name or by its address.
    #[must_use]
    pub fn spares(&self, host: &Host, address: IpAddr) -> bool {
        self.spared.iter().any(|spared| match (spared, host) {
            (Spared::Everything, _) => true,
            (Spared::Name(above), Host::Name(name)) => is_below(name, above),
            (Spared::Name(_), Host::Address(_)) => false,
            (Spared::Network(network, bits), _) => is_within(address, *network, *bits),
        })
    }
}

fn is_below(name: &str, above: &str) -> bool {
    let (name, above) = (name.to_ascii_lowercase(), above.to_ascii_lowercase());
    name.strip_suffix(&above).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let shift = 32_u32.saturating_sub(bits);
            u32::from(address).checked_shr(shift) == u32::from(network).checked_shr(shift)
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let shift = 128_u32.saturating_sub(bits);
            u128::from(address).checked_shr(shift) == u128::from(network).checked_shr(shift)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// Asks the proxy for a connection to a server, and has TURN inside it as far as an allocation.
pub async fn connect(context: &Context, proxy: &Proxy, server: &IceServer) {
    let endpoint = server.endpoint;
    let (login, name) = (proxy.login.is_some(), format!("{}:{}", proxy.host, proxy.port));
    if proxy.scheme != "http" {
        let outcome = Outcome::Unusable { defect: Defect::Incomplete };
        let fact = ProxyFact { proxy: format!("{}://{name}", proxy.scheme), status: None, outcome, login };
        context.record.add("proxy", endpoint, Fact::Proxy(fact));
        return;
    }
    let address = match &proxy.host {
        Host::Address(address) => Some(*address),
        Host::Name(name) => context.network.addresses(name).await.records.first().copied(),
    };
    let Some(address) = address else { return };
    let through = Endpoint::new(Transport::Tcp, SocketAddr::new(address, proxy.port));
    context.record.contact(through);
    let (reply, stream) = try_connect(context, through).await;
    let mut fact = ProxyFact { proxy: name, status: None, outcome: reply.outcome, login };
    let Some(mut stream) = stream else {
        context.record.add("proxy", endpoint, Fact::Proxy(fact));
        return;
    };
    let answered = tokio::time::timeout(ANSWER_LIMIT, ask(&mut stream, proxy, server)).await;
    fact.status = answered.ok().flatten();
    fact.outcome = if fact.status.is_some() { Outcome::Success } else { Outcome::Silent };
    let open = fact.status.is_some_and(|status| (200..300).contains(&status));
    context.record.add("proxy", endpoint, Fact::Proxy(fact));
    if open {
        let inside = Context { record: Record::new(None), ..context.clone() };
        talk(&inside, server, stream).await;
        for seen in inside.record.observations() {
            context.record.add(&format!("{}{THROUGH_PROXY}", seen.probe), seen.target, seen.fact);
        }
    }
}

/// What is asked of a server in any way, inside the tunnel.
async fn talk(inside: &Context, server: &IceServer, stream: Box<dyn Stream>) {
    let (stream, trusted) = match server.endpoint.transport {
        Transport::Tcp => (stream, true),
        Transport::Tls => {
            let now = inside.network.time_of_day();
            let (fact, stream) = handshake(stream, &server.host, &inside.trust, now, HANDSHAKE_LIMIT).await;
            let trusted = fact.end == HandshakeEnd::Completed && fact.defects.is_empty();
            inside.record.add("handshake", server.endpoint, Fact::Handshake(fact));
            let Some(stream) = stream else { return };
            (stream, trusted)
        }
        Transport::Udp | Transport::Dtls => return,
    };
    let session = Session::over_stream(&inside.network, server.endpoint, stream);
    let Some(greeting) = greet(inside, &session, server.relay).await else { return };
    let (Some(login), Some(response)) = (server.login.as_deref().filter(|_| trusted), greeting.response) else { return };
    let Some(signed) = LongTerm::new(login, &response).filter(|_| greeting.challenge.reply.code() == Some(401)) else { return };
    if let Ok(allocation) = allocate(inside, &session, Some(signed), Role::Main).await {
        relay::release(inside, &allocation).await;
    }
}

async fn ask(stream: &mut Box<dyn Stream>, proxy: &Proxy, server: &IceServer) -> Option<u16> {
    let login = proxy
        .login
        .as_ref()
        .map_or_else(String::new, |login| format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(login.expose())));
    // By name where there is one, as browsers do: proxies have rules about names.
    let place = match &server.host {
        Host::Name(name) => format!("{name}:{}", server.endpoint.address.port()),
        Host::Address(_) => server.endpoint.address.to_string(),
    };
    let request = format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{login}\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    let mut head = Vec::new();
    let mut byte = [0];
    // Byte by byte, so that nothing that the server behind it says is taken away.
    while !head.ends_with(b"\r\n\r\n") && head.len() < LONGEST_HEAD {
        if stream.read(&mut byte).await.ok()? == 0 {
            break;
        }
        head.push(byte[0]);
    }
    let line = String::from_utf8_lossy(&head);
    line.strip_prefix("HTTP/1.")?.split_whitespace().nth(1)?.parse().ok()
}
