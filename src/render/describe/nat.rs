//! What the NAT's tests saw, each in one line of plain words.

use super::reply::{outcome, reply};
use crate::model::duration::in_words;
use crate::model::fact::{
    Contact, FilteringFact, FilteringWay, HairpinFact, LifetimeFact, LifetimeWay, MappingFact, NatRelayFact,
};

/// An address outside.
pub fn mapping(target: &str, fact: &MappingFact) -> String {
    match fact.mapped {
        Some(mapped) => format!("{target} sees the socket {} as {mapped}", fact.local),
        None => format!("{target}, asked by the socket {}: {}", fact.local, reply(&fact.reply)),
    }
}

/// A datagram that a filter lets in, or not.
pub fn filtering(fact: &FilteringFact) -> String {
    let sender = match fact.way {
        FilteringWay::ChangeRequest => "the server's answer",
        FilteringWay::Relay => "a datagram of the relay",
    };
    let contact = match fact.contact {
        Contact::None => "which was sent nothing",
        Contact::Address => "another port of which was sent something",
        Contact::AddressAndPort => "which was sent something",
    };
    let end = if fact.reply.succeeded() {
        "came in".to_owned()
    } else if fact.reply.silent() {
        format!("did not come in, {} tries", fact.reply.sends)
    } else {
        outcome(&fact.reply.outcome)
    };
    format!("{sender} from {}, {contact}, to {}: {end}", fact.from, fact.mapped)
}

/// A datagram through the NAT and back.
pub fn hairpin(fact: &HairpinFact) -> String {
    match fact.from {
        Some(from) => format!("from behind the NAT to {} outside: arrived, from {from}", fact.to),
        None => format!("from behind the NAT to {} outside: none of {} datagrams arrived", fact.to, fact.sends),
    }
}

/// A mapping after an idle time.
pub fn lifetime(fact: &LifetimeFact) -> String {
    let alive = match fact.alive {
        Some(true) => "still there",
        Some(false) => "gone",
        None => "can't be told",
    };
    let way = match fact.way {
        LifetimeWay::ResponsePort => "an answer to its port",
        LifetimeWay::Relay => "a datagram of the relay",
        LifetimeWay::SameSocket => "the same socket",
    };
    let idle = if fact.idle_ms < 100 { "at once".to_owned() } else { format!("after {} idle", in_words(fact.idle_ms)) };
    format!("mapping {} {idle}, by {way}: {alive}", fact.mapped)
}

/// The allocation for it.
pub fn relay(target: &str, fact: &NatRelayFact) -> String {
    match fact.relayed {
        Some(relayed) => format!("allocation at {target} to try the NAT from: {relayed}"),
        None => format!("allocation at {target} to try the NAT from: {}", reply(&fact.reply)),
    }
}
