//! Connections to a gateway: over sockets here, in memory in tests.

use std::rc::Rc;

use async_trait::async_trait;

use crate::signaling::gateway::Gateway;
use crate::signaling::line::Line;
use crate::signaling::socket_io::{InvalidRoots, Roots, SocketIo};

/// Opens connections to the gateway: over sockets, or in memory in tests.
#[async_trait(?Send)]
pub trait Lines {
    /// A connection for one end; how it goes comes by [`Line::next`].
    async fn open(&self, gateway: &Gateway) -> Box<dyn Line>;

    /// Whether the gateway can be examined by HTTP before.
    fn has_front(&self) -> bool;
}

struct Sockets {
    roots: Roots,
}

/// Connections over sockets, with these roots (PEM) beside the system's.
///
/// # Errors
///
/// [`InvalidRoots`] where they are none.
pub fn sockets(roots: Option<&[u8]>) -> Result<Rc<dyn Lines>, InvalidRoots> {
    Ok(Rc::new(Sockets { roots: Roots::with(roots)? }))
}

#[async_trait(?Send)]
impl Lines for Sockets {
    async fn open(&self, gateway: &Gateway) -> Box<dyn Line> {
        Box::new(SocketIo::open(gateway, &self.roots).await)
    }

    fn has_front(&self) -> bool {
        true
    }
}
