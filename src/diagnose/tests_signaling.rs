//! The rules on the signaling's gateway, by staged evidence.

use super::staged::{Stage, certificate, is_whole};
use crate::model::call::Role;
use crate::model::fact::{
    CertificateDefect, ConnectFact, EngineEnd, EngineFact, EnginePollsFact, EngineTransport, Fact, HandshakeEnd, HandshakeFact,
    NameAnswer, NameFact, SocketEnd, SocketFact,
};
use crate::model::finding::Finding;
use crate::model::outcome::{Outcome, Protocol, Reply, Unreachable};

const ADDRESS: &str = "gateway 203.0.113.20:443";
const PLACE: &str = "https://chat.example.org";

fn connected(outcome: Outcome) -> Stage {
    let reply = Reply { outcome, sends: 1, rtt_ms: None, strays: Vec::new() };
    Stage::host().see("signaling-connect", ADDRESS, Fact::Connect(ConnectFact { reply }))
}

fn secured(end: HandshakeEnd, defects: &[CertificateDefect]) -> Stage {
    let fact = HandshakeFact {
        server_name: "chat.example.org".to_owned(),
        end,
        version: None,
        defects: defects.to_vec(),
        certificate: Some(certificate()),
        own_roots: false,
        asks_certificate: false,
        rtt_ms: None,
    };
    connected(Outcome::Success).see("signaling-handshake", ADDRESS, Fact::Handshake(fact))
}

fn reached() -> Stage {
    secured(HandshakeEnd::Completed, &[])
}

fn fact(transport: EngineTransport, end: EngineEnd, status: u16) -> EngineFact {
    EngineFact {
        path: "/socket.io/".to_owned(),
        transport,
        wanted: true,
        end,
        status: (status > 0).then_some(status),
        origin: None,
        allowed_origin: None,
        rtt_ms: None,
    }
}

fn polling(stage: Stage, end: EngineEnd, status: u16) -> Stage {
    stage.see("signaling-polling", PLACE, Fact::Engine(fact(EngineTransport::Polling, end, status)))
}

fn websocket(stage: Stage, end: EngineEnd, status: u16) -> Stage {
    stage.see("signaling-websocket", PLACE, Fact::Engine(fact(EngineTransport::Websocket, end, status)))
}

fn open() -> EngineEnd {
    EngineEnd::Open { offers_websocket: true }
}

fn error(code: u8, message: &str) -> EngineEnd {
    EngineEnd::Error { code, message: message.to_owned() }
}

fn polls(stage: Stage, unknown: u32) -> Stage {
    stage.see("signaling-polls", PLACE, Fact::EnginePolls(EnginePollsFact { answered: 4, unknown }))
}

fn socket(stage: Stage, role: Role, end: SocketEnd) -> Stage {
    let fact = SocketFact { role, namespace: "/calls".to_owned(), auth: true, end };
    stage.see("signaling-socket", PLACE, Fact::Socket(fact))
}

fn refused(message: &str) -> SocketEnd {
    SocketEnd::Refused { message: message.to_owned() }
}

/// What is found of the signaling.
fn found(stage: &Stage) -> Vec<String> {
    let all = stage.findings();
    let of_signaling: Vec<_> = all.iter().filter(|finding| finding.id.starts_with("signaling-")).collect();
    for finding in &of_signaling {
        is_whole(finding);
    }
    of_signaling.into_iter().map(Finding::claim).collect()
}

fn one(stage: &Stage) -> String {
    let found = found(stage);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[test]
fn a_healthy_gateway_is_accused_of_nothing() {
    let stage = polls(websocket(polling(reached(), open(), 200), open(), 101), 0);
    let stage = socket(socket(stage, Role::Caller, SocketEnd::Connected), Role::Callee, SocketEnd::Connected);
    assert_eq!(found(&stage), Vec::<String>::new());
    let ruled_out = stage.ruled_out();
    let ids = [
        "signaling-unreachable",
        "signaling-wrong-path",
        "signaling-protocol-mismatch",
        "signaling-not-sticky",
        "signaling-namespace-refused",
        "signaling-auth-refused",
        "signaling-websocket-blocked",
    ];
    for id in ids {
        assert!(ruled_out.contains(&id), "{id} is not excluded");
    }
}

#[test]
fn a_gateway_that_takes_no_connection_is_unreachable() {
    let port = Outcome::Unreachable { reason: Unreachable::Port, from: None };
    assert_eq!(one(&connected(port)), "signaling-unreachable fail certain");
    for outcome in [Outcome::Silent, Outcome::Unreachable { reason: Unreachable::Prohibited, from: None }] {
        assert_eq!(one(&connected(outcome)), "signaling-unreachable fail likely server-address-blocked");
    }
}

#[test]
fn a_gateway_whose_certificate_is_not_accepted_is_unreachable() {
    assert_eq!(one(&secured(HandshakeEnd::Completed, &[CertificateDefect::Expired])), "signaling-unreachable fail certain");
    let not_tls = HandshakeEnd::NotTls { speaks: Protocol::Http };
    for end in [HandshakeEnd::Closed, HandshakeEnd::Silent, HandshakeEnd::TooOld, not_tls] {
        assert_eq!(one(&secured(end, &[])), "signaling-unreachable fail certain");
    }
}

#[test]
fn a_gateway_that_is_down_behind_its_proxy_is_unreachable_and_its_path_is_not_blamed() {
    for status in [500, 502, 503, 504] {
        let stage = websocket(polling(reached(), EngineEnd::Page, status), EngineEnd::Page, status);
        assert_eq!(one(&stage), "signaling-unreachable fail certain", "{status}");
    }
    for end in [EngineEnd::Silent, EngineEnd::Closed, EngineEnd::NotHttp { speaks: Protocol::Other }] {
        let stage = websocket(polling(reached(), end.clone(), 0), end, 0);
        assert_eq!(one(&stage), "signaling-unreachable fail certain");
    }
}

#[test]
fn a_page_or_a_404_is_a_wrong_path() {
    for (end, status) in [(EngineEnd::Foreign, 404), (EngineEnd::Page, 404), (EngineEnd::Page, 200), (EngineEnd::Page, 301)] {
        let stage = websocket(polling(reached(), end.clone(), status), end, status);
        assert_eq!(one(&stage), "signaling-wrong-path fail certain", "{status}");
    }
}

#[test]
fn what_polling_says_explains_a_websocket_that_is_closed_without_a_word() {
    let with = |end: EngineEnd, status| {
        let mut polling = fact(EngineTransport::Polling, end, status);
        polling.wanted = false;
        websocket(reached().see("signaling-polling", PLACE, Fact::Engine(polling)), EngineEnd::Closed, 0)
    };
    assert_eq!(one(&with(EngineEnd::Foreign, 404)), "signaling-wrong-path fail certain");
    assert_eq!(one(&with(error(0, "Transport unknown"), 400)), "signaling-unreachable fail certain");
}

#[test]
fn a_refusal_is_told_from_a_missing_namespace() {
    let ready = || websocket(polling(reached(), open(), 200), open(), 101);
    let stage = socket(ready(), Role::Caller, refused("jwt expired"));
    assert_eq!(one(&stage), "signaling-auth-refused fail certain");
    let stage = socket(ready(), Role::Caller, refused("Invalid namespace"));
    assert_eq!(one(&stage), "signaling-namespace-refused fail certain");
}

#[test]
fn a_refusal_may_come_with_the_handshake() {
    let stage = websocket(polling(reached(), error(4, "Forbidden"), 403), error(4, "Forbidden"), 403);
    assert_eq!(one(&stage), "signaling-auth-refused fail certain");
    let stage = websocket(polling(reached(), EngineEnd::Page, 403), EngineEnd::Page, 403);
    assert_eq!(one(&stage), "signaling-auth-refused fail likely signaling-wrong-path");
}

#[test]
fn another_version_or_transport_is_a_mismatch() {
    for end in [EngineEnd::Older, error(5, "Unsupported protocol version")] {
        let stage = websocket(polling(reached(), end.clone(), 400), end, 400);
        assert_eq!(one(&stage), "signaling-protocol-mismatch fail certain");
    }
    let stage = websocket(polling(reached(), error(0, "Transport unknown"), 400), open(), 101);
    assert_eq!(one(&stage), "signaling-protocol-mismatch fail certain");
}

#[test]
fn a_blocked_websocket_is_a_risk_while_polling_serves() {
    let ends = [
        (error(3, "Bad request"), 400),
        (error(0, "Transport unknown"), 400),
        (EngineEnd::Foreign, 400),
        (EngineEnd::Page, 403),
        (EngineEnd::Silent, 0),
        (EngineEnd::Stalled, 101),
        (EngineEnd::NotWebsocket, 101),
        (EngineEnd::Closed, 0),
    ];
    for (end, status) in ends {
        let stage = websocket(polling(reached(), open(), 200), end, status);
        assert_eq!(one(&stage), "signaling-websocket-blocked warn certain");
    }
}

#[test]
fn a_blocked_websocket_fails_clients_that_use_nothing_else() {
    let mut polling = fact(EngineTransport::Polling, open(), 200);
    polling.wanted = false;
    let stage = reached().see("signaling-polling", PLACE, Fact::Engine(polling));
    assert_eq!(one(&websocket(stage, EngineEnd::Foreign, 400)), "signaling-websocket-blocked fail certain");
}

#[test]
fn a_websocket_that_nobody_uses_is_not_missed() {
    let mut unused = fact(EngineTransport::Websocket, EngineEnd::Silent, 0);
    unused.wanted = false;
    let stage = polling(reached(), open(), 200).see("signaling-websocket", PLACE, Fact::Engine(unused));
    assert_eq!(found(&stage), Vec::<String>::new());
}

#[test]
fn sessions_that_another_server_doesn_t_know_are_not_sticky() {
    let stage = polls(websocket(polling(reached(), open(), 200), open(), 101), 2);
    assert_eq!(one(&stage), "signaling-not-sticky fail certain");
}

#[test]
fn an_origin_is_allowed_by_its_name_or_by_a_star() {
    let with = |allowed: Option<&str>| {
        let mut fact = fact(EngineTransport::Polling, open(), 200);
        fact.origin = Some("https://app.example.org".to_owned());
        fact.allowed_origin = allowed.map(str::to_owned);
        found(&reached().see("signaling-polling", PLACE, Fact::Engine(fact)))
    };
    assert_eq!(with(None), ["signaling-cors warn certain"]);
    assert_eq!(with(Some("https://other.example.org")), ["signaling-cors warn certain"]);
    assert_eq!(with(Some("*")), Vec::<String>::new());
    assert_eq!(with(Some("https://app.example.org")), Vec::<String>::new());
}

#[test]
fn a_page_of_the_gateway_s_own_origin_needs_no_leave() {
    let mut fact = fact(EngineTransport::Polling, open(), 200);
    fact.origin = Some(PLACE.to_owned());
    assert_eq!(found(&reached().see("signaling-polling", PLACE, Fact::Engine(fact))), Vec::<String>::new());
}

#[test]
fn the_gateway_s_name_counts_as_much_as_a_turn_server_s() {
    let fact = NameFact { answer: NameAnswer::NotFound, addresses: Vec::new(), services: Vec::new() };
    let stage = Stage::host().see("signaling-name", "chat.example.org", Fact::Name(fact));
    assert_eq!(stage.claims(&["dns-not-found", "signaling-"]), ["dns-not-found fail certain"]);
}

#[test]
fn what_was_seen_of_the_gateway_is_no_turn_server() {
    let stage = connected(Outcome::Unreachable { reason: Unreachable::Port, from: None });
    assert_eq!(stage.claims(&["turn-", "wrong-host", "tls-"]), Vec::<String>::new());
}

#[test]
fn a_login_that_is_never_answered_is_told_from_one_that_is_closed() {
    let ready = || websocket(polling(reached(), open(), 200), open(), 101);
    assert_eq!(one(&socket(ready(), Role::Caller, SocketEnd::Silent)), "signaling-login-silent fail likely");
    assert_eq!(one(&socket(ready(), Role::Caller, SocketEnd::ClosedByServer)), "signaling-login-silent fail certain");
    let unsteady = socket(polls(ready(), 2), Role::Caller, SocketEnd::Silent);
    assert_eq!(one(&unsteady), "signaling-not-sticky fail certain", "the session is what is lost");
}
