//! A box in the middle of a call with both ends in callcheck: their candidates are led to it on their way to the gateway.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use async_trait::async_trait;
use callcheck::lab::gateway::exchange::CALLER_TOKEN;
use callcheck::run::call::{Lines, sockets};
use callcheck::signaling::gateway::Gateway;
use callcheck::signaling::line::{Emitted, Incoming, Line};
use serde_json::Value;

use crate::middlebox::{Drops, Middlebox, moved};
use crate::stage::Stage;

/// Connections to the gateway whose candidates lead to the box, which forwards from now on.
pub async fn through_box(stage: &Stage, drops: Drops) -> Rc<dyn Lines> {
    let middlebox = Rc::new(Middlebox::new().await);
    let lines =
        BoxedLines { caller: stage.account(CALLER_TOKEN), at_caller: middlebox.at_caller(), at_callee: middlebox.at_callee() };
    tokio::task::spawn_local(middlebox.forward(drops, Rc::new(Cell::new(None))));
    Rc::new(lines)
}

struct BoxedLines {
    caller: Gateway,
    at_caller: SocketAddr,
    at_callee: SocketAddr,
}

#[async_trait(?Send)]
impl Lines for BoxedLines {
    async fn open(&self, gateway: &Gateway) -> Box<dyn Line> {
        let line = sockets(None).expect("the system's roots").open(gateway).await;
        // Each end is told the socket that its packets are to come in at.
        let leads_to = if *gateway == self.caller { self.at_callee } else { self.at_caller };
        Box::new(BoxedLine { line, leads_to })
    }

    fn has_front(&self) -> bool {
        true
    }
}

struct BoxedLine {
    line: Box<dyn Line>,
    leads_to: SocketAddr,
}

#[async_trait(?Send)]
impl Line for BoxedLine {
    async fn emit(&self, event: &str, mut payload: Value) -> Emitted {
        if let Some(candidate) = payload.pointer_mut("/candidate/candidate")
            && let Some(line) = candidate.as_str()
        {
            *candidate = moved(line, self.leads_to).into();
        }
        self.line.emit(event, payload).await
    }

    async fn next(&mut self) -> Incoming {
        self.line.next().await
    }

    fn dropped(&self) -> u32 {
        self.line.dropped()
    }

    async fn close(self: Box<Self>) {
        self.line.close().await;
    }
}
