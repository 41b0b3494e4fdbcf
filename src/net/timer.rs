//! Waiting for what is due.

use std::time::Instant;

/// Waits until a moment; for ever where nothing is due.
pub async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
