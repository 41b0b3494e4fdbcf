//! Connections over TCP and TLS: framed STUN for the server, or what a broken or hostile host gives in its place.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_local};
use tokio_rustls::TlsAcceptor;

use super::driver::Driver;
use crate::lab::fault::Fault;
use crate::lab::five_tuple::FiveTuple;
use crate::lab::hostility::Hostility;
use crate::model::endpoint::Transport;
use crate::proto::framing::Framer;

/// How long a client may take for its handshake.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// How many messages wait for a client that reads slowly.
const QUEUE: usize = 4096;

/// How much is read at once.
const READ_SIZE: usize = 16 * 1024;

/// The pace of [`Hostility::SlowDrip`]: a message of a hundred bytes takes ten seconds.
const DRIP_INTERVAL: Duration = Duration::from_millis(100);

/// What a web server says to anything that is not HTTP.
const HTTP_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\nServer: lab\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A fatal alert `handshake_failure` (RFC 8446 §6.2).
const HANDSHAKE_FAILURE: &[u8] = &[21, 3, 3, 0, 2, 2, 40];

/// A fatal alert `protocol_version` from a server that knows TLS 1.0 alone.
const PROTOCOL_VERSION: &[u8] = &[21, 3, 1, 0, 2, 2, 70];

/// Takes connections for ever; they end with the task.
pub async fn accept(driver: Rc<Driver>, transport: Transport, listener: TcpListener, tls: Arc<ServerConfig>) {
    let Ok(server) = listener.local_addr() else { return };
    let acceptor = TlsAcceptor::from(tls);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            accepted = listener.accept() => {
                // Without descriptors left accept fails at once, again and again; the others need time to end.
                let Ok((stream, client)) = accepted else { tokio::time::sleep(DRIP_INTERVAL).await; continue };
                _ = stream.set_nodelay(true);
                let tuple = FiveTuple { transport, client, server };
                connections.spawn_local(connection(Rc::clone(&driver), tuple, stream, acceptor.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(driver: Rc<Driver>, tuple: FiveTuple, stream: TcpStream, acceptor: TlsAcceptor) {
    // A connection that fails is the client's affair.
    _ = match tuple.transport {
        Transport::Udp | Transport::Dtls | Transport::Tcp => speak(&driver, tuple, stream).await,
        Transport::Tls => secure(&driver, tuple, stream, acceptor).await,
    };
}

async fn secure(driver: &Rc<Driver>, tuple: FiveTuple, mut stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<()> {
    let config = driver.config();
    if config.has(Fault::TlsHandshakeFailed) {
        return answer_once(&mut stream, HANDSHAKE_FAILURE).await;
    }
    if config.has(Fault::TlsProtocolTooOld) {
        return answer_once(&mut stream, PROTOCOL_VERSION).await;
    }
    let stream = tokio::time::timeout(HANDSHAKE_PATIENCE, acceptor.accept(stream)).await??;
    speak(driver, tuple, stream).await
}

async fn speak<S>(driver: &Rc<Driver>, tuple: FiveTuple, mut stream: S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let config = driver.config();
    if config.has(Fault::WrongHost) || config.has(Fault::TlsNotTurn) && tuple.transport == Transport::Tls {
        return answer_once(&mut stream, HTTP_ANSWER).await;
    }
    if config.hostility == Some(Hostility::Garbage) {
        return flood(&mut stream).await;
    }
    let (reader, writer) = tokio::io::split(stream);
    let (queue, messages) = mpsc::channel(QUEUE);
    let pace = if config.hostility == Some(Hostility::SlowDrip) { Pace::Drip } else { Pace::Full };
    driver.connected(tuple, queue, spawn_local(write(writer, messages, pace)).abort_handle());
    let _closing = Closing { driver: Rc::clone(driver), tuple };
    read(driver, tuple, reader).await
}

/// Tells the server that a connection has ended, also where its task is aborted.
struct Closing {
    driver: Rc<Driver>,
    tuple: FiveTuple,
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.driver.disconnected(self.tuple);
    }
}

async fn read<S: AsyncRead>(driver: &Rc<Driver>, tuple: FiveTuple, mut reader: ReadHalf<S>) -> io::Result<()> {
    let mut framer = Framer::default();
    let mut buffer = vec![0; READ_SIZE];
    loop {
        let length = reader.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        framer.push(&buffer[..length]);
        loop {
            match framer.next_message() {
                Ok(Some(message)) => driver.receive(tuple, &message),
                Ok(None) => break,
                Err(_not_stun) => return Ok(()),
            }
        }
    }
}

/// How fast a connection is written to.
#[derive(Clone, Copy, Debug)]
enum Pace {
    Full,
    Drip,
}

async fn write<S: AsyncWrite>(mut writer: WriteHalf<S>, mut messages: mpsc::Receiver<Vec<u8>>, pace: Pace) -> io::Result<()> {
    while let Some(bytes) = messages.recv().await {
        match pace {
            // A write a message, hence a TLS record a message: coturn's own client loses what shares a record.
            Pace::Full => {
                writer.write_all(&bytes).await?;
                writer.flush().await?;
            }
            Pace::Drip => {
                for byte in bytes {
                    writer.write_all(&[byte]).await?;
                    writer.flush().await?;
                    tokio::time::sleep(DRIP_INTERVAL).await;
                }
            }
        }
    }
    writer.shutdown().await
}

/// Waits for the first bytes, answers and closes.
async fn answer_once<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, answer: &[u8]) -> io::Result<()> {
    let mut buffer = vec![0; READ_SIZE];
    if stream.read(&mut buffer).await? > 0 {
        stream.write_all(answer).await?;
    }
    stream.shutdown().await
}

/// Writes until the client is gone; it reads what comes as slowly as it likes.
async fn flood<S: AsyncWrite + Unpin>(stream: &mut S) -> io::Result<()> {
    let noise: Vec<u8> = (0..READ_SIZE).map(|index| u8::try_from(index * 7919 % 251).unwrap_or_default() | 0x80).collect();
    loop {
        stream.write_all(&noise).await?;
        stream.flush().await?;
    }
}
