//! Tests of the rules on calls: each cause beside its look-alike.

use super::staged::{Stage, is_whole};
use super::table;
use crate::model::call::{CandidateKind, Dtls, DtlsEnd, Media, MediaFlow, PairEnd, Path, Role};
use crate::model::cause::Group;
use crate::model::endpoint::Transport;
use crate::model::fact::{CandidateCounts, Delivery, Ended, ExchangeFact, Fact, Forwarded, IceEnd, PairFact, PeerFact, Refusal};
use crate::model::finding::Finding;
use crate::model::report::Verdict;

fn exchange(path: Path, roles: &[Role]) -> ExchangeFact {
    let delivered = Delivery { sent: true, received: true, ..Delivery::default() };
    let all = Forwarded { sent: 3, received: 3 };
    ExchangeFact {
        path,
        roles: roles.to_vec(),
        offer: delivered.clone(),
        answer: delivered,
        caller_candidates: all,
        callee_candidates: all,
        refusal: None,
        ended: None,
        lost: Vec::new(),
        slowest_ms: Some(12),
        dropped: 0,
    }
}

fn both(path: Path) -> ExchangeFact {
    exchange(path, &[Role::Caller, Role::Callee])
}

fn flow() -> MediaFlow {
    MediaFlow { packets_sent: 100, packets_received: 100, lost: 0, jitter_ms: 1.0, first_packet_ms: Some(120) }
}

fn pair(local: CandidateKind, remote: CandidateKind, end: PairEnd) -> PairFact {
    PairFact { local, relay_protocol: None, remote, within_server: false, end, code: None, sent: 8, received: 0 }
}

/// A peer that is connected by its host candidates.
fn connected(path: Path, role: Role) -> PeerFact {
    let counts = CandidateCounts { host: 1, mdns: 0, srflx: 1, relay: 1 };
    PeerFact {
        path,
        role,
        relay_expected: true,
        gathered: counts,
        gathering_complete: true,
        withheld: CandidateCounts::default(),
        stale_candidates: 0,
        stale_checks: 0,
        received: counts,
        remote_remapped: None,
        ice: IceEnd::Connected,
        by_deadline: false,
        ice_connected_ms: Some(80),
        connected_ms: Some(110),
        described_ms: Some(30),
        pairs: vec![pair(CandidateKind::Host, CandidateKind::Host, PairEnd::Selected)],
        dtls: Dtls {
            end: DtlsEnd::Connected,
            sent: 4,
            received: 4,
            largest_sent: 1100,
            largest_received: 1100,
            ..Dtls::default()
        },
        media: Media { audio: Some(flow()), video: Some(flow()), data_channel_rtt_ms: Some(0.5), round_trips: Vec::new() },
        media_ms: 2000,
    }
}

/// A peer whose checks are never answered.
fn stuck(path: Path, role: Role) -> PeerFact {
    let dead = Some(MediaFlow::default());
    PeerFact {
        ice: IceEnd::NeverConnected,
        by_deadline: true,
        ice_connected_ms: None,
        connected_ms: None,
        pairs: vec![pair(CandidateKind::Relay, CandidateKind::Relay, PairEnd::Unanswered)],
        dtls: Dtls::default(),
        media: Media { audio: dead.clone(), video: dead, data_channel_rtt_ms: None, round_trips: Vec::new() },
        media_ms: 0,
        ..connected(path, role)
    }
}

/// A peer that never heard of the other one.
fn waiting(path: Path, role: Role) -> PeerFact {
    PeerFact {
        received: CandidateCounts::default(),
        ice: IceEnd::NotStarted,
        described_ms: None,
        pairs: Vec::new(),
        ..stuck(path, role)
    }
}

fn stage(exchange: ExchangeFact, peers: &[PeerFact]) -> Stage {
    let path = exchange.path.name();
    let stage = Stage::urls(&[Transport::Udp]).calling(None).see("signaling", path, Fact::Exchange(exchange));
    peers.iter().fold(stage, |stage, peer| stage.see("peer", peer.role.name(), Fact::Peer(peer.clone())))
}

fn shown(stage: &Stage) -> Vec<String> {
    let findings = stage.diagnosis().findings;
    let of_calls = |finding: &&Finding| {
        let cause = table::causes().find(|cause| cause.id == finding.id);
        cause.is_some_and(|cause| matches!(cause.group, Group::Signaling | Group::Call))
    };
    findings.iter().filter(of_calls).inspect(|finding| is_whole(finding)).map(Finding::claim).collect()
}

#[test]
fn a_call_that_connects_is_not_accused() {
    let peers = [connected(Path::All, Role::Caller), connected(Path::All, Role::Callee)];
    assert_eq!(shown(&stage(both(Path::All), &peers)), [""; 0]);
}

#[test]
fn the_gateways_own_words_are_passed_on() {
    let refusal = Some(Refusal { role: Role::Caller, message: "Chat 7 is no one-to-one chat".into() });
    let refused = ExchangeFact { refusal, offer: Delivery { sent: true, ..Delivery::default() }, ..both(Path::All) };
    let refused = ExchangeFact { answer: Delivery::default(), ..refused };
    let stage = stage(refused, &[waiting(Path::All, Role::Caller)]);
    assert_eq!(shown(&stage), ["signaling-call-refused fail certain"]);
}

#[test]
fn a_refusal_that_speaks_of_absence_leaves_the_receiver_open() {
    let refusal = Some(Refusal { role: Role::Caller, message: "Receiver is offline".into() });
    let refused = ExchangeFact { refusal, answer: Delivery::default(), ..both(Path::All) };
    assert_eq!(shown(&stage(refused, &[])), ["signaling-call-refused fail likely receiver-offline"]);
}

#[test]
fn an_offer_that_nobody_gets_is_told_from_an_answer_that_is_lost() {
    let sent = Delivery { sent: true, ..Delivery::default() };
    let nobody = ExchangeFact { offer: sent.clone(), answer: Delivery::default(), ..both(Path::All) };
    let callers = [waiting(Path::All, Role::Caller)];
    assert_eq!(shown(&stage(nobody, &callers)), ["receiver-offline fail certain"]);
    let lost = ExchangeFact { answer: sent.clone(), ..both(Path::All) };
    assert_eq!(shown(&stage(lost, &callers)), ["answer-not-forwarded fail certain"]);
    let alone = ExchangeFact { offer: sent, answer: Delivery::default(), ..exchange(Path::All, &[Role::Caller]) };
    assert_eq!(shown(&stage(alone, &callers)), ["receiver-offline fail possible answer-not-forwarded"]);
}

#[test]
fn a_call_that_the_gateway_ends_before_the_answer_is_told_from_one_that_nobody_gets() {
    let ended = Some(Ended { role: Role::Caller, reason: "no-answer".into(), after_ms: 40, answered: false });
    let sent = Delivery { sent: true, ..Delivery::default() };
    let early = ExchangeFact { ended: ended.clone(), answer: sent.clone(), ..both(Path::All) };
    let callers = [waiting(Path::All, Role::Caller)];
    assert_eq!(shown(&stage(early, &callers)), ["no-answer-timeout fail certain"]);
    let late = Some(Ended { role: Role::Caller, reason: "no-answer".into(), after_ms: 5000, answered: false });
    let stuck = Delivery { sent_ms: Some(40), ..sent.clone() };
    let lost = ExchangeFact { ended: late, answer: stuck, ..both(Path::All) };
    assert_eq!(shown(&stage(lost, &callers)), ["answer-not-forwarded fail certain"]);
    let nobody = ExchangeFact { ended, offer: sent, answer: Delivery::default(), ..both(Path::All) };
    assert_eq!(shown(&stage(nobody, &callers)), ["receiver-offline fail likely no-answer-timeout"], "the offer may be under way");
}

#[test]
fn candidates_that_get_lost_are_counted() {
    let lossy = ExchangeFact { callee_candidates: Forwarded { sent: 3, received: 0 }, ..both(Path::All) };
    let starved = PeerFact { received: CandidateCounts::default(), ..stuck(Path::All, Role::Caller) };
    let peers = [starved, stuck(Path::All, Role::Callee)];
    let found = shown(&stage(lossy, &peers));
    assert_eq!(found.first().map(String::as_str), Some("candidates-not-forwarded fail certain"));
}

#[test]
fn from_one_side_missing_candidates_leave_both_causes_open() {
    let alone = ExchangeFact {
        caller_candidates: Forwarded { sent: 3, received: 0 },
        callee_candidates: Forwarded::default(),
        ..exchange(Path::All, &[Role::Caller])
    };
    let starved = PeerFact {
        received: CandidateCounts::default(),
        ice: IceEnd::NotStarted,
        pairs: Vec::new(),
        ..stuck(Path::All, Role::Caller)
    };
    let found = shown(&stage(alone.clone(), std::slice::from_ref(&starved)));
    assert_eq!(found, ["candidates-not-forwarded fail likely ice-no-candidates"]);
    let carried = PeerFact { received: CandidateCounts::default(), ..connected(Path::All, Role::Caller) };
    let found = shown(&stage(alone.clone(), &[carried]));
    assert_eq!(found, ["candidates-not-forwarded degrade likely ice-no-candidates"], "the other side's checks made the path");
    let relayed = ExchangeFact { path: Path::Relay, ..alone };
    let found = shown(&stage(relayed, &[PeerFact { path: Path::Relay, ..starved }]));
    assert_eq!(found, ["candidates-not-forwarded fail possible ice-no-candidates"], "its network may leave it no relay");
}

#[test]
fn an_altered_offer_explains_what_fails_after_it() {
    let altered =
        Delivery { sent: true, sent_ms: None, received: true, altered: Some("a=fingerprint differs".into()), unusable: None };
    let changed = ExchangeFact { offer: altered, ..both(Path::All) };
    let no_dtls = |role| PeerFact {
        dtls: Dtls { end: DtlsEnd::Failed, trouble: Some("fingerprint".into()), ..Dtls::default() },
        connected_ms: None,
        ..connected(Path::All, role)
    };
    let stage = stage(changed, &[no_dtls(Role::Caller), no_dtls(Role::Callee)]);
    assert_eq!(shown(&stage)[0], "offer-altered fail certain");
    assert_eq!(stage.diagnosed()[0], "offer-altered");
    assert!(!stage.diagnosed().contains(&"dtls-failed".to_owned()));
}

#[test]
fn a_dead_relay_is_named_and_the_pairs_are_its_evidence() {
    let peers = [stuck(Path::Relay, Role::Caller), stuck(Path::Relay, Role::Callee)];
    let stage = stage(both(Path::Relay), &peers).challenge(super::staged::UDP).refused(super::staged::UDP, 486);
    let diagnosis = stage.diagnosis();
    assert_eq!(diagnosis.findings[0].id, "quota-reached");
    assert!(diagnosis.findings[0].evidence.contains(&"o2".to_owned()), "{:?}", diagnosis.findings[0].evidence);
    assert!(!diagnosis.findings.iter().any(|finding| finding.id == "ice-no-path"));
}

#[test]
fn without_another_cause_the_missing_path_is_named_itself() {
    let peers = [stuck(Path::All, Role::Caller)];
    assert_eq!(shown(&stage(both(Path::All), &peers)), ["ice-no-path fail likely"]);
}

#[test]
fn from_one_side_a_missing_path_may_be_signaling_that_the_other_side_lacks() {
    let alone = |peer: PeerFact| shown(&stage(exchange(Path::All, &[peer.role]), &[peer]));
    assert_eq!(alone(stuck(Path::All, Role::Caller)), ["ice-no-path fail likely candidates-not-forwarded"]);
    let of_callee = alone(stuck(Path::All, Role::Callee));
    assert_eq!(of_callee, ["ice-no-path fail likely candidates-not-forwarded,answer-not-forwarded"]);
    let pairs = vec![PairFact { received: 3, ..stuck(Path::All, Role::Callee).pairs[0].clone() }];
    let heard = PeerFact { pairs, ..stuck(Path::All, Role::Callee) };
    assert_eq!(alone(heard), ["ice-wrong-ufrag fail likely ice-no-path"], "the other side checks, so it knows of this one");
}

#[test]
fn what_a_call_had_no_time_for_is_no_fault() {
    let bare = |role| PeerFact {
        gathered: CandidateCounts::default(),
        gathering_complete: false,
        withheld: CandidateCounts { host: 1, ..CandidateCounts::default() },
        received: CandidateCounts::default(),
        ice: IceEnd::NotStarted,
        pairs: Vec::new(),
        ..stuck(Path::Relay, role)
    };
    let refusal = Some(Refusal { role: Role::Caller, message: "calls are switched off in this chat".into() });
    let refused = ExchangeFact { refusal, answer: Delivery::default(), ..exchange(Path::Relay, &[Role::Caller]) };
    let refused = stage(refused, &[bare(Role::Caller)]).calling(Some(Path::Relay));
    assert_eq!(shown(&refused), ["signaling-call-refused fail certain"]);
    let ended = Some(Ended { role: Role::Callee, reason: "no-answer".into(), after_ms: 40, answered: true });
    let answer = Delivery { sent: true, sent_ms: Some(35), ..Delivery::default() };
    let ended = ExchangeFact { answer, ended, ..exchange(Path::Relay, &[Role::Callee]) };
    let ended = stage(ended, &[bare(Role::Callee)]).calling(Some(Path::Relay));
    assert_eq!(shown(&ended), ["no-answer-timeout fail likely"]);
    let gone = Some(Ended { role: Role::Callee, reason: "disconnected".into(), after_ms: 120, answered: true });
    let gone = ExchangeFact { ended: gone, ..exchange(Path::All, &[Role::Callee]) };
    let checking = PeerFact { by_deadline: false, ..stuck(Path::All, Role::Callee) };
    let shaking = PeerFact { dtls: Dtls { end: DtlsEnd::Failed, ..Dtls::default() }, ..connected(Path::All, Role::Callee) };
    for peer in [checking, shaking] {
        let ended = stage(gone.clone(), &[peer]);
        assert_eq!(shown(&ended), [""; 0]);
        let untested: Vec<String> = ended.untested().into_iter().map(|entry| entry.what).collect();
        assert!(untested.contains(&"whether the call finds a path (all)".to_owned()), "{untested:?}");
    }
}

#[test]
fn from_the_caller_alone_an_end_tells_by_its_time() {
    let ended = |after_ms| {
        let ended = Some(Ended { role: Role::Caller, reason: "no-answer".into(), after_ms, answered: false });
        let offer = Delivery { sent: true, ..Delivery::default() };
        let alone = ExchangeFact { ended, offer, answer: Delivery::default(), ..exchange(Path::All, &[Role::Caller]) };
        shown(&stage(alone, &[waiting(Path::All, Role::Caller)]))
    };
    assert_eq!(ended(40), ["no-answer-timeout fail possible receiver-offline,answer-not-forwarded"]);
    assert_eq!(ended(30_000), ["receiver-offline fail possible answer-not-forwarded,no-answer-timeout"]);
}

#[test]
fn refused_checks_are_told_apart_by_their_code() {
    let refused = |code| {
        let pairs = vec![PairFact { code: Some(code), end: PairEnd::Refused, ..stuck(Path::All, Role::Caller).pairs[0].clone() }];
        stage(exchange(Path::All, &[Role::Caller]), &[PeerFact { pairs, ..stuck(Path::All, Role::Caller) }])
    };
    assert_eq!(shown(&refused(401)), ["ice-wrong-ufrag fail certain"]);
    assert_eq!(shown(&refused(487)), ["ice-role-conflict fail certain"]);
}

#[test]
fn a_forced_relay_leads_where_other_candidates_were_there() {
    let without = |role| PeerFact {
        gathered: CandidateCounts::default(),
        withheld: CandidateCounts { host: 1, ..CandidateCounts::default() },
        received: CandidateCounts::default(),
        ice: IceEnd::NotStarted,
        pairs: Vec::new(),
        ..stuck(Path::Relay, role)
    };
    let peers = [without(Role::Caller), without(Role::Callee)];
    let forced = |path, code| {
        let stage = stage(both(Path::Relay), &peers).calling(path).challenge(super::staged::UDP);
        match code {
            Some(code) => stage.refused(super::staged::UDP, code).diagnosed(),
            None => stage.diagnosed(),
        }
    };
    assert_eq!(forced(Some(Path::Relay), Some(508))[..2], ["relay-ports-exhausted", "ice-relay-forced-without-turn"]);
    assert_eq!(forced(Some(Path::Relay), None)[0], "ice-relay-forced-without-turn", "no server has said why");
    assert_eq!(forced(None, Some(508))[0], "relay-ports-exhausted", "nobody has forced it");
}

#[test]
fn a_relay_candidate_that_is_missing_is_a_symptom_of_what_the_server_says() {
    let without = |role| {
        let gathered = CandidateCounts { relay: 0, ..connected(Path::All, role).gathered };
        PeerFact { gathered, ..connected(Path::All, role) }
    };
    let stage = stage(both(Path::All), &[without(Role::Caller), without(Role::Callee)]);
    assert_eq!(stage.claims(&["ice-no-relay-candidate"]), ["ice-no-relay-candidate degrade certain"]);
    let explained = stage.challenge(super::staged::UDP).refused(super::staged::UDP, 486);
    assert_eq!(explained.diagnosed(), ["quota-reached"]);
}

#[test]
fn a_path_that_was_not_attempted_is_said_to_be_untested() {
    let untested = |stage: &Stage| {
        let entries = stage.untested().into_iter();
        entries
            .filter(|entry| entry.what.contains("call"))
            .map(|entry| format!("{}: {}", entry.what, entry.why))
            .collect::<Vec<_>>()
    };
    let dropped = ExchangeFact { lost: vec![Role::Caller], ..both(Path::All) };
    let peers = [connected(Path::All, Role::Caller), connected(Path::All, Role::Callee)];
    assert_eq!(untested(&stage(dropped, &peers)), ["the call on the path relay: the signaling failed in the attempt before"]);
    let none = Stage::urls(&[Transport::Udp]).calling(None);
    assert_eq!(untested(&none), ["all", "relay"].map(|path| format!("the call on the path {path}: no call could be started")));
    let peers = [connected(Path::All, Role::Caller)];
    let forced = stage(exchange(Path::All, &[Role::Caller]), &peers).calling(Some(Path::All));
    assert_eq!(untested(&forced), [""; 0]);
}

#[test]
fn a_call_that_stays_inside_one_server_proves_no_relay() {
    let verdict = |remote, within_server| {
        let selected = PairFact { within_server, ..pair(CandidateKind::Relay, remote, PairEnd::Selected) };
        let peer = PeerFact { pairs: vec![selected], ..connected(Path::All, Role::Caller) };
        stage(exchange(Path::All, &[Role::Caller]), &[peer]).diagnosis().verdict
    };
    assert_eq!(verdict(CandidateKind::Relay, true), Verdict::Inconclusive);
    assert_eq!(verdict(CandidateKind::Srflx, false), Verdict::Ok);
}

#[test]
fn a_lost_path_is_told_from_one_that_never_was() {
    let lost = PeerFact { ice: IceEnd::Lost, ..connected(Path::All, Role::Caller) };
    assert_eq!(shown(&stage(exchange(Path::All, &[Role::Caller]), &[lost])), ["ice-path-lost fail likely"]);
}

#[test]
fn media_that_one_side_lacks_is_told_from_none_at_all() {
    let deaf = |role| {
        let silent = Some(MediaFlow { packets_received: 0, first_packet_ms: None, ..flow() });
        PeerFact {
            media: Media { audio: silent.clone(), video: silent, data_channel_rtt_ms: None, round_trips: Vec::new() },
            ..connected(Path::All, role)
        }
    };
    let none = stage(both(Path::All), &[deaf(Role::Caller), deaf(Role::Callee)]);
    assert_eq!(shown(&none), ["media-none fail certain"]);
    let one = stage(both(Path::All), &[deaf(Role::Caller), connected(Path::All, Role::Callee)]);
    assert_eq!(shown(&one), ["media-one-way fail certain"]);
    let alone = stage(exchange(Path::All, &[Role::Caller]), &[deaf(Role::Caller)]);
    assert_eq!(shown(&alone), ["media-none fail likely media-one-way,media-lossy"]);
}

#[test]
fn lossy_media_needs_more_than_some_lost_packets() {
    let losing = |lost| {
        let audio = Some(MediaFlow { packets_received: 100 - lost, lost, ..flow() });
        let media = Media { audio, ..connected(Path::All, Role::Caller).media };
        stage(exchange(Path::All, &[Role::Caller]), &[PeerFact { media, ..connected(Path::All, Role::Caller) }])
    };
    assert_eq!(shown(&losing(4)), [""; 0]);
    assert_eq!(shown(&losing(30)), ["media-lossy degrade likely"]);
}

#[test]
fn a_call_through_the_relay_alone_is_a_warning_where_something_says_why() {
    let pairs = vec![
        pair(CandidateKind::Host, CandidateKind::Srflx, PairEnd::Unanswered),
        pair(CandidateKind::Relay, CandidateKind::Relay, PairEnd::Selected),
    ];
    let peer = PeerFact { pairs: pairs.clone(), ..connected(Path::All, Role::Caller) };
    let call = |peers: &[PeerFact]| shown(&stage(exchange(Path::All, &[Role::Caller]), peers));
    // It may have answered before the direct pairs could.
    assert_eq!(call(std::slice::from_ref(&peer)), [""; 0]);
    let there = PeerFact { remote_remapped: Some("198.51.100.2:40001".parse().expect("an address")), ..peer.clone() };
    assert_eq!(call(&[there]), ["ice-direct-impossible warn likely"]);
    let without = PeerFact { by_deadline: true, pairs: pairs[..1].to_vec(), ..stuck(Path::Srflx, Role::Caller) };
    assert_eq!(call(&[peer, without]), ["ice-direct-impossible warn likely"]);
}

#[test]
fn a_late_call_says_what_took_the_time() {
    let peer = PeerFact { ice_connected_ms: Some(7000), described_ms: Some(6500), ..connected(Path::All, Role::Caller) };
    let stage = stage(exchange(Path::All, &[Role::Caller]), &[peer]);
    assert_eq!(shown(&stage), ["ice-slow warn certain"]);
}

#[test]
fn hidden_candidates_alone_are_named() {
    let received = CandidateCounts { mdns: 2, ..CandidateCounts::default() };
    let peer = PeerFact { received, pairs: Vec::new(), ice: IceEnd::NotStarted, ..stuck(Path::All, Role::Caller) };
    assert_eq!(shown(&stage(exchange(Path::All, &[Role::Caller]), &[peer])), ["ice-mdns-only fail certain"]);
}

#[test]
fn an_end_by_the_gateway_is_told_from_the_callers_own() {
    let ended = |role, reason: &str| {
        let ended = Some(Ended { role, reason: reason.into(), after_ms: 6000, answered: true });
        let peers = [connected(Path::All, Role::Caller), connected(Path::All, Role::Callee)];
        shown(&stage(ExchangeFact { ended, ..both(Path::All) }, &peers))
    };
    assert_eq!(ended(Role::Caller, "limit"), ["call-ended-by-gateway fail likely"]);
    assert_eq!(ended(Role::Callee, "hangup"), [""; 0]);
    assert_eq!(ended(Role::Callee, "over"), [""; 0], "the gateway may have put the caller's end in its own words");
}

#[test]
fn what_comes_late_is_not_lost_unless_the_rest_was_prompt() {
    let sent = Delivery { sent: true, ..Delivery::default() };
    let callers = [waiting(Path::All, Role::Caller)];
    let offer = |slowest_ms| {
        let fact = ExchangeFact { offer: sent.clone(), answer: Delivery::default(), slowest_ms, ..both(Path::All) };
        shown(&stage(fact, &callers))
    };
    assert_eq!(offer(Some(12)), ["receiver-offline fail certain"]);
    assert_eq!(offer(None), ["receiver-offline fail likely signaling-slow"]);
}
