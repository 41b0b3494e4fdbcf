//! What each fault of the sans-IO server looks like to a client.

use super::*;
use crate::lab::hostility::Hostility;
use crate::model::endpoint::Endpoint;

fn allocate(world: &mut World) -> Response {
    let user = world.challenge(tuple(ALICE), &given("alice", "north"));
    world.ask_signed(tuple(ALICE), &Request::allocate(), &user).expect("an answer")
}

/// Whether an unsolicited datagram from outside, a relayed one to outside, and the answer to it arrive.
fn three_steps(world: &mut World) -> (bool, bool, bool) {
    let (user, relayed) = world.allocate(tuple(ALICE));
    let bound = world.opened[world.opened.len() - 1];
    assert_eq!(bound.port(), relayed.port());
    world.ask_signed(tuple(ALICE), &Request::create_permission(ip(PEER)), &user);
    let into = !world.take_from_peer(bound, PEER, b"in").is_empty();
    world.take_from_client(tuple(ALICE), &send_indication([1; 12], address(PEER), b"out").expect("short"));
    let out = !std::mem::take(&mut world.to_peers).is_empty();
    (into, out, !world.take_from_peer(bound, PEER, b"answer").is_empty())
}

#[test]
fn allocate_is_refused_by_the_code_of_the_fault() {
    for (fault, code) in [
        (Fault::CredentialsRejected, 401),
        (Fault::NonceLoop, 438),
        (Fault::RealmMismatch, 437),
        (Fault::AllocationRefused, 500),
        (Fault::ServerDraining, 403),
        (Fault::AddressFamilyRefused, 440),
        (Fault::RelayTransportRefused, 442),
        (Fault::QuotaReached, 486),
        (Fault::RelayPortsExhausted, 508),
    ] {
        assert_eq!(allocate(&mut World::broken(fault)).error_code, Some(code), "{fault}");
    }
}

#[test]
fn credentials_that_are_given_out_wrong_are_rejected() {
    for fault in [Fault::CredentialsExpired, Fault::CredentialsMalformed, Fault::ClockSkew] {
        let mut world = World::broken(fault);
        let credentials = world.server.config().issue(TODAY).expect("a secret");
        let user = world.challenge(tuple(ALICE), &credentials);
        let answer = world.ask_signed(tuple(ALICE), &Request::allocate(), &user).expect("an answer");
        assert_eq!(answer.error_code, Some(401), "{fault}");
    }
}

#[test]
fn a_silent_half_leaves_the_other_half_answering() {
    let mut world = World::broken(Fault::StunSilent);
    assert!(world.ask(tuple(ALICE), &Request::binding()).is_none());
    assert!(allocate(&mut world).relayed.is_some());
    let mut world = World::broken(Fault::TurnDisabled);
    assert!(world.ask(tuple(ALICE), &Request::allocate()).is_none());
    assert!(world.ask(tuple(ALICE), &Request::binding()).is_some());
    let mut world = World::broken(Fault::TurnUdpClosed);
    assert!(world.ask(tuple(ALICE), &Request::binding()).is_none());
    let stream = FiveTuple { transport: Transport::Tcp, ..tuple(ALICE) };
    assert!(world.ask(stream, &Request::binding()).is_some());
}

#[test]
fn the_challenge_of_a_server_without_realm_has_none() {
    let challenge = World::broken(Fault::RealmMissing).ask(tuple(ALICE), &Request::allocate()).expect("an answer");
    assert_eq!((challenge.error_code, challenge.realm), (Some(401), None));
    assert!(challenge.nonce.is_some());
}

#[test]
fn an_open_relay_gives_an_allocation_to_anyone() {
    let answer = World::broken(Fault::TurnOpenRelay).ask(tuple(ALICE), &Request::allocate()).expect("an answer");
    assert!(answer.relayed.is_some());
}

#[test]
fn mapped_addresses_are_rewritten_as_the_fault_says() {
    let private = World::broken(Fault::MappedAddressPrivate).ask(tuple(ALICE), &Request::binding()).expect("an answer");
    assert_eq!(private.reflexive(), Some(address("172.17.0.1:40000")));
    let rewritten = World::broken(Fault::StunRewritten).ask(tuple(ALICE), &Request::binding()).expect("an answer");
    assert_eq!(rewritten.xor_mapped, Some(address(ALICE)));
    assert_ne!(rewritten.mapped, rewritten.xor_mapped);
}

#[test]
fn a_redirected_client_ends_as_the_fault_says() {
    let first = Endpoint::new(Transport::Udp, address(SERVER));
    let second = Endpoint::new(Transport::Udp, address("203.0.113.11:3478"));
    let at_second = FiveTuple { server: second.address, ..tuple(ALICE) };
    let redirect = |world: &mut World, tuple| world.ask(tuple, &Request::allocate()).expect("an answer").alternate;

    let mut world = World::new(Config { alternates: vec![second], faults: vec![Fault::Redirected], ..config() });
    assert_eq!(redirect(&mut world, tuple(ALICE)), Some(second.address));
    assert_eq!(redirect(&mut world, at_second), None);

    let mut world = World::new(Config { alternates: vec![first, second], faults: vec![Fault::RedirectLoop], ..config() });
    assert_eq!(redirect(&mut world, tuple(ALICE)), Some(second.address));
    assert_eq!(redirect(&mut world, at_second), Some(first.address));

    let mut world = World::new(Config { hostility: Some(Hostility::RedirectToSelf), ..config() });
    assert_eq!(redirect(&mut world, tuple(ALICE)), Some(first.address));
}

#[test]
fn peers_are_denied_as_the_fault_says() {
    for (fault, own, other, channel) in [
        (Fault::OwnAddressDenied, Some(403), None, None),
        (Fault::PeerDenied, None, Some(403), Some(403)),
        (Fault::ChannelRefused, None, None, Some(400)),
    ] {
        let mut world = World::broken(fault);
        let (user, relayed) = world.allocate(tuple(ALICE));
        let mut code = |request| world.ask_signed(tuple(ALICE), &request, &user).expect("an answer").error_code;
        assert_eq!(code(Request::create_permission(relayed.ip())), own, "{fault}");
        assert_eq!(code(Request::create_permission(ip(PEER))), other, "{fault}");
        assert_eq!(code(Request::channel_bind(0x4000, address(PEER))), channel, "{fault}");
    }
}

#[test]
fn the_relays_firewall_shows_in_three_steps() {
    assert_eq!(three_steps(&mut World::new(config())), (true, true, true));
    for (fault, steps) in [
        (Fault::RelayPortsClosed, (false, true, false)),
        (Fault::RelayPortsStatefulOnly, (false, true, true)),
        (Fault::RelayEgressBlocked, (true, false, true)),
    ] {
        assert_eq!(three_steps(&mut World::broken(fault)), steps, "{fault}");
    }
}

#[test]
fn a_part_of_the_ports_is_open_where_the_fault_says_so() {
    for (fault, is_open) in [
        (Fault::RelayRangeMismatch, (|port| port < 57_344) as fn(u16) -> bool),
        (Fault::RelayPortsPartlyClosed, |port| (port - 49_152) / 2048 % 2 == 0),
    ] {
        let mut world = World::broken(fault);
        for client in 0..64 {
            let tuple = tuple(&format!("198.51.100.7:{}", 40_000 + client));
            let (user, relayed) = world.allocate(tuple);
            world.ask_signed(tuple, &Request::create_permission(ip(PEER)), &user);
            let arrived = !world.take_from_peer(relayed, PEER, b"in").is_empty();
            assert_eq!(arrived, is_open(relayed.port()), "{fault}: {relayed}");
        }
    }
}

#[test]
fn a_wrong_external_ip_is_told_and_the_port_is_elsewhere() {
    for (fault, told) in [(Fault::ExternalIpMissing, "10.0.0.10"), (Fault::ExternalIpMismatch, "203.0.113.11")] {
        let mut world = World::broken(fault);
        let (_, relayed) = world.allocate(tuple(ALICE));
        assert_eq!(relayed.ip().to_string(), told, "{fault}");
        assert_eq!(world.opened[0].ip(), ip(SERVER));
    }
}

#[test]
fn multiplexed_allocations_share_one_port_until_the_last_has_ended() {
    let mut world = World::broken(Fault::RelayMultiplexed);
    let (alice, one) = world.allocate(tuple(ALICE));
    let (bob, two) = world.allocate(tuple(BOB));
    assert_eq!(one, two);
    assert_eq!(world.opened.len(), 1);
    world.ask_signed(tuple(BOB), &Request::create_permission(ip(PEER)), &bob);
    assert_eq!(world.take_from_peer(two, PEER, b"for bob").len(), 1);
    world.ask_signed(tuple(ALICE), &Request::refresh(Duration::ZERO), &alice);
    assert!(world.closed.is_empty());
    world.ask_signed(tuple(BOB), &Request::refresh(Duration::ZERO), &bob);
    assert_eq!(world.closed, [one]);
}

#[test]
fn loss_is_where_the_fault_says() {
    let mut world = World::broken(Fault::PacketLoss);
    let answered = (0..200).filter(|_| world.ask(tuple(ALICE), &Request::binding()).is_some()).count();
    assert!((120..170).contains(&answered), "{answered} of 200 answered");

    let mut world = World::broken(Fault::RelayLossy);
    let (user, relayed) = world.allocate(tuple(ALICE));
    world.ask_signed(tuple(ALICE), &Request::create_permission(ip(PEER)), &user);
    let arrived = (0..200).filter(|_| !world.take_from_peer(relayed, PEER, b"in").is_empty()).count();
    assert!((150..190).contains(&arrived), "{arrived} of 200 arrived");
    assert!((0..50).all(|_| world.ask(tuple(ALICE), &Request::binding()).is_some()));
}

#[test]
fn a_cut_stream_stalls_after_four_kilobytes() {
    let mut world = World::broken(Fault::StreamCut);
    let stream = FiveTuple { transport: Transport::Tcp, ..tuple(ALICE) };
    let (user, relayed) = world.allocate(stream);
    world.ask_signed(stream, &Request::create_permission(ip(PEER)), &user);
    let arrived = (0..20).filter(|_| !world.take_from_peer(relayed, PEER, &[7; 400]).is_empty()).count();
    assert!((5..10).contains(&arrived), "{arrived}");
    assert!(world.ask(stream, &Request::binding()).is_none());
    assert!(world.ask(tuple(ALICE), &Request::binding()).is_some());
}

#[test]
fn large_datagrams_vanish_in_a_black_hole() {
    let mut world = World::broken(Fault::MtuBlackhole);
    let (user, relayed) = world.allocate(tuple(ALICE));
    world.ask_signed(tuple(ALICE), &Request::create_permission(ip(PEER)), &user);
    assert_eq!(world.take_from_peer(relayed, PEER, &[7; 1000]).len(), 1);
    assert_eq!(world.take_from_peer(relayed, PEER, &[7; 1200]).len(), 0);
}

#[test]
fn an_answer_from_elsewhere_is_marked() {
    let mut world = World::broken(Fault::ReplyFromOtherAddress);
    world.server.receive_from_client(world.now, tuple(ALICE), &Request::binding().seal([1; 12]));
    world.obey();
    assert_eq!(world.to_clients[0].1, Source::Foreign);
}

#[test]
fn a_client_takes_no_answer_with_a_bad_integrity() {
    let mut world = World::new(Config { hostility: Some(Hostility::BadIntegrity), ..config() });
    let user = world.challenge(tuple(ALICE), &given("alice", "north"));
    let bytes = Request::allocate().authenticate([9; 12], &user).expect("short credentials");
    let answer = Response::read(&world.take_from_client(tuple(ALICE), &bytes)[0]).expect("an answer");
    assert!(!user.vouches_for(&answer.message.expect("it decodes")));
}
