//! The rules of the peer's loop over `rtc`, one trial a rule, in virtual time: each was found by measuring what happens without it.

use std::time::Duration;

use callcheck::model::call::{CandidateKind, PairEnd, Path, Peer, StateKind, TrickledCandidate};
use callcheck::model::endpoint::Transport;
use callcheck::probe::call::Event;
use libtest_mimic::Trial;

use super::call::{DELAY, Ended, Homes, trial};
use super::world::NatKind;

/// From one end to the other through the relay and back: four ways between a home and the internet, and two to the server.
const RELAYED_ROUND_TRIP: Duration = DELAY.saturating_mul(8);

/// How many round trips a DTLS 1.2 handshake takes, with one for the cookie.
const HANDSHAKE: u32 = 3;

/// What virtual time may add by its ticks.
const TICKS: Duration = Duration::from_millis(30);

pub fn trials() -> Vec<Trial> {
    [on_connecting(), on_failing(), on_signaling()].into_iter().flatten().collect()
}

fn on_connecting() -> Vec<Trial> {
    vec![
        trial("1, what a datagram sets off leaves before the loop sleeps", || {
            let call = Homes::behind(NatKind::Symmetric).call(Path::RelayUdp, Duration::ZERO);
            for report in &call.reports {
                let (ice, all) = (report.ice_connected_ms(), report.connected_ms());
                let handshake = ice.zip(all).map(|(ice, all)| Duration::from_millis(all.saturating_sub(ice)));
                let limit = RELAYED_ROUND_TRIP * HANDSHAKE + TICKS;
                call.expect(handshake.is_some_and(|took| took <= limit), "DTLS without a timer's wait")?;
            }
            Ok(())
        }),
        trial("2, host candidates come first, and a relay's related address is left open", || {
            let call = Homes::in_the_open().call(Path::All, Duration::from_secs(1));
            for (end, report) in call.reports.iter().enumerate() {
                let kinds: Vec<_> = report.candidates.iter().map(|candidate| candidate.kind).collect();
                call.expect(kinds.first() == Some(&CandidateKind::Host), "the host candidate first")?;
                call.expect(kinds.contains(&CandidateKind::Relay), "relay candidates")?;
                let open = lines(&call, end)
                    .filter(|line| line.contains("typ relay"))
                    .all(|line| line.contains(" raddr 0.0.0.0 rport 0"));
                call.expect(open, "no related address")?;
                call.expect(call.selected(end) == Some(CandidateKind::Host), "the host pair")?;
            }
            call.expect_media(30)
        }),
        trial("3, data of a relay that is reached over TCP is relayed data over UDP", || {
            let call = Homes::behind(NatKind::Symmetric).call(Path::RelayTcp, Duration::from_secs(1));
            call.expect_pair(CandidateKind::Relay, Some(Transport::Tcp))?;
            call.expect(
                call.reports.iter().all(|report| report.candidates.iter().all(|it| it.protocol == "udp")),
                "UDP candidates",
            )?;
            call.expect_media(30)
        }),
        trial("4, no pair waits for a better one, and none is given up early", || {
            for (path, nat) in [(Path::Srflx, NatKind::PortRestricted), (Path::RelayUdp, NatKind::Symmetric)] {
                let call = Homes::behind(nat).call(path, Duration::ZERO);
                for report in &call.reports {
                    let checking = first(report, "checking");
                    let took =
                        report.ice_connected_ms().zip(checking).map(|(connected, checking)| connected.saturating_sub(checking));
                    // The acceptance waits that a library has by default are half a second and more.
                    call.expect(took.is_some_and(|took| took < 450), "a pair as soon as it is answered")?;
                }
            }
            let mut hidden = Homes::behind(NatKind::Symmetric);
            hidden.candidates_besides =
                vec![candidate("candidate:9 1 udp 2122 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 5000 typ host")];
            let call = hidden.call(Path::RelayUdp, Duration::from_secs(1));
            call.expect(
                call.reports.iter().all(|it| it.remote_candidates.iter().any(|it| it.address.contains(".local"))),
                "the hidden one listed",
            )?;
            call.expect_media(30)
        }),
    ]
}

fn on_failing() -> Vec<Trial> {
    vec![
        trial("5, by itself ICE fails after its thirty seconds, and the own deadline comes before", || {
            let mut patient = Homes::behind(NatKind::Symmetric);
            patient.patience = None;
            let call = patient.call(Path::Srflx, Duration::ZERO);
            let failed = first(&call.reports[0], "failed").zip(first(&call.reports[0], "checking"));
            let took = failed.map(|(failed, checking)| failed - checking);
            call.expect(took.is_some_and(|took| (29_000..32_000).contains(&took)), "failed after thirty seconds")?;
            let call = Homes::behind(NatKind::Symmetric).call(Path::Srflx, Duration::ZERO);
            let by_deadline = |report: &Peer| report.states.iter().any(|change| change.state == "failed" && change.by_deadline);
            call.expect(call.reports.iter().all(by_deadline), "failed by the own deadline, marked so")
        }),
        trial("6, every pair that was checked has its row, and a relay its own transport", || {
            let call = Homes::in_the_open().call(Path::All, Duration::from_secs(1));
            for report in &call.reports {
                let selected = report.pairs.iter().filter(|pair| pair.end == PairEnd::Selected).count();
                call.expect(selected == 1 && report.pairs.len() > 1, "pairs beside the selected one")?;
                let relays = report.candidates.iter().filter(|candidate| candidate.kind == CandidateKind::Relay);
                call.expect(
                    relays.clone().count() == 3 && relays.clone().all(|it| it.relay_protocol.is_some()),
                    "three transports",
                )?;
            }
            Ok(())
        }),
        trial("7, the connection tells of an end before ICE, and a track comes with its first packet", || {
            let mut patient = Homes::behind(NatKind::Symmetric);
            patient.patience = None;
            let call = patient.call(Path::Srflx, Duration::ZERO);
            let place = |kind| call.reports[0].states.iter().position(|change| change.kind == kind && change.state == "failed");
            let order = place(StateKind::Connection).zip(place(StateKind::IceConnection));
            call.expect(order.is_some_and(|(connection, ice)| connection < ice), "the connection first")?;
            let call = Homes::behind(NatKind::Symmetric).call(Path::RelayUdp, Duration::from_secs(1));
            for (report, events) in call.reports.iter().zip(&call.events) {
                let tracks = events.iter().filter(|event| matches!(event, Event::Track(_))).count();
                call.expect(tracks == 2, "both tracks")?;
                call.expect(!report.states.iter().any(|change| change.state == "completed"), "no state that is never sent")?;
            }
            call.expect(call.is_hang_up_heard, "the hang-up on the data channel")
        }),
    ]
}

fn on_signaling() -> Vec<Trial> {
    vec![
        trial("8, candidates that come before the description wait for it", || {
            let mut early = Homes::behind(NatKind::Symmetric);
            early.candidates_first = true;
            let call = early.call(Path::RelayUdp, Duration::from_secs(1));
            let ends = call.events[0]
                .iter()
                .filter(|event| matches!(event, Event::Candidate(it) if it.candidate.as_deref().unwrap_or_default().is_empty()))
                .count();
            call.expect(ends <= 1, "the end of candidates once at most")?;
            call.expect(
                call.reports[1].remote_candidates.iter().any(|it| it.kind == CandidateKind::Relay),
                "the caller's candidates",
            )?;
            call.expect_media(30)
        }),
        trial("9, what is signaled suits a browser, and the last packets leave before the allocation goes", || {
            let call = Homes::behind(NatKind::Symmetric).call(Path::All, Duration::from_secs(1));
            for (end, sdp) in call.descriptions.iter().enumerate() {
                call.expect(sdp.matches("a=ice-options:trickle").count() == 1, "trickle, once")?;
                let session = sdp.split("m=").next().unwrap_or_default();
                call.expect(session.contains("a=ice-options:trickle"), "trickle at session level")?;
                let inside = sdp.lines().filter_map(|line| line.strip_prefix("a="));
                let first_component = |line: &str| line.split(' ').nth(1) == Some("1");
                let all = inside.filter(|line| line.starts_with("candidate:")).chain(lines(&call, end));
                call.expect(all.into_iter().all(first_component), "component 1 alone")?;
                let mids: Vec<_> = sdp.lines().filter_map(|line| line.strip_prefix("a=mid:")).collect();
                let real = trickled(&call, end).all(|it| it.sdp_mid.as_deref().is_some_and(|mid| mids.contains(&mid)));
                call.expect(!mids.is_empty() && real, "mids of the description")?;
            }
            call.expect(call.is_hang_up_heard && call.allocations == 0, "the hang-up, and nothing left")
        }),
    ]
}

fn first(report: &Peer, state: &str) -> Option<u64> {
    let of_ice = report.states.iter().filter(|change| change.kind == StateKind::IceConnection);
    of_ice.filter(|change| change.state == state).map(|change| change.at_ms).next()
}

fn candidate(line: &str) -> TrickledCandidate {
    TrickledCandidate { candidate: Some(line.to_owned()), sdp_mid: Some("0".to_owned()), sdp_m_line_index: Some(0) }
}

/// The candidates that an end signaled.
fn trickled(call: &Ended, end: usize) -> impl Iterator<Item = &TrickledCandidate> {
    call.events[end].iter().filter_map(|event| if let Event::Candidate(candidate) = event { Some(candidate) } else { None })
}

/// Their lines; the end of candidates has none.
fn lines(call: &Ended, end: usize) -> impl Iterator<Item = &str> {
    trickled(call, end).filter_map(|candidate| candidate.candidate.as_deref()).filter(|line| !line.is_empty())
}
