//! A web server of any manners on loopback, in threads of this process.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use callcheck::lab::certificates::Certificates;
use callcheck::lab::fault::Fault;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::turn_server::scratch_file;

/// Says something to a client whose request has this head; the connection ends with it.
pub type Manners = dyn Fn(&str, &mut dyn Write) -> std::io::Result<()> + Send + Sync;

/// A server that runs as long as this process.
pub struct WebServer {
    address: SocketAddr,
    ca: Option<PathBuf>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl WebServer {
    /// Starts one without TLS.
    pub fn start(manners: impl Fn(&str, &mut dyn Write) -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        Self::serve(None, Arc::new(manners))
    }

    /// Starts one with TLS, with a certificate that has these faults.
    pub fn secure(
        faults: &[Fault],
        manners: impl Fn(&str, &mut dyn Write) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let certificates = Certificates::new(faults, SystemTime::now()).expect("the system has random numbers");
        let ca = scratch_file("web-root.pem", &certificates.root_pem);
        Self { ca: Some(ca), ..Self::serve(Some(certificates.server), Arc::new(manners)) }
    }

    /// Starts one that says the same to everyone.
    pub fn saying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_, client| client.write_all(&answer))
    }

    fn serve(tls: Option<Arc<ServerConfig>>, manners: Arc<Manners>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = listener.local_addr().expect("a bound socket has an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, manners, seen) = (tls.clone(), Arc::clone(&manners), Arc::clone(&seen));
                std::thread::spawn(move || match tls {
                    None => answer(stream, &*manners, &seen),
                    Some(config) => {
                        let connection = ServerConnection::new(config).expect("the configuration is complete");
                        let mut stream = StreamOwned::new(connection, stream);
                        answer(&mut stream, &*manners, &seen);
                        stream.conn.send_close_notify();
                        // The client may have left, which is its right.
                        _ = stream.flush();
                    }
                });
            }
        });
        Self { address, ca: None, heads }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    /// The file with the root to trust it by.
    pub fn ca(&self) -> &str {
        self.ca.as_deref().and_then(Path::to_str).expect("it has TLS, and the path is text")
    }

    /// The heads of the requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no thread has panicked with it").clone()
    }
}

/// An answer with a body of JSON.
pub fn json(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{text}", text.len())
}

/// A redirection.
pub fn redirection(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

fn answer(mut stream: impl Read + Write, manners: &Manners, seen: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Ok(_) | Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    seen.lock().expect("no thread has panicked with it").push(head.clone());
    // The client may have heard enough.
    _ = manners(&head, &mut stream).and_then(|()| stream.flush());
}
