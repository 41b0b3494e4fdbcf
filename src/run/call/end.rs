//! One end of the calls that are made here: its connection to the gateway, and the peer of the current attempt.

use tokio::time::Instant;

use crate::model::call::{Role, TrickledCandidate};
use crate::model::duration::whole_milliseconds;
use crate::model::fact::{Delivery, Forwarded};
use crate::probe::call::{Event, PeerHandle};
use crate::signaling::call_event::CallEvent;
use crate::signaling::conversation::Conversation;

/// One end.
pub struct End {
    /// Which.
    pub role: Role,
    /// Its connection to the gateway.
    pub talk: Conversation,
    /// Its peer, once there is one.
    pub peer: Option<PeerHandle>,
    /// What the current attempt came to at this end.
    pub course: Course,
}

/// What an attempt comes to at one end.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that may have happened, in any order")]
pub struct Course {
    /// Own candidates that came before the other side could be told of them.
    pub untold: Vec<TrickledCandidate>,
    /// Candidates of the other side that came before its offer.
    pub early: Vec<TrickledCandidate>,
    /// The description that this end sent.
    pub sent: Option<Sent>,
    /// The description that it received.
    pub received: Option<String>,
    /// What is wrong with that.
    pub unusable: Option<String>,
    /// When the other side's description was taken.
    pub described_at: Option<Instant>,
    /// Own candidates sent, with when; and those of the other side that came.
    pub candidates_sent: Vec<Instant>,
    /// Candidates of the other side that came.
    pub candidates_received: u32,
    /// Whether all of the own candidates are gathered.
    pub has_gathered: bool,
    /// Whether the connection to the gateway was lost.
    pub lost: bool,
    /// When DTLS was connected.
    pub connected_at: Option<Instant>,
    /// Whether the path was lost after that.
    pub lost_path: bool,
    /// Whether the call was ended from elsewhere.
    pub told_end: bool,
}

/// A description that was sent.
pub struct Sent {
    /// The SDP.
    pub sdp: String,
    /// When.
    pub at: Instant,
}

/// What happens at an end.
pub enum Happening {
    /// At its peer.
    Peer(Event),
    /// On its connection to the gateway.
    Talk(CallEvent),
}

impl End {
    /// An end that has joined the gateway.
    #[must_use]
    pub fn new(role: Role, talk: Conversation) -> Self {
        Self { role, talk, peer: None, course: Course::default() }
    }

    /// What happens next at this end. Nothing is lost where the wait is given up.
    pub async fn next(&mut self) -> Happening {
        let peer = async {
            match &mut self.peer {
                Some(peer) => match peer.next_event().await {
                    Some(event) => event,
                    None => std::future::pending().await,
                },
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            event = peer => Happening::Peer(event),
            event = self.talk.next() => Happening::Talk(event),
        }
    }

    /// Takes a candidate of the other side, or keeps it until there is somebody to take it.
    pub fn take_candidate(&mut self, candidate: TrickledCandidate) {
        self.course.candidates_received += 1;
        match &self.peer {
            Some(peer) => peer.add_remote_candidate(&candidate),
            None => self.course.early.push(candidate),
        }
    }

    /// How a description went from the end that sent it, where that is here, to the one that received it.
    #[must_use]
    pub fn delivery(from: Option<&Self>, to: Option<&Self>, begun: Instant) -> Delivery {
        let sent = from.and_then(|end| end.course.sent.as_ref());
        let received = to.and_then(|end| end.course.received.as_deref());
        let altered = sent.zip(received).and_then(|(sent, received)| super::comparison::difference(&sent.sdp, received));
        Delivery {
            sent: sent.is_some(),
            sent_ms: sent.map(|sent| whole_milliseconds(sent.at.duration_since(begun))),
            received: received.is_some() || to.is_some_and(|end| end.course.unusable.is_some()),
            altered,
            unusable: to.and_then(|end| end.course.unusable.clone()),
        }
    }

    /// The candidates from one end to the other.
    #[must_use]
    pub fn forwarded(from: Option<&Self>, to: Option<&Self>) -> Forwarded {
        Forwarded {
            sent: from.map_or(0, |end| u32::try_from(end.course.candidates_sent.len()).unwrap_or(u32::MAX)),
            received: to.map_or(0, |end| end.course.candidates_received),
        }
    }

    /// Leaves the gateway.
    pub async fn leave(self) {
        self.talk.close().await;
    }
}
