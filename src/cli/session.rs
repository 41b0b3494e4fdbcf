//! Runs a command's plan on the system's network, prints the report and decides the exit code.

use std::future::Future;
use std::rc::Rc;

use super::arguments::{Common, Demo, Replay, Stun, Turn};
use super::{Usage, network, output, planning};
use crate::diagnose::{again, verdict_again};
use crate::lab::demo;
use crate::model::asked::Purpose;
use crate::model::finding::Level;
use crate::model::report::{CutShort, Report, SCHEMA, Verdict};
use crate::net::network::Network;
use crate::net::system::System;
use crate::run::{Plan, execute};

/// The largest report that is read, in bytes.
const LARGEST_REPORT: u64 = 64 << 20;

/// `stun`.
pub fn stun(command: &Stun, common: &Common) -> Result<u8, Usage> {
    on_the_network(&planning::stun(command, common)?, common)
}

/// `turn`.
pub fn turn(command: &Turn, common: &Common) -> Result<u8, Usage> {
    on_the_network(&planning::turn(command, common, "turn", Purpose::Turn)?, common)
}

/// `external-ip`.
pub fn external_ip(command: &Turn, common: &Common) -> Result<u8, Usage> {
    on_the_network(&planning::turn(command, common, "external-ip", Purpose::ExternalIp)?, common)
}

/// `demo`.
pub fn demo(command: &Demo, common: &Common) -> Result<u8, Usage> {
    if command.fault.as_deref() == Some("list") {
        output::print(&demo::faults().join("\n"));
        output::print("\n");
        return Ok(0);
    }
    let fault = command.fault.as_deref().map(demo::fault).transpose().map_err(Usage)?;
    output::check_report_file(common)?;
    let serve = command.serve;
    in_runtime(async move {
        let lab = demo::start(fault).await.map_err(|error| Usage(format!("the embedded server could not start: {error}")))?;
        if serve {
            output::print(&demo::invitation(&lab));
            interrupted().await;
            return Ok(0);
        }
        let plan = demo::plan(&lab, common.timeout);
        let report = execute(Rc::new(System::default()), &plan, interrupted(), output::progress(common)).await;
        finish(report, common)
    })
}

/// `replay`.
pub fn replay(command: &Replay, common: &Common) -> Result<u8, Usage> {
    output::check_report_file(common)?;
    let source = command.file.display().to_string();
    let text = planning::read_text(&source, "FILE", LARGEST_REPORT)?;
    let report: Report = serde_json::from_str(&text)
        .map_err(|error| Usage(format!("invalid value {source:?} for FILE: it is not a report of callcheck: {error}")))?;
    if report.schema != SCHEMA {
        return Err(Usage(format!(
            "invalid value {source:?} for FILE: its schema is {:?}, and this version reads {SCHEMA:?}",
            report.schema
        )));
    }
    finish(again(&report), common)
}

fn on_the_network(plan: &Plan, common: &Common) -> Result<u8, Usage> {
    output::check_report_file(common)?;
    let system = System::new(network::binding(common)?);
    in_runtime(async {
        let network: Rc<dyn Network> = Rc::new(system);
        let report = execute(network, plan, interrupted(), output::progress(common)).await;
        finish(report, common)
    })
}

/// One thread is enough: everything waits for the network.
fn in_runtime<T>(work: impl Future<Output = Result<T, Usage>>) -> Result<T, Usage> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Usage(format!("this system gives callcheck no event loop: {error}")))?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// Ctrl-C, or the signals by which services and terminals end a program.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut hang_up)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
            return std::future::pending().await;
        };
        tokio::select! {
            biased;
            Ok(()) = tokio::signal::ctrl_c() => {}
            Some(()) = terminate.recv() => {}
            Some(()) = hang_up.recv() => {}
            else => std::future::pending().await,
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

fn finish(mut report: Report, common: &Common) -> Result<u8, Usage> {
    output::end_progress(common);
    override_levels(&mut report, common);
    output::report(&report, common)?;
    Ok(exit_code(&report, common.strict))
}

/// `--deny` makes a cause fatal, `--allow` harmless; the verdict follows.
fn override_levels(report: &mut Report, common: &Common) {
    if common.deny.is_empty() && common.allow.is_empty() {
        return;
    }
    for finding in &mut report.findings {
        if common.deny.contains(&finding.id) {
            finding.level = Level::Fail;
        } else if common.allow.contains(&finding.id) {
            finding.level = Level::Warn;
        }
    }
    report.findings.sort_by_key(|finding| finding.level);
    report.verdict = verdict_again(report);
}

fn exit_code(report: &Report, strict: bool) -> u8 {
    match (report.cut_short, report.verdict) {
        (Some(CutShort::Interrupted), _) => 130,
        (_, Verdict::Ok) => 0,
        (_, Verdict::Degraded) => u8::from(strict),
        (_, Verdict::Failed) => 1,
        (_, Verdict::Inconclusive) => 3,
    }
}
