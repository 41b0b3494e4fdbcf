//! The demo: the embedded servers, healthy or broken on purpose, and the plan of a run against them.

use std::fmt::Write as _;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use super::fault::Fault;
use super::gateway::exchange::{CALLEE_TOKEN, CALLER_TOKEN};
use super::gateway::fault::GatewayFault;
use super::gateway::server;
use super::host::{Lab, LabConfig};
use crate::model::asked::{Form, Purpose, Service};
use crate::model::call::{Path, Role};
use crate::model::endpoint::Transport;
use crate::model::target::Host;
use crate::net::tls::Trust;
use crate::probe::control::Control;
use crate::run::call::{Calling, Lines, Onlooker};
use crate::run::plan::{Families, Login, Plan, Planned};
use crate::signaling::call_event::ChatId;
use crate::signaling::gateway::Gateway;

/// What the demo breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The TURN server; it is probed alone.
    Turn(Fault),
    /// The gateway; a call is made through it.
    Gateway(GatewayFault),
    /// The application, which allows nothing but a relay while there is none.
    ForcedRelay,
}

/// The causes of a call, each with what makes it.
const CALLS: &[(&str, Broken)] = &[
    ("answer-not-forwarded", Broken::Gateway(GatewayFault::AnswerNotForwarded)),
    ("candidates-not-forwarded", Broken::Gateway(GatewayFault::CalleeCandidatesNotForwarded)),
    ("ice-relay-forced-without-turn", Broken::ForcedRelay),
    ("no-answer-timeout", Broken::Gateway(GatewayFault::NoAnswerAtOnce)),
    ("offer-altered", Broken::Gateway(GatewayFault::OfferAltered)),
    ("receiver-offline", Broken::Gateway(GatewayFault::OfferNotForwarded)),
    ("signaling-auth-refused", Broken::Gateway(GatewayFault::AuthRefused)),
    ("signaling-call-refused", Broken::Gateway(GatewayFault::CallRefused)),
    ("signaling-cors", Broken::Gateway(GatewayFault::NoCors)),
    ("signaling-drops", Broken::Gateway(GatewayFault::DropsConnection)),
    ("signaling-namespace-refused", Broken::Gateway(GatewayFault::NamespaceRefused)),
    ("signaling-not-sticky", Broken::Gateway(GatewayFault::NotSticky)),
    ("signaling-protocol-mismatch", Broken::Gateway(GatewayFault::OldProtocol)),
    ("signaling-slow", Broken::Gateway(GatewayFault::Slow)),
    ("signaling-unreachable", Broken::Gateway(GatewayFault::Silent)),
    ("signaling-websocket-blocked", Broken::Gateway(GatewayFault::WebsocketRefused)),
    ("signaling-wrong-path", Broken::Gateway(GatewayFault::WrongPath)),
];

/// The chat of the demo's two accounts.
const CHAT: &str = "42";

/// The origin of the demo's page.
const ORIGIN: &str = "https://app.example.org";

/// How long media flows: enough to be counted.
const DURATION: Duration = Duration::from_millis(500);

/// The faults that the demo can make, by name.
#[must_use]
pub fn faults() -> Vec<&'static str> {
    let of_turn = Fault::ALL.iter().filter(|fault| fault.on_loopback()).map(|fault| fault.id());
    let mut names: Vec<&str> = of_turn.chain(CALLS.iter().map(|(id, _)| *id)).collect();
    names.sort_unstable();
    names
}

/// The fault of that name.
///
/// # Errors
///
/// A sentence that names the option and the value.
pub fn fault(name: &str) -> Result<Broken, String> {
    if let Some((_, broken)) = CALLS.iter().find(|(id, _)| *id == name) {
        return Ok(*broken);
    }
    match name.parse::<Fault>().ok() {
        Some(fault) if fault.on_loopback() => Ok(Broken::Turn(fault)),
        Some(_) => Err(format!("invalid value {name:?} for --fault: loopback alone can't show it")),
        None => Err(format!("invalid value {name:?} for --fault: callcheck demo --fault list names those on offer")),
    }
}

/// The demo's servers; they end when this is dropped.
pub struct Servers {
    turn: Lab,
    gateway: server::Gateway,
    broken: Option<Broken>,
}

impl Servers {
    /// How many allocations are alive at the TURN server.
    #[must_use]
    pub fn allocations(&self) -> usize {
        self.turn.allocations()
    }
}

/// Starts the servers; it must be called inside a `LocalSet`.
///
/// # Errors
///
/// What the system says where a port can't be had.
pub async fn start(broken: Option<Broken>) -> io::Result<Servers> {
    let (of_turn, of_gateway) = match broken {
        None => (None, None),
        Some(Broken::Turn(fault)) => (Some(fault), None),
        Some(Broken::Gateway(fault)) => (None, Some(fault)),
        Some(Broken::ForcedRelay) => (Some(Fault::TurnDown), None),
    };
    let turn = Lab::start(LabConfig { faults: of_turn.into_iter().collect(), ..LabConfig::default() }).await?;
    let faults: Vec<GatewayFault> = of_gateway.into_iter().collect();
    let config = server::GatewayConfig { page: Some(page(&turn)), ..server::GatewayConfig::broken(&faults) };
    let gateway = server::Gateway::start(config).await?;
    Ok(Servers { turn, gateway, broken })
}

/// A page on which a browser is the other end of a call.
fn page(turn: &Lab) -> String {
    let login = turn.credentials();
    let (username, credential) = login.as_ref().map_or(("", ""), |login| (login.username.expose(), login.password.expose()));
    let urls = [format!("turn:{}?transport=udp", turn.udp()), format!("turn:{}?transport=tcp", turn.tcp())];
    let servers = serde_json::json!([{ "urls": urls, "username": username, "credential": credential }]);
    include_str!("gateway/page.html")
        .replace("ICE_SERVERS", &servers.to_string())
        .replace("CHAT_ID", CHAT)
        .replace("CALLER_TOKEN", CALLER_TOKEN)
        .replace("CALLEE_TOKEN", CALLEE_TOKEN)
}

/// The plan of a run against the servers, as if the TURN server's host had been given alone; a fault of the TURN server is shown by its
/// probes alone.
#[must_use]
pub fn plan(servers: &Servers, timeout: Duration, lines: Rc<dyn Lines>, onlooker: Onlooker) -> Plan {
    let lab = &servers.turn;
    let call = match servers.broken {
        Some(Broken::Turn(_)) => None,
        Some(Broken::Gateway(_)) | None => Some(calling(servers, None, lines, onlooker)),
        Some(Broken::ForcedRelay) => Some(calling(servers, Some(Path::Relay), lines, onlooker)),
    };
    let login = lab.credentials().map(|credentials| Rc::new(Login::Given(credentials)));
    // A bare host doesn't mean DTLS.
    let usual = lab.endpoints().iter().filter(|endpoint| endpoint.transport != Transport::Dtls);
    let services = usual.map(|endpoint| Planned {
        service: Service {
            host: Host::Address(endpoint.ip()),
            port: Some(endpoint.address.port()),
            transport: endpoint.transport,
            relay: true,
        },
        login: login.clone(),
    });
    let controls = lab.controls().iter().map(|address| Control { host: Host::Address(address.ip()), port: address.port() });
    // The lab made this root a moment ago: that it can't be read would be a fault of the lab and shows as an untrusted chain.
    let trust = Trust::nobody().with_roots(lab.ca_pem().as_bytes()).unwrap_or_else(|_| Trust::nobody());
    Plan {
        command: "demo".to_owned(),
        purpose: if call.is_some() { Purpose::Call } else { Purpose::Turn },
        form: Form::Host,
        services: services.collect(),
        controls: controls.collect(),
        trust,
        timeout,
        families: Families::Both,
        long_stream: None,
        longest_idle: None,
        peers: Vec::new(),
        proxy: None,
        ports: None,
        progress: Rc::new(|_| {}),
        call,
        contacted: Vec::new(),
        list: Vec::new(),
    }
}

fn calling(servers: &Servers, forced: Option<Path>, lines: Rc<dyn Lines>, onlooker: Onlooker) -> Calling {
    let end = |role: Role, token: &str| {
        let gateway = Gateway::new(&servers.gateway.url()).and_then(|gateway| gateway.with_origin(ORIGIN));
        let gateway = gateway.expect("the demo's own addresses are right");
        (role, gateway.with_auth(serde_json::json!({ "token": token })))
    };
    Calling {
        ends: vec![end(Role::Caller, CALLER_TOKEN), end(Role::Callee, CALLEE_TOKEN)],
        lines,
        chat_id: ChatId::new(CHAT),
        forced,
        paths: forced.map_or_else(|| vec![Path::All, Path::Relay], |path| vec![path]),
        duration: DURATION,
        wait: Duration::ZERO,
        patience: Duration::from_secs(5),
        onlooker,
        ready: Rc::new(|| {}),
    }
}

/// How to reach a server that is kept up.
#[must_use]
pub fn invitation(servers: &Servers) -> String {
    let lab = &servers.turn;
    let gateway = servers.gateway.url();
    let mut text = "The embedded servers are up until Ctrl-C:\n".to_owned();
    for endpoint in lab.endpoints() {
        _ = writeln!(text, "  {endpoint}");
    }
    _ = writeln!(text, "  signaling {gateway}, and a page there on which a browser is the other end of a call");
    if let Some(credentials) = lab.credentials() {
        // These are the lab's own, made to be typed: they open nothing else.
        let (user, password) = (credentials.username.expose(), credentials.password.expose());
        let (turn, tokens) = (lab.udp(), format!("CALLCHECK_CALLER_TOKEN={CALLER_TOKEN} CALLCHECK_CALLEE_TOKEN={CALLEE_TOKEN}"));
        _ = writeln!(text, "Try them:\n  CALLCHECK_TURN_PASSWORD={password} callcheck turn {turn} --user {user}");
        _ = writeln!(
            text,
            "  CALLCHECK_TURN_PASSWORD={password} {tokens} \\\n    callcheck call --signaling {gateway} --chat-id {CHAT} --turn {turn} --user {user}"
        );
    }
    _ = write!(text, "To trust the TLS port, save this root and pass it by --ca:\n{}", lab.ca_pem());
    text
}
