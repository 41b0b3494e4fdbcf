//! The lab's server in a thread of this process, for runs of the program as a child process.

#![allow(dead_code, reason = "each file of tests takes what it needs")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc as answers;
use std::time::{Duration, Instant};

use callcheck::lab::host::{Lab, LabConfig};
use callcheck::model::endpoint::{Endpoint, Transport};
use callcheck::model::secret::Credentials;
use tokio::sync::mpsc as questions;
use tokio::task::LocalSet;

/// How often the server is asked while something is awaited of it.
const POLL: Duration = Duration::from_millis(5);

/// How long anything may be awaited.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs until this is dropped.
pub struct TurnServer {
    endpoints: Vec<Endpoint>,
    credentials: Option<Credentials>,
    ca: PathBuf,
    counts: questions::UnboundedSender<answers::Sender<usize>>,
}

impl TurnServer {
    /// Starts it.
    pub fn start(config: LabConfig) -> Self {
        let (counts, asked) = questions::unbounded_channel();
        let (started, starting) = answers::channel();
        std::thread::spawn(move || serve(config, &started, asked));
        let (endpoints, credentials, ca) = starting.recv().expect("the server starts");
        Self { endpoints, credentials, ca: scratch_file("root.pem", &ca), counts }
    }

    /// The URI for a transport.
    pub fn uri(&self, transport: Transport) -> String {
        let endpoint = self.endpoints.iter().find(|endpoint| endpoint.transport == transport);
        let address = endpoint.expect("the server listens on every transport").address;
        match transport {
            Transport::Udp => format!("turn:{address}?transport=udp"),
            Transport::Tcp => format!("turn:{address}?transport=tcp"),
            Transport::Tls => format!("turns:{address}?transport=tcp"),
            Transport::Dtls => format!("turns:{address}?transport=udp"),
        }
    }

    /// A browser's list of ICE servers, with the credentials in it.
    pub fn ice_servers(&self, transports: &[Transport]) -> String {
        let urls: Vec<String> = transports.iter().map(|transport| self.uri(*transport)).collect();
        let mut entry = serde_json::json!({ "urls": urls });
        if let Some(credentials) = &self.credentials {
            entry["username"] = credentials.username.expose().into();
            entry["credential"] = credentials.password.expose().into();
        }
        serde_json::json!([entry]).to_string()
    }

    /// The file with the root to trust its TLS port by.
    pub fn ca(&self) -> &str {
        self.ca.to_str().expect("the path is text")
    }

    /// Waits until it has as many allocations as wanted.
    pub fn await_allocations(&self, wanted: impl Fn(usize) -> bool) {
        let until = Instant::now() + PATIENCE;
        loop {
            let (sender, receiver) = answers::channel();
            self.counts.send(sender).expect("the server is up");
            let count = receiver.recv().expect("the server is up");
            if wanted(count) {
                return;
            }
            assert!(Instant::now() < until, "after {PATIENCE:?} there are {count} allocations");
            std::thread::sleep(POLL);
        }
    }
}

type Started = (Vec<Endpoint>, Option<Credentials>, String);

fn serve(config: LabConfig, started: &answers::Sender<Started>, mut asked: questions::UnboundedReceiver<answers::Sender<usize>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the system has an event loop");
    LocalSet::new().block_on(&runtime, async {
        let lab = Lab::start(config).await.expect("loopback has free ports");
        let it = (lab.endpoints().to_vec(), lab.credentials(), lab.ca_pem().to_owned());
        started.send(it).expect("the test waits for the start");
        while let Some(answer) = asked.recv().await {
            // A test that has failed asks no more.
            _ = answer.send(lab.allocations());
        }
    });
}

/// A file of this test's own with that content.
pub fn scratch_file(name: &str, content: &str) -> PathBuf {
    let path = scratch(name);
    std::fs::write(&path, content).expect("the build's own folder is writable");
    path
}

/// A path of this test's own, with nothing there.
pub fn scratch(name: &str) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the build's own folder is writable");
    let path = folder.join(name);
    // An earlier process may have had this number.
    _ = std::fs::remove_file(&path);
    path
}
