//! What is asked beside the servers themselves: ports that nobody is promised, and, where something is silent, who blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::future::join_all;

use super::plan::Plan;
use crate::model::asked::Form;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{CertificateDefect, Fact};
use crate::model::outcome::Reply;
use crate::model::ports::USUAL_RELAY_RANGE;
use crate::model::target::Host;
use crate::probe::context::{Context, is_answer};
use crate::probe::greet::greet;
use crate::probe::ice_server::IceServer;
use crate::probe::knock::knock;
use crate::probe::reach::reach;
use crate::probe::{connect_trace, control, proxy, trace, web};

/// How much longer the question who blocks waits where nobody has answered anything: over a satellite no answer comes within half a second.
const FURTHER_PATIENCE: Duration = Duration::from_millis(300);

/// Where the listed endpoints of an address are late to answer, the plain ports beside them are asked too: a list of one URL
/// alone doesn't tell a closed port from a dead host.
pub async fn second_opinions(context: &Context, plan: &Plan, servers: &[IceServer]) {
    let mut asked: Vec<Endpoint> = servers.iter().map(|server| server.endpoint).collect();
    let mut beside = Vec::new();
    for server in servers {
        for endpoint in plain_ports(plan, server) {
            if !asked.contains(&endpoint) {
                asked.push(endpoint);
                beside.push(IceServer { endpoint, login: None, ..server.clone() });
            }
        }
    }
    let late = beside.iter().filter(|server| !ip_answers(context, server.endpoint.ip()));
    join_all(late.map(|server| ask_whether_there(context, server))).await;
}

async fn ask_whether_there(context: &Context, server: &IceServer) {
    if let Some(reached) = reach(context, server.endpoint, &server.host).await {
        greet(context, &reached.session, server.relay).await;
    }
}

/// Without a login the relay tells nothing of its ports; what any host tells of its own remains.
pub async fn knock_without_login(context: &Context, plan: &Plan, servers: &[IceServer]) {
    let Some(ports) = plan.ports.as_ref().filter(|_| servers.iter().all(|server| server.login.is_none())) else { return };
    let range = ports.range.unwrap_or(USUAL_RELAY_RANGE);
    let hosts: BTreeSet<IpAddr> = servers.iter().map(|server| server.endpoint.ip()).collect();
    join_all(hosts.into_iter().map(|host| knock(context, host, range))).await;
}

/// The services that nobody is promised.
pub async fn ask_beside(context: &Context, plan: &Plan, servers: &[IceServer]) {
    let Some(ports) = &plan.ports else { return };
    let mut asked: Vec<Endpoint> = servers.iter().map(|server| server.endpoint).collect();
    let mut beside = Vec::new();
    for service in &ports.beside {
        for ip in servers.iter().map(|server| server.endpoint.ip()).collect::<BTreeSet<_>>() {
            let endpoint = Endpoint::new(service.transport, SocketAddr::new(ip, service.port_or_default()));
            if !asked.contains(&endpoint) {
                asked.push(endpoint);
                beside.push(IceServer { endpoint, host: service.host.clone(), relay: service.relay, login: None });
            }
        }
    }
    join_all(beside.iter().map(|server| ask_whether_there(context, server))).await;
}

/// The plain ports beside an endpoint of a list of URLs; a host is asked on all of them anyway.
fn plain_ports(plan: &Plan, server: &IceServer) -> Vec<Endpoint> {
    let Endpoint { transport, address } = server.endpoint;
    let port = if transport.is_secure() { Transport::Udp.default_port() } else { address.port() };
    match plan.form {
        Form::Host | Form::HostAndPort => Vec::new(),
        Form::Urls => [Transport::Udp, Transport::Tcp].map(|it| Endpoint::new(it, SocketAddr::new(address.ip(), port))).to_vec(),
    }
}

/// Where datagrams end that got no answer in time, and what else may answer at the addresses of which nothing has.
pub async fn ask_who_blocks(context: &Context, plan: &Plan, servers: &[IceServer]) {
    if plan.controls.is_empty() {
        return;
    }
    if !anything_answers(context) {
        tokio::time::sleep(FURTHER_PATIENCE).await;
    }
    let endpoints: Vec<Endpoint> = servers.iter().map(|server| server.endpoint).collect();
    let mut addresses: Vec<IpAddr> = endpoints.iter().map(|endpoint| endpoint.ip()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.retain(|ip| !ip.is_loopback() && !ip_answers(context, *ip));
    // Those that a list of URLs leaves out are asked for a second opinion at the same time.
    let asked: Vec<Endpoint> = servers.iter().flat_map(|server| plain_ports(plan, server)).chain(endpoints.clone()).collect();
    let ports = join_all(addresses.into_iter().map(|ip| control::usual_ports(context, ip, &asked)));
    let refused = connect_trace::trace_refused(context, &endpoints);
    let ((), _, refused) = tokio::join!(trace::trace_silent(context, &endpoints), ports, refused);
    connect_trace::compare(context, &endpoints, refused).await;
}

/// Who has the web's ports of the addresses at which nothing has answered.
pub async fn ask_webs(context: &Context, servers: &[IceServer]) {
    let hosts: BTreeMap<IpAddr, &Host> = servers.iter().map(|server| (server.endpoint.ip(), &server.host)).collect();
    let mute = hosts.into_iter().filter(|(ip, _)| !ip.is_loopback() && !ip_answers(context, *ip));
    join_all(mute.map(|(ip, host)| web::ask(context, ip, host))).await;
}

/// Where connections end that were refused: a firewall in between signs its reset as the server does.
pub async fn ask_who_refuses(context: &Context, plan: &Plan, servers: &[IceServer]) {
    if plan.controls.is_empty() {
        return;
    }
    let endpoints: Vec<Endpoint> = servers.iter().map(|server| server.endpoint).collect();
    let refused = connect_trace::trace_refused(context, &endpoints).await;
    connect_trace::compare(context, &endpoints, refused).await;
}

/// Whether anybody has answered anything, the controls included.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
fn anything_answers(context: &Context) -> bool {
    context.record.observations().iter().any(|seen| match &seen.fact {
        Fact::Connect(it) => it.reply.succeeded(),
        Fact::Control(it) => it.reply.answered(),
        fact => is_answer(fact),
    })
}

fn ip_answers(context: &Context, ip: IpAddr) -> bool {
    context.record.observations().iter().any(|seen| {
        is_answer(&seen.fact) && !seen.probe.starts_with("control") && seen.endpoint().is_some_and(|endpoint| endpoint.ip() == ip)
    })
}

/// Whether anything was silent or unreachable, so that who blocks is worth asking.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
pub fn needs_controls(context: &Context) -> bool {
    let troubled = |reply: &Reply| !reply.answered();
    let observations = context.record.observations();
    let reached = observations.iter().any(|seen| matches!(&seen.fact, Fact::Binding(_) | Fact::Connect(_)));
    !reached
        || observations.iter().any(|seen| match &seen.fact {
            Fact::Binding(it) => troubled(&it.reply),
            Fact::Challenge(it) => troubled(&it.reply),
            Fact::Connect(it) => troubled(&it.reply),
            Fact::Handshake(it) => it.end != crate::model::fact::HandshakeEnd::Completed || !it.defects.is_empty(),
            Fact::Inbound(it) => !it.arrived,
            Fact::Outbound(it) => !it.arrived,
            Fact::Allocation(it) => it.reply.code() == Some(401),
            _ => false,
        })
}

/// Whether it matters what time it is: credentials with an expiry were refused, or a certificate is out of its dates.
pub fn needs_clocks(context: &Context) -> bool {
    let out_of_dates = |defect: &CertificateDefect| matches!(defect, CertificateDefect::Expired | CertificateDefect::NotYetValid);
    let observations = context.record.observations();
    let of_facts = |holds: fn(&Fact) -> bool| observations.iter().any(|seen| holds(&seen.fact));
    observations.iter().any(|seen| matches!(&seen.fact, Fact::Handshake(it) if it.defects.iter().any(out_of_dates)))
        || of_facts(|fact| matches!(fact, Fact::Credentials(it) if it.expires_at.is_some()))
            && of_facts(|fact| matches!(fact, Fact::Allocation(it) if it.reply.code() == Some(401)))
}

/// Tries the proxy of the environment where no TCP connection succeeded.
pub async fn try_proxy(context: &Context, plan: &Plan, servers: &[IceServer]) {
    let Some(through) = &plan.proxy else { return };
    let observations = context.record.observations();
    let of_streams = observations.iter().filter(|seen| seen.endpoint().is_some_and(|endpoint| endpoint.transport.is_stream()));
    let connects: Vec<_> =
        of_streams.filter_map(|seen| if let Fact::Connect(it) = &seen.fact { Some(it) } else { None }).collect();
    if connects.is_empty() || connects.iter().any(|connect| connect.reply.succeeded()) {
        return;
    }
    let streams = servers.iter().filter(|server| server.endpoint.transport.is_stream());
    let streams = streams.filter(|server| !through.spares(&server.host, server.endpoint.ip()));
    join_all(streams.map(|server| proxy::connect(context, through, server))).await;
}
