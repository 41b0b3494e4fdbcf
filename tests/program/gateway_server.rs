//! The lab's gateway in a thread of this process, for runs of the program as a child process.

#![allow(dead_code, reason = "each file of tests takes what it needs")]

use std::sync::mpsc as answers;

use callcheck::lab::gateway::server::{Gateway, GatewayConfig};
use tokio::sync::oneshot;

/// A gateway that runs until this is dropped.
pub struct GatewayServer {
    url: String,
    /// The thread waits for its end.
    _stop: oneshot::Sender<()>,
}

impl GatewayServer {
    /// Starts it.
    pub fn start(config: GatewayConfig) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (started, starting) = answers::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("the system has an event loop");
            runtime.block_on(async {
                let gateway = Gateway::start(config).await.expect("loopback has free ports");
                started.send(gateway.url()).expect("the test waits for the start");
                // Whichever way its sender goes, it is over.
                _ = stopped.await;
            });
        });
        Self { url: starting.recv().expect("the gateway starts"), _stop: stop }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }
}
