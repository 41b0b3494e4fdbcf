//! Calls: both ends join the gateway, each path is attempted in turn, and what came of it becomes facts and the report's `call`.

mod attempt;
mod calling;
mod comparison;
mod end;
mod lines;
mod log;
mod summary;

use std::rc::Rc;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::timeout;

use self::attempt::{Attempt, Ended};
pub use self::calling::{Calling, Onlooker};
use self::end::End;
pub use self::lines::{Lines, sockets};
pub use self::log::Log;
use crate::diagnose::diagnose;
use crate::model::asked::Asked;
use crate::model::call::{Call, Path, Role};
use crate::model::fact::{Fact, Observation};
use crate::model::finding::Overrides;
use crate::model::finding::{Finding, Level};
use crate::model::report::Verdict;
use crate::probe::context::Context;
use crate::probe::gateway;
use crate::probe::ice_server::IceServer;
use crate::signaling::call_event::CallEvent;
use crate::signaling::conversation::Conversation;
use crate::signaling::gateway::Gateway;

/// How long joining the gateway may take, beyond what the client itself waits for.
const JOIN_LIMIT: Duration = Duration::from_secs(5);

/// Makes the calls of a run.
pub async fn run(context: &Context, calling: &Calling, servers: &[IceServer], log: &Rc<Log>) {
    make(context, calling, servers, log).await;
    log.close();
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
        () = log.stopped() => return,
    };
    let Some(mut ends) = joined.into_iter().collect::<Option<Vec<End>>>() else { return };
    for path in &calling.paths {
        let attempt = Attempt::begin(context, calling, *path, servers, &mut ends, log);
        let Some((ended, attempted)) = attempt.run().await else { break };
        log.keep(attempted);
        if ended == Ended::Undescribed || log.is_stopping() {
            break;
        }
    }
    join_all(ends.into_iter().map(End::leave)).await;
}

/// Connects one end to the gateway; none where the gateway doesn't let it in.
async fn join(context: &Context, calling: &Calling, role: Role, gateway: &Gateway, log: &Rc<Log>) -> Option<End> {
    let line = calling.lines.open(gateway).await;
    let log = Rc::clone(log);
    let listener = Rc::new(move |event| log.hear(event));
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
