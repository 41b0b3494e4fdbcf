//! Symptoms: what a call shows of a fault that lies below it.
//!
//! That a peer has no relay candidate, or that no check is answered, follows from nearly every fault of a TURN server or of the network, and
//! no row of those could list it without explaining too much. So the other readings are explained first. A fault that is found there, and is
//! heavy enough, accounts for the symptoms, which become its evidence. Only what nobody accounts for asks for a cause of its own, such as
//! `ice-no-path`.
//!
//! A row may still name a symptom: then it accounts for it whatever its cause does to calls, wherever it sits.

use super::candidates::Candidate;
use super::explain::{Part, explain_these};
use super::reading::{Readings, What};
use super::row::Effect;
use crate::model::cause::Group;

/// A cause with this share is found surely enough to account for what follows from it.
const LIKELY: f64 = 0.6;

/// Explains all broken readings, the symptoms last; the candidates that account for symptoms explain them from now on.
#[must_use]
pub fn explain(readings: &Readings, candidates: &mut [Candidate]) -> Vec<Part> {
    let is_symptom = |index: &usize| readings.all()[*index].what.is_symptom();
    let broken = (0..readings.all().len()).filter(|index| readings.all()[*index].wants_explanation());
    let (symptoms, others): (Vec<usize>, Vec<usize>) = broken.partition(is_symptom);
    if symptoms.is_empty() {
        return explain_these(readings, candidates, &others);
    }
    let whole: Vec<Vec<usize>> = candidates.iter().map(|candidate| candidate.explains.clone()).collect();
    for candidate in candidates.iter_mut() {
        candidate.explains.retain(|index| !is_symptom(index));
    }
    let mut parts = explain_these(readings, candidates, &others);
    let mut left = Vec::new();
    for symptom in symptoms {
        let accounting = accounting(readings, candidates, &parts, symptom);
        if accounting.is_empty() {
            left.push(symptom);
        }
        for number in accounting {
            let explains = &mut candidates[number].explains;
            if let Err(at) = explains.binary_search(&symptom) {
                explains.insert(at, symptom);
            }
        }
    }
    if left.is_empty() {
        return parts;
    }
    // What is left needs causes that are about symptoms alone: all others had their turn.
    let mut own: Vec<Vec<usize>> = Vec::new();
    for (candidate, whole) in candidates.iter_mut().zip(&whole) {
        let explained: Vec<usize> = if whole.iter().all(is_symptom) {
            whole.iter().copied().filter(|index| left.contains(index)).collect()
        } else {
            Vec::new()
        };
        own.push(std::mem::replace(&mut candidate.explains, explained));
    }
    parts.extend(explain_these(readings, candidates, &left));
    for (candidate, own) in candidates.iter_mut().zip(own) {
        if candidate.explains.is_empty() {
            candidate.explains = own;
        }
    }
    parts
}

/// The causes of the explanation that account for a symptom.
fn accounting(readings: &Readings, candidates: &[Candidate], parts: &[Part], symptom: usize) -> Vec<usize> {
    let what = readings.all()[symptom].what;
    let mut numbers = Vec::new();
    for part in parts {
        for (number, weight) in part.best.iter().zip(&part.weights) {
            let candidate = &candidates[*number];
            if !accounts(candidate, what) {
                continue;
            }
            // Whichever of several rivals is at work, it accounts as well; but who doubts a relay has accused nobody yet.
            let is_of_relay = candidate.explains.iter().all(|index| readings.all()[*index].what.is_of_relay());
            let rivals = part.shares.iter().filter(|(rival, _)| {
                let rival = &candidates[**rival];
                accounts(rival, what) && rival.explains.iter().any(|index| candidate.explains.binary_search(index).is_ok())
            });
            let share = if is_of_relay { weight.share } else { rivals.map(|(_, share)| share).sum::<f64>().max(weight.share) };
            if share >= LIKELY {
                numbers.push(*number);
            }
        }
    }
    numbers
}

/// Whether a symptom follows from a cause: its row names it, or the cause is one of those below that leave a call without.
fn accounts(candidate: &Candidate, what: What) -> bool {
    let mut named = candidate.row.breaks.iter().chain(candidate.row.may);
    if named.any(|pattern| pattern.what == what) {
        return true;
    }
    let is_heavy = matches!(candidate.effect(), Effect::Fail | Effect::FailAll | Effect::DegradeHere);
    is_heavy && below(what).contains(&candidate.cause.group)
}

/// The parts of a call's way whose faults show so.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other questions are no symptoms, or follow from rows that name them alone"
)]
fn below(what: What) -> &'static [Group] {
    const SERVER: &[Group] = &[Group::Names, Group::Reach, Group::Tls, Group::Stun, Group::Authentication, Group::Allocation];
    const WAY: &[Group] = &[
        Group::Names,
        Group::Reach,
        Group::Tls,
        Group::Stun,
        Group::Authentication,
        Group::Allocation,
        Group::Relay,
        Group::Signaling,
    ];
    match what {
        What::Gathers | What::GathersRelay | What::ConnectsSoon => SERVER,
        What::Checks => WAY,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::super::candidates::{Ground, Kinds};
    use super::super::reading::{Manner, Reading, State};
    use super::super::table;
    use super::*;
    use crate::model::call::Role;
    use crate::model::endpoint::Transport;
    use crate::model::place::Place;

    fn server() -> IpAddr {
        "203.0.113.10".parse().expect("an address")
    }

    fn service(what: What, state: State) -> Reading {
        let place = Place::Service { server: server(), transport: Transport::Udp, port: 3478 };
        Reading::new(what, place, state, vec![0])
    }

    fn relay(what: What, state: State) -> Reading {
        Reading::new(what, Place::Relay { server: server(), relayed: server() }, state, vec![1])
    }

    fn caller(what: What, manner: Manner) -> Reading {
        Reading::new(what, Place::Peer { role: Role::Caller }, State::Broken(manner), vec![2])
    }

    /// The ids that the readings come to, each with the questions that it explains.
    fn found(all: &[Reading]) -> Vec<(&'static str, Vec<What>)> {
        let mut readings = Readings::default();
        all.iter().cloned().for_each(|reading| readings.add(reading));
        let kinds = Kinds::default();
        let ground = Ground::new(&readings, &kinds);
        let (mut candidates, _) = ground.survey(table::causes());
        let parts = explain(&readings, &mut candidates);
        let best = parts.iter().flat_map(|part| &part.best).map(|number| &candidates[*number]);
        let whats = |candidate: &Candidate| candidate.explains.iter().map(|index| readings.all()[*index].what).collect();
        best.map(|candidate| (candidate.cause.id, whats(candidate))).collect()
    }

    #[test]
    fn a_missing_relay_candidate_is_evidence_against_the_server_that_refuses_the_login() {
        let login = service(What::Login, State::Broken(Manner::Code(401)));
        let found = found(&[login, caller(What::GathersRelay, Manner::Empty), caller(What::Checks, Manner::Silent)]);
        assert_eq!(found, [("credentials-rejected", vec![What::Login, What::GathersRelay, What::Checks])]);
    }

    #[test]
    fn without_a_fault_below_a_symptom_has_a_cause_of_its_own() {
        let held = service(What::Login, State::Holds);
        let alone = found(&[held, caller(What::GathersRelay, Manner::Empty)]);
        assert_eq!(alone, [("ice-no-relay-candidate", vec![What::GathersRelay])]);
        assert_eq!(found(&[caller(What::Checks, Manner::Silent)]), [("ice-no-path", vec![What::Checks])]);
    }

    #[test]
    fn a_relay_that_drops_what_comes_in_leaves_no_path_but_gives_its_candidate() {
        let dropped = [
            service(What::Reach, State::Holds),
            relay(What::KnownPublic, State::Holds),
            relay(What::OwnAddress, State::Holds),
            relay(What::InAlt, State::Broken(Manner::Silent)),
            Reading::new(What::HighPort, Place::Server { server: server() }, State::Holds, vec![3]),
            relay(What::In, State::Broken(Manner::Silent)),
            relay(What::InAgain, State::Broken(Manner::Silent)),
            relay(What::Out, State::Holds),
        ];
        let with = |symptom: Reading| found(&dropped.iter().cloned().chain([symptom]).collect::<Vec<_>>());
        let path: Vec<_> = with(caller(What::Checks, Manner::Silent)).into_iter().map(|(id, _)| id).collect();
        assert!(!path.contains(&"ice-no-path"), "{path:?}");
        let relay: Vec<_> = with(caller(What::GathersRelay, Manner::Empty)).into_iter().map(|(id, _)| id).collect();
        assert!(relay.contains(&"ice-no-relay-candidate"), "{relay:?}");
    }

    #[test]
    fn a_wrong_login_loses_no_media() {
        let login = service(What::Login, State::Broken(Manner::Code(401)));
        let ids: Vec<_> = found(&[login, caller(What::MediaClean, Manner::Loss)]).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["credentials-rejected", "media-lossy"]);
    }
}
