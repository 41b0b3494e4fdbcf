//! Calls: both ends join the gateway, each path is attempted in turn, and what came of it becomes facts and the report's `call`.

mod attempt;
mod comparison;
mod end;
mod sockets;
mod summary;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use tokio::sync::Notify;
use tokio::time::timeout;

use self::attempt::{Attempt, Ended};
use self::end::End;
pub use self::sockets::sockets;
use crate::diagnose::diagnose;
use crate::model::asked::Asked;
use crate::model::call::{Call, Path, PathResult, Peer, Role, SignalingEvent, StateChange};
use crate::model::fact::{Fact, Observation};
use crate::model::finding::Overrides;
use crate::model::finding::{Finding, Level};
use crate::model::report::Verdict;
use crate::probe::context::Context;
use crate::probe::gateway;
use crate::probe::ice_server::IceServer;
use crate::signaling::call_event::{CallEvent, ChatId};
use crate::signaling::conversation::Conversation;
use crate::signaling::gateway::Gateway;
use crate::signaling::line::Line;

/// How long joining the gateway may take, beyond what the client itself waits for.
const JOIN_LIMIT: Duration = Duration::from_secs(5);

/// Hears of every change of state as it comes.
pub type Onlooker = Rc<dyn Fn(Role, &StateChange)>;

/// Opens connections to the gateway: over sockets, or in memory in tests.
#[async_trait(?Send)]
pub trait Lines {
    /// A connection for one end; how it goes comes by [`Line::next`].
    async fn open(&self, gateway: &Gateway) -> Box<dyn Line>;

    /// Whether the gateway can be examined by HTTP before.
    fn has_front(&self) -> bool;
}

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

/// What is kept of the calls of a run, whenever it ends.
#[derive(Default)]
pub struct Log {
    signaling: RefCell<Vec<SignalingEvent>>,
    attempts: RefCell<Vec<Attempted>>,
    stopping: Flag,
    over: Flag,
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

/// One attempt with its peers in full.
struct Attempted {
    path: Path,
    peers: Vec<(Role, Peer)>,
    carries: bool,
    connected_ms: Option<u64>,
}

impl Log {
    /// Has the calls end in order and soon.
    pub fn stop(&self) {
        self.stopping.set();
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

/// Makes the calls of a run.
pub async fn run(context: &Context, calling: &Calling, servers: &[IceServer], log: &Rc<Log>) {
    make(context, calling, servers, log).await;
    log.over.set();
}

async fn make(context: &Context, calling: &Calling, servers: &[IceServer], log: &Rc<Log>) {
    let Some((_, gateway)) = calling.ends.first() else { return };
    let examined = async {
        if calling.lines.has_front() {
            gateway::examine(context, gateway).await;
        }
    };
    let joining = join_all(calling.ends.iter().map(|(role, gateway)| join(context, calling, *role, gateway, log)));
    let joined = tokio::select! {
        biased;
        (joined, ()) = async { tokio::join!(joining, examined) } => joined,
        () = log.stopping.wait() => return,
    };
    let Some(mut ends) = joined.into_iter().collect::<Option<Vec<End>>>() else { return };
    for path in &calling.paths {
        let attempt = Attempt::begin(context, calling, *path, servers, &mut ends, log);
        let Some((ended, attempted)) = attempt.run().await else { break };
        log.attempts.borrow_mut().push(attempted);
        if ended == Ended::Undescribed || log.stopping.is_set.get() {
            break;
        }
    }
    join_all(ends.into_iter().map(End::leave)).await;
}

/// Connects one end to the gateway; none where the gateway doesn't let it in.
async fn join(context: &Context, calling: &Calling, role: Role, gateway: &Gateway, log: &Rc<Log>) -> Option<End> {
    let line = calling.lines.open(gateway).await;
    let log = Rc::clone(log);
    let listener = Rc::new(move |event| log.signaling.borrow_mut().push(event));
    let mut talk = Conversation::new(line, role, gateway, context.record.started(), listener);
    let first = timeout(JOIN_LIMIT, talk.next()).await.ok();
    gateway::admitted(context, gateway, role, first.as_ref());
    let is_in = matches!(first, Some(CallEvent::Connected | CallEvent::Reconnected));
    if is_in { Some(End::new(role, talk)) } else { None }
}

/// Names the cause of each path that failed. One that was tried for the matrix alone is judged by itself: the findings of the run leave
/// it out.
#[must_use]
pub fn with_causes(mut call: Call, asked: &Asked, observations: &[Observation], findings: &[Finding]) -> Call {
    for failed in call.paths.iter_mut().filter(|path| path.verdict != Verdict::Ok) {
        let path = failed.path;
        failed.finding = if asked.counts(path) {
            cause(path, observations, findings)
        } else {
            let alone: Vec<Observation> =
                observations.iter().filter(|seen| !is_of_other_path(&seen.fact, path)).cloned().collect();
            cause(path, &alone, &diagnose(&forcing(asked, path), &alone, None, &Overrides::default()).findings)
        };
    }
    call
}

/// The finding that rests on a path's peers, else the first that makes calls fail.
fn cause(path: Path, observations: &[Observation], findings: &[Finding]) -> Option<String> {
    // That nothing but the relay is allowed, and that there is none, is what the path shows, and says something only where nothing else does.
    let (forced, failing): (Vec<&Finding>, Vec<&Finding>) = findings
        .iter()
        .filter(|finding| finding.level == Level::Fail)
        .partition(|finding| OF_PATH.contains(&finding.id.as_str()));
    let of_path = |seen: &&Observation| matches!(&seen.fact, Fact::Peer(peer) if peer.path == path);
    let ids: Vec<&String> = observations.iter().filter(of_path).map(|seen| &seen.id).collect();
    let resting = failing.iter().find(|finding| finding.evidence.iter().any(|id| ids.contains(&id)));
    resting.or(failing.first()).or(forced.first()).map(|finding| finding.id.clone())
}

/// The causes of calls that may use nothing but a relay which isn't there.
const OF_PATH: [&str; 2] = ["ice-relay-forced-without-turn", "ice-no-relay-candidate"];

fn is_of_other_path(fact: &Fact, path: Path) -> bool {
    matches!(fact, Fact::Peer(peer) if peer.path != path) || matches!(fact, Fact::Exchange(exchange) if exchange.path != path)
}

/// The same as if this path and the servers that it uses were all that was asked for.
fn forcing(asked: &Asked, path: Path) -> Asked {
    let mut asked = asked.clone();
    if let Some(call) = &mut asked.call {
        (call.forced, call.paths) = (Some(path), vec![path]);
    }
    asked.services.retain(|service| path.includes_reflexive() || path.includes_relay_over(service.transport));
    asked
}
