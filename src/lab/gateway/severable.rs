//! A listener whose connections can be cut from outside, as by a network that is gone.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// How long accepting rests where the system gives no connection.
const REST: Duration = Duration::from_millis(50);

/// Cuts one connection.
#[derive(Debug, Default)]
pub struct Cut {
    made: AtomicBool,
    waker: AtomicWaker,
}

impl Cut {
    /// Cuts it, now and for good.
    pub fn make(&self) {
        self.made.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn is_made(&self, context: &Context<'_>) -> bool {
        self.waker.register(context.waker());
        self.made.load(Ordering::Acquire)
    }
}

/// Names a connection, and can cut it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The connections of a listener count from zero.
    pub number: usize,
    /// What cuts it.
    pub cut: Arc<Cut>,
}

/// A TCP listener whose connections can be cut.
#[derive(Debug)]
pub struct SeverableListener {
    inner: TcpListener,
    accepted: usize,
}

impl SeverableListener {
    /// Wraps a listener.
    #[must_use]
    pub fn new(inner: TcpListener) -> Self {
        Self { inner, accepted: 0 }
    }
}

impl Listener for SeverableListener {
    type Io = SeverableStream;
    type Addr = Connection;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((inner, _)) = self.inner.accept().await else {
                tokio::time::sleep(REST).await;
                continue;
            };
            _ = inner.set_nodelay(true);
            let connection = Connection { number: self.accepted, cut: Arc::default() };
            self.accepted += 1;
            return (SeverableStream { inner, cut: Arc::clone(&connection.cut) }, connection);
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(Connection { number: usize::MAX, cut: Arc::default() })
    }
}

impl Connected<IncomingStream<'_, SeverableListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, SeverableListener>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A TCP connection that can be cut.
#[derive(Debug)]
pub struct SeverableStream {
    inner: TcpStream,
    cut: Arc<Cut>,
}

impl AsyncRead for SeverableStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.cut.is_made(context) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl AsyncWrite for SeverableStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.cut.made.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
