//! Connections to a gateway over sockets.

use std::rc::Rc;

use async_trait::async_trait;

use super::Lines;
use crate::signaling::gateway::Gateway;
use crate::signaling::line::Line;
use crate::signaling::socket_io::{InvalidRoots, Roots, SocketIo};

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
