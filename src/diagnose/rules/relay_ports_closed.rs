//! `relay-ports-closed`: no sampled port of the relay lets a datagram in from outside, and nothing else explains it.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::ports::{self, Needed, Source, TriedPorts};
use crate::diagnose::relay::RelayEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::address::Reach;
use crate::model::cause::{Cause, Group};
use crate::model::fact::ControlKind;
use crate::model::finding::{Confidence, Level, Place};
use crate::model::outcome::Unreachable;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "relay-ports-closed",
        group: Group::Relay,
        level: Level::Fail,
        title: "the relay's ports are closed from outside",
        meaning: "The server hands out relayed addresses, and datagrams sent to them from outside never arrive: a firewall drops the \
                  UDP range that the TURN server relays on (49152-65535 by default).",
        impact: "Calls that need the relay connect to nothing: they stay in checking and end in failed, although credentials and \
                 allocation are fine.",
        proof: "An unsolicited datagram to the relayed address fails on every sampled port (IN), although the relayed address is the \
                server's own; what the relay sends still arrives (OUT), and answers to it don't.",
        look_alikes: "external-ip-mismatch: there the server's own address works with the same port. relay-untestable-from-here: there \
                      nothing comes out either, which a strict network on this side also causes. Relay to relay passes in all of these, \
                      because the server hands such packets to itself.",
        remedy: "Open the relay range for UDP in the host's firewall and in the provider's, from anywhere.",
    },
    folds: &[],
    judge,
};

/// How many ports must be closed to the last one before the whole range is called so: of a half-open range, eight are that with a
/// chance of one in 256.
const ENOUGH: usize = 8;

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let passing: Vec<_> = evidence.relays().iter().flat_map(open_ways).collect();
    if !passing.is_empty() {
        return Judgement::ruled_out_by(passing);
    }
    let closed: Vec<_> = evidence.relays().iter().filter(|relay| relay.lets_in() == Some(false)).collect();
    if closed.is_empty() {
        return from_outside_alone(evidence);
    }
    if closed.iter().any(|relay| explained_otherwise(evidence, relay)) {
        return behind_a_private_address(evidence, &closed);
    }
    let refused = closed.iter().any(|relay| refused_by_server(relay));
    let comes_out = closed.iter().any(|relay| relay.lets_out() == Some(true));
    let comes_back = closed.iter().any(|relay| relay.lets_in_solicited() == Some(true));
    let server = closed[0].endpoint.ip();
    let high_ports = evidence.controls().high_ports_open(server);
    let kept_in = evidence.controls().high_ports_closed().is_some() && high_ports.is_none();
    // Behind a symmetric NAT the answer to OUT leaves from another mapping than the one that OUT has reached.
    let one_mapping = evidence.symmetric_nat() == Some(false);
    // What comes out from the relayed port itself shows that no NAT before the server moves the ports.
    let unmoved = closed.iter().any(|relay| relay.outbound.iter().any(|seen| seen.fact.from == Some(relay.relayed)));
    let few = closed.len() < ENOUGH;
    // Asked over the other family alone, nothing says whether the advertised address is the server's.
    let unknown = !is_family_known(evidence, closed[0]);
    let confidence = match (refused, comes_out, comes_back, high_ports.is_some()) {
        (true, ..) if unmoved && !few && !unknown => Confidence::Certain,
        (true, ..) => Confidence::Likely,
        (false, true, true, _) => return Judgement::Unknown,
        // Then the datagrams may well have ended in this network.
        (false, ..) if kept_in => return Judgement::Unknown,
        (false, true, false, true) if one_mapping && unmoved && !few && !unknown => Confidence::Certain,
        (false, true, false, _) => Confidence::Likely,
        (false, false, _, true) if one_mapping => Confidence::Likely,
        (false, false, ..) => return Judgement::Unknown,
    };
    let tried = TriedPorts::of(evidence);
    let which = match tried.closed.span().filter(|_| tried.complete) {
        Some(span) => format!("none of all {} ports of {span} lets a datagram in", tried.count()),
        None => format!("none of {} sampled ports ({}) lets a datagram in", closed.len(), numbers(&closed)),
    };
    let summary = format!("The relay's UDP ports on {} are closed from outside: {which}.", closed[0].relayed.ip());
    let found = Found::new(&RULE.cause, summary)
        .confidence(confidence)
        .because(closed.iter().flat_map(|relay| relay.cite()))
        .because(high_ports.map(|seen| seen.cite()))
        .because(evidence.controls().cite(&[ControlKind::HighPort]));
    let doubts = [
        (
            !refused && high_ports.is_none(),
            "relay-untestable-from-here",
            "run callcheck from a second network: if the relay works there, this network lets only some UDP ports out",
        ),
        (
            !(refused || one_mapping && comes_out),
            "relay-ports-stateful-only",
            "run callcheck from a network without a symmetric NAT: if answers pass there, only strangers are kept out",
        ),
        (
            !unmoved,
            "relay-nat-remaps-ports",
            "capture on the server what arrives (tcpdump udp): other ports than the relayed ones are a NAT's",
        ),
        (few, "relay-ports-partly-closed", "run this again: the server then draws other ports"),
        (unknown, "external-ip-mismatch", "compare external-ip with the address that the host has on the internet"),
    ];
    let found = if confidence == Confidence::Certain {
        found
    } else {
        let remaining = doubts.into_iter().filter(|(holds, ..)| *holds);
        remaining.fold(found, |found, (_, id, decide)| found.unless(id, decide))
    };
    open_the_range(evidence, found).done()
}

/// The observations that a port is open: at the relayed address, or at the server's own.
fn open_ways(relay: &RelayEvidence<'_>) -> Vec<String> {
    let ways = [relay.unsolicited, relay.alternative].into_iter().flatten();
    ways.filter(|seen| seen.fact.arrived).map(|seen| seen.cite()).collect()
}

/// Without a relay that was asked, a responder on the server's host told of its ports: then nothing came out of them, and this network may
/// be what lets nothing to high ports.
fn from_outside_alone(evidence: &Evidence<'_>) -> Judgement {
    let tried = TriedPorts::of(evidence);
    if !tried.open.is_empty() {
        return Judgement::ruled_out_by(tried.evidence);
    }
    let (Some(span), Some(range)) = (tried.closed.span(), evidence.port_ranges().next()) else { return Judgement::Unknown };
    let summary = format!(
        "The UDP ports {span} on {} are closed from outside: of {} ports none lets a datagram in, and the responder there answers.",
        range.target,
        tried.count()
    );
    let found = Found::new(&RULE.cause, summary).confidence(Confidence::Likely).because(tried.evidence).unless(
        "relay-untestable-from-here",
        "run callcheck from a second network: if the ports are open there, this network lets only some UDP ports out",
    );
    open_the_range(evidence, found).done()
}

/// A server that advertises a private address lets nothing in there, and at its public one neither, although that is forwarded to it.
fn behind_a_private_address(evidence: &Evidence<'_>, closed: &[&RelayEvidence<'_>]) -> Judgement {
    let server = closed[0].endpoint.ip();
    let kept_out = |relay: &&RelayEvidence<'_>| {
        has_wrong_reach(relay) && relay.endpoint.ip() == server && relay.lets_in_alternative() == Some(false)
    };
    let Some(reached) = evidence.controls().high_ports_open(server) else { return Judgement::Unknown };
    if !closed.iter().all(kept_out) {
        return Judgement::Unknown;
    }
    let summary = format!(
        "The relay's UDP ports are closed from outside as well: none of {} sampled ones ({}) lets a datagram in at {server} either.",
        closed.len(),
        numbers(closed),
    );
    let found = Found::new(&RULE.cause, summary)
        .confidence(Confidence::Likely)
        .because(closed.iter().flat_map(|relay| relay.cite()))
        .because([reached.cite()])
        .unless(
            "relay-ports-stateful-only",
            "correct external-ip and run callcheck again: then answers to what the relay sends show",
        )
        .unless(
            "relay-nat-remaps-ports",
            "capture on the server what arrives (tcpdump udp): other ports than the relayed ones are a NAT's",
        );
    open_the_range(evidence, found).done()
}

/// A private address of a server that is reached at a public one.
fn has_wrong_reach(relay: &RelayEvidence<'_>) -> bool {
    !Reach::of(relay.relayed.ip()).is_global() && Reach::of(relay.endpoint.ip()).is_global()
}

/// Whether any address of the server is known that the relayed one can be compared with.
fn is_family_known(evidence: &Evidence<'_>, relay: &RelayEvidence<'_>) -> bool {
    evidence.server_addresses().iter().any(|address| address.is_ipv4() == relay.relayed.is_ipv4())
}

/// A wrong address and a range that is closed to strangers alone have rules of their own.
fn explained_otherwise(evidence: &Evidence<'_>, relay: &RelayEvidence<'_>) -> bool {
    let elsewhere = is_family_known(evidence, relay) && !evidence.server_addresses().contains(&relay.relayed.ip());
    relay.lets_in_alternative() == Some(true) || elsewhere || has_wrong_reach(relay)
}

/// An ICMP error of the server itself about the relayed port: the datagram got there and was rejected.
pub fn refused_by_server(relay: &RelayEvidence<'_>) -> bool {
    let errors = [relay.unsolicited, relay.solicited].into_iter().flatten().filter_map(|seen| seen.fact.icmp);
    errors.into_iter().any(|icmp| {
        icmp.from == Some(relay.relayed.ip())
            && matches!(icmp.reason, Unreachable::Port | Unreachable::Prohibited | Unreachable::Host)
    })
}

/// The relayed ports of some relays, in order.
#[must_use]
pub fn numbers(relays: &[&RelayEvidence<'_>]) -> String {
    let mut ports: Vec<u16> = relays.iter().map(|relay| relay.relayed.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// The fixes that open the relay's range.
pub fn open_the_range(evidence: &Evidence<'_>, found: Found) -> Found {
    let Needed { range, source } = ports::needed(evidence);
    let text = match source {
        Source::Usual => format!("Open the relay's UDP range to everyone; {range} unless min-port and max-port say otherwise."),
        Source::Samples => {
            format!(
                "Open the relay's UDP range to everyone: about {range} by the samples, and exactly from min-port to max-port."
            )
        }
        Source::Known => format!("Open the UDP ports {range} to everyone."),
    };
    let found = found.fix_by(Place::Firewall, text, format!("ufw allow {}/udp", range.with_colon()));
    let provider = "Where the host is in a cloud, open the same range in the provider's firewall or security group.";
    let found = found.fix(Place::Firewall, provider);
    if evidence.is_coturn() {
        let text = match source {
            Source::Usual => "Or keep coturn within a range that is open already.",
            Source::Samples | Source::Known => "Keep coturn within the range that the firewall opens.",
        };
        found.fix_by(Place::Server, text, format!("min-port={}\nmax-port={}", range.first(), range.last()))
    } else {
        found
    }
}
