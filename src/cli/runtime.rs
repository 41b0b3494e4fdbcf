//! The event loop of a command, and the signals that end it early.

use std::future::Future;

use super::usage::Usage;

/// One thread is enough: everything waits for the network.
pub fn in_runtime<T>(work: impl Future<Output = Result<T, Usage>>) -> Result<T, Usage> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Usage(format!("this system gives callcheck no event loop: {error}")))?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// Ctrl-C, or the signals by which services and terminals end a program.
pub async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut hang_up)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
            return std::future::pending().await;
        };
        tokio::select! {
            biased;
            Ok(()) = tokio::signal::ctrl_c() => {}
            Some(()) = terminate.recv() => {}
            Some(()) = hang_up.recv() => {}
            else => std::future::pending().await,
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
