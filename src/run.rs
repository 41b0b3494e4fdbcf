//! A run: what is asked becomes a plan, the plan's probes run side by side within the deadline, and a report comes out.

mod beside;
mod calm;
pub mod call;
pub mod execute;
pub mod judge;
pub mod plan;
pub mod ports;
mod responder;
mod server;

pub use execute::execute;
pub use plan::Plan;
