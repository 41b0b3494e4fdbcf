//! A run: what is asked becomes a plan, the plan's probes run side by side within the deadline, and a report comes out.

mod beside;
pub mod call;
mod calm;
pub mod execute;
pub mod judge;
pub mod plan;
pub mod ports;
mod responder;
mod server;

pub use execute::execute;
pub use plan::Plan;
