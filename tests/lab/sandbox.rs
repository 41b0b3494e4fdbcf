//! One sandbox a scenario: this binary again, as the first process of a PID namespace, so that everything in it dies with it.
//!
//! The namespaces come from `unshare`, with a user namespace unless we are root. Inside, /run is an empty tmpfs: `ip netns` keeps its
//! names there, and the scenario its files.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use crate::outcome::{Doing, Outcome};

/// Where a scenario keeps its files.
pub const WORKSHOP: &str = "/run/lab";

/// Where the settings that a scenario changes are kept.
const CHANGED: &str = "/run/etc";

/// First argument of this binary inside a sandbox: play the scenario whose path follows.
pub const PERFORM: &str = "--perform-in-sandbox";
/// The same, to run a command in a scenario's network: the path and the command follow.
pub const VISIT: &str = "--visit-in-sandbox";
/// The same, to find out whether the lab can work here.
pub const TRIAL: &str = "--trial-in-sandbox";

/// A scenario that takes longer than this hangs; the slowest one needs a tenth of it on a busy machine.
const DEADLINE: Duration = Duration::from_mins(10);

const TOOLS: [(&str, &str); 5] =
    [("turnserver", "coturn"), ("nft", "nftables"), ("ip", "iproute2"), ("unshare", "util-linux"), ("mount", "mount")];

/// Why the lab can't work on this machine, or nothing.
pub fn obstacle() -> Option<&'static str> {
    static OBSTACLE: OnceLock<Option<String>> = OnceLock::new();
    OBSTACLE.get_or_init(find_obstacle).as_deref()
}

fn find_obstacle() -> Option<String> {
    for (tool, package) in TOOLS {
        if let Some(lack) = lacks(tool, package) {
            return Some(lack);
        }
    }
    let trial = run_inside(&[TRIAL]).and_then(|(status, output)| if status.success() { Ok(()) } else { Err(output) });
    trial.err().map(|reason| format!("no network namespaces here: {}", reason.trim()))
}

/// Says that a tool is not installed, where that is so.
pub fn lacks(tool: &str, package: &str) -> Option<String> {
    find(tool).is_none().then(|| format!("{tool} is not installed (package {package})"))
}

/// Where a tool is.
pub fn find(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(tool)).find(|file| file.is_file())
}

/// Runs a scenario in a fresh sandbox and gives what it said, as an error unless it passed.
pub fn run_scenario(path: &Path) -> Outcome<()> {
    let path = path.to_str().ok_or("a scenario's path isn't UTF-8")?;
    let (status, output) = run_inside(&[PERFORM, path])?;
    if status.success() { Ok(()) } else { Err(format!("{output}\n({status})")) }
}

fn run_inside(args: &[&str]) -> Outcome<(ExitStatus, String)> {
    let mut child = unshare()?
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .doing("starting unshare")?;
    let pid = Pid::from_raw(child.id().cast_signed());
    let mut stdout = child.stdout.take().ok_or("no stdout")?;
    let mut stderr = child.stderr.take().ok_or("no stderr")?;
    let (done, finished) = mpsc::channel();
    thread::spawn(move || {
        let errors = thread::spawn(move || read_all(&mut stderr));
        let mut text = read_all(&mut stdout);
        text.push_str(&errors.join().unwrap_or_default());
        // The receiver is gone only after a timeout, when nobody wants this any more.
        let _ = done.send(text);
    });
    let output = finished.recv_timeout(DEADLINE);
    if output.is_err() {
        kill(pid, Signal::SIGKILL).doing("ending a sandbox that hangs")?;
    }
    let status = child.wait().doing("waiting for the sandbox")?;
    Ok((status, output.unwrap_or_else(|_| format!("the sandbox hung for {DEADLINE:?}"))))
}

/// Debian keeps these tools where an ordinary user's PATH doesn't look.
fn search_path() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/sbin:/sbin")
}

fn read_all(source: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    match source.read_to_end(&mut bytes) {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("output unreadable: {error}"),
    }
}

/// Runs a command in a scenario's network, on this terminal.
pub fn enter(path: &Path, command: &[&str]) -> Outcome<()> {
    let status = unshare()?.arg(VISIT).arg(path).args(command).status().doing("starting unshare")?;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}

fn unshare() -> Outcome<Command> {
    let own = std::env::current_exe().doing("finding this binary")?;
    let flags = if geteuid().is_root() { "-nmp" } else { "-Urnmp" };
    let mut command = Command::new("unshare");
    command.args([flags, "--fork", "--kill-child", "--mount-proc"]).arg(own).env("PATH", search_path());
    Ok(command)
}

/// Inside the sandbox: lays out /run and /sys for the namespaces to come.
pub fn prepare() -> Outcome<()> {
    run("mount", &["-t", "tmpfs", "tmpfs", "/run"])?;
    run("mount", &["-t", "sysfs", "sysfs", "/sys"])?;
    // faketime keeps things there by process ids, which are the same in every sandbox.
    run("mount", &["-t", "tmpfs", "tmpfs", "/dev/shm"])?;
    // What is changed of the system's settings stays in here.
    for folder in [CHANGED, &format!("{CHANGED}.work")] {
        std::fs::create_dir_all(folder).doing("making a folder for changed settings")?;
    }
    let layers = format!("lowerdir=/etc,upperdir={CHANGED},workdir={CHANGED}.work");
    if run("mount", &["-t", "overlay", "overlay", "-o", &layers, "/etc"]).is_err() {
        // Where the system is made of layers itself, it may not become one.
        run("cp", &["-a", "/etc/.", CHANGED])?;
        run("mount", &["--bind", CHANGED, "/etc"])?;
    }
    std::fs::create_dir_all(WORKSHOP).doing("making the workshop")
}

/// Inside the sandbox: everything that a scenario asks of the machine, once.
pub fn try_out() -> Outcome<()> {
    prepare()?;
    run("ip", &["netns", "add", "trial"])?;
    let rule = "add table inet trial\nadd chain inet trial c { type nat hook postrouting priority srcnat\n}\n";
    feed("ip", &["netns", "exec", "trial", "nft", "-f", "-"], rule)
}

/// Runs a tool to its end; what it says on stderr is the error.
pub fn run(tool: &str, args: &[&str]) -> Outcome<()> {
    feed(tool, args, "")
}

/// Runs a tool with `input` on its stdin.
pub fn feed(tool: &str, args: &[&str], input: &str) -> Outcome<()> {
    use std::io::Write;
    let what = format!("{tool} {}", args.join(" "));
    let mut child =
        Command::new(tool).args(args).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().doing(&what)?;
    child.stdin.take().ok_or("no stdin")?.write_all(input.as_bytes()).doing(&what)?;
    let output = child.wait_with_output().doing(&what)?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{what}: {}\n{input}", String::from_utf8_lossy(&output.stderr).trim()))
}
