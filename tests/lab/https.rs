//! A web server that answers whatever comes with one page: inside TLS, or plainly as a portal does.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::Files;
use crate::outcome::{Doing, Outcome};

/// Serves inside TLS, on a thread of its own.
pub fn serve(listener: TcpListener, files: &Files) -> Outcome<()> {
    let config = Arc::new(config(files)?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            thread::spawn(move || {
                if let Ok(connection) = ServerConnection::new(config) {
                    answer(StreamOwned::new(connection, stream));
                }
            });
        }
    });
    Ok(())
}

/// Serves plainly, for ever.
pub fn serve_plainly(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        thread::spawn(move || answer(stream));
    }
}

fn answer(mut stream: impl Read + Write) {
    let mut request = [0; 2048];
    if let Ok(length @ 1..) = stream.read(&mut request) {
        // The caller may have left; a web server doesn't mind.
        let _ = stream.write_all(page(&request[..length]).as_bytes()).and_then(|()| stream.flush());
    }
}

fn page(request: &[u8]) -> String {
    let is_http = request.starts_with(b"HEAD ") || request.starts_with(b"GET ");
    let status = if is_http { "200 OK" } else { "400 Bad Request" };
    let date = httpdate::fmt_http_date(SystemTime::now());
    format!("HTTP/1.1 {status}\r\nServer: nginx\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn config(files: &Files) -> Outcome<ServerConfig> {
    let chain: Vec<CertificateDer> = CertificateDer::pem_file_iter(&files.chain)
        .doing("reading the chain")?
        .collect::<Result<_, _>>()
        .doing("reading the chain")?;
    let key = PrivateKeyDer::from_pem_file(&files.key).doing("reading the key")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .doing("choosing TLS versions")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .doing("using the certificate")
}
