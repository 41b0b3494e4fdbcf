//! Single ports of a range, by what any host tells of them: TCP connections, and ICMP errors about datagrams.
//!
//! It is what is left without a login and without a responder. Hosts limit ICMP errors to some a second, so that the ports are few and the
//! datagrams far between.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{sleep, timeout};

use super::connect::try_connect;
use super::context::Context;
use super::control::ask_datagram;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{Fact, PortReplyFact};
use crate::model::outcome::{Outcome, Reply};
use crate::model::ports::PortRange;

/// How many ports of the range are asked: Linux answers six datagrams at once and then one a second (`icmp_ratelimit`).
const PORTS: u16 = 6;

/// The distance of two ports' first datagrams.
const DISTANCE: Duration = Duration::from_millis(60);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(1200);

/// Asks some ports of a host, spread over the range.
pub async fn knock(context: &Context, host: IpAddr, range: PortRange) {
    let ports = spread(range, || {
        let mut random = [0; 2];
        context.network.randomize(&mut random);
        u16::from_be_bytes(random)
    });
    let asked = (0..).zip(ports).map(|(number, port)| async move {
        sleep(DISTANCE * number).await;
        let address = SocketAddr::new(host, port);
        tokio::join!(udp(context, address), tcp(context, address));
    });
    join_all(asked).await;
}

/// One port out of each part of the range.
fn spread(range: PortRange, random: impl Fn() -> u16) -> Vec<u16> {
    let parts = u32::from(PORTS).min(range.count());
    let part = range.count() / parts;
    let offsets = (0..parts).map(|number| number * part + u32::from(random()) % part);
    offsets.filter_map(|offset| u16::try_from(u32::from(range.first()) + offset).ok()).collect()
}

async fn udp(context: &Context, address: SocketAddr) {
    let endpoint = Endpoint::new(Transport::Udp, address);
    context.record.contact(endpoint);
    let mut payload = [0; 16];
    context.network.randomize(&mut payload);
    // Neither STUN nor ChannelData (RFC 7983 §7): nothing is asked for.
    payload[0] |= 0xC0;
    let asked = timeout(PATIENCE, ask_datagram(context, address, &payload, |_| true)).await;
    let reply = asked.unwrap_or(Reply { outcome: Outcome::Silent, sends: 4, rtt_ms: None, strays: Vec::new() });
    context.record.add("port", endpoint, Fact::PortReply(PortReplyFact { reply }));
}

async fn tcp(context: &Context, address: SocketAddr) {
    let endpoint = Endpoint::new(Transport::Tcp, address);
    context.record.contact(endpoint);
    let (reply, _) = try_connect(context, endpoint).await;
    context.record.add("port", endpoint, Fact::PortReply(PortReplyFact { reply }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_are_spread_over_the_range() {
        let range: PortRange = "49152-65535".parse().expect("a range");
        let ports = spread(range, || 7);
        assert_eq!(ports.len(), 6);
        assert!(ports.windows(2).all(|pair| pair[1] - pair[0] > 2000) && ports.iter().all(|port| range.contains(*port)));
        assert_eq!(spread("65535".parse().expect("a range"), || 9), [65_535]);
        assert_eq!(spread("1-3".parse().expect("a range"), || 1000), [1, 2, 3]);
    }
}
