//! What is kept of the calls of a run, so that there is a report of them whenever it ends.

use std::cell::{Cell, RefCell};

use tokio::sync::Notify;

use crate::model::asked::Asked;
use crate::model::call::{Call, Path, PathResult, Peer, Role, SignalingEvent};
use crate::model::report::Verdict;

/// What is kept of the calls of a run, whenever it ends.
#[derive(Default)]
pub struct Log {
    signaling: RefCell<Vec<SignalingEvent>>,
    attempts: RefCell<Vec<Attempted>>,
    stopping: Flag,
    over: Flag,
}

/// One attempt with its peers in full.
pub struct Attempted {
    pub path: Path,
    pub peers: Vec<(Role, Peer)>,
    pub carries: bool,
    pub connected_ms: Option<u64>,
}

impl Log {
    /// Takes an event of the signaling.
    pub fn hear(&self, event: SignalingEvent) {
        self.signaling.borrow_mut().push(event);
    }

    /// Takes an attempt that is over.
    pub fn keep(&self, attempted: Attempted) {
        self.attempts.borrow_mut().push(attempted);
    }

    /// Has the calls end in order and soon.
    pub fn stop(&self) {
        self.stopping.set();
    }

    /// Whether the calls are to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_set.get()
    }

    /// Waits until the calls are to end.
    pub async fn stopped(&self) {
        self.stopping.wait().await;
    }

    /// The calls have ended.
    pub fn close(&self) {
        self.over.set();
    }

    /// Waits until the calls have ended.
    pub async fn ended(&self) {
        self.over.wait().await;
    }

    /// The report's `call`: the attempt that the verdict rests on, and all paths.
    #[must_use]
    pub fn call(&self, asked: &Asked) -> Call {
        let attempts = self.attempts.borrow();
        let counting = || attempts.iter().filter(|attempt| asked.counts(attempt.path));
        let shown = counting().find(|attempt| !attempt.carries).or_else(|| counting().next_back());
        let peer = |role: Role| {
            let peers = shown.iter().flat_map(|attempt| attempt.peers.iter());
            peers.into_iter().find(|(known, _)| *known == role).map(|(_, peer)| peer.clone())
        };
        let result = |attempt: &Attempted| PathResult {
            path: attempt.path,
            verdict: if attempt.carries { Verdict::Ok } else { Verdict::Failed },
            connected_ms: attempt.connected_ms,
            finding: None,
        };
        Call {
            path: shown.map(|attempt| attempt.path),
            caller: peer(Role::Caller),
            callee: peer(Role::Callee),
            signaling: self.signaling.borrow().clone(),
            paths: attempts.iter().map(result).collect(),
        }
    }
}

/// Something that becomes true once.
#[derive(Default)]
struct Flag {
    is_set: Cell<bool>,
    changed: Notify,
}

impl Flag {
    fn set(&self) {
        self.is_set.set(true);
        self.changed.notify_waiters();
    }

    async fn wait(&self) {
        while !self.is_set.get() {
            self.changed.notified().await;
        }
    }
}
