//! The candidates of a call: host ones at once, those that servers give as they are given, all until a deadline.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{join, join_all};

use super::driver::Driver;
use super::host::Host;
use crate::model::call::Path;
use crate::model::endpoint::Transport;
use crate::peer::{Gathered, Peer};
use crate::probe::allocate::{self, Allocation, Role, allocate};
use crate::probe::context::Context;
use crate::probe::greet::{Greeting, challenge, on_a_new_port};
use crate::probe::ice_server::IceServer;
use crate::probe::reach::{Reached, reach};
use crate::proto::authentication::LongTerm;

/// How long servers are waited for: a silent one is known after 2 s, and a call that can't connect ends after 5.
pub(super) const LIMIT: Duration = Duration::from_secs(3);

/// How many redirections are followed.
const HOPS: usize = 5;

/// Addresses that only a default route leads to (RFC 5737, RFC 3849); nothing is sent there.
const ELSEWHERE: [&str; 2] = ["192.0.2.1", "2001:db8::1"];

/// Adds the host candidates and begins to ask the servers.
pub(super) fn start(driver: &Rc<Driver>, path: Path, servers: &[IceServer]) {
    if path.includes_host() || path.includes_reflexive() {
        open_hosts(driver, path, servers);
    }
    let (shared, servers) = (Rc::clone(driver), servers.to_vec());
    driver.spawn(async move {
        let asked = join(join_all(reflexive(&shared, path, &servers)), join_all(relayed(&shared, path, &servers)));
        // What a server hasn't given by now comes too late for this call; the facts say how far it came.
        _ = tokio::time::timeout(LIMIT, asked).await;
        shared.with(Peer::end_of_candidates);
    });
}

fn open_hosts(driver: &Rc<Driver>, path: Path, servers: &[IceServer]) {
    let own = own_addresses(&driver.context, servers);
    let (v4, v6): (Vec<IpAddr>, Vec<IpAddr>) = own.into_iter().partition(IpAddr::is_ipv4);
    for addresses in [v4, v6] {
        let Ok(host) = Host::open(driver.context.network.as_ref(), &addresses) else { continue };
        let host = Rc::new(host);
        driver.take_host(&host);
        for address in host.addresses().iter().filter(|_| path.includes_host()) {
            driver.add_local(Gathered::Host { address: *address });
        }
    }
}

/// The addresses that this host sends from, to the servers and anywhere else; loopback only where every server is there.
#[must_use]
pub fn own_addresses(context: &Context, servers: &[IceServer]) -> BTreeSet<IpAddr> {
    let servers: BTreeSet<IpAddr> = servers.iter().map(|server| server.endpoint.ip()).collect();
    let is_local = !servers.is_empty() && servers.iter().all(IpAddr::is_loopback);
    let elsewhere = ELSEWHERE.iter().filter(|_| !is_local).filter_map(|address| address.parse().ok());
    let sources = servers.iter().copied().chain(elsewhere).filter_map(|to| context.network.source(to));
    sources.filter(|source| source.is_loopback() == is_local).collect()
}

/// What each server sees of each host socket.
fn reflexive<'a>(driver: &'a Rc<Driver>, path: Path, servers: &'a [IceServer]) -> impl Iterator<Item = impl Future<Output = ()>> {
    let hosts = driver.hosts();
    let asked: Vec<_> = servers.iter().filter(|it| it.endpoint.transport == Transport::Udp).collect();
    let pairs: Vec<_> =
        hosts.into_iter().flat_map(|host| asked.clone().into_iter().map(move |server| (Rc::clone(&host), server))).collect();
    pairs.into_iter().filter(move |_| path.includes_reflexive()).map(move |(host, server)| async move {
        if host.addresses()[0].is_ipv4() != server.endpoint.address.is_ipv4() {
            return;
        }
        let Some((address, base)) = host.ask(&driver.context, server.endpoint.address).await else { return };
        // Without a NAT it is the host candidate once more (RFC 8445 §5.1.3).
        if (!path.includes_host() || address != base) && !driver.has_local(address) {
            driver.add_local(Gathered::Reflexive { address, base, url: server.url() });
        }
    })
}

/// A relay of each TURN server over each transport.
fn relayed<'a>(driver: &'a Rc<Driver>, path: Path, servers: &'a [IceServer]) -> impl Iterator<Item = impl Future<Output = ()>> {
    let wanted = servers.iter().filter(move |server| server.relay && path.includes_relay_over(server.endpoint.transport));
    wanted.map(move |server| async move {
        let Some(allocation) = allocated(&driver.context, server).await else { return };
        let (relayed, transport) = (allocation.relayed, server.endpoint.transport);
        driver.take_relay(allocation);
        driver.add_local(Gathered::Relay { relayed, transport, url: server.url() });
    })
}

/// An allocation at a server or where it sends its clients; every refusal has its fact.
pub(super) async fn allocated(context: &Context, server: &IceServer) -> Option<Allocation> {
    let mut endpoint = server.endpoint;
    for _ in 0..=HOPS {
        let Reached { session, trusted } = reach(context, endpoint, &server.host).await?;
        let greeting = challenge(context, &session).await;
        let (session, Greeting { challenge, response }) = on_a_new_port(context, &server.host, session, greeting).await;
        let reply = &challenge.reply;
        if reply.succeeded() {
            return allocate::open(context, &session, &response?);
        }
        let alternate = match reply.code() {
            Some(300) => challenge.alternate,
            Some(401) if trusted => {
                let signed = LongTerm::new(server.login.as_deref()?, &response?)?;
                match allocate(context, &session, Some(signed), Role::Main).await {
                    Ok(allocation) => return Some(allocation),
                    Err(reply) if reply.code() == Some(300) => allocate::alternate(context, endpoint),
                    Err(_) => None,
                }
            }
            Some(_) | None => None,
        };
        endpoint.address = alternate?;
    }
    None
}
