//! Filtering and mapping by a server with two addresses: RFC 5780 §4.4 and §4.3, from a socket each. A datagram that a router of Linux has
//! taken for its own stays in its memory, and what the same socket sends there afterwards leaves from another port: the mapping would seem
//! to depend on the destination.
//!
//! Silence counts only where the same request is answered on a socket that has sent to the other address itself: else it may be the server
//! that doesn't send from there.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::pace::until_sure;
use super::subject::{Asked, Subject, mapping_fact, udp};
use crate::model::address::Reach;
use crate::model::fact::{Contact, Fact, FilteringFact, FilteringWay};
use crate::model::outcome::Outcome;
use crate::probe::context::Context;
use crate::proto::request::{Change, Request};

/// The other address of a server (RFC 5780 §7.4), where it can be one: of the same family and with another port. Some servers have one
/// address alone and name another port of it.
///
/// One that means this host, its network or nobody is sent nothing, unless the server itself was reached in such a place: else any
/// server could have callcheck knock there.
#[must_use]
pub fn usable(asked: &Asked) -> Option<SocketAddr> {
    let (server, other) = (asked.server, asked.other?);
    let is_other = other.is_ipv4() == server.is_ipv4() && other.port() != server.port() && other.port() > 0;
    let named = Reach::of(other.ip());
    let in_reach = named.is_global() || named == Reach::of(server.ip());
    let is_own = |address: IpAddr| address == asked.mapped.ip() || address == asked.local.ip();
    let is_safe = in_reach && named != Reach::Unusable && (!is_own(other.ip()) || is_own(server.ip()));
    (is_other && is_safe).then_some(other)
}

/// Tests a socket that has asked nobody but the server yet. Whether this has told how the NAT filters comes back.
pub async fn run(context: &Context, subject: &Subject, other: SocketAddr) -> bool {
    let server = subject.asked.server;
    let other_port = SocketAddr::new(server.ip(), other.port());
    let by_address = async {
        if other.ip() == server.ip() {
            return None;
        }
        Some(filter(context, subject, other, Change::AddressAndPort, Contact::None).await)
    };
    let mapping = async {
        let fresh = Subject::another(context, server).await;
        if let Some(fresh) = &fresh {
            map(context, fresh, other).await;
        }
        fresh
    };
    let by_port = filter(context, subject, other_port, Change::Port, Contact::Address);
    let (stranger, neighbour, fresh) = tokio::join!(by_address, by_port, mapping);
    // From where there was silence the server must be heard once the socket has sent there itself.
    let again = match (&stranger, neighbour) {
        (Some(Outcome::Silent), _) => (other, Change::AddressAndPort),
        (None, Outcome::Silent) => (other_port, Change::Port),
        (_, _) => return stranger == Some(Outcome::Success),
    };
    let Some(fresh) = fresh else { return false };
    filter(context, &fresh, again.0, again.1, Contact::AddressAndPort).await == Outcome::Success
}

async fn filter(context: &Context, subject: &Subject, from: SocketAddr, change: Change, contact: Contact) -> Outcome {
    let Asked { server, mapped, local, .. } = subject.asked;
    let request = Request::binding_answered_from(change);
    let reply = until_sure(context, subject, &request, server, from).await.reply;
    let outcome = reply.outcome.clone();
    let fact = FilteringFact { local, mapped, from, contact, way: FilteringWay::ChangeRequest, reply };
    context.record.add("nat-filtering", udp(server), Fact::Filtering(fact));
    outcome
}

/// The own address as the other address and the other ports see it.
async fn map(context: &Context, subject: &Subject, other: SocketAddr) {
    let server = subject.asked.server;
    let places = [SocketAddr::new(other.ip(), server.port()), other, SocketAddr::new(server.ip(), other.port())];
    let places: BTreeSet<SocketAddr> = places.into_iter().filter(|place| *place != server).collect();
    let asked = places.into_iter().map(|place| async move {
        context.record.contact(udp(place));
        let exchange = until_sure(context, subject, &Request::binding(), place, place).await;
        let fact = mapping_fact(&subject.socket, place, &exchange);
        context.record.add("nat-mapping", udp(place), Fact::Mapping(fact));
    });
    futures::future::join_all(asked).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_usable(server: &str, other: &str) -> bool {
        let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let (local, mapped) = (address("192.168.1.2:5000"), address("198.51.100.2:5000"));
        usable(&Asked { server: address(server), local, mapped, other: Some(address(other)) }).is_some()
    }

    #[test]
    fn another_address_or_another_port_can_be_a_servers_other_one() {
        assert!(is_usable("203.0.113.10:3478", "203.0.113.11:3479"));
        assert!(is_usable("203.0.113.10:3478", "203.0.113.10:3479"));
        assert!(is_usable("10.0.0.10:3478", "10.0.0.11:3479"), "within a company");
        assert!(!is_usable("203.0.113.10:3478", "203.0.113.11:3478"), "RFC 5780 wants another port");
        assert!(!is_usable("203.0.113.10:3478", "[2001:db8::1]:3479"), "another family");
    }

    #[test]
    fn a_server_outside_is_not_believed_about_addresses_within() {
        for other in
            ["10.0.0.1:53", "192.168.1.1:53", "100.64.0.1:53", "127.0.0.1:53", "169.254.1.1:53", "224.0.0.1:53", "0.0.0.0:53"]
        {
            assert!(!is_usable("203.0.113.10:3478", other), "{other}");
        }
        assert!(!is_usable("203.0.113.10:3478", "198.51.100.2:53"), "the own address outside");
        assert!(!is_usable("192.168.1.9:3478", "192.168.1.2:53"), "the own address");
        assert!(!is_usable("203.0.113.10:3478", "203.0.113.11:0"));
    }
}
