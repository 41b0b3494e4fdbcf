//! The other end of a call, played by the test: a peer whose messages can be bent, with a box in the middle where that is wished.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use callcheck::lab::gateway::exchange::CALLEE_TOKEN;
use callcheck::model::call::{Path, Role, TrickledCandidate};
use callcheck::model::endpoint::{Endpoint, Transport};
use callcheck::model::target::Host;
use callcheck::net::network::Network;
use callcheck::net::system::System;
use callcheck::net::tls::Trust;
use callcheck::probe::call::{Event, PeerHandle};
use callcheck::probe::context::Context;
use callcheck::probe::ice_server::IceServer;
use callcheck::signaling::call_event::{CallEvent, ChatId};
use callcheck::signaling::conversation::Conversation;
use callcheck::signaling::socket_io::{Roots, SocketIo};
use tokio::time::{Instant, sleep};

use crate::middlebox::{Drops, Middlebox, address_in, moved};
use crate::stage::{CHAT, Stage};

/// How the other end behaves.
pub struct Manner {
    /// What becomes of its answer.
    pub answer: Box<dyn Fn(String) -> String>,
    /// What becomes of each of its candidates.
    pub candidate: Bent,
    /// How long it takes to pick up.
    pub picks_up_after: Duration,
    /// Which datagrams the box in the middle drops, by their first byte, size and the time since it was set up; without one the ends
    /// talk directly.
    pub drops: Option<Drops>,
    /// Leads the caller's checks to this address in place of the other end.
    pub decoy: Option<SocketAddr>,
    /// It takes none of the caller's candidates, and so never checks: as behind a firewall that nothing leaves.
    pub is_deaf: bool,
    /// The box passes nothing that comes from the caller's own addresses: what is left is the caller's relay.
    pub only_relayed: bool,
}

type Bent = Box<dyn Fn(&str) -> Option<String>>;

impl Default for Manner {
    fn default() -> Self {
        Self {
            answer: Box::new(|answer| answer),
            candidate: Box::new(|candidate| Some(candidate.to_owned())),
            picks_up_after: Duration::ZERO,
            drops: None,
            decoy: None,
            is_deaf: false,
            only_relayed: false,
        }
    }
}

/// Plays the other end until it is dropped.
pub async fn play(stage: &Stage, manner: Manner) {
    let gateway = stage.account(CALLEE_TOKEN);
    let line = SocketIo::open(&gateway, &Roots::with(None).expect("the system's roots")).await;
    let mut talk = Conversation::new(Box::new(line), Role::Callee, &gateway, Instant::now(), Rc::new(|_| {}));
    let network: Rc<dyn Network> = Rc::new(System::default());
    let context = Context::brief(&network, Trust::nobody());
    // A server on loopback tells the peer that it is there, too.
    let endpoint = Endpoint::new(Transport::Udp, stage.turn.udp());
    let servers = [IceServer { endpoint, host: Host::Address(endpoint.ip()), relay: false, login: None }];
    let middlebox = Rc::new(Middlebox::new().await);
    let (at_caller, at_callee) = (middlebox.at_caller(), middlebox.at_callee());
    let blocked = Rc::new(Cell::new(None));
    if let Some(drops) = manner.drops.clone() {
        tokio::task::spawn_local(Rc::clone(&middlebox).forward(drops, Rc::clone(&blocked)));
    }
    let through_box = manner.drops.is_some();
    let chat = ChatId::new(CHAT);
    let mut peer: Option<PeerHandle> = None;
    loop {
        let event = async {
            match &mut peer {
                Some(peer) => peer.next_event().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(event) = event => {
                let Event::Candidate(TrickledCandidate { candidate: Some(line), sdp_mid, sdp_m_line_index }) = event else { continue };
                let line = match manner.decoy {
                    Some(decoy) => moved(&line, decoy),
                    None if through_box => moved(&line, at_caller),
                    None => line,
                };
                if let Some(line) = (manner.candidate)(&line) {
                    talk.candidate(&chat, &TrickledCandidate { candidate: Some(line), sdp_mid, sdp_m_line_index }).await;
                }
            }
            event = talk.next() => match event {
                CallEvent::Offer { sdp, .. } => {
                    sleep(manner.picks_up_after).await;
                    let called = PeerHandle::start(&context, Role::Callee, Path::Host, &servers).expect("a peer");
                    let answer = called.accept_offer(&sdp).expect("callcheck's own offer");
                    talk.answer(&chat, &(manner.answer)(answer)).await;
                    peer = Some(called);
                }
                CallEvent::Candidate { candidate: Some(mut candidate), .. } => {
                    if let Some(line) = candidate.candidate.as_deref().filter(|line| manner.only_relayed && line.contains("typ host")) {
                        blocked.set(Some(address_in(line)));
                    }
                    if through_box {
                        candidate.candidate = candidate.candidate.map(|line| moved(&line, at_callee));
                    }
                    if let Some(peer) = peer.as_ref().filter(|_| !manner.is_deaf) {
                        peer.add_remote_candidate(&candidate);
                    }
                }
                CallEvent::Ended { .. } | CallEvent::ClosedByServer => {
                    if let Some(mut peer) = peer.take() {
                        peer.close().await;
                    }
                }
                CallEvent::Connected
                | CallEvent::Reconnected
                | CallEvent::Refused { .. }
                | CallEvent::Lost { .. }
                | CallEvent::Answer { .. }
                | CallEvent::Candidate { candidate: None, .. }
                | CallEvent::Error { .. }
                | CallEvent::Malformed { .. }
                | CallEvent::Other { .. } => {}
            }
        }
    }
}
