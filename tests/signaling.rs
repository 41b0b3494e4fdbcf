//! The client and the probe of the signaling against gateways that are healthy, and broken in each way that they know.
//!
//! One list of tests holds three gateways: the embedded one, the same in memory, and one on Node's socket.io 4 (`tests/gateway`),
//! so that the embedded one is honest. Where Node or its packages are missing those tests are ignored, and fail under `CI=true`.

#![expect(clippy::large_futures, reason = "a test runs one of them at a time")]

#[path = "signaling/call.rs"]
mod call;
#[path = "signaling/gateway.rs"]
mod gateway;
#[path = "signaling/preflight.rs"]
mod preflight;

use std::future::Future;
use std::time::Duration;

use gateway::Kind;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::task::LocalSet;

/// No test takes longer; one that does was going to hang for ever.
const PATIENCE: Duration = Duration::from_mins(1);

fn main() {
    let arguments = Arguments::from_args();
    let missing = gateway::missing();
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let mut trials = Vec::new();
    for kind in [Kind::Embedded, Kind::Memory, Kind::Node] {
        let ignored = if kind == Kind::Node { missing.as_deref().filter(|_| !is_ci) } else { None };
        let mut add = |name: String, test: Box<dyn FnOnce() -> Result<(), Failed> + Send>| {
            let name = format!("{}::{name}", kind.name());
            let name = ignored.map_or(name.clone(), |why| format!("{name} ({why})"));
            trials.push(Trial::test(name, test).with_ignored_flag(ignored.is_some()));
        };
        for (name, test) in call::tests(kind) {
            add(name, test);
        }
        if kind != Kind::Memory {
            for (name, test) in preflight::tests(kind) {
                add(name, test);
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// Runs a test to its end, in time.
fn in_time<F: Future<Output = Result<(), Failed>>>(test: impl FnOnce() -> F) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async { tokio::time::timeout(PATIENCE, test()).await? })
}
