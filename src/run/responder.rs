//! A run against a responder: the control exchange over UDP and TCP, then the sweep of the range, at every address of its host.

use std::time::Duration;

use super::plan::{Families, ResponderPlan};
use crate::model::asked::Service;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{Fact, PortProtocol, PortsBy, PortsFact, ResponderFact, ServedPorts};
use crate::model::outcome::Outcome;
use crate::model::ports::{PortRange, PortSet};
use crate::probe::context::Context;
use crate::probe::name;
use crate::probe::responder::udp::{self, Pace};
use crate::probe::responder::{Client, Swept, Until, exchange, tcp};

/// Sweeps a range at every address of the responder's host, one after another: two floods at once would lose each other's datagrams.
pub async fn sweep(context: &Context, plan: &ResponderPlan, families: Families, until: &Until) {
    let service = Service { host: plan.host.clone(), port: Some(plan.port), transport: Transport::Udp, relay: false };
    for endpoint in name::endpoints(context, &service).await {
        if families.include(endpoint.ip()) && name::routed(context, endpoint) {
            sweep_address(context, plan, endpoint, until).await;
        }
    }
}

async fn sweep_address(context: &Context, plan: &ResponderPlan, endpoint: Endpoint, until: &Until) {
    let client = Client::new(context, endpoint.address, plan.token.clone());
    let (over_udp, over_tcp) = tokio::join!(exchange::over_udp(&client, plan.port), exchange::over_tcp(&client));
    let facts = [(Transport::Udp, &over_udp), (Transport::Tcp, &over_tcp)];
    for (transport, fact) in facts {
        context.record.add("responder", Endpoint::new(transport, endpoint.address), Fact::Responder(fact.clone()));
    }
    if is_no_use(&over_udp, &over_tcp) {
        return;
    }
    let pace = Pace {
        rate: plan.rate,
        round_trip: over_udp.reply.rtt_ms.map(|ms| Duration::from_secs_f64(ms / 1000.0)),
        control: over_udp.serves.is_some().then_some(plan.port),
        until: until.clone(),
    };
    let (udp_passes, tcp_passes) = (over_udp.reply.succeeded(), over_tcp.reply.succeeded());
    let serves = over_udp.serves.or(over_tcp.serves);
    let taken = serves.as_ref().map(|serves| serves.udp_taken.clone()).unwrap_or_default();
    let ports = PortSet::rest_of(plan.range, &[&taken]);
    let Ok(swept) = udp::sweep(&client, &ports, pace).await else { return };
    let serves = match (serves, swept.open.iter().next()) {
        (Some(serves), _) => serves,
        // The port that it listens on may be closed where those of the range are not.
        (None, Some(open)) => {
            let fact = exchange::over_udp(&client, open).await;
            let mut at = endpoint.address;
            at.set_port(open);
            context.record.add("responder", Endpoint::new(Transport::Udp, at), Fact::Responder(fact.clone()));
            let Some(serves) = fact.serves else { return };
            serves
        }
        // Nothing proves that a responder is there, so that silence says nothing of the ports.
        (None, None) => return,
    };
    record(context, endpoint, plan.range, PortProtocol::Udp, &proved(within(swept, &serves, PortProtocol::Udp), udp_passes));
    if !plan.tcp {
        return;
    }
    let mut swept = Swept::default();
    if serves.tcp {
        let round_trip = over_tcp.reply.rtt_ms.map_or(Duration::from_secs(1), |ms| Duration::from_secs_f64(ms / 1000.0));
        let ports = PortSet::rest_of(plan.range, &[&serves.tcp_taken]);
        swept = tcp::sweep(&client, &ports, round_trip, until).await;
    }
    record(context, endpoint, plan.range, PortProtocol::Tcp, &proved(within(swept, &serves, PortProtocol::Tcp), tcp_passes));
}

/// Whether the exchange shows that no answer is to be had: the clocks differ or the tokens do, or something else answers.
fn is_no_use(over_udp: &ResponderFact, over_tcp: &ResponderFact) -> bool {
    let says = |fact: &ResponderFact| fact.serves.is_some();
    let lies = |fact: &ResponderFact| matches!(fact.reply.outcome, Outcome::Unusable { .. });
    let refuses = over_tcp.connected || lies(over_udp) || over_udp.clock_ahead_s.is_some();
    !says(over_udp) && !says(over_tcp) && refuses
}

/// What is known of the ports that the responder holds: those of other programs, and those that it was not asked to serve, are silent
/// for reasons of their own.
fn within(swept: Swept, serves: &ServedPorts, proto: PortProtocol) -> Swept {
    let taken = match proto {
        PortProtocol::Udp => &serves.udp_taken,
        PortProtocol::Tcp => &serves.tcp_taken,
    };
    let held = |set: &PortSet| set.iter().filter(|port| serves.range.contains(*port) && !taken.contains(*port)).collect();
    Swept { closed: held(&swept.closed), refused: held(&swept.refused), ..swept }
}

/// Where nothing at all comes back over a protocol, not from the responder's own port either, silence may be this network's: what is left
/// is what was refused.
fn proved(swept: Swept, passes: bool) -> Swept {
    if passes || !swept.open.is_empty() { swept } else { Swept { closed: swept.refused.clone(), ..swept } }
}

fn record(context: &Context, endpoint: Endpoint, probed: PortRange, proto: PortProtocol, swept: &Swept) {
    let fact = PortsFact {
        proto,
        by: PortsBy::Responder,
        probed,
        unknown: PortSet::rest_of(probed, &[&swept.open, &swept.closed, &swept.moved]),
        open: swept.open.clone(),
        closed: swept.closed.clone(),
        refused: swept.refused.clone(),
        moved: swept.moved.clone(),
        tries: swept.tries,
        loss: swept.loss,
        ended_by: swept.ended_by,
    };
    context.record.add("ports", endpoint.ip(), Fact::Ports(fact));
}
