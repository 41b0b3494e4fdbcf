//! The network lab: every file in `scenarios/` is a test, with a real coturn and real packets in network namespaces of its own.
//!
//! It needs coturn, nftables and iproute2, and root or the right to make user namespaces. Where it can't run, its tests are shown as
//! ignored with the reason; with `CI=true` they fail instead. `cargo test --test lab NAME` picks scenarios by name, and
//! `cargo test --test lab -- --enter NAME COMMAND…` runs a command, or a shell, in the caller's place of a scenario's network.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use certificates::Files;
use command::Run;
use coturn::Coturn;
use format::Scenario;
use outcome::{Doing, Outcome};
use topology::{OTHER_SITE, Site};
use wiretap::Wiretap;

#[path = "lab/certificates.rs"]
mod certificates;
#[path = "lab/clock.rs"]
mod clock;
#[path = "lab/command.rs"]
mod command;
#[path = "lab/controls.rs"]
mod controls;
#[path = "lab/coturn.rs"]
mod coturn;
#[path = "lab/delay.rs"]
mod delay;
#[path = "lab/embedded.rs"]
mod embedded;
#[path = "lab/fakes.rs"]
mod fakes;
#[path = "lab/firewall.rs"]
mod firewall;
#[path = "lab/fix.rs"]
mod fix;
#[path = "scenarios/format.rs"]
mod format;
#[path = "lab/front.rs"]
mod front;
#[path = "lab/host_firewall.rs"]
mod host_firewall;
#[path = "lab/https.rs"]
mod https;
#[path = "lab/namespaces.rs"]
mod namespaces;
#[path = "lab/outcome.rs"]
mod outcome;
#[path = "lab/proxy.rs"]
mod proxy;
#[path = "lab/responder.rs"]
mod responder;
#[path = "lab/sandbox.rs"]
mod sandbox;
#[path = "lab/signaling.rs"]
mod signaling;
#[path = "lab/stun.rs"]
mod stun;
#[path = "lab/topology.rs"]
mod topology;
#[path = "lab/verify.rs"]
mod verify;
#[path = "lab/wiretap.rs"]
mod wiretap;

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");

/// Scenarios wait more than they work, so a few run at once even on a small machine; more would disturb each other's timing.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [sandbox::TRIAL] => tell(sandbox::try_out()),
        [sandbox::PERFORM, scenario] => tell(perform(Path::new(scenario))),
        [sandbox::VISIT, scenario, ref command @ ..] => tell(visit(Path::new(scenario), command)),
        ["--enter", name, ref command @ ..] => tell(sandbox::enter(&scenario_file(name), command)),
        _ => test(),
    }
}

fn test() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    match scenario_files() {
        Ok(files) => libtest_mimic::run(&arguments, files.into_iter().map(trial).collect()).exit_code(),
        Err(error) => tell(Err(error)),
    }
}

#[expect(clippy::print_stderr, reason = "the lab as a command says here why it failed")]
fn tell(outcome: Outcome<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn scenario_files() -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(SCENARIOS).doing(SCENARIOS)? {
        let path = entry.doing(SCENARIOS)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn scenario_file(name: &str) -> PathBuf {
    Path::new(SCENARIOS).join(format!("{name}.toml"))
}

fn trial(path: PathBuf) -> Trial {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Trial::ignorable_test(name, move || {
        if let Some(obstacle) = obstacle(&path)? {
            return if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
                Err(Failed::from(format!("the lab can't run: {obstacle}")))
            } else {
                Ok(Completion::ignored_with(obstacle))
            };
        }
        let _share = share(&path)?;
        sandbox::run_scenario(&path).map(|()| Completion::Completed).map_err(Failed::from)
    })
}

/// A browser starts with as much work as some dozens of other scenarios have, so it gets the machine for itself.
static MACHINE: RwLock<()> = RwLock::new(());

/// A part of the machine, or all of it.
enum Share {
    Part(#[expect(dead_code, reason = "held, not read")] RwLockReadGuard<'static, ()>),
    Whole(#[expect(dead_code, reason = "held, not read")] RwLockWriteGuard<'static, ()>),
}

/// Waits for the share of the machine that a scenario needs.
fn share(path: &Path) -> Outcome<Share> {
    Ok(if signaling::needs_browser(&read(path)?) {
        Share::Whole(MACHINE.write().unwrap_or_else(PoisonError::into_inner))
    } else {
        Share::Part(MACHINE.read().unwrap_or_else(PoisonError::into_inner))
    })
}

/// Why this scenario can't run on this machine, or nothing.
fn obstacle(path: &Path) -> Outcome<Option<String>> {
    let scenario = read(path)?;
    let slow = || if scenario.rtt_ms > 0 { delay::obstacle() } else { None };
    Ok(sandbox::obstacle()
        .map(str::to_owned)
        .or_else(slow)
        .or_else(|| clock::obstacle(&scenario))
        .or_else(|| proxy::obstacle(&scenario))
        .or_else(|| front::obstacle(&scenario))
        .or_else(|| host_firewall::obstacle(&scenario))
        .or_else(|| signaling::obstacle(&scenario)))
}

fn read(path: &Path) -> Outcome<Scenario> {
    let text = std::fs::read_to_string(path).doing("reading the scenario")?;
    let scenario: Scenario = toml::from_str(&text).doing("reading the scenario")?;
    scenario.contradiction().map_or(Ok(scenario), |why| Err(format!("reading the scenario: {why}")))
}

/// A scenario's network, with everything in it running.
struct World {
    servers: Vec<Coturn>,
    /// It ends when nobody holds it any more.
    _gateway: Option<Child>,
    _responder: Option<Child>,
}

fn set_up(scenario: &Scenario, folder: &Path) -> Outcome<World> {
    sandbox::prepare()?;
    topology::build(scenario)?;
    let certificates = certificates::write(scenario, folder)?;
    controls::start(scenario, &certificates.controls)?;
    controls::start_interceptor(scenario, &certificates.interceptor)?;
    proxy::start(scenario, folder)?;
    command::use_resolver(scenario, folder)?;
    command::use_hosts_file(scenario, folder)?;
    let mut servers = Vec::new();
    for site in topology::sites(scenario) {
        servers.extend(start_server(scenario, site, certificates.server.as_ref(), folder)?);
    }
    if let Some(view) = scenario.of_other_server() {
        servers.extend(start_server(&view, OTHER_SITE, certificates.other.as_ref(), folder)?);
    }
    if scenario.ipv6 && scenario.responder.is_none() {
        coturn::wait_for_ipv6(scenario)?;
    }
    let gateway = signaling::start(scenario)?;
    let responder = responder::start(scenario, folder)?;
    host_firewall::start(scenario)?;
    firewall::break_network(scenario)?;
    Ok(World { servers, _gateway: gateway, _responder: responder })
}

/// Starts what answers at a site: a coturn, or what stands in its place.
fn start_server(scenario: &Scenario, site: Site, certificate: Option<&Files>, folder: &Path) -> Outcome<Option<Coturn>> {
    let is_real = !fakes::replaces_coturn(scenario);
    front::start(scenario, site, certificate, folder)?;
    let server = if is_real { Some(coturn::start(scenario, site, certificate, folder)?) } else { None };
    embedded::start(scenario, site)?;
    fakes::start(scenario, site.host, certificate)?;
    Ok(server)
}

/// Runs a command in the caller's place. Nobody listens, since reading every packet would be half of what is measured there.
fn visit(path: &Path, command: &[&str]) -> Outcome<()> {
    let (program, arguments) = command.split_first().unwrap_or((&"sh", &[]));
    let scenario = read(path)?;
    let _world = set_up(&scenario, Path::new(sandbox::WORKSHOP))?;
    let status = topology::asker(&scenario).inside(|| Command::new(program).args(arguments).status().doing(program))?;
    if status.success() { Ok(()) } else { Err(format!("{program}: {status}")) }
}

/// Plays one scenario inside its sandbox, as often as it wants, and proves the fix of what the last run has found.
fn perform(path: &Path) -> Outcome<()> {
    let scenario = read(path)?;
    let folder = Path::new(sandbox::WORKSHOP);
    let begun = Instant::now();
    let mut world = set_up(&scenario, folder)?;
    let tap = Wiretap::start(&scenario)?;
    let ready = begun.elapsed();
    let mut last = None;
    for number in 1..=scenario.runs {
        let run = play(&scenario, &world, &tap, folder, number == scenario.runs)
            .map_err(|complaint| format!("run {number} of {}, lab ready after {ready:?}\n{complaint}", scenario.runs))?;
        last = Some(run);
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    last.map_or(Ok(()), |run| fix::prove(&name, &scenario, &mut world.servers, &run, folder))
}

/// One run of callcheck. What is left on the server is counted after the last one: coturn takes a second to tell.
fn play(scenario: &Scenario, world: &World, tap: &Wiretap, folder: &Path, last: bool) -> Outcome<Run> {
    let World { servers, .. } = world;
    let call = command::compose(scenario, folder)?;
    let (run, other) = match &scenario.callee {
        Some(callee) => {
            let (run, other) = command::run_both(&call, callee, scenario, servers)?;
            (run, Some((other, callee)))
        }
        None => (command::run(&call, scenario, servers)?, None),
    };
    let mut complaints = verify::complaints(scenario, &call, &run, tap);
    if let Some((other, callee)) = &other {
        complaints.extend(verify::complaints_of_other_end(callee, &call, other));
    }
    if scenario.network_dies_after_allocation {
        firewall::restore_callers_network(scenario)?;
    }
    // How many were granted before the network died is a matter of microseconds, and none can be given back.
    if last && !scenario.network_dies_after_allocation {
        let left = coturn::allocations_after_release(servers, scenario.expect.allocations_left)?;
        if left != scenario.expect.allocations_left {
            complaints.push(format!("{left} allocations left, expected {}", scenario.expect.allocations_left));
        }
    }
    if complaints.is_empty() {
        return Ok(run);
    }
    Err(format!(
        "{}\n  {}\n\ncallcheck took {:?}\narguments: {}\n\n== stdout ==\n{}\n== stderr ==\n{}\n== server ==\n{}",
        scenario.description,
        complaints.join("\n  "),
        run.took,
        call.arguments.join(" "),
        run.stdout,
        run.stderr,
        servers.iter().map(Coturn::log_tail).collect::<Vec<_>>().join("\n-- another --\n"),
    ))
}
