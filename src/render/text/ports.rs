//! The relay's ports: how many were tried, what that says of the others, and which are closed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

use super::pen::Pen;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{Fact, PortReplyFact, PortsBy};
use crate::model::outcome::{Outcome, Unreachable};
use crate::model::relay_ports::{RelayPorts, blocks};
use crate::model::report::Report;

/// The most blocks of closed ports that are listed.
const MOST_BLOCKS: usize = 24;

/// The section of the report.
pub fn section(ports: &RelayPorts, pen: Pen) -> String {
    let mut text = format!("\n{}\n", pen.bold(&format!("UDP ports of the relay at {}", ports.address)));
    let how = match ports.by {
        PortsBy::Samples => "sampled",
        PortsBy::Sweep => "tried, each that the server gave out",
        PortsBy::Responder => "tried against the responder",
    };
    _ = writeln!(text, "  {} {how}: {} open, {} closed{}", ports.tried, ports.open.count(), ports.closed.count(), share(ports));
    if let Some(range) = ports.server_range {
        let uses = if ports.complete { "uses" } else { "seems to use" };
        _ = writeln!(text, "  the server {uses} {range}");
        if not_given_out(ports) > 0 {
            let count = not_given_out(ports);
            _ = writeln!(text, "  {count} of these it did not give out: other calls have them, or other programs");
        }
    }
    if !ports.closed.is_empty() {
        _ = writeln!(text, "  closed: {}", list(ports));
    }
    text
}

/// The ports between those that a server has given out, of which a sweep to the end has seen nothing.
fn not_given_out(ports: &RelayPorts) -> u32 {
    let between = ports.server_range.filter(|_| ports.complete).map_or(0, |range| range.count());
    between.saturating_sub(ports.tried)
}

/// What single ports told where no relay and no responder did.
pub fn single(report: &Report, pen: Pen) -> String {
    let replies: Vec<(Endpoint, &PortReplyFact)> = report
        .observations
        .iter()
        .filter_map(|seen| if let Fact::PortReply(fact) = &seen.fact { Some((seen.endpoint()?, fact)) } else { None })
        .collect();
    let mut text = String::new();
    let hosts: BTreeSet<IpAddr> = replies.iter().map(|(endpoint, _)| endpoint.ip()).collect();
    for host in hosts {
        _ = writeln!(text, "\n{}", pen.bold(&format!("Single ports of {host}, without a login")));
        let answers_tcp = answers_tcp(report, host);
        for transport in [Transport::Udp, Transport::Tcp] {
            let own = replies.iter().filter(|(endpoint, _)| endpoint.ip() == host && endpoint.transport == transport);
            let mut by_way: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for (endpoint, fact) in own {
                by_way.entry(fact.way(*endpoint, answers_tcp).words()).or_default().push(endpoint.address.port().to_string());
            }
            for (words, ports) in by_way {
                _ = writeln!(text, "  {} {words}: {}", transport.title(), ports.join(", "));
            }
        }
    }
    text
}

/// Whether a host answers TCP anywhere, be it by a refusal.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
fn answers_tcp(report: &Report, host: IpAddr) -> bool {
    report.observations.iter().any(|seen| {
        let reply = match &seen.fact {
            Fact::Connect(it) => &it.reply,
            Fact::PortReply(it) => &it.reply,
            _ => return false,
        };
        let answered = reply.answered() || matches!(reply.outcome, Outcome::Unreachable { reason: Unreachable::Port, .. });
        answered && seen.endpoint().is_some_and(|endpoint| endpoint.ip() == host && endpoint.transport.is_stream())
    })
}

fn share(ports: &RelayPorts) -> String {
    ports.open_share.map_or_else(String::new, |share| format!("; {share} of the range is open (95 %)"))
}

fn list(ports: &RelayPorts) -> String {
    let blocks = blocks(&ports.open, &ports.closed);
    let shown: Vec<String> = blocks.iter().take(MOST_BLOCKS).map(ToString::to_string).collect();
    let more = blocks.len().saturating_sub(MOST_BLOCKS);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
