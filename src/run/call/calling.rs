//! What is asked of the calls of a run: the ends that run here, the paths to attempt, and how long each step may take.

use std::rc::Rc;
use std::time::Duration;

use super::lines::Lines;
use crate::model::call::{Path, Role, StateChange};
use crate::signaling::call_event::ChatId;
use crate::signaling::gateway::Gateway;

/// Hears of every change of state as it comes.
pub type Onlooker = Rc<dyn Fn(Role, &StateChange)>;

/// A call that is to be made.
#[derive(Clone)]
pub struct Calling {
    /// The ends that run here, each with its login to the gateway.
    pub ends: Vec<(Role, Gateway)>,
    /// What opens their connections.
    pub lines: Rc<dyn Lines>,
    /// The chat to call in.
    pub chat_id: ChatId,
    /// The path that was forced, where one was.
    pub forced: Option<Path>,
    /// The paths to attempt, in this order.
    pub paths: Vec<Path>,
    /// How long media flows once both ends are connected.
    pub duration: Duration,
    /// How long a callee waits to be called.
    pub wait: Duration,
    /// How long the other side may take to answer, where it isn't run here.
    pub patience: Duration,
    /// Hears of every change of state.
    pub onlooker: Onlooker,
    /// Hears that a callee that runs alone is there to be called.
    pub ready: Rc<dyn Fn()>,
}

impl Calling {
    /// The roles that run here.
    #[must_use]
    pub fn roles(&self) -> Vec<Role> {
        self.ends.iter().map(|(role, _)| *role).collect()
    }

    /// How long all of it may take beyond the time limit, which is for what answers or doesn't.
    #[must_use]
    pub fn extra_time(&self) -> Duration {
        let attempts = u32::try_from(self.paths.len()).unwrap_or(u32::MAX);
        let waits = if self.roles() == [Role::Callee] { self.wait } else { Duration::ZERO };
        self.duration.saturating_mul(attempts).saturating_add(waits)
    }
}
