//! Runs a plan within its deadline and makes the report; allocations are given back on every way out, a panic included.

use std::cell::Cell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;

use super::plan::Plan;
use super::server;
use crate::diagnose::diagnose;
use crate::model::report::{CutShort, Report, SCHEMA, Tool};
use crate::net::ledger::Ledger;
use crate::net::network::Network;
use crate::probe::context::{Context, Listener, Record};
use crate::probe::outside::Outside;

/// How long giving back allocations may take once a run was cut short.
const RELEASE_LIMIT: Duration = Duration::from_millis(1500);

/// The ports of the relay that are sampled beside the main allocations: with eight clean ones, 69 % of all are open.
const SAMPLES: u32 = 7;

/// Runs a plan; it must be called within a `LocalSet`. The run ends early when `stop` does.
///
/// # Panics
///
/// Goes on with a panic of a probe, after the allocations were given back.
pub async fn execute(
    network: Rc<dyn Network>,
    plan: &Plan,
    stop: impl Future<Output = ()>,
    listener: Option<Listener>,
) -> Report {
    let started_at = network.time_of_day();
    let context = Context {
        record: Record::new(listener),
        ledger: Ledger::default(),
        trust: Rc::new(plan.trust.clone()),
        outside: Rc::new(Outside::open(&network)),
        long_stream: plan.long_stream,
        samples: SAMPLES,
        brief: plan.purpose == crate::model::asked::Purpose::ExternalIp,
        losses: Rc::new(Cell::new((0, 0))),
        network,
    };
    for endpoint in &plan.contacted {
        context.record.contact(*endpoint);
    }
    // The release is part of the bound on the whole run.
    let limit = plan.timeout.saturating_sub(RELEASE_LIMIT).max(plan.timeout / 2);
    let probing = AssertUnwindSafe(server::examine_all(&context, plan)).catch_unwind();
    let (cut_short, panic) = tokio::select! {
        biased;
        ended = probing => (None, ended.err()),
        () = tokio::time::sleep(limit) => (Some(CutShort::Deadline), None),
        () = stop => (Some(CutShort::Interrupted), None),
    };
    context.ledger.release_all(RELEASE_LIMIT.min(plan.timeout / 2)).await;
    if let Some(panic) = panic {
        std::panic::resume_unwind(panic);
    }
    report(plan, &context, started_at, cut_short)
}

fn report(plan: &Plan, context: &Context, started_at: std::time::SystemTime, cut_short: Option<CutShort>) -> Report {
    let asked = plan.asked();
    let observations = context.record.observations();
    let diagnosis = diagnose(&asked, &observations, cut_short);
    Report {
        schema: SCHEMA.to_owned(),
        tool: Tool::current(),
        command: plan.command.clone(),
        started_at: humantime::format_rfc3339_seconds(started_at).to_string(),
        duration_ms: u64::try_from(context.record.started().elapsed().as_millis()).unwrap_or(u64::MAX),
        verdict: diagnosis.verdict,
        cut_short,
        asked,
        findings: diagnosis.findings,
        ruled_out: diagnosis.ruled_out,
        not_tested: diagnosis.not_tested,
        observations,
        contacted: context.record.contacted(),
    }
}
