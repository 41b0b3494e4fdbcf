//! One run of callcheck inside the caller's namespace: its arguments, its credentials, its end.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sha1::Sha1;

use crate::clock;
use crate::controls;
use crate::coturn::{self, Coturn, SECRET};
use crate::firewall;
use crate::format::{Callee, Controls, Credentials, Player, Scenario};
use crate::namespaces::Host;
use crate::outcome::{Doing, Outcome};
use crate::proxy;
use crate::responder;
use crate::signaling;
use crate::topology::{self, CONTROLS, CONTROLS_V6, OTHER, TURN_SECOND, TURN_V6};

const HOUR: u64 = 3600;

/// What callers have who have the wrong thing.
const OTHER_SECRET: &str = "south-by-southeast-1960";
const OTHER_PASSWORD: &str = "looking-glass-1871";
const OTHER_USER: &str = "mallory";

/// So many times its scenario's bound a run may take, which is for a machine that has nothing else to do; the simulated network holds
/// the bound itself.
const BUSY: u32 = 3;

/// What a run may take beyond that before it is ended: enough to see by how much it is late.
const GRACE: Duration = Duration::from_secs(5);

/// How long callcheck may take in a scenario.
pub fn allowed(scenario: &Scenario) -> Duration {
    Duration::from_millis(scenario.within_ms) * BUSY
}

/// How callcheck is called, and the words that it must never print.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// Passwords and secrets.
    pub secrets: Vec<String>,
}

impl Call {
    /// The same with further arguments.
    fn with(&self, arguments: &[impl AsRef<str>]) -> Self {
        let mut call = self.clone();
        call.arguments.extend(arguments.iter().map(|argument| argument.as_ref().to_owned()));
        call
    }
}

/// What a run left.
#[derive(Debug)]
pub struct Run {
    /// The exit code; none where a signal ended it.
    pub exit: Option<i32>,
    /// The report.
    pub stdout: String,
    /// The rest.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

/// Puts the call together; what goes in by file is written to `folder`.
pub fn compose(scenario: &Scenario, folder: &Path) -> Outcome<Call> {
    let mut places = places(scenario, folder);
    let mut call = Call { secrets: vec![scenario.account.password.clone(), SECRET.into()], ..Call::default() };
    if let Some(document) = &scenario.ice_servers {
        places.insert("{user}", scenario.account.user.clone());
        places.insert("{password}", scenario.account.password.clone());
        std::fs::write(folder.join("ice-servers.json"), fill(document, &places)).doing("writing ice-servers.json")?;
    }
    call.arguments = scenario.args.iter().map(|argument| fill(argument, &places)).collect();
    if scenario.responder.is_some() {
        call.secrets.push(responder::TOKEN.into());
    }
    add_credentials(&mut call, scenario, folder)?;
    add_controls(&mut call, scenario);
    call.secrets.push(proxy::LOGIN.1.into());
    if signaling::is_needed(scenario) {
        for (variable, token) in signaling::TOKENS {
            call.environment.insert(variable.into(), token.into());
            call.secrets.push(token.into());
        }
    }
    call.arguments.push("--json".into());
    for (name, value) in &scenario.env {
        call.environment.insert(name.clone(), fill(value, &places));
    }
    Ok(call)
}

fn places(scenario: &Scenario, folder: &Path) -> BTreeMap<&'static str, String> {
    let file = |name: &str| folder.join(name).display().to_string();
    BTreeMap::from([
        ("{turn}", topology::turn_address(scenario.server).to_string()),
        ("{turn-second}", TURN_SECOND.to_string()),
        ("{other}", OTHER.to_string()),
        ("{turn6}", TURN_V6.to_string()),
        ("{proxy}", format!("{}:{}", topology::caller_gateway(scenario.nat).1, proxy::PORT)),
        ("{proxy-login}", format!("{}:{}", proxy::LOGIN.0, proxy::LOGIN.1)),
        ("{ca}", file("ca.pem")),
        ("{ca-of-company}", file("ca-of-company.pem")),
        ("{ice-servers}", file("ice-servers.json")),
        ("{gateway}", signaling::url()),
        ("{token}", file(responder::TOKEN_FILE)),
    ])
}

fn fill(text: &str, places: &BTreeMap<&'static str, String>) -> String {
    places.iter().fold(text.to_owned(), |text, (place, value)| text.replace(place, value))
}

/// The secret of which the caller's application makes its credentials.
pub fn secret_of_caller(scenario: &Scenario) -> &'static str {
    if scenario.credentials == Credentials::RestWrongSecret { OTHER_SECRET } else { SECRET }
}

/// The fixed user with its password that the caller's application has.
pub fn login(scenario: &Scenario) -> (&str, &str) {
    let account = &scenario.account;
    match scenario.credentials {
        Credentials::WrongPassword => (&account.user, OTHER_PASSWORD),
        Credentials::UnknownUser => (OTHER_USER, &account.password),
        Credentials::Right
        | Credentials::RightFromEnvironment
        | Credentials::None
        | Credentials::Rest
        | Credentials::RestWithName
        | Credentials::RestWrongSecret
        | Credentials::RestExpired
        | Credentials::RestExpiringSoon
        | Credentials::RestMilliseconds
        | Credentials::RestPlainUser => (&account.user, &account.password),
    }
}

fn add_credentials(call: &mut Call, scenario: &Scenario, folder: &Path) -> Outcome<()> {
    let account = &scenario.account;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).doing("reading the clock")?.as_secs();
    match scenario.credentials {
        Credentials::None => Ok(()),
        Credentials::Right | Credentials::RestPlainUser => password_by_file(call, &account.user, &account.password, folder),
        Credentials::RightFromEnvironment => {
            call.arguments.extend(["--user".into(), account.user.clone()]);
            call.environment.insert("CALLCHECK_TURN_PASSWORD".into(), account.password.clone());
            Ok(())
        }
        Credentials::WrongPassword | Credentials::UnknownUser => {
            let (user, password) = login(scenario);
            password_by_file(call, user, password, folder)
        }
        Credentials::Rest => {
            secret(call, secret_of_caller(scenario), None);
            Ok(())
        }
        Credentials::RestWithName | Credentials::RestWrongSecret => {
            secret(call, secret_of_caller(scenario), Some(&account.user));
            Ok(())
        }
        Credentials::RestExpired => ephemeral(call, &format!("{}:{}", now - HOUR, account.user), folder),
        Credentials::RestExpiringSoon => ephemeral(call, &format!("{}:{}", now + 300, account.user), folder),
        Credentials::RestMilliseconds => ephemeral(call, &format!("{}:{}", (now + HOUR) * 1000, account.user), folder),
    }
}

fn password_by_file(call: &mut Call, user: &str, password: &str, folder: &Path) -> Outcome<()> {
    let file: PathBuf = folder.join("password");
    std::fs::write(&file, format!("{password}\n")).doing("writing the password")?;
    call.secrets.push(password.into());
    call.arguments.extend(["--user".into(), user.into(), "--password-file".into(), file.display().to_string()]);
    Ok(())
}

fn secret(call: &mut Call, secret: &str, user: Option<&str>) {
    call.secrets.push(secret.into());
    call.environment.insert("CALLCHECK_TURN_SECRET".into(), secret.into());
    if let Some(user) = user {
        call.arguments.extend(["--user".into(), user.into()]);
    }
}

/// The name with the password that a server with the shared secret computes of it.
fn ephemeral(call: &mut Call, name: &str, folder: &Path) -> Outcome<()> {
    let mut mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).doing("keying HMAC")?;
    mac.update(name.as_bytes());
    let password = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    password_by_file(call, name, &password, folder)
}

fn add_controls(call: &mut Call, scenario: &Scenario) {
    if scenario.controls == Controls::None {
        call.arguments.push("--no-controls".into());
        return;
    }
    let mut controls = vec![format!("{}:19302", CONTROLS[0]), format!("{}:3478", CONTROLS[1])];
    if scenario.ipv6 {
        controls.extend([format!("[{}]:19302", CONTROLS_V6[0]), format!("[{}]:3478", CONTROLS_V6[1])]);
    }
    for control in controls {
        call.arguments.extend(["--control".into(), control]);
    }
}

/// Gives the caller the scenario's hosts file, where it has one.
pub fn use_hosts_file(scenario: &Scenario, folder: &Path) -> Outcome<()> {
    if scenario.dns.hosts.is_empty() {
        return Ok(());
    }
    let own = folder.join("hosts");
    let lines = scenario.dns.hosts.iter().map(|line| format!("{} {}\n", line.address, line.name));
    let text = "127.0.0.1 localhost\n".to_owned() + &lines.collect::<String>();
    std::fs::write(&own, text).doing("writing hosts")?;
    crate::sandbox::run("mount", &["--bind", &own.display().to_string(), "/etc/hosts"])
}

/// Points the caller's resolver at the lab's.
pub fn use_resolver(scenario: &Scenario, folder: &Path) -> Outcome<()> {
    let own = folder.join("resolv.conf");
    std::fs::write(&own, format!("nameserver {}\n", controls::resolver(scenario))).doing("writing resolv.conf")?;
    let system = Path::new("/etc/resolv.conf");
    // Where it is a link into /run, its target vanished below our tmpfs.
    if let Ok(target) = system.read_link()
        && !system.exists()
    {
        let target = Path::new("/etc").join(target);
        let parent = target.parent().ok_or("resolv.conf has no folder")?;
        std::fs::create_dir_all(parent).doing("making resolv.conf's folder")?;
        return std::fs::copy(&own, &target).doing("placing resolv.conf").map(drop);
    }
    crate::sandbox::run("mount", &["--bind", &own.display().to_string(), "/etc/resolv.conf"])
}

/// What the other end of a call between two networks left.
pub enum OtherEnd {
    /// callcheck's run there.
    Callcheck(Run),
    /// What the browser's page saw.
    Browser(String),
}

/// Runs callcheck at one end of a call between two networks, and what plays the other.
pub fn run_both(call: &Call, callee: &Callee, scenario: &Scenario, servers: &[Coturn]) -> Outcome<(Run, OtherEnd)> {
    match callee.player {
        Player::Callcheck => {
            let waiting = Waiting::callcheck(&call.with(&callee.args), Host::Callee)?;
            let caller = run(&call.with(&["--role", "caller"]), scenario, servers)?;
            Ok((caller, OtherEnd::Callcheck(waiting.end(scenario)?)))
        }
        Player::BrowserAnswers => {
            let waiting = Waiting::begin(browser(callee, scenario, "callee")?, Stream::Output)?;
            let caller = run(&call.with(&["--role", "caller"]), scenario, servers)?;
            Ok((caller, OtherEnd::Browser(waiting.end(scenario)?.stdout)))
        }
        Player::BrowserCalls => {
            let waiting = Waiting::callcheck(call, Host::Client)?;
            let mut browser = browser(callee, scenario, "caller")?;
            let seen = collect(browser.stdout.take()).recv().doing("waiting for the browser")?;
            browser.wait().doing("waiting for the browser")?;
            Ok((waiting.end(scenario)?, OtherEnd::Browser(seen)))
        }
    }
}

/// A callee that is there to be called.
struct Waiting {
    child: Child,
    begun: Instant,
    stdout: mpsc::Receiver<String>,
    stderr: mpsc::Receiver<String>,
}

/// Where a callee says that it is ready.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Output,
    Errors,
}

impl Waiting {
    fn callcheck(call: &Call, at: Host) -> Outcome<Self> {
        Self::begin(spawn(&call.with(&["--role", "callee", "--wait", "60s"]), 0, at)?, Stream::Errors)
    }

    /// Waits until the callee says that it is ready: nobody answers a call that comes before.
    fn begin(mut child: Child, says: Stream) -> Outcome<Self> {
        let begun = Instant::now();
        let (stdout, stderr) = (child.stdout.take().ok_or("no stdout")?, child.stderr.take().ok_or("no stderr")?);
        let mut ready = String::new();
        let (stdout, stderr) = if says == Stream::Output {
            let mut stdout = BufReader::new(stdout);
            stdout.read_line(&mut ready).doing("waiting for the callee")?;
            (collect(Some(stdout)), collect(Some(stderr)))
        } else {
            let mut stderr = BufReader::new(stderr);
            stderr.read_line(&mut ready).doing("waiting for the callee")?;
            (collect(Some(stdout)), collect(Some(stderr)))
        };
        if ready.starts_with("ready") {
            Ok(Self { child, begun, stdout, stderr })
        } else {
            Err(format!("the callee says {ready:?}"))
        }
    }

    fn end(mut self, scenario: &Scenario) -> Outcome<Run> {
        let deadline = self.begun + allowed(scenario) + GRACE;
        let report = self.stdout.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        if report.is_err() {
            kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL).doing("ending a callee that hangs")?;
        }
        let status = self.child.wait().doing("waiting for the callee")?;
        let stderr = self.stderr.recv().doing("reading stderr")?;
        // It waited for the caller before: that is no time of its own.
        Ok(Run { exit: status.code(), stdout: report.unwrap_or_default(), stderr, took: Duration::ZERO })
    }
}

/// Chromium in the callee's network, driven by tests/gateway/browser.mjs.
fn browser(callee: &Callee, scenario: &Scenario, role: &str) -> Outcome<Child> {
    let mut places = places(scenario, Path::new(crate::sandbox::WORKSHOP));
    places.insert("{user}", scenario.account.user.clone());
    places.insert("{password}", scenario.account.password.clone());
    let token = signaling::TOKENS[usize::from(role == "callee")].1;
    let servers = fill(&callee.ice_servers, &places);
    let browser = signaling::browser().ok_or("no browser")?;
    Host::Callee.inside(|| {
        Command::new("node")
            .arg(signaling::folder().join("browser.mjs"))
            .arg("--browser")
            .arg(browser)
            .args(["--role", role, "--gateway", &signaling::url(), "--token", token, "--chat", "42"])
            .args(["--ice", &servers, "--policy", &callee.policy])
            .env("HOME", "/run/lab")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .doing("starting the browser")
    })
}

/// Runs callcheck to its end.
pub fn run(call: &Call, scenario: &Scenario, servers: &[Coturn]) -> Outcome<Run> {
    let begun = Instant::now();
    let deadline = begun + allowed(scenario) + GRACE;
    let held = || servers.iter().map(Coturn::allocations).sum::<Outcome<usize>>();
    // A run whose network has died leaves its own behind.
    let before = if scenario.network_dies_after_allocation { held()? } else { 0 };
    let mut child = spawn(call, scenario.clock_ahead_s, topology::asker(scenario))?;
    let pid = Pid::from_raw(child.id().cast_signed());
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    if scenario.interrupt_after_allocation || scenario.network_dies_after_allocation {
        coturn::poll_until(deadline, "callcheck holds an allocation", || held().map(|held| held > before))?;
    }
    if scenario.interrupt_after_allocation {
        kill(pid, Signal::SIGINT).doing("interrupting callcheck")?;
    }
    if scenario.network_dies_after_allocation {
        firewall::end_callers_network(scenario)?;
    }
    // Its stdout closes when it ends; only a hanging one makes this wait long.
    let report = stdout.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    if report.is_err() {
        kill(pid, Signal::SIGKILL).doing("ending a callcheck that hangs")?;
    }
    let status = child.wait().doing("waiting for callcheck")?;
    let took = begun.elapsed();
    let stderr = stderr.recv().doing("reading stderr")?;
    Ok(Run { exit: status.code(), stdout: report.unwrap_or_default(), stderr, took })
}

fn spawn(call: &Call, clock_ahead_s: i64, at: Host) -> Outcome<Child> {
    at.inside(|| {
        clock::showing(env!("CARGO_BIN_EXE_callcheck"), clock_ahead_s)
            .args(&call.arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", "/run/lab")
            .env("LANG", "C.UTF-8")
            .envs(&call.environment)
            .current_dir("/run/lab")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .doing("starting callcheck")
    })
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        // Nobody listens any more after a timeout.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}
