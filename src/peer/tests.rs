//! Two peers on a wire in memory, in virtual time: what the loop around the core has to hold.

mod wire;

use std::time::Duration;

use self::wire::{CALLEE, CALLER, Wire, host, relay};
use super::{Event, Gathered, Kind};
use crate::model::call::{CandidateKind, DtlsEnd, PairEnd, Peer as Report, StateKind};
use crate::model::endpoint::Transport;

fn states(report: &Report, kind: StateKind) -> Vec<&str> {
    report.states.iter().filter(|change| change.kind == kind).map(|change| change.state.as_str()).collect()
}

/// A call on a good wire with one host candidate each.
fn connected() -> Wire {
    let mut wire = Wire::new(Duration::from_millis(5));
    wire.call([vec![host(CALLER)], vec![host(CALLEE)]]);
    wire.run(Duration::from_secs(2));
    wire
}

#[test]
fn nothing_waits_for_a_timer_while_connecting() {
    let mut wire = Wire::new(Duration::ZERO);
    wire.call([vec![host(CALLER)], vec![host(CALLEE)]]);
    wire.run(Duration::from_secs(1));
    for peer in [CALLER, CALLEE] {
        let report = wire.report(peer);
        // Without any latency all that is left is the check that left before the other side could know it, and the shortest sleeps.
        assert!(report.connected_ms().is_some_and(|ms| ms <= 25), "{:?}", report.states);
    }
}

#[test]
fn the_client_hello_leaves_behind_the_answer_to_the_check_that_allowed_it() {
    let wire = connected();
    let sent = wire.sent_by(CALLEE);
    let hello = sent.iter().position(|bytes| bytes[0] == 22).expect("the answerer begins DTLS");
    let answer = sent.iter().position(|bytes| bytes[..2] == [1, 1]).expect("it answers checks");
    assert!(answer < hello, "{answer} {hello}");
    // DTLS repeats a flight after a second: one that got through is not repeated.
    let connected = wire.report(CALLEE).connected_ms().expect("connected");
    assert!(connected < 200, "{connected}");
}

#[test]
fn media_and_round_trips_are_counted_on_both_sides() {
    let wire = connected();
    for peer in [CALLER, CALLEE] {
        let report = wire.report(peer);
        let (audio, video) = (report.media.audio.expect("audio"), report.media.video.expect("video"));
        assert!((80..100).contains(&audio.packets_received), "{audio:?}");
        assert!((40..50).contains(&video.packets_received), "{video:?}");
        assert_eq!((audio.lost, video.lost), (0, 0));
        assert!(audio.jitter_ms < 1.0 && audio.first_packet_ms.is_some());
        let rtt = report.media.data_channel_rtt_ms.expect("a round trip");
        assert!((10.0..12.0).contains(&rtt), "{rtt}");
        assert_eq!(report.dtls.end, DtlsEnd::Connected);
        assert!(report.dtls.largest_sent > 200 && report.dtls.received > 2, "{:?}", report.dtls);
    }
}

#[test]
fn lost_packets_are_counted() {
    let mut wire = connected();
    let before = wire.report(CALLEE).media.audio.expect("audio");
    wire.drop_every(10);
    wire.run(Duration::from_secs(10));
    let after = wire.report(CALLEE).media.audio.expect("audio");
    assert_eq!(before.lost, 0);
    assert!((30..70).contains(&after.lost), "{after:?}");
}

#[test]
fn a_host_pair_wins_over_relays_whose_related_address_is_left_open() {
    let mut wire = Wire::new(Duration::from_millis(5));
    wire.call([vec![host(CALLER), relay(CALLER, Transport::Udp)], vec![host(CALLEE), relay(CALLEE, Transport::Udp)]]);
    wire.run(Duration::from_secs(1));
    let pair = wire.report(CALLER).selected_pair.expect("a pair");
    assert_eq!((pair.local.kind, pair.remote.kind), (CandidateKind::Host, CandidateKind::Host));
    assert!(wire.told(CALLER).iter().any(|line| line.contains("typ relay raddr 0.0.0.0 rport 0")));
}

#[test]
fn relays_over_any_transport_carry_a_call() {
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
        let mut wire = Wire::new(Duration::from_millis(5));
        wire.call([vec![relay(CALLER, transport)], vec![relay(CALLEE, transport)]]);
        wire.run(Duration::from_secs(1));
        let pair = wire.report(CALLEE).selected_pair.expect("a pair");
        assert_eq!((pair.local.kind, pair.local.relay_protocol), (CandidateKind::Relay, Some(transport)));
        assert!(wire.report(CALLER).media.audio.expect("audio").packets_received > 30);
    }
}

#[test]
fn a_pair_that_opens_late_still_connects() {
    let mut wire = Wire::new(Duration::from_millis(5));
    wire.cut();
    wire.call([vec![host(CALLER)], vec![host(CALLEE)]]);
    wire.run(Duration::from_secs(12));
    assert_eq!(wire.report(CALLER).connected_ms(), None);
    wire.mend();
    wire.run(Duration::from_secs(2));
    assert!(wire.report(CALLER).connected_ms().is_some());
}

#[test]
fn a_dead_wire_ends_in_failed_after_thirty_seconds_and_its_pair_is_unanswered() {
    let mut wire = Wire::new(Duration::from_millis(5));
    wire.cut();
    wire.call([vec![host(CALLER)], vec![host(CALLEE)]]);
    wire.run(Duration::from_secs(40));
    let report = wire.report(CALLER);
    assert_eq!(states(&report, StateKind::IceConnection), ["new", "checking", "failed"]);
    let failed = report.states.iter().find(|change| change.state == "failed").expect("it failed");
    assert!((29_000..32_000).contains(&failed.at_ms) && !failed.by_deadline, "{failed:?}");
    let [pair] = &*report.pairs else { panic!("{:?}", report.pairs) };
    assert_eq!((pair.end, pair.answered, pair.received), (PairEnd::Unanswered, 0, 0));
    assert!((60..200).contains(&pair.sent), "{}", pair.sent);
    assert_eq!(report.dtls.end, DtlsEnd::NotStarted);
}

#[test]
fn the_own_deadline_is_marked_as_such() {
    let mut wire = Wire::new(Duration::from_millis(5));
    wire.cut();
    wire.call([vec![host(CALLER)], vec![host(CALLEE)]]);
    wire.run(Duration::from_secs(5));
    wire.give_up(CALLER);
    wire.run(Duration::from_secs(40));
    let report = wire.report(CALLER);
    let failed: Vec<_> = report.states.iter().filter(|change| change.state == "failed").collect();
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().all(|change| change.by_deadline && change.at_ms == 5000), "{failed:?}");
}

#[test]
fn every_pair_has_its_row_whether_it_was_answered_or_not() {
    let mut wire = Wire::new(Duration::from_millis(5));
    wire.lose(relay(CALLEE, Transport::Udp).address());
    wire.call([vec![host(CALLER)], vec![host(CALLEE), relay(CALLEE, Transport::Udp)]]);
    wire.run(Duration::from_secs(2));
    let report = wire.report(CALLER);
    let ends: Vec<_> = report.pairs.iter().map(|pair| (pair.remote.kind, pair.end)).collect();
    assert_eq!(ends, [(CandidateKind::Host, PairEnd::Selected), (CandidateKind::Relay, PairEnd::Unanswered)]);
    let rtt = report.pairs[0].rtt_ms.expect("a round trip");
    assert!((10.0..11.5).contains(&rtt), "{rtt}");
}

#[test]
fn the_connection_tells_before_ice_that_the_other_side_is_gone() {
    let mut wire = connected();
    wire.cut();
    wire.run(Duration::from_secs(40));
    let report = wire.report(CALLER);
    assert_eq!(states(&report, StateKind::IceConnection), ["new", "checking", "connected", "disconnected", "failed"]);
    assert_eq!(states(&report, StateKind::Connection), ["new", "connecting", "connected", "disconnected", "failed"]);
    let order = |kind| report.states.iter().position(|change| change.kind == kind && change.state == "disconnected");
    assert!(order(StateKind::Connection) < order(StateKind::IceConnection));
}

#[test]
fn a_track_is_told_with_its_first_packet() {
    let wire = connected();
    let events = wire.events(CALLEE);
    let connected = events.iter().position(
        |event| matches!(event, Event::State(change) if change.kind == StateKind::Connection && change.state == "connected"),
    );
    for kind in Kind::ALL {
        let track = events.iter().position(|event| *event == Event::Track(kind));
        assert!(track.is_some() && track > connected, "{kind:?}");
    }
}

#[test]
fn a_hang_up_shows_at_once_on_the_data_channel() {
    let mut wire = connected();
    wire.close(CALLER);
    wire.run(Duration::from_millis(20));
    assert!(wire.events(CALLEE).contains(&Event::ChannelClosed));
    assert_eq!(states(&wire.report(CALLER), StateKind::Connection).last(), Some(&"closed"));
}

#[test]
fn candidates_that_come_before_the_description_wait_for_it() {
    let mut wire = Wire::new(Duration::from_millis(5));
    wire.call_with_early_candidates([vec![host(CALLER)], vec![host(CALLEE)]]);
    wire.run(Duration::from_secs(1));
    assert!(wire.report(CALLEE).connected_ms().is_some());
    assert_eq!(wire.report(CALLEE).remote_candidates.len(), 1);
    assert_eq!(states(&wire.report(CALLEE), StateKind::IceGathering), ["gathering", "complete"]);
}

#[test]
fn candidates_that_say_nothing_are_borne_and_listed() {
    let mut wire = Wire::new(Duration::from_millis(5));
    for text in [
        None,
        Some(""),
        Some("candidate:1 1 udp 2122 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 5000 typ host"),
        Some("candidate:1 1 tcp 1518 192.0.2.7 9 typ host tcptype active"),
        Some("candidate:1 1 udp 2122 2001:db8::7 5000 typ host generation 0 ufrag x network-id 1"),
        Some("nonsense"),
    ] {
        wire.hand(CALLER, text);
    }
    wire.call([vec![host(CALLER)], vec![host(CALLEE)]]);
    wire.run(Duration::from_secs(1));
    let report = wire.report(CALLER);
    assert!(report.connected_ms().is_some());
    assert_eq!(report.remote_candidates.len(), 4, "{:?}", report.remote_candidates);
}

#[test]
fn candidates_inside_a_description_count() {
    let mut wire = Wire::new(Duration::from_millis(5));
    wire.call_with_candidates_inside([vec![host(CALLER)], vec![host(CALLEE)]]);
    wire.run(Duration::from_secs(1));
    assert!(wire.report(CALLER).connected_ms().is_some());
    assert_eq!(wire.report(CALLER).remote_candidates[0].kind, CandidateKind::Host);
}

#[test]
fn what_is_signaled_suits_a_browser() {
    let wire = connected();
    for sdp in wire.descriptions() {
        assert_eq!(sdp.matches("a=ice-options:trickle").count(), 1, "{sdp}");
        assert!(sdp.contains("opus/48000/2") && sdp.contains("VP8/90000") && sdp.contains("webrtc-datachannel"), "{sdp}");
        assert!(!sdp.contains("a=candidate"), "{sdp}");
    }
    for event in wire.events(CALLER) {
        let Event::Candidate(candidate) = event else { continue };
        assert_eq!((candidate.sdp_mid.as_deref(), candidate.sdp_m_line_index), (Some("0"), Some(0)));
    }
}

#[test]
fn a_changed_fingerprint_fails_dtls_and_says_so() {
    let mut wire = Wire::new(Duration::from_millis(5));
    wire.spoil_fingerprints();
    wire.call([vec![host(CALLER)], vec![host(CALLEE)]]);
    wire.run(Duration::from_secs(5));
    let report = wire.report(CALLER);
    assert!(report.ice_connected_ms().is_some() && report.connected_ms().is_none());
    assert_eq!((report.dtls.end, report.dtls.trouble.as_deref()), (DtlsEnd::Failed, Some("fingerprint")), "{:?}", report.dtls);
}

#[test]
fn the_report_has_no_password() {
    let wire = connected();
    let passwords = wire.descriptions().into_iter().flat_map(str::lines).filter_map(|line| line.strip_prefix("a=ice-pwd:"));
    let reports = format!("{:?} {:?}", wire.report(CALLER), wire.report(CALLEE));
    let events = format!("{:?}", wire.events(CALLER));
    for password in passwords {
        assert!(!reports.contains(password.trim()) && !events.contains(password.trim()));
    }
}

#[test]
fn a_reflexive_candidate_alone_connects_from_its_base() {
    let mut wire = Wire::new(Duration::from_millis(5));
    let url = "stun:stun.example.org:3478".to_owned();
    let base = host(CALLER).address();
    let address = "203.0.113.7:40000".parse().expect("an address");
    wire.translate(base, address);
    wire.call([vec![Gathered::Reflexive { address, base, url }], vec![host(CALLEE)]]);
    wire.run(Duration::from_secs(1));
    let pair = wire.report(CALLER).selected_pair.expect("a pair");
    assert_eq!((pair.local.kind, pair.local.address), (CandidateKind::Srflx, address.to_string()));
    assert!(wire.report(CALLEE).connected_ms().is_some());
}

#[test]
fn ten_minutes_of_call_stay_connected() {
    let mut wire = connected();
    wire.run(Duration::from_mins(10));
    let report = wire.report(CALLEE);
    assert_eq!(states(&report, StateKind::Connection), ["new", "connecting", "connected"]);
    let audio = report.media.audio.expect("audio");
    assert!(audio.packets_received > 29_900 && audio.lost == 0, "{audio:?}");
}
