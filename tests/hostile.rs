//! Servers that answer to do harm: a run against one ends in time, without a panic, within its memory, and never in `ok`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use callcheck::lab::host::LabConfig;
use callcheck::lab::hostility::Hostility;
use callcheck::model::endpoint::Transport;
use callcheck::model::report::Verdict;
use nix::unistd::Pid;

use child::callcheck;
use turn_server::TurnServer;

#[path = "program/child.rs"]
mod child;
#[path = "program/turn_server.rs"]
mod turn_server;

/// The bound that each run is given.
const TIMEOUT: &str = "4s";

/// The bound itself, with time for a busy machine to start and end a process.
const WITHIN: Duration = Duration::from_secs(8);

/// The most memory that a run may take, in kilobytes.
const MEMORY: u64 = 100 * 1024;

/// What this one repeats is true, so a verdict of `ok` is right.
const HARMLESS: &[Hostility] = &[Hostility::Repeated];

#[test]
fn no_hostile_server_hangs_crashes_or_convinces_the_program() {
    let hostilities = Mutex::new(Hostility::ALL.to_vec());
    let complaints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(hostility) = next(&hostilities) {
                    let found = against(hostility);
                    complaints.lock().expect("no thread panics with it").extend(found);
                }
            });
        }
    });
    let complaints = complaints.into_inner().expect("no thread panics with it");
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn next(hostilities: &Mutex<Vec<Hostility>>) -> Option<Hostility> {
    hostilities.lock().expect("no thread panics with it").pop()
}

/// What is wrong with a run against such a server.
fn against(hostility: Hostility) -> Vec<String> {
    let server = TurnServer::start(LabConfig { hostility: Some(hostility), ..LabConfig::default() });
    let list = server.ice_servers(&[Transport::Udp, Transport::Tcp, Transport::Tls]);
    let arguments = ["turn", "--ice-servers", "-", "--ca", server.ca(), "--timeout", TIMEOUT, "--json"];
    let peak = Arc::new(Mutex::new(0));
    let watched = Arc::clone(&peak);
    let begun = Instant::now();
    let run = callcheck(&arguments).input(&list).run_while(move |id| drop(std::thread::spawn(move || watch(id, &watched))));
    let took = begun.elapsed();

    let mut complaints = Vec::new();
    if took > WITHIN {
        complaints.push(format!("{hostility}: took {took:?}"));
    }
    if !run.stderr.is_empty() {
        complaints.push(format!("{hostility}: stderr has {:?}", run.stderr));
    }
    match serde_json::from_str::<callcheck::model::report::Report>(&run.stdout) {
        Ok(report) if report.verdict == Verdict::Ok && !HARMLESS.contains(&hostility) => {
            complaints.push(format!("{hostility}: the verdict is ok"));
        }
        Ok(_) => {}
        Err(error) => complaints.push(format!("{hostility}: exit code {:?}, no report ({error})", run.code)),
    }
    let peak = *peak.lock().unwrap_or_else(PoisonError::into_inner);
    if cfg!(target_os = "linux") && peak == 0 {
        complaints.push(format!("{hostility}: its memory was not measured"));
    }
    if peak > MEMORY {
        complaints.push(format!("{hostility}: took {peak} kB of memory"));
    }
    complaints
}

/// Reads a process's peak of memory again and again until it has ended.
fn watch(id: Pid, peak: &Mutex<u64>) {
    while let Some(now) = peak_of_memory(id) {
        *peak.lock().unwrap_or_else(PoisonError::into_inner) = now;
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The peak of a process's memory so far, in kilobytes; `None` where it has ended, or the system doesn't tell.
fn peak_of_memory(id: Pid) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}
