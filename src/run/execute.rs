//! Runs a plan within its deadline and makes the report; allocations are given back on every way out, a panic included.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;

use super::call::{self, Calling, Log};
use super::judge;
use super::plan::{Plan, PortsPlan};
use super::{responder, server};
use crate::model::call::Call;
use crate::model::duration::whole_milliseconds;
use crate::model::fact::Fact;
use crate::model::finding::Overrides;
use crate::model::report::{CutShort, Report, SCHEMA, Tool};
use crate::net::network::Network;
use crate::probe::context::{Context, Listener, Record};
use crate::probe::responder::Until;
use crate::probe::{still_there, trace};

/// How long giving back allocations may take once a run was cut short.
const RELEASE_LIMIT: Duration = Duration::from_millis(1500);

/// The part of it that is left for the report.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// How long hanging up may take once a run was cut short.
const HANG_UP_LIMIT: Duration = Duration::from_millis(800);

/// How long calls wait for the probes of the same servers.
const HEAD_START: Duration = Duration::from_secs(1);

/// The ports of the relay that are sampled beside the main allocations: with eight clean ones, 69 % of all are open.
const SAMPLES: u32 = 7;

/// How many more are sampled where some let in and some don't: of sixteen ports that are closed here and there, all closed ones lie at one end
/// once in 2,000 runs, of eight once in 18.
const FURTHER_SAMPLES: u32 = 8;

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
        long_stream: plan.long_stream,
        peers: plan.peers.as_slice().into(),
        samples: plan.ports.as_ref().map_or(SAMPLES, |ports| ports.samples),
        further_samples: if plan.ports.is_none() { FURTHER_SAMPLES } else { 0 },
        sweep: plan.ports.as_ref().and_then(PortsPlan::sweep),
        progress: Rc::clone(&plan.progress),
        brief: plan.purpose == crate::model::asked::Purpose::ExternalIp,
        ..Context::brief(&network, plan.trust.clone())
    };
    for endpoint in &plan.contacted {
        context.record.contact(*endpoint);
    }
    for (index, entry) in plan.list.iter().enumerate() {
        context.record.add("ice-servers", format!("entry {} of the list", index + 1), Fact::ListEntry(entry.clone()));
    }
    let log = Rc::new(Log::default());
    let until = Until::new(context.record.started() + limit(plan).saturating_sub(SWEEP_MARGIN));
    let mut probing = Box::pin(AssertUnwindSafe(probe(&context, plan, &log, &until)).catch_unwind());
    let (cut_short, mut panic) = tokio::select! {
        biased;
        ended = &mut probing => (None, ended.err()),
        () = tokio::time::sleep(limit(plan)) => (Some(CutShort::Deadline), None),
        () = stop => (Some(CutShort::Interrupted), None),
    };
    if cut_short.is_some() && plan.call.is_some() {
        // The gateway has to hear of it, or it would keep the call.
        log.stop();
        panic = tokio::select! {
            biased;
            ended = &mut probing => ended.err(),
            () = log.ended() => None,
            () = tokio::time::sleep(HANG_UP_LIMIT) => None,
        };
    }
    if cut_short == Some(CutShort::Interrupted) && plan.responder().is_some() {
        until.end_now();
        panic = tokio::select! {
            biased;
            ended = &mut probing => ended.err(),
            () = tokio::time::sleep(SWEEP_MARGIN) => None,
        };
    }
    // A probe that is cut short records what it has.
    drop(probing);
    let rest = RELEASE_LIMIT.min(plan.timeout / 2);
    let asking = async {
        if cut_short.is_some() {
            still_there::ask_within(&context, rest.saturating_sub(LAST_WORDS)).await;
        }
    };
    tokio::join!(context.ledger.release_all(rest), asking);
    if let Some(panic) = panic {
        std::panic::resume_unwind(panic);
    }
    let call = plan.call.as_ref().map(|_| log.call(&plan.asked()));
    report(plan, &context, call, started_at, cut_short)
}

/// When the run is cut short: the release is part of the bound on the whole of it.
fn limit(plan: &Plan) -> Duration {
    let limit = plan.timeout.saturating_sub(RELEASE_LIMIT).max(plan.timeout / 2);
    let limit = limit.saturating_add(plan.longest_idle.unwrap_or_default());
    limit.saturating_add(plan.call.as_ref().map_or(Duration::ZERO, Calling::extra_time))
}

/// What is left of the time when a sweep has to end, so that what it knows is told.
const SWEEP_MARGIN: Duration = Duration::from_millis(300);

/// The probes of the servers, and the calls beside them; then a responder, whose sweep would lose the probes' datagrams.
async fn probe(context: &Context, plan: &Plan, log: &Rc<Log>, until: &Until) {
    let responder = plan.responder();
    if responder.is_none() || !plan.services.is_empty() {
        probe_servers(context, plan, log).await;
    }
    if let Some(responder) = responder {
        responder::sweep(context, responder, plan.families, until).await;
    }
    if !plan.controls.is_empty() {
        trace::trace_closed_port(context).await;
    }
}

async fn probe_servers(context: &Context, plan: &Plan, log: &Rc<Log>) {
    let begun = server::begin(context, plan).await;
    let Some(calling) = &plan.call else { return server::examine_all(context, plan, begun).await };
    let servers = begun.servers.clone();
    let mut probes = pin!(async {
        if !plan.services.is_empty() {
            server::examine_all(context, plan, begun).await;
        }
    });
    // Both ask the same servers for allocations; where those are counted, the probes had better be through.
    let are_through = tokio::time::timeout(HEAD_START, &mut probes).await.is_ok();
    let calls = call::run(context, calling, &servers, log);
    if are_through {
        calls.await;
    } else {
        tokio::join!(probes, calls);
    }
}

fn report(
    plan: &Plan,
    context: &Context,
    call: Option<Call>,
    started_at: std::time::SystemTime,
    cut_short: Option<CutShort>,
) -> Report {
    let asked = plan.asked();
    let observations = context.record.observations();
    let (diagnosis, headline) = judge::judge(&asked, &observations, cut_short, &Overrides::default());
    let call = call.map(|call| call::with_causes(call, &asked, &observations, &diagnosis.findings));
    Report {
        schema: SCHEMA.to_owned(),
        tool: Tool::current(),
        command: plan.command.clone(),
        started_at: humantime::format_rfc3339_seconds(started_at).to_string(),
        duration_ms: whole_milliseconds(context.record.started().elapsed()),
        verdict: diagnosis.verdict,
        headline,
        headline_message: diagnosis.headline,
        cut_short,
        asked,
        findings: diagnosis.findings,
        ruled_out: diagnosis.ruled_out,
        unexplained: diagnosis.unexplained,
        not_tested: diagnosis.not_tested,
        relay_ports: diagnosis.relay_ports,
        nat: diagnosis.nat,
        loss: diagnosis.loss,
        observations,
        call,
        contacted: context.record.contacted(),
    }
}
