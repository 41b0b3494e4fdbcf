//! The facts of a call in one line of plain words.

use crate::model::call::{DtlsEnd, PairEnd, Role};
use crate::model::fact::{CandidateCounts, Delivery, ExchangeFact, IceEnd, PeerFact};

/// The signaling of an attempt.
pub fn exchange(fact: &ExchangeFact) -> String {
    if let Some(refusal) = &fact.refusal {
        return format!("signaling ({}): refused, \"{}\"", fact.path.name(), refusal.message);
    }
    let mut parts = vec![delivery("offer", &fact.offer), delivery("answer", &fact.answer)];
    for (role, way) in [(Role::Caller, fact.caller_candidates), (Role::Callee, fact.callee_candidates)] {
        parts.push(match (fact.roles.contains(&role), fact.sees_both()) {
            (true, true) => format!("{} of {} candidates of the {} arrived", way.received, way.sent, role.name()),
            (true, false) => format!("{} candidates sent", way.sent),
            (false, _) => format!("{} candidates received", way.received),
        });
    }
    if let Some(ended) = &fact.ended {
        parts.push(format!("ended by the other side after {} ms ({})", ended.after_ms, ended.reason));
    }
    parts.extend(fact.lost.iter().map(|role| format!("connection of the {} lost", role.name())));
    format!("signaling ({}): {}", fact.path.name(), parts.join(", "))
}

fn delivery(what: &str, way: &Delivery) -> String {
    let changed = if way.altered.is_some() || way.unusable.is_some() { ", altered" } else { "" };
    match (way.sent, way.received) {
        (true, true) => format!("{what} delivered{changed}"),
        (true, false) => format!("{what} sent"),
        (false, true) => format!("{what} received{changed}"),
        (false, false) => format!("no {what}"),
    }
}

/// One peer of an attempt.
pub fn peer(fact: &PeerFact) -> String {
    let ice = match fact.ice {
        IceEnd::NotStarted => "ICE never started".to_owned(),
        IceEnd::NeverConnected => {
            let checked = fact.pairs.iter().filter(|pair| pair.sent > 0).count();
            format!("ICE failed, {checked} pairs checked")
        }
        IceEnd::Connected => match (fact.ice_connected_ms, fact.pairs.iter().find(|pair| pair.end == PairEnd::Selected)) {
            (Some(at), Some(pair)) => format!("connected in {at} ms by {} to {}", pair.local.name(), pair.remote.name()),
            (Some(at), None) => format!("connected in {at} ms"),
            (None, _) => "connected".to_owned(),
        },
        IceEnd::Lost => "connected, and lost the path".to_owned(),
    };
    let dtls = match fact.dtls.end {
        DtlsEnd::NotStarted => "",
        DtlsEnd::Unfinished => ", DTLS unfinished",
        DtlsEnd::Connected => ", DTLS connected",
        DtlsEnd::Failed => ", DTLS failed",
    };
    let packets: u32 = fact.flows().map(|flow| flow.packets_received).sum();
    let media = if fact.dtls.end == DtlsEnd::Connected { format!(", {packets} packets of media") } else { String::new() };
    let gathered = counts(fact.gathered);
    format!("{} ({}): {ice}{dtls}{media}; gathered {gathered}", fact.role.name(), fact.path.name())
}

fn counts(counts: CandidateCounts) -> String {
    let kinds = [(counts.host, "host"), (counts.mdns, ".local"), (counts.srflx, "srflx"), (counts.relay, "relay")];
    let some: Vec<String> = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}")).collect();
    if some.is_empty() { "nothing".to_owned() } else { some.join(", ") }
}
