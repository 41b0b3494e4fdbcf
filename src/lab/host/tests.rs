//! The lab over real sockets, asked by callcheck's own sessions.

use std::cell::Cell;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::LocalSet;

use super::*;
use crate::model::fact::{CertificateDefect, HandshakeEnd, HandshakeFact};
use crate::model::outcome::{Outcome, Protocol, Unreachable};
use crate::model::target::Host;
use crate::net::dtls;
use crate::net::network::{Network, Stream};
use crate::net::session::Session;
use crate::net::system::System;
use crate::net::tls::{Trust, handshake};
use crate::proto::authentication::LongTerm;
use crate::proto::request::Request;

fn run<T>(test: impl AsyncFnOnce(Rc<dyn Network>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, test(Rc::new(System::default())))
}

async fn broken(fault: Fault) -> Lab {
    Lab::start(LabConfig::broken(&[fault])).await.expect("loopback has free ports")
}

fn endpoint(lab: &Lab, transport: Transport) -> Endpoint {
    *lab.endpoints().iter().find(|endpoint| endpoint.transport == transport).expect("every transport is there")
}

fn trust(lab: &Lab) -> Trust {
    Trust::nobody().with_roots(lab.ca_pem().as_bytes()).expect("a root")
}

async fn associate(network: &Rc<dyn Network>, lab: &Lab) -> dtls::Attempt {
    let endpoint = endpoint(lab, Transport::Dtls);
    let socket = network.bind_udp(endpoint.ip()).expect("a socket");
    dtls::handshake(socket, endpoint.address, &Host::Address(endpoint.ip()), &trust(lab), SystemTime::now(), &Cell::new(false))
        .await
}

async fn secure(network: &Rc<dyn Network>, lab: &Lab) -> (HandshakeFact, Option<Box<dyn Stream>>) {
    let stream = network.connect_tcp(lab.tls()).await.expect("it listens");
    handshake(stream, &Host::Address(lab.tls().ip()), &trust(lab), SystemTime::now(), Duration::from_secs(5)).await
}

async fn session(network: &Rc<dyn Network>, lab: &Lab, transport: Transport) -> Session {
    let endpoint = endpoint(lab, transport);
    match transport {
        Transport::Udp => Session::over_udp(network, endpoint).expect("a socket"),
        Transport::Tcp => {
            Session::over_stream(network, endpoint, network.connect_tcp(endpoint.address).await.expect("it listens"))
        }
        Transport::Tls => Session::over_stream(network, endpoint, secure(network, lab).await.1.expect("a handshake")),
        Transport::Dtls => {
            let socket = associate(network, lab).await.socket.expect("a handshake");
            Session::over_datagrams(network, endpoint, socket)
        }
    }
}

/// Gets an allocation and lets this host send to it.
async fn allocate(session: &Session, lab: &Lab) -> (LongTerm, SocketAddr) {
    let challenge = session.ask(&Request::allocate()).await.response.expect("a challenge");
    let user = LongTerm::new(&lab.credentials().expect("a user"), &challenge).expect("a realm and a nonce");
    let relayed = session.ask_signed(&Request::allocate(), Some(&user)).await.response.expect("an answer").relayed;
    let relayed = relayed.expect("an allocation");
    let permission = Request::create_permission(lab.udp().ip());
    assert!(session.ask_signed(&permission, Some(&user)).await.reply.succeeded());
    (user, relayed)
}

#[test]
fn a_healthy_server_relays_both_ways_over_every_transport() {
    run(async |network| {
        let lab = Lab::start(LabConfig::default()).await.expect("loopback has free ports");
        for transport in [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Dtls] {
            let session = session(&network, &lab, transport).await;
            let (user, relayed) = allocate(&session, &lab).await;
            assert_eq!(lab.allocations(), 1, "{transport}");
            let mut arrivals = session.relayed();
            let peer = UdpSocket::bind((lab.udp().ip(), 0)).await.expect("a port");
            peer.send_to(b"from outside", relayed).await.expect("loopback takes it");
            let arrived = arrivals.recv().await.expect("it arrives");
            assert_eq!((arrived.peer, &*arrived.payload), (peer.local_addr().ok(), &b"from outside"[..]), "{transport}");

            let bound = session.ask_signed(&Request::channel_bind(0x4000, arrived.peer.expect("known")), Some(&user)).await;
            assert!(bound.reply.succeeded(), "{transport}");
            session.send_over_channel(0x4000, b"hello");
            let mut buffer = [0; 64];
            let (length, from) = peer.recv_from(&mut buffer).await.expect("it arrives");
            assert_eq!((&buffer[..length], from), (&b"hello"[..], relayed), "{transport}");
            peer.send_to(b"back", relayed).await.expect("loopback takes it");
            assert_eq!(arrivals.recv().await.expect("it arrives").payload, b"back", "{transport}");
            session.ask_signed(&Request::refresh(Duration::ZERO), Some(&user)).await;
            assert_eq!(lab.allocations(), 0, "{transport}");
        }
    });
}

#[test]
fn the_ports_are_free_again_when_the_lab_is_dropped() {
    run(async |network| {
        let lab = Lab::start(LabConfig::default()).await.expect("loopback has free ports");
        let (plain_port, tls_port) = (lab.udp().port(), lab.tls().port());
        let session = session(&network, &lab, Transport::Udp).await;
        let (_, relayed) = allocate(&session, &lab).await;
        drop((lab, session));
        while UdpSocket::bind(relayed).await.is_err() {
            tokio::task::yield_now().await;
        }
        let config = LabConfig { plain_port, tls_port, ..LabConfig::default() };
        let again = Lab::start(config).await.expect("the same ports are free");
        assert_eq!((again.udp().port(), again.tcp().port(), again.tls().port()), (plain_port, plain_port, tls_port));
    });
}

#[test]
fn ports_that_do_not_listen_refuse() {
    run(async |network| {
        let refused = |outcome| matches!(outcome, Outcome::Unreachable { reason: Unreachable::Port, .. });
        for (fault, closed) in [
            (Fault::TurnNotListeningUdp, &[Transport::Udp][..]),
            (Fault::TurnTcpClosed, &[Transport::Tcp]),
            (Fault::TurnTlsClosed, &[Transport::Tls, Transport::Dtls]),
            (Fault::TurnDown, &[Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Dtls]),
        ] {
            let lab = broken(fault).await;
            for transport in [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Dtls] {
                let endpoint = endpoint(&lab, transport);
                let is_closed = match transport {
                    Transport::Udp => {
                        let session = Session::over_udp(&network, endpoint).expect("a socket");
                        refused(session.ask(&Request::binding()).await.reply.outcome)
                    }
                    Transport::Dtls => associate(&network, &lab).await.first.is_some_and(|first| refused(first.outcome)),
                    Transport::Tcp | Transport::Tls => network.connect_tcp(endpoint.address).await.err().is_some_and(refused),
                };
                assert_eq!(is_closed, closed.contains(&transport), "{fault}: {transport}");
            }
        }
    });
}

#[test]
fn a_certificate_has_the_defect_of_the_fault_alone() {
    run(async |network| {
        for (fault, defect) in [
            (Fault::StunSilent, None),
            (Fault::TlsCertificateExpired, Some(CertificateDefect::Expired)),
            (Fault::TlsCertificateNotYetValid, Some(CertificateDefect::NotYetValid)),
            (Fault::TlsNameMismatch, Some(CertificateDefect::NameMismatch)),
            (Fault::TlsChainIncomplete, Some(CertificateDefect::ChainIncomplete)),
            (Fault::TlsUntrustedIssuer, Some(CertificateDefect::UntrustedIssuer)),
        ] {
            let (fact, stream) = secure(&network, &broken(fault).await).await;
            assert_eq!(fact.defects, Vec::from_iter(defect), "{fault}");
            assert!(stream.is_some(), "{fault}");
        }
    });
}

#[test]
fn a_handshake_ends_as_the_fault_says() {
    run(async |network| {
        let (fact, _) = secure(&network, &broken(Fault::TlsHandshakeFailed).await).await;
        assert_eq!(fact.end, HandshakeEnd::Alert { alert: "handshake_failure".to_owned() });
        let (fact, _) = secure(&network, &broken(Fault::TlsProtocolTooOld).await).await;
        assert_eq!(fact.end, HandshakeEnd::TooOld);
    });
}

#[test]
fn another_protocol_answers_where_the_fault_says_so() {
    run(async |network| {
        let http = Outcome::NotStun { speaks: Protocol::Http };
        let lab = broken(Fault::WrongHost).await;
        for transport in [Transport::Tcp, Transport::Tls] {
            let session = session(&network, &lab, transport).await;
            assert_eq!(session.ask(&Request::binding()).await.reply.outcome, http, "{transport}");
        }
        let lab = broken(Fault::TlsNotTurn).await;
        assert_eq!(session(&network, &lab, Transport::Tls).await.ask(&Request::binding()).await.reply.outcome, http);
        assert!(session(&network, &lab, Transport::Tcp).await.ask(&Request::binding()).await.reply.succeeded());
    });
}

#[test]
fn an_answer_comes_from_elsewhere() {
    run(async |network| {
        let lab = broken(Fault::ReplyFromOtherAddress).await;
        let reply = session(&network, &lab, Transport::Udp).await.ask(&Request::binding()).await.reply;
        assert!(matches!(reply.outcome, Outcome::FromElsewhere { from } if from != lab.udp()), "{reply:?}");
    });
}

#[test]
fn a_redirect_leads_to_where_the_fault_says() {
    run(async |network| {
        let ask_alternate = async |fault| {
            let lab = broken(fault).await;
            let first = session(&network, &lab, Transport::Udp).await.ask(&Request::allocate()).await;
            assert_eq!(first.reply.code(), Some(300), "{fault}");
            let alternate = first.response.and_then(|response| response.alternate).expect("ALTERNATE-SERVER");
            let session = Session::over_udp(&network, Endpoint::new(Transport::Udp, alternate)).expect("a socket");
            let second = session.ask(&Request::allocate()).await;
            (second.reply, second.response.and_then(|response| response.alternate) == Some(lab.udp()))
        };
        assert_eq!(ask_alternate(Fault::Redirected).await.0.code(), Some(401));
        assert!(ask_alternate(Fault::RedirectLoop).await.1);
        let (dead, _) = ask_alternate(Fault::RedirectDead).await;
        assert!(matches!(dead.outcome, Outcome::Unreachable { reason: Unreachable::Port, .. }), "{dead:?}");
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_wrong_external_ip_leads_to_a_dead_address_and_the_port_is_at_the_servers() {
    run(async |network| {
        let lab = broken(Fault::ExternalIpMismatch).await;
        let session = session(&network, &lab, Transport::Udp).await;
        let (_, relayed) = allocate(&session, &lab).await;
        assert_eq!(relayed.ip(), IpAddr::from(SECOND_ADDRESS));
        let peer = UdpSocket::bind((lab.udp().ip(), 0)).await.expect("a port");
        let mut arrivals = session.relayed();
        peer.send_to(b"to nobody", relayed).await.expect("loopback takes it");
        peer.send_to(b"to the server", (lab.udp().ip(), relayed.port())).await.expect("loopback takes it");
        assert_eq!(arrivals.recv().await.expect("it arrives").payload, b"to the server");
    });
}

#[test]
#[cfg(target_os = "linux")]
fn the_server_and_its_client_have_addresses_of_their_own_where_one_is_denied() {
    run(async |network| {
        for (fault, own, peer) in [(Fault::OwnAddressDenied, Some(403), None), (Fault::PeerDenied, None, Some(403))] {
            let lab = broken(fault).await;
            let session = session(&network, &lab, Transport::Udp).await;
            let mapped = session.ask(&Request::binding()).await.response.and_then(|response| response.reflexive());
            let challenge = session.ask(&Request::allocate()).await.response.expect("a challenge");
            let user = LongTerm::new(&lab.credentials().expect("a user"), &challenge).expect("a realm and a nonce");
            let relayed = session.ask_signed(&Request::allocate(), Some(&user)).await.response.expect("an answer").relayed;
            let relayed = relayed.expect("an allocation").ip();
            assert_eq!(relayed, lab.udp().ip());
            let to_own = session.ask_signed(&Request::create_permission(relayed), Some(&user)).await.reply.code();
            let mapped = Request::create_permission(mapped.expect("an address").ip());
            let to_peer = session.ask_signed(&mapped, Some(&user)).await.reply.code();
            assert_eq!((to_own, to_peer), (own, peer), "{fault}");
        }
    });
}

#[test]
fn the_server_listens_on_ipv6_too() {
    run(async |network| {
        let addresses = vec![Ipv4Addr::LOCALHOST.into(), std::net::Ipv6Addr::LOCALHOST.into()];
        // A machine without IPv6 has nothing to show here.
        let Ok(lab) = Lab::start(LabConfig { addresses, ..LabConfig::default() }).await else { return };
        for endpoint in lab.endpoints().iter().filter(|endpoint| endpoint.transport == Transport::Udp) {
            let session = Session::over_udp(&network, *endpoint).expect("a socket");
            assert!(session.ask(&Request::binding()).await.reply.succeeded(), "{endpoint}");
        }
    });
}

#[test]
fn a_hostile_answer_ends_in_time_and_counts_only_where_its_honest_part_does() {
    run(async |network| {
        // A Binding is not signed nor redirected, and a bad attribute behind the address spoils no other.
        let harmless = [
            Hostility::RedirectToSelf,
            Hostility::Repeated,
            Hostility::MalformedAttribute,
            Hostility::OverrunningAttribute,
            Hostility::BadIntegrity,
            Hostility::BadFingerprint,
        ];
        let asked = Hostility::ALL.iter().map(async |&hostility| {
            let lab = Lab::start(LabConfig { hostility: Some(hostility), ..LabConfig::default() }).await.expect("free ports");
            let transport = if hostility == Hostility::SlowDrip { Transport::Tcp } else { Transport::Udp };
            let session = session(&network, &lab, transport).await;
            let end = tokio::time::timeout(Duration::from_secs(5), session.ask(&Request::binding())).await;
            (hostility, end.expect("it ends").reply)
        });
        for (hostility, reply) in futures::future::join_all(asked).await {
            assert_eq!(reply.succeeded(), harmless.contains(&hostility), "{hostility}: {reply:?}");
        }
    });
}
