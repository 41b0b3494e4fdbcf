//! A web server where none is expected: on the TURN port, behind TLS, or as the portal of a hotel.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::task::spawn_local;

use super::internet::{Internet, Service};
use super::packet::{Packet, Protocol, SiteId};
use super::stream::Pipe;

/// What a web server says to anything that is not HTTP.
const PAGE: &[u8] = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A web server on one TCP port of a host.
pub struct WebServer {
    port: u16,
}

impl WebServer {
    pub fn open(internet: &Internet, site: SiteId, port: u16) {
        internet.install(site, Rc::new(Self { port }));
    }
}

impl Service for WebServer {
    fn listens(&self, protocol: Protocol, local: SocketAddr) -> bool {
        protocol == Protocol::Tcp && local.port() == self.port
    }

    fn datagram(&self, _packet: Packet) {}

    fn connection(&self, stream: Pipe, _local: SocketAddr, _peer: SocketAddr) {
        // A client that hangs up early is no concern of the server's.
        spawn_local(async move { _ = answer_http(stream).await });
    }
}

/// Reads something, answers with a page and hangs up.
pub async fn answer_http(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    if stream.read(&mut [0; 2048]).await? > 0 {
        stream.write_all(PAGE).await?;
    }
    stream.shutdown().await
}
