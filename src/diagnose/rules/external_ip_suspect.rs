//! `external-ip-suspect`: the relayed address is none of the server's known ones, and no datagram settles whether it is right.

use crate::diagnose::controls::Answer;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::relay::RelayEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::address::Reach;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "external-ip-suspect",
        group: Group::Relay,
        level: Level::Warn,
        title: "the advertised address is not a known one of the server",
        meaning: "The relayed address differs from every address that the server's name stands for. With several relay addresses, a load \
                  balancer or anycast that is right; else external-ip is wrong.",
        impact: "If the address is wrong, calls that need the relay fail.",
        proof: "The relayed address is not among the server's addresses, and neither IN nor IN-alt could settle it.",
        look_alikes: "relay-ports-closed: with a closed range the right address fails as well.",
        remedy: "Compare external-ip with the address that the host has on the internet.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let known = evidence.server_addresses();
    let odd = |relay: &&RelayEvidence<'_>| {
        let same_family = relay.relayed.is_ipv4() == relay.endpoint.address.is_ipv4();
        let private = !Reach::of(relay.relayed.ip()).is_global() && Reach::of(relay.endpoint.ip()).is_global();
        // Another port of the same address that lets datagrams in settles the address.
        let proved = |other: &RelayEvidence<'_>| other.relayed.ip() == relay.relayed.ip() && other.lets_in() == Some(true);
        let settled =
            evidence.relays().iter().any(proved) || relay.lets_in() == Some(true) || relay.lets_in_alternative() == Some(true);
        // A private address that works from here is still no address for the internet.
        let works_inside = private && relay.lets_in() == Some(true);
        works_inside || is_of_other_family(relay) || same_family && !private && !settled && !known.contains(&relay.relayed.ip())
    };
    let suspects: Vec<_> = evidence.relays().iter().filter(odd).collect();
    let Some(first) = suspects.first() else { return Judgement::Unknown };
    let fails = suspects.iter().any(|relay| relay.lets_in() == Some(false));
    // After what the relay sent out came back, the address is proved right, and only strangers are kept out.
    if suspects.iter().any(|relay| relay.lets_in_solicited() == Some(true)) {
        return Judgement::Unknown;
    }
    let addresses: Vec<String> = known.iter().map(ToString::to_string).collect();
    let how = match (is_of_other_family(first), fails) {
        (true, _) => "and a client that asks for IPv4 has no use for it",
        (false, true) => "and nothing sent there arrives",
        (false, false) => "and that could not be tried from here",
    };
    let summary = format!(
        "The TURN server advertises {}, which is none of its known addresses ({}), {how}.",
        first.relayed.ip(),
        addresses.join(", ")
    );
    // A network that keeps high ports in makes every relayed address fail.
    let kept_in = evidence.controls().high_ports_closed();
    // Where nobody has told the own address over UDP, the permission may be for another one than the datagrams come from.
    let permitted = !evidence.outside().is_empty();
    let judged = is_of_other_family(first) || fails && kept_in.is_none() && evidence.reaches_out() && permitted;
    let found = Found::new(&RULE.cause, summary)
        .level(if judged { Level::Fail } else { Level::Warn })
        .confidence(if judged { Confidence::Likely } else { Confidence::Possible })
        .because(suspects.iter().map(|relay| relay.allocation.to_owned()))
        .because(suspects.iter().flat_map(|relay| relay.cite()))
        .because(kept_in.map(|seen| seen.cite()));
    let doubts = [
        (
            "relay-ports-closed",
            "compare external-ip with the host's address on the internet: if it is right, the relay range is closed",
        ),
        ("relay-ports-stateful-only", "compare external-ip likewise: if it is right, only answers are let in"),
        ("relay-untestable-from-here", "run callcheck from another network: this one may keep UDP to high ports in"),
        ("network-blocks-udp", "run callcheck from another network: this one may let no UDP out"),
        ("network-blocks-stun", "run callcheck from another network: this one may let no STUN out"),
        ("cgnat", "name a STUN server that answers over UDP (--control): it tells which address datagrams leave from"),
    ];
    let strangers = evidence.symmetric_nat() != Some(false);
    let shown = evidence.controls().high_ports_open(first.endpoint.ip()).is_some();
    let holds = |id: &str| match id {
        "relay-ports-closed" => fails,
        "relay-ports-stateful-only" => fails && strangers,
        "relay-untestable-from-here" => fails && !(judged && shown),
        "network-blocks-stun" => fails && matches!(evidence.controls().stun(), Answer::Silent(_)),
        "cgnat" => fails && !permitted,
        _ => !evidence.reaches_out(),
    };
    let found = doubts.into_iter().filter(|(id, _)| holds(id)).fold(found, |found, (id, decide)| found.unless(id, decide));
    let correct = known.iter().find(|address| address.is_ipv4()).or(known.first());
    let setting = correct.map_or_else(String::new, |address| format!("external-ip={address}"));
    found
        .fix_by(
            Place::Server,
            "Compare with the address that the host has on the internet, and correct external-ip if it differs.",
            setting,
        )
        .done()
}

/// Without REQUESTED-ADDRESS-FAMILY a client asks for IPv4 (RFC 8656 §7.1); servers may be set to keep the family of the request.
fn is_of_other_family(relay: &RelayEvidence<'_>) -> bool {
    relay.endpoint.address.is_ipv4() && !relay.relayed.is_ipv4()
}
