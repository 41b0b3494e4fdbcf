//! The tasks of one end of a call, which end with it.

use std::cell::RefCell;

use tokio::task::{AbortHandle, spawn_local};

/// The tasks that run.
#[derive(Default)]
pub struct Tasks {
    running: RefCell<Vec<AbortHandle>>,
}

impl Tasks {
    /// Runs a task.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let mut running = self.running.borrow_mut();
        running.retain(|task| !task.is_finished());
        running.push(spawn_local(task).abort_handle());
    }

    /// Ends all of them.
    pub fn stop(&self) {
        self.running.borrow_mut().drain(..).for_each(|task| task.abort());
    }
}
