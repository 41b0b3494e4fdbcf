//! An HTTP CONNECT through the proxy of the environment, where TCP doesn't get out by itself (RFC 9110 §9.3.6).

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::context::Context;
use super::greet;
use super::reach::try_connect;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{Fact, ProxyFact};
use crate::model::outcome::Outcome;
use crate::model::secret::Secret;
use crate::model::target::Host;
use crate::net::network::Stream;
use crate::net::session::Session;

/// How long a proxy may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// The longest head of an answer that is read, in bytes.
const LONGEST_HEAD: usize = 16 * 1024;

/// An HTTP proxy of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its host.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// `user:password`, where the variable holds them.
    pub login: Option<Secret>,
}

/// Asks the proxy for a connection to an endpoint, and the server behind it for a Binding.
pub async fn connect(context: &Context, proxy: &Proxy, endpoint: Endpoint) {
    let address = match &proxy.host {
        Host::Address(address) => Some(*address),
        Host::Name(name) => context.network.addresses(name).await.records.first().copied(),
    };
    let Some(address) = address else { return };
    let through = Endpoint::new(Transport::Tcp, SocketAddr::new(address, proxy.port));
    context.record.contact(through);
    let (reply, stream) = try_connect(context, through).await;
    let mut fact = ProxyFact { proxy: format!("{}:{}", proxy.host, proxy.port), status: None, outcome: reply.outcome };
    let Some(mut stream) = stream else {
        context.record.add("proxy", endpoint, Fact::Proxy(fact));
        return;
    };
    let answered = tokio::time::timeout(ANSWER_LIMIT, ask(&mut stream, proxy, endpoint)).await;
    fact.status = answered.ok().flatten();
    fact.outcome = if fact.status.is_some() { Outcome::Success } else { Outcome::Silent };
    let open = fact.status.is_some_and(|status| (200..300).contains(&status));
    context.record.add("proxy", endpoint, Fact::Proxy(fact));
    if open && endpoint.transport == Transport::Tcp {
        let session = Session::over_stream(&context.network, endpoint, stream);
        let exchange = session.ask(&crate::proto::request::Request::binding()).await;
        let fact = greet::binding_fact(&session, exchange);
        context.record.add("binding-through-proxy", endpoint, Fact::Binding(fact));
    }
}

async fn ask(stream: &mut Box<dyn Stream>, proxy: &Proxy, endpoint: Endpoint) -> Option<u16> {
    let login = proxy
        .login
        .as_ref()
        .map_or_else(String::new, |login| format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(login.expose())));
    let address = endpoint.address;
    let request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n{login}\r\n");
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
