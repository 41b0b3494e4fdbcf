//! What the rules on refused connectivity checks share: checks that were answered by one error code while no pair connected.

use crate::diagnose::evidence::{Evidence, Seen};
use crate::model::fact::{IceEnd, PeerFact};

/// The peers that never connected and whose checks were answered by this code.
pub fn refused_with<'a>(evidence: &Evidence<'a>, code: u16) -> Vec<Seen<'a, PeerFact>> {
    let unconnected = evidence.peers().filter(|peer| matches!(peer.fact.ice, IceEnd::NeverConnected | IceEnd::NotStarted));
    unconnected.filter(|peer| peer.fact.pairs.iter().any(|pair| pair.code == Some(code))).collect()
}

/// The peers that connected: their checks were accepted.
pub fn accepted(evidence: &Evidence<'_>) -> Vec<String> {
    evidence.peers().filter(|peer| peer.fact.ice == IceEnd::Connected).map(|peer| peer.cite()).collect()
}
