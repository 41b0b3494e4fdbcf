//! What all probes of a run share: the network, the record of what was seen, the live allocations.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::outside::Outside;
use super::progress::Watcher;
use super::sweep::wish::Wish;
use crate::model::duration::whole_milliseconds;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{BindingFact, ChallengeFact, Fact, Observation};
use crate::net::ledger::Ledger;
use crate::net::network::Network;
use crate::net::tls::Trust;

/// What all probes of a run share. Clones are handles to the same run.
#[derive(Clone)]
pub struct Context {
    /// The world.
    pub network: Rc<dyn Network>,
    /// What was seen.
    pub record: Record,
    /// The live allocations.
    pub ledger: Ledger,
    /// The roots for TLS.
    pub trust: Rc<Trust>,
    /// The sockets that stand for a peer outside.
    pub outside: Rc<Outside>,
    /// How long the paced stream lasts, where a longer one was asked for.
    pub long_stream: Option<Duration>,
    /// The peers that the relay is for, where they were named.
    pub peers: Rc<[IpAddr]>,
    /// How many ports of the relay are sampled beside the main allocations.
    pub samples: u32,
    /// How many more are sampled where some of them let in and some don't.
    pub further_samples: u32,
    /// The sweep over all ports of the relay, where one was asked for.
    pub sweep: Option<Wish>,
    /// Whether the stream and the samples are left out.
    pub brief: bool,
    /// Who watches how far long probes are.
    pub progress: Watcher,
    /// Requests sent and answered over UDP so far, retransmissions included: how lossy the way is.
    pub losses: Rc<Cell<(u32, u32)>>,
}

impl Context {
    /// A run without samples and without a stream, that nobody listens to.
    #[must_use]
    pub fn brief(network: &Rc<dyn Network>, trust: Trust) -> Self {
        Self {
            network: Rc::clone(network),
            record: Record::new(None),
            ledger: Ledger::default(),
            trust: Rc::new(trust),
            outside: Rc::new(Outside::open(network)),
            long_stream: None,
            peers: [].into(),
            samples: 0,
            further_samples: 0,
            sweep: None,
            brief: true,
            progress: Rc::new(|_| {}),
            losses: Rc::new(Cell::new((0, 0))),
        }
    }

    /// Adds a session's requests and answers to what is known of the way's loss.
    pub fn count_losses(&self, (sends, answers): (u32, u32)) {
        let (all_sends, all_answers) = self.losses.get();
        self.losses.set((all_sends + sends, all_answers + answers));
    }

    /// The share of exchanges that are lost, by what was seen so far; never quite zero.
    #[must_use]
    pub fn loss(&self) -> f64 {
        let (sends, answers) = self.losses.get();
        let lost = sends.saturating_sub(answers);
        // Half a loss in three exchanges stands for what isn't known: a few clean ones prove no clean way, nor hide a lossy one.
        ((f64::from(lost) + 0.5) / (f64::from(sends) + 3.0)).clamp(0.02, 0.75)
    }

    /// How often a datagram is sent before its absence counts: fewer than one port in a thousand runs is called closed wrongly.
    #[must_use]
    pub fn tries(&self, ports: u32) -> u32 {
        let allowed = 0.001 / f64::from(ports.max(1));
        let tries = (allowed.ln() / self.loss().ln()).ceil();
        // Truncation can't matter between these bounds.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is clamped to 6..=24")]
        let tries = tries.clamp(6.0, 24.0) as u32;
        tries
    }
}

/// Whether a fact is a server's answer to a Binding, or to an Allocate without credentials.
#[must_use]
pub fn is_answer(fact: &Fact) -> bool {
    matches!(fact, Fact::Challenge(ChallengeFact { reply, .. }) | Fact::Binding(BindingFact { reply, .. }) if reply.answered())
}

/// Hears of each observation as it comes.
pub type Listener = Box<dyn Fn(&Observation)>;

/// What was seen so far. Clones are handles to the same record.
#[derive(Clone)]
pub struct Record {
    inner: Rc<Inner>,
}

struct Inner {
    started: Instant,
    observations: RefCell<Vec<Observation>>,
    contacted: RefCell<BTreeSet<String>>,
    listener: Option<Listener>,
}

impl Record {
    /// An empty record that starts now; the listener hears of each observation as it comes.
    #[must_use]
    pub fn new(listener: Option<Listener>) -> Self {
        Self {
            inner: Rc::new(Inner {
                started: Instant::now(),
                observations: RefCell::default(),
                contacted: RefCell::default(),
                listener,
            }),
        }
    }

    /// Adds what a probe saw.
    pub fn add(&self, probe: &str, target: impl Display, fact: Fact) {
        let mut observations = self.inner.observations.borrow_mut();
        let observation = Observation {
            id: format!("o{}", observations.len() + 1),
            probe: probe.to_owned(),
            target: target.to_string(),
            at_ms: whole_milliseconds(self.inner.started.elapsed()),
            fact,
        };
        if let Some(listener) = &self.inner.listener {
            listener(&observation);
        }
        observations.push(observation);
    }

    /// Notes that a host is sent something.
    pub fn contact(&self, endpoint: Endpoint) {
        self.inner.contacted.borrow_mut().insert(endpoint.contact());
    }

    /// When the run started.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.inner.started
    }

    /// All that was seen.
    #[must_use]
    pub fn observations(&self) -> Vec<Observation> {
        self.inner.observations.borrow().clone()
    }

    /// Whether a server has answered at that endpoint so far.
    #[must_use]
    pub fn has_answered(&self, endpoint: Endpoint) -> bool {
        let target = endpoint.to_string();
        self.inner.observations.borrow().iter().any(|seen| seen.target == target && is_answer(&seen.fact))
    }

    /// Every host that was sent anything.
    #[must_use]
    pub fn contacted(&self) -> Vec<String> {
        self.inner.contacted.borrow().iter().cloned().collect()
    }
}
