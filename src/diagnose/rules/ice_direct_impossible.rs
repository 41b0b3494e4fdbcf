//! `ice-direct-impossible`: the two networks reach each other through the relay only.

use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::call::{CandidateKind, PairEnd, Path};
use crate::model::cause::{Cause, Group};
use crate::model::fact::{IceEnd, PairFact, PeerFact};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ice-direct-impossible",
        group: Group::Call,
        level: Level::Warn,
        title: "only the relay connects these two networks",
        meaning: "Pairs without a relay were checked and none was answered; the call runs through the TURN server.",
        impact: "Calls between these two networks depend on the TURN server, its capacity and its delay.",
        proof: "The selected pair is a relayed one, every direct pair was checked without an answer, and there is a reason for it: a NAT \
                that maps by destination, or a call without the relay that found no path.",
        look_alikes: "A call that chose the relay before the direct checks were through: there nothing is named.",
        remedy: "Nothing is wrong; see to it that the relay has the capacity.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    for peer in evidence.peers().filter(|peer| peer.fact.path == Path::All && peer.fact.ice == IceEnd::Connected) {
        let Some(selected) = peer.fact.selected() else { continue };
        if !is_relayed(selected) {
            return Judgement::RuledOut(vec![peer.cite()]);
        }
        let Some((why, shown)) = reason(evidence, &peer).filter(|_| is_direct_way_silent(peer.fact)) else { continue };
        return Found::new(&RULE.cause, format!("These two networks reach each other through the relay only: {why}."))
            .confidence(Confidence::Likely)
            .because([peer.cite()])
            .because(shown)
            .fix(Place::Server, "Nothing is wrong; see to it that the relay has the capacity for such calls.")
            .done();
    }
    Judgement::Unknown
}

/// Why no direct pair can work, with the observations beside the peer's own. A call takes the first pair that answers, which may be the
/// relay's though a direct one would have answered a moment later: silence alone says little.
fn reason(evidence: &Evidence<'_>, peer: &Seen<'_, PeerFact>) -> Option<(&'static str, Vec<String>)> {
    if evidence.symmetric_nat() == Some(true) {
        let seen = evidence.outside().into_iter().map(|(_, id)| id.to_owned());
        return Some(("the NAT here gives each destination an address of its own", seen.collect()));
    }
    if peer.fact.remote_remapped.is_some() {
        return Some(("the NAT on the other side gives each destination an address of its own", Vec::new()));
    }
    let mut without_relay = evidence.peers_on_any_path().filter(|other| matches!(other.fact.path, Path::Host | Path::Srflx));
    let failed = without_relay.find(|other| other.fact.by_deadline && is_direct_way_silent(other.fact))?;
    Some(("without it no check was answered until the deadline", vec![failed.cite()]))
}

fn is_direct_way_silent(peer: &PeerFact) -> bool {
    let mut checked = peer.pairs.iter().filter(|pair| !is_relayed(pair) && pair.sent > 0).peekable();
    checked.peek().is_some() && checked.all(|pair| pair.end == PairEnd::Unanswered)
}

fn is_relayed(pair: &PairFact) -> bool {
    pair.local == CandidateKind::Relay || pair.remote == CandidateKind::Relay
}
