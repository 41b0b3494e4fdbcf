//! A stream that keeps the first bytes that came, to say afterwards what the other side speaks.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::network::Stream;

/// How many bytes are kept: enough for a status line.
const KEPT: usize = 64;

/// The first bytes that came over a stream.
pub type FirstBytes = Rc<RefCell<Vec<u8>>>;

/// A stream that keeps the first bytes that came.
pub struct Overheard {
    inner: Box<dyn Stream>,
    first: FirstBytes,
}

impl Overheard {
    /// Wraps a stream; the first bytes can be read from the second value at any time.
    #[must_use]
    pub fn new(inner: Box<dyn Stream>) -> (Self, FirstBytes) {
        let first = FirstBytes::default();
        (Self { inner, first: Rc::clone(&first) }, first)
    }
}

impl AsyncRead for Overheard {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut *self.inner).poll_read(context, buffer);
        let mut first = self.first.borrow_mut();
        let room = KEPT.saturating_sub(first.len());
        first.extend(buffer.filled()[before..].iter().take(room));
        polled
    }
}

impl AsyncWrite for Overheard {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_shutdown(context)
    }
}
