//! Calls between two ends on loopback, over real sockets and the embedded TURN server.

use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::Instant;

use super::*;
use crate::lab::fault::Fault;
use crate::lab::host::{Lab, LabConfig};
use crate::model::call::{CandidateKind, PairEnd, StateKind};
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::Fact;
use crate::model::secret::{Credentials, Secret};
use crate::model::target::Host;
use crate::net::network::Network;
use crate::net::system::System;
use crate::net::tls::Trust;

/// Longer than any call here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

fn run<T>(test: impl AsyncFnOnce(Rc<dyn Network>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, test(Rc::new(System::default())))
}

fn context(network: &Rc<dyn Network>, lab: &Lab) -> Context {
    Context::brief(network, Trust::nobody().with_roots(lab.ca_pem().as_bytes()).expect("the lab's own root"))
}

fn servers(lab: &Lab) -> Vec<IceServer> {
    let login = lab.credentials().map(Rc::new);
    let server = |endpoint: &Endpoint| IceServer {
        endpoint: *endpoint,
        host: Host::Address(endpoint.ip()),
        relay: true,
        login: login.clone(),
    };
    lab.endpoints().iter().map(server).collect()
}

/// Two ends with a signaling line between them.
struct Call {
    ends: [PeerHandle; 2],
}

impl Call {
    fn start(context: &Context, path: Path, servers: &[IceServer]) -> Self {
        let end = |role| PeerHandle::start(context, role, path, servers).expect("a peer");
        let ends = [end(Role::Caller), end(Role::Callee)];
        let offer = ends[0].offer().expect("an offer");
        let answer = ends[1].accept_offer(&offer).expect("an answer");
        ends[0].accept_answer(&answer).expect("it fits");
        Self { ends }
    }

    /// Carries candidates until both ends have seen all of these events.
    async fn until(&mut self, wanted: impl Fn(&Event) -> bool, count: usize) {
        let mut seen = [0, 0];
        let [one, other] = &mut self.ends;
        let all = async {
            while seen.iter().any(|seen| *seen < count) {
                let (end, event) = tokio::select! {
                    Some(event) = one.next_event() => (0, event),
                    Some(event) = other.next_event() => (1, event),
                };
                if let Event::Candidate(candidate) = &event {
                    if end == 0 { &*other } else { &*one }.add_remote_candidate(candidate);
                }
                seen[end] += usize::from(wanted(&event));
            }
        };
        tokio::time::timeout(LIMIT, all).await.expect("it comes");
    }

    async fn until_connected(&mut self) {
        self.until(|event| is_state(event, StateKind::Connection, "connected"), 1).await;
    }

    async fn close(mut self) -> [call::Peer; 2] {
        let reports = self.ends.each_ref().map(PeerHandle::report);
        for end in &mut self.ends {
            end.close().await;
        }
        reports
    }
}

fn is_state(event: &Event, kind: StateKind, state: &str) -> bool {
    matches!(event, Event::State(change) if change.kind == kind && change.state == state)
}

#[test]
fn every_path_connects_with_media_both_ways_and_leaves_no_allocation() {
    run(async |network| {
        let lab = Lab::start(LabConfig::default()).await.expect("loopback has free ports");
        let context = context(&network, &lab);
        for (path, kind, transport) in [
            (Path::RelayUdp, CandidateKind::Relay, Some(Transport::Udp)),
            (Path::RelayTcp, CandidateKind::Relay, Some(Transport::Tcp)),
            (Path::RelayTls, CandidateKind::Relay, Some(Transport::Tls)),
            (Path::Host, CandidateKind::Host, None),
            (Path::Srflx, CandidateKind::Srflx, None),
        ] {
            let mut call = Call::start(&context, path, &servers(&lab));
            call.until(|event| matches!(event, Event::Track(_)), 2).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            for report in call.close().await {
                let pair = report.selected_pair.expect("a pair");
                assert_eq!((pair.local.kind, pair.local.relay_protocol), (kind, transport), "{}", path.name());
                assert!(report.candidates.iter().all(|candidate| candidate.kind == kind), "{:?}", report.candidates);
                let (audio, video) = (report.media.audio.expect("audio"), report.media.video.expect("video"));
                assert!(audio.packets_received >= 10 && video.packets_received >= 5, "{audio:?} {video:?}");
                assert!(report.media.data_channel_rtt_ms.is_some(), "{}", path.name());
            }
            assert_eq!((lab.allocations(), context.ledger.alive()), (0, 0), "{}", path.name());
        }
    });
}

#[test]
fn with_all_candidates_the_host_pair_is_chosen_and_every_relay_is_there() {
    run(async |network| {
        let lab = Lab::start(LabConfig::default()).await.expect("loopback has free ports");
        let context = context(&network, &lab);
        let mut call = Call::start(&context, Path::All, &servers(&lab));
        call.until(|event| is_state(event, StateKind::IceGathering, "complete"), 1).await;
        let transports = |report: &call::Peer| {
            report.candidates.iter().filter_map(|candidate| candidate.relay_protocol).collect::<std::collections::BTreeSet<_>>()
        };
        let [caller, _] = call.close().await;
        assert_eq!(transports(&caller), [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Dtls].into());
        assert_eq!(caller.candidates[0].kind, CandidateKind::Host);
        assert_eq!(caller.selected_pair.expect("a pair").local.kind, CandidateKind::Host);
        assert_eq!(lab.allocations(), 0);
    });
}

#[test]
fn an_announced_address_counts_as_contacted_once_something_is_sent_there() {
    run(async |network| {
        let lab = Lab::start(LabConfig::default()).await.expect("loopback has free ports");
        let context = context(&network, &lab);
        let mut call = Call::start(&context, Path::Host, &servers(&lab));
        // No end has an IPv6 address, so that no pair is formed with it.
        let line = "candidate:1 1 udp 2130706431 ::1 9 typ host".to_owned();
        call.ends[0].add_remote_candidate(&call::TrickledCandidate { candidate: Some(line), ..Default::default() });
        call.until_connected().await;
        let [caller, callee] = call.close().await;
        assert!(caller.remote_candidates.iter().any(|candidate| candidate.address == "[::1]:9"), "{caller:?}");
        let mut both = [&caller, &callee].map(|peer| format!("{}/udp", peer.candidates[0].address));
        both.sort();
        assert_eq!(context.record.contacted(), both);
    });
}

#[test]
fn a_silent_server_holds_gathering_up_for_no_more_than_its_deadline() {
    run(async |network| {
        let lab = Lab::start(LabConfig::default()).await.expect("loopback has free ports");
        let context = context(&network, &lab);
        // Somebody listens there and never says a word.
        let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        let mut servers = servers(&lab);
        servers.retain(|server| server.endpoint.transport == Transport::Udp);
        servers[0].endpoint.address = silent.local_addr().expect("an address");
        let started = Instant::now();
        let mut call = Call::start(&context, Path::All, &servers);
        call.until_connected().await;
        call.until(|event| is_state(event, StateKind::IceGathering, "complete"), 1).await;
        assert!(started.elapsed() < gather::LIMIT + Duration::from_secs(1), "{:?}", started.elapsed());
        let observations = context.record.observations();
        let challenged = observations.iter().filter_map(|seen| {
            let Fact::Challenge(challenge) = &seen.fact else { return None };
            Some(challenge.reply.outcome.clone())
        });
        assert!(challenged.into_iter().all(|outcome| outcome == crate::model::outcome::Outcome::Silent));
        call.close().await;
    });
}

#[test]
fn a_wrong_password_is_on_record_and_leaves_no_pair() {
    run(async |network| {
        let lab = Lab::start(LabConfig::default()).await.expect("loopback has free ports");
        let context = context(&network, &lab);
        let wrong = Credentials { username: Secret::new("alice"), password: Secret::new("south") };
        let mut servers = servers(&lab);
        for server in &mut servers {
            server.login = Some(Rc::new(wrong.clone()));
        }
        let mut call = Call::start(&context, Path::Relay, &servers);
        call.until(|event| is_state(event, StateKind::IceGathering, "complete"), 1).await;
        call.ends.iter().for_each(PeerHandle::give_up);
        let reports = call.close().await;
        assert!(reports.iter().all(|report| report.candidates.is_empty() && report.pairs.is_empty()));
        assert_eq!(reports[0].last(StateKind::Connection), Some("failed"));
        let observations = context.record.observations();
        let refused = observations
            .iter()
            .filter(|seen| matches!(&seen.fact, Fact::Allocation(allocation) if allocation.reply.code() == Some(401)));
        assert_eq!(refused.count(), 8, "two ends, four transports");
    });
}

#[test]
fn a_refused_permission_is_on_record() {
    run(async |network| {
        let lab = Lab::start(LabConfig::broken(&[Fault::OwnAddressDenied])).await.expect("loopback has free ports");
        let context = context(&network, &lab);
        let mut call = Call::start(&context, Path::RelayUdp, &servers(&lab));
        let has_both = |context: &Context| {
            let observations = context.record.observations();
            let refused = observations.iter().filter(|seen| {
                let Fact::Permission(permission) = &seen.fact else { return false };
                permission.whose == crate::model::fact::PeerKind::Remote && permission.reply.code() == Some(403)
            });
            refused.count() == 2
        };
        call.until(|event| matches!(event, Event::RemoteAddress(_)), 1).await;
        while !has_both(&context) {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        let [caller, _] = call.close().await;
        assert_eq!(caller.pairs[0].end, PairEnd::Unsendable, "{:?}", caller.pairs);
        assert_eq!(lab.allocations(), 0);
    });
}

#[test]
fn a_server_at_an_ipv6_address_serves_calls() {
    run(async |network| {
        let addresses = vec![std::net::Ipv4Addr::LOCALHOST.into(), std::net::Ipv6Addr::LOCALHOST.into()];
        // A machine without IPv6 has nothing to show here.
        let Ok(lab) = Lab::start(LabConfig { addresses, ..LabConfig::default() }).await else { return };
        let context = context(&network, &lab);
        let mut servers = servers(&lab);
        servers.retain(|server| server.endpoint.address.is_ipv6());
        // A relay gives an IPv4 address unless asked for another (RFC 8656 §7.1), whichever way it is reached.
        for (path, is_ipv6) in [(Path::RelayUdp, false), (Path::RelayTls, false), (Path::Host, true)] {
            let mut call = Call::start(&context, path, &servers);
            call.until_connected().await;
            let [caller, _] = call.close().await;
            let pair = caller.selected_pair.expect("a pair");
            assert_eq!(call::address_of(&pair.local).map(|address| address.is_ipv6()), Some(is_ipv6), "{pair:?}");
        }
    });
}
