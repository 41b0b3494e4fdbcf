//! `network-blocks-udp`: this network lets no UDP out, while TCP works.

use super::network_blocks_stun::or_over_tls;
use crate::diagnose::controls::{Answer, Controls};
use crate::diagnose::endpoint::{EndpointEvidence, Reachability};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::relay::RelayEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::trace::{self, Place};
use crate::model::cause::{Cause, Group};
use crate::model::fact::ControlKind;
use crate::model::finding::{Confidence, Level, Place as FixAt};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "network-blocks-udp",
        group: Group::Reach,
        level: Level::Degrade,
        title: "this network blocks UDP",
        meaning: "The network that callcheck runs in, or its operator, lets no UDP out, or none in; TCP passes.",
        impact: "Users in this network can call only where the application offers TURN over TCP or TLS.",
        proof: "UDP to the TURN server and to every unrelated host stays without an answer, while TCP connections succeed.",
        look_alikes: "turn-udp-closed: there unrelated hosts answer over UDP. network-blocks-stun: there UDP that is no STUN passes; DNS alone \
                      does not show that, since many networks let DNS out and nothing else.",
        remedy: "Offer turns: on port 443 to such users, or have the network let UDP to the server out.",
    },
    folds: &["relay-untestable-from-here", "turn-down", "turn-udp-closed", "relay-egress-blocked"],
    judge,
};

/// How a network holds UDP back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    /// Nothing passes.
    All,
    /// Nothing but DNS passes.
    AllButDns,
    /// Datagrams go out, and no answer comes in.
    Answers,
}

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let controls = evidence.controls();
    if controls.stun() == Answer::Passes {
        return Judgement::ruled_out_by(controls.cite(&[ControlKind::Stun, ControlKind::Dns]));
    }
    let udp: Vec<_> = evidence.endpoints().iter().filter(|endpoint| endpoint.is_datagram()).collect();
    let works = udp.iter().filter(|endpoint| !silent(endpoint.reachability())).flat_map(|endpoint| endpoint.cite_reachability());
    let came_in = evidence.relays().iter().flat_map(|relay| &relay.outbound).filter(|seen| seen.fact.arrived);
    let works: Vec<String> = works.chain(came_in.map(|seen| seen.cite())).collect();
    if !works.is_empty() {
        return Judgement::RuledOut(works);
    }
    let streams: Vec<_> = evidence.endpoints().iter().filter(|endpoint| !endpoint.is_datagram()).collect();
    let streams_work = streams.iter().any(|endpoint| endpoint.connect.is_some_and(|connect| connect.fact.reply.succeeded()));
    // Where only UDP was asked for, a connection to an unrelated host shows that this network works otherwise.
    let tcp_works = streams_work || streams.is_empty() && controls.tcp() == Answer::Passes;
    let Answer::Silent(stun) = controls.stun() else { return Judgement::Unknown };
    let block = match block(evidence) {
        Ok(block) => block,
        Err(judgement) => return judgement,
    };
    let lost: Vec<_> = udp.iter().map(|endpoint| endpoint.endpoint).collect();
    let ends = trace::ends(evidence.traces(), &lost);
    let at_server = !ends.is_empty() && ends.iter().all(|end| end.place == Place::There);
    let dead = controls_may_be_dead(controls);
    if udp.is_empty() || !tcp_works || dead && (at_server || block != Block::All) {
        return Judgement::Unknown;
    }
    let confidence = match (stun, controls.dns()) {
        _ if dead => Confidence::Possible,
        (2.., Answer::Silent(_)) if controls.silent_stun_is_alive() && controls.silent_dns_is_alive() => Confidence::Certain,
        (_, Answer::Silent(_) | Answer::NotAsked | Answer::Passes) => Confidence::Likely,
    };
    // Where TCP and TLS alone are listed, nobody misses UDP.
    let is_listed = evidence.promised().any(EndpointEvidence::is_datagram);
    let level = if is_listed { evidence.level_of(&RULE.cause, &lost) } else { Level::Warn };
    let summary = summary(evidence, block, &trace::named(&ends));
    let noise = evidence.endpoints().iter().filter_map(|endpoint| evidence.traces().noise(endpoint.endpoint.ip()));
    let found = Found::new(&RULE.cause, summary)
        .level(level)
        .confidence(confidence)
        .because(udp.iter().flat_map(|endpoint| endpoint.cite_reachability()))
        .because(controls.cite(&[ControlKind::Stun, ControlKind::Dns]))
        .because(
            evidence.endpoints().iter().filter(|endpoint| endpoint.alive()).flat_map(|endpoint| endpoint.cite_reachability()),
        )
        .because(if block == Block::Answers { one_way(evidence) } else { Vec::new() })
        .because(ends.into_iter().flat_map(|end| end.evidence))
        .because(noise.flat_map(|noise| noise.evidence));
    let found = if confidence == Confidence::Certain { found } else { doubt(found, block) };
    let text = match block {
        Block::All | Block::AllButDns => "Have the network let UDP out to the TURN server, port 3478 at the least.",
        Block::Answers => "Have the network let in what answers over UDP, from the TURN server at the least.",
    };
    or_over_tls(found.fix(FixAt::Network, text)).done()
}

/// What is held back, where neither the server nor any unrelated STUN server answers over UDP; or why it can't be this cause.
fn block(evidence: &Evidence<'_>) -> Result<Block, Judgement> {
    if !one_way(evidence).is_empty() {
        return Ok(Block::Answers);
    }
    let controls = evidence.controls();
    let of_high_ports = evidence.endpoints().iter().find_map(|endpoint| controls.high_ports_open(endpoint.endpoint.ip()));
    let traced = evidence.endpoints().iter().find_map(|endpoint| evidence.traces().arrives(endpoint.endpoint.ip()));
    let by_servers_errors = of_high_ports.map(|seen| seen.cite()).into_iter().chain(traced.map(|seen| seen.cite()));
    let arrived: Vec<String> = evidence.arrived_datagrams().into_iter().chain(by_servers_errors).collect();
    if !arrived.is_empty() {
        return Err(Judgement::RuledOut(arrived));
    }
    if controls.dns() != Answer::Passes {
        return Ok(Block::All);
    }
    // DNS alone passes in many a network: what tells is how far datagrams go that are neither DNS nor STUN.
    let noise: Vec<_> =
        evidence.endpoints().iter().filter_map(|endpoint| evidence.traces().noise(endpoint.endpoint.ip())).collect();
    let further: Vec<String> = noise.iter().filter(|noise| noise.goes_further).flat_map(|noise| noise.evidence.clone()).collect();
    match (noise.is_empty(), further.is_empty()) {
        (true, _) => Err(Judgement::Unknown),
        (false, true) => Ok(Block::AllButDns),
        (false, false) => Err(Judgement::RuledOut(further)),
    }
}

/// The observations that datagrams from here reach a relay and none of the relay's comes back.
fn one_way(evidence: &Evidence<'_>) -> Vec<String> {
    let relays = evidence.relays().iter().filter(|relay| relay.lets_in() == Some(true) && relay.lets_out() == Some(false));
    relays.flat_map(RelayEvidence::cite).collect()
}

/// Whether nothing shows that the unrelated hosts are there at all: they take no TCP connection either.
fn controls_may_be_dead(controls: &Controls<'_>) -> bool {
    matches!(controls.tcp(), Answer::Silent(_)) && controls.dns() != Answer::Passes && !controls.silent_dns_is_alive()
}

fn summary(evidence: &Evidence<'_>, block: Block, end: &str) -> String {
    let but_for_dns = if evidence.controls().dns() == Answer::Passes { " but for DNS" } else { "" };
    match block {
        Block::All => format!("This network blocks UDP: no host answers over UDP, while TCP works{end}."),
        Block::AllButDns => {
            format!("This network blocks UDP but for DNS: no host answers anything else over UDP, while TCP works{end}.")
        }
        Block::Answers => format!(
            "This network lets no UDP in{but_for_dns}: datagrams from here reach the relay, and no host's answer over UDP comes back, \
             while TCP works."
        ),
    }
}

/// What else may be, where the block is not certain.
fn doubt(found: Found, block: Block) -> Found {
    let name_server = "ask a name server outside over UDP (dig @9.9.9.9 example.org): if it answers, only STUN is filtered";
    let elsewhere = "run callcheck from another network: if UDP works there, this one holds it back";
    let other_controls = "ask other controls (--control): if one answers over UDP, the server's port is closed";
    match block {
        Block::All => found.unless("network-blocks-stun", name_server),
        Block::AllButDns | Block::Answers => found.unless("network-blocks-stun", elsewhere),
    }
    .unless("turn-udp-closed", other_controls)
    .unless("reply-from-other-address", "ask other controls (--control) likewise")
}

/// Whether nothing that the server itself says came back.
pub fn silent(reachability: Reachability) -> bool {
    matches!(reachability, Reachability::Silent | Reachability::Rejected)
}
