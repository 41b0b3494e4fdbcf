//! The responder: it answers on every port that it can get, to those who have its token, so that they can say which ports a firewall lets
//! through.
//!
//! [`ports`] takes the ports, [`answerer`] decides what is answered without touching a socket, [`serve`] joins both until the time is up.

pub mod allowance;
pub mod answerer;
pub mod ports;
pub mod serve;
