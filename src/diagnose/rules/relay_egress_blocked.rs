//! `relay-egress-blocked`: datagrams reach the relay from outside, and nothing that it sends gets out.

use super::relay_ports_closed::numbers;
use super::stream_cut::stalled_after;
use crate::diagnose::controls::Answer;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::relay::RelayEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::ControlKind;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "relay-egress-blocked",
        group: Group::Relay,
        level: Level::Fail,
        title: "what the relay sends does not get out",
        meaning: "A firewall on the server or at its provider drops UDP that leaves from the relay range.",
        impact: "Calls that need the relay fail: the other side's checks reach the relay and its answers never leave.",
        proof: "A datagram from outside arrives (IN), and what the relay sends back to the very same address doesn't (OUT).",
        look_alikes: "relay-ports-closed: there the way in is the closed one.",
        remedy: "Allow outgoing UDP from the relay range.",
    },
    folds: &["relay-lossy", "mtu-blackhole", "stream-cut"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let got_out = evidence.relays().iter().flat_map(|relay| relay.outbound.iter().filter(|seen| seen.fact.arrived));
    let got_out: Vec<String> = got_out.map(|seen| seen.cite()).collect();
    // Over a connection that has stalled nothing goes out to the relay in the first place.
    let stalled = |relay: &RelayEvidence<'_>| {
        let own = evidence.endpoints().iter().find(|endpoint| endpoint.endpoint == relay.endpoint);
        own.is_some_and(|endpoint| stalled_after(endpoint).is_some())
    };
    let out = |relay: &&RelayEvidence<'_>| relay.lets_in() == Some(true) && relay.lets_out().is_some() && !stalled(relay);
    let tried: Vec<_> = evidence.relays().iter().filter(out).collect();
    if tried.is_empty() || !got_out.is_empty() {
        return Judgement::ruled_out_by(got_out);
    }
    let summary = format!(
        "Nothing that the relay on {} sends gets out: datagrams from outside arrive on ports {}, and none sent back does.",
        tried[0].relayed.ip(),
        numbers(&tried)
    );
    let found = Found::new(&RULE.cause, summary).because(tried.iter().flat_map(|relay| relay.cite()));
    // Where unrelated hosts are silent too, this network may keep out what the relay sends to it.
    let found = if matches!(evidence.controls().stun(), Answer::Silent(_)) {
        let decide = "run callcheck from another network: if the relay's datagrams arrive there, this one keeps them out";
        found
            .confidence(Confidence::Likely)
            .because(evidence.controls().cite(&[ControlKind::Stun]))
            .unless("network-blocks-udp", decide)
    } else {
        found
    };
    found
        .fix_by(Place::Firewall, "Allow outgoing UDP from the relay range.", "ufw allow out proto udp from any port 49152:65535")
        .fix(Place::Firewall, "Where the host is in a cloud, allow outgoing UDP in the provider's rules too.")
        .done()
}
