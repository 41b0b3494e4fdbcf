//! Whole calls on loopback through the embedded gateway and the embedded TURN server: each cause of a call is found, and its look-alike
//! told from it. Where one end alone runs in callcheck the test plays the other, with a box in the middle.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use callcheck::lab::fault::Fault;
use callcheck::lab::gateway::fault::GatewayFault;
use callcheck::model::call::{CandidateKind, Path};
use callcheck::model::endpoint::Transport;
use callcheck::model::report::{CutShort, Report, Verdict};
use callcheck::net::system::System;
use callcheck::run::execute;
use callcheck::run::plan::Plan;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::net::UdpSocket;
use tokio::time::sleep;

use boxed::through_box;
use middlebox::{Way, is_dtls, is_media};
use other::{Manner, play};
use stage::{Stage, calling, forcing, found, run, within};

#[path = "calls/boxed.rs"]
mod boxed;
#[path = "calls/middlebox.rs"]
mod middlebox;
#[path = "calls/other.rs"]
mod other;
#[path = "calls/stage.rs"]
mod stage;

const ALL_TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];
const BOTH: [Path; 2] = [Path::All, Path::Relay];

/// A call from here with both ends, through a gateway with one fault.
fn through(fault: GatewayFault) -> Report {
    within(async || {
        let stage = Stage::broken(&[], &[fault]).await;
        run(&stage.plan(&BOTH, &[Transport::Udp])).await
    })
}

/// A call of the caller alone to an end of the test's.
fn to(manner: Manner) -> Report {
    within(async || {
        let stage = Stage::healthy().await;
        let plan = stage.plan_of_caller();
        tokio::select! {
            report = run(&plan) => report,
            () = play(&stage, manner) => unreachable!("it plays for ever"),
        }
    })
}

#[test]
fn a_call_connects_over_every_way_with_media_both_ways_and_leaves_nothing_behind() {
    within(async || {
        let stage = Stage::healthy().await;
        for path in [Path::All, Path::Host, Path::Relay, Path::RelayUdp, Path::RelayTcp, Path::RelayTls] {
            let report = run(&forcing(stage.plan(&[], &ALL_TRANSPORTS), path)).await;
            assert_eq!(report.verdict, Verdict::Ok, "{path:?}: {:?}", found(&report));
            let call = report.call.expect("a call");
            for peer in [call.caller.expect("the caller"), call.callee.expect("the callee")] {
                let (audio, video) = (peer.media.audio.expect("audio"), peer.media.video.expect("video"));
                assert!(audio.packets_received > 10 && video.packets_received > 5, "{path:?}: {audio:?} {video:?}");
                let pair = peer.selected_pair.expect("a selected pair");
                let is_relayed = pair.local.kind == CandidateKind::Relay;
                assert_eq!(is_relayed, path.is_relay_only(), "{path:?}: {pair:?}");
            }
        }
        assert_eq!(stage.turn.allocations(), 0);
        stage.until_all_have_left().await;
    });
}

#[test]
fn the_gateways_faults_are_told_apart() {
    for (fault, expected) in [
        (GatewayFault::CallRefused, &["signaling-call-refused fail certain"][..]),
        (GatewayFault::CallRefusedByAnswer, &["signaling-call-refused fail certain"]),
        (GatewayFault::ReceiverOffline, &["signaling-call-refused fail likely receiver-offline"]),
        (GatewayFault::OfferNotForwarded, &["receiver-offline fail certain"]),
        (GatewayFault::AnswerNotForwarded, &["answer-not-forwarded fail certain"]),
        (GatewayFault::CallerCandidatesNotForwarded, &["candidates-not-forwarded fail certain"]),
        (GatewayFault::CalleeCandidatesNotForwarded, &["candidates-not-forwarded fail certain"]),
        (GatewayFault::OfferAltered, &["offer-altered warn certain"]),
        (GatewayFault::AnswerAltered, &["offer-altered warn certain"]),
        (GatewayFault::NoAnswerAtOnce, &["no-answer-timeout fail certain"]),
        (GatewayFault::DropsConnection, &["signaling-drops degrade certain"]),
        (GatewayFault::ClosesConnection, &["signaling-drops degrade certain"]),
        (GatewayFault::Slow, &["signaling-slow warn certain"]),
    ] {
        let report = through(fault);
        assert_eq!(found(&report), expected, "{fault}");
    }
}

#[test]
fn a_gateway_that_floods_or_sends_megabytes_hinders_no_call() {
    for fault in [GatewayFault::Flood, GatewayFault::Megabytes] {
        let report = through(fault);
        assert_eq!((report.verdict, found(&report).len()), (Verdict::Ok, 0), "{fault}: {:?}", found(&report));
    }
}

#[test]
fn a_dead_turn_server_is_the_cause_and_not_the_missing_path() {
    within(async || {
        let stage = Stage::broken(&[Fault::TurnDown], &[]).await;
        let report = run(&stage.plan(&BOTH, &[Transport::Udp, Transport::Tcp])).await;
        assert_eq!(found(&report), ["turn-down fail certain"]);
        let peers = report.observations.iter().filter(|seen| seen.probe == "peer").map(|seen| &seen.id);
        let cited = peers.filter(|id| report.findings[0].evidence.contains(id)).count();
        assert!(cited > 0, "the peers without a relay candidate are its evidence");
    });
}

#[test]
fn a_closed_relay_range_is_named_although_two_peers_of_one_server_connect_through_it() {
    within(async || {
        let stage = Stage::broken(&[Fault::RelayPortsClosed], &[]).await;
        let report = run(&stage.plan(&BOTH, &[Transport::Udp])).await;
        assert_eq!(report.verdict, Verdict::Failed);
        assert_eq!(found(&report), ["relay-ports-closed fail certain"]);
        let call = report.call.expect("a call");
        assert!(call.paths.iter().all(|path| path.verdict == Verdict::Ok), "{:?}", call.paths);
    });
}

#[test]
fn a_wrong_external_ip_is_named_by_a_call_that_connects() {
    within(async || {
        let stage = Stage::broken(&[Fault::ExternalIpMismatch], &[]).await;
        let report = run(&stage.plan(&BOTH, &[Transport::Udp])).await;
        assert_eq!(found(&report), ["external-ip-mismatch fail certain"]);
    });
}

#[test]
fn a_forced_relay_leads_where_there_is_none() {
    within(async || {
        let stage = Stage::broken(&[Fault::TurnDown], &[]).await;
        let report = run(&forcing(stage.plan(&[], &[Transport::Udp]), Path::Relay)).await;
        // Over UDP alone nobody saw whether the server listens elsewhere.
        assert_eq!(found(&report), ["ice-relay-forced-without-turn fail likely", "turn-down fail likely turn-not-listening-udp"]);
    });
}

#[test]
fn an_end_without_candidates_is_named() {
    within(async || {
        let stage = Stage::healthy().await;
        // Without any server there is no reflexive candidate, and nothing is sent to anybody.
        let plan = Plan { services: Vec::new(), ..stage.plan(&[], &[]) };
        let report = run(&forcing(plan, Path::Srflx)).await;
        assert_eq!(found(&report), ["ice-no-candidates fail certain"]);
    });
}

#[test]
fn an_end_of_the_tests_own_connects() {
    let report = to(Manner::default());
    assert_eq!((report.verdict, found(&report).len()), (Verdict::Ok, 0), "{:?}", found(&report));
    let boxed = to(Manner { drops: Some(Rc::new(|_, _, _| false)), ..Manner::default() });
    assert_eq!((boxed.verdict, found(&boxed).len()), (Verdict::Ok, 0), "{:?}", found(&boxed));
}

#[test]
fn checks_that_nobody_answers_leave_no_path() {
    let report = to(Manner { drops: Some(Rc::new(|_, _, _| true)), ..Manner::default() });
    assert_eq!(found(&report), ["ice-no-path fail likely candidates-not-forwarded"], "the other end's checks are lost, too");
    let peer = report.call.and_then(|call| call.caller).expect("the caller");
    assert!(peer.states.iter().any(|change| change.by_deadline && change.state == "failed"), "{:?}", peer.states);
}

#[test]
fn a_path_that_dies_is_told_from_one_that_never_was() {
    let dies = |_: &[u8], _: Way, after: Duration| after > Duration::from_secs(1);
    let report = within(async || {
        let stage = Stage::healthy().await;
        let mut plan = stage.plan_of_caller();
        if let Some(call) = &mut plan.call {
            call.duration = Duration::from_secs(12);
        }
        tokio::select! {
            report = run(&plan) => report,
            () = play(&stage, Manner { drops: Some(Rc::new(dies)), ..Manner::default() }) => unreachable!("it plays for ever"),
        }
    });
    assert_eq!(found(&report), ["ice-path-lost fail likely"]);
}

#[test]
fn a_fingerprint_that_does_not_fit_is_told_from_packets_that_vanish() {
    let forged = |answer: String| {
        let bend = |line: &str| {
            if line.starts_with("a=fingerprint:") { line[..line.len() - 2].to_owned() + "00" } else { line.to_owned() }
        };
        answer.lines().map(bend).flat_map(|line| [line, "\r\n".to_owned()]).collect()
    };
    let report = to(Manner { answer: Box::new(forged), ..Manner::default() });
    assert_eq!(found(&report), ["dtls-failed fail certain"]);
    let vanished = to(Manner { drops: Some(Rc::new(|bytes, _, _| is_dtls(bytes))), ..Manner::default() });
    assert_eq!(found(&vanished), ["dtls-failed fail likely media-lossy"]);
}

#[test]
fn media_that_never_comes_is_told_from_one_kind_that_is_missing_and_from_gaps() {
    let none = to(Manner { drops: Some(Rc::new(|bytes, way, _| is_media(bytes) && way == Way::ToCaller)), ..Manner::default() });
    assert_eq!(found(&none), ["media-none fail likely media-one-way,media-lossy"]);
    // Video's packets are larger than 100 bytes or carry the dynamic payload type of VP8; sound's are small.
    let no_video = |bytes: &[u8], way: Way, _: Duration| {
        is_media(bytes) && way == Way::ToCaller && bytes[1] & 0x7F != 111 && !is_rtcp(bytes)
    };
    let one_way = to(Manner { drops: Some(Rc::new(no_video)), ..Manner::default() });
    assert_eq!(found(&one_way), ["media-one-way warn possible"]);
    // At random, since every third packet may well be every packet of the sound.
    let chance = RefCell::new(StdRng::seed_from_u64(1));
    let gaps = move |bytes: &[u8], way: Way, _: Duration| {
        is_media(bytes) && !is_rtcp(bytes) && way == Way::ToCaller && chance.borrow_mut().random_ratio(1, 3)
    };
    let lossy = to(Manner { drops: Some(Rc::new(gaps)), ..Manner::default() });
    assert_eq!(found(&lossy), ["media-lossy degrade likely"]);
}

#[test]
fn media_that_arrives_at_one_end_alone_is_seen_from_both_ends_together_and_from_each_by_itself() {
    let to_caller = |bytes: &[u8], way: Way, _: Duration| is_media(bytes) && way == Way::ToCaller;
    let [both, caller, callee] = within(async || {
        let stage = Stage::healthy().await;
        let lines = through_box(&stage, Rc::new(to_caller)).await;
        let plan = || calling(stage.plan(&[Path::All], &[]), |call| call.lines = Rc::clone(&lines));
        let both = run(&plan()).await;
        let lines = through_box(&stage, Rc::new(to_caller)).await;
        let plan = || calling(stage.plan(&[Path::All], &[]), |call| call.lines = Rc::clone(&lines));
        let (caller, callee) = (calling(plan(), |call| call.ends.truncate(1)), calling(plan(), |call| drop(call.ends.remove(0))));
        let (caller, callee) = tokio::join!(run(&caller), run(&callee));
        [both, caller, callee]
    });
    assert_eq!((both.verdict, found(&both)), (Verdict::Failed, vec!["media-one-way fail certain".to_owned()]));
    assert_eq!(found(&caller), ["media-none fail likely media-one-way,media-lossy"]);
    assert_eq!((callee.verdict, found(&callee).len()), (Verdict::Ok, 0), "{:?}", found(&callee));
}

/// Drops the datagrams that are larger than this.
fn narrow(limit: usize) -> Manner {
    Manner { drops: Some(Rc::new(move |bytes, _, _| bytes.len() > limit)), ..Manner::default() }
}

#[test]
fn large_packets_that_vanish_stop_the_handshake_where_it_has_such() {
    assert_eq!(found(&to(narrow(600))), ["dtls-failed fail likely mtu-blackhole,media-lossy"]);
    // No packet of this handshake is as large as that.
    let wider = to(narrow(1200));
    assert_eq!((wider.verdict, found(&wider).len()), (Verdict::Ok, 0), "{:?}", found(&wider));
    let largest = wider.call.and_then(|call| call.caller).map(|peer| peer.dtls.largest_sent.max(peer.dtls.largest_received));
    assert!(largest.is_some_and(|largest| (600..1200).contains(&largest)), "{largest:?}");
}

#[test]
fn an_answer_that_is_no_sdp_is_told_from_one_that_never_came() {
    for answer in ["", "hello", "v=0\r\n"] {
        let report = to(Manner { answer: Box::new(|_| answer.to_owned()), ..Manner::default() });
        assert_eq!(found(&report), ["offer-altered fail likely"], "{answer:?}");
    }
}

#[test]
fn candidates_of_another_generation_are_named() {
    let old = |line: &str| Some(format!("{line} generation 0 ufrag OLD0"));
    let to_old = |is_deaf| to(Manner { candidate: Box::new(old), is_deaf, ..Manner::default() });
    assert_eq!(found(&to_old(true)), ["ice-wrong-ufrag fail certain"]);
    // Where the other side can check this one, its checks tell the address that its candidates don't.
    assert_eq!(found(&to_old(false)), ["ice-wrong-ufrag degrade certain"]);
}

#[test]
fn an_answer_of_another_generation_is_named() {
    let old = |answer: String| {
        let bend = |line: &str| {
            if line.starts_with("a=ice-ufrag:") { "a=ice-ufrag:OLD0".to_owned() } else { line.to_owned() }
        };
        answer.lines().map(bend).flat_map(|line| [line, "\r\n".to_owned()]).collect()
    };
    let report = to(Manner { answer: Box::new(old), ..Manner::default() });
    assert_eq!(found(&report), ["ice-wrong-ufrag fail certain"]);
}

/// RTCP's packet types are 192 to 223 (RFC 5761 §4).
fn is_rtcp(bytes: &[u8]) -> bool {
    (192..224).contains(&bytes[1])
}

#[test]
fn candidates_without_addresses_are_named() {
    let hidden = |line: &str| Some(line.replace("127.0.0.1", "0f3c7a1e-5b9d-4d53-9f0e-3b1f6a7c2d11.local"));
    let report = to(Manner { candidate: Box::new(hidden), is_deaf: true, ..Manner::default() });
    assert_eq!(found(&report), ["ice-mdns-only fail certain"]);
}

#[test]
fn candidates_that_never_come_leave_two_causes_open() {
    let report = to(Manner { candidate: Box::new(|_| None), is_deaf: true, ..Manner::default() });
    assert_eq!(found(&report), ["candidates-not-forwarded fail likely ice-no-candidates"]);
    // The other end's checks say where they come from.
    let connects = to(Manner { candidate: Box::new(|_| None), ..Manner::default() });
    assert_eq!(found(&connects), ["candidates-not-forwarded degrade likely ice-no-candidates"]);
    assert_eq!(connects.verdict, Verdict::Degraded);
}

#[test]
fn checks_that_are_refused_are_told_apart_by_their_code() {
    for (code, expected) in [(401_u16, "ice-wrong-ufrag fail certain"), (487, "ice-role-conflict fail certain")] {
        let report = within(async || {
            let stage = Stage::healthy().await;
            let decoy = UdpSocket::bind("127.0.0.1:0").await.expect("loopback has free ports");
            let address = decoy.local_addr().expect("a bound socket");
            tokio::task::spawn_local(refuse(decoy, code));
            let manner = Manner { decoy: Some(address), is_deaf: true, ..Manner::default() };
            let plan = stage.plan_of_caller();
            tokio::select! {
                report = run(&plan) => report,
                () = play(&stage, manner) => unreachable!("it plays for ever"),
            }
        });
        assert_eq!(found(&report), [expected]);
    }
}

/// Answers every check with an error, as a peer of another call does.
async fn refuse(socket: UdpSocket, code: u16) {
    let mut buffer = [0; 1500];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        if length < 20 || buffer[..2] != [0, 1] {
            continue;
        }
        let [class, number] = [code / 100, code % 100].map(|part| u8::try_from(part).expect("a code has three digits"));
        // A Binding error response with ERROR-CODE alone (RFC 8489 §14.8).
        let mut answer = vec![0x01, 0x11, 0, 8];
        answer.extend(&buffer[4..20]);
        answer.extend([0, 9, 0, 4, 0, 0, class, number]);
        _ = socket.send_to(&answer, from).await;
    }
}

#[test]
fn a_callee_that_takes_its_time_makes_a_slow_call() {
    let report = to(Manner { picks_up_after: Duration::from_millis(5300), ..Manner::default() });
    assert_eq!(found(&report), ["ice-slow warn certain"]);
}

#[test]
fn a_call_whose_direct_ways_end_in_nothing_needs_the_relay() {
    for (only_relayed, expected) in [(true, &["ice-direct-impossible warn likely"][..]), (false, &[])] {
        let report = within(async || {
            let stage = Stage::healthy().await;
            let mut plan = stage.plan(&[Path::All, Path::Host], &[Transport::Udp]);
            if let Some(call) = &mut plan.call {
                call.ends.truncate(1);
            }
            let manner = Manner { drops: Some(Rc::new(|_, _, _| false)), only_relayed, ..Manner::default() };
            tokio::select! {
                report = run(&plan) => report,
                () = play(&stage, manner) => unreachable!("it plays for ever"),
            }
        });
        assert_eq!(
            (report.verdict, found(&report).as_slice()),
            (Verdict::Ok, expected.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>().as_slice())
        );
    }
}

#[test]
fn an_interrupted_call_is_hung_up_and_gives_its_allocations_back() {
    within(async || {
        let stage = Stage::healthy().await;
        let mut plan = stage.plan(&[Path::Relay], &[Transport::Udp]);
        if let Some(call) = &mut plan.call {
            call.duration = Duration::from_secs(20);
        }
        let report = execute(Rc::new(System::default()), &plan, sleep(Duration::from_millis(2500)), None).await;
        assert_eq!(report.cut_short, Some(CutShort::Interrupted));
        assert_eq!(stage.turn.allocations(), 0);
        let call = report.call.expect("the call so far");
        assert!(call.signaling.iter().any(|event| event.event == "call:end"), "{:?}", call.signaling);
        // A gateway that still held the call would call them busy.
        let again = run(&stage.plan(&[Path::All], &[])).await;
        assert_eq!(again.verdict, Verdict::Ok, "{:?}", found(&again));
    });
}
