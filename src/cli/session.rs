//! Runs a command's plan on the system's network, prints the report and decides the exit code.

use std::rc::Rc;

use super::arguments::{Call, Common, Demo, Ports, Replay, Stun, Turn};
use super::runtime::{in_runtime, interrupted};
use super::usage::Usage;
use super::{calling, input, network, output, planning};
use crate::lab::demo;
use crate::model::asked::Purpose;
use crate::model::finding::Overrides;
use crate::model::report::{CutShort, Report, SCHEMA, Verdict};
use crate::net::network::Network;
use crate::net::system::System;
use crate::run::call::sockets;
use crate::run::judge::again;
use crate::run::{Plan, execute};

/// The largest report that is read, in bytes.
const LARGEST_REPORT: u64 = 64 << 20;

/// `stun`.
pub fn stun(command: &Stun, common: &Common) -> Result<u8, Usage> {
    on_the_network(|| planning::stun(command, common), common)
}

/// `turn`.
pub fn turn(command: &Turn, common: &Common) -> Result<u8, Usage> {
    on_the_network(|| planning::turn(command, common, "turn", Purpose::Turn), common)
}

/// `external-ip`.
pub fn external_ip(command: &Turn, common: &Common) -> Result<u8, Usage> {
    on_the_network(|| planning::turn(command, common, "external-ip", Purpose::ExternalIp), common)
}

/// `ports`.
pub fn ports(command: &Ports, common: &Common) -> Result<u8, Usage> {
    on_the_network(|| planning::ports(command, common), common)
}

/// `call`.
pub fn call(command: &Call, common: &Common) -> Result<u8, Usage> {
    on_the_network(|| calling::plan(command, common), common)
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
        let servers =
            demo::start(fault).await.map_err(|error| Usage(format!("the embedded servers could not start: {error}")))?;
        if serve {
            output::print(&demo::invitation(&servers));
            interrupted().await;
            return Ok(0);
        }
        let lines = sockets(None).map_err(|error| Usage(error.to_string()))?;
        let plan = demo::plan(&servers, common.bound(), lines, output::onlooker(common));
        let report = execute(Rc::new(System::default()), &plan, interrupted(), output::progress(common)).await;
        finish(report, common)
    })
}

/// `replay`.
pub fn replay(command: &Replay, common: &Common) -> Result<u8, Usage> {
    output::check_report_file(common)?;
    let source = command.file.display().to_string();
    let text = input::read_text(&source, "FILE", LARGEST_REPORT)?;
    let report: Report = serde_json::from_str(&text)
        .map_err(|error| Usage(format!("invalid value {source:?} for FILE: it is not a report of callcheck: {error}")))?;
    if report.schema != SCHEMA {
        return Err(Usage(format!(
            "invalid value {source:?} for FILE: its schema is {:?}, and this version reads {SCHEMA:?}",
            report.schema
        )));
    }
    finish(again(&report, &Overrides::default()), common)
}

/// Making the plan may ask a web server already, so what can be checked without is checked before.
fn on_the_network(plan: impl FnOnce() -> Result<Plan, Usage>, common: &Common) -> Result<u8, Usage> {
    output::check_report_file(common)?;
    let system = System::new(network::binding(common)?);
    let plan = plan()?;
    in_runtime(async {
        let network: Rc<dyn Network> = Rc::new(system);
        let report = execute(network, &plan, interrupted(), output::progress(common)).await;
        finish(report, common)
    })
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
    *report = again(report, &Overrides { deny: common.deny.clone(), allow: common.allow.clone() });
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
