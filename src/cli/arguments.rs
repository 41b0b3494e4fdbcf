//! The command line: the one definition from which parser, help, man page and completions are made.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::model::call::{Path, Role};
use crate::model::ports::{PortRange, USUAL_RELAY_RANGE};
use crate::model::target::Target;
use crate::probe::control::Control;
use crate::signaling::gateway::Transports;

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

const EXIT_CODES: &str = "callcheck HOST is callcheck turn HOST.\n\nExit codes: 0 calls will work (ok, degraded), 1 they fail (with --strict also degraded), \
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
    /// Say which ports of a server are open: those it listens on, and its relay range, sampled or port by port
    Ports(Box<Ports>),
    /// Answer on every free port of this host, for a time, so that `ports` elsewhere can say which ones a firewall lets through
    Responder(Responder),
    /// Call through the signaling server, both ends from here or one of them, and say why it fails
    Call(Box<Call>),
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
    /// What to log in to the target with, where it is a TURN server: its relay then shows what the NAT lets in
    #[command(flatten)]
    pub login: Login,
    /// Measure how long an idle mapping of the NAT lives, up to this [without a value: 2m]; it takes that long, and --timeout is prolonged by it
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "2m", value_parser = parse_idle)]
    pub lifetime: Option<Duration>,
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
    /// The other side that the relay is for, a media server for instance: whether the relay may send there is asked (repeatable)
    #[arg(long, value_name = "ADDRESS")]
    pub peer: Vec<IpAddr>,
    /// How long the paced stream through the relay lasts; short and overlapped by default
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub stream: Option<Duration>,
}

/// Arguments of `ports`.
#[derive(Debug, Args)]
pub struct Ports {
    /// The server.
    #[arg(value_name = "HOST", help = TURN_TARGET)]
    pub target: Target,
    /// What to log in to the TURN server with
    #[command(flatten)]
    pub login: Login,
    /// How many ports of the relay are sampled
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub samples: u32,
    /// Try every port of the relay, one by one: for one's own server, which is kept busy meanwhile
    #[arg(long, conflicts_with = "samples")]
    pub all: bool,
    /// No more than so many ports a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: Option<u32>,
    /// The ports that are judged [default: all that the server gives out; 49152-65535 against a responder and without a login]
    #[arg(long, value_name = "FIRST-LAST")]
    pub range: Option<PortRange>,
    /// Sweep every UDP port of the range against `callcheck responder`, which runs on the server's host and listens there
    #[arg(long, value_name = "HOST:PORT", requires = "token_file", value_parser = parse_responder)]
    pub responder: Option<Target>,
    /// A file with the responder's token in its first line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "responder")]
    pub token_file: Option<PathBuf>,
    /// Sweep the TCP ports against the responder, too
    #[arg(long, requires = "responder")]
    pub tcp: bool,
}

/// Arguments of `responder`.
#[derive(Debug, Args)]
pub struct Responder {
    /// The address to answer at, and the port of the control exchange, which need not lie in the range; `[::]` is IPv4 and IPv6
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse_listen)]
    pub listen: SocketAddr,
    /// The ports to answer at, where no other program has them [default: 49152-65535]
    #[arg(long, value_name = "FIRST-LAST", default_value_t = USUAL_RELAY_RANGE, hide_default_value = true)]
    pub range: PortRange,
    /// A file with a token of 16 characters or more in its first line; those who have it are answered, and nobody else
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub token_file: PathBuf,
    /// How long to go on
    #[arg(long = "for", value_name = "DURATION", default_value = "10m", value_parser = parse_lifetime)]
    pub lifetime: Duration,
}

/// Arguments of `call`. What isn't given comes from the configuration file.
#[derive(Debug, Args)]
pub struct Call {
    /// The signaling server (Socket.IO 4)
    #[arg(long, value_name = "URL")]
    pub signaling: Option<String>,
    /// The one-to-one chat of the two accounts
    #[arg(long, value_name = "ID")]
    pub chat_id: Option<String>,
    /// A file with the caller's token in its first line [env: `CALLCHECK_CALLER_TOKEN` holds the token itself]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub caller_token_file: Option<PathBuf>,
    /// A file with the callee's token in its first line [env: `CALLCHECK_CALLEE_TOKEN` holds the token itself]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub callee_token_file: Option<PathBuf>,
    /// Run one end here alone; the other one is a callcheck elsewhere, a browser or the application
    #[arg(long, value_name = "ROLE", value_enum)]
    pub role: Option<RoleChoice>,
    /// The policy of both ends, as `iceTransportPolicy`; without it a call from one process is tried with either
    #[arg(long, value_name = "POLICY", value_enum, conflicts_with_all = ["path", "paths"])]
    pub policy: Option<PolicyChoice>,
    /// Use this way alone
    #[arg(long, value_name = "PATH", value_enum, conflicts_with = "paths")]
    pub path: Option<PathChoice>,
    /// Try every way by itself and print which ones work
    #[arg(long)]
    pub paths: bool,
    /// How long media flows once both ends are connected [default: 2s]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// How long a callee waits to be called; --timeout counts from the offer
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = humantime::parse_duration)]
    pub wait: Duration,
    /// The path of the signaling server's Engine.IO endpoint [default: /socket.io/]
    #[arg(long, value_name = "PATH")]
    pub signaling_path: Option<String>,
    /// The namespace [default: /]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// The transports of Socket.IO [default: both]
    #[arg(long, value_name = "TRANSPORTS", value_enum)]
    pub transports: Option<TransportsChoice>,
    /// The origin of the application's page, to test what the signaling server allows it
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,
    /// A TURN or STUN server, where there is no list of them
    #[arg(long, value_name = "TARGET", conflicts_with = "ice_servers")]
    pub turn: Option<Target>,
    /// A browser's iceServers as JSON: a file, a URL that is fetched, or - for standard input
    #[arg(long, value_name = "FILE|URL|-", value_hint = ValueHint::AnyPath)]
    pub ice_servers: Option<String>,
    /// What to log in to the TURN server with
    #[command(flatten)]
    pub login: Login,
}

/// The ends of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleChoice {
    /// It makes the offer
    Caller,
    /// It waits for one and answers
    Callee,
}

impl From<RoleChoice> for Role {
    fn from(choice: RoleChoice) -> Self {
        match choice {
            RoleChoice::Caller => Self::Caller,
            RoleChoice::Callee => Self::Callee,
        }
    }
}

/// The policies of a peer connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyChoice {
    /// All candidates
    All,
    /// Relay candidates alone
    Relay,
}

impl From<PolicyChoice> for Path {
    fn from(choice: PolicyChoice) -> Self {
        match choice {
            PolicyChoice::All => Self::All,
            PolicyChoice::Relay => Self::Relay,
        }
    }
}

/// The single ways of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PathChoice {
    /// Addresses of the hosts themselves
    Host,
    /// Addresses as a STUN server sees them
    Srflx,
    /// The relay, reached over UDP
    RelayUdp,
    /// The relay, reached over TCP
    RelayTcp,
    /// The relay, reached over TLS
    RelayTls,
}

impl From<PathChoice> for Path {
    fn from(choice: PathChoice) -> Self {
        match choice {
            PathChoice::Host => Self::Host,
            PathChoice::Srflx => Self::Srflx,
            PathChoice::RelayUdp => Self::RelayUdp,
            PathChoice::RelayTcp => Self::RelayTcp,
            PathChoice::RelayTls => Self::RelayTls,
        }
    }
}

/// The transports of Socket.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TransportsChoice {
    /// Polling first, then an upgrade to WebSocket, as browsers do
    Both,
    /// WebSocket alone
    Websocket,
    /// Polling alone
    Polling,
}

impl From<TransportsChoice> for Transports {
    fn from(choice: TransportsChoice) -> Self {
        match choice {
            TransportsChoice::Both => Self::Both,
            TransportsChoice::Websocket => Self::Websocket,
            TransportsChoice::Polling => Self::Polling,
        }
    }
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
    /// The bound on the whole run; what was seen until then is reported [default: 10s, and 5m where every port is tried]
    #[arg(long, global = true, value_name = "DURATION", value_parser = parse_timeout)]
    pub timeout: Option<Duration>,
    /// IPv4 alone
    #[arg(short = '4', long = "ipv4", global = true, conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// IPv6 alone
    #[arg(short = '6', long = "ipv6", global = true)]
    pub ipv6: bool,
    /// Send from this address or network interface
    #[arg(long, global = true, value_name = "ADDRESS|INTERFACE")]
    pub bind: Option<String>,
    /// The configuration file [default: ./callcheck.toml, then callcheck/callcheck.toml in the user's folder of configurations]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
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

impl Common {
    /// The bound on the whole run.
    #[must_use]
    pub fn bound(&self) -> Duration {
        self.timeout.unwrap_or(USUAL_TIMEOUT)
    }
}

/// The bound on a run where none was given.
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);

/// The same where every port of a range is tried.
pub const SWEEP_TIMEOUT: Duration = Duration::from_mins(5);

/// The bounds of `--lifetime`: a permission at a relay lives for five minutes (RFC 8656 §9).
const IDLE: [Duration; 2] = [Duration::from_secs(1), Duration::from_mins(4)];

fn parse_idle(text: &str) -> Result<Duration, String> {
    let idle = humantime::parse_duration(text).map_err(|error| format!("{error}; write it as 45s or 2m"))?;
    if idle < IDLE[0] || idle > IDLE[1] { Err("no less than 1s and no more than 4m".to_owned()) } else { Ok(idle) }
}

/// The shortest run that can tell anything.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(100);

fn parse_timeout(text: &str) -> Result<Duration, String> {
    let timeout = humantime::parse_duration(text).map_err(|error| format!("{error}; write it as 10s or 1m30s"))?;
    if timeout < SHORTEST_TIMEOUT { Err("no less than 100ms".to_owned()) } else { Ok(timeout) }
}

/// A responder has no usual port.
fn parse_responder(text: &str) -> Result<Target, String> {
    match text.parse() {
        Ok(Target::HostAndPort(host, port)) => Ok(Target::HostAndPort(host, port)),
        Ok(Target::Host(_) | Target::Uri(_)) => {
            Err("write it as host:port, the port being the one that it listens on".to_owned())
        }
        Err(error) => Err(crate::model::target::InvalidTarget::to_string(&error)),
    }
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "write it as address:port, such as 0.0.0.0:9999 or [::]:9999".to_owned())?;
    if address.port() == 0 { Err("port 0 is none that could be named to others".to_owned()) } else { Ok(address) }
}

/// The longest time that a responder goes on: it is there for a test, and not to stay.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

fn parse_lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = humantime::parse_duration(text).map_err(|error| format!("{error}; write it as 10m or 1h"))?;
    match lifetime {
        Duration::ZERO => Err("no time at all".to_owned()),
        lifetime if lifetime > LONGEST_LIFETIME => Err("no more than 24h".to_owned()),
        lifetime => Ok(lifetime),
    }
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
