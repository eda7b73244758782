//! How a lasting process ends: a signal asks it to finish; Ctrl-C after that, or 30 seconds, end it.
//!
//! SIGTERM is often sent twice, by a service manager to every process and by `serve` to its workers: that is one request to finish.

use std::{future::Future, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long a process may take to finish after the first signal.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `process` with a token that the first SIGINT or SIGTERM cancels.
pub(super) async fn until_signalled<F>(process: impl FnOnce(CancellationToken) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let mut signals = Signals::new()?;
    let stopping = CancellationToken::new();
    let mut running = std::pin::pin!(process(stopping.clone()));
    tokio::select! {
        ended = &mut running => return ended,
        () = signals.next() => tracing::info!("stopping; Ctrl-C ends at once"),
        () = stopping.cancelled() => {}
    }
    stopping.cancel();
    tokio::select! {
        ended = running => ended,
        _ = signals.interrupt.recv() => anyhow::bail!("ended by Ctrl-C before everything had finished"),
        () = tokio::time::sleep(PATIENCE) => anyhow::bail!("not everything had finished after {PATIENCE:?}"),
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
