//! The gateways that the tests run: embedded, in memory, and on Node as a child process.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use callcheck::lab::gateway::exchange::{Exchange, NO_ANSWER_AFTER};
use callcheck::lab::gateway::fault::GatewayFault;
use callcheck::lab::gateway::hub::Hub;
use callcheck::lab::gateway::memory;
use callcheck::lab::gateway::server;
use callcheck::signaling::gateway::{Gateway, Transports};
use callcheck::signaling::line::Line;
use callcheck::signaling::socket_io::{Roots, SocketIo};
use libtest_mimic::Failed;
use serde_json::json;

/// The tokens of the two accounts.
pub const CALLER: &str = "caller-token";
pub const CALLEE: &str = "callee-token";

/// How long an event takes each way in memory.
const DELAY: Duration = Duration::from_millis(5);

/// Which gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Embedded,
    Memory,
    Node,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Memory => "memory",
            Self::Node => "node",
        }
    }
}

/// How a gateway is to be run.
#[derive(Clone, Debug)]
pub struct Wish {
    pub faults: Vec<GatewayFault>,
    pub path: &'static str,
    pub namespace: &'static str,
    /// The files of its certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
}

impl Wish {
    pub fn broken(faults: &[GatewayFault]) -> Self {
        Self { faults: faults.to_vec(), path: "/socket.io/", namespace: "/", tls: None }
    }
}

/// A running gateway; it ends when this is dropped.
pub enum Running {
    Embedded(server::Gateway),
    Memory(Arc<Hub>),
    Node { child: Child, port: u16, secure: bool },
}

impl Running {
    pub async fn start(kind: Kind, wish: &Wish) -> Result<Self, Failed> {
        match kind {
            Kind::Embedded => {
                let config = server::GatewayConfig {
                    path: wish.path.to_owned(),
                    namespace: wish.namespace.to_owned(),
                    ..server::GatewayConfig::broken(&wish.faults)
                };
                Ok(Self::Embedded(server::Gateway::start(config).await?))
            }
            Kind::Memory => {
                let hub = Hub::new(Exchange::new(&wish.faults, NO_ANSWER_AFTER).with_delay(DELAY));
                let driven = Arc::clone(&hub);
                tokio::task::spawn_local(async move { driven.run().await });
                Ok(Self::Memory(hub))
            }
            Kind::Node => node(wish),
        }
    }

    /// How it is configured for one of the accounts.
    pub fn gateway(&self, token: &str) -> Gateway {
        let url = match self {
            Self::Embedded(gateway) => gateway.url(),
            Self::Memory(_) => "http://gateway.example".to_owned(),
            Self::Node { port, secure: true, .. } => format!("https://localhost:{port}"),
            Self::Node { port, secure: false, .. } => format!("http://127.0.0.1:{port}"),
        };
        Gateway::new(&url).expect("a right URL").with_auth(json!({ "token": token }))
    }

    /// A line of one of the accounts.
    pub async fn line(&self, token: &str, transports: Transports) -> Result<Box<dyn Line>, Failed> {
        let mut gateway = self.gateway(token);
        gateway.transports = transports;
        self.line_by(&gateway).await
    }

    /// A line by a configuration.
    pub async fn line_by(&self, gateway: &Gateway) -> Result<Box<dyn Line>, Failed> {
        match self {
            Self::Memory(hub) => Ok(Box::new(memory::line(hub, gateway.auth()))),
            Self::Embedded(_) | Self::Node { .. } => Ok(Box::new(SocketIo::open(gateway, &Roots::with(None)?).await)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Self::Node { child, .. } = self {
            // Its input ends with this, and so does it; waiting leaves no zombie behind.
            drop(child.stdin.take());
            _ = child.wait();
        }
    }
}

/// Why the gateway on Node can't be run, where it can't.
pub fn missing() -> Option<String> {
    let version = Command::new("node").arg("--version").output().ok();
    let version = version.and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    let major =
        version.trim().strip_prefix('v').and_then(|rest| rest.split('.').next()).and_then(|major| major.parse::<u32>().ok());
    match major {
        None => Some("node is not installed".to_owned()),
        Some(major) if major < 18 => Some(format!("node {major} is older than 18")),
        Some(_) if !folder().join("node_modules/socket.io").is_dir() => {
            Some("npm ci was not run in tests/gateway: ./tests/run does it".to_owned())
        }
        Some(_) => None,
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateway")
}

fn node(wish: &Wish) -> Result<Running, Failed> {
    if let Some(why) = missing() {
        return Err(Failed::from(why));
    }
    let mut command = Command::new("node");
    command.arg(folder().join("gateway.mjs")).args(["--path", wish.path, "--namespace", wish.namespace]);
    for fault in &wish.faults {
        command.args(["--fault", fault.id()]);
    }
    if let Some((certificate, key)) = &wish.tls {
        command.arg("--cert").arg(certificate).arg("--key").arg(key);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("its output is a pipe")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let port = line.trim().strip_prefix("listening ").and_then(|port| port.parse().ok());
    let port = port.ok_or_else(|| Failed::from(format!("the gateway on Node says {line:?}")))?;
    Ok(Running::Node { child, port, secure: wish.tls.is_some() })
}
