//! The ways of a call: over IPv6, and each path by itself, with the matrix of all in the report and in its text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use callcheck::lab::fault::Fault;
use callcheck::lab::gateway::exchange::{CALLEE_TOKEN, CALLER_TOKEN};
use callcheck::lab::gateway::server::GatewayConfig;
use callcheck::lab::host::LabConfig;
use callcheck::model::call::{CandidateKind, Path, address_of};
use callcheck::model::endpoint::Transport;
use callcheck::model::fact::Fact;
use callcheck::model::report::{Report, Verdict};
use callcheck::model::target::Host;
use callcheck::run::plan::Plan;

use child::{Run, callcheck};
use gateway_server::GatewayServer;
use stage::{CHAT, Stage, calling, forcing, found, run, within};
use turn_server::TurnServer;

#[path = "program/child.rs"]
mod child;
#[path = "program/gateway_server.rs"]
mod gateway_server;
#[path = "calls/stage.rs"]
mod stage;
#[path = "program/turn_server.rs"]
mod turn_server;

const ALL_TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Tls];

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Servers that are reached over IPv6, of which the one for TURN relays at these addresses.
async fn over_ipv6(addresses: &[IpAddr]) -> (Stage, Plan) {
    let turn = LabConfig { addresses: addresses.to_vec(), ..LabConfig::default() };
    let gateway = GatewayConfig { address: SocketAddr::new(V6, 0), ..GatewayConfig::default() };
    let stage = Stage::of(turn, gateway).await;
    let mut plan = stage.plan(&[], &ALL_TRANSPORTS);
    plan.services.retain(|planned| planned.service.host == Host::Address(V6));
    (stage, plan)
}

#[test]
fn a_call_connects_through_servers_that_are_reached_over_ipv6() {
    within(async || {
        let (stage, mut plan) = over_ipv6(&[V6, V4]).await;
        // The proof of the relay from outside needs to know an own address of the relay's family.
        plan.services
            .extend(stage.plan(&[], &[Transport::Udp]).services.into_iter().filter(|it| it.service.host == Host::Address(V4)));
        for path in [Path::RelayTcp, Path::RelayTls] {
            let report = run(&forcing(plan.clone(), path)).await;
            assert_eq!((report.verdict, found(&report).len()), (Verdict::Ok, 0), "{path:?}: {:?}", found(&report));
            assert!(report.contacted.iter().any(|contacted| contacted.starts_with("[::1]:")), "{:?}", report.contacted);
            let call = report.call.expect("a call");
            for peer in [call.caller.expect("the caller"), call.callee.expect("the callee")] {
                let pair = peer.selected_pair.expect("a selected pair");
                assert_eq!(pair.local.kind, CandidateKind::Relay, "{pair:?}");
                // Whoever doesn't ask for another family is given a relayed address of IPv4 (RFC 8656 §7.2).
                let ends = [&pair.local, &pair.remote].map(|end| address_of(end).map(|address| address.ip()));
                assert_eq!(ends, [Some(V4); 2], "{path:?}: {pair:?}");
            }
        }
        assert_eq!(stage.turn.allocations(), 0);
        stage.until_all_have_left().await;
    });
}

#[test]
fn every_error_of_every_url_is_seen_by_both_ends() {
    within(async || {
        let stage = Stage::healthy().await;
        let mut plan = stage.plan(&[], &[Transport::Udp]);
        let mut refusals = Vec::new();
        let faults = [(Fault::CredentialsRejected, 401), (Fault::QuotaReached, 486), (Fault::RelayPortsExhausted, 508)];
        for ((fault, code), transport) in faults.into_iter().zip(ALL_TRANSPORTS) {
            let other = Stage::broken(&[fault], &[]).await;
            plan.services.extend(other.plan(&[], &[transport]).services);
            plan.trust = plan.trust.with_roots(other.turn.ca_pem().as_bytes()).expect("the lab's own root");
            let endpoints: Vec<_> =
                other.turn.endpoints().iter().filter(|it| it.transport == transport).map(ToString::to_string).collect();
            refusals.push((other, endpoints, code));
        }
        let report = run(&forcing(plan, Path::Relay)).await;
        for (_, endpoints, code) in &refusals {
            let refused = report.observations.iter().filter(|seen| {
                endpoints.contains(&seen.target) && matches!(&seen.fact, Fact::Allocation(it) if it.reply.code() == Some(*code))
            });
            // The probe of the server and each end of the call.
            assert!(refused.count() >= 3, "{code} at {endpoints:?}: {:?}", report.observations);
        }
        let call = report.call.expect("a call");
        for peer in [call.caller.expect("the caller"), call.callee.expect("the callee")] {
            assert_eq!(peer.selected_pair.expect("a selected pair").local.kind, CandidateKind::Relay);
        }
    });
}

#[test]
fn a_relay_of_ipv6_alone_serves_no_call_of_browsers() {
    within(async || {
        let (_stage, plan) = over_ipv6(&[V6]).await;
        let report = run(&calling(plan, |call| call.paths = vec![Path::All, Path::Relay])).await;
        assert_eq!((report.verdict, found(&report)), (Verdict::Failed, vec!["address-family-refused fail certain".to_owned()]));
        let paths = report.call.map(|call| call.paths).unwrap_or_default();
        let told: Vec<_> = paths.iter().map(|path| (path.path, path.verdict, path.finding.as_deref())).collect();
        assert_eq!(told, [(Path::All, Verdict::Ok, None), (Path::Relay, Verdict::Failed, Some("address-family-refused"))]);
    });
}

#[test]
fn a_call_connects_by_reflexive_candidates_alone() {
    within(async || {
        let stage = Stage::healthy().await;
        let report = run(&forcing(stage.plan(&[], &[Transport::Udp]), Path::Srflx)).await;
        assert_eq!((report.verdict, found(&report).len()), (Verdict::Ok, 0), "{:?}", found(&report));
        let call = report.call.expect("a call");
        for peer in [call.caller.expect("the caller"), call.callee.expect("the callee")] {
            assert!(peer.candidates.iter().all(|candidate| candidate.kind == CandidateKind::Srflx), "{:?}", peer.candidates);
            assert_eq!(peer.selected_pair.map(|pair| pair.local.kind), Some(CandidateKind::Srflx));
        }
    });
}

/// The lines of the matrix: each path with what it came to, its time left out.
fn matrix(text: &str) -> Vec<String> {
    let rows = text.lines().skip_while(|line| *line != "Paths").skip(1).take_while(|line| !line.is_empty());
    let timeless = |word: &&str| word.parse::<u64>().is_err();
    rows.map(|row| row.split_whitespace().filter(timeless).collect::<Vec<_>>().join(" ")).collect()
}

fn tried(report: &Report) -> Vec<(Path, Verdict, Option<&str>)> {
    let paths = report.call.iter().flat_map(|call| &call.paths);
    paths.map(|path| (path.path, path.verdict, path.finding.as_deref())).collect()
}

#[test]
fn every_path_is_tried_and_stands_in_the_matrix() {
    let turn = TurnServer::start(LabConfig::default());
    let gateway = GatewayServer::start(GatewayConfig::default());
    let list = turn.ice_servers(&ALL_TRANSPORTS);
    let run = matrix_of(&turn, &gateway, &list);
    let report = run.report();
    let paths = [Path::All, Path::Host, Path::Srflx, Path::Relay, Path::RelayUdp, Path::RelayTcp, Path::RelayTls];
    assert_eq!(tried(&report), paths.map(|path| (path, Verdict::Ok, None)));
    assert!(report.call.iter().flat_map(|call| &call.paths).all(|path| path.connected_ms.is_some()));
    assert_eq!((run.code, found(&report).len(), report.not_tested.len()), (Some(0), 0, 0), "{report:?}");
    let text = callcheck(&["replay", "-"]).input(&run.stdout).run().stdout;
    assert_eq!(matrix(&text), paths.map(|path| format!("{} connected in ms", path.name())));
    turn.await_allocations(|count| count == 0);
}

#[test]
fn a_path_that_fails_stands_in_the_matrix_with_its_cause_and_counts_as_its_server_does() {
    let turn = TurnServer::start(LabConfig::broken(&[Fault::TurnTlsClosed]));
    let gateway = GatewayServer::start(GatewayConfig::default());
    let run = matrix_of(&turn, &gateway, &turn.ice_servers(&[Transport::Udp, Transport::Tls]));
    let report = run.report();
    let ok = [Path::All, Path::Host, Path::Srflx, Path::Relay, Path::RelayUdp].map(|path| (path, Verdict::Ok, None));
    let failed = (Path::RelayTls, Verdict::Failed, Some("turn-tls-closed"));
    assert_eq!(tried(&report), [&ok[..], &[failed]].concat(), "no server over TCP is listed");
    assert_eq!(found(&report), ["turn-tls-closed degrade certain"]);
    assert_eq!((run.code, report.verdict), (Some(0), Verdict::Degraded));
    let untested: Vec<&str> = report.not_tested.iter().map(|it| it.why.as_str()).collect();
    assert_eq!(untested, ["nothing listens there"], "no path is among what was not tested");
    assert_eq!(report.call.as_ref().and_then(|call| call.path), Some(Path::Relay), "the last of those that count is shown");
    let text = callcheck(&["replay", "-"]).input(&run.stdout).run().stdout;
    assert_eq!(matrix(&text).last().map(String::as_str), Some("relay-tls failed (turn-tls-closed)"));
}

/// Both ends of a call, over every path.
fn matrix_of(turn: &TurnServer, gateway: &GatewayServer, list: &str) -> Run {
    let options = ["--ice-servers", "-", "--ca", turn.ca(), "--no-controls", "--paths", "--duration", "400ms", "--json"];
    let call = ["call", "--config", "/dev/null", "--signaling", gateway.url(), "--chat-id", CHAT];
    let call = callcheck(&[&call[..], &options].concat()).input(list);
    call.variable("CALLCHECK_CALLER_TOKEN", CALLER_TOKEN).variable("CALLCHECK_CALLEE_TOKEN", CALLEE_TOKEN).run()
}
