//! The command line: the one definition from which parser, help, man page and completions are made.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::model::target::Target;
use crate::probe::control::Control;

/// Says why a WebRTC call does not connect, and what to change.
#[derive(Debug, Parser)]
#[command(name = "callcheck", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What all commands take.
    #[command(flatten)]
    pub common: Common,
}

const EXIT_CODES: &str = "Exit codes: 0 calls will work (ok, degraded), 1 they fail (with --strict also degraded), \
2 usage or configuration error, 3 it can't be told from here, 130 interrupted";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask STUN servers for the own public address, over UDP, TCP and TLS
    Stun(Stun),
    /// Check a TURN server: login, relay ports, external address, data path
    Turn(Turn),
    /// Check that the address which a TURN server advertises is the one that works
    ExternalIp(Turn),
    /// Run against a server embedded in this program, healthy or broken on purpose
    Demo(Demo),
    /// Say what a cause means, how it is proved and how to mend it
    Explain(Explain),
    /// Diagnose a saved report again
    Replay(Replay),
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

/// Arguments of `stun`.
#[derive(Debug, Args)]
pub struct Stun {
    /// The servers.
    #[arg(required = true, value_name = "TARGET", help = "Host, host:port, [v6]:port, or a stun: or stuns: URI")]
    pub targets: Vec<Target>,
}

const TURN_TARGET: &str =
    "Host, host:port, [v6]:port, or a stun:, stuns:, turn: or turns: URI; a bare host means all usual transports and ports";

/// Arguments of `turn` and `external-ip`.
#[derive(Debug, Args)]
pub struct Turn {
    /// The server.
    #[arg(value_name = "TARGET", required_unless_present = "ice_servers", help = TURN_TARGET)]
    pub target: Option<Target>,
    /// A browser's iceServers as JSON: a file, a URL that is fetched, or - for standard input [env: `CALLCHECK_ICE_SERVERS_TOKEN` holds a bearer token for the URL]
    #[arg(long, value_name = "FILE|URL|-", value_hint = ValueHint::AnyPath, conflicts_with = "target")]
    pub ice_servers: Option<String>,
    /// What to log in with
    #[command(flatten)]
    pub login: Login,
    /// How long the paced stream through the relay lasts; short and overlapped by default
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub stream: Option<Duration>,
}

/// What to log in with.
#[derive(Debug, Default, Args)]
pub struct Login {
    /// The TURN user; with a shared secret, the id that goes into the ephemeral name
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// A file with the password in its first line [env: `CALLCHECK_TURN_PASSWORD` holds the password itself]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["password", "secret", "secret_file"])]
    pub password_file: Option<PathBuf>,
    /// The password; visible to everyone on this host in the list of processes
    #[arg(long, value_name = "PASSWORD", conflicts_with_all = ["secret", "secret_file"])]
    pub password: Option<String>,
    /// A file with the secret of ephemeral (REST) credentials in its first line [env: `CALLCHECK_TURN_SECRET` holds the secret itself]
    #[arg(long, value_name = "FILE", conflicts_with = "secret")]
    pub secret_file: Option<PathBuf>,
    /// The secret; visible to everyone on this host in the list of processes
    #[arg(long, value_name = "SECRET")]
    pub secret: Option<String>,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Break the embedded server on purpose, so that this cause is there to be found; `list` prints those on offer
    #[arg(long, value_name = "ID")]
    pub fault: Option<String>,
    /// Keep the server up until Ctrl-C, and print how to reach it
    #[arg(long)]
    pub serve: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The cause
    #[arg(value_name = "ID", required_unless_present = "list")]
    pub id: Option<String>,
    /// List all causes
    #[arg(long, conflicts_with = "id")]
    pub list: bool,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// A report that --json or --report has saved, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// What all commands take.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Common {
    /// The bound on the whole run; what was seen until then is reported
    #[arg(long, global = true, value_name = "DURATION", default_value = "10s", value_parser = parse_timeout)]
    pub timeout: Duration,
    /// IPv4 alone
    #[arg(short = '4', long = "ipv4", global = true, conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// IPv6 alone
    #[arg(short = '6', long = "ipv6", global = true)]
    pub ipv6: bool,
    /// Send from this address or network interface
    #[arg(long, global = true, value_name = "ADDRESS|INTERFACE")]
    pub bind: Option<String>,
    /// Trust the roots in this PEM file beside the system's
    #[arg(long, global = true, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// A STUN server to compare with, in place of the built-in public ones; repeatable
    #[arg(long, global = true, value_name = "TARGET", value_parser = parse_control)]
    pub control: Vec<Control>,
    /// Ask no host but the target: who blocks can then not be told
    #[arg(long, global = true, conflicts_with = "control")]
    pub no_controls: bool,
    /// The form of the report
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// The same as --format json
    #[arg(long, global = true, conflicts_with = "format")]
    pub json: bool,
    /// Write the report to a file too; the suffix (.json, .txt) gives the form
    #[arg(long, global = true, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// When to use colours; `NO_COLOR` is respected
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    pub color: When,
    /// Replace addresses and host names in the report, the same one by the same one
    #[arg(long, global = true)]
    pub mask_addresses: bool,
    /// Fail on this cause, whatever its level; repeatable
    #[arg(long, global = true, value_name = "ID")]
    pub deny: Vec<String>,
    /// Take this cause as no more than a warning; repeatable
    #[arg(long, global = true, value_name = "ID")]
    pub allow: Vec<String>,
    /// Exit with 1 when calls work for some users only, or badly
    #[arg(long, global = true)]
    pub strict: bool,
    /// List every observation
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Say the verdict alone
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The shortest run that can tell anything.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(100);

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let timeout = humantime::parse_duration(text).map_err(|error| format!("{error}; write it as 10s or 1m30s"))?;
    if timeout < SHORTEST_TIMEOUT { Err("no less than 100ms".to_owned()) } else { Ok(timeout) }
}

/// A control is a host with a port, 3478 by default, or a `stun:` URI.
fn parse_control(text: &str) -> Result<Control, String> {
    let target: Target = text.parse().map_err(|error: crate::model::target::InvalidTarget| error.to_string())?;
    match target {
        Target::Host(host) => Ok(Control { host, port: 3478 }),
        Target::HostAndPort(host, port) => Ok(Control { host, port }),
        Target::Uri(uri) if !uri.relay && !uri.secure => Ok(Control { host: uri.host, port: uri.port.unwrap_or(3478) }),
        Target::Uri(_) => Err("a control is a STUN server over UDP: host, host:port or stun:host:port".to_owned()),
    }
}
