//! A web server where none is expected: on the TURN port, behind TLS, or as the portal of a hotel.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::task::spawn_local;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::certificate::{Presented, beginning, server_config};
use super::internet::{Internet, Service};
use super::packet::{Packet, Protocol, SiteId};
use super::stream::Pipe;

/// A web server on one TCP port of a host.
pub struct WebServer {
    port: u16,
    /// What it presents, where it speaks TLS.
    presented: Option<Presented>,
    /// When its world began.
    began: Instant,
}

impl WebServer {
    pub fn open(internet: &Internet, site: SiteId, port: u16) {
        internet.install(site, Rc::new(Self { port, presented: None, began: Instant::now() }));
    }

    /// The same inside TLS.
    pub fn open_tls(internet: &Internet, site: SiteId, port: u16, presented: Presented) {
        internet.install(site, Rc::new(Self { port, presented: Some(presented), began: Instant::now() }));
    }
}

impl Service for WebServer {
    fn listens(&self, protocol: Protocol, local: SocketAddr) -> bool {
        protocol == Protocol::Tcp && local.port() == self.port
    }

    fn datagram(&self, _packet: Packet) {}

    fn connection(&self, stream: Pipe, _local: SocketAddr, _peer: SocketAddr) {
        let (presented, began) = (self.presented, self.began);
        // A client that hangs up early is no concern of the server's.
        spawn_local(async move { _ = serve(stream, presented, began).await });
    }
}

async fn serve(stream: Pipe, presented: Option<Presented>, began: Instant) -> io::Result<()> {
    match presented {
        None => answer_http(stream, began).await,
        Some(presented) => answer_http(TlsAcceptor::from(server_config(presented)).accept(stream).await?, began).await,
    }
}

/// Reads something, answers with a page and hangs up; the page tells what time it is in a world that began then.
pub async fn answer_http(mut stream: impl AsyncRead + AsyncWrite + Unpin, began: Instant) -> io::Result<()> {
    let mut request = [0; 2048];
    let length = stream.read(&mut request).await?;
    if length > 0 {
        let is_http = request.starts_with(b"HEAD ") || request.starts_with(b"GET ");
        let status = if is_http { "200 OK" } else { "400 Bad Request" };
        let date = httpdate::fmt_http_date(beginning() + began.elapsed());
        let page =
            format!("HTTP/1.1 {status}\r\nServer: nginx\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        stream.write_all(page.as_bytes()).await?;
    }
    stream.shutdown().await
}
